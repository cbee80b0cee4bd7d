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

impl MadeUp {
    pub(crate) fn new(number: u64) -> Self {
        let mut dice = Dice::new(number);
        let model = *dice.pick(&[Model::Log, Model::Queue]);
        let strategies = Strategy::ALL.into_iter().filter(|one| one.supports(model));
        let strategies: Vec<Strategy> = strategies.collect();
        let strategy = *dice.pick(&strategies);
        let text = [traffic(&mut dice), consumer(&mut dice), brokers(&mut dice)].concat();
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

/// A span at a threshold: a few service times, a little more or less, or something else.
fn near(dice: &mut Dice) -> String {
    let times = 1 + dice.below(5) as u64;
    let off = *dice.pick(&[0, 0, 1, 8, 100, 3_000]);
    let (below, above) = (times * SERVICE - off, times * SERVICE + off);
    format!("\"{}ms\"", dice.pick(&[below, above, SERVICE / 2, 60_000]))
}

fn traffic(dice: &mut Dice) -> String {
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
    ]);
    format!(
        "[workload]\nmessages = {}\nkeys = {}\narrivals = {arrivals}\n\
         [[subscriptions]]\nname = \"reader\"\nconsumers = {}\nservice_time = {service}\n",
        1 + dice.below(4),
        1 + dice.below(2),
        1 + dice.below(2),
    )
}

fn consumer(dice: &mut Dice) -> String {
    let mut text = format!(
        "[consumer]\nprefetch = {}\nsettle_every = {}\nsettle_interval = {}\nbatch_size = {}\n\
         batch_interval = {}\nworkers = {}\nkey_ordered = {}\nauto_commit_interval = {}\n",
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

fn brokers(dice: &mut Dice) -> String {
    let mut text = format!(
        "[log]\npartitions = {}\nauto_offset_reset = \"earliest\"\nrebalance_timeout = {}\n",
        1 + dice.below(2),
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
    let latency = dice.pick(&["0s", "1ms", "50ms"]);
    let limits = "[limits]\ndrain = \"7d\"\nsteps = 20_000\n";
    text.push_str(&format!("[network]\nlatency = \"{latency}\"\n{limits}"));
    text
}
