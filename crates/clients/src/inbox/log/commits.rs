//! The three ways to commit: when the application settles, by a timer, and at the next poll.
//!
//! The two automatic ones differ in what they believe to be done. librdkafka stores an offset when
//! it *delivers* the message; Java commits in a poll what *earlier* polls returned, the whole batch
//! at once [RDK-SRC], [KAFKA-JAVADOC], [KAFKA-SRC `ConsumerCoordinator`]. That is the difference
//! between losing and repeating a message; and for `close()` in the middle of a batch, between
//! losing one message and losing all the rest.

use std::future::Future;

use entrega_model::event::{Kind, SettleAct, SettleOutcome, SettleTrigger};
use entrega_model::log::{PartitionOffset, Refusal, Request, Response};
use entrega_model::{Delivery, Generation, Instant, MessageId, PartitionId};

use super::LogInbox;
use crate::inbox::retried::Retried;
use crate::{AutoSettle, Link, OffsetStore, SettleError, Unanswered};

impl<L: Link<Request = Request, Response = Response>> LogInbox<L> {
    /// Commits the offsets after these deliveries, and notes what became of each.
    pub(super) async fn commit_deliveries(
        &self,
        deliveries: &[Delivery],
    ) -> Result<(), SettleError> {
        let Some(last) = deliveries.last() else { return Ok(()) };
        let mut offsets = self.session.borrow_mut().spare_offsets();
        for delivery in deliveries {
            let &Delivery { record, partition, position, .. } = delivery;
            self.note_invoked(record.message, partition, position, SettleTrigger::Application);
            cover(&mut offsets, PartitionOffset { partition, offset: position + 1 });
        }
        let generation = if self.config.cooperative {
            self.session.borrow().generation_of(last)
        } else {
            last.generation
        };
        let result = self.send_commit(generation, offsets, SettleTrigger::Application).await;
        if self.config.settle_confirmed {
            for delivery in deliveries {
                self.note_ended(delivery.record.message, outcome_of(result));
            }
        }
        result
    }

    /// The application asks for more than the last poll returned, so it is done with that: it may
    /// be committed now (Java).
    pub(super) fn is_commit_due(&self) -> bool {
        self.config.auto_settle == AutoSettle::AtNextReceive
            && self.link.now() >= self.next_commit.get()
            && self.has_batch_to_commit()
    }

    /// Commits it.
    pub(super) async fn commit_in_poll(&self) {
        self.next_commit.set(self.link.now() + self.config.auto_commit_interval);
        let _ = self.commit_stored_by(SettleTrigger::NextReceive).await;
    }

    fn has_batch_to_commit(&self) -> bool {
        let session = self.session.borrow();
        session.is_drained() && session.has_stored()
    }

    /// When a parked poll must run again by itself: to commit what is stored, as Java's idle polls
    /// do.
    pub(super) fn commit_due(&self) -> Instant {
        let commits_in_poll = self.config.auto_settle == AutoSettle::AtNextReceive;
        if commits_in_poll && self.session.borrow().has_stored() {
            return self.next_commit.get();
        }
        Instant::NEVER
    }

    /// Commits what is stored and ahead of what is committed. With nothing of that kind, the
    /// library keeps silent; only an application hears of it, and not in Java.
    pub(super) async fn commit_stored_by(&self, trigger: SettleTrigger) -> Result<(), SettleError> {
        let by_application = trigger == SettleTrigger::Application;
        let (generation, offsets) = {
            let mut session = self.session.borrow_mut();
            let Some(generation) = session.generation else {
                return if by_application { Err(SettleError::Fenced) } else { Ok(()) };
            };
            (generation, session.stored_offsets())
        };
        if offsets.is_empty() {
            self.session.borrow_mut().recycle_offsets(offsets);
            let is_error = by_application && self.config.offset_store == OffsetStore::AtDelivery;
            return if is_error { Err(SettleError::NoOffset) } else { Ok(()) };
        }
        let mut messages = self.session.borrow_mut().spare_messages();
        for offset in &offsets {
            if let Some(message) = self.session.borrow().stored_message(*offset) {
                self.note_invoked(message, offset.partition, offset.offset - 1, trigger);
                messages.push(message);
            }
        }
        let result = self.send_commit(generation, offsets, trigger).await;
        if by_application && self.config.settle_confirmed {
            messages.iter().for_each(|message| self.note_ended(*message, outcome_of(result)));
        }
        self.session.borrow_mut().recycle_messages(messages);
        result
    }

    /// Sends a commit, and repeats it as often as the configuration says while there is no answer.
    /// Returns the outcome; returns at once if settles are unconfirmed.
    #[inline]
    pub(super) fn send_commit(
        &self,
        generation: Generation,
        offsets: Vec<PartitionOffset>,
        trigger: SettleTrigger,
    ) -> impl Future<Output = Result<(), SettleError>> {
        let group = self.config.subscription;
        let request = move |offsets| Request::Commit { group, generation, offsets, trigger };
        let take = move |answer| self.committed(generation, answer);
        if self.config.settle_confirmed {
            return Retried::new(&self.link, offsets, self.config.settle_retries, request, take);
        }
        self.session.borrow_mut().committed(&offsets);
        self.link.forget(self.link.start(request(offsets)));
        Retried::over(Ok(()))
    }

    /// What the answer to a commit under this assignment means. One that is refused for its offsets
    /// leaves the assignment as it is.
    #[inline]
    fn committed(
        &self,
        generation: Generation,
        answer: Result<Response, Unanswered>,
    ) -> Result<(), SettleError> {
        match answer {
            Ok(Response::Committed { offsets }) => {
                let mut session = self.session.borrow_mut();
                session.committed(&offsets);
                session.recycle_offsets(offsets);
                Ok(())
            }
            Ok(Response::Refused(Refusal::NotOwner | Refusal::BackwardCommit)) => {
                Err(SettleError::Fenced)
            }
            Ok(_) => {
                self.fenced(generation);
                Err(SettleError::Fenced)
            }
            Err(Unanswered) => Err(SettleError::Unknown),
        }
    }

    /// A refused commit means that the assignment is over, unless it was made under an older one,
    /// or the next one is on its way to a member that keeps its partitions. The next poll tells the
    /// application; one that is waiting learns it from its own fetch.
    fn fenced(&self, generation: Generation) {
        let mut session = self.session.borrow_mut();
        let joins_again = session.rejoins && session.joining.is_some();
        session.fenced |= session.generation == Some(generation) && !joins_again;
    }

    fn note_invoked(
        &self,
        message: MessageId,
        partition: PartitionId,
        position: u64,
        trigger: SettleTrigger,
    ) {
        let (subscription, consumer) = self.me();
        let act = SettleAct::Commit;
        self.link.record(Kind::SettleInvoked {
            message,
            subscription,
            consumer,
            partition,
            position,
            act,
            trigger,
        });
    }

    fn note_ended(&self, message: MessageId, outcome: SettleOutcome) {
        let (subscription, consumer) = self.me();
        let act = SettleAct::Commit;
        self.link.record(Kind::SettleEnded { message, subscription, consumer, act, outcome });
    }
}

/// Raises the offset of a partition to one that covers more.
fn cover(offsets: &mut Vec<PartitionOffset>, with: PartitionOffset) {
    match offsets.iter_mut().find(|offset| offset.partition == with.partition) {
        Some(known) => known.offset = known.offset.max(with.offset),
        None => offsets.push(with),
    }
}

fn outcome_of(result: Result<(), SettleError>) -> SettleOutcome {
    match result {
        Ok(()) => SettleOutcome::Ok,
        Err(SettleError::Fenced | SettleError::NoOffset) => SettleOutcome::Fail,
        Err(SettleError::Unknown) => SettleOutcome::Info,
    }
}
