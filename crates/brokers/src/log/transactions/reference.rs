//! A model of producer state and transactions that is written down from `semantics.md` 3.2 and 3.3
//! alone, and naively: it keeps lists of everything that ever happened, and searches them.
//!
//! Each of its rules can be turned wrong ([`Slip`]), so that the comparison with the broker can be
//! seen to notice it.

use entrega_model::log::{IsolationLevel, TransactionRefusal};

/// The partitions of the topic, and as the last one the output topic of the group.
pub(super) const PLACES: usize = 3;
/// How long a transaction may be open, in seconds.
pub(super) const TIMEOUT: u64 = 10;

/// A rule that is turned wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slip {
    InitKeepsTheEpoch,
    InitLeavesItOpen,
    EndKeepsTheEpoch,
    ExpiredIsNotFenced,
    NothingExpires,
    MarkersTakeNoOffset,
    OpenIsStable,
    AbortedIsSeen,
    OffsetsCountAtOnce,
    AbortCommitsOffsets,
    NobodyAsksTheGroup,
    EndIsNotRepeatable,
    AnyFirstNumber,
    DuplicatesAreStored,
}

impl Slip {
    pub(super) const ALL: [Self; 14] = [
        Self::InitKeepsTheEpoch,
        Self::InitLeavesItOpen,
        Self::EndKeepsTheEpoch,
        Self::ExpiredIsNotFenced,
        Self::NothingExpires,
        Self::MarkersTakeNoOffset,
        Self::OpenIsStable,
        Self::AbortedIsSeen,
        Self::OffsetsCountAtOnce,
        Self::AbortCommitsOffsets,
        Self::NobodyAsksTheGroup,
        Self::EndIsNotRepeatable,
        Self::AnyFirstNumber,
        Self::DuplicatesAreStored,
    ];
}

/// What stands at an offset.
#[derive(Clone, Copy, Debug)]
enum Entry {
    Record { message: u32, transaction: Option<usize> },
    Marker,
}

/// How a transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Committed,
    Aborted,
}

#[derive(Clone, Debug)]
struct Transaction {
    id: u16,
    began: u64,
    fate: Fate,
    offsets: Vec<(usize, u64)>,
}

#[derive(Clone, Copy, Debug)]
struct Producer {
    id: u16,
    epoch: u32,
    fenced: bool,
    /// The last end that it asked for itself: in which epoch, and which.
    ended: Option<(u32, bool)>,
}

#[derive(Clone, Copy, Debug)]
struct Batch {
    place: usize,
    id: u16,
    epoch: u32,
    first: u32,
    count: u32,
    offset: u64,
}

/// What a step came to: the epoch to go on in and the offset of the first record, or the refusal.
pub(super) type Answer = Result<(u32, u64), TransactionRefusal>;

/// Everything that ever happened.
#[derive(Clone, Debug)]
pub(super) struct Naive {
    slip: Option<Slip>,
    second_version: bool,
    logs: [Vec<Entry>; PLACES],
    transactions: Vec<Transaction>,
    producers: Vec<Producer>,
    batches: Vec<Batch>,
    committed: [Option<u64>; PLACES],
}

impl Naive {
    pub(super) fn new(second_version: bool, slip: Option<Slip>) -> Self {
        Self {
            slip,
            second_version,
            logs: [const { Vec::new() }; PLACES],
            transactions: Vec::new(),
            producers: Vec::new(),
            batches: Vec::new(),
            committed: [None; PLACES],
        }
    }

    fn slips(&self, slip: Slip) -> bool {
        self.slip == Some(slip)
    }

    /// The epoch of a producer; none if it never began.
    pub(super) fn epoch(&self, id: u16) -> Option<u32> {
        self.producers.iter().find(|one| one.id == id).map(|one| one.epoch)
    }

    /// The number that the next record of a producer has.
    pub(super) fn next(&self, id: u16, place: usize) -> u32 {
        let epoch = self.epoch(id);
        let mut of = self.batches.iter().rev().filter(|one| (one.id, one.place) == (id, place));
        of.next().filter(|one| Some(one.epoch) == epoch).map_or(0, |one| one.first + one.count)
    }

    pub(super) fn init(&mut self, id: u16) -> Answer {
        if self.producers.iter().all(|one| one.id != id) {
            self.producers.push(Producer { id, epoch: 0, fenced: false, ended: None });
            return Ok((0, 0));
        }
        if !self.slips(Slip::InitLeavesItOpen) {
            self.finish(id, Fate::Aborted);
        }
        let grows = !self.slips(Slip::InitKeepsTheEpoch);
        let one = self.producer(id);
        one.epoch += u32::from(grows);
        one.fenced = false;
        one.ended = None;
        Ok((one.epoch, 0))
    }

    pub(super) fn plain(&mut self, place: usize, message: u32) {
        self.logs[place].push(Entry::Record { message, transaction: None });
    }

    pub(super) fn produce(
        &mut self,
        now: u64,
        (id, epoch): (u16, u32),
        place: usize,
        first: u32,
        messages: &[u32],
    ) -> Answer {
        self.check(id, epoch, TransactionRefusal::InvalidProducerEpoch)?;
        let count = messages.len() as u32;
        let offset = self.logs[place].len() as u64;
        let known: Vec<Batch> =
            self.batches.iter().copied().filter(|one| (one.id, one.place) == (id, place)).collect();
        let of_epoch: Vec<Batch> = known.iter().copied().filter(|one| one.epoch == epoch).collect();
        let last_five = of_epoch.iter().rev().take(5);
        let same = last_five.clone().find(|one| (one.first, one.count) == (first, count));
        if let Some(same) = same.filter(|_| !self.slips(Slip::DuplicatesAreStored)) {
            return Ok((epoch, same.offset));
        }
        let expected = of_epoch.last().map_or(0, |one| one.first + one.count);
        let anything = known.is_empty() && !self.second_version || self.slips(Slip::AnyFirstNumber);
        if first != expected && !anything {
            return Err(TransactionRefusal::OutOfOrderSequence);
        }
        self.batches.push(Batch { place, id, epoch, first, count, offset });
        let transaction = Some(self.open(now, id));
        for &message in messages {
            self.logs[place].push(Entry::Record { message, transaction });
        }
        Ok((epoch, offset))
    }

    /// `member` says what the group thinks of the consumer.
    pub(super) fn add_offsets(
        &mut self,
        now: u64,
        (id, epoch): (u16, u32),
        member: Result<(), TransactionRefusal>,
        (place, offset): (usize, u64),
    ) -> Answer {
        self.check(id, epoch, TransactionRefusal::ProducerFenced)?;
        if !self.slips(Slip::NobodyAsksTheGroup) {
            member?;
        }
        let transaction = self.open(now, id);
        self.transactions[transaction].offsets.push((place, offset));
        if self.slips(Slip::OffsetsCountAtOnce) {
            self.committed[place] = Some(offset);
        }
        Ok((epoch, 0))
    }

    pub(super) fn end(&mut self, (id, epoch): (u16, u32), commit: bool) -> Answer {
        let ended = self.producers.iter().find(|one| one.id == id).and_then(|one| one.ended);
        let is_open = self.find_open(id).is_some();
        if ended == Some((epoch, commit)) && !is_open && !self.slips(Slip::EndIsNotRepeatable) {
            return Ok((self.epoch(id).unwrap_or_default(), 0));
        }
        self.check(id, epoch, TransactionRefusal::ProducerFenced)?;
        if !is_open && (commit || !self.second_version) {
            return Err(TransactionRefusal::InvalidTxnState);
        }
        self.finish(id, if commit { Fate::Committed } else { Fate::Aborted });
        let grows = self.second_version && !self.slips(Slip::EndKeepsTheEpoch);
        let one = self.producer(id);
        one.ended = Some((epoch, commit));
        one.epoch += u32::from(grows);
        Ok((one.epoch, 0))
    }

    /// Aborts what is open for too long.
    pub(super) fn advance(&mut self, now: u64) {
        if self.slips(Slip::NothingExpires) {
            return;
        }
        for at in 0..self.transactions.len() {
            let Transaction { id, began, fate, .. } = self.transactions[at];
            if fate == Fate::Open && began + TIMEOUT <= now {
                self.finish(id, Fate::Aborted);
                if !self.slips(Slip::ExpiredIsNotFenced) {
                    let one = self.producer(id);
                    one.epoch += 1;
                    one.fenced = true;
                }
            }
        }
    }

    /// What a reader sees of a place: offsets and messages.
    pub(super) fn read(&self, place: usize, isolation: IsolationLevel) -> Vec<(u64, u32)> {
        let committed_only = isolation == IsolationLevel::ReadCommitted;
        let fate = |transaction: Option<usize>| transaction.map(|at| self.transactions[at].fate);
        let mut seen = Vec::new();
        for (offset, entry) in (0..).zip(&self.logs[place]) {
            let Entry::Record { message, transaction } = *entry else { continue };
            match fate(transaction) {
                Some(Fate::Open) if committed_only && !self.slips(Slip::OpenIsStable) => break,
                Some(Fate::Open) if committed_only => {}
                Some(Fate::Aborted) if committed_only && !self.slips(Slip::AbortedIsSeen) => {}
                _ => seen.push((offset, message)),
            }
        }
        seen
    }

    pub(super) fn committed(&self, place: usize) -> Option<u64> {
        self.committed[place]
    }

    fn producer(&mut self, id: u16) -> &mut Producer {
        self.producers.iter_mut().find(|one| one.id == id).expect("it has begun")
    }

    fn check(
        &self,
        id: u16,
        epoch: u32,
        refusal: TransactionRefusal,
    ) -> Result<(), TransactionRefusal> {
        let found = self.producers.iter().find(|one| one.id == id);
        let one = found.ok_or(TransactionRefusal::InvalidProducerIdMapping)?;
        if one.epoch == epoch && !one.fenced { Ok(()) } else { Err(refusal) }
    }

    fn find_open(&self, id: u16) -> Option<usize> {
        self.transactions.iter().position(|one| one.id == id && one.fate == Fate::Open)
    }

    /// The open transaction of a producer, or the next one. Then the end of the one before is over,
    /// and nobody repeats it any more.
    fn open(&mut self, now: u64, id: u16) -> usize {
        self.find_open(id).unwrap_or_else(|| {
            self.producer(id).ended = None;
            let (fate, offsets) = (Fate::Open, Vec::new());
            self.transactions.push(Transaction { id, began: now, fate, offsets });
            self.transactions.len() - 1
        })
    }

    fn finish(&mut self, id: u16, fate: Fate) {
        let Some(at) = self.find_open(id) else { return };
        self.transactions[at].fate = fate;
        let of = |entry: &Entry| match *entry {
            Entry::Record { transaction, .. } => transaction,
            Entry::Marker => None,
        };
        let writes = |entry: &Entry| of(entry) == Some(at);
        for log in &mut self.logs {
            if log.iter().any(writes) && self.slip != Some(Slip::MarkersTakeNoOffset) {
                log.push(Entry::Marker);
            }
        }
        if fate == Fate::Committed || self.slips(Slip::AbortCommitsOffsets) {
            for (place, offset) in self.transactions[at].offsets.clone() {
                self.committed[place] = Some(offset);
            }
        }
    }
}
