//! Everything that happens, as one totally ordered stream of small values.
//!
//! Two layers share the stream. The *client view* is what applications could know: sends,
//! deliveries, handlers, effects, settles. The *broker truth* (stored, removed, settled, leases) is
//! white box: it explains a verdict and proves that the black-box part of the checker is right.
//! Checker, digest, statistics and recorder are all [`Observer`]s, so a long run stores no history.

mod about;

use serde::{Deserialize, Serialize};

use crate::{
    DeliveryId, Generation, Incarnation, Instant, Key, MessageId, PartitionId, ProcessId,
    SubscriptionId,
};

/// Something that happened at a point of virtual time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Event {
    /// When.
    pub at: Instant,
    /// What.
    pub kind: Kind,
}

/// Sees every event, in order, in batches.
pub trait Observer {
    /// Takes note of the next events.
    fn observe(&mut self, events: &[Event]);
}

/// Sees everything and notes nothing.
impl Observer for () {
    fn observe(&mut self, _events: &[Event]) {}
}

impl<A: Observer, B: Observer> Observer for (A, B) {
    fn observe(&mut self, events: &[Event]) {
        self.0.observe(events);
        self.1.observe(events);
    }
}

/// The recorder: keeps everything.
impl Observer for Vec<Event> {
    fn observe(&mut self, events: &[Event]) {
        self.extend_from_slice(events);
    }
}

impl<T: Observer + ?Sized> Observer for &mut T {
    fn observe(&mut self, events: &[Event]) {
        (**self).observe(events);
    }
}

/// The `position` of an event that a history records without one: nobody knows where it stands.
pub const NO_POSITION: u64 = u64::MAX;

/// What happened. Fields are named and typed by the words of [`crate::ids`].
#[expect(missing_docs, reason = "a field's name and type say all there is to say")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    // The producer's view.
    /// A producer begins to send; `attempt` 1 is the first, later ones are its own retries.
    SendInvoked { message: MessageId, key: Key, producer: ProcessId, attempt: u16 },
    /// Attempts of a send are over: all that began since the last outcome. The send is acknowledged
    /// if any outcome is; a message without one is indeterminate.
    SendEnded { message: MessageId, producer: ProcessId, outcome: SendOutcome },

    // The broker's truth about storage.
    /// A copy was stored: once in a log for all subscriptions (`None`), once in each queue. `copy`
    /// is 1 for the first copy; `partition` and `position` say where (partition and offset;
    /// partition 0 and a number).
    Stored {
        message: MessageId,
        subscription: Option<SubscriptionId>,
        partition: PartitionId,
        position: u64,
        copy: u16,
    },
    /// A copy is gone, of all subscriptions (`None`, log) or of one queue.
    Removed { message: MessageId, subscription: Option<SubscriptionId>, reason: RemoveReason },

    // The consumer's view.
    /// A message was handed to the application.
    Delivered {
        delivery: DeliveryId,
        message: MessageId,
        subscription: SubscriptionId,
        consumer: ProcessId,
        partition: PartitionId,
        position: u64,
        attempt: u16,
        redelivered: bool,
    },
    /// The handler began.
    ProcessingStarted {
        delivery: DeliveryId,
        message: MessageId,
        subscription: SubscriptionId,
        consumer: ProcessId,
    },
    /// The handler ended. A crash ends it without this event, unless only a worker dies of it.
    ProcessingEnded {
        delivery: DeliveryId,
        message: MessageId,
        subscription: SubscriptionId,
        consumer: ProcessId,
        result: ProcessingResult,
    },
    /// The sink decided about an effect.
    Effect {
        delivery: DeliveryId,
        message: MessageId,
        key: Key,
        subscription: SubscriptionId,
        consumer: ProcessId,
        verdict: EffectVerdict,
    },
    /// A consumer asks to settle one delivery. `position` is the tag on a queue, the offset on a
    /// log.
    SettleInvoked {
        message: MessageId,
        subscription: SubscriptionId,
        consumer: ProcessId,
        partition: PartitionId,
        position: u64,
        act: SettleAct,
        trigger: SettleTrigger,
    },
    /// What the consumer learnt of it.
    SettleEnded {
        message: MessageId,
        subscription: SubscriptionId,
        consumer: ProcessId,
        act: SettleAct,
        outcome: SettleOutcome,
    },
    /// A copy reached the dead-letter sink.
    DeadLettered { message: MessageId, subscription: SubscriptionId, reason: DeadLetterReason },

    // The broker's truth about progress.
    /// A queue recorded a consumer's final word about one message.
    Settled {
        message: MessageId,
        subscription: SubscriptionId,
        consumer: ProcessId,
        act: SettleAct,
        trigger: SettleTrigger,
    },
    /// A log recorded a committed offset (`upto`, exclusive); `previous` shows a rewind.
    Committed {
        subscription: SubscriptionId,
        consumer: ProcessId,
        partition: PartitionId,
        upto: u64,
        previous: u64,
        trigger: SettleTrigger,
    },
    /// A lease ran out and the message is ready again.
    LeaseExpired { message: MessageId, subscription: SubscriptionId, consumer: ProcessId },
    /// The message went back to its queue because its consumer's connection ended.
    Requeued { message: MessageId, subscription: SubscriptionId, consumer: ProcessId },
    /// A group removed a member that it had not heard of for the session timeout.
    SessionExpired { subscription: SubscriptionId, consumer: ProcessId },
    /// The reset policy moved a position, because there was no committed offset or it was out of
    /// range.
    OffsetReset {
        subscription: SubscriptionId,
        consumer: ProcessId,
        partition: PartitionId,
        from: Option<u32>,
        to: u64,
    },
    /// A member was assigned a partition.
    Assigned {
        subscription: SubscriptionId,
        consumer: ProcessId,
        partition: PartitionId,
        generation: Generation,
        position: u64,
    },
    /// A member gave a partition up while it was still its owner.
    Revoked { subscription: SubscriptionId, consumer: ProcessId, partition: PartitionId },
    /// A member learnt that a partition had been taken away before.
    Lost { subscription: SubscriptionId, consumer: ProcessId, partition: PartitionId },

    // The world.
    /// A process died: everything in its memory is gone, its requests in the network are not.
    Crashed { process: ProcessId, incarnation: Incarnation },
    /// A process left through its `finally: close()`, with an error or at shutdown.
    Exited { process: ProcessId, incarnation: Incarnation, failed: bool },
    /// A process began its life.
    Started { process: ProcessId, incarnation: Incarnation },
    /// Nothing in the process runs, heartbeats included.
    Stalled { process: ProcessId },
    /// It runs again, maybe as a zombie.
    Resumed { process: ProcessId },
    /// The broker process restarted and forgot what was in flight.
    BrokerRestarted,
    /// A fault was injected. `point` and `alternative` index the world's table of fault points.
    Faulted { point: u16, alternative: u8, process: ProcessId, message: Option<MessageId> },
    /// The run entered a phase.
    Entered { phase: Phase },
    /// Audit: a copy is still retrievable at the end.
    Retrievable { message: MessageId, subscription: SubscriptionId },

    // The consumer's view again. Last, so that the digests of histories without it stay as they
    // are.
    /// The application moved its position in a partition: it goes on at `to` instead of `from`.
    Sought {
        subscription: SubscriptionId,
        consumer: ProcessId,
        partition: PartitionId,
        from: u64,
        to: u64,
    },
    /// A consumer left its group because its application took longer than `max_poll_interval` from
    /// one poll to the next. It learns of it when it polls or settles.
    MaxPollExceeded { subscription: SubscriptionId, consumer: ProcessId },

    // The broker's truth about storage again.
    /// A queue delivers a message no more, because it was delivered too often, and keeps it.
    Kept { message: MessageId, subscription: SubscriptionId },
    /// A queue that has restarted does not know any more that a message was settled: it is there
    /// again.
    SettleForgotten { message: MessageId, subscription: SubscriptionId },

    // The broker's truth about transactions.
    /// The transaction was aborted in which a consumer had written the effect of a message. Whether
    /// a reader downstream had `seen` it by then.
    Aborted {
        delivery: DeliveryId,
        message: MessageId,
        subscription: SubscriptionId,
        consumer: ProcessId,
        seen: bool,
        reason: AbortReason,
    },

    // The ground truth about storage once more.
    /// A dead letter that the queue had written was moved back to it, and is a dead letter no more.
    /// It stands at `position` as one that was stored just now, and was never delivered. Deliveries
    /// with a tag below `tag` were handed out before.
    Redriven { message: MessageId, subscription: SubscriptionId, position: u64, tag: u64 },
    /// A consumer published another copy of a message, which is to be tried later. It stands at
    /// `position` and counts its deliveries anew; the original is still to be settled.
    Retried { message: MessageId, subscription: SubscriptionId, consumer: ProcessId, position: u64 },

    // The consumer's view once more.
    /// A handler asks the sink for its effect. Only noted of subscriptions whose consumers die by
    /// time, where somebody counts how long requests are on their way.
    EffectInvoked {
        delivery: DeliveryId,
        message: MessageId,
        subscription: SubscriptionId,
        consumer: ProcessId,
    },
}

/// Why a transaction was aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbortReason {
    /// Its producer asked for it.
    Asked,
    /// The next life of its producer began.
    Fenced,
    /// It was open for too long.
    Expired,
}

/// The three-valued result of a send, as in Jepsen histories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendOutcome {
    /// The broker acknowledged according to the configured durability.
    Ok,
    /// It is certain that the message was not stored.
    Fail,
    /// Indeterminate: a timeout, a cut connection, a crash after sending.
    Info,
}

/// Why a stored copy went away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RemoveReason {
    /// It was acked or rejected.
    Settled,
    /// Its time to live ended.
    Ttl,
    /// The queue was full.
    Overflow,
    /// The log's retention passed it.
    Retention,
    /// A newer value of the key replaced it.
    Compaction,
    /// It was delivered too often and there is no dead-letter target.
    DeliveryLimit,
    /// A failover cut the log's tail.
    Truncation,
    /// Somebody emptied the queue.
    Purge,
    /// The broker lost its storage.
    BrokerLoss,
    /// No queue was bound.
    Unroutable,
    /// It was given up, and did not reach the dead letters.
    DeadLettering,
}

/// How a handler ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessingResult {
    /// With its effect.
    Ok,
    /// With an error that another attempt may not meet.
    Transient,
    /// With an error that every attempt will meet.
    Poison,
    /// Without an answer from the sink: the effect may or may not have been applied.
    Unknown,
    /// With the death of the worker that ran it, which its supervisor outlives.
    WorkerLost,
}

/// What the sink did with an effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectVerdict {
    /// Done; a person has the e-mail.
    Applied,
    /// Recognised as a duplicate and not done again.
    Suppressed,
    /// Refused, because the writer is fenced.
    Rejected,
}

/// What a settle asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettleAct {
    /// Processed (queue).
    Ack,
    /// Back to the queue.
    Requeue,
    /// Never again.
    Reject,
    /// Renew the lease.
    Extend,
    /// Processed up to here (log).
    Commit,
}

impl SettleAct {
    /// Whether it is a consumer's final word.
    #[inline]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Ack | Self::Reject | Self::Commit)
    }
}

/// What made a client settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettleTrigger {
    /// The application asked for it.
    Application,
    /// The auto-commit timer, or that of the lease renewal.
    Timer,
    /// The delivery itself: automatic ack.
    Delivery,
    /// The next poll or receive settled the batch before.
    NextReceive,
    /// `close()`.
    Close,
    /// A rebalance took the partitions away.
    Revoke,
    /// The worker that had the message died, and its supervisor settled it.
    WorkerLost,
}

/// What a client learns of its settle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SettleOutcome {
    /// Recorded.
    Ok,
    /// Refused, for certain: the client is fenced or the delivery is stale.
    Fail,
    /// Indeterminate.
    Info,
}

/// Why a message ended in the dead-letter sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeadLetterReason {
    /// The consumer rejected it.
    Rejected,
    /// It was delivered too often.
    DeliveryLimit,
    /// Its time to live ended.
    Ttl,
    /// The queue was full.
    Overflow,
    /// The consumer's own code wrote it there.
    Client,
}

/// The phases of a run. Only after the drain may a message be called lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Sends go on and faults happen.
    Workload,
    /// Faults have ended; what is down comes up again.
    Heal,
    /// Everything runs until nothing more can happen.
    Drain,
    /// Nothing more can happen.
    Quiescent,
    /// Broker and sinks are read independently.
    Audit,
}

impl Phase {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Heal => "heal",
            Self::Drain => "drain",
            Self::Quiescent => "quiescent",
            Self::Audit => "audit",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The stream is hot: an event must stay within five machine words.
    #[test]
    fn events_are_small() {
        assert!(size_of::<Event>() <= 40, "{}", size_of::<Event>());
    }
}
