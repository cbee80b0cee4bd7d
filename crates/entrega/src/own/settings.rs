//! What an exploration of your own consumer is made of, apart from the consumer.

use std::sync::Arc;

use entrega_clients::Strategy;
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::points::FaultKind;
use entrega_sim::Pulse;
use entrega_sim::explore::{Scope, Space};

/// See the module. The methods of an explorer say what each of these is.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) models: Vec<Model>,
    pub(super) scenario: Option<String>,
    /// Its number of consumers stands in `consumers`.
    pub(super) scope: Scope,
    /// How many instances of the consumer there are, one number after the other.
    pub(super) consumers: Vec<u32>,
    pub(super) only: Option<Vec<String>>,
    pub(super) faults: u8,
    /// Beside the faults; if none, one that is counted as a fault.
    pub(super) preemptions: Option<u8>,
    /// How many runs may be made on each model.
    pub(super) budget: u64,
    pub(super) like: Strategy,
    pub(super) stateless: bool,
    pub(super) may_stall: bool,
    pub(super) as_far_as_tried: bool,
    pub(super) pulse: Option<Arc<Pulse>>,
}

impl Settings {
    /// At most so many of these faults and so many changes of order in one run.
    pub(super) fn space(&self, kinds: &[FaultKind]) -> Space {
        match self.preemptions {
            Some(preemptions) => Space::of_kinds(kinds, self.faults, preemptions),
            None => Space::of_kinds(kinds, self.faults, 1).together(self.faults.max(1)),
        }
    }

    /// Which runs with a change of order are left out.
    pub(super) fn not_beside_faults(&self) -> Option<String> {
        let is_left_out = self.preemptions.is_none() && self.faults > 0;
        is_left_out.then(|| {
            let faults = match self.faults {
                1 => "a fault".to_owned(),
                faults => format!("{faults} faults"),
            };
            format!("{faults} and a change of order in one run (`.preemptions(1)` tries it)")
        })
    }

    /// How many changes of order there may be beside all faults.
    pub(super) fn beside_faults(&self) -> u8 {
        self.preemptions.unwrap_or_default()
    }
}

impl Default for Settings {
    fn default() -> Self {
        let subscription = SubscriptionId(0);
        Self {
            models: vec![Model::Log, Model::Queue],
            scenario: None,
            scope: Scope { subscription, messages: 2, consumers: 1, partitions: 1 },
            consumers: vec![1, 2],
            only: None,
            faults: 1,
            preemptions: None,
            budget: 200_000,
            like: Strategy::PLAIN,
            stateless: false,
            may_stall: false,
            as_far_as_tried: false,
            pulse: None,
        }
    }
}
