//! The small version of a scenario in which everything is tried.

use entrega_model::SubscriptionId;
use entrega_scenario::points::{self, FaultKind, kind};
use entrega_scenario::{
    Arrivals, Change, Order, Scenario, ServiceTime, Span, Stopping, SubscriptionSettings,
};

/// How small: a space grows steeply with each of these, and most anomalies need very little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope {
    /// The one subscription that is looked at.
    pub subscription: SubscriptionId,
    /// At most this many messages.
    pub messages: u32,
    /// At most this many consumers.
    pub consumers: u32,
    /// At most this many partitions.
    pub partitions: u16,
}

/// At most this many keys, or two for each partition: with more, no two of the few messages would
/// share a key, and no change of order could be seen.
const KEYS: u32 = 2;
/// At most this many consumers: with the producer they are as many as can compete for an order.
pub const MAX_CONSUMERS: u32 = points::MOST_RIVALS - 1;
/// At most this many steps: a run in a small scope comes to rest within some hundreds, or never.
pub const STEPS: u64 = 1_000;
/// A broker that keeps its messages, or the offsets of a group, for longer than this deletes none
/// within a run.
const RETENTION: Span = Span::from_secs(86_400);

impl Scope {
    /// `scenario` in this scope, without spans of time: messages are there from the start, nothing
    /// takes any time but deadlines, requests that meet have an order to be chosen, no partition is
    /// added, and nobody comes or goes at a time.
    pub fn of(self, scenario: &Scenario) -> Scenario {
        let mut small = scenario.clone();
        small.subscriptions = vec![scenario.subscriptions[self.subscription.index()].clone()];
        let reader = &mut small.subscriptions[0];
        reader.consumers = reader.consumers.min(self.consumers).min(MAX_CONSUMERS);
        if dies(reader) && !kills_workers(scenario) {
            small.consumer.worker_lost = None;
        }
        (reader.rolling_restart, reader.mtbf) = (None, None);
        reader.changes.clear();
        reader.service_time = ServiceTime::Constant { value: Span::default() };
        let messages = scenario.workload.message_count().min(self.messages);
        let keys = scenario.workload.key_count().min(KEYS.max(2 * u32::from(self.partitions)));
        small.workload.from = None;
        small.workload.messages = Some(messages);
        small.workload.keys = Some(keys);
        if small.workload.arrivals != Some(Arrivals::Backlog) {
            small.workload.arrivals =
                Some(Arrivals::Burst { burst_size: messages.max(1), every: Span::from_secs(1) });
        }
        small.network.latency = Span::default();
        small.network.jitter = Span::default();
        small.network.sink_latency = Span::default();
        small.network.order = Order::Chosen;
        small.log.partitions_added = None;
        small.log.partitions = small.log.partitions.min(self.partitions);
        if small.log.retention_time > RETENTION {
            small.log.retention_time = Span::MAX;
        }
        if small.queue.retention_time > RETENTION {
            small.queue.retention_time = Span::MAX;
        }
        if small.log.offsets_retention > RETENTION {
            small.log.offsets_retention = Span::MAX;
        }
        small.limits.steps = small.limits.steps.min(STEPS);
        small.script.clear();
        small
    }

    /// What `scenario` names under `[faults]` or `[[script]]` for this subscription, the producer
    /// and the broker, in the order of the table of points.
    pub fn named(self, scenario: &Scenario) -> Vec<FaultKind> {
        let named = scenario.named_faults().into_iter();
        let named = named.filter(|&(point, _)| points::befalls(point, self.subscription));
        let kinds = named.filter_map(|(point, value)| points::kind_of(point, value));
        let kinds = kinds.filter(|&(fault, _)| !points::info(fault).is_by_time());
        let lives = in_place_of_times(&scenario.subscriptions[self.subscription.index()]);
        let mut named: Vec<FaultKind> = kinds.chain(lives).collect();
        named.sort_unstable();
        named.dedup();
        named
    }

    /// This scope, no larger than `scenario` is.
    #[must_use]
    pub fn within(self, scenario: &Scenario) -> Self {
        let reader = &scenario.subscriptions[self.subscription.index()];
        Self {
            subscription: self.subscription,
            messages: self.messages.min(scenario.workload.message_count()),
            consumers: self.consumers.min(reader.consumers),
            partitions: self.partitions.min(scenario.log.partitions),
        }
    }
}

/// The faults by which an exploration meets what a scenario puts at times: it has no times, so a
/// consumer stops at any turn of a poll, dies at any point at which one can die, and makes its
/// group rebalance at any effect.
fn in_place_of_times(reader: &SubscriptionSettings) -> impl Iterator<Item = FaultKind> {
    let changes = |what: Change| reader.changes.iter().any(|one| one.what == what);
    let stops = |how: Stopping| reader.rolling_restart.is_some_and(|one| one.how == how);
    let drains = changes(Change::Leaves) || stops(Stopping::Drain);
    let lists: [(bool, &[FaultKind]); 4] = [
        (drains, &DRAINS),
        (stops(Stopping::Abandon), &ABANDONS),
        (dies(reader), &CRASHES),
        (!reader.changes.is_empty() || reader.rolling_restart.is_some(), &REBALANCES),
    ];
    lists.into_iter().filter(|(is_named, _)| *is_named).flat_map(|(_, kinds)| kinds.to_vec())
}

/// Whether a consumer dies at a time: all of it, with the workers that it may have.
fn dies(reader: &SubscriptionSettings) -> bool {
    reader.mtbf.is_some() || reader.changes.iter().any(|one| one.what == Change::Dies)
}

/// Whether the scenario's own faults kill a worker of a consumer and not the consumer.
fn kills_workers(scenario: &Scenario) -> bool {
    let named = scenario.named_faults().into_iter();
    let mut kinds = named.filter_map(|(point, value)| points::kind_of(point, value));
    kinds.any(|kind| KILLS_WORKERS.contains(&kind))
}

const KILLS_WORKERS: [FaultKind; 3] = [
    kind("effect.before", "crash"),
    kind("effect.after", "crash"),
    kind("message.poison", "kills"),
];
const DRAINS: [FaultKind; 1] = [kind("process.shutdown", "drain")];
const ABANDONS: [FaultKind; 1] = [kind("process.shutdown", "abandon")];
const CRASHES: [FaultKind; 4] = [
    kind("effect.before", "crash"),
    kind("effect.after", "crash"),
    kind("settle.after", "crash"),
    kind("dead_letter.after", "crash"),
];
const REBALANCES: [FaultKind; 2] =
    [kind("group.rebalance", "before"), kind("group.rebalance", "after")];
