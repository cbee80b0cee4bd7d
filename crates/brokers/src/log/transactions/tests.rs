//! Each rule of semantics.md 3.3 on its own, by its words there.

use entrega_model::event::AbortReason;
use entrega_model::log::{Acks, Destination, IsolationLevel, PartitionOffset};
use entrega_model::log::{Request, Response, TransactionAct, TransactionRefusal};
use entrega_model::{
    ClientId, DeliveryId, Duration, Event, Generation, Incarnation, Instant, Key, Kind, MessageId,
    Output, PartitionId, ProcessId, Record, SubscriptionId, TransactionalId,
};

use super::TransactionVersion;
use crate::Broker;
use crate::log::{LogBroker, LogSettings};

use IsolationLevel::{ReadCommitted, ReadUncommitted};
use TransactionRefusal::{
    IllegalGeneration, InvalidProducerEpoch, InvalidProducerIdMapping, InvalidTxnState,
    OutOfOrderSequence, ProducerFenced, UnknownMember,
};

const GROUP: SubscriptionId = SubscriptionId(0);
const FIRST: PartitionId = PartitionId(0);
const ANNA: ClientId = ClientId { process: ProcessId(1), incarnation: Incarnation(0) };
const BERTA: ClientId = ClientId { process: ProcessId(2), incarnation: Incarnation(0) };
/// The topic, and the output topic.
const TOPIC: Destination = Destination::Topic(FIRST);
const OUTPUT: Destination = Destination::Output;

type Stepped = Result<u32, TransactionRefusal>;

/// A broker whose producers are named after the clients.
struct Bench {
    broker: LogBroker,
    now: Instant,
    truth: Vec<Event>,
}

impl Bench {
    fn new(version: TransactionVersion, isolation_level: IsolationLevel) -> Self {
        let settings =
            LogSettings { transaction_version: version, isolation_level, ..LogSettings::default() };
        Self { broker: LogBroker::new(settings), now: Instant::START, truth: Vec::new() }
    }

    fn plain() -> Self {
        Self::new(TransactionVersion::Two, ReadCommitted)
    }

    fn ask(&mut self, from: ClientId, request: &mut Request) -> Option<Response> {
        self.broker.handle(self.now, from, request, &mut self.truth)
    }

    fn step(&mut self, from: ClientId, epoch: u32, act: TransactionAct) -> Stepped {
        let id = TransactionalId(from.process.0);
        let mut request = Request::Transact { of: GROUP, id, epoch, act };
        match self.ask(from, &mut request) {
            Some(Response::Transacted { epoch, .. }) => Ok(epoch),
            Some(Response::TransactionRefused(refusal)) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    fn init(&mut self, from: ClientId) -> u32 {
        let timeout = Duration::from_secs(60);
        self.step(from, 0, TransactionAct::Init { timeout }).expect("an epoch")
    }

    fn write(
        &mut self,
        from: ClientId,
        epoch: u32,
        to: Destination,
        first: u32,
        message: u32,
    ) -> Stepped {
        let output = Output { record: record(message), delivery: DeliveryId(message) };
        self.step(from, epoch, TransactionAct::Produce { to, first, records: vec![output] })
    }

    fn offset(
        &mut self,
        from: ClientId,
        epoch: u32,
        member: Option<Generation>,
        offset: u64,
    ) -> Stepped {
        let offsets = vec![PartitionOffset { partition: FIRST, offset }];
        self.step(from, epoch, TransactionAct::AddOffsets { member, offsets })
    }

    fn end(&mut self, from: ClientId, epoch: u32, commit: bool) -> Stepped {
        self.step(from, epoch, TransactionAct::End { commit })
    }

    fn plainly(&mut self, message: u32) {
        let (records, acks) = (vec![record(message)], Acks::All);
        self.ask(ANNA, &mut Request::Produce { partition: FIRST, records, acks, sequence: None });
    }

    fn join(&mut self, from: ClientId) -> Option<Option<u64>> {
        match self.ask(from, &mut Request::Join { group: GROUP, has: Generation(0) })? {
            Response::Joined { assigned, .. } => {
                Some(assigned.first().and_then(|one| one.committed))
            }
            other => panic!("{other:?}"),
        }
    }

    /// What a member reads from an offset on: offsets and messages; none if it waits.
    fn fetch(&mut self, offset: u64) -> Option<Vec<(u64, u32)>> {
        let positions = vec![PartitionOffset { partition: FIRST, offset }];
        let generation = self.broker.generation(GROUP);
        let (deadline, buffer) = (self.now + Duration::from_secs(1), Vec::new());
        let mut fetch = Request::Fetch {
            group: GROUP,
            generation,
            positions,
            max_records: 9,
            buffer,
            deadline,
        };
        match self.ask(ANNA, &mut fetch)? {
            Response::Fetched { records, .. } => {
                let read = records.iter().map(|one| (one.offset, one.record.message.0));
                Some(read.collect())
            }
            other => panic!("{other:?}"),
        }
    }

    fn effects(&self) -> Vec<u32> {
        let effect = |event: &Event| match event.kind {
            Kind::Effect { message, .. } => Some(message.0),
            _ => None,
        };
        self.truth.iter().filter_map(effect).collect()
    }

    fn aborted(&self) -> Vec<(u32, bool, AbortReason)> {
        let aborted = |event: &Event| match event.kind {
            Kind::Aborted { message, seen, reason, .. } => Some((message.0, seen, reason)),
            _ => None,
        };
        self.truth.iter().filter_map(aborted).collect()
    }

    fn wait(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        while self.broker.next_deadline().is_some_and(|deadline| deadline <= self.now) {
            self.broker.advance(self.now, &mut self.truth);
        }
    }
}

fn record(message: u32) -> Record {
    Record { message: MessageId(message), key: Key(0), bytes: 10 }
}

/// "`initTransactions` bumps the epoch (fences older instances) and completes or aborts their open
/// transaction."
#[test]
fn init_fences_older_instances_and_aborts_what_they_left_open() {
    let mut bench = Bench::plain();
    let old = bench.init(ANNA);
    assert_eq!(bench.write(ANNA, old, OUTPUT, 0, 7), Ok(old));
    let new = bench.init(ANNA);
    assert_eq!(bench.aborted(), [(7, false, AbortReason::Fenced)]);
    assert_eq!(bench.write(ANNA, old, OUTPUT, 1, 8), Err(InvalidProducerEpoch));
    assert_eq!(bench.end(ANNA, old, true), Err(ProducerFenced));
    assert_eq!(bench.offset(ANNA, old, None, 1), Err(ProducerFenced));
    assert_eq!(bench.write(ANNA, new, OUTPUT, 0, 9), Ok(new));
    assert!(bench.end(ANNA, new, true).is_ok());
    assert_eq!(bench.effects(), [9]);
}

#[test]
fn who_has_not_begun_is_unknown() {
    let mut bench = Bench::plain();
    assert_eq!(bench.write(ANNA, 0, OUTPUT, 0, 7), Err(InvalidProducerIdMapping));
    assert_eq!(bench.end(ANNA, 0, true), Err(InvalidProducerIdMapping));
}

/// "Produced records are appended immediately and become visible to `read_committed` after the
/// COMMIT marker. ABORT marker ⇒ filtered. Markers occupy offsets."
#[test]
fn records_are_seen_at_the_marker_which_occupies_an_offset() {
    let check = |isolation, open: &[(u64, u32)], after: &[(u64, u32)]| {
        let mut bench = Bench::new(TransactionVersion::Two, isolation);
        bench.join(ANNA);
        let epoch = bench.init(ANNA);
        let _ = bench.write(ANNA, epoch, TOPIC, 0, 7);
        assert_eq!(bench.fetch(0).unwrap_or_default(), open);
        let epoch = bench.end(ANNA, epoch, false).expect("it is open");
        let _ = bench.write(ANNA, epoch, TOPIC, 0, 8);
        assert!(bench.end(ANNA, epoch, true).is_ok());
        bench.plainly(9);
        assert_eq!(bench.fetch(0).unwrap_or_default(), after, "{isolation:?}");
        assert_eq!(bench.fetch(1).unwrap_or_default(), after[after.len() - 2..]);
        assert_eq!(bench.fetch(5), None, "the end");
    };
    check(ReadCommitted, &[], &[(2, 8), (4, 9)]);
    check(ReadUncommitted, &[(0, 7)], &[(0, 7), (2, 8), (4, 9)]);
}

/// "One hanging transaction stalls all of them, non-transactional records included.
/// `transaction.timeout.ms`, then the coordinator aborts."
#[test]
fn an_open_transaction_holds_back_all_behind_it_until_it_expires() {
    let mut bench = Bench::plain();
    bench.join(ANNA);
    let (hanging, other) = (bench.init(ANNA), bench.init(BERTA));
    let _ = bench.write(ANNA, hanging, TOPIC, 0, 7);
    let _ = bench.write(BERTA, other, TOPIC, 0, 8);
    assert!(bench.end(BERTA, other, true).is_ok());
    bench.plainly(9);
    assert_eq!(bench.fetch(0), None);
    bench.wait(59);
    assert_eq!(bench.fetch(0), None);
    bench.wait(1);
    assert_eq!(bench.fetch(0), Some(vec![(1, 8), (3, 9)]));
    assert_eq!(bench.end(ANNA, hanging, true), Err(ProducerFenced));
    assert_eq!(bench.write(ANNA, hanging, TOPIC, 1, 7), Err(InvalidProducerEpoch));
}

/// "`sendOffsetsToTransaction` writes the consumer's offsets as part of the transaction. Passing
/// member id + generation lets the group coordinator fence zombies."
#[test]
fn offsets_are_committed_with_the_transaction_if_the_group_knows_the_consumer() {
    let mut bench = Bench::plain();
    bench.join(ANNA);
    let generation = bench.broker.generation(GROUP);
    let older = Some(Generation(generation.0 - 1));
    let epoch = bench.init(ANNA);
    assert_eq!(bench.offset(ANNA, epoch, older, 5), Err(IllegalGeneration));
    let other = bench.init(BERTA);
    assert_eq!(bench.offset(BERTA, other, Some(generation), 5), Err(UnknownMember));
    assert_eq!(bench.offset(BERTA, other, None, 3), Ok(other), "nobody asks");
    assert!(bench.end(BERTA, other, true).is_ok());
    assert_eq!(bench.broker.committed(GROUP, FIRST), Some(3));
    assert_eq!(bench.offset(ANNA, epoch, Some(generation), 5), Ok(epoch));
    assert_eq!(bench.broker.committed(GROUP, FIRST), Some(3), "not yet");
    let epoch = bench.end(ANNA, epoch, false).expect("it is open");
    assert_eq!(bench.broker.committed(GROUP, FIRST), Some(3), "never");
    assert_eq!(bench.offset(ANNA, epoch, Some(generation), 5), Ok(epoch));
    assert!(bench.end(ANNA, epoch, true).is_ok());
    assert_eq!(bench.broker.committed(GROUP, FIRST), Some(5));
}

/// KIP-447: a new owner waits until the offsets of its partitions are stable. One that reads
/// uncommitted records does not.
#[test]
fn a_new_owner_waits_for_offsets_that_are_about_to_change() {
    let mut bench = Bench::plain();
    let epoch = bench.init(ANNA);
    assert!(bench.offset(ANNA, epoch, None, 5).is_ok());
    assert_eq!(bench.join(BERTA), None);
    assert!(bench.end(ANNA, epoch, true).is_ok());
    assert!(bench.broker.take_changed());
    assert_eq!(bench.join(BERTA), Some(Some(5)));
    let mut bench = Bench::new(TransactionVersion::Two, ReadUncommitted);
    let epoch = bench.init(ANNA);
    assert!(bench.offset(ANNA, epoch, None, 5).is_ok());
    assert_eq!(bench.join(BERTA), Some(None));
}

/// "KIP-890 bumps the epoch after every transaction": without that, a late commit reaches the next
/// transaction.
#[test]
fn a_late_end_reaches_the_next_transaction_in_version_one_alone() {
    let check = |version, late: Stepped, effects: &[u32]| {
        let mut bench = Bench::new(version, ReadCommitted);
        let first = bench.init(ANNA);
        let _ = bench.write(ANNA, first, OUTPUT, 0, 7);
        let second = bench.end(ANNA, first, false).expect("it is open");
        let number = u32::from(version == TransactionVersion::One);
        assert_eq!(bench.write(ANNA, second, OUTPUT, number, 8), Ok(second));
        assert_eq!(bench.end(ANNA, first, true), late, "{version:?}");
        assert_eq!(bench.effects(), effects, "{version:?}");
    };
    check(TransactionVersion::One, Ok(0), &[8]);
    check(TransactionVersion::Two, Err(ProducerFenced), &[]);
}

/// Note 14: "retry of EndTxn is idempotent within the epoch".
#[test]
fn an_end_can_be_repeated_and_not_turned_round() {
    for (version, turned) in
        [(TransactionVersion::One, InvalidTxnState), (TransactionVersion::Two, ProducerFenced)]
    {
        let mut bench = Bench::new(version, ReadCommitted);
        let epoch = bench.init(ANNA);
        assert_eq!(bench.end(ANNA, epoch, true), Err(InvalidTxnState), "nothing is open");
        let _ = bench.write(ANNA, epoch, OUTPUT, 0, 7);
        let next = bench.end(ANNA, epoch, true);
        assert_eq!(bench.end(ANNA, epoch, true), next);
        assert_eq!(bench.end(ANNA, epoch, false), Err(turned));
        assert_eq!(bench.effects(), [7]);
    }
}

/// 3.2: a repeated batch is recognised, one that comes too early refused; with version 2, also if
/// nothing is known of its producer.
#[test]
fn batches_in_transactions_are_numbered() {
    let mut bench = Bench::plain();
    let epoch = bench.init(ANNA);
    assert_eq!(bench.write(ANNA, epoch, OUTPUT, 1, 7), Err(OutOfOrderSequence));
    assert_eq!(bench.write(ANNA, epoch, OUTPUT, 0, 7), Ok(epoch));
    assert_eq!(bench.write(ANNA, epoch, OUTPUT, 0, 7), Ok(epoch));
    assert_eq!(bench.write(ANNA, epoch, OUTPUT, 2, 8), Err(OutOfOrderSequence));
    assert!(bench.end(ANNA, epoch, true).is_ok());
    assert_eq!(bench.effects(), [7]);
    let mut bench = Bench::new(TransactionVersion::One, ReadCommitted);
    let epoch = bench.init(ANNA);
    assert_eq!(bench.write(ANNA, epoch, OUTPUT, 1, 7), Ok(epoch));
}

/// What a reader of uncommitted records has seen, an abort does not take back.
#[test]
fn an_abort_takes_nothing_back() {
    let mut bench = Bench::new(TransactionVersion::Two, ReadUncommitted);
    let epoch = bench.init(ANNA);
    let _ = bench.write(ANNA, epoch, OUTPUT, 0, 7);
    assert_eq!(bench.effects(), [7]);
    assert!(bench.end(ANNA, epoch, false).is_ok());
    assert_eq!(bench.aborted(), [(7, true, AbortReason::Asked)]);
}

/// The state of producers and transactions is rebuilt from the log: a restart changes nothing, and
/// a broker that is cleared is as if it were new.
#[test]
fn transactions_outlast_a_restart_and_not_a_clearing() {
    let mut bench = Bench::plain();
    let epoch = bench.init(ANNA);
    let _ = bench.write(ANNA, epoch, OUTPUT, 0, 7);
    bench.broker.restart(bench.now, &mut bench.truth);
    assert!(bench.end(ANNA, epoch, true).is_ok());
    assert_eq!(bench.effects(), [7]);
    bench.broker.clear();
    assert_eq!(bench.end(ANNA, epoch, true), Err(InvalidProducerIdMapping));
    assert_eq!(bench.init(ANNA), 0);
}

/// Nothing is audited or reported as deleted that is a marker or was aborted.
#[test]
fn an_audit_passes_over_markers_and_aborted_records() {
    let mut bench = Bench::plain();
    let epoch = bench.init(ANNA);
    let _ = bench.write(ANNA, epoch, TOPIC, 0, 7);
    let epoch = bench.end(ANNA, epoch, false).expect("it is open");
    let _ = bench.write(ANNA, epoch, TOPIC, 0, 8);
    assert!(bench.end(ANNA, epoch, true).is_ok());
    let mut audited = Vec::new();
    bench.broker.audit(bench.now, &mut audited);
    let messages: Vec<_> = audited.iter().filter_map(|event| event.kind.message()).collect();
    assert_eq!(messages, [MessageId(8)]);
    bench.now += Duration::from_secs(9 * 24 * 3600);
    let mut removed = Vec::new();
    bench.broker.advance(bench.now, &mut removed);
    let messages: Vec<_> = removed.iter().filter_map(|event| event.kind.message()).collect();
    assert_eq!(messages, [MessageId(7), MessageId(8)]);
}
