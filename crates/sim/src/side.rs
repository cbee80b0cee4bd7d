//! The two sides of every comparison: what a log and a queue need to be simulated, and the
//! processes that are the same on both.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;

use entrega_brokers::log::partition_of;
use entrega_brokers::{Broker, LogBroker, QueueBroker, log, queue};
use entrega_clients::application::{GiveBack, ProgressInSink};
use entrega_clients::combinators::{alongside, closing};
use entrega_clients::inbox::{LogInbox, QueueInbox};
use entrega_clients::producers::{
    LogPublisher, Outgoing, Publisher, QueuePublisher, confirmed, fire_and_forget,
};
use entrega_clients::{AutoSettle, ClientConfig, Context, Stop, Subscription, Supervised};
use entrega_model::{ClientId, Record, SubscriptionId};
use entrega_scenario::setup;
use entrega_scenario::workload::Workload;
use entrega_scenario::{Order, ProducerStrategy, Role, Scenario};

use crate::arena::{Arena, Place};
use crate::executor::Life;
use crate::handler::SimHandler;
use crate::link::SimLink;
use crate::own::{BuiltIn, Code};
use crate::run::Experiment;
use crate::world::{Routed, World};

/// A model of a broker, with its client library.
pub(crate) trait Side: PartialEq + Sized {
    /// The broker.
    type Broker: Broker;
    /// The consumer's end.
    type Inbox: Subscription + GiveBack;
    /// The producer's end.
    type Publisher: Publisher;

    /// The model as a scenario sets it up.
    fn new(scenario: &Scenario) -> Self;

    /// Where the world of this model is kept between runs.
    fn kept(arena: &mut Arena) -> &mut Option<Place<Self>>;

    /// A broker with nothing in it.
    fn broker(&self) -> Self::Broker;

    /// A consumer over a link.
    fn inbox(&self, link: SimLink<Self::Broker>, config: ClientConfig) -> Self::Inbox;

    /// A producer over a link.
    fn publisher(&self, link: SimLink<Self::Broker>) -> Self::Publisher;

    /// Whether the client library does anything beside the application.
    fn has_background(config: &ClientConfig) -> bool;

    /// What it does.
    async fn background(inbox: &Self::Inbox);

    /// Runs a consumer.
    async fn consume<'a>(
        code: &'a impl Code,
        link: &'a SimLink<Self::Broker>,
        inbox: &'a Self::Inbox,
        app: &'a impl ProgressInSink,
    ) -> Result<(), Stop>;
}

/// A Kafka-like log.
#[derive(PartialEq)]
pub(crate) struct LogSide {
    settings: log::LogSettings,
}

impl Side for LogSide {
    type Broker = LogBroker;
    type Inbox = LogInbox<SimLink<LogBroker>>;
    type Publisher = LogPublisher<SimLink<LogBroker>>;

    fn new(scenario: &Scenario) -> Self {
        Self { settings: setup::log_settings(scenario) }
    }

    fn kept(arena: &mut Arena) -> &mut Option<Place<Self>> {
        &mut arena.log
    }

    fn broker(&self) -> LogBroker {
        LogBroker::new(self.settings)
    }

    fn inbox(&self, link: SimLink<LogBroker>, config: ClientConfig) -> Self::Inbox {
        LogInbox::new(link, config)
    }

    fn publisher(&self, link: SimLink<LogBroker>) -> Self::Publisher {
        LogPublisher::new(link, self.settings.partitions, partition_of)
    }

    fn has_background(config: &ClientConfig) -> bool {
        config.auto_settle == AutoSettle::AtDelivery || config.max_poll_interval.is_some()
    }

    async fn background(inbox: &Self::Inbox) {
        if inbox.commits_by_timer() {
            alongside(inbox.auto_commit_timer(), inbox.poll_watchdog()).await;
        } else {
            inbox.poll_watchdog().await;
        }
    }

    fn consume<'a>(
        code: &'a impl Code,
        link: &'a SimLink<LogBroker>,
        inbox: &'a Self::Inbox,
        app: &'a impl ProgressInSink,
    ) -> impl Future<Output = Result<(), Stop>> {
        code.on_log(link, inbox, app)
    }
}

/// A queue with acks.
#[derive(PartialEq)]
pub(crate) struct QueueSide {
    settings: queue::QueueSettings,
}

impl Side for QueueSide {
    type Broker = QueueBroker;
    type Inbox = QueueInbox<SimLink<QueueBroker>>;
    type Publisher = QueuePublisher<SimLink<QueueBroker>>;

    fn new(scenario: &Scenario) -> Self {
        Self { settings: setup::queue_settings(scenario) }
    }

    fn kept(arena: &mut Arena) -> &mut Option<Place<Self>> {
        &mut arena.queue
    }

    fn broker(&self) -> QueueBroker {
        QueueBroker::new(self.settings.clone())
    }

    fn inbox(&self, link: SimLink<QueueBroker>, config: ClientConfig) -> Self::Inbox {
        QueueInbox::new(link, config)
    }

    fn publisher(&self, link: SimLink<QueueBroker>) -> Self::Publisher {
        QueuePublisher::new(link)
    }

    fn has_background(_config: &ClientConfig) -> bool {
        false
    }

    async fn background(_inbox: &Self::Inbox) {}

    fn consume<'a>(
        code: &'a impl Code,
        link: &'a SimLink<QueueBroker>,
        inbox: &'a Self::Inbox,
        app: &'a impl ProgressInSink,
    ) -> impl Future<Output = Result<(), Stop>> {
        code.on_queue(link, inbox, app)
    }
}

/// Makes a life of a process of an experiment, as its role says.
pub(crate) fn life<'a, S: Side + 'a>(
    experiment: &Experiment<'a>,
    side: &S,
    world: &Rc<RefCell<World<S::Broker>>>,
    code: &'a impl Code,
    client: ClientId,
) -> Life<'a>
where
    <S::Broker as Broker>::Request: Routed,
{
    let role = world.borrow().processes[client.process.index()].role;
    let link = SimLink { world: Rc::clone(world), client, forgets: false, alone: true };
    match role {
        Role::Producer { .. } => producer(experiment, side, link),
        Role::Consumer { subscription, .. } => consumer(experiment, side, link, subscription, code),
    }
}

/// The producer sends the workload and is done.
fn producer<'a, S: Side + 'a>(
    experiment: &Experiment<'a>,
    side: &S,
    link: SimLink<S::Broker>,
) -> Life<'a>
where
    <S::Broker as Broker>::Request: Routed,
{
    let settings = &experiment.scenario.producer;
    let retries = setup::retries(settings);
    let publisher = side.publisher(link.clone());
    let outgoing = Planned { link, workload: experiment.workload, next: Cell::new(0) };
    Box::pin(async move {
        match settings.strategy {
            ProducerStrategy::Confirmed => confirmed(&publisher, &outgoing, retries).await,
            ProducerStrategy::FireAndForget => fire_and_forget(&publisher, &outgoing).await,
        }
        Ok(())
    })
}

/// The workload's messages, each when it is due.
struct Planned<'a, B: Broker> {
    link: SimLink<B>,
    workload: &'a Workload,
    next: Cell<usize>,
}

impl<B: Broker> Outgoing for Planned<'_, B>
where
    B::Request: Routed,
{
    async fn next(&self) -> Option<Record> {
        let number = self.next.get();
        let planned = self.workload.planned.get(number)?;
        self.next.set(number + 1);
        let SimLink { ref world, client, .. } = self.link;
        if planned.at > self.link.now() && !world.borrow_mut().sleep_through(client, planned.at) {
            self.link.sleep(planned.at, true).await;
        }
        let message = entrega_model::MessageId(number as u32);
        Some(Record { message, key: planned.key, bytes: planned.bytes })
    }
}

/// A consumer runs its strategy, with its client library at its side, and closes when it leaves.
fn consumer<'a, S: Side + 'a>(
    experiment: &Experiment<'a>,
    side: &S,
    link: SimLink<S::Broker>,
    subscription: SubscriptionId,
    code: &'a impl Code,
) -> Life<'a>
where
    <S::Broker as Broker>::Request: Routed,
{
    let &Experiment { scenario, workload, strategy, .. } = experiment;
    let config = setup::client_config(scenario, strategy, subscription);
    let explores = scenario.network.order == Order::Chosen;
    let forgets = explores && code.keeps_nothing_between_deliveries();
    let alone = code.waits_for_one_thing() && !S::has_background(&config);
    let link = SimLink { forgets, alone, ..link };
    let inbox = side.inbox(link.clone(), config);
    let handler = SimHandler { link: link.clone(), subscription, workload };
    Box::pin(async move {
        let app = Supervised {
            inbox: &inbox,
            handler: &handler,
            dead_letters: &handler,
            policy: setup::error_policy(scenario.consumer.on_error),
            max_attempts: scenario.consumer.max_attempts,
            retry_backoff: scenario.consumer.retry_backoff.duration(),
            batch: setup::batch_rules(&scenario.consumer),
        };
        let main = closing(&inbox, S::consume(code, &link, &inbox, &app));
        match alone {
            true => main.await,
            false => alongside(main, S::background(&inbox)).await,
        }
    })
}

/// The strategy that an experiment names.
pub(crate) fn built_in(experiment: &Experiment<'_>) -> BuiltIn {
    let config = setup::strategy_config(&experiment.scenario.consumer);
    BuiltIn { strategy: experiment.strategy, config }
}
