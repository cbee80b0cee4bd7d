//! Settles: what consumers ask for, what they learn of it, what the broker records; and how a
//! queue takes deliveries back.

use entrega_model::event::{NO_POSITION, SettleAct, SettleOutcome, SettleTrigger};
use entrega_model::{MessageId, PartitionId, ProcessId};

use super::{Settle, SubscriptionFold, change};
use crate::message::{Flag, Message};
use crate::owners::{Life, Owners, Tenure};
use crate::partitions::Partitions;
use crate::{Cause, Counter};

impl SubscriptionFold {
    /// A consumer asks. If the broker has restarted since the delivery, or has taken it back
    /// because a connection ended, it asks in vain, and that is not the fault of the settle.
    #[inline]
    pub(crate) fn settle_invoked(&mut self, settle: Settle, position: u64) {
        let Settle { message: id, consumer, act } = settle;
        let message = self.messages.entry(id.0.into());
        let Some(tenure) = self.owners.of_consumer(message.tenure, consumer) else { return };
        match act {
            SettleAct::Extend => {}
            SettleAct::Requeue | SettleAct::Ack | SettleAct::Reject
                if message.has(Flag::MovedBack) && self.stays.is_over(id, position) => {}
            SettleAct::Requeue => {
                change(message, &mut self.owners, |message| message.set(Flag::Nacked));
            }
            _ if tenure.forgotten || message.has(Flag::Requeued) => {}
            SettleAct::Ack | SettleAct::Reject => message.asks_for_settle(),
            SettleAct::Commit if position == NO_POSITION => message.asks_for_settle(),
            SettleAct::Commit => {
                message.asks_for_settle();
                if position >= tenure.asked_upto {
                    (tenure.asked_upto, tenure.asked_for) = (position.saturating_add(1), id.0);
                }
            }
        }
    }

    /// What a consumer learnt. If the broker reports what it records, a success says nothing new.
    #[inline]
    pub(crate) fn settle_ended(&mut self, settle: Settle, outcome: SettleOutcome) {
        if outcome != SettleOutcome::Ok || !self.has_truth {
            self.learnt(settle, outcome);
        }
        if settle.act.is_final() {
            match outcome {
                SettleOutcome::Info => self.given_up(settle),
                SettleOutcome::Ok | SettleOutcome::Fail => self.arrived(settle),
            }
        }
    }

    /// A consumer will not learn what became of its settle.
    #[cold]
    fn given_up(&mut self, settle: Settle) {
        let message = self.messages.entry(settle.message.0.into());
        let tenure = self.owners.of_consumer(message.tenure, settle.consumer);
        if tenure.is_some() && message.has(Flag::SettleInvoked) {
            message.set(Flag::GivenUp);
        } else {
            message.unset(Flag::SettleUnheard);
        }
    }

    /// A consumer learnt what became of a final settle, so that was not lost on its way. If it is
    /// not recorded and the lease has ended, it came too late; maybe the message was delivered
    /// since.
    #[inline]
    fn arrived(&mut self, settle: Settle) {
        const SETTLED: u32 = Flag::Settled as u32;
        let flags = self.messages.entry(settle.message.0.into()).flags;
        if flags & (SETTLED | Flag::SettleUnheard as u32) != SETTLED {
            self.arrived_in_vain(settle);
        }
    }

    #[cold]
    fn arrived_in_vain(&mut self, settle: Settle) {
        let message = self.messages.entry(settle.message.0.into());
        let tenure = self.owners.of_consumer(message.tenure, settle.consumer);
        match tenure.filter(|_| message.has(Flag::SettleInvoked)) {
            Some(tenure) if !message.has(Flag::Settled) => {
                message.set(Flag::Answered);
                if tenure.asked_for == settle.message.0 {
                    tenure.asked_upto = 0;
                }
                if message.has(Flag::LeaseRanOut) {
                    message.set(Flag::SettledLate);
                }
                note_in_time(message, &self.owners);
            }
            None if message.has(Flag::SettleUnheard) => message.settle_came_late(),
            _ => {}
        }
    }

    #[cold]
    fn learnt(&mut self, settle: Settle, outcome: SettleOutcome) {
        let Settle { message, consumer, act } = settle;
        match outcome {
            SettleOutcome::Ok if act.is_final() => {
                let cause = Cause::of_settle(self.learns_of);
                self.change_of(message, consumer, |message| {
                    message.set(Flag::Settled);
                    message.note_loss(cause);
                });
                self.note_in_time(message);
            }
            SettleOutcome::Ok => {}
            SettleOutcome::Info => self.counters.add(Counter::SettlesLost, 1),
            SettleOutcome::Fail => {
                self.counters.add(Counter::SettlesRefused, 1);
                self.change_of(message, consumer, |message| {
                    if !message.was_returned() {
                        message.set(Flag::SettleRefused);
                    }
                });
            }
        }
    }

    /// A queue recorded a settle.
    #[inline]
    pub(crate) fn settled(&mut self, settle: Settle, trigger: SettleTrigger) {
        let Settle { message: id, consumer, act } = settle;
        self.has_truth = true;
        let message = self.messages.entry(id.0.into());
        if act == SettleAct::Requeue {
            message.numbers.returned(id, &mut self.high_numbers);
            message.set(Flag::GivenBack);
            change(message, &mut self.owners, |message| message.set(Flag::Nacked));
        }
        if !act.is_final() {
            return;
        }
        if message.has(Flag::SettleUnheard) {
            settled_beside_another(message, &self.owners, consumer);
        }
        message.note_loss(Cause::of_settle(trigger));
        if trigger == SettleTrigger::Delivery {
            message.set(Flag::SettledAhead);
        } else {
            if message.was_returned() {
                note_late(message);
            }
            change(message, &mut self.owners, |message| message.set(Flag::Settled));
            if self.is_record || message.came_back() {
                note_in_time(message, &self.owners);
            }
        }
    }

    /// Of a record: whether a message was settled before anything befell its consumer. What befalls
    /// the consumer after that is no reason to deliver it again.
    #[inline]
    pub(super) fn note_in_time(&mut self, id: MessageId) {
        if self.is_record {
            let message = self.messages.entry(id.0.into());
            note_in_time(message, &self.owners);
        }
    }

    /// A log recorded a committed offset, which covers all messages before it.
    #[inline]
    pub(crate) fn committed(
        &mut self,
        partitions: &Partitions,
        partition: PartitionId,
        upto: u64,
        trigger: SettleTrigger,
    ) {
        self.has_truth = true;
        let progress = self.progress.entry(partition.0.into());
        let previous = std::mem::replace(&mut progress.committed, upto);
        progress.most_committed = progress.most_committed.max(upto);
        if upto < previous {
            return self.rewound(partitions, partition, upto, previous);
        }
        let cause = Cause::of_settle(trigger);
        let is_record = self.is_record;
        partitions.each_between(partition, previous, upto, |id| {
            let message = self.messages.entry(id.0.into());
            message.note_loss(cause);
            change(message, &mut self.owners, |message| message.set(Flag::Settled));
            if is_record {
                note_in_time(message, &self.owners);
            }
        });
    }

    /// A committed offset went back.
    #[cold]
    fn rewound(
        &mut self,
        partitions: &Partitions,
        partition: PartitionId,
        upto: u64,
        previous: u64,
    ) {
        partitions
            .each_between(partition, upto, previous, |id| self.entry(id).forget_settle_loss());
    }

    /// A lease ran out. If the last delivery is not the one that it was for, the message still
    /// waits in its consumer's buffer.
    pub(crate) fn lease_expired(&mut self, id: MessageId, consumer: ProcessId) {
        let mut message = *self.entry(id);
        message.numbers.returned(id, &mut self.high_numbers);
        message.set(Flag::LeaseRanOutOnce);
        let holder = self.owners.of_consumer(message.tenure, consumer).is_some();
        let is_of_last = holder && !message.has(Flag::Redriven);
        if is_of_last && !message.was_returned() {
            let asked = message.has(Flag::SettleInvoked) || message.has(Flag::Settled);
            let life = self.owners.get(message.tenure).map(|(_, life)| life);
            message.set(Flag::LeaseRanOut);
            if !asked && life.is_some_and(|life| !life.is_over()) {
                message.set(Flag::LeaseRanOutUnsettled);
                let works = !message.has(Flag::Nacked);
                self.counters.add(Counter::LeasesExpiredWithLiveHandler, works.into());
            }
        } else {
            message.set(Flag::LeaseRanOutAhead);
        }
        *self.entry(id) = message;
    }

    /// The end of a connection returned a message. If the last delivery is not the one that it was
    /// for, the message still waits in its consumer's buffer.
    pub(crate) fn requeued(&mut self, id: MessageId, consumer: ProcessId) {
        let message = self.messages.entry(id.0.into());
        message.numbers.returned(id, &mut self.high_numbers);
        let message = *message;
        let holder = self.owners.of_consumer(message.tenure, consumer).is_some();
        let is_of_last = holder && !message.has(Flag::Redriven);
        if !is_of_last || message.was_returned() {
            return self.entry(id).set(Flag::RequeuedAhead);
        }
        let asked = message.has(Flag::SettleInvoked) || message.has(Flag::Settled);
        self.change_of(id, consumer, |message| {
            message.set(Flag::Requeued);
            if !asked {
                message.set(Flag::RequeuedUnsettled);
            }
        });
    }
}

/// A settle is recorded of a message that was taken back before that.
#[cold]
fn note_late(message: &mut Message) {
    if message.has(Flag::LeaseRanOut) {
        message.set(Flag::SettledLate);
    }
    if message.has(Flag::Requeued) && !message.has(Flag::Settled) {
        message.set(Flag::RequeuedUnsettled);
    }
}

/// Notes of a settled message that nothing has befallen its consumer yet, if that is so.
fn note_in_time(message: &mut Message, owners: &Owners) {
    let is_over =
        |(tenure, life): (&Tenure, &Life)| tenure.session_expired || tenure.moved || life.is_over();
    let is_over_with = message.has(Flag::Settled) || message.has(Flag::SettledLate);
    if is_over_with && !owners.get(message.tenure).is_some_and(is_over) {
        message.set(Flag::SettledInTime);
    }
}

/// A settle is recorded while the delivery before the last one may still have one on its way: it is
/// that one, unless the last one's consumer has asked too, or has died and begun anew: then its
/// next life speaks for what it was never given.
#[cold]
fn settled_beside_another(message: &mut Message, owners: &Owners, consumer: ProcessId) {
    let holder = owners.get(message.tenure).map(|(_, life)| life);
    let own = holder.filter(|life| life.consumer == consumer);
    let asks = message.has(Flag::SettleInvoked) || message.has(Flag::Requeued);
    if !own.is_some_and(|life| life.is_over() || asks) {
        message.settle_came_late();
    }
}
