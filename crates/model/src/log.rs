//! What a client asks of a log broker and what it answers.
//!
//! Requests and responses are plain data. Buffers travel with a request and come back in its
//! response, so that a long run allocates nothing per call. A simplification made on purpose:
//! joining a group returns the committed offset and the bounds of every assigned partition, for
//! which a Kafka client makes two more calls; and the notice of a rebalance, which Kafka sends with
//! the next heartbeat, comes with the answer to the next fetch.

use crate::{
    Duration, Generation, Instant, Output, PartitionId, Record, SubscriptionId, TransactionalId,
    event::SettleTrigger,
};

/// A position in a log. Offsets may have gaps.
pub type Offset = u64;

/// A partition and an offset in it: a position to fetch from, or an offset to commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartitionOffset {
    /// The partition.
    pub partition: PartitionId,
    /// As a committed offset: the next one to process, one past the last processed.
    pub offset: Offset,
}

/// A record as a fetch returns it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fetched {
    /// The partition that it was read from.
    pub partition: PartitionId,
    /// Where it stands there.
    pub offset: Offset,
    /// The record itself.
    pub record: Record,
}

/// What a member learns of a partition that it has been assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AssignedPartition {
    /// The partition.
    pub partition: PartitionId,
    /// The group's committed offset, if it has one.
    pub committed: Option<Offset>,
    /// The oldest retained offset.
    pub log_start: Offset,
    /// The end of the fully replicated prefix; consumers read below it.
    pub high_watermark: Offset,
    /// The first offset that is young enough for a reset by duration; the high watermark if there
    /// is none, or no such reset.
    pub young_from: Offset,
}

impl AssignedPartition {
    /// The committed offset, if a member can go on there.
    pub fn valid_commit(&self) -> Option<Offset> {
        self.committed.filter(|offset| (self.log_start..=self.high_watermark).contains(offset))
    }

    /// Where a reset policy begins.
    pub const fn after_reset(&self, policy: OffsetReset) -> Option<Offset> {
        match policy {
            OffsetReset::Latest => Some(self.high_watermark),
            OffsetReset::Earliest => Some(self.log_start),
            OffsetReset::None => None,
            OffsetReset::ByDuration(_) => Some(self.young_from),
        }
    }
}

/// Where to start without a committed offset, or with one that is out of range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OffsetReset {
    /// At the end: what was sent before the first assignment is never seen.
    Latest,
    /// At the oldest retained offset.
    Earliest,
    /// Nowhere: receiving fails.
    None,
    /// At the first record that is not older than this (KIP-1106), at the end if all are.
    ByDuration(Duration),
}

/// How much a producer waits for, as in Kafka's `acks`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Acks {
    /// `acks=0`: no response at all; the client says "ok" when the request has left.
    None,
    /// `acks=all`: a response once all replicas that are in sync have the record; on a log of one
    /// replica once it is appended.
    All,
    /// `acks=1`: a response once the leader has appended the record.
    Leader,
}

/// What an idempotent producer says of a batch, so that the broker recognises it (KIP-98).
///
/// The producer itself is the connection that sends it, a process in one of its lives: Kafka's
/// clients ask for an id first (`InitProducerId`), and without a transactional id get a new one in
/// each life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BatchSequence {
    /// The producer's epoch in the partition; a higher one fences what was sent before. Kafka has
    /// 16 bits for it and takes a new producer id when they are used up.
    pub epoch: u32,
    /// The number of the first record, counted for each partition; 31 bits.
    pub first: u32,
}

/// A request to a log broker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Request {
    /// Appends records to one partition.
    Produce {
        /// The partition that the producer's partitioner chose.
        partition: PartitionId,
        /// What to append; the buffer comes back.
        records: Vec<Record>,
        /// Whether a response is wanted.
        acks: Acks,
        /// Which batch it is, if the producer is idempotent; else the broker recognises nothing.
        sequence: Option<BatchSequence>,
    },
    /// A `Produce` whose records the leader has appended, waiting for the other replicas. The
    /// broker makes one of the other when it parks it; no client sends it.
    AwaitReplication {
        /// The partition.
        partition: PartitionId,
        /// The offset of the first record.
        base_offset: Offset,
        /// The records stand below this offset.
        upto: Offset,
        /// The buffer of the `Produce`, emptied.
        records: Vec<Record>,
        /// When the broker answers that it has waited for too long.
        deadline: Instant,
    },
    /// Joins a group, or joins again after a rebalance began. Parked until the rebalance ends.
    Join {
        /// The group.
        group: SubscriptionId,
        /// The assignment that the member acts on meanwhile; 0 if it has given everything up, as it
        /// does unless the rebalance is cooperative (KIP-429 `owned_partitions`).
        has: Generation,
    },
    /// Leaves a group at once, as `close()` does.
    Leave {
        /// The group.
        group: SubscriptionId,
    },
    /// Reads from the given positions. Parked while there is nothing to read, until `deadline`.
    Fetch {
        /// The group, so that the answer can tell of a rebalance.
        group: SubscriptionId,
        /// The assignment under which the member reads.
        generation: Generation,
        /// Where to read, in the order in which partitions take turns.
        positions: Vec<PartitionOffset>,
        /// At most this many records come back.
        max_records: u32,
        /// An empty buffer for the answer.
        buffer: Vec<Fetched>,
        /// When to answer with nothing; [`Instant::NEVER`] to wait for as long as it takes.
        deadline: Instant,
    },
    /// Records how far the group has come.
    Commit {
        /// The group.
        group: SubscriptionId,
        /// The assignment under which the member commits; an outdated one is fenced.
        generation: Generation,
        /// For each partition the next offset to process; the buffer comes back.
        offsets: Vec<PartitionOffset>,
        /// What made the client commit; kept in the history to explain a loss.
        trigger: SettleTrigger,
    },
    /// A transactional producer takes a step (KIP-98).
    Transact {
        /// The group that its application reads, and to whose output topic it writes.
        of: SubscriptionId,
        /// `transactional.id`: names the producer across its lives.
        id: TransactionalId,
        /// The epoch that it was given; an outdated one is fenced.
        epoch: u32,
        /// The step.
        act: TransactionAct,
    },
}

/// A step of a transactional producer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TransactionAct {
    /// `InitProducerId`: begins a life. An open transaction of the life before is aborted, and the
    /// epoch grows.
    Init {
        /// `transaction.timeout.ms`: how long a transaction may be open.
        timeout: Duration,
    },
    /// `Produce` in a transaction, which it begins if none is open. Kafka's clients name the
    /// partition to the coordinator first (`AddPartitionsToTxn`); here that is one step.
    Produce {
        /// Where to.
        to: Destination,
        /// The number of the first record, counted for each destination in an epoch.
        first: u32,
        /// What to append; the buffer comes back.
        records: Vec<Output>,
    },
    /// `AddOffsetsToTxn` and `TxnOffsetCommit`: the offsets are committed if the transaction is.
    AddOffsets {
        /// The assignment of the consumer that read them (KIP-447); none if the producer does not
        /// pass the metadata of its group. Then nobody looks at it.
        member: Option<Generation>,
        /// For each partition the next offset to process; the buffer comes back.
        offsets: Vec<PartitionOffset>,
    },
    /// `EndTxn`: commits or aborts.
    End {
        /// Whether it commits.
        commit: bool,
    },
}

/// Where a transactional producer writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Destination {
    /// A partition of the topic that the groups read.
    Topic(PartitionId),
    /// The topic, of one partition, that holds what the applications of a group make of their
    /// messages.
    Output,
}

/// Which records of transactions a consumer sees (`isolation.level`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IsolationLevel {
    /// Those of committed ones, and nothing behind an open one.
    #[default]
    ReadCommitted,
    /// All, those of open and aborted ones too.
    ReadUncommitted,
}

/// An answer of a log broker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Response {
    /// The records were appended, now or, if the producer is idempotent, by an earlier request.
    Produced {
        /// The offset of the first one.
        base_offset: Offset,
        /// The buffer of the request, emptied.
        records: Vec<Record>,
    },
    /// The rebalance ended.
    Joined {
        /// The assignment's number.
        generation: Generation,
        /// The partitions that are now this member's, in order.
        assigned: Vec<AssignedPartition>,
    },
    /// The member is gone.
    Left,
    /// What was read; nothing if the deadline passed.
    Fetched {
        /// The records, ascending within each partition.
        records: Vec<Fetched>,
        /// The buffer of the request.
        positions: Vec<PartitionOffset>,
    },
    /// A position is below the log start or above the end; the client's reset policy decides.
    OutOfRange {
        /// The partition and its present bounds; apart, so that all other answers are small.
        partition: Box<AssignedPartition>,
        /// The request's position there.
        position: Offset,
        /// The buffer of the request.
        positions: Vec<PartitionOffset>,
        /// The buffer of the request.
        buffer: Vec<Fetched>,
    },
    /// The offsets are recorded.
    Committed {
        /// The offsets of the request, in its buffer.
        offsets: Vec<PartitionOffset>,
    },
    /// The request was not carried out, for certain.
    Refused(Refusal),
    /// Records were not appended by this request, for certain, unless the refusal says otherwise
    /// ([`ProduceRefusal::is_certain`]).
    ProduceRefused {
        /// Why.
        refusal: ProduceRefusal,
        /// The buffer of the request.
        records: Vec<Record>,
    },
    /// A step of a transactional producer is done, now or by an earlier request.
    Transacted {
        /// The epoch in which it goes on.
        epoch: u32,
        /// The offset of the first record that was asked to be written; else 0.
        base_offset: Offset,
        /// The buffer of the request, emptied.
        records: Vec<Output>,
        /// The buffer of the request.
        offsets: Vec<PartitionOffset>,
    },
    /// A step of a transactional producer was not taken, for certain.
    TransactionRefused(TransactionRefusal),
}

/// Why a log broker refuses a step of a transactional producer, by the names of Kafka's error
/// codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransactionRefusal {
    /// `INVALID_PRODUCER_ID_MAPPING`: the coordinator does not know the producer, which must begin
    /// with `initTransactions`.
    InvalidProducerIdMapping,
    /// `PRODUCER_FENCED`: a younger instance has begun, or the transaction took too long and was
    /// aborted. This instance can only close.
    ProducerFenced,
    /// `INVALID_PRODUCER_EPOCH`: the same, said by the partition. Abort, or close.
    InvalidProducerEpoch,
    /// `OUT_OF_ORDER_SEQUENCE_NUMBER`: a batch before it is missing. Abort.
    OutOfOrderSequence,
    /// `INVALID_TXN_STATE`: there is no such transaction to end.
    InvalidTxnState,
    /// `UNKNOWN_MEMBER_ID`: the group does not know the consumer. Abort, and join again.
    UnknownMember,
    /// `ILLEGAL_GENERATION`: its assignment is outdated. Abort, and join again.
    IllegalGeneration,
    /// `UNKNOWN_TOPIC_OR_PARTITION`: there is no such partition or group.
    UnknownPartition,
}

/// Why a log broker does not acknowledge a batch, by the names of Kafka's error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProduceRefusal {
    /// `INVALID_PRODUCER_EPOCH`: the producer has begun a newer epoch; this was on its way for too
    /// long.
    InvalidProducerEpoch,
    /// `OUT_OF_ORDER_SEQUENCE_NUMBER`: the batch before it is missing; send that first.
    OutOfOrderSequence,
    /// `NOT_ENOUGH_REPLICAS`: fewer replicas are in sync than `min.insync.replicas`; try again
    /// later.
    NotEnoughReplicas,
    /// `NOT_ENOUGH_REPLICAS_AFTER_APPEND`: the records are appended, and fewer replicas have them
    /// than `min.insync.replicas`; they may be lost, and another attempt may store them twice.
    NotEnoughReplicasAfterAppend,
    /// `REQUEST_TIMED_OUT`: the records are appended, and not all replicas that are in sync have
    /// them yet; they may be lost, and another attempt may store them twice.
    RequestTimedOut,
}

impl ProduceRefusal {
    /// Whether the records are certainly not stored by the request.
    pub const fn is_certain(self) -> bool {
        match self {
            Self::InvalidProducerEpoch | Self::OutOfOrderSequence | Self::NotEnoughReplicas => true,
            Self::NotEnoughReplicasAfterAppend | Self::RequestTimedOut => false,
        }
    }
}

/// Why a log broker refuses a request, by the names of Kafka's error codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// `UNKNOWN_MEMBER_ID`: the member was removed or never joined; join again.
    UnknownMember,
    /// `ILLEGAL_GENERATION`: the assignment is outdated; join again.
    IllegalGeneration,
    /// `REBALANCE_IN_PROGRESS`: finish what is in flight, commit, and join again.
    RebalanceInProgress,
    /// `UNKNOWN_TOPIC_OR_PARTITION`: there is no such partition or group.
    UnknownPartition,
    /// A check that Kafka does not make: the commit is for a partition of another member. The
    /// assignment stands; drop what is held of that partition.
    NotOwner,
    /// A check that Kafka does not make: the group has come further in that partition. The
    /// assignment stands; there is nothing to repeat.
    BackwardCommit,
}
