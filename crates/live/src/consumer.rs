//! A complete live consumer: a strategy or the user's own code, with its client library.
//!
//! It is one future. Dropping it is a crash: the broker sees the end of the connection and nothing
//! else. It need not be `Send`; run it on a current-thread runtime, in a `LocalSet` if there are
//! several.
//!
//! ```
//! use entrega_brokers::QueueBroker;
//! use entrega_brokers::queue::QueueSettings;
//! use entrega_clients::{Catalogued, Strategy};
//! use entrega_clients::producers::Publisher;
//! use entrega_clients::sinks::ChosenSink;
//! use entrega_live::{
//!     Attempt, Clock, ConsumerSettings, LiveHandler, Served, Shared, SharedSink, ServedModel,
//!     consume,
//! };
//! use entrega_model::{Event, Key, Kind, MessageId, Model, ProcessId, Record, SubscriptionId};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let history = Shared::new(Vec::<Event>::new());
//! let broker = QueueBroker::new(QueueSettings::default());
//! let served = Served::new(broker, Clock::new(), history.clone());
//! tokio::spawn(served.keep_time());
//!
//! let (strategy, mailer) = (Strategy::ProcessThenSettle, SubscriptionId(0));
//! let sink = SharedSink::new(ChosenSink::of(strategy, Model::Queue, 10));
//! let link = served.connect(ProcessId(1));
//! let handler = LiveHandler::new(link.clone(), mailer, sink, |_| Attempt::default());
//! let (code, settings) = (Catalogued::new(strategy), ConsumerSettings::of(strategy, mailer));
//!
//! let sends = async {
//!     let publisher = QueueBroker::publisher(served.connect(ProcessId(0)), 1);
//!     for number in 0..10 {
//!         let record = Record { message: MessageId(number), key: Key(0), bytes: 64 };
//!         assert!(publisher.publish(record, 1).await.is_ok());
//!     }
//!     drop(publisher);
//!     served.rest().await;
//!     served.close();
//! };
//! let (ended, ()) = tokio::join!(consume(link, &code, &settings, &handler), sends);
//! assert!(ended.is_ok());
//! let is_effect = |event: &&Event| matches!(event.kind, Kind::Effect { .. });
//! assert_eq!(history.with(|events| events.iter().filter(is_effect).count()), 10);
//! # });
//! ```

use entrega_brokers::{Broker, LogBroker, QueueBroker, log};
use entrega_clients::application::{
    BatchFailure, BatchRules, BatchSink, GiveBack, ProgressInSink, TransactionalHandler,
};
use entrega_clients::combinators::{alongside, closing};
use entrega_clients::inbox::{LogInbox, QueueInbox};
use entrega_clients::producers::{BatchPublisher, LogPublisher, QueuePublisher};
use entrega_clients::{
    ClientConfig, Consumer, DeadLetters, ErrorPolicy, Library, Link, OffsetReset, Stop, Strategy,
    Subscription, Supervised,
};
use entrega_model::log::Acks;
use entrega_model::{Duration, Purposeful, SubscriptionId, log as log_wire, queue as queue_wire};

use crate::LiveLink;

/// A model of a broker that can be served, with its client library.
pub trait ServedModel:
    Broker<Request: Purposeful + Send, Response: Send> + Send + Sized + 'static
{
    /// The consumer's end.
    type Inbox: Inbox;
    /// The producer's end.
    type Publisher: BatchPublisher;

    /// A consumer over a link.
    fn inbox(link: LiveLink<Self>, config: ClientConfig) -> Self::Inbox;

    /// A producer over a link. `partitions` is how many the topic has; a queue has none.
    fn publisher(link: LiveLink<Self>, partitions: u16) -> Self::Publisher;

    /// The same, idempotent if it is asked to be and the model has such a thing.
    fn idempotent(publisher: Self::Publisher, is_idempotent: bool) -> Self::Publisher;

    /// The same, waiting for these acknowledgements if the model has several kinds.
    fn acknowledged_by(publisher: Self::Publisher, acks: Acks) -> Self::Publisher;
}

impl ServedModel for LogBroker {
    type Inbox = LogInbox<LiveLink<Self>>;
    type Publisher = LogPublisher<LiveLink<Self>>;

    fn inbox(link: LiveLink<Self>, config: ClientConfig) -> Self::Inbox {
        LogInbox::new(link, config)
    }

    fn publisher(link: LiveLink<Self>, partitions: u16) -> Self::Publisher {
        LogPublisher::new(link, partitions, log::partition_of)
    }

    fn idempotent(publisher: Self::Publisher, is_idempotent: bool) -> Self::Publisher {
        publisher.idempotent(is_idempotent)
    }

    fn acknowledged_by(publisher: Self::Publisher, acks: Acks) -> Self::Publisher {
        publisher.acknowledged_by(acks)
    }
}

impl ServedModel for QueueBroker {
    type Inbox = QueueInbox<LiveLink<Self>>;
    type Publisher = QueuePublisher<LiveLink<Self>>;

    fn inbox(link: LiveLink<Self>, config: ClientConfig) -> Self::Inbox {
        QueueInbox::new(link, config)
    }

    fn publisher(link: LiveLink<Self>, _partitions: u16) -> Self::Publisher {
        QueuePublisher::new(link)
    }

    fn idempotent(publisher: Self::Publisher, _is_idempotent: bool) -> Self::Publisher {
        publisher
    }

    fn acknowledged_by(publisher: Self::Publisher, _acks: Acks) -> Self::Publisher {
        publisher
    }
}

/// The client library of either model, whatever link it is over.
pub trait Inbox: Subscription + GiveBack {
    /// What the library does alongside the application.
    async fn background(&self);

    /// Runs a consumer.
    ///
    /// # Errors
    /// As the consumer itself.
    async fn run(&self, code: &impl Consumer, app: &impl ProgressInSink) -> Result<(), Stop>;
}

impl<L: Link<Request = log_wire::Request, Response = log_wire::Response>> Inbox for LogInbox<L> {
    async fn background(&self) {
        alongside(self.auto_commit_timer(), self.poll_watchdog()).await;
    }

    async fn run(&self, code: &impl Consumer, app: &impl ProgressInSink) -> Result<(), Stop> {
        code.run_on_log(self, app).await
    }
}

impl<L: Link<Request = queue_wire::Request, Response = queue_wire::Response>> Inbox
    for QueueInbox<L>
{
    async fn background(&self) {
        Self::background(self).await;
    }

    async fn run(&self, code: &impl Consumer, app: &impl ProgressInSink) -> Result<(), Stop> {
        code.run_on_queue(self, app).await
    }
}

/// How a consumer is set up, apart from its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerSettings {
    /// The client library.
    pub client: ClientConfig,
    /// What to do after an error of the handler.
    pub policy: ErrorPolicy,
    /// Attempts before a dead letter, at least 1.
    pub max_attempts: u32,
    /// How long to wait before another attempt.
    pub retry_backoff: Duration,
    /// How a batch is written, and what to do when that fails.
    pub batch: BatchRules,
}

impl ConsumerSettings {
    /// What a strategy of the catalogue needs of its client library, and the defaults of scenarios
    /// for everything else. As with Kafka, a new group begins at the end of the log: one that is to
    /// read what was sent before it joined needs [`OffsetReset::Earliest`].
    pub fn of(strategy: Strategy, subscription: SubscriptionId) -> Self {
        let Library { auto_settle, offset_store } = strategy.spec().library();
        Self {
            client: ClientConfig {
                subscription,
                prefetch: 100,
                receive_ahead: false,
                lease_renewal: None,
                worker_lost: None,
                auto_settle,
                offset_store,
                auto_commit_interval: Duration::from_secs(5),
                settle_scope: strategy.spec().settle_scope,
                settle_confirmed: true,
                settle_retries: 0,
                auto_offset_reset: OffsetReset::Latest,
                drain_on_revoke: true,
                max_poll_interval: None,
                cooperative: false,
                leaves_on_close: true,
                metadata: None,
            },
            policy: ErrorPolicy::Retry,
            max_attempts: 3,
            retry_backoff: Duration::from_millis(100),
            batch: BatchRules { sink: BatchSink::Atomic, on_failure: BatchFailure::RetryWhole },
        }
    }
}

/// Runs a consumer until it is asked to stop or cannot go on, closes its subscription, and leaves.
///
/// # Errors
/// [`Stop`], if it could not go on.
pub async fn consume<B: ServedModel>(
    link: LiveLink<B>,
    code: &impl Consumer,
    settings: &ConsumerSettings,
    handler: &(impl TransactionalHandler + DeadLetters),
) -> Result<(), Stop> {
    let inbox = B::inbox(link.clone(), settings.client.clone());
    let ended = consume_from(&inbox, code, settings, handler).await;
    link.leave(ended.is_err());
    ended
}

/// Runs a consumer until it is asked to stop or cannot go on, and closes its subscription.
///
/// # Errors
/// [`Stop`], if it could not go on.
pub async fn consume_from(
    inbox: &impl Inbox,
    code: &impl Consumer,
    settings: &ConsumerSettings,
    handler: &(impl TransactionalHandler + DeadLetters),
) -> Result<(), Stop> {
    let app = Supervised {
        inbox,
        handler,
        dead_letters: handler,
        policy: settings.policy,
        max_attempts: settings.max_attempts,
        retry_backoff: settings.retry_backoff,
        batch: settings.batch,
    };
    let main = closing(inbox, inbox.run(code, &app));
    alongside(main, inbox.background()).await
}
