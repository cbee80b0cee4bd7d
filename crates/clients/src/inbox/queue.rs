//! The client library of a queue: receives as many as its prefetch allows, hands them out one by
//! one, and settles: for the application, by the delivery itself (automatic ack), or with the next
//! receive (implicit acceptance).
//!
//! It receives when it has handed out all that it has (pull), or goes on receiving while the
//! application works (push): what then waits in its buffer is delivered already, so leases run, and
//! with automatic ack a crash loses all of it.

mod renewal;
mod session;

use std::cell::RefCell;
use std::future::Future;

use entrega_model::event::{Kind, SettleAct, SettleOutcome, SettleTrigger};
use entrega_model::queue::{DeliveryTag, Request, Response, Settlement};
use entrega_model::{Delivery, Duration, Generation, Instant, MessageId, PartitionId};

use self::session::QueueSession;
use super::notice::Notice;
use super::notify::Notify;
use super::retried::Retried;
use super::wait::{Until, Waited, answer_or, while_running};
use crate::application::GiveBack;
use crate::{
    AutoSettle, CallId, Called, ClientConfig, Link, QueueSubscription, ReceiveError, SettleError,
    SettleScope, Shutdown, Subscription, Turn, Unanswered, WorkerLost,
};

/// What a client says of a delivery, and how that is recorded.
type Said = (Settlement, SettleAct);
const ACK: Said = (Settlement::Ack, SettleAct::Ack);
const REQUEUE: Said = (Settlement::Requeue, SettleAct::Requeue);
const REJECT_AND_REQUEUE: Said = (Settlement::RejectAndRequeue, SettleAct::Requeue);
const REJECT: Said = (Settlement::Reject, SettleAct::Reject);
const EXTEND: Said = (Settlement::Extend, SettleAct::Extend);

/// One consumer of a queue.
pub struct QueueInbox<L: Link<Request = Request, Response = Response>> {
    link: L,
    config: ClientConfig,
    session: RefCell<QueueSession>,
    /// Rings when something is to be renewed again.
    received: Notify,
    /// Rings when the application stops waiting for a receive.
    left_open: Notify,
}

impl<L: Link<Request = Request, Response = Response>> QueueInbox<L> {
    /// A consumer over `link`.
    pub fn new(link: L, config: ClientConfig) -> Self {
        Self {
            link,
            config,
            session: RefCell::default(),
            received: Notify::default(),
            left_open: Notify::default(),
        }
    }

    /// Takes the next received message out, as a delivery.
    fn hand_out(&self) -> Option<Delivery> {
        let mut session = self.session.borrow_mut();
        let received = session.next()?;
        if self.config.auto_settle == AutoSettle::AtNextReceive {
            session.handed_out.push((received.tag, received.record.message));
        }
        let delivery = Delivery {
            id: self.link.next_delivery(),
            record: received.record,
            partition: PartitionId(0),
            position: received.tag,
            attempt: received.delivery_count,
            redelivered: received.redelivered,
            generation: Generation(0),
            at: self.link.now(),
        };
        self.link.record(Kind::Delivered {
            delivery: delivery.id,
            message: delivery.record.message,
            subscription: self.config.subscription,
            consumer: self.link.process(),
            partition: delivery.partition,
            position: delivery.position,
            attempt: delivery.attempt,
            redelivered: delivery.redelivered,
        });
        Some(delivery)
    }

    /// Whether a shutdown is to be reported now.
    fn stops(&self) -> bool {
        let is_drained = || self.session.borrow().is_drained();
        match self.link.shutdown(|| !is_drained()) {
            None => false,
            Some(Shutdown::Abandon) => true,
            Some(Shutdown::Drain) => is_drained(),
        }
    }

    /// The application asks for more than it was handed, so it is done with that.
    fn accepts_handed_out(&self) -> bool {
        let session = self.session.borrow();
        !session.handed_out.is_empty() && session.is_drained()
    }

    /// Accepts what was handed out.
    async fn accept_handed_out(&self) {
        let tags = {
            let mut session = self.session.borrow_mut();
            let mut tags = session.spare_tags();
            tags.extend(session.handed_out.iter().map(|&(tag, _)| tag));
            for &(tag, message) in &session.handed_out {
                self.note_invoked(message, tag, SettleAct::Ack, SettleTrigger::NextReceive);
            }
            session.handed_out.clear();
            tags
        };
        self.release(&tags, false);
        let answer = self.send(tags, Settlement::Ack, false, SettleTrigger::NextReceive).await;
        if let Ok(tags) = answer {
            self.session.borrow_mut().recycle_tags(tags);
        }
    }

    /// The receive that is on its way, or a new one. One that nothing else is waited for beside may
    /// be answered at once.
    #[inline(always)]
    fn receive_under_way(&self, waits_for_this: bool) -> Called<Response> {
        let mut session = self.session.borrow_mut();
        if let Some(call) = session.receiving {
            return Called::Open(call);
        }
        let receive = Request::Receive {
            queue: self.config.subscription,
            max: self.config.prefetch,
            settle_at_delivery: self.config.auto_settle == AutoSettle::AtDelivery,
            buffer: session.spare_buffer(),
            deadline: Instant::NEVER,
        };
        let called = if waits_for_this {
            self.link.ask(receive)
        } else {
            Called::Open(self.link.start(receive))
        };
        if let Called::Open(call) = called {
            session.receiving = Some(call);
        }
        called
    }

    /// One round trip with the broker. `None` means: look again.
    async fn exchange(&self, until: Instant) -> Result<Option<Notice>, ReceiveError> {
        let call = match self.receive_under_way(until == Instant::NEVER) {
            Called::Answered(answer) => return self.take(Ok(answer)).map(|()| None),
            Called::Open(call) => call,
        };
        let is_open = || self.session.borrow().receiving == Some(call);
        let until = Until::Idle(until);
        match answer_or(&self.link, call, until, is_open, |answer| self.take(answer)).await {
            Waited::Overtaken => Ok(None),
            Waited::Time => {
                self.leave_open();
                Ok(Some(Notice::Idle))
            }
            Waited::Closing => Ok(Some(Notice::Shutdown)),
            Waited::Answer(taken) => taken.map(|()| None),
        }
    }

    /// Takes the answer of a receive.
    #[inline]
    fn take(&self, answer: Result<Response, Unanswered>) -> Result<(), ReceiveError> {
        self.session.borrow_mut().receiving = None;
        match answer {
            Ok(Response::Received { deliveries }) => {
                self.hold(&deliveries);
                self.session.borrow_mut().fill(deliveries);
            }
            Ok(Response::UnknownQueue) => return Err(ReceiveError::UnknownSubscription),
            Ok(_) | Err(Unanswered) => {}
        }
        Ok(())
    }

    /// Receives on while the application works, if it is configured to. Runs at the application's
    /// side until the end; whoever of the two sees an answer first takes it.
    pub async fn receive_ahead(&self) {
        if self.config.receive_ahead {
            Box::pin(self.go_on_receiving()).await;
        }
    }

    /// In memory of its own, so that a consumer that receives nothing ahead has no room for it.
    async fn go_on_receiving(&self) {
        loop {
            if !self.link.is_running() {
                while_running(&self.link).await;
            }
            let goes_on = match self.receive_under_way(true) {
                Called::Answered(answer) => self.take(Ok(answer)).is_ok(),
                Called::Open(call) => self.takes_answer_of(call).await,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Waits for the answer of a receive. Says whether there is to be another one.
    async fn takes_answer_of(&self, call: CallId) -> bool {
        let is_open = || self.session.borrow().receiving == Some(call);
        let until = Until::Idle(Instant::NEVER);
        match answer_or(&self.link, call, until, is_open, |answer| self.take(answer)).await {
            Waited::Overtaken => true,
            Waited::Answer(taken) => taken.is_ok(),
            Waited::Time | Waited::Closing => false,
        }
    }

    /// Sends a settle, and repeats it as often as the configuration says while there is no answer.
    /// Returns the refused tags; returns at once if settles are unconfirmed.
    #[inline]
    fn send(
        &self,
        tags: Vec<DeliveryTag>,
        settlement: Settlement,
        multiple: bool,
        trigger: SettleTrigger,
    ) -> impl Future<Output = Result<Vec<DeliveryTag>, SettleError>> {
        let queue = self.config.subscription;
        let request = move |tags| Request::Settle { queue, tags, settlement, multiple, trigger };
        if self.config.settle_confirmed {
            return Retried::new(&self.link, tags, self.config.settle_retries, request, refused);
        }
        self.link.forget(self.link.start(request(tags)));
        Retried::over(Ok(Vec::new()))
    }

    /// Settles on behalf of the application, and notes what became of each delivery.
    async fn settle_as(
        &self,
        deliveries: &[Delivery],
        (settlement, act): Said,
        trigger: SettleTrigger,
    ) -> Result<(), SettleError> {
        let Some(last) = deliveries.last() else { return Ok(()) };
        let is_cumulative = self.config.settle_scope == SettleScope::Cumulative;
        let is_of_application = trigger == SettleTrigger::Application;
        let multiple = is_cumulative && act == SettleAct::Ack && is_of_application;
        let mut tags = self.session.borrow_mut().spare_tags();
        if multiple {
            tags.push(last.position);
        } else {
            tags.extend(deliveries.iter().map(|delivery| delivery.position));
        }
        if settlement != Settlement::Extend {
            self.release(&tags, multiple);
        }
        for delivery in deliveries {
            let Delivery { record, position, .. } = delivery;
            self.note_invoked(record.message, *position, act, trigger);
        }
        let answer = self.send(tags, settlement, multiple, trigger).await;
        self.note_all_ended(deliveries, act, &answer);
        let result = match &answer {
            Ok(refused) if refused.is_empty() => Ok(()),
            Ok(_) => Err(SettleError::Fenced),
            Err(error) => Err(*error),
        };
        if let Ok(tags) = answer {
            self.session.borrow_mut().recycle_tags(tags);
        }
        result
    }

    fn note_all_ended(
        &self,
        deliveries: &[Delivery],
        act: SettleAct,
        answer: &Result<Vec<DeliveryTag>, SettleError>,
    ) {
        if !self.config.settle_confirmed {
            return;
        }
        for delivery in deliveries {
            let outcome = match answer {
                Err(SettleError::Unknown) => SettleOutcome::Info,
                Err(SettleError::Fenced | SettleError::NoOffset) => SettleOutcome::Fail,
                Ok(refused) if refused.contains(&delivery.position) => SettleOutcome::Fail,
                Ok(_) => SettleOutcome::Ok,
            };
            self.link.record(Kind::SettleEnded {
                message: delivery.record.message,
                subscription: self.config.subscription,
                consumer: self.link.process(),
                act,
                outcome,
            });
        }
    }

    fn note_invoked(
        &self,
        message: MessageId,
        tag: DeliveryTag,
        act: SettleAct,
        trigger: SettleTrigger,
    ) {
        self.link.record(Kind::SettleInvoked {
            message,
            subscription: self.config.subscription,
            consumer: self.link.process(),
            partition: PartitionId(0),
            position: tag,
            act,
            trigger,
        });
    }
}

/// The tags that were refused, none if all are settled.
fn refused(answer: Result<Response, Unanswered>) -> Result<Vec<DeliveryTag>, SettleError> {
    match answer {
        Ok(Response::Settled { tags } | Response::Stale { tags }) => Ok(tags),
        Ok(_) => Err(SettleError::Fenced),
        Err(Unanswered) => Err(SettleError::Unknown),
    }
}

/// A consumer that is gone waits for nothing.
impl<L: Link<Request = Request, Response = Response>> Drop for QueueInbox<L> {
    fn drop(&mut self) {
        if let Some(call) = self.session.get_mut().receiving.take() {
            self.link.forget(call);
        }
    }
}

impl<L: Link<Request = Request, Response = Response>> Subscription for QueueInbox<L> {
    fn now(&self) -> Instant {
        self.link.now()
    }

    async fn poll(&self, until: Instant) -> Result<Turn, ReceiveError> {
        self.link.remembers(&*self.session.borrow());
        loop {
            if !self.link.is_running() {
                while_running(&self.link).await;
            }
            if self.stops() {
                return Ok(Turn::Shutdown);
            }
            if self.accepts_handed_out() {
                self.accept_handed_out().await;
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
        self.settle_as(deliveries, ACK, SettleTrigger::Application)
    }

    async fn close(&self) -> Result<(), SettleError> {
        self.session.borrow_mut().holdings.held.clear();
        if self.config.auto_settle == AutoSettle::AtNextReceive {
            self.session.borrow_mut().handed_out.clear();
        }
        let _ = self.link.call(Request::Close { queue: self.config.subscription }).await;
        Ok(())
    }
}

impl<L: Link<Request = Request, Response = Response>> QueueSubscription for QueueInbox<L> {
    async fn requeue(&self, delivery: &Delivery) -> Result<(), SettleError> {
        let deliveries = std::slice::from_ref(delivery);
        self.settle_as(deliveries, REQUEUE, SettleTrigger::Application).await
    }

    async fn reject_and_requeue(&self, delivery: &Delivery) -> Result<(), SettleError> {
        let deliveries = std::slice::from_ref(delivery);
        self.settle_as(deliveries, REJECT_AND_REQUEUE, SettleTrigger::Application).await
    }

    async fn reject(&self, delivery: &Delivery) -> Result<(), SettleError> {
        let deliveries = std::slice::from_ref(delivery);
        self.settle_as(deliveries, REJECT, SettleTrigger::Application).await
    }

    async fn extend(&self, delivery: &Delivery) -> Result<(), SettleError> {
        let deliveries = std::slice::from_ref(delivery);
        self.settle_as(deliveries, EXTEND, SettleTrigger::Application).await
    }
}

impl<L: Link<Request = Request, Response = Response>> GiveBack for QueueInbox<L> {
    async fn give_back(&self, delivery: &Delivery) -> Result<(), SettleError> {
        self.requeue(delivery).await
    }

    async fn give_back_failed(&self, delivery: &Delivery) -> Result<(), SettleError> {
        self.reject_and_requeue(delivery).await
    }

    async fn end_for_worker(&self, delivery: &Delivery) {
        let word = match self.config.worker_lost {
            Some(WorkerLost::Settle) => ACK,
            Some(WorkerLost::Requeue) => REJECT_AND_REQUEUE,
            None => return,
        };
        let deliveries = std::slice::from_ref(delivery);
        let _ = self.settle_as(deliveries, word, SettleTrigger::WorkerLost).await;
    }

    async fn publish_copy(&self, delivery: &Delivery, after: Duration) -> Result<bool, Unanswered> {
        let &Delivery { record, attempt: tried, .. } = delivery;
        let retry = Request::Retry { queue: self.config.subscription, record, tried, after };
        match self.link.call(retry).await {
            Ok(Response::Published { .. }) => Ok(true),
            Ok(_) => Ok(false),
            Err(_) => Err(Unanswered),
        }
    }

    fn let_go(&self, delivery: &Delivery) {
        self.release(&[delivery.position], false);
    }

    fn keeps_unsettled(&self) -> bool {
        true
    }
}
