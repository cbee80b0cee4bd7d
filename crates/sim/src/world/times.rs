//! How long things take in a world.

use entrega_model::Duration;
use entrega_scenario::{Arrivals, Order, Scenario};

/// How long things take in this world.
#[derive(Clone, Debug)]
pub(crate) struct Times {
    /// One way between a client and the broker.
    pub(crate) latency: Duration,
    /// Up to this much more, by chance, on each leg.
    pub(crate) jitter: Duration,
    /// Whether legs of one client may overtake each other.
    pub(crate) may_reorder: bool,
    /// Whether the order of requests that arrive at one instant is a choice.
    pub(crate) chooses_order: bool,
    /// Whether consumers start when everything is sent.
    pub(crate) backlog: bool,
    /// One way between a handler and its sink.
    pub(crate) sink_latency: Duration,
    /// How long a consumer waits for an answer.
    pub(crate) consumer_timeout: Duration,
    /// How long a producer waits for an answer.
    pub(crate) producer_timeout: Duration,
    /// How long a consumer of a log may take between two polls.
    pub(crate) max_poll_interval: Option<Duration>,
    /// What a late leg takes in addition.
    pub(crate) late: Duration,
    /// What a slow handler takes in addition.
    pub(crate) slow: Duration,
    /// How long a stalled process stands still.
    pub(crate) stall: Duration,
    /// How long a process that is asked to stop may take.
    pub(crate) grace: Duration,
    /// From the end of a life to the start of the next life.
    pub(crate) restart: Duration,
    /// How long a restarting broker is away.
    pub(crate) broker_restart: Duration,
    /// How long a follower copies nothing, and a leader that failed is away.
    pub(crate) replica_away: Duration,
}

impl Times {
    /// How long things take in the world of a scenario.
    pub(crate) fn of(scenario: &Scenario) -> Self {
        Self {
            latency: scenario.network.latency.duration(),
            jitter: scenario.network.jitter.duration(),
            may_reorder: scenario.network.order == Order::Any,
            chooses_order: scenario.network.order == Order::Chosen,
            backlog: scenario.workload.arrivals == Some(Arrivals::Backlog),
            sink_latency: scenario.network.sink_latency.duration(),
            consumer_timeout: scenario.consumer.request_timeout.duration(),
            producer_timeout: scenario.producer.request_timeout.duration(),
            max_poll_interval: scenario.consumer.max_poll_interval.map(|span| span.duration()),
            late: scenario.times.late.duration(),
            slow: scenario.times.slow.duration(),
            stall: scenario.times.stall.duration(),
            grace: scenario.times.grace.duration(),
            restart: scenario.times.restart.duration(),
            broker_restart: scenario.times.broker_restart.duration(),
            replica_away: scenario.times.replica_away.duration(),
        }
    }
}
