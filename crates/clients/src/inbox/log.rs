//! The client library of a log: joins a group, fetches, keeps positions, and commits: for the
//! application, by a timer (librdkafka), or at the next poll (Java).
//!
//! * [`session`]: what a consumer remembers.
//! * [`membership`]: joining, fetching, and what a rebalance takes away.
//! * [`commits`]: the three ways to commit.
//! * [`background`]: what the library does beside the application.
//! * `fingerprint`: what it remembers, for an exploration.

mod background;
mod commits;
mod fingerprint;
mod membership;
mod session;

use std::cell::{Cell, RefCell};
use std::future::Future;

use entrega_model::event::{Kind, SettleTrigger};
use entrega_model::log::{PartitionOffset, Request, Response};
use entrega_model::{Delivery, Instant, PartitionId, ProcessId, SubscriptionId};

use self::session::LogSession;
use super::notify::Notify;
use super::wait::while_running;
use crate::application::GiveBack;
use crate::{
    AutoSettle, ClientConfig, Link, LogSubscription, OffsetStore, ReceiveError, SettleError,
    Shutdown, Subscription, Turn,
};

/// One consumer instance of a group.
pub struct LogInbox<L: Link<Request = Request, Response = Response>> {
    link: L,
    config: ClientConfig,
    session: RefCell<LogSession>,
    /// When the application got it, for `max_poll_interval`.
    handed_out_at: Cell<Option<Instant>>,
    /// When a poll is to commit next (Java).
    next_commit: Cell<Instant>,
    /// When it will find more partitions, if it will.
    refresh_at: Cell<Option<Instant>>,
    stored: Notify,
    handed_out: Notify,
}

impl<L: Link<Request = Request, Response = Response>> LogInbox<L> {
    /// A consumer over `link` that is not a member yet.
    pub fn new(link: L, config: ClientConfig) -> Self {
        let next_commit = link.now() + config.auto_commit_interval;
        let refresh_at = config.metadata.and_then(|metadata| metadata.finds_at(link.now()));
        Self {
            link,
            config,
            session: RefCell::default(),
            handed_out_at: Cell::new(None),
            next_commit: Cell::new(next_commit),
            refresh_at: Cell::new(refresh_at),
            stored: Notify::default(),
            handed_out: Notify::default(),
        }
    }

    /// Takes the next buffered record out, as a delivery.
    fn hand_out(&self) -> Option<Delivery> {
        let mut session = self.session.borrow_mut();
        let fetched = session.next_record()?;
        let delivery = Delivery {
            id: self.link.next_delivery(),
            record: fetched.record,
            partition: fetched.partition,
            position: fetched.offset,
            attempt: 1,
            redelivered: false,
            generation: session.generation.unwrap_or_default(),
            at: self.link.now(),
        };
        self.link.record(Kind::Delivered {
            delivery: delivery.id,
            message: delivery.record.message,
            subscription: self.config.subscription,
            consumer: self.link.process(),
            partition: delivery.partition,
            position: delivery.position,
            attempt: 1,
            redelivered: false,
        });
        if self.config.offset_store == OffsetStore::AtDelivery {
            session.store(&fetched);
        }
        if self.config.auto_settle == AutoSettle::AtDelivery {
            self.stored.ring();
        }
        if self.config.max_poll_interval.is_some() {
            self.handed_out_at.set(Some(delivery.at));
            self.handed_out.ring();
        }
        Some(delivery)
    }

    /// Whether a shutdown is to be reported now. In Java a poll notices it, so the application has
    /// processed the whole batch by then.
    fn stops(&self) -> bool {
        let is_drained = || self.session.borrow().is_drained();
        let one_by_one = self.config.offset_store == OffsetStore::AtDelivery;
        match self.link.shutdown(|| one_by_one && !is_drained()) {
            None => false,
            Some(Shutdown::Abandon) if one_by_one => true,
            Some(Shutdown::Abandon | Shutdown::Drain) => is_drained(),
        }
    }

    /// What has changed with the assignment.
    async fn news(&self) -> Option<Turn> {
        if self.session.borrow().fenced && self.lose_partitions() {
            return Some(Turn::Lost);
        }
        if self.session.borrow().revoked {
            self.give_up_partitions().await;
        }
        self.session.borrow_mut().turns.pop_front()
    }

    fn me(&self) -> (SubscriptionId, ProcessId) {
        (self.config.subscription, self.link.process())
    }
}

/// A consumer that is gone waits for nothing.
impl<L: Link<Request = Request, Response = Response>> Drop for LogInbox<L> {
    fn drop(&mut self) {
        let session = self.session.get_mut();
        for call in [session.joining.take(), session.fetching.take()].into_iter().flatten() {
            self.link.forget(call);
        }
    }
}

impl<L: Link<Request = Request, Response = Response>> Subscription for LogInbox<L> {
    fn now(&self) -> Instant {
        self.link.now()
    }

    async fn poll(&self, until: Instant) -> Result<Turn, ReceiveError> {
        self.handed_out_at.set(None);
        if self.is_all_in_session() {
            self.link.remembers(self);
        }
        if self.is_commit_due() {
            self.commit_in_poll().await;
        }
        loop {
            if !self.link.is_running() {
                while_running(&self.link).await;
            }
            if self.stops() {
                return Ok(Turn::Shutdown);
            }
            if self.session.borrow().has_news()
                && let Some(turn) = self.news().await
            {
                return Ok(turn);
            }
            if let Some(delivery) = self.hand_out() {
                return Ok(Turn::Delivery(delivery));
            }
            if let Some(notice) = self.exchange(until).await? {
                return Ok(notice.into());
            }
        }
    }

    fn settle(&self, deliveries: &[Delivery]) -> impl Future<Output = Result<(), SettleError>> {
        self.commit_deliveries(deliveries)
    }

    async fn close(&self) -> Result<(), SettleError> {
        let committed = match self.config.auto_settle {
            AutoSettle::Off => Ok(()),
            _ => self.commit_stored_by(SettleTrigger::Close).await,
        };
        if self.config.leaves_on_close {
            let _ = self.link.call(Request::Leave { group: self.config.subscription }).await;
        }
        self.drop_assignment();
        committed
    }
}

impl<L: Link<Request = Request, Response = Response>> LogSubscription for LogInbox<L> {
    fn position(&self, partition: PartitionId) -> Option<u64> {
        self.session.borrow_mut().partition(partition).map(|partition| partition.position)
    }

    fn seek(&self, to: PartitionOffset) {
        let Some(from) = self.position(to.partition) else { return };
        let (subscription, consumer) = self.me();
        let (partition, to_offset) = (to.partition, to.offset);
        self.link.record(Kind::Sought { subscription, consumer, partition, from, to: to_offset });
        self.abandon_fetch();
        self.session.borrow_mut().seek(to);
    }

    fn pause(&self, partition: PartitionId) {
        self.abandon_fetch();
        self.session.borrow_mut().pause(partition, true);
    }

    fn resume(&self, partition: PartitionId) {
        self.abandon_fetch();
        self.session.borrow_mut().pause(partition, false);
    }

    async fn commit(&self, offsets: &[PartitionOffset]) -> Result<(), SettleError> {
        let generation = self.session.borrow().generation.ok_or(SettleError::Fenced)?;
        self.send_commit(generation, offsets.to_vec(), SettleTrigger::Application).await
    }

    async fn commit_stored(&self) -> Result<(), SettleError> {
        self.commit_stored_by(SettleTrigger::Application).await
    }
}

impl<L: Link<Request = Request, Response = Response>> GiveBack for LogInbox<L> {
    async fn give_back(&self, _delivery: &Delivery) -> Result<(), SettleError> {
        Ok(())
    }

    fn keeps_unsettled(&self) -> bool {
        false
    }
}
