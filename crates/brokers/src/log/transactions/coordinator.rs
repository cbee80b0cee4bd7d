//! What the coordinator knows of a producer, and what becomes of each of its steps.
//!
//! > **The rule.** A step in another epoch than the present one is refused and changes nothing:
//! > with `PRODUCER_FENCED` by the coordinator, with `INVALID_PRODUCER_EPOCH` by a partition.

use entrega_model::event::{AbortReason, SettleTrigger};
use entrega_model::log::{
    BatchSequence, Destination, Offset, PartitionOffset, ProduceRefusal, Refusal, Response,
    TransactionRefusal,
};
use entrega_model::{
    ClientId, Duration, Event, Fingerprint, Fingerprinted, Generation, Incarnation, Instant,
    Output, PartitionId, ProcessId, SubscriptionId, TransactionalId,
};

use super::super::LogBroker;
use super::super::producers::{Admission, Sent};
use super::output::OutputTopic;
use super::stability::Stability;
use super::{Batch, MARKER, Refused, TransactionVersion, Transactions, Written, transacted};

/// A producer as the coordinator knows it.
#[derive(Clone, Debug)]
pub(super) struct Coordinated {
    pub(super) id: TransactionalId,
    epoch: u32,
    timeout: Duration,
    state: State,
    /// What it has written in its open transaction.
    written: Vec<Written>,
    /// The offsets that are committed if that is.
    pub(super) offsets: Vec<(SubscriptionId, PartitionOffset)>,
    /// The client that passed the offsets.
    from: ClientId,
}

/// Where a producer stands in the picture above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Empty,
    Open {
        deadline: Instant,
    },
    /// It ended the transaction itself, in this epoch.
    Ended {
        commit: bool,
        epoch: u32,
    },
    Expired,
}

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Committed,
    Aborted,
    /// The next life of its producer began.
    Fenced,
    /// It was open for too long.
    Expired,
}

impl Ending {
    /// As its producer asks.
    pub(super) const fn asked(commit: bool) -> Self {
        if commit { Self::Committed } else { Self::Aborted }
    }

    /// Why it is aborted, if it is.
    const fn abort(self) -> Option<AbortReason> {
        match self {
            Self::Committed => None,
            Self::Aborted => Some(AbortReason::Asked),
            Self::Fenced => Some(AbortReason::Fenced),
            Self::Expired => Some(AbortReason::Expired),
        }
    }
}

impl Coordinated {
    fn new(id: TransactionalId) -> Self {
        Self {
            id,
            epoch: 0,
            timeout: Duration::ZERO,
            state: State::Empty,
            written: Vec::new(),
            offsets: Vec::new(),
            from: ClientId::default(),
        }
    }

    /// When its transaction has been open for too long.
    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Open { deadline } => Some(deadline),
            State::Empty | State::Ended { .. } | State::Expired => None,
        }
    }

    /// Opens a transaction, unless one is open.
    fn open(&mut self, now: Instant) {
        if self.deadline().is_none() {
            self.state = State::Open { deadline: now + self.timeout };
        }
    }

    /// Whether an end of this kind in this epoch was done already.
    fn has_ended(&self, epoch: u32, ending: Ending) -> bool {
        let commit = ending == Ending::Committed;
        self.state == State::Ended { commit, epoch }
    }

    pub(super) fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        into.word(self.id.0.into());
        into.word(self.epoch.into());
        into.word(self.timeout.as_nanos());
        into.deadline(self.deadline());
        into.word(match self.state {
            State::Empty => 0,
            State::Open { .. } => 1,
            State::Ended { commit, epoch } => 2 | u64::from(commit) << 2 | u64::from(epoch) << 3,
            State::Expired => 3,
        });
        into.count(self.written.len());
        self.written.iter().for_each(|written| written.fingerprint(into));
        into.count(self.offsets.len());
        for (of, offset) in &self.offsets {
            into.word(of.0.into());
            offset.fingerprint(into);
        }
        into.word(self.from.process.0.into());
    }
}

impl Transactions {
    /// A producer whose transaction has been open for too long.
    pub(super) fn first_due(&self, now: Instant) -> Option<usize> {
        let is_due = |one: &Coordinated| one.deadline().is_some_and(|deadline| deadline <= now);
        self.coordinated.iter().position(is_due)
    }

    /// The producer of this id, if this is its epoch.
    fn present(&self, (id, epoch): (TransactionalId, u32)) -> Refused<usize> {
        let place = self.find(id).map_err(|_| TransactionRefusal::InvalidProducerIdMapping)?;
        let one = &self.coordinated[place];
        let is_present = one.epoch == epoch && one.state != State::Expired;
        if is_present { Ok(place) } else { Err(TransactionRefusal::ProducerFenced) }
    }

    fn output(&mut self, of: SubscriptionId) -> &mut OutputTopic {
        if self.outputs.len() <= of.index() {
            self.outputs.resize_with(of.index() + 1, OutputTopic::default);
        }
        &mut self.outputs[of.index()]
    }

    fn partition(&mut self, partition: PartitionId) -> &mut Stability {
        if self.topic.len() <= partition.index() {
            self.topic.resize_with(partition.index() + 1, Stability::default);
        }
        &mut self.topic[partition.index()]
    }

    /// Whether a batch is new, is there already, or comes before its predecessor.
    fn admit(&self, now: Instant, which: usize, sent: &Sent) -> Admission {
        let producers = &self.sequences[which];
        let is_second_version = self.version == TransactionVersion::Two;
        if is_second_version && sent.sequence.first != 0 && !producers.knows(now, sent) {
            return Admission::Refused(ProduceRefusal::OutOfOrderSequence);
        }
        producers.admit(now, sent)
    }
}

impl LogBroker {
    /// `InitProducerId`.
    pub(super) fn init_producer(
        &mut self,
        now: Instant,
        id: TransactionalId,
        timeout: Duration,
        ground_truth: &mut Vec<Event>,
    ) -> Response {
        let place = match self.transactions.find(id) {
            Ok(place) => {
                if self.transactions.coordinated[place].deadline().is_some() {
                    self.finish(now, place, Ending::Fenced, ground_truth);
                }
                self.transactions.coordinated[place].epoch += 1;
                place
            }
            Err(place) => {
                self.transactions.coordinated.insert(place, Coordinated::new(id));
                place
            }
        };
        let one = &mut self.transactions.coordinated[place];
        one.state = State::Empty;
        one.timeout = timeout;
        transacted(one.epoch, 0)
    }

    /// A batch in a transaction.
    pub(super) fn write(
        &mut self,
        now: Instant,
        from: ClientId,
        batch: Batch,
        records: &[Output],
        ground_truth: &mut Vec<Event>,
    ) -> Refused<Response> {
        let Batch { of, id, epoch, to, first } = batch;
        let place = self.transactions.present((id, epoch)).map_err(said_by_partition)?;
        self.has_destination(of, to)?;
        let (which, partition) = match to {
            Destination::Topic(partition) => (0, partition),
            Destination::Output => (1, PartitionId(of.0.into())),
        };
        let producer = ClientId { process: ProcessId(id.0), incarnation: Incarnation::default() };
        let (sequence, count) = (BatchSequence { epoch, first }, records.len() as u32);
        let sent = Sent { partition, producer, sequence, count };
        let base_offset = self.end_of(of, to);
        if count > 0 {
            match self.transactions.admit(now, which, &sent) {
                Admission::New => {}
                Admission::Duplicate(stored_at) => return Ok(transacted(epoch, stored_at)),
                Admission::Refused(refusal) => return Err(refused_sequence(refusal)),
            }
            self.transactions.sequences[which].appended(now, &sent, base_offset);
        }
        self.transactions.coordinated[place].open(now);
        for (offset, output) in (base_offset..).zip(records) {
            let written = Written { of, to, offset, output: *output, from };
            self.append_in_transaction(now, id, written, ground_truth);
            self.transactions.coordinated[place].written.push(written);
        }
        self.read_outputs(now, of, to, ground_truth);
        Ok(transacted(epoch, base_offset))
    }

    /// Offsets that are to be committed with a transaction.
    pub(super) fn add_offsets(
        &mut self,
        now: Instant,
        producer: (TransactionalId, u32),
        (of, from): (SubscriptionId, ClientId),
        member: Option<Generation>,
        offsets: &[PartitionOffset],
    ) -> Refused<Response> {
        let place = self.transactions.present(producer)?;
        let group = self.groups.get(of.index()).ok_or(TransactionRefusal::UnknownPartition)?;
        if let Some(generation) = member {
            group.check_member(from, generation).map_err(refused_member)?;
        }
        let count = self.partitions.len();
        if offsets.iter().any(|offset| offset.partition.index() >= count) {
            return Err(TransactionRefusal::UnknownPartition);
        }
        let one = &mut self.transactions.coordinated[place];
        one.open(now);
        one.from = from;
        for &offset in offsets {
            let same = |known: &&mut (SubscriptionId, PartitionOffset)| {
                (known.0, known.1.partition) == (of, offset.partition)
            };
            match one.offsets.iter_mut().find(same) {
                Some(known) => known.1 = offset,
                None => one.offsets.push((of, offset)),
            }
        }
        Ok(transacted(one.epoch, 0))
    }

    /// `EndTxn`.
    pub(super) fn end_transaction(
        &mut self,
        now: Instant,
        producer: (TransactionalId, u32),
        ending: Ending,
        ground_truth: &mut Vec<Event>,
    ) -> Refused<Response> {
        let (id, epoch) = producer;
        if let Ok(place) = self.transactions.find(id)
            && self.transactions.coordinated[place].has_ended(epoch, ending)
        {
            return Ok(transacted(self.transactions.coordinated[place].epoch, 0));
        }
        let place = self.transactions.present(producer)?;
        let is_open = self.transactions.coordinated[place].deadline().is_some();
        let ends_nothing =
            self.transactions.version == TransactionVersion::Two && ending == Ending::Aborted;
        if !is_open && !ends_nothing {
            return Err(TransactionRefusal::InvalidTxnState);
        }
        self.finish(now, place, ending, ground_truth);
        Ok(transacted(self.transactions.coordinated[place].epoch, 0))
    }

    /// Ends a transaction: markers, and the offsets if it commits. The reader of the output sees
    /// the records before their offsets are committed.
    pub(super) fn finish(
        &mut self,
        now: Instant,
        place: usize,
        ending: Ending,
        ground_truth: &mut Vec<Event>,
    ) {
        let one = &mut self.transactions.coordinated[place];
        let (id, consumer) = (one.id, one.from);
        let (mut written, mut offsets) =
            (std::mem::take(&mut one.written), std::mem::take(&mut one.offsets));
        if let Some(reason) = ending.abort() {
            written.iter().for_each(|one| self.abort_record(now, one, reason, ground_truth));
        }
        for one in &written {
            self.append_marker(now, id, one, ground_truth);
        }
        if ending == Ending::Committed {
            for (of, offset) in &offsets {
                let (offsets, trigger) = ([*offset], SettleTrigger::Application);
                self.commit(now, consumer, *of, &offsets, trigger, ground_truth);
            }
        }
        written.clear();
        offsets.clear();
        let version = self.transactions.version;
        let one = &mut self.transactions.coordinated[place];
        let epoch = one.epoch;
        (one.written, one.offsets) = (written, offsets);
        one.state = match ending {
            Ending::Committed | Ending::Aborted => {
                State::Ended { commit: ending == Ending::Committed, epoch }
            }
            Ending::Fenced => State::Empty,
            Ending::Expired => State::Expired,
        };
        one.epoch += match ending {
            Ending::Committed | Ending::Aborted => u32::from(version == TransactionVersion::Two),
            Ending::Fenced => 0,
            Ending::Expired => 1,
        };
        self.changed = true;
    }

    fn append_in_transaction(
        &mut self,
        now: Instant,
        id: TransactionalId,
        written: Written,
        ground_truth: &mut Vec<Event>,
    ) {
        match written.to {
            Destination::Output => self.transactions.output(written.of).append(id, written),
            Destination::Topic(partition) => {
                let mut records = vec![written.output.record];
                self.produce(now, partition, &mut records, ground_truth);
                self.transactions.partition(partition).appended(id, written.offset);
                self.transactions.in_topic = true;
            }
        }
    }

    fn abort_record(
        &mut self,
        now: Instant,
        written: &Written,
        reason: AbortReason,
        ground_truth: &mut Vec<Event>,
    ) {
        match written.to {
            Destination::Output => {
                self.transactions.output(written.of).abort(now, written, reason, ground_truth);
            }
            Destination::Topic(partition) => {
                self.transactions.partition(partition).abort(written.offset);
            }
        }
    }

    /// The marker of a transaction where this record of it stands, unless there is one already.
    fn append_marker(
        &mut self,
        now: Instant,
        id: TransactionalId,
        written: &Written,
        ground_truth: &mut Vec<Event>,
    ) {
        match written.to {
            Destination::Output => {
                let topic = self.transactions.output(written.of);
                if topic.stability.has_open(id) {
                    topic.append_marker(id);
                }
                self.read_outputs(now, written.of, written.to, ground_truth);
            }
            Destination::Topic(partition) => {
                if self.transactions.partition(partition).has_open(id) {
                    let limits = self.segment_limits;
                    let marker = self.partitions[partition.index()].append_one(now, MARKER, limits);
                    self.transactions.partition(partition).ended(id, marker);
                }
            }
        }
    }

    fn read_outputs(
        &mut self,
        now: Instant,
        of: SubscriptionId,
        to: Destination,
        ground_truth: &mut Vec<Event>,
    ) {
        if to == Destination::Output {
            let isolation = self.transactions.isolation;
            self.transactions.output(of).read_on(now, isolation, ground_truth);
        }
    }

    fn has_destination(&self, of: SubscriptionId, to: Destination) -> Refused<()> {
        let exists = match to {
            Destination::Output => of.index() < self.groups.len(),
            Destination::Topic(partition) => partition.index() < self.partitions.len(),
        };
        if exists { Ok(()) } else { Err(TransactionRefusal::UnknownPartition) }
    }

    fn end_of(&mut self, of: SubscriptionId, to: Destination) -> Offset {
        match to {
            Destination::Output => self.transactions.output(of).log_end_offset(),
            Destination::Topic(partition) => self.partitions[partition.index()].log_end_offset,
        }
    }
}

/// A partition has a word of its own for a producer that is fenced.
const fn said_by_partition(refusal: TransactionRefusal) -> TransactionRefusal {
    match refusal {
        TransactionRefusal::ProducerFenced => TransactionRefusal::InvalidProducerEpoch,
        other => other,
    }
}

/// What is written in a transaction has one replica, so nothing is said of others.
const fn refused_sequence(refusal: ProduceRefusal) -> TransactionRefusal {
    match refusal {
        ProduceRefusal::InvalidProducerEpoch => TransactionRefusal::InvalidProducerEpoch,
        ProduceRefusal::OutOfOrderSequence
        | ProduceRefusal::NotEnoughReplicas
        | ProduceRefusal::NotEnoughReplicasAfterAppend
        | ProduceRefusal::RequestTimedOut => TransactionRefusal::OutOfOrderSequence,
    }
}

const fn refused_member(refusal: Refusal) -> TransactionRefusal {
    match refusal {
        Refusal::UnknownMember => TransactionRefusal::UnknownMember,
        _ => TransactionRefusal::IllegalGeneration,
    }
}
