//! The strategies straight on `LiveQueue` and `LiveLog`: the producer on a thread of its own,
//! consumers as tasks of another, and the same judge.

use std::num::NonZeroU32;
use std::rc::Rc;

use entrega_brokers::log::LogSettings;
use entrega_brokers::queue::QueueSettings;
use entrega_brokers::{LogBroker, QueueBroker};
use entrega_checker::{Checker, Class, Config, End, Report, SubscriptionConfig, Verdict};
use entrega_clients::producers::{Retries, confirmed, fire_and_forget};
use entrega_clients::sinks::ChosenSink;
use entrega_clients::{Catalogued, Consumer, OffsetReset, Stop, Strategy};
use entrega_inproc::log::LogOptions;
use entrega_inproc::queue::{LiveQueue, QueueOptions};
use entrega_live::direct::{DirectLog, DirectQueue};
use entrega_live::{
    Attempt, Clock, ConsumerSettings, LiveHandler, LiveLink, Served, ServedModel, Shared,
    SharedSink,
};
use entrega_model::event::Phase;
use entrega_model::{Delivery, Duration, Event, Model, ProcessId, Record};
use tokio::task::LocalSet;

use crate::stage::{MAILER, Numbered, Observed, PARTITIONS, PRODUCER, memory};

const MESSAGES: u32 = 300;

/// One of the two, with the desk that consumers connect to.
pub(crate) trait Direct: Clone + Send + 'static {
    type Broker: ServedModel;

    fn watched(settings: &QueueSettings, clock: Clock, observed: Observed) -> Self;

    fn served(&self) -> &Served<Self::Broker>;

    async fn consume(
        &self,
        link: LiveLink<Self::Broker>,
        code: &impl Consumer,
        settings: &ConsumerSettings,
        handler: &LiveHandler<Self::Broker, ChosenSink, impl Fn(&Delivery) -> Attempt>,
    ) -> Result<(), Stop>;

    /// Sends messages and says goodbye.
    async fn produce(&self, messages: Numbered, confirms: bool);

    /// Consumers are to stop when everything is done.
    async fn finish(&self);

    fn audit(&self);
}

const RETRIES: Retries = Retries { limit: 3, backoff: Duration::from_millis(100) };

impl Direct for DirectQueue<Record> {
    type Broker = QueueBroker;

    /// A small one: the producer must wait.
    fn watched(settings: &QueueSettings, clock: Clock, observed: Observed) -> Self {
        let (capacity, segment, window) = (64, 16, 8);
        let settings = settings.clone();
        let options = QueueOptions { settings, capacity, segment, window, rotation: 0 };
        Self::watched(LiveQueue::new(options), clock, observed)
    }

    fn served(&self) -> &Served<QueueBroker> {
        self.served()
    }

    async fn consume(
        &self,
        link: LiveLink<QueueBroker>,
        code: &impl Consumer,
        settings: &ConsumerSettings,
        handler: &LiveHandler<QueueBroker, ChosenSink, impl Fn(&Delivery) -> Attempt>,
    ) -> Result<(), Stop> {
        self.consume(link, code, settings, handler).await
    }

    async fn produce(&self, messages: Numbered, confirms: bool) {
        let link = self.served().connect(PRODUCER);
        let publisher = self.publisher(&link, |record| record);
        match confirms {
            true => confirmed(&publisher, &messages, RETRIES).await,
            false => fire_and_forget(&publisher, &messages).await,
        }
        link.leave(false);
    }

    async fn finish(&self) {
        self.queue().close();
    }

    fn audit(&self) {
        self.audit();
    }
}

impl Direct for DirectLog<Record> {
    type Broker = LogBroker;

    fn watched(_settings: &QueueSettings, clock: Clock, observed: Observed) -> Self {
        let (partitions, capacity, segment) = (PARTITIONS, 64, 16);
        let options = LogOptions { partitions, capacity, segment, ..LogOptions::default() };
        let session_timeout = Duration::from_secs(6);
        let settings = LogSettings { session_timeout, ..LogSettings::default() };
        Self::watched(options, settings, clock, observed)
    }

    fn served(&self) -> &Served<LogBroker> {
        self.served()
    }

    async fn consume(
        &self,
        link: LiveLink<LogBroker>,
        code: &impl Consumer,
        settings: &ConsumerSettings,
        handler: &LiveHandler<LogBroker, ChosenSink, impl Fn(&Delivery) -> Attempt>,
    ) -> Result<(), Stop> {
        self.consume(link, code, settings, handler).await
    }

    async fn produce(&self, messages: Numbered, confirms: bool) {
        let link = self.served().connect(PRODUCER);
        let publisher = self.publisher(&link, |record| record);
        match confirms {
            true => confirmed(&publisher, &messages, RETRIES).await,
            false => fire_and_forget(&publisher, &messages).await,
        }
        link.leave(false);
    }

    async fn finish(&self) {
        self.rest().await;
        self.served().close();
    }

    fn audit(&self) {
        self.audit();
    }
}

/// A queue or log with a sink and a judge.
pub(crate) struct Scene<D: Direct> {
    pub(crate) direct: D,
    pub(crate) sink: SharedSink<ChosenSink>,
    pub(crate) observed: Observed,
    pub(crate) settings: ConsumerSettings,
}

impl<D: Direct> Scene<D> {
    pub(crate) fn new(
        strategy: Strategy,
        model: Model,
        queue: &QueueSettings,
        clock: Clock,
    ) -> Self {
        let promise = SubscriptionConfig {
            guarantee: strategy.guarantee(model),
            dead_letters_declared: strategy.spec().declares_dead_letters,
            ordered: false,
        };
        let (subscriptions, messages) = (vec![promise], MESSAGES as usize);
        let config = Config { subscriptions, processes: 4, messages, ..Config::default() };
        let observed = Shared::new((Checker::new(config), Vec::<Event>::new()));
        let mut settings = ConsumerSettings::of(strategy, MAILER);
        settings.client.prefetch = 10;
        settings.client.auto_offset_reset = OffsetReset::Earliest;
        let direct = D::watched(queue, clock, observed.clone());
        Self { direct, sink: SharedSink::new(memory(strategy, model)), observed, settings }
    }

    /// One life of a consumer.
    pub(crate) async fn life<C: Consumer>(
        self: Rc<Self>,
        link: LiveLink<D::Broker>,
        code: C,
        work: impl Fn(&Delivery) -> Attempt,
    ) -> Result<(), Stop> {
        let handler = LiveHandler::new(link.clone(), MAILER, self.sink.clone(), work);
        self.direct.consume(link, &code, &self.settings, &handler).await
    }

    /// Sends from a thread of its own while `consumers` run, and then runs to the end.
    pub(crate) async fn run(&self, consumers: LocalSet, messages: u32, confirms: bool) -> Report {
        let timer = tokio::spawn(self.direct.served().keep_time());
        self.direct.served().enter(Phase::Workload);
        let producer = self.direct.clone();
        let produces = tokio::task::spawn_blocking(move || {
            runtime().block_on(producer.produce(Numbered::up_to(messages), confirms));
        });
        assert!(consumers.run_until(produces).await.is_ok(), "everything is sent");
        self.direct.served().enter(Phase::Drain);
        consumers.run_until(self.direct.finish()).await;
        consumers.await;
        self.direct.served().enter(Phase::Audit);
        self.direct.audit();
        timer.abort();
        self.observed.with(|(checker, _)| checker.finish(End::Quiescent))
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    let built = tokio::runtime::Builder::new_current_thread().enable_time().build();
    built.unwrap_or_else(|error| panic!("{error}"))
}

/// A second of the run is a hundredth of one.
pub(crate) fn fast() -> Clock {
    Clock::faster(NonZeroU32::new(100).unwrap_or(NonZeroU32::MIN))
}

/// The queue dead-letters what is rejected.
pub(crate) fn dead_lettering() -> QueueSettings {
    QueueSettings { dead_letter: true, delivery_limit: None, ..QueueSettings::default() }
}

/// Two consumers who have found each other before the first send.
async fn calm<D: Direct>(strategy: Strategy, model: Model, confirms: bool) -> Report {
    let scene = Rc::new(Scene::<D>::new(strategy, model, &dead_lettering(), fast()));
    let consumers = LocalSet::new();
    for number in 1..=2 {
        let link = scene.direct.served().connect(ProcessId(number));
        let code = Catalogued::new(strategy);
        let life = Rc::clone(&scene).life(link, code, |_| Attempt::default());
        consumers.spawn_local(life);
    }
    consumers.run_until(scene.direct.served().rest()).await;
    scene.run(consumers, MESSAGES, confirms).await
}

fn check<D: Direct>(strategy: Strategy, model: Model, confirms: bool) {
    let report = runtime().block_on(calm::<D>(strategy, model, confirms));
    let of = format!("{strategy} on a {model}: {report:#?}");
    assert_eq!(report.verdict, Verdict::Valid, "{of}");
    assert_eq!(report.sends.ok, u64::from(MESSAGES), "{of}");
    let once = report.subscriptions[0].classes.get(Class::Exact);
    assert_eq!(once, u64::from(MESSAGES), "{of}");
}

#[test]
fn every_strategy_runs_on_a_live_queue() {
    for strategy in
        Strategy::ALL.into_iter().filter(|one| one.supports(Model::Queue) && one.runs_live())
    {
        check::<DirectQueue<Record>>(strategy, Model::Queue, true);
    }
}

#[test]
fn every_strategy_runs_on_a_live_log() {
    for strategy in
        Strategy::ALL.into_iter().filter(|one| one.supports(Model::Log) && one.runs_live())
    {
        check::<DirectLog<Record>>(strategy, Model::Log, true);
    }
}

/// A producer that does not ask is held back all the same, and nothing is lost without a fault.
#[test]
fn who_does_not_ask_is_held_back_too() {
    check::<DirectQueue<Record>>(Strategy::ProcessThenSettle, Model::Queue, false);
    check::<DirectLog<Record>>(Strategy::ProcessThenSettle, Model::Log, false);
}
