//! A live run from the first send to the audit, and its judgement.
//!
//! Producer and consumers are tasks of one thread. If tokio's clock is paused, the run takes no
//! time, and everything that depends on time is exact.

use std::cell::Cell;

use entrega_brokers::log::{LogBroker, LogSettings};
use entrega_brokers::queue::{QueueBroker, QueueSettings};
use entrega_checker::{Checker, Config, End, Report, SubscriptionConfig};
use entrega_clients::producers::{Outgoing, Retries, confirmed};
use entrega_clients::sinks::ChosenSink;
use entrega_clients::{Catalogued, OffsetReset, Stop, Strategy};
use entrega_live::{
    Attempt, Clock, ConsumerSettings, LiveHandler, LiveLink, LiveSink, Served, ServedModel, Shared,
    SharedSink, consume,
};
use entrega_model::event::Phase;
use entrega_model::{
    Delivery, Duration, Event, Key, MessageId, Model, ProcessId, Record, SubscriptionId,
};
use tokio::task::LocalSet;

/// The producer; consumers have the numbers after it.
pub(crate) const PRODUCER: ProcessId = ProcessId(0);
/// The only subscription.
pub(crate) const MAILER: SubscriptionId = SubscriptionId(0);
/// What a consumer holds at once: little, so that its leases outlast its work on them.
pub(crate) const PREFETCH: u32 = 4;
/// Partitions of the log.
pub(crate) const PARTITIONS: u16 = 3;

/// The checker, and everything that it was shown.
pub(crate) type Observed = Shared<(Checker, Vec<Event>)>;

/// A broker with its sink and its judge.
pub(crate) struct Stage<B: ServedModel, S> {
    pub(crate) served: Served<B>,
    pub(crate) sink: SharedSink<S>,
    pub(crate) observed: Observed,
    pub(crate) strategy: Strategy,
    pub(crate) settings: ConsumerSettings,
    pub(crate) messages: u32,
}

impl<B: ServedModel, S: LiveSink> Stage<B, S> {
    /// A stage for a strategy on `model`.
    pub(crate) fn new(
        broker: B,
        model: Model,
        strategy: Strategy,
        sink: S,
        clock: Clock,
        messages: u32,
    ) -> Self {
        let promise = SubscriptionConfig {
            guarantee: strategy.guarantee(model),
            dead_letters_declared: strategy.spec().declares_dead_letters,
            ordered: false,
        };
        let config = Config {
            subscriptions: vec![promise],
            processes: 4,
            messages: messages as usize,
            ..Config::default()
        };
        let mut settings = ConsumerSettings::of(strategy, MAILER);
        settings.client.prefetch = PREFETCH;
        settings.client.auto_offset_reset = OffsetReset::Earliest;
        let observed = Shared::new((Checker::new(config), Vec::new()));
        Self {
            served: Served::new(broker, clock, observed.clone()),
            sink: SharedSink::new(sink),
            observed,
            strategy,
            settings,
            messages,
        }
    }

    /// One life of a consumer, until it is asked to stop or cannot go on.
    pub(crate) fn life<W>(
        &self,
        link: LiveLink<B>,
        work: W,
    ) -> impl Future<Output = Result<(), Stop>> + use<B, S, W>
    where
        W: Fn(&Delivery) -> Attempt,
    {
        let handler = LiveHandler::new(link.clone(), MAILER, self.sink.clone(), work);
        let (code, settings) = (Catalogued::new(self.strategy), self.settings.clone());
        async move { consume(link, &code, &settings, &handler).await }
    }

    /// The producer's life: sends everything, each message once the one before is confirmed.
    pub(crate) fn producer(&self) -> impl Future<Output = ()> + use<B, S> {
        let link = self.served.connect(PRODUCER);
        let publisher = B::publisher(link.clone(), PARTITIONS);
        let outgoing = Numbered::up_to(self.messages);
        async move {
            let retries = Retries { limit: 3, backoff: Duration::from_millis(100) };
            confirmed(&publisher, &outgoing, retries).await;
            link.leave(false);
        }
    }

    /// The end of a run in which everybody is well: waits for rest, stops everybody, audits.
    pub(crate) async fn finish(&self, consumers: LocalSet) -> Report {
        consumers.run_until(self.served.rest()).await;
        self.served.enter(Phase::Quiescent);
        self.served.close();
        consumers.await;
        self.served.enter(Phase::Audit);
        self.served.audit();
        self.observed.with(|(checker, _)| checker.finish(End::Quiescent))
    }
}

/// A calm run with two consumers, who have found each other before the first send.
pub(crate) async fn calm<B: ServedModel, S: LiveSink>(stage: &Stage<B, S>) -> Report {
    let timer = tokio::spawn(stage.served.keep_time());
    let tasks = LocalSet::new();
    stage.served.enter(Phase::Workload);
    for number in 1..=2 {
        let link = stage.served.connect(ProcessId(number));
        tasks.spawn_local(stage.life(link, works));
    }
    tasks.run_until(stage.served.rest()).await;
    tasks.run_until(stage.producer()).await;
    stage.served.enter(Phase::Drain);
    let report = stage.finish(tasks).await;
    timer.abort();
    report
}

/// Every message takes 3 ms.
pub(crate) fn works(_: &Delivery) -> Attempt {
    Attempt { takes: Duration::from_millis(3), fails: None }
}

/// Messages 0, 1, 2 …, of five keys.
pub(crate) struct Numbered {
    next: Cell<u32>,
    end: u32,
}

impl Numbered {
    pub(crate) fn up_to(end: u32) -> Self {
        Self { next: Cell::new(0), end }
    }
}

impl Outgoing for Numbered {
    async fn next(&self) -> Option<Record> {
        let number = self.next.get();
        self.next.set(number + 1);
        let (message, key) = (MessageId(number), Key(number % 5));
        (number < self.end).then_some(Record { message, key, bytes: 64 })
    }
}

/// A log with short sessions.
pub(crate) fn log() -> LogBroker {
    let (partitions, session_timeout) = (PARTITIONS, Duration::from_secs(6));
    let rebalance_timeout = Duration::from_secs(10);
    LogBroker::new(LogSettings {
        partitions,
        session_timeout,
        rebalance_timeout,
        ..LogSettings::default()
    })
}

/// A queue that dead-letters what is rejected.
pub(crate) fn queue() -> QueueBroker {
    let (prefetch, delivery_limit) = (PREFETCH, None);
    QueueBroker::new(QueueSettings {
        prefetch,
        delivery_limit,
        dead_letter: true,
        ..QueueSettings::default()
    })
}

/// The sink in memory that a strategy is made for.
pub(crate) fn memory(strategy: Strategy, model: Model) -> ChosenSink {
    ChosenSink::of(strategy, model, 0)
}
