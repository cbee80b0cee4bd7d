//! The two platforms of every comparison: what it takes to simulate a log and a queue.

use std::future::Future;

use entrega_brokers::log::partition_of;
use entrega_brokers::{Broker, LogBroker, QueueBroker, log, queue};
use entrega_clients::application::{GiveBack, ProgressInSink};
use entrega_clients::combinators::alongside;
use entrega_clients::inbox::{LogInbox, QueueInbox};
use entrega_clients::producers::{
    BatchPublisher, LogTransactions, QueuePublisher, QueueTransactions,
};
use entrega_clients::{
    AutoSettle, ClientConfig, Stop, Subscription, TransactionConfig, TransactionalProducer,
};
use entrega_model::Model;
use entrega_scenario::setup;
use entrega_scenario::workload::Workload;
use entrega_scenario::{ProducerSettings, PublishId, Scenario};

use crate::growing::{GrowingPublisher, More};
use crate::link::SimLink;
use crate::program::Program;

/// A model of a broker, with its client library.
pub(crate) trait Platform: PartialEq + Sized {
    /// The broker.
    type Broker: Broker;
    /// The consumer's end.
    type Inbox: Subscription + GiveBack;
    /// The producer's end.
    type Publisher: BatchPublisher;
    /// The consumer's end for what it writes in transactions.
    type Transactions: TransactionalProducer;

    /// The model as a scenario sets it up, for these messages.
    fn new(scenario: &Scenario, workload: &Workload) -> Self;

    /// A broker with nothing in it.
    fn broker(&self) -> Self::Broker;

    /// A consumer over a link.
    fn inbox(&self, link: SimLink<Self::Broker>, config: ClientConfig) -> Self::Inbox;

    /// A producer over a link.
    fn publisher(
        &self,
        link: SimLink<Self::Broker>,
        settings: &ProducerSettings,
    ) -> Self::Publisher;

    /// A transactional producer over a link.
    fn transactions(link: SimLink<Self::Broker>, config: TransactionConfig) -> Self::Transactions;

    /// Whether the client library does anything beside the application.
    fn has_background(config: &ClientConfig) -> bool;

    /// What it does.
    async fn background(inbox: &Self::Inbox);

    /// Runs a consumer.
    async fn consume<'a>(
        program: &'a impl Program,
        link: &'a SimLink<Self::Broker>,
        inbox: &'a Self::Inbox,
        app: &'a impl ProgressInSink,
    ) -> Result<(), Stop>;
}

/// A Kafka-like log.
#[derive(PartialEq)]
pub(crate) struct LogPlatform {
    settings: log::LogSettings,
    more: Option<More>,
}

impl Platform for LogPlatform {
    type Broker = LogBroker;
    type Inbox = LogInbox<SimLink<LogBroker>>;
    type Publisher = GrowingPublisher<SimLink<LogBroker>>;
    type Transactions = LogTransactions<SimLink<LogBroker>>;

    fn new(scenario: &Scenario, _: &Workload) -> Self {
        let more = scenario.log.partitions_added.map(|added| More {
            partitions: added.to,
            refresh: setup::metadata_refresh(added, scenario.producer.metadata_refresh),
        });
        Self { settings: setup::log_settings(scenario), more }
    }

    fn broker(&self) -> LogBroker {
        LogBroker::new(self.settings)
    }

    fn inbox(&self, link: SimLink<LogBroker>, config: ClientConfig) -> Self::Inbox {
        LogInbox::new(link, config)
    }

    fn publisher(&self, link: SimLink<LogBroker>, settings: &ProducerSettings) -> Self::Publisher {
        let partitions = self.settings.partitions;
        let publisher = GrowingPublisher::new(link, partitions, self.more, partition_of);
        let publisher = publisher.acknowledged_by(setup::acks(settings));
        publisher.idempotent(settings.enable_idempotence)
    }

    fn transactions(link: SimLink<LogBroker>, config: TransactionConfig) -> Self::Transactions {
        LogTransactions::new(link, config)
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
        program: &'a impl Program,
        link: &'a SimLink<LogBroker>,
        inbox: &'a Self::Inbox,
        app: &'a impl ProgressInSink,
    ) -> impl Future<Output = Result<(), Stop>> {
        program.on_log(link, inbox, app)
    }
}

/// A queue with acks.
#[derive(PartialEq)]
pub(crate) struct QueuePlatform {
    settings: queue::QueueSettings,
}

impl Platform for QueuePlatform {
    type Broker = QueueBroker;
    type Inbox = QueueInbox<SimLink<QueueBroker>>;
    type Publisher = QueuePublisher<SimLink<QueueBroker>>;
    type Transactions = QueueTransactions<SimLink<QueueBroker>>;

    fn new(scenario: &Scenario, workload: &Workload) -> Self {
        let settings = setup::queue_settings(scenario);
        let reports_transfers = settings.dead_letter;
        let not_before = setup::held_by_broker(scenario, workload, Model::Queue);
        Self { settings: queue::QueueSettings { reports_transfers, not_before, ..settings } }
    }

    fn broker(&self) -> QueueBroker {
        QueueBroker::new(self.settings.clone())
    }

    fn inbox(&self, link: SimLink<QueueBroker>, config: ClientConfig) -> Self::Inbox {
        QueueInbox::new(link, config)
    }

    fn publisher(
        &self,
        link: SimLink<QueueBroker>,
        settings: &ProducerSettings,
    ) -> Self::Publisher {
        match settings.publish_id {
            PublishId::Message => QueuePublisher::new(link),
            PublishId::Send => {
                let life = link.remember_life();
                QueuePublisher::new(link).with_an_id_a_send(life)
            }
        }
    }

    fn transactions(link: SimLink<QueueBroker>, config: TransactionConfig) -> Self::Transactions {
        QueueTransactions::new(link, config)
    }

    fn has_background(config: &ClientConfig) -> bool {
        config.receive_ahead || config.lease_renewal.is_some()
    }

    fn background(inbox: &Self::Inbox) -> impl Future<Output = ()> {
        inbox.background()
    }

    fn consume<'a>(
        program: &'a impl Program,
        link: &'a SimLink<QueueBroker>,
        inbox: &'a Self::Inbox,
        app: &'a impl ProgressInSink,
    ) -> impl Future<Output = Result<(), Stop>> {
        program.on_queue(link, inbox, app)
    }
}
