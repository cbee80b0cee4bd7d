//! Scenarios made up: few messages, and numbers around the thresholds.

use std::fmt;

use entrega_clients::Strategy;
use entrega_lab::{Configuration, LoadedScenario, Model};

use crate::dice::Dice;

/// A scenario and who is looked at.
pub(crate) struct MadeUp {
    text: String,
    pub(crate) configuration: Configuration,
}

/// How long a handler needs at most, in milliseconds: everything else is near a multiple of it.
const SERVICE: u64 = 10_000;

/// Whether scenarios are made up of a strategy. Of one whose effects are transactions of the broker
/// an exploration takes minutes; `tests/semantics` holds it to its promise.
pub(crate) fn is_made(strategy: &Strategy) -> bool {
    !strategy.spec().sink.is_broker()
}

impl MadeUp {
    pub(crate) fn new(number: u64) -> Self {
        let mut dice = Dice::new(number);
        let model = *dice.pick(&[Model::Log, Model::Queue]);
        let strategies =
            Strategy::ALL.into_iter().filter(|one| one.supports(model) && is_made(one));
        let strategies: Vec<Strategy> = strategies.collect();
        let strategy = *dice.pick(&strategies);
        let dice = &mut Spans { far: dice.once_in(2), dice };
        let parts = [traffic, consumer, brokers, network, faults];
        let text = parts.map(|part| part(dice)).concat();
        Self { text, configuration: Configuration { model, strategy } }
    }

    pub(crate) fn loaded(&self) -> LoadedScenario {
        LoadedScenario::parse("made-up.toml", &self.text)
            .unwrap_or_else(|problem| panic!("{problem}\n{self}"))
    }
}

impl fmt::Display for MadeUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.configuration, self.text)
    }
}

/// Dice that draw spans too.
struct Spans {
    dice: Dice,
    /// Whether nearly all spans are far from every threshold, so that comparisons are silent.
    far: bool,
}

impl std::ops::Deref for Spans {
    type Target = Dice;

    fn deref(&self) -> &Dice {
        &self.dice
    }
}

impl std::ops::DerefMut for Spans {
    fn deref_mut(&mut self) -> &mut Dice {
        &mut self.dice
    }
}

/// A span at a threshold: a few service times, a little more or less, or something else.
fn near(dice: &mut Spans) -> String {
    if dice.far && !dice.once_in(12) {
        return "\"10min\"".to_owned();
    }
    let times = 1 + dice.below(5) as u64;
    let off = *dice.pick(&[0, 0, 1, 8, 100, 3_000]);
    let (below, above) = (times * SERVICE - off, times * SERVICE + off);
    format!("\"{}ms\"", dice.pick(&[below, above, SERVICE / 2, 60_000]))
}

fn traffic(dice: &mut Spans) -> String {
    let service = dice.pick(&[
        "{ distribution = \"constant\", value = \"10s\" }",
        "{ distribution = \"constant\", value = \"10s\" }",
        "{ distribution = \"uniform\", min = \"1s\", max = \"10s\" }",
        "{ distribution = \"exponential\", mean = \"3s\" }",
        "{ distribution = \"log-normal\", median = \"5s\", sigma = 0.5 }",
    ]);
    let arrivals = dice.pick(&[
        "{ distribution = \"burst\", burst_size = 4, every = \"1s\" }",
        "{ distribution = \"burst\", burst_size = 2, every = \"15s\" }",
        "{ distribution = \"constant\", rate_per_second = 1 }",
        "{ distribution = \"constant\", rate_per_second = 0.05 }",
        "{ distribution = \"poisson\", rate_per_second = 0.4 }",
        "{ distribution = \"poisson\", rate_per_second = 0.05 }",
        "{ distribution = \"backlog\" }",
    ]);
    let producer = dice.pick(&["confirmed", "confirmed", "fire-and-forget"]);
    format!(
        "[workload]\nmessages = {}\nkeys = {}\narrivals = {arrivals}\n\
         [producer]\nstrategy = \"{producer}\"\n\
         [[subscriptions]]\nname = \"reader\"\nconsumers = {}\nservice_time = {service}\n",
        1 + dice.below(4),
        1 + dice.below(2),
        1 + dice.below(2),
    )
}

fn consumer(dice: &mut Spans) -> String {
    let mut text = format!(
        "[consumer]\ndrain_on_revoke = {}\nprefetch = {}\nsettle_every = {}\nsettle_interval = {}\nbatch_size = {}\n\
         batch_interval = {}\nworkers = {}\nkey_ordered = {}\nauto_commit_interval = {}\n",
        dice.once_in(2),
        1 + dice.below(4),
        1 + dice.below(3),
        near(dice),
        1 + dice.below(3),
        near(dice),
        1 + dice.below(3),
        dice.once_in(2),
        near(dice),
    );
    if dice.once_in(4) {
        text.push_str(&format!("request_timeout = {}\n", near(dice)));
    }
    if dice.once_in(2) {
        text.push_str("client = \"java\"\n");
    }
    if dice.once_in(4) {
        text.push_str("settle_confirmed = false\n");
    }
    if !dice.once_in(3) {
        text.push_str(&format!("max_poll_interval = {}\n", near(dice)));
    }
    text
}

fn brokers(dice: &mut Spans) -> String {
    let mut text = format!(
        "[log]\npartitions = {}\nauto_offset_reset = \"{}\"\nrebalance_timeout = {}\n\
         session_timeout = {}\n",
        1 + dice.below(2),
        dice.pick(&["earliest", "earliest", "earliest", "latest"]),
        near(dice),
        near(dice),
    );
    if dice.once_in(4) {
        text.push_str(&format!("retention_time = {}\nsegment_time = \"1s\"\n", near(dice)));
    }
    if dice.once_in(6) {
        text.push_str("retention_bytes = 200\nsegment_bytes = 100\n");
    }
    text.push_str(&format!(
        "[queue]\nvisibility_timeout = {}\nrequeue_on_disconnect = {}\n",
        near(dice),
        dice.once_in(2),
    ));
    if dice.once_in(3) {
        text.push_str(&format!("delivery_limit = {}\n", 1 + dice.below(3)));
    }
    if dice.once_in(4) {
        text.push_str(&format!("max_length = {}\n", 1 + dice.below(2)));
    }
    if dice.once_in(2) {
        text.push_str("dead_letter = true\n");
    }
    text
}

fn network(dice: &mut Spans) -> String {
    let latency = dice.pick(&["0s", "1ms", "50ms"]);
    let jitter = dice.pick(&["0s", "0s", "50ms", "3s"]);
    let limits = "[limits]\ndrain = \"7d\"\nsteps = 20_000\n";
    format!("[network]\nlatency = \"{latency}\"\njitter = \"{jitter}\"\n{limits}")
}

/// In every other scenario a fault, by chance or for certain.
fn faults(dice: &mut Spans) -> String {
    let mut delay = || *dice.pick(&["5s", "25s", "45s", "60s", "20min"]);
    let [stall, slow] = [delay(), delay()];
    let restart = *dice.pick(&["1s", "7s", "25s"]);
    let times = format!(
        "[times]\nstall = \"{stall}\"\nslow = \"{slow}\"\nrestart = \"{restart}\"\ngrace = {}\n",
        near(dice),
    );
    if dice.once_in(2) {
        return times;
    }
    let (point, alternative) = *dice.pick(&FAULTS);
    let fault = if dice.once_in(2) {
        format!("[faults]\n{point} = {{ {alternative} = 0.2 }}\n")
    } else {
        let nth = 1 + dice.below(3);
        format!(
            "[[script]]\npoint = \"reader.{point}\"\nalternative = \"{alternative}\"\nnth = {nth}\n"
        )
    };
    times + &fault
}

/// What goes wrong, if anything does.
const FAULTS: [(&str, &str); 13] = [
    ("effect.before", "crash"),
    ("effect.after", "crash"),
    ("settle.after", "crash"),
    ("process.stall", "before"),
    ("process.stall", "after"),
    ("process.shutdown", "drain"),
    ("process.shutdown", "abandon"),
    ("handler.slow", "slow"),
    ("handler.error", "transient"),
    ("message.poison", "poison"),
    ("settle.request", "lost"),
    ("settle.response", "lost"),
    ("group.rebalance", "before"),
];
