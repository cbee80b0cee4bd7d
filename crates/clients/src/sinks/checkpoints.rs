//! A store of checkpoints: how far the consumers of a log have come, and the transactions that they
//! have prepared and not committed yet. A state backend of Flink, as far as it matters here.
//!
//! > **The rule.** A checkpoint past offset `o` is written only if the last one of its partition
//! > stands at `o`, and by no life that another one of its process has followed. It replaces the
//! > transaction that the process had prepared before. To write the same one again changes nothing
//! > and is accepted.
//!
//! The first condition keeps a zombie out whose partition is somebody else's; the second, a request
//! of a dead life that arrives late, after its successor has looked and has had the transaction
//! aborted. A partition begins without a checkpoint, and the first may stand anywhere.
//!
//! As with a transactional sink the condition is strict: if the log itself has a gap at the stored
//! offset (retention passed it), no checkpoint is accepted, and no transaction is committed, until
//! somebody moves the stored offset by hand.

use entrega_model::log::Offset;
use entrega_model::{
    ClientId, Fingerprint, Fingerprinted, Incarnation, PartitionId, ProcessId, TransactionalId,
};

use super::offsets::StoredOffsets;
use crate::Prepared;

/// The checkpoints of a group.
#[derive(Clone, Debug, Default)]
pub struct CheckpointStore {
    offsets: StoredOffsets,
    /// By process.
    writers: Vec<Writer>,
}

/// What is known of a process.
#[derive(Clone, Copy, Debug, Default)]
struct Writer {
    life: Incarnation,
    last: Option<Checkpoint>,
}

/// What a process writes when a message is done but for the commit of its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Of the message.
    pub partition: PartitionId,
    /// Of the message; the consumer goes on behind it.
    pub offset: Offset,
    /// The transaction that holds its effect, if one does.
    pub prepared: Option<Prepared>,
}

impl CheckpointStore {
    /// A life of a process begins. Returns the transaction that its last checkpoint names.
    pub fn recover(&mut self, by: ClientId) -> Option<Prepared> {
        let writer = self.writer(by);
        writer.life = writer.life.max(by.incarnation);
        writer.last.and_then(|last| last.prepared)
    }

    /// Writes a checkpoint. Returns whether it stands.
    pub fn write(&mut self, by: ClientId, checkpoint: Checkpoint) -> bool {
        let writer = *self.writer(by);
        if writer.life > by.incarnation {
            return false;
        }
        if writer.last == Some(checkpoint) {
            return true;
        }
        let stands = self.offsets.advance(checkpoint.partition, checkpoint.offset);
        if stands {
            self.writer(by).last = Some(checkpoint);
        }
        stands
    }

    /// Where the consumer of a partition goes on.
    pub fn offset(&self, partition: PartitionId) -> Option<Offset> {
        self.offsets.of(partition)
    }

    fn writer(&mut self, by: ClientId) -> &mut Writer {
        let place = by.process.index();
        if place >= self.writers.len() {
            self.writers.resize(place + 1, Writer::default());
        }
        &mut self.writers[place]
    }
}

/// A life is a name, and enters as such: what counts is how many have begun since. The first one
/// has followed no other, so that it refuses nobody, however many have begun since.
impl Fingerprinted for CheckpointStore {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let Self { offsets, writers } = self;
        into.count(offsets.all().len());
        offsets.all().iter().for_each(|offset| into.maybe(*offset));
        into.count(writers.len());
        for (process, Writer { life, last }) in (0..).map(ProcessId).zip(writers) {
            into.flag(*life > Incarnation(0));
            if *life > Incarnation(0) {
                into.incarnation(process, *life);
            }
            into.flag(last.is_some());
            last.iter().for_each(|checkpoint| checkpoint.fingerprint(into));
        }
    }
}

impl Fingerprinted for Checkpoint {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let Self { partition, offset, prepared } = *self;
        into.word(partition.0.into());
        into.word(offset);
        into.flag(prepared.is_some());
        if let Some(Prepared { id: TransactionalId(id), epoch }) = prepared {
            into.word(id.into());
            into.word(epoch.into());
        }
    }
}

#[cfg(test)]
mod tests {
    use entrega_model::fingerprint::Context;

    use super::*;

    const PARTITION: PartitionId = PartitionId(1);

    fn life(process: u16, incarnation: u32) -> ClientId {
        ClientId { process: ProcessId(process), incarnation: Incarnation(incarnation) }
    }

    fn prepared(process: u16, epoch: u32) -> Option<Prepared> {
        Some(Prepared { id: TransactionalId(process), epoch })
    }

    fn at(offset: Offset, prepared: Option<Prepared>) -> Checkpoint {
        Checkpoint { partition: PARTITION, offset, prepared }
    }

    #[test]
    fn the_next_life_finds_what_was_prepared() {
        let mut store = CheckpointStore::default();
        assert_eq!(store.recover(life(1, 0)), None);
        assert!(store.write(life(1, 0), at(5, prepared(1, 3))));
        assert_eq!(store.recover(life(1, 1)), prepared(1, 3));
        assert_eq!(store.recover(life(2, 0)), None, "each process has its own");
        assert_eq!((store.offset(PARTITION), store.offset(PartitionId(0))), (Some(6), None));
    }

    /// A zombie, whose successor has come further or as far.
    #[test]
    fn another_progress_refuses_the_checkpoint() {
        let mut store = CheckpointStore::default();
        assert!(store.write(life(1, 0), at(5, prepared(1, 3))));
        for offset in [4, 5, 7] {
            assert!(!store.write(life(2, 0), at(offset, prepared(2, 0))), "{offset}");
        }
        assert_eq!((store.offset(PARTITION), store.recover(life(2, 0))), (Some(6), None));
    }

    /// It has no answer and asks again; meanwhile somebody else has gone on behind it.
    #[test]
    fn the_same_checkpoint_again_stands() {
        let mut store = CheckpointStore::default();
        for _ in 0..2 {
            assert!(store.write(life(1, 0), at(5, prepared(1, 3))));
        }
        assert!(store.write(life(2, 0), at(6, prepared(2, 0))));
        assert!(store.write(life(1, 0), at(5, prepared(1, 3))));
        assert!(!store.write(life(1, 0), at(5, prepared(1, 4))), "another transaction is not it");
        assert_eq!(store.offset(PARTITION), Some(7));
    }

    /// Its successor has looked, found nothing, and will have the transaction aborted.
    #[test]
    fn a_life_that_another_has_followed_writes_nothing() {
        let mut store = CheckpointStore::default();
        assert_eq!(store.recover(life(1, 1)), None);
        assert!(!store.write(life(1, 0), at(5, prepared(1, 3))));
        assert_eq!(store.offset(PARTITION), None);
        assert!(store.write(life(1, 1), at(5, prepared(1, 4))));
    }

    fn print(store: &CheckpointStore, present: u32) -> u64 {
        let lives = [0, present, 0].map(Incarnation);
        let mut print = Fingerprint::new(Context { incarnations: &lives, ..Context::default() });
        store.fingerprint(&mut print);
        print.finish()
    }

    #[test]
    fn all_that_it_keeps_is_in_its_fingerprint() {
        let print = |writes: &[(ClientId, Checkpoint)], recovered: u32| {
            let mut store = CheckpointStore::default();
            writes.iter().for_each(|(by, checkpoint)| assert!(store.write(*by, *checkpoint)));
            store.recover(life(1, recovered));
            print(&store, 1)
        };
        let one = [(life(1, 0), at(5, prepared(1, 3)))];
        let others = [
            print(&[(life(1, 0), at(6, prepared(1, 3)))], 0),
            print(&[(life(1, 0), at(5, prepared(1, 4)))], 0),
            print(&[(life(1, 0), at(5, prepared(2, 3)))], 0),
            print(&[(life(1, 0), at(5, None))], 0),
            print(&[(life(2, 0), at(5, prepared(1, 3)))], 0),
            print(&one, 1),
            print(&[], 0),
        ];
        assert!(others.iter().all(|other| *other != print(&one, 0)));
    }

    /// A request of life 1 that arrives late is refused if life 2 has looked, and stands if it has
    /// only begun. Which number a life has makes no difference.
    #[test]
    fn a_life_enters_as_it_is_seen_from_the_present_one() {
        let looked = |lives: u32| {
            let mut store = CheckpointStore::default();
            store.recover(life(1, lives));
            store
        };
        assert_ne!(print(&looked(1), 1), print(&looked(1), 2));
        assert_ne!(print(&looked(1), 2), print(&looked(2), 2));
        assert_eq!(print(&looked(1), 1), print(&looked(2), 2), "renamed");
        assert_eq!(print(&looked(0), 1), print(&looked(0), 2), "no life was before the first");
        let late = at(5, prepared(1, 3));
        assert!(looked(1).write(life(1, 1), late));
        assert!(!looked(2).write(life(1, 1), late));
    }
}
