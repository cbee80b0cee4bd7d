//! Every kind of mistake, with the place and the words in which it is told.

use entrega_clients::Strategy;

use super::parse;

/// `expect` is `line:column: message`.
pub(super) fn check(text: &str, expect: &str) {
    let problem = parse(text, &[]).err().map(|problem| super::Problem { help: None, ..problem });
    let shown = problem.map_or_else(|| "no mistake".to_owned(), |problem| problem.to_string());
    assert_eq!(shown.trim_start_matches("dir/x.toml:"), expect, "{text}");
}

pub(super) fn check_help(text: &str, expect: &str) {
    let help = parse(text, &[]).err().and_then(|problem| problem.help);
    assert_eq!(help.as_deref(), Some(expect), "{text}");
}

#[track_caller]
fn check_override(path: &str, value: &str, expect: &str) {
    let problem = parse("[workload]\nfrom = 'orders.csv'", &[(path, value)]).err();
    let shown = problem.map(|problem| super::Problem { help: None, ..problem }.to_string());
    assert_eq!(shown.as_deref(), Some(expect));
}

#[test]
fn mistakes_in_the_workload_one() {
    check("[workload]\nmesages = 5", "2:1: unknown field `mesages` in [workload]");
    check("[workload]\nmessages = 0", "2:12: `messages` is 0; it is at least 1");
    check(
        "[workload]\nmessages = 100000001",
        "2:12: `messages` is 100000001; it is at most 100000000",
    );
    check(
        "[workload]\nmessages = 'ten'",
        "2:12: `messages` must be a whole number from 1 to 100000000, or \"none\", not \"ten\"",
    );
    check(
        "[workload]\nmessages = 5\nfrom = 'orders.csv'",
        "2:12: `messages` and `from` exclude each other",
    );
    check("[workload]\nfrom = 'orders.csv'\nkeys = 3", "3:8: `keys` and `from` exclude each other");
    check(
        "[workload]\nfrom = 'missing.csv'",
        "2:8: cannot read `missing.csv`: there is no such file",
    );
    check(
        "[workload]\nfrom = 'orders.xml'",
        "dir/orders.xml: the format of this workload file is unknown",
    );
    check("[workload]\nfrom = 'broken.csv'", "dir/broken.csv:3:1: `soon` is no time");
    check("[workload]\nkeys = 0", "2:8: `keys` is 0; it is at least 1");
    check("[workload]\nbody = 'oder'", "2:8: unknown value `oder`");
    check(
        "[workload]\nbytes = 10",
        "2:9: `bytes` is the size of an opaque body; an order has the size of its text",
    );
    check(
        "[workload]\nkey_distribution = 'zipf'",
        "2:20: `key_distribution` must be a table, or \"none\", not \"zipf\"",
    );
    check("[workload]\nkey_distribution = { distribution = 'zip' }", "2:37: unknown value `zip`");
    check(
        "[workload]\nkey_distribution = { distribution = 'zipf' }",
        "2:20: missing field `exponent` in [workload.key_distribution]",
    );
    check(
        "[workload]\nkey_distribution = { exponent = 1 }",
        "2:20: missing field `distribution` in [workload.key_distribution]",
    );
    check(
        "[workload]\nkey_distribution = { distribution = 'zipf', exponent = -1 }",
        "2:56: `exponent` is -1; it lies between 0 and 10",
    );
}

#[test]
fn mistakes_in_the_workload_two() {
    check(
        "[workload]\nkey_distribution = { distribution = 'zipf', exponent = nan }",
        "2:56: `exponent` is NaN; it lies between 0 and 10",
    );
    check(
        "[workload]\narrivals = { distribution = 'poisson', rate_per_second = -3 }",
        "2:58: `rate_per_second` is -3; it lies between 0.000001 and 1000000000",
    );
    check(
        "[workload]\narrivals = { distribution = 'poisson', rate_per_second = 'x' }",
        "2:58: `rate_per_second` must be a number from 0.000001 to 1000000000, not \"x\"",
    );
    check(
        "[workload]\narrivals = { distribution = 'constant', rate = 3 }",
        "2:41: unknown field `rate` in [workload.arrivals]",
    );
    check(
        "[workload]\narrivals = { distribution = 'constant', rate_per_second = 0.000001 \
        }\nmessages = 1000000",
        "2:59: 1000000 messages take more than 100 years at this rate",
    );
    check(
        "[workload]\narrivals = { distribution = 'burst', burst_size = 0, every = '1s' }",
        "2:51: `burst_size` is 0; it is at least 1",
    );
    check(
        "[workload]\narrivals = { distribution = 'burst', burst_size = 2, every = '1x' }",
        "2:62: invalid duration `1x`: a duration is a number and a unit (ns, us, ms, s, min, h, \
        d), as in \"1.5s\"",
    );
    check("workload = 3", "1:12: `workload` must be a table, not 3");
}

#[test]
fn mistakes_at_the_top() {
    check("titel = 'x'", "1:1: unknown field `titel` at the top level");
    check("[workload\n", "1:10: unclosed table, expected `]`");
    check("a = 1\na = 2", "2:1: duplicate key");
    check("models = ['lgo']", "1:11: unknown value `lgo`");
    check("models = []", "1:10: `models` is empty");
    check("models = ['log', 'log']", "1:18: `log` is listed twice");
    check("models = 'log'", "1:10: `models` must be a list, not \"log\"");
    check("strategies = ['proces-then-settle']", "1:15: unknown value `proces-then-settle`");
    check("seeds = 0", "1:9: `seeds` is 0; it is at least 1");
    check("seeds = -1", "1:9: `seeds` must be a whole number from 1 to 1000000, not -1");
    check(
        "seeds = 99999999999999999999999",
        "1:9: `seeds` must be a whole number from 1 to 1000000, not 99999999999999999999999",
    );
    check("expect = 1979-05-27", "1:10: `expect` must be a list, not the date or time 1979-05-27");
    check(
        "title = 1979-05-27",
        "1:9: `title` must be a text in quotes, not the date or time 1979-05-27",
    );
    check(
        "narration = \"\"\"\nééé\n\"\"\"\nédition = 1",
        "4:1: invalid unquoted key, expected letters, numbers, `-`, `_`",
    );
}

#[test]
fn mistakes_in_settings() {
    check("[producer]\nstrategy = 'fire-and-forgot'", "2:12: unknown value `fire-and-forgot`");
    check(
        "[producer]\nrequest_timeout = '30'",
        "2:19: invalid duration `30`: a duration needs a unit: ns, us, ms, s, min, h or d, as in \
        \"1.5s\"",
    );
    check(
        "[producer]\nrequest_timeout = 30",
        "2:19: invalid duration `30`: a duration needs a unit: ns, us, ms, s, min, h or d, as in \
        \"1.5s\"",
    );
    check(
        "[producer]\nrequest_timeout = '0s'",
        "2:19: `request_timeout` is 0s; it is longer than no time",
    );
    check("[consumer]\nprefetch = 0", "2:12: `prefetch` is 0; it is at least 1");
    check("[consumer]\nsettle_every = 0", "2:16: `settle_every` is 0; it is at least 1");
    for word in ["requeue", "reject"] {
        let said = format!("2:12: `{word}` gives a message back, and a log cannot take it");
        check(&format!("[consumer]\non_error = '{word}'"), &said);
    }
    check(
        "[consumer]\non_error = 'requeue'\nmax_poll_interval = '0s'\n",
        "3:21: `max_poll_interval` is 0s; it is longer than no time",
    );
    check(
        "[consumer]\nbatch_on_failure = 'abandon'",
        "2:20: `abandon` leaves a batch to the end of its leases, and a log has none",
    );
    check("models = ['queue']\nconsumer.batch_on_failure = 'abandon'", "no mistake");
    check("[consumer]\non_error = 'ignore'", "2:12: unknown value `ignore`");
    check("[log]\npartitions = 0", "2:14: `partitions` is 0; it is at least 1");
    check(
        "[log]\npartitions = 70000",
        "2:14: `partitions` must be a whole number from 1 to 10000, not 70000",
    );
    check(
        "[log]\nsession_timeout = '40000d'",
        "2:19: invalid duration `40000d`: a duration is at most 36500d",
    );
    check("[log]\nauto_offset_reset = 'newest'", "2:21: unknown value `newest`");
    check("[queue]\noverflow = 'drop_head'", "2:12: unknown value `drop_head`");
    check("[queue]\ndead_letter = 'yes'", "2:15: `dead_letter` must be true or false, not \"yes\"");
    check(
        "[network]\nlatency = '0.5ns'",
        "2:11: invalid duration `0.5ns`: a duration has no part finer than a nanosecond",
    );
    check("[limits]\nsteps = 0", "2:9: `steps` is 0; it is at least 1");
}

#[test]
fn mistakes_in_the_sink() {
    check("[sink]\ndedup = 'atomc'", "2:9: unknown value `atomc`");
    check(
        "[sink]\ndedup = 'atomic'\ndedup_window = '0s'",
        "3:16: `dedup_window` is 0s; it is longer than no time",
    );
    check(
        "[sink]\ndedup = 'atomic'\ndedup_entries = 0",
        "3:17: `dedup_entries` is 0; it is at least 1",
    );
    let text =
        "strategies = ['process-then-settle', 'progress-with-effect']\nsink.dedup = 'atomic'";
    check(
        text,
        "2:14: the sink of `progress-with-effect` keeps the consumer's progress in the transaction \
         of the effect; that keeps a second effect out, and no key is looked for",
    );
    check_help(text, "leave `dedup` out, or `progress-with-effect` out of `strategies`");
    check("strategies = ['progress-with-effect']\nsink.dedup = 'none'", "no mistake");
}

#[test]
fn mistakes_in_subscriptions() {
    check("subscriptions = []", "1:17: there are 0 subscriptions; there are 1 to 8");
    check("[[subscriptions]]\nconsumers = 1", "1:1: missing field `name` in [[subscriptions]]");
    check("[[subscriptions]]\nname = 'Mailer'", "2:8: `Mailer` is no name for a subscription");
    check(
        "[[subscriptions]]\nname = 'a'\n[[subscriptions]]\nname = 'b'\n[[subscriptions]]\nname = \
        'a'",
        "6:8: there are two subscriptions `a`",
    );
    check(
        "[[subscriptions]]\nname = 'a'\nconsumers = 0",
        "3:13: `consumers` is 0; it is at least 1",
    );
    check(
        "[[subscriptions]]\nname = 'a'\nservice_time = { distribution = 'log-normal', medain = \
        '1ms', sigma = 1 }",
        "3:47: unknown field `medain` in `service_time` of [[subscriptions]]",
    );
    check(
        "[[subscriptions]]\nname = 'a'\nservice_time = { distribution = 'uniform', min = '2ms', \
        max = '1ms' }",
        "3:50: `min` is 2ms, longer than `max`, 1ms",
    );
    check(
        "[[subscriptions]]\nname = 'a'\nservice_time = { distribution = 'constant', value = '1 \
        parsec' }",
        "3:53: invalid duration `1 parsec`: a duration is a number and a unit (ns, us, ms, s, \
        min, h, d), as in \"1.5s\"",
    );
    check(
        "[[subscriptions]]\nname = 'a'\n[subscriptions.service_time]\ndistribution = \
        'log-normal'\nmedian = '5ms'\nsigma = 9.0",
        "6:9: `sigma` is 9; it lies between 0 and 5",
    );
    check(
        "[[subscriptions]]\nname = 'a'\nfaults.send.request = { lost = 0.5 }",
        "3:23: `send.request` belongs to no subscription",
    );
    check(
        "[[subscriptions]]\nname = 'a'\nfaults.effect.befor = { crash = 0.5 }",
        "3:15: unknown field `befor` in `faults.effect` of [[subscriptions]]",
    );
}

#[test]
fn mistakes_in_faults() {
    check(
        "[faults]\neffect.before = { crash = '3/2' }",
        "2:27: `3/2`: a probability is at most 1 (or 100%)",
    );
    check(
        "[faults]\neffect.before = { crash = 'often' }",
        "2:27: \"often\" is not a probability; valid are for example 1/200, 0.005, 0.5%, 0 and 1",
    );
    check(
        "[faults]\neffect.before = { crash = -0.1 }",
        "2:27: `-0.1`: a probability is at least 0",
    );
    check("[faults]\neffect.before = '1/1000'", "2:17: `before` must be a table, not \"1/1000\"");
    check(
        "[faults]\neffect.before = { crsh = '1/1000' }",
        "2:19: unknown field `crsh` in [faults.effect.before]",
    );
    check(
        "[faults]\nsettle.request = { lost = 0.5, late = 0.5, duplicated = 0.1 }",
        "2:18: the probabilities of `settle.request` add up to more than 1",
    );
    check("[faults]\nsetle.request = { lost = 0.5 }", "2:1: unknown field `setle` in [faults]");
    check(
        "[faults.process]\nstall = { stall = 0.5 }",
        "2:11: unknown field `stall` in [faults.process.stall]",
    );
    check(
        "[faults]\nprocess.stall = { before = '60%', after = '60%' }",
        "2:17: the probabilities of `process.stall` add up to more than 1",
    );
}

#[test]
fn mistakes_in_scripts() {
    check(
        "[[script]]\npoint = 'reader.effect.aftr'\nalternative = 'crash'\nnth = 1",
        "2:9: there is no fault point `reader.effect.aftr`",
    );
    check(
        "[[script]]\npoint = ''\nalternative = 'lost'\nnth = 1",
        "2:9: there is no fault point ``",
    );
    check(
        "[[script]]\npoint = 'reader.effect.after'\nalternative = 'lost'\nnth = 1",
        "3:15: `lost` cannot happen at `reader.effect.after`",
    );
    check(
        "[[script]]\npoint = 'reader.effect.after'\nalternative = 'crash'",
        "1:1: a scripted fault has `nth` or `at`, one of them",
    );
    check(
        "[[script]]\npoint = 'reader.effect.after'\nalternative = 'crash'\nnth = 1\nat = '1s'",
        "1:1: a scripted fault has `nth` or `at`, not both",
    );
    check(
        "[[script]]\npoint = 'reader.effect.after'\nalternative = 'crash'\nnth = 0",
        "4:7: `nth` is 0; it is at least 1",
    );
}

#[test]
fn mistakes_in_expectations() {
    check(
        "[[expect]]\nlost = 'few'",
        "2:8: invalid condition `few`: a condition is a number, or one of = != < <= > >= and a \
        number, as in \">0\"",
    );
    check("[[expect]]\nmodel = 'log'", "1:1: an expectation expects nothing");
    check(
        "[[expect]]\nsubscription = 'raeder'\nlost = 0",
        "2:16: there is no subscription `raeder`",
    );
    check(
        "models = ['queue']\n[[expect]]\nmodel = 'log'\nlost = 0",
        "3:9: `log` is none of the scenario's models",
    );
    check("[[expect]]\nverdict = 'good'", "2:11: unknown value `good`");
}

#[test]
fn help_says_what_would_be_valid() {
    check_help(
        "[workload]\nmesages = 5",
        "did you mean `messages`? valid here: messages, from, body, bytes, keys, \
        key_distribution, arrivals, due_after",
    );
    check_help(
        "titel = 'x'",
        "did you mean `title`? valid here: title, narration, profile, client, models, strategies, \
        seeds, workload, producer, subscriptions, consumer, sink, log, queue, network, times, \
        faults, script, limits, expect",
    );
    check_help("models = ['lgo']", "did you mean `log`? valid here: log, queue");
    check_help("models = []", "leave it out for all");
    let strategies = Strategy::ALL.map(Strategy::name).join(", ");
    check_help(
        "strategies = ['proces-then-settle']",
        &format!("did you mean `process-then-settle`? valid here: {strategies}"),
    );
    check_help(
        "[workload]\nmessages = 5\nfrom = 'orders.csv'",
        "the file says which messages there are; remove one of them",
    );
    check_help("[workload]\nfrom = 'orders.xml'", "name it .csv or .jsonl");
    check_help(
        "[workload]\nfrom = 'broken.csv'",
        "seconds as 12.345, a duration as 250ms, or a date as 2026-03-01T09:00:00Z",
    );
    check_help("[workload]\nbody = 'oder'", "did you mean `order`? valid here: order, opaque");
    check_help("[workload]\nbytes = 10", "write body = \"opaque\", or remove `bytes`");
    check_help(
        "[workload]\nkey_distribution = { distribution = 'zip' }",
        "did you mean `zipf`? valid here: uniform, zipf",
    );
    check_help("[workload]\nkey_distribution = { distribution = 'zipf' }", "add `exponent = 1.0`");
    check_help(
        "[workload]\nkey_distribution = { exponent = 1 }",
        "add `distribution = \"uniform\"`",
    );
    check_help(
        "[workload]\narrivals = { distribution = 'constant', rate = 3 }",
        "valid here: rate_per_second",
    );
}

#[test]
fn help_says_which_words_would_be_valid() {
    check_help(
        "[producer]\nstrategy = 'fire-and-forgot'",
        "did you mean `fire-and-forget`? valid here: confirmed, fire-and-forget",
    );
    check_help("[[subscriptions]]\nconsumers = 1", "add `name = \"mailer\"`");
    check_help(
        "[[subscriptions]]\nname = 'Mailer'",
        "a lower-case letter, then lower-case letters, digits and hyphens",
    );
    check_help(
        "[[subscriptions]]\nname = 'a'\nservice_time = { distribution = 'log-normal', medain = \
        '1ms', sigma = 1 }",
        "did you mean `median`? valid here: median, sigma",
    );
    check_help(
        "[[subscriptions]]\nname = 'a'\nfaults.send.request = { lost = 0.5 }",
        "write `send.request` under [faults]",
    );
    check_help(
        "[[subscriptions]]\nname = 'a'\nfaults.effect.befor = { crash = 0.5 }",
        "did you mean `before`? valid here: before, request, response, after",
    );
    check_help(
        "[consumer]\non_error = 'requeue'",
        "on a log: retry, skip, skip-and-settle, crash, dead-letter; or write models = \
        [\"queue\"]",
    );
    check_help(
        "[consumer]\non_error = 'ignore'",
        "valid here: retry, skip, skip-and-settle, requeue, reject, crash, dead-letter, retry-topic",
    );
    check_help(
        "[log]\nauto_offset_reset = 'newest'",
        "valid here: latest, earliest, none, by-duration",
    );
    check_help(
        "[queue]\noverflow = 'drop_head'",
        "did you mean `drop-head`? valid here: drop-head, reject-publish, discard-old, discard-new",
    );
    check_help(
        "[faults]\neffect.before = { crsh = '1/1000' }",
        "did you mean `crash`? valid here: crash",
    );
    check_help(
        "[faults]\nsetle.request = { lost = 0.5 }",
        "did you mean `settle`? valid here: send, broker, receive, message, handler, process, group, \
        effect, settle, dead_letter, connection, replica, sink",
    );
    check_help("[faults.process]\nstall = { stall = 0.5 }", "valid here: before, after");
    check_help(
        "[[script]]\npoint = 'reader.effect.after'\nalternative = 'lost'\nnth = 1",
        "valid here: crash",
    );
}

#[test]
fn help_says_what_is_missing() {
    check_help(
        "[[script]]\npoint = 'reader.effect.after'\nalternative = 'crash'",
        "write nth = 3 for the third occurrence, or at = \"1.5s\"",
    );
    check_help("[[expect]]\nmodel = 'log'", "state a count, as in lost = \"0\", or a verdict");
    check_help(
        "[[expect]]\nsubscription = 'raeder'\nlost = 0",
        "did you mean `reader`? valid here: reader",
    );
    check_help("[[expect]]\nverdict = 'good'", "valid here: valid, invalid, unknown");
}

#[test]
fn mistakes_in_overrides_name_the_override() {
    let check = check_override;
    check(
        "workload.mesages",
        "5",
        "--set workload.mesages=5: unknown field `mesages` in [workload]",
    );
    check(
        "seeds",
        "many",
        "--set seeds=many: `seeds` must be a whole number from 1 to 1000000, not \"many\"",
    );
    check(
        "log",
        "{ partitions = 0 }",
        "--set log={ partitions = 0 }: `partitions` is 0; it is at \
         least 1",
    );
    check(
        "workload.messages",
        "3",
        "--set workload.messages=3: `messages` and `from` exclude each other",
    );
    check(
        "workload.from.x",
        "5",
        "--set workload.from.x=5: `from` is no table and has nothing inside",
    );
    check("a..b", "5", "--set a..b=5: `a..b` is no path; one looks like workload.messages");
    check("", "5", "--set =5: `` is no path; one looks like workload.messages");
    check(
        "subscriptions.mailer.consumers",
        "1",
        "--set subscriptions.mailer.consumers=1: there is no item `mailer` among 1; name one or \
         number it from 0",
    );
    check(
        "faults.effect.before.crash",
        "2",
        "--set faults.effect.before.crash=2: `2`: a \
         probability is at most 1 (or 100%)",
    );
}
