//! What time can do without a fault, and what an exploration does not try of it.
//!
//! In the small version of a scenario nothing takes any time ([`Scope::of`]), so a handler never
//! outlasts a lease there, and no backlog grows. In the scenario itself they may. So its own
//! numbers are compared before it is made small: how long a message takes against every deadline
//! that it must meet, how much is sent against the room that there is.
//!
//! > **The rule.** What no comparison finds is the same with and without time. A handler that
//! > outlasts a deadline by itself is *tried*: it is a choice that is no fault, in a budget of its
//! > own ([`SLOW_HANDLERS`]). Whatever else a comparison finds is named as not tried, and then
//! > nothing that was not found is impossible.
//!
//! * `numbers`: how long things take at most, and who reads which setting.
//! * `deadlines`: messages that take until a deadline, alone or together.
//! * `group`: members of a group of a log that join, and where a group begins.
//! * `timeouts`: timers of a consumer that meet its work.
//! * `outage`: services that are away for longer than anything waits.
//! * `room`: what a broker keeps, and for how long.
//! * `beyond`: what comes only after more messages, time or waiting than is tried.
//! * `network`: what overtakes what on its way.
//! * `warning`: the same for a run that is not explored: what time does in it although nothing goes
//!   wrong.
//!
//! Two comparisons look odd until one knows the client libraries here. A log's consumer is handed
//! one message a poll, so only a batch adds up against `max_poll_interval`. And a timeout that is
//! longer than a lease is tried as it is, because an exploration keeps both.

mod beyond;
mod deadlines;
mod group;
mod network;
mod numbers;
mod outage;
mod room;
mod timeouts;
mod warning;

#[cfg(test)]
mod tests;

use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::Scenario;
use entrega_scenario::points::FaultKind;
use entrega_scenario::workload::Extent;
use entrega_sim::explore::{Budget, Scope, Space};

use numbers::Numbers;
pub use warning::warning;

/// So many messages of a scenario are sent in runs of it as it is, which are made beside an
/// exploration: the first ones.
pub const FIRST_MESSAGES: u32 = 300;

/// At most this many handlers of one run take until a deadline has passed without a fault.
pub const SLOW_HANDLERS: u8 = 2;

/// An exploration that is to come, and the scenario as it is.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'a> {
    /// The scenario, in no scope.
    pub scenario: &'a Scenario,
    /// How much it sends.
    pub extent: &'a Extent,
    /// How much of it is explored.
    pub scope: Scope,
    /// The kind of broker.
    pub model: Model,
    /// Who consumes.
    pub reader: Reader,
    /// What can go wrong.
    pub kinds: &'a [FaultKind],
    /// At most this many faults in one run.
    pub faults: u8,
    /// At most this many changes of order in one run, beside all faults.
    pub preemptions: u8,
}

/// Who consumes: it decides which settings matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A strategy of the catalogue.
    Catalogued(Strategy),
    /// A user's own consumer, with the client library set up as for a strategy. What it does with a
    /// message is not known, but for the settings that its application and library read.
    Own(Strategy),
}

/// What time can do in a scenario without a fault, as far as its own numbers tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Untried {
    /// Why a handler may outlast a deadline by itself, which is tried; none if it may not.
    pub slow: Option<String>,
    /// A group that begins at the end of the log may form before any record is stored. In what is
    /// tried the first record comes before it, so no loss that is found always is inevitable.
    pub group_may_come_first: bool,
    /// What is not tried, a clause each.
    pub not_tried: Vec<String>,
}

impl Untried {
    /// Compares the numbers of a scenario.
    pub fn of(plan: &Plan<'_>) -> Self {
        let numbers = Numbers::of(plan);
        let slow = deadlines::service(&numbers);
        let many = slow.as_ref().map(|_| {
            format!("more than {SLOW_HANDLERS} handlers of one run that outlast a deadline")
        });
        let others = COMPARISONS.iter().filter_map(|comparison| comparison(&numbers));
        let not_tried = many.into_iter().chain(others).collect();
        Self { not_tried, group_may_come_first: group::may_come_first(&numbers), slow }
    }

    /// A space in which handlers outlast deadlines too, if they may.
    #[must_use]
    pub fn in_space(&self, space: Space) -> Space {
        match self.slow {
            Some(_) => space.spending_first(Budget::beyond_deadlines(SLOW_HANDLERS)),
            None => space,
        }
    }

    /// What is tried of it, as a clause; none if nothing is.
    pub fn tried(&self) -> Option<String> {
        let why = self.slow.as_ref()?;
        Some(format!(
            "without a fault, up to {SLOW_HANDLERS} handlers of a run that take until a deadline \
             has passed, because {why}"
        ))
    }
}

/// A comparison that names what is not tried, if it holds.
type Comparison = fn(&Numbers<'_>) -> Option<String>;

/// All of them, in the order in which they are told.
const COMPARISONS: [Comparison; 31] = [
    deadlines::waiting,
    deadlines::batch,
    deadlines::attempts,
    deadlines::rebalance,
    deadlines::grace,
    group::latest,
    group::committed_before_a_reset,
    group::joining,
    timeouts::settle_timers,
    timeouts::round_trip,
    timeouts::request_against_lease,
    timeouts::late_receives,
    room::length,
    room::retention_time,
    room::retention_bytes,
    room::flushed,
    room::in_flight,
    room::for_nobody,
    network::overtaking,
    network::jitter,
    group::by_duration,
    group::partitions_added,
    outage::of_sink,
    outage::of_sink_and_limit,
    outage::of_broker,
    beyond::settles,
    beyond::entries,
    beyond::buffer,
    beyond::due_times,
    beyond::changes,
    beyond::drain,
];
