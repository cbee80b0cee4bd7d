//! Settles: what consumers ask for, what they learn of it, what the broker records; and how a queue
//! takes deliveries back.

use entrega_model::event::{SettleAct, SettleOutcome, SettleTrigger};
use entrega_model::{LaneId, MessageId, ProcessId};

use super::{Settle, SubscriptionFold};
use crate::lanes::Lanes;
use crate::message::Flag;
use crate::{Cause, Counter};

impl SubscriptionFold {
    /// A consumer asks. If the broker has restarted since the hand-over, it asks in vain, and that
    /// is not the fault of the settle.
    #[inline]
    pub(crate) fn settle_invoked(&mut self, settle: Settle, position: u64) {
        let Settle { message, consumer, act } = settle;
        let tenure = self.entry(message).tenure;
        let Some(tenure) = self.owners.of_consumer(tenure, consumer) else { return };
        let flag = match act {
            SettleAct::Extend => return,
            SettleAct::Requeue => Flag::Nacked,
            _ if tenure.forgotten => return,
            SettleAct::Ack | SettleAct::Reject | SettleAct::Commit => Flag::SettleInvoked,
        };
        if act == SettleAct::Commit {
            tenure.asked_upto = tenure.asked_upto.max(position.saturating_add(1));
        }
        self.change(message, |message| message.set(flag));
    }

    #[inline]
    pub(crate) fn settle_ended(&mut self, settle: Settle, outcome: SettleOutcome) {
        let Settle { message, consumer, act } = settle;
        match outcome {
            SettleOutcome::Ok if is_final(act) && !self.has_truth => {
                self.change_of(message, consumer, |message| {
                    message.set(Flag::Settled);
                    message.note_loss(Cause::SettledBeforeProcess);
                })
            }
            SettleOutcome::Ok => {}
            SettleOutcome::Info => self.counters.add(Counter::SettlesLost, 1),
            SettleOutcome::Fail => {
                self.counters.add(Counter::SettlesRefused, 1);
                self.change_of(message, consumer, |message| message.set(Flag::SettleRefused));
            }
        }
    }

    /// A queue recorded a settle.
    #[inline]
    pub(crate) fn settled(&mut self, message: MessageId, act: SettleAct, trigger: SettleTrigger) {
        self.has_truth = true;
        if act == SettleAct::Requeue {
            self.entry(message).numbers.returned();
        }
        if !is_final(act) {
            return;
        }
        self.change(message, |message| {
            message.note_loss(Cause::of_settle(trigger));
            message.set(match trigger {
                SettleTrigger::Delivery => Flag::SettledAhead,
                _ => Flag::Settled,
            });
        });
    }

    /// A log recorded a committed offset, which covers all messages before it.
    #[inline]
    pub(crate) fn committed(
        &mut self,
        lanes: &Lanes,
        lane: LaneId,
        upto: u64,
        trigger: SettleTrigger,
    ) {
        self.has_truth = true;
        let progress = self.progress.entry(lane.0.into());
        let previous = std::mem::replace(&mut progress.committed, upto);
        for id in lanes.between(lane, previous, upto) {
            self.change(id, |message| {
                message.note_loss(Cause::of_settle(trigger));
                message.set(Flag::Settled);
            });
        }
        for id in lanes.between(lane, upto, previous) {
            self.entry(id).forget_settle_loss();
        }
    }

    /// A lease ran out. If the last delivery is not the one that it was for, the message still
    /// waits in its consumer's buffer.
    pub(crate) fn lease_expired(&mut self, id: MessageId, consumer: ProcessId) {
        let mut message = *self.entry(id);
        message.numbers.returned();
        message.set(Flag::LeaseRanOutOnce);
        let holder = self.owners.of_consumer(message.tenure, consumer).is_some();
        if holder && !message.was_returned() {
            let asked = message.has(Flag::SettleInvoked);
            let life = self.owners.life_of(message.tenure);
            message.set(Flag::LeaseRanOut);
            if !asked && life.is_some_and(|life| !life.crashed && !life.exited) {
                message.set(Flag::LeaseRanOutUnsettled);
                self.counters.add(Counter::LeasesExpiredWithLiveHandler, 1);
            }
        } else {
            message.set(Flag::LeaseRanOutAhead);
        }
        *self.entry(id) = message;
    }

    /// The end of a connection returned a message.
    pub(crate) fn requeued(&mut self, message: MessageId, consumer: ProcessId) {
        self.entry(message).numbers.returned();
        self.change_of(message, consumer, |message| message.set(Flag::Requeued));
    }
}

/// Whether an act is a consumer's final word.
fn is_final(act: SettleAct) -> bool {
    matches!(act, SettleAct::Ack | SettleAct::Reject | SettleAct::Commit)
}
