//! What `--help` teaches: what each verb is for, by example.

pub(super) const ABOUT: &str = "\
A laboratory for message-delivery semantics.

Entrega runs producers and consumers against an in-memory log (as Kafka is one) and an in-memory queue \
(as RabbitMQ and SQS are), in virtual time and with injected faults, and says of every message whether \
it was lost, duplicated or reordered, and why. The same scenario and seed give the same bytes on every \
machine.

Start with
  entrega list
  entrega compare simulations/purchase-emails.toml
and follow the `entrega replay` commands that it prints. `entrega live` runs the same scenario for real.";

pub(super) const CODES: &str = "\
Exit codes:
  0  everything that the scenario expects holds (`check`: every promise was kept;
     `live`: nothing came out that must not)
  1  it does not (`check`: a promise was broken, or nobody can tell; `live`: also, something
     did not come to rest), or Ctrl-C ended the work
  2  the usage or the input is wrong; the message says where, and what would be valid
  130  a second Ctrl-C ended the program. The first lets `compare`, `explore`, `live` and
     `table` print what they have found until then, and leave with 1

Results go to the standard output, progress to the standard error. NO_COLOR switches colours off.";

pub(super) const RUN: &str = "\
Examples:
  entrega run simulations/purchase-emails.toml
  entrega run simulations/purchase-emails.toml --model queue --strategy process-then-settle --seed 7
  entrega run orders.toml --set workload.messages=100 --set faults.effect.after.crash=1/10
  entrega run orders.toml --format json --output report.json --history orders.jsonl

Exit codes:
  0  every [[expect]] of the scenario that speaks of this model and strategy holds
  1  one does not
  2  the usage or the scenario is wrong, or the run does not fit into memory
  130  Ctrl-C ended the program; with --history, the old history is still there";

pub(super) const TABLE: &str = "\
Examples:
  entrega table
  entrega table --model queue --strategy process-then-settle
  entrega table --fault zombie --format markdown
  entrega table --fault C1 --fault QL
  entrega table --format json --output table.json

A cell is a strategy under a setting, on a model, under a kind of fault. Every run in which that fault happens \
once (and its companion, if it has one) is made, at every place and with every delay that can make a \
difference, in a family of small worlds. They have 2 to 4 messages of one key or of two that take turns, stored \
while consumers ask or before these start; one or two consumers and, on a log, partitions; a prefetch, an N and \
a batch of 1 to 3, and 2 or 3 workers, as far as the row reads these and does not fix them.

By default a row is tried in some thirty worlds, in which every three of these values occur together; with \
--family all in every combination, which takes much longer. What a world shows without a fault is taken away \
from what it shows with one, world by world; a letter stands in a cell if any world is left that shows it. \
`entrega replay truth-table STRING` shows a run of any of them.

Exit codes:
  0  everything was tried in every cell
  1  some cell is incomplete: raise --budget, unless Ctrl-C ended the work, or a small world took
     longer than --patience. What was explored until then is printed, with the rows that are
     unknown; the text says why, as the fields `ended` and `unknown` of the JSON do
  2  the usage is wrong
  130  a second Ctrl-C ended the program; nothing was printed";

pub(super) const COMPARE: &str = "\
Examples:
  entrega compare simulations/purchase-emails.toml
  entrega compare simulations/purchase-emails.toml --seeds 5 --model queue
  entrega compare orders.toml --strategy process-then-settle --strategy deduplicating-sink
  entrega compare orders.toml --format json --output table.json --quiet
  entrega compare orders.toml --profile rabbitmq-quorum,sqs-standard

Exit codes:
  0  every [[expect]] of the scenario holds in every run
  1  one does not, or Ctrl-C ended the work
  2  the usage or the scenario is wrong
  130  a second Ctrl-C ended the program; nothing was printed";

pub(super) const EXPLORE: &str = "\
`compare` says how often something happens; this says whether it can happen at all. A small version of the \
scenario is run with every combination of at most K faults at every place where they fit, and at most P \
changes of order: a request or a deadline comes before its turn, or a handler goes on or a poll gives up \
after all others. What can go wrong is what the scenario names under [faults] \
and [[script]], however seldom; --all-faults tries every fault point.

Nothing takes any time in this version: all messages are there from the start, and what is delayed goes on \
when all is calm, when the next lease, session or timeout has ended, or when somebody else has taken over. \
A schedule is cut short when it comes to a state that was seen before. If the numbers of the scenario say \
that a handler may outlast a lease or max_poll_interval by itself, up to two handlers of a run do, which \
counts as no fault.

What is found:
  always      in every schedule, even without a fault
  sometimes   in some; the simplest one is told in a sentence, with the lines of its timeline that
              decide (--timelines prints all of them); `entrega replay` repeats it step by step
  never       in none, and every one was tried: within these bounds it is impossible
  not found   in none so far, which proves nothing: the budget (--budget) or Ctrl-C ended the search, or
              time can do more in the scenario itself than was tried (\"not tried: …\" above the table)

Examples:
  entrega explore simulations/purchase-emails.toml
  entrega explore orders.toml --model queue --strategy process-then-settle --faults 2
  entrega explore orders.toml --all-faults --messages 2 --preemptions 0
  entrega explore orders.toml --format json --output found.json --quiet

Exit codes:
  0  nothing that an [[expect]] of the scenario wants to be 0 was found. Other conditions, such as
     duplicated = \">0\", speak of many messages and are left to `run` and `compare`
  1  something was, or Ctrl-C ended the search, or the budget did before everything was tried
  2  the usage or the scenario is wrong, or a run got stuck or panicked
  130  a second Ctrl-C ended the program; nothing was printed";

pub(super) const LIVE: &str = "\
Every model and strategy of the scenario runs once, for real: each consumer is a task with the client \
library at its side, the broker decides on the machine's clock, and what the scenario names under [faults] \
and [[script]] is done to them: futures are dropped and started again, processes stand still while their \
leases end, requests and answers are lost. The same checker judges what came out.

What goes wrong is chosen by the same streams as in `compare`, by point and occurrence, but the machine says \
who meets it: no two runs are alike, and a seed does not repeat one.

Arrivals, handlers, leases, sessions and stalls are compressed by one factor. By default it leaves the \
shortest lease 200 ms of real time and consumers the time to keep up. A lease that ends because the machine \
was busy is a real one: the message is delivered again. There is no network: legs take no time, and requests \
cannot be late. What is left out is said on the standard error.

Counts and verdicts of one run are held against [[expect]] where they limit what may happen. That something \
should happen (duplicated = \">0\") speaks of many runs; where it did not, that is said and counts for nothing. \
At the end the simulator runs the same messages, with the same odds and ten seeds, and the verdicts are compared.

A line of progress says
  sent       acknowledged sends
  lag        effects that acknowledged messages still lack, over all subscriptions
  repeated   effects beyond the first of a message
  harmed     how often a process crashed or stood still
What is lost can only be said at the end: until then a promise is at best not refuted.

Examples:
  entrega live simulations/purchase-emails.toml
  entrega live orders.toml --model queue --strategy process-then-settle --messages 5000
  entrega live orders.toml --time-scale 1 --set faults.effect.after.crash=1/20
  entrega live orders.toml --format json --output live.json --quiet

Exit codes:
  0  nothing came out that an [[expect]] of the scenario forbids, and no promise was broken that the
     simulator finds kept
  1  something did, or a configuration did not come to rest, or Ctrl-C ended the work: then what was
     finished is printed, marked as PARTIAL
  2  the usage or the scenario is wrong
  130  a second Ctrl-C ended the program; nothing was printed";

pub(super) const REPLAY: &str = "\
`run`, `compare`, `explore` and `table` print replay strings. One names everything that made a run what it was: the \
scenario's digest, the seed, model and strategy, and what was changed by --set. One that begins with 2 is of a run by \
chance: its seed says what goes wrong. One that begins with 1 lists every fault.

Examples:
  entrega replay orders.toml 2:4f2a91c0:7:queue:process-then-settle::9b1e
  entrega replay orders.toml 1:4f2a91c0:7:queue:process-then-settle:messages=5:mailer.effect.after#2=crash:9b1e
  entrega replay orders.toml @run.txt

Exit codes:
  0  the run was repeated
  2  the string is damaged, or belongs to another scenario, another version of it or other --set";

pub(super) const CHECK: &str = "\
A history is a header, a line for every event and a closing line. Three events are enough to have a \
real system judged:

  {\"entrega_history\":1,\"model\":\"queue\",\"subscriptions\":[{\"name\":\"mailer\",\"guarantee\":\"at-least-once\"}]}
  {\"event\":\"send.invoke\",\"message\":\"order-1\"}
  {\"event\":\"send.ok\",\"message\":\"order-1\"}
  {\"event\":\"effect\",\"message\":\"order-1\"}
  {\"end\":\"quiescent\"}

The file may be compressed with gzip; - reads the standard input. An `at` is a number of nanoseconds or a \
timestamp such as \"2024-05-01T12:00:00.123456789Z\". Times may not go backwards, unless --skew says by how \
much machines' clocks differ: then the lines count in the order in which they stand, or with --sort in \
the order of their times.

Of each kind of anomaly the first message is told, with the lines that are about it; --list names all \
messages of the kinds that it is given.

Examples:
  entrega check orders.jsonl
  zstdcat orders.jsonl.zst | entrega check -
  entrega check orders.jsonl.gz --sort --skew 50ms --lenient
  entrega check orders.jsonl --list lost,duplicated
  entrega run orders.toml --history orders.jsonl && entrega check orders.jsonl --format json

Exit codes:
  0  every subscription's promise was kept
  1  one was broken, or nobody can tell
  2  the history is malformed or cut short";

pub(super) const LIST: &str = "\
Examples:
  entrega list
  entrega list my/scenarios
  entrega list profiles";

pub(super) const NEW: &str = "\
Example:
  entrega new orders.toml && entrega run orders.toml";

pub(super) const SCHEMA: &str = "\
Example:
  entrega schema --output scenario.schema.json

An editor that knows TOML schemas then completes and checks a scenario that begins with
  #:schema ./scenario.schema.json";

pub(super) const COMPLETIONS: &str = "\
Examples:
  entrega completions bash > ~/.local/share/bash-completion/completions/entrega
  entrega completions zsh > ~/.zfunc/_entrega
  entrega completions fish > ~/.config/fish/completions/entrega.fish";
