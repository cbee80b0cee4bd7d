//! What an exploration of your own consumer is made of, apart from the consumer.

use std::sync::Arc;

use entrega_clients::Strategy;
use entrega_model::{Model, SubscriptionId};
use entrega_sim::Pulse;
use entrega_sim::explore::Scope;

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
    pub(super) preemptions: u8,
    /// How many runs may be made on each model.
    pub(super) budget: u64,
    pub(super) like: Strategy,
    pub(super) stateless: bool,
    pub(super) may_stall: bool,
    pub(super) as_far_as_tried: bool,
    pub(super) pulse: Option<Arc<Pulse>>,
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
            preemptions: 0,
            budget: 200_000,
            like: Strategy::PLAIN,
            stateless: false,
            may_stall: false,
            as_far_as_tried: false,
            pulse: None,
        }
    }
}
