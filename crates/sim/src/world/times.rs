//! How long things take in a world.

use entrega_choice::Point;
use entrega_clients::Shutdown;
use entrega_model::{Duration, Instant, ProcessId, SubscriptionId};
use entrega_scenario::workload::{CrashTimes, StallTimes};
use entrega_scenario::{
    Arrivals, Change, Order, Role, Scenario, Span, Stopping, SubscriptionSettings,
};

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
    /// If sinks recognise messages by the broker's ids: how many partitions a log has at most.
    pub(crate) broker_ids: Option<u64>,
    /// Whether a queue has dead letters, whose way may go wrong.
    pub(crate) transfers: bool,
    /// Whether it keeps them until they have arrived.
    pub(crate) confirms_dead_letters: bool,
    /// How long a consumer waits for an answer.
    pub(crate) consumer_timeout: Duration,
    /// How long a producer waits for an answer.
    pub(crate) producer_timeout: Duration,
    /// Whether its application keeps an outbox.
    pub(crate) outbox: bool,
    /// How long after the end of a send a job sends again what had no answer, if one does.
    pub(crate) resend_after: Option<Duration>,
    /// How long a consumer of a log may take between two polls.
    pub(crate) max_poll_interval: Option<Duration>,
    /// What a late leg takes in addition.
    pub(crate) late: Duration,
    /// What a slow handler takes in addition.
    pub(crate) slow: Duration,
    /// How long a stalled process stands still, unless that is drawn.
    pub(crate) stall: Duration,
    /// From what it is drawn.
    pub(crate) stalls: Option<StallTimes>,
    /// How long a process that is asked to stop may take.
    pub(crate) grace: Duration,
    /// From the end of a life to the start of the next life.
    pub(crate) restart: Duration,
    /// How long a restarting broker is away.
    pub(crate) broker_restart: Duration,
    /// How long a follower copies nothing, and a leader that failed is away.
    pub(crate) replica_away: Duration,
    /// How long an outage lasts.
    pub(crate) outage: Duration,
    /// The outages that the scenario puts at a time.
    pub(crate) outages: Vec<PutOutage>,
    /// What it has happen to processes.
    pub(crate) changes: Vec<PutChange>,
    /// Its rolling restarts.
    pub(crate) rolling: Vec<PutRolling>,
    /// When consumers die by time, by subscription. Empty if none do.
    pub(crate) crashes: Vec<Option<CrashTimes>>,
}

/// Something that happens to a process at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PutChange {
    pub(crate) process: ProcessId,
    pub(crate) at: Instant,
    pub(crate) what: Change,
}

/// A rolling restart.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PutRolling {
    pub(crate) subscription: SubscriptionId,
    pub(crate) at: Instant,
    pub(crate) pause: Duration,
    pub(crate) how: Shutdown,
}

/// An outage that is put at a time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PutOutage {
    pub(crate) point: Point,
    pub(crate) at: Instant,
    pub(crate) until: Instant,
}

impl Times {
    /// Whether a process is not there at the start, and joins later.
    pub(crate) fn joins_later(&self, process: ProcessId) -> bool {
        let first = self.changes.iter().find(|one| one.process == process);
        first.is_some_and(|one| one.what == Change::Joins)
    }

    /// How long things take in the world of a scenario.
    pub(crate) fn of(scenario: &Scenario) -> Self {
        Self {
            latency: scenario.network.latency.duration(),
            jitter: scenario.network.jitter.duration(),
            may_reorder: scenario.network.order == Order::Any,
            chooses_order: scenario.network.order == Order::Chosen,
            backlog: scenario.workload.arrivals == Some(Arrivals::Backlog),
            sink_latency: scenario.network.sink_latency.duration(),
            broker_ids: scenario.sink.asks_broker_ids().then(|| most_partitions(scenario)),
            transfers: scenario.queue.has_dead_letters(),
            confirms_dead_letters: scenario.queue.confirms_dead_letters(),
            consumer_timeout: scenario.consumer.request_timeout.duration(),
            producer_timeout: scenario.producer.request_timeout.duration(),
            outbox: scenario.producer.outbox,
            resend_after: scenario.producer.resend_after.map(Span::duration),
            max_poll_interval: scenario.consumer.max_poll_interval.map(|span| span.duration()),
            late: scenario.times.late.duration(),
            slow: scenario.times.slow.duration(),
            stall: scenario.times.stall.duration(),
            stalls: scenario.times.stall_distribution.as_ref().map(StallTimes::new),
            grace: scenario.times.grace.duration(),
            restart: scenario.times.restart.duration(),
            broker_restart: scenario.times.broker_restart.duration(),
            replica_away: scenario.times.replica_away.duration(),
            outage: scenario.times.outage.duration(),
            outages: scenario.outages().map(put).collect(),
            changes: changes(scenario),
            rolling: rolling(scenario),
            crashes: crashes(scenario),
        }
    }
}

/// How many partitions a log has in the end.
fn most_partitions(scenario: &Scenario) -> u64 {
    let added = scenario.log.partitions_added.map(|added| added.to);
    added.unwrap_or(scenario.log.partitions).into()
}

fn put((point, at, span): (Point, Span, Span)) -> PutOutage {
    let at = Instant::START + at.duration();
    PutOutage { point, at, until: at + span.duration() }
}

/// What happens to the consumers of all subscriptions, in the order of the file.
fn changes(scenario: &Scenario) -> Vec<PutChange> {
    let mut all = Vec::new();
    for (process, role) in (0..).map(ProcessId).zip(Role::all(scenario)) {
        let Role::Consumer { subscription, number } = role else { continue };
        let own = scenario.subscriptions[subscription.index()].changes.iter();
        let own = own.filter(|one| one.consumer == number);
        all.extend(own.map(|one| PutChange {
            process,
            at: Instant::START + one.at.duration(),
            what: one.what,
        }));
    }
    all
}

fn rolling(scenario: &Scenario) -> Vec<PutRolling> {
    let all = (0..).map(SubscriptionId).zip(&scenario.subscriptions);
    let put = |(subscription, one): (SubscriptionId, &SubscriptionSettings)| {
        let rolling = one.rolling_restart?;
        let how = match rolling.how {
            Stopping::Drain => Shutdown::Drain,
            Stopping::Abandon => Shutdown::Abandon,
        };
        let (at, pause) = (Instant::START + rolling.at.duration(), rolling.pause.duration());
        Some(PutRolling { subscription, at, pause, how })
    };
    all.filter_map(put).collect()
}

fn crashes(scenario: &Scenario) -> Vec<Option<CrashTimes>> {
    let all = &scenario.subscriptions;
    if all.iter().all(|one| one.mtbf.is_none()) {
        return Vec::new();
    }
    let of = |(id, one): (SubscriptionId, &SubscriptionSettings)| {
        one.mtbf.map(|mtbf| CrashTimes::new(mtbf, id))
    };
    (0..).map(SubscriptionId).zip(all).map(of).collect()
}
