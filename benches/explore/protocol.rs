//! `process-then-settle` as it is run: the scenario, the space and the outcomes that stand beside
//! the hand-written model (`model.rs`).
//!
//! Three messages, one consumer that receives one message at a time, at most so many crashes and so
//! many lost legs of settles, each with a budget of its own, and no other choices.

use std::collections::BTreeSet;

use entrega::Exploration;
use entrega_clients::Strategy;
use entrega_model::fingerprint::Fingerprint;
use entrega_model::{Event, Kind, Model, Observer, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::points::{Act, Fault, info, own_point};
use entrega_scenario::workload::{Planner, Workload};
use entrega_sim::explore::{Budget, Explored, Scope, Space, Witness};
use entrega_sim::{Experiment, RunEnd};
use stateright::{Checker, Model as _, StateRecorder};

use crate::model::{MESSAGES, Outcome, Protocol, class};

const READER: SubscriptionId = SubscriptionId(0);

const SCENARIO: &str = r#"
[workload]
messages = 3
keys = 1

[[subscriptions]]
name = "reader"
consumers = 1

[consumer]
prefetch = 1
request_timeout = "1s"

[log]
session_timeout = "6s"
auto_offset_reset = "earliest"

[queue]
visibility_timeout = "10s"
"#;

/// The scenario in the scope of the model, with its messages.
pub(crate) struct Setting {
    scenario: Scenario,
    workload: Workload,
}

impl Setting {
    pub(crate) fn new() -> Self {
        let loaded = Scenario::parse("model.toml", SCENARIO, &[], &|_| Err("no files".to_owned()));
        let loaded = loaded.unwrap_or_else(|problem| panic!("{problem}"));
        let messages = MESSAGES as u32;
        let scope = Scope { subscription: READER, messages, consumers: 1, partitions: 1 };
        let scenario = scope.of(&loaded.scenario);
        let workload = Planner::new(&scenario).plan(None, 1);
        Self { scenario, workload }
    }

    /// What the simulator explores where stateright checks `protocol`.
    pub(crate) fn exploration(&self, protocol: Protocol) -> Exploration<'_> {
        let experiment = Experiment {
            scenario: &self.scenario,
            workload: &self.workload,
            model: if protocol.is_log { Model::Log } else { Model::Queue },
            strategy: Strategy::ProcessThenSettle,
            seed: 1,
        };
        let crashes = [Fault::EffectBefore, Fault::EffectAfter, Fault::SettleAfter];
        let losses = [Fault::SettleRequest, Fault::SettleResponse];
        let space = Space::new(vec![
            budget(protocol.crashes, &crashes, Act::Crash),
            budget(protocol.losses, &losses, Act::Lost),
        ]);
        Exploration { experiment, space, budget: 1_000_000, cuts: true }
    }

    /// The outcomes that the simulator reaches.
    pub(crate) fn explored_outcomes(&self, protocol: Protocol) -> BTreeSet<Outcome> {
        self.explored(protocol).found.into_keys().collect()
    }

    /// The whole exploration that reaches them.
    pub(crate) fn explored(&self, protocol: Protocol) -> Explored<Outcome> {
        let Exploration { experiment, space, budget, .. } = self.exploration(protocol);
        let explored = experiment.explore(space, budget, &mut Effects::default());
        assert!(explored.complete, "the space is finite");
        explored
    }
}

fn budget(most: u8, faults: &[Fault], act: Act) -> Budget {
    let choice = |fault: &Fault| Some((own_point(*fault, READER), info(*fault).value(act)?));
    let choices = faults.iter().filter_map(choice).collect();
    Budget { most, required: false, choices }
}

/// The outcomes that stateright reaches.
pub(crate) fn checked_outcomes(protocol: Protocol) -> BTreeSet<Outcome> {
    let (recorder, states) = StateRecorder::new_with_accessor();
    protocol.checker().visitor(recorder).spawn_dfs().join();
    states().iter().filter_map(crate::model::State::outcome).collect()
}

/// A witness that counts effects, and knows nothing of causes.
#[derive(Default)]
struct Effects([u8; MESSAGES]);

impl Observer for Effects {
    fn observe(&mut self, events: &[Event]) {
        for event in events {
            if let Kind::Effect { message, .. } = event.kind
                && let Some(effects) = self.0.get_mut(message.index())
            {
                *effects = effects.saturating_add(1);
            }
        }
    }
}

impl Witness for Effects {
    type Finding = Outcome;

    fn begin(&mut self) {
        *self = Self::default();
    }

    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        self.0.iter().for_each(|&effects| into.word(class(effects) as u64));
    }

    fn findings(&mut self, end: RunEnd) -> Vec<Outcome> {
        assert_eq!(end, RunEnd::Quiescent, "every run comes to rest");
        vec![self.0.map(class)]
    }
}
