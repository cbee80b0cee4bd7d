//! A [`LiveLog`] with its client library and its groups.

mod feed;
mod link;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entrega_brokers::LogBroker;
use entrega_brokers::log::LogSettings;
use entrega_clients::application::TransactionalHandler;
use entrega_clients::inbox::LogInbox;
use entrega_clients::{ClientConfig, Consumer, DeadLetters, Stop};
use entrega_model::log::{Offset, OffsetReset, PartitionOffset};
use entrega_model::{Kind, Observer, PartitionId, Record, SubscriptionId};

pub use feed::LogFeed;
pub use link::LogLink;

use super::{ControlLink, Message};
use crate::consumer::consume_from;
use crate::{Clock, ConsumerSettings, LiveLink, Served};
use entrega_inproc::log::{LiveLog, LogOptions, Producer, Reader};

/// How long to wait before looking again whether everything is read.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A log on which the strategies of the catalogue run, in groups that rebalance. Clones are the
/// same log.
///
/// What a group has not committed is kept for it, even while it has no live member: a full
/// partition blocks its producers until every group has committed enough. So a group that never
/// comes, or never commits, blocks the producers, unless the log drops the oldest records
/// (`Retention::DropOldest`).
///
/// A run does not end by itself: call [`DirectLog::rest`], then `served().close()`.
pub struct DirectLog<T> {
    shared: Arc<Shared<T>>,
}

impl<T> Clone for DirectLog<T> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

/// What all clients share.
struct Shared<T> {
    log: LiveLog<T>,
    served: Served<LogBroker>,
    is_watched: bool,
    producers: Vec<Mutex<Producer<T>>>,
    /// For each group and partition.
    groups: Vec<Vec<Progress<T>>>,
    /// Where a group begins without a committed offset.
    auto_offset_reset: OffsetReset,
}

/// The progress of a group in a partition.
struct Progress<T> {
    /// Keeps the log from the committed offset on.
    keeper: Mutex<Reader<T>>,
    /// The position of the last fetch.
    position: AtomicU64,
}

impl<T: Message> DirectLog<T> {
    /// A log whose run is not watched. Of `settings` it reads only what concerns groups.
    pub fn new(options: LogOptions, settings: LogSettings, clock: Clock) -> Self {
        Self::with(options, settings, clock, (), false)
    }

    /// A log whose history `observer` sees.
    pub fn watched(
        options: LogOptions,
        settings: LogSettings,
        clock: Clock,
        observer: impl Observer + Send + 'static,
    ) -> Self {
        Self::with(options, settings, clock, observer, true)
    }

    fn with(
        options: LogOptions,
        settings: LogSettings,
        clock: Clock,
        observer: impl Observer + Send + 'static,
        is_watched: bool,
    ) -> Self {
        let (log, partitions) = (LiveLog::new(options), options.partitions);
        let ids = || (0..partitions).map(PartitionId);
        let progress = |partition, group| {
            let keeper = Mutex::new(log.reader(partition, group)?);
            Some(Progress { keeper, position: AtomicU64::new(0) })
        };
        let producers = ids().filter_map(|id| log.producer(id).ok()).map(Mutex::new);
        let groups = (0..settings.groups)
            .map(SubscriptionId)
            .map(|group| ids().filter_map(|id| progress(id, group)).collect());
        let (producers, groups) = (producers.collect(), groups.collect());
        let auto_offset_reset = settings.auto_offset_reset;
        let broker = LogBroker::new(LogSettings { partitions, ..settings });
        let served = Served::new(broker, clock, observer);
        Self {
            shared: Arc::new(Shared {
                log,
                served,
                is_watched,
                producers,
                groups,
                auto_offset_reset,
            }),
        }
    }

    /// The log itself. Its producers are in use.
    pub fn log(&self) -> &LiveLog<T> {
        &self.shared.log
    }

    /// The control plane, which coordinates the groups, and to which consumers and producers
    /// connect. The caller must keep its time.
    pub fn served(&self) -> &Served<LogBroker> {
        &self.shared.served
    }

    /// The consumer's end.
    pub fn subscribe(
        &self,
        link: &LiveLink<LogBroker>,
        config: ClientConfig,
    ) -> LogInbox<LogLink<T>> {
        let group = config.subscription;
        LogInbox::new(LogLink::new(Arc::clone(&self.shared), self.control(link), group), config)
    }

    /// The producer's end. `make` builds the body of a record; the record's key decides the
    /// partition.
    pub fn publisher<F: Fn(Record) -> T>(
        &self,
        link: &LiveLink<LogBroker>,
        make: F,
    ) -> LogFeed<T, F> {
        LogFeed::new(Arc::clone(&self.shared), self.control(link), make)
    }

    /// Runs a consumer until it is asked to stop or cannot go on, closes its subscription, and
    /// leaves. Dropping the future is a crash.
    ///
    /// # Errors
    /// [`Stop`], if it could not go on.
    pub async fn consume(
        &self,
        link: LiveLink<LogBroker>,
        code: &impl Consumer,
        settings: &ConsumerSettings,
        handler: &(impl TransactionalHandler + DeadLetters),
    ) -> Result<(), Stop> {
        let inbox = self.subscribe(&link, settings.client.clone());
        let ended = consume_from(&inbox, code, settings, handler).await;
        link.leave(ended.is_err());
        ended
    }

    /// As [`Served::rest`], and until every group that ever had a member has read everything; a
    /// partition that it has paused counts as unread. Needs a tokio runtime with time.
    pub async fn rest(&self) {
        loop {
            self.served().rest().await;
            if self.shared.is_read() {
                return;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Records what is left from the committed offsets on, for the history.
    pub fn audit(&self) {
        for (number, group) in (0..).zip(&self.shared.groups) {
            let subscription = SubscriptionId(number);
            for partition in (0..group.len() as u16).map(PartitionId) {
                let mut messages = Vec::new();
                if self.shared.skips_all(subscription, partition) {
                    continue;
                }
                if let Some(mut reader) = self.shared.log.reader(partition, subscription) {
                    let _ = reader.seek(self.shared.committed(subscription, partition));
                    while let Ok(records @ [_, ..]) = reader.try_fetch(usize::MAX) {
                        messages.extend(records.iter().map(|body| body.record().message));
                    }
                }
                for message in messages {
                    self.served().record(Kind::Retrievable { message, subscription });
                }
            }
        }
    }

    fn control(&self, link: &LiveLink<LogBroker>) -> ControlLink<LogBroker> {
        ControlLink::new(link.clone(), self.shared.is_watched)
    }
}

impl<T> Shared<T> {
    /// Whether a consumer that comes next begins at the end of a partition.
    fn skips_all(&self, group: SubscriptionId, partition: PartitionId) -> bool {
        let committed = self.served.look(|broker| broker.committed(group, partition));
        committed.is_none() && self.auto_offset_reset == OffsetReset::Latest
    }

    fn committed(&self, group: SubscriptionId, partition: PartitionId) -> Offset {
        self.served.look(|broker| broker.committed(group, partition)).unwrap_or(0)
    }

    fn progress(&self, group: SubscriptionId, partition: PartitionId) -> Option<&Progress<T>> {
        self.groups.get(group.index())?.get(partition.index())
    }

    /// Stores the position that a fetch of the group has reached.
    fn note_position(&self, group: SubscriptionId, partition: PartitionId, position: Offset) {
        if let Some(progress) = self.progress(group, partition) {
            progress.position.store(position, Ordering::Release);
        }
    }

    /// The partitions in which a group will need other segments after this commit; nearly always
    /// none.
    fn moves_on(&self, group: SubscriptionId, offsets: &[PartitionOffset]) -> Vec<PartitionId> {
        let moves_on = |to: &&PartitionOffset| {
            let progress = self.progress(group, to.partition);
            progress.is_some_and(|progress| !lock(&progress.keeper).stands_at(to.offset))
        };
        offsets.iter().filter(moves_on).map(|to| to.partition).collect()
    }

    /// Keeps what a group needs given its committed offset, and releases the rest.
    fn keep(&self, group: SubscriptionId, partition: PartitionId) {
        if let Some(progress) = self.progress(group, partition) {
            let committed = self.committed(group, partition);
            lock(&progress.keeper).keep_from(committed);
        }
    }

    fn is_read(&self) -> bool {
        (0..).map(SubscriptionId).zip(&self.groups).all(|(group, partitions)| {
            let had_members =
                |broker: &LogBroker| entrega_brokers::Broker::generation(broker, group).0 > 0;
            let is_read = |(partition, progress): (u16, &Progress<T>)| {
                let (_, end) = self.log.bounds(PartitionId(partition)).unwrap_or_default();
                progress.position.load(Ordering::Acquire) >= end
            };
            !self.served.look(had_members) || (0..).zip(partitions).all(is_read)
        })
    }
}

/// A panic elsewhere leaves a reader or producer intact.
fn lock<R>(mutex: &Mutex<R>) -> MutexGuard<'_, R> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
