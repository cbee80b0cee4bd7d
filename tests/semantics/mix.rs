//! A scenario as plain data: a workload, settings, and the stream of choices that it meets.
//!
//! proptest makes these up and shrinks them, so each part is a small value with a harmless end: a
//! number that goes down, a list that gets shorter. A stream is either a list (this answer at that
//! occurrence of a point) or odds for some answers of some points; both draw from *all* answers,
//! delays that end in zones and the order of arrivals included.

use entrega_choice::{Choice, Choices, Odds, Point, Ratio};
use entrega_model::SubscriptionId;
use entrega_scenario::points::{self, Act, FAULTS, Fault};
use entrega_scenario::{
    Arrivals, AutoOffsetReset, BatchFailure, BatchSink, DeadLetterStrategy, EffectPlace,
    ErrorPolicy, IsolationLevel, LogClient, Scenario, ServiceTime, Span, TransactionOffsets,
};
use entrega_sim::explore::Scope;

/// All that makes up a run, except for its strategy and its model.
#[derive(Clone, Debug)]
pub(crate) struct Mix {
    pub(crate) shape: Shape,
    pub(crate) consumer: Consumer,
    pub(crate) batch: Batch,
    pub(crate) stream: Stream,
}

/// How much there is of everything.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) messages: u32,
    pub(crate) keys: u32,
    pub(crate) partitions: u16,
    pub(crate) consumers: u32,
    pub(crate) jitter_ms: u64,
    /// Nothing takes any time and requests that meet have an order to be chosen, as in an
    /// exploration.
    pub(crate) at_once: bool,
}

/// The settings under `[consumer]`, and the queue's that decides when a delivery comes back.
#[derive(Clone, Debug)]
pub(crate) struct Consumer {
    pub(crate) prefetch: u32,
    pub(crate) settle_every: u32,
    pub(crate) settle_retries: u32,
    pub(crate) settle_confirmed: bool,
    pub(crate) drain_on_revoke: bool,
    pub(crate) requeue_on_disconnect: bool,
    pub(crate) workers: u32,
    pub(crate) key_ordered: bool,
    pub(crate) auto_commit_ms: u64,
    pub(crate) enable_auto_commit: bool,
    pub(crate) client: LogClient,
    pub(crate) max_poll_ms: Option<u64>,
    pub(crate) on_error: ErrorPolicy,
    pub(crate) max_attempts: u32,
    pub(crate) dead_letter_target: bool,
    pub(crate) dead_letters_confirmed: bool,
    pub(crate) isolation_level: IsolationLevel,
    pub(crate) transaction_offsets: TransactionOffsets,
    pub(crate) group_metadata: bool,
    pub(crate) output: EffectPlace,
}

/// The settings of `micro-batch`.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) size: u32,
    pub(crate) interval_ms: u64,
    pub(crate) sink: BatchSink,
    pub(crate) on_failure: BatchFailure,
}

/// Something that can happen at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) fault: Fault,
    pub(crate) value: u32,
}

/// Where the choices come from.
#[derive(Clone, Debug)]
pub(crate) enum Stream {
    /// These answers at these occurrences of their points.
    List(Vec<(Answer, u32)>),
    /// These answers, each with a chance of one in so many.
    Odds(Vec<(Answer, u64)>),
}

/// Every answer of every point but the harmless one, and but a message that kills whoever works on
/// it: no strategy promises anything about that.
pub(crate) fn answers() -> Vec<Answer> {
    let of = |info: &points::FaultInfo| {
        let fault = info.fault;
        (1..info.bound()).map(move |value| Answer { fault, value })
    };
    FAULTS.iter().flat_map(of).filter(|one| one.act() != Some(Act::Kills)).collect()
}

impl Answer {
    fn point(self) -> Point {
        points::info(self.fault).point(SubscriptionId(0))
    }

    /// What it is, whatever its delay.
    pub(crate) fn act(self) -> Option<Act> {
        points::info(self.fault).alternative(self.value).map(|one| one.act)
    }
}

impl Stream {
    /// Nothing happens.
    pub(crate) const HARMLESS: Self = Self::List(Vec::new());

    /// Each of these answers one time in three.
    pub(crate) fn often(answers: &[Answer]) -> Self {
        Self::Odds(answers.iter().map(|&answer| (answer, 3)).collect())
    }

    /// Leaves only some answers.
    pub(crate) fn retain(&mut self, keep: impl Fn(Answer) -> bool) {
        match self {
            Self::List(list) => list.retain(|&(answer, _)| keep(answer)),
            Self::Odds(odds) => odds.retain(|&(answer, _)| keep(answer)),
        }
    }

    /// As a source of choices.
    pub(crate) fn choices(&self, scenario: &Scenario, seed: u64) -> Choices {
        let table = points::table(&scenario.subscription_names());
        match self {
            Self::List(list) => {
                let choice = |&(answer, occurrence): &(Answer, u32)| Choice {
                    point: answer.point(),
                    occurrence,
                    value: answer.value,
                };
                Choices::explicit(table, list.iter().map(choice).collect())
            }
            Self::Odds(odds) => {
                let chance = |&(answer, one_in): &(Answer, u64)| Odds {
                    point: answer.point(),
                    value: answer.value,
                    ratio: Ratio::new(1, one_in).expect("a ratio"),
                };
                let odds: Vec<Odds> = odds.iter().map(chance).collect();
                Choices::random(table, seed, &odds).expect("odds")
            }
        }
    }
}

impl Mix {
    /// As a scenario.
    pub(crate) fn scenario(&self) -> Scenario {
        let mut scenario = Scenario::default();
        self.shape_into(&mut scenario);
        self.consumer_into(&mut scenario);
        times_into(&mut scenario);
        if self.shape.at_once { self.at_once(&scenario) } else { scenario }
    }

    fn shape_into(&self, scenario: &mut Scenario) {
        let Shape { messages, keys, partitions, consumers, jitter_ms, .. } = self.shape;
        scenario.workload.messages = Some(messages);
        scenario.workload.keys = Some(keys);
        scenario.workload.arrivals = Some(Arrivals::Poisson { rate_per_second: 50.0 });
        let reader = &mut scenario.subscriptions[0];
        reader.consumers = consumers;
        reader.service_time = ServiceTime::Exponential { mean: Span::from_millis(20) };
        scenario.log.partitions = partitions;
        scenario.log.auto_offset_reset = AutoOffsetReset::Earliest;
        scenario.network.jitter = Span::from_millis(jitter_ms);
        scenario.producer.request_timeout = Span::from_millis(500);
        scenario.producer.retries = 50;
    }

    fn consumer_into(&self, scenario: &mut Scenario) {
        let (from, to) = (&self.consumer, &mut scenario.consumer);
        to.request_timeout = Span::from_millis(500);
        to.retry_backoff = Span::from_millis(50);
        to.settle_interval = Span::from_millis(100);
        to.prefetch = from.prefetch;
        to.settle_every = from.settle_every;
        to.settle_retries = from.settle_retries;
        to.settle_confirmed = from.settle_confirmed;
        to.drain_on_revoke = from.drain_on_revoke;
        to.workers = from.workers;
        to.key_ordered = from.key_ordered;
        to.auto_commit_interval = Span::from_millis(from.auto_commit_ms);
        to.enable_auto_commit = from.enable_auto_commit;
        to.client = from.client;
        to.max_poll_interval = from.max_poll_ms.map(Span::from_millis);
        to.on_error = from.on_error;
        to.max_attempts = from.max_attempts;
        to.isolation_level = from.isolation_level;
        to.transaction_offsets = from.transaction_offsets;
        to.group_metadata = from.group_metadata;
        to.output = from.output;
        to.transaction_timeout = Span::from_secs(4);
        to.batch_size = self.batch.size;
        to.batch_interval = Span::from_millis(self.batch.interval_ms);
        to.batch_sink = self.batch.sink;
        to.batch_on_failure = self.batch.on_failure;
        scenario.queue.requeue_on_disconnect = from.requeue_on_disconnect;
        scenario.queue.dead_letter = from.dead_letter_target;
        if from.dead_letters_confirmed {
            scenario.queue.dead_letter_strategy = DeadLetterStrategy::AtLeastOnce;
        }
    }

    fn at_once(&self, scenario: &Scenario) -> Scenario {
        let scope = Scope {
            subscription: SubscriptionId(0),
            messages: self.shape.messages,
            consumers: self.shape.consumers,
            partitions: self.shape.partitions,
        };
        let mut scenario = scope.of(scenario);
        scenario.limits.steps = 200_000;
        scenario
    }
}

/// Deadlines that faults outlast.
fn times_into(scenario: &mut Scenario) {
    scenario.log.session_timeout = Span::from_secs(3);
    scenario.queue.visibility_timeout = Span::from_secs(3);
    scenario.times.stall = Span::from_secs(5);
    scenario.times.slow = Span::from_secs(2);
    scenario.times.late = Span::from_secs(2);
    scenario.times.grace = Span::from_secs(1);
    scenario.times.restart = Span::from_millis(300);
    scenario.times.broker_restart = Span::from_secs(1);
}
