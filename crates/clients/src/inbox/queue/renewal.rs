//! Lease renewal: the client library asks for more time, at an interval, for what it holds.
//!
//! > **The rule.** Held is what was received and is not settled: what waits in the buffer, and what
//! > the application has in hand. Every interval, while anything is held, one request extends all
//! > of it (SQS `ChangeMessageVisibilityBatch`, JetStream `InProgress`, RENEW of share groups).
//! > The application may leave a message unsettled; then it is held no longer.
//!
//! A receive that the application has stopped waiting for, because a batch is due, may still be
//! answered. The library takes that answer, so that what it brings is held as well.
//!
//! It is the process that renews. One that stands still renews nothing, and its leases end as if
//! there were no renewal; a handler that hangs in a process that runs has its lease for ever. The
//! request waits for no answer, as `InProgress` does not: a refusal comes too late to help.

use entrega_model::event::{Kind, SettleAct, SettleTrigger};
use entrega_model::queue::{DeliveryTag, Received, Request, Response, Settlement};
use entrega_model::{Instant, MessageId, PartitionId};

use super::super::wait::while_running;
use super::QueueInbox;
use crate::combinators::alongside;
use crate::{AutoSettle, CallId, Link};

/// What is held, and when all of it is next renewed.
#[derive(Default)]
pub(super) struct Holdings {
    /// In the order in which it was received.
    pub(super) held: Vec<(DeliveryTag, MessageId)>,
    /// None from when an interval has ended with nothing held until something is received.
    pub(super) renews_at: Option<Instant>,
    /// The receive that the application has stopped waiting for last; it may have been answered.
    pub(super) left_open: Option<CallId>,
}

impl Holdings {
    fn release(&mut self, is_released: impl Fn(DeliveryTag) -> bool) {
        self.held.retain(|&(tag, _)| !is_released(tag));
    }
}

impl<L: Link<Request = Request, Response = Response>> QueueInbox<L> {
    /// All that the library does at the application's side, until the end.
    pub async fn background(&self) {
        match self.config.lease_renewal {
            None => self.receive_ahead().await,
            Some(_) if self.config.receive_ahead => {
                Box::pin(alongside(self.renew_leases(), self.receive_ahead())).await;
            }
            Some(_) => Box::pin(alongside(self.renew_leases(), self.take_what_comes())).await,
        }
    }

    /// The application stops waiting for a receive.
    pub(super) fn leave_open(&self) {
        if self.renews() {
            let mut session = self.session.borrow_mut();
            session.holdings.left_open = session.receiving;
            drop(session);
            self.left_open.ring();
        }
    }

    /// Takes the answers of receives that the application has stopped waiting for, unless it asks
    /// again before they come.
    async fn take_what_comes(&self) {
        loop {
            self.left_open.rings().await;
            if !self.link.is_running() {
                while_running(&self.link).await;
            }
            let left_open = self.session.borrow().holdings.left_open;
            if let Some(call) = left_open
                && !self.takes_answer_of(call).await
            {
                return;
            }
        }
    }

    /// Whether leases are renewed. What the delivery settles has none.
    fn renews(&self) -> bool {
        self.config.lease_renewal.is_some() && self.config.auto_settle != AutoSettle::AtDelivery
    }

    /// Renews every interval, from the first message on.
    async fn renew_leases(&self) {
        loop {
            let renews_at = self.session.borrow().holdings.renews_at;
            match renews_at {
                None => self.received.rings().await,
                Some(at) => {
                    self.link.sleep_until(at).await;
                    if !self.link.is_running() {
                        while_running(&self.link).await;
                    }
                    self.renew();
                }
            }
        }
    }

    /// Asks for more time for all that is held.
    fn renew(&self) {
        let mut tags = Vec::new();
        {
            let mut session = self.session.borrow_mut();
            let holdings = &mut session.holdings;
            tags.extend(holdings.held.iter().map(|&(tag, _)| tag));
            let interval = self.config.lease_renewal.filter(|_| !tags.is_empty());
            holdings.renews_at = interval.map(|interval| self.link.now() + interval);
        }
        if tags.is_empty() {
            return;
        }
        for &(tag, message) in &self.session.borrow().holdings.held {
            self.link.record(Kind::SettleInvoked {
                message,
                subscription: self.config.subscription,
                consumer: self.link.process(),
                partition: PartitionId(0),
                position: tag,
                act: SettleAct::Extend,
                trigger: SettleTrigger::Timer,
            });
        }
        let request = Request::Settle {
            queue: self.config.subscription,
            tags,
            settlement: Settlement::Extend,
            multiple: false,
            trigger: SettleTrigger::Timer,
        };
        self.link.forget(self.link.start(request));
    }

    /// What was received is held from now on.
    #[inline]
    pub(super) fn hold(&self, received: &[Received]) {
        if self.renews() && !received.is_empty() {
            self.hold_all(received);
        }
    }

    #[cold]
    fn hold_all(&self, received: &[Received]) {
        let mut session = self.session.borrow_mut();
        let holdings = &mut session.holdings;
        holdings.held.extend(received.iter().map(|one| (one.tag, one.record.message)));
        if holdings.renews_at.is_none() {
            let interval = self.config.lease_renewal;
            holdings.renews_at = interval.map(|interval| self.link.now() + interval);
            drop(session);
            self.received.ring();
        }
    }

    /// These deliveries are held no longer; with `multiple`, none up to the last of them is.
    #[inline]
    pub(super) fn release(&self, tags: &[DeliveryTag], multiple: bool) {
        if self.renews() {
            self.release_all(tags, multiple);
        }
    }

    #[cold]
    fn release_all(&self, tags: &[DeliveryTag], multiple: bool) {
        let last = tags.last().copied().filter(|_| multiple);
        let mut session = self.session.borrow_mut();
        let is_released = |tag| last.is_some_and(|last| tag <= last) || tags.contains(&tag);
        session.holdings.release(is_released);
    }
}
