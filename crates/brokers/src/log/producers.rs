//! What a partition knows of its idempotent producers: enough to recognise a batch that it has
//! stored already, and one that comes before its predecessor.
//!
//! > **The rule** (semantics.md 3.2, [KAFKA-SRC] `ProducerStateEntry`, `ProducerAppendInfo`). A
//! > batch says in which epoch of its producer it was made, and the number of its first record.
//! >
//! > 1. An older epoch is fenced.
//! > 2. One of the last five batches of this epoch, with the same first and last number, is a
//! >    duplicate: it is answered with the offset at which it was stored, and not appended.
//! > 3. The first batch of a new epoch begins at 0.
//! > 4. Within an epoch a batch begins where the last one ended; anything else is out of order.
//! > 5. Of a producer that is not known any batch is appended, so nothing of it is recognised.
//!
//! A producer is named by its connection, a process in one of its lives. That is what Kafka's
//! `InitProducerId` comes to for a producer without a transactional id: a new one for each life. So
//! what a restarted producer sends again is not recognised.
//!
//! A producer is forgotten when it has appended nothing for as long as
//! `producer.id.expiration.ms` says. Kafka looks for such producers every ten minutes; here one is
//! forgotten exactly when its time is over. That a broker restarts changes nothing: Kafka rebuilds
//! this state from the log.

use entrega_model::log::{BatchSequence, Offset, ProduceRefusal};
use entrega_model::{ClientId, Duration, Fingerprint, Instant, PartitionId};

/// How many batches of each producer a partition remembers (`NUM_BATCHES_TO_RETAIN`).
const REMEMBERED: usize = 5;
/// Sequence numbers are 31 bits wide, and 0 follows the largest.
const LARGEST: u32 = i32::MAX as u32;

/// What becomes of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// It is appended.
    New,
    /// It stands at this offset already.
    Duplicate(Offset),
    /// It is refused.
    Refused(ProduceRefusal),
}

/// A batch that an idempotent producer sends: at least one record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) partition: PartitionId,
    pub(super) producer: ClientId,
    pub(super) sequence: BatchSequence,
    pub(super) count: u32,
}

/// The idempotent producers of every partition.
#[derive(Clone, Debug)]
pub(super) struct Producers {
    of_partitions: Vec<Vec<Known>>,
    expiration: Duration,
}

/// A producer that a partition knows. They are sorted by producer.
#[derive(Clone, Debug)]
struct Known {
    producer: ClientId,
    epoch: u32,
    /// The last batches of this epoch, oldest first; empty only after a truncation.
    batches: Vec<Batch>,
    /// The number that comes next if there are none.
    after_truncation: u32,
    /// When the last of them was appended.
    appended_at: Instant,
}

/// A batch that was appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Batch {
    first: u32,
    last: u32,
    base_offset: Offset,
}

impl Sent {
    /// The number of its last record.
    fn last(&self) -> u32 {
        self.sequence.first.wrapping_add(self.count).wrapping_sub(1) & LARGEST
    }
}

impl Producers {
    pub(super) fn new(expiration: Duration) -> Self {
        Self { of_partitions: Vec::new(), expiration }
    }

    /// Forgets all of them, and keeps the memory.
    pub(super) fn clear(&mut self) {
        let Self { of_partitions, expiration: _ } = self;
        of_partitions.iter_mut().for_each(Vec::clear);
    }

    /// What becomes of a batch.
    pub(super) fn admit(&self, now: Instant, sent: &Sent) -> Admission {
        let known = self.find(sent);
        let known = known.filter(|known| !self.is_expired(now, known));
        known.map_or(Admission::New, |known| known.judge(sent))
    }

    /// A batch that was admitted was appended.
    pub(super) fn appended(&mut self, now: Instant, sent: &Sent, base_offset: Offset) {
        let &Sent { partition, producer, sequence: BatchSequence { epoch, first }, .. } = sent;
        let batch = Batch { first, last: sent.last(), base_offset };
        let is_expired = |known: &Known| now.since(known.appended_at) >= self.expiration;
        if self.of_partitions.len() <= partition.index() {
            self.of_partitions.resize_with(partition.index() + 1, Vec::new);
        }
        let all = &mut self.of_partitions[partition.index()];
        match all.binary_search_by_key(&producer, |known| known.producer) {
            Ok(index) if all[index].epoch == epoch && !is_expired(&all[index]) => {
                all[index].remember(batch, now);
            }
            Ok(index) => all[index].begin_anew(epoch, batch, now),
            Err(index) => all.insert(index, Known::new(producer, epoch, batch, now)),
        }
    }

    /// The records of a partition from `end` on are gone, and with them what is known of their
    /// batches: Kafka rebuilds this state from the log.
    pub(super) fn truncate(&mut self, partition: PartitionId, end: Offset) {
        let Some(all) = self.of_partitions.get_mut(partition.index()) else { return };
        for known in all.iter_mut() {
            let kept = known.batches.partition_point(|batch| batch.base_offset < end);
            if let Some(gone) = known.batches.get(kept) {
                known.after_truncation = gone.first;
            }
            known.batches.truncate(kept);
        }
        all.retain(|known| !known.batches.is_empty() || known.after_truncation > 0);
    }

    /// Whether anything is known of the producer of a batch.
    pub(super) fn knows(&self, now: Instant, sent: &Sent) -> bool {
        self.find(sent).is_some_and(|known| !self.is_expired(now, known))
    }

    fn find(&self, sent: &Sent) -> Option<&Known> {
        let all = self.of_partitions.get(sent.partition.index())?;
        let index = all.binary_search_by_key(&sent.producer, |known| known.producer).ok()?;
        Some(&all[index])
    }

    fn is_expired(&self, now: Instant, known: &Known) -> bool {
        now.since(known.appended_at) >= self.expiration
    }

    /// Takes away what says when a producer is forgotten.
    #[cfg(test)]
    pub(super) fn never_expire(&mut self) {
        for known in self.of_partitions.iter_mut().flatten() {
            known.appended_at = Instant::NEVER;
        }
    }

    /// Enters what is remembered and not forgotten by now.
    pub(super) fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let now = into.now();
        for (partition, all) in self.of_partitions.iter().enumerate() {
            for known in all.iter().filter(|known| !self.is_expired(now, known)) {
                into.count(partition + 1);
                into.client(known.producer);
                into.word(known.epoch.into());
                into.time(known.appended_at);
                into.count(known.batches.len());
                if known.batches.is_empty() {
                    into.word(known.after_truncation.into());
                }
                for &Batch { first, last, base_offset } in &known.batches {
                    into.word(u64::from(first) << 32 | u64::from(last));
                    into.word(base_offset);
                }
            }
        }
        into.count(0);
    }
}

impl Known {
    #[cold]
    fn new(producer: ClientId, epoch: u32, batch: Batch, now: Instant) -> Self {
        let mut batches = Vec::with_capacity(REMEMBERED);
        batches.push(batch);
        Self { producer, epoch, batches, after_truncation: 0, appended_at: now }
    }

    /// A batch of another epoch; the memory is kept.
    fn begin_anew(&mut self, epoch: u32, batch: Batch, now: Instant) {
        self.epoch = epoch;
        self.batches.clear();
        self.after_truncation = 0;
        self.remember(batch, now);
    }

    /// Rules 1 to 4.
    fn judge(&self, sent: &Sent) -> Admission {
        let BatchSequence { epoch, first } = sent.sequence;
        if epoch < self.epoch {
            return Admission::Refused(ProduceRefusal::InvalidProducerEpoch);
        }
        let is_it = |batch: &&Batch| (batch.first, batch.last) == (first, sent.last());
        let known = self.batches.iter().find(is_it).filter(|_| epoch == self.epoch);
        if let Some(batch) = known {
            return Admission::Duplicate(batch.base_offset);
        }
        let expected = if epoch == self.epoch { self.next() } else { 0 };
        if first == expected {
            return Admission::New;
        }
        Admission::Refused(ProduceRefusal::OutOfOrderSequence)
    }

    /// The number that follows the last record.
    fn next(&self) -> u32 {
        let last = self.batches.last();
        last.map_or(self.after_truncation, |batch| batch.last.wrapping_add(1) & LARGEST)
    }

    fn remember(&mut self, batch: Batch, now: Instant) {
        if self.batches.len() == REMEMBERED {
            self.batches.remove(0);
        }
        self.batches.push(batch);
        self.appended_at = now;
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
