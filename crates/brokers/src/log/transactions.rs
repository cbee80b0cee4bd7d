//! Transactions: what a producer writes in one, and the offsets that it commits with it, become
//! valid together or not at all.
//!
//! > **The rule** (semantics.md 3.3, [KAFKA-SRC] `TransactionCoordinator`,
//! > `TransactionStateManager`). A producer is named by its `transactional.id`, and has one
//! > transaction at a time.
//! >
//! > 1. `Init` begins a life: what the life before left open is aborted, and the epoch grows, so
//! >    that the life before is fenced.
//! > 2. The first record or offset after that opens a transaction. Records are appended at once.
//! > 3. `AddOffsets` looks, if the producer passes the metadata of its group, whether the consumer
//! >    that read the messages is a member under the present assignment (KIP-447). The offsets
//! >    wait for the end of the transaction.
//! > 4. `End` appends a marker, which occupies an offset, wherever the transaction has written, and
//! >    commits the offsets if it commits. To repeat it is answered as the first time.
//! > 5. A transaction that is open for longer than `transaction.timeout.ms` is aborted, and its
//! >    producer is fenced.
//! > 6. With version 2 (KIP-890) the epoch grows at the end of every transaction, so what arrives
//! >    late cannot reach the next one; and a batch that does not begin at 0 is refused if nothing
//! >    is known of its producer.
//!
//! ```text
//!           first record or offset                End(commit) ┌───────────────┐
//!   Empty ─────────────────────────▶ Open ───────────────────▶│ Ended(commit) │──▶ Open …
//!                                     │  End(abort), Init     └───────────────┘
//!                                     └──── timeout ─────────▶ Expired: fenced until the next Init
//! ```
//!
//! What readers see of this is in [`stability`]; the topic that holds the effects of applications
//! in [`output`]; what a step is refused with in [`coordinator`].
//!
//! # Simplifications
//!
//! The coordinator is one with the partitions, so a transaction that is to end has ended: there is
//! no state *prepared* in between, and a restart of the broker changes nothing, as Kafka's is
//! rebuilt from its log. `AddPartitionsToTxn` is part of the first batch. `Init` answers when the
//! open transaction is aborted; Kafka says `CONCURRENT_TRANSACTIONS` until then. An id is never
//! forgotten (`transactional.id.expiration.ms`, 7 days).

mod coordinator;
mod isolation;
mod output;
mod stability;

use std::mem;

use entrega_model::log::{Destination, Offset, PartitionOffset, TransactionRefusal};
use entrega_model::log::{IsolationLevel, Refusal, Request, Response, TransactionAct};
use entrega_model::{
    ClientId, Event, Fingerprint, Instant, Output, SubscriptionId, TransactionalId,
};

use super::producers::Producers;
use super::{LogBroker, LogSettings};

use coordinator::{Coordinated, Ending};
use output::OutputTopic;
use stability::Stability;

pub(super) use stability::{MARKER, is_marker};

/// Which protocol the broker speaks with transactional producers (`transaction.version`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TransactionVersion {
    /// The epoch grows when a producer begins. A late end can reach the next transaction.
    One,
    /// It grows with every transaction, too (KIP-890). The default since Kafka 4.0.
    #[default]
    Two,
}

/// The transactional producers of a broker, and what they have written.
#[derive(Clone, Debug)]
pub(super) struct Transactions {
    version: TransactionVersion,
    isolation: IsolationLevel,
    /// Sorted by id.
    coordinated: Vec<Coordinated>,
    /// By partition of the topic; shorter if no transaction has written to the last ones.
    topic: Vec<Stability>,
    /// By group; shorter likewise.
    outputs: Vec<OutputTopic>,
    /// The numbers of batches in the topic, and in the output topics, there by group.
    sequences: [Producers; 2],
    /// When the first open transaction has been open for too long.
    pub(super) deadline: Option<Instant>,
    /// Whether a transaction has written to the topic.
    pub(super) in_topic: bool,
    /// Whether offsets wait for the end of a transaction.
    has_pending: bool,
}

impl Transactions {
    pub(super) fn new(settings: &LogSettings) -> Self {
        let producers = || Producers::new(settings.producer_id_expiration);
        Self {
            version: settings.transaction_version,
            isolation: settings.isolation_level,
            coordinated: Vec::new(),
            topic: Vec::new(),
            outputs: Vec::new(),
            sequences: [producers(), producers()],
            deadline: None,
            in_topic: false,
            has_pending: false,
        }
    }

    /// Forgets all of them, and keeps the memory.
    pub(super) fn clear(&mut self) {
        let Self {
            version: _,
            isolation: _,
            coordinated,
            topic,
            outputs,
            sequences,
            deadline,
            in_topic,
            has_pending,
        } = self;
        coordinated.clear();
        topic.clear();
        outputs.clear();
        sequences.iter_mut().for_each(Producers::clear);
        *deadline = None;
        *in_topic = false;
        *has_pending = false;
    }

    /// Whether a member has to wait for the offsets of a partition: they may be about to change
    /// (`UNSTABLE_OFFSET_COMMIT`, KIP-447). One that reads uncommitted records does not.
    #[inline]
    pub(super) fn awaits_offsets(
        &self,
        group: SubscriptionId,
        partitions: impl Fn(u16) -> bool,
    ) -> bool {
        self.has_pending
            && self.isolation == IsolationLevel::ReadCommitted
            && self.pending().any(|(of, offset)| of == group && partitions(offset.partition.0))
    }

    fn pending(&self) -> impl Iterator<Item = (SubscriptionId, PartitionOffset)> {
        self.coordinated.iter().flat_map(|one| one.offsets.iter().copied())
    }

    fn find(&self, id: TransactionalId) -> Result<usize, usize> {
        self.coordinated.binary_search_by_key(&id, |one| one.id)
    }

    /// Takes over what has changed: the earliest deadline, and whether offsets wait.
    fn note(&mut self) {
        self.deadline = self.coordinated.iter().filter_map(Coordinated::deadline).min();
        self.has_pending = self.coordinated.iter().any(|one| !one.offsets.is_empty());
    }

    /// Enters all that decides a step, or what readers see.
    pub(super) fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        into.count(self.coordinated.len());
        self.coordinated.iter().for_each(|one| one.fingerprint(into));
        into.count(self.topic.len());
        self.topic.iter().for_each(|one| one.fingerprint(into));
        into.count(self.outputs.len());
        self.outputs.iter().for_each(|one| one.fingerprint(into));
        self.sequences.iter().for_each(|one| one.fingerprint(into));
    }
}

/// Something that a fingerprint must not leave out, and how to take it away.
#[cfg(test)]
type Wipe = (&'static str, fn(&mut Transactions));

#[cfg(test)]
impl Transactions {
    pub(super) const WIPES: [Wipe; 4] = [
        ("the producers", |all| all.coordinated.clear()),
        ("what stands in the topic", |all| all.topic.clear()),
        ("the output", |all| all.outputs.clear()),
        ("the numbers of batches", |all| all.sequences.iter_mut().for_each(Producers::clear)),
    ];
}

/// The steps.
impl LogBroker {
    /// Answers a step of a transactional producer.
    #[inline(never)]
    pub(super) fn transact(
        &mut self,
        now: Instant,
        from: ClientId,
        request: &mut Request,
        ground_truth: &mut Vec<Event>,
    ) -> Response {
        let Request::Transact { of, id, epoch, act } = request else {
            return Response::Refused(Refusal::UnknownPartition);
        };
        let (of, id, epoch) = (*of, *id, *epoch);
        let result = match act {
            TransactionAct::Init { timeout } => {
                Ok(self.init_producer(now, id, *timeout, ground_truth))
            }
            TransactionAct::Produce { to, first, records } => {
                let batch = Batch { of, id, epoch, to: *to, first: *first };
                self.write(now, from, batch, records, ground_truth)
            }
            TransactionAct::AddOffsets { member, offsets } => {
                self.add_offsets(now, (id, epoch), (of, from), *member, offsets)
            }
            TransactionAct::End { commit } => {
                let ending = Ending::asked(*commit);
                self.end_transaction(now, (id, epoch), ending, ground_truth)
            }
        };
        self.transactions.note();
        self.note_groups();
        let mut response = result.unwrap_or_else(Response::TransactionRefused);
        if let Response::Transacted { records, offsets, .. } = &mut response {
            (*records, *offsets) = buffers(act);
        }
        response
    }

    /// Aborts the transactions that have been open for too long.
    #[cold]
    pub(super) fn expire_transactions(&mut self, now: Instant, ground_truth: &mut Vec<Event>) {
        while let Some(place) = self.transactions.first_due(now) {
            self.finish(now, place, Ending::Expired, ground_truth);
        }
        self.transactions.note();
    }
}

/// A batch that a transactional producer sends.
#[derive(Clone, Copy, Debug)]
struct Batch {
    of: SubscriptionId,
    id: TransactionalId,
    epoch: u32,
    to: Destination,
    first: u32,
}

type Refused<T> = Result<T, TransactionRefusal>;

/// An answer without buffers.
fn transacted(epoch: u32, base_offset: Offset) -> Response {
    let (records, offsets) = (Vec::new(), Vec::new());
    Response::Transacted { epoch, base_offset, records, offsets }
}

/// Takes the buffers out of a step that was taken.
fn buffers(act: &mut TransactionAct) -> (Vec<Output>, Vec<PartitionOffset>) {
    match act {
        TransactionAct::Produce { records, .. } => {
            records.clear();
            (mem::take(records), Vec::new())
        }
        TransactionAct::AddOffsets { offsets, .. } => (Vec::new(), mem::take(offsets)),
        TransactionAct::Init { .. } | TransactionAct::End { .. } => (Vec::new(), Vec::new()),
    }
}

/// What is known of a record of a transaction.
#[derive(Clone, Copy, Debug)]
struct Written {
    of: SubscriptionId,
    to: Destination,
    offset: Offset,
    output: Output,
    from: ClientId,
}

#[cfg(test)]
mod differences;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
