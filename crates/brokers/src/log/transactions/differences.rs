//! The broker against the [`reference`](super::reference): of any sequence of steps, sensible or
//! not, both answer the same, readers see the same, and the same offsets are committed. After each
//! step the bounds of every partition hold.
//!
//! The comparison is itself tested: with any one rule of the reference turned wrong, some sequence
//! shows it.

use entrega_model::log::{Acks, Destination, IsolationLevel, PartitionOffset};
use entrega_model::log::{Request, Response, TransactionAct, TransactionRefusal};
use entrega_model::{
    ClientId, DeliveryId, Duration, Event, Generation, Incarnation, Instant, Key, Kind, MessageId,
    Output, PartitionId, ProcessId, Record, SubscriptionId, TransactionalId,
};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::TransactionVersion;
use super::reference::{Answer, Naive, PLACES, Slip, TIMEOUT};
use crate::Broker;
use crate::log::{LogBroker, LogSettings};

const GROUP: SubscriptionId = SubscriptionId(0);
const OUTPUT: usize = PLACES - 1;

/// One step. Epochs and numbers are relative to the right ones.
#[derive(Clone, Copy, Debug)]
enum Step {
    Init { id: u16 },
    Plain { place: usize },
    Produce { id: u16, place: usize, late: u32, skip: i32, count: u32 },
    AddOffsets { id: u16, late: u32, member: Option<(bool, u32)>, place: usize, offset: u64 },
    End { id: u16, late: u32, commit: bool },
    Rejoin,
    Wait { seconds: u64 },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let id = || 0_u16..2;
    let late = || prop_oneof![6 => Just(0_u32), 1 => 1_u32..3];
    let member = prop_oneof![
        1 => Just(None),
        4 => Just(Some((true, 0))),
        1 => (any::<bool>(), 0_u32..2).prop_map(Some),
    ];
    let skip = prop_oneof![6 => Just(0_i32), 1 => -2_i32..3];
    let produce = (id(), 0..PLACES, late(), skip, 1_u32..3)
        .prop_map(|(id, place, late, skip, count)| Step::Produce { id, place, late, skip, count });
    let add = (id(), late(), member, 0..OUTPUT, 0_u64..9).prop_map(
        |(id, late, member, place, offset)| Step::AddOffsets { id, late, member, place, offset },
    );
    let end =
        (id(), late(), any::<bool>()).prop_map(|(id, late, commit)| Step::End { id, late, commit });
    let step = prop_oneof![
        2 => id().prop_map(|id| Step::Init { id }),
        1 => (0..OUTPUT).prop_map(|place| Step::Plain { place }),
        6 => produce,
        3 => add,
        4 => end,
        1 => Just(Step::Rejoin),
        1 => (1_u64..8).prop_map(|seconds| Step::Wait { seconds }),
    ];
    prop::collection::vec(step, 1..40)
}

/// The broker with what its driver knows.
struct Driven {
    broker: LogBroker,
    isolation: IsolationLevel,
    now: u64,
    generation: Generation,
    truth: Vec<Event>,
    messages: u32,
}

const MEMBER: ClientId = ClientId { process: ProcessId(7), incarnation: Incarnation(0) };
const STRANGER: ClientId = ClientId { process: ProcessId(8), incarnation: Incarnation(0) };

impl Driven {
    fn new(version: TransactionVersion, isolation: IsolationLevel) -> Self {
        let settings = LogSettings {
            partitions: OUTPUT as u16,
            transaction_version: version,
            isolation_level: isolation,
            ..LogSettings::default()
        };
        let broker = LogBroker::new(settings);
        let generation = Generation(0);
        let mut driven =
            Self { broker, isolation, now: 0, generation, truth: Vec::new(), messages: 0 };
        driven.join();
        driven
    }

    fn at(&self) -> Instant {
        Instant::START + Duration::from_secs(self.now)
    }

    fn ask(&mut self, from: ClientId, mut request: Request) -> Option<Response> {
        self.broker.handle(self.at(), from, &mut request, &mut self.truth)
    }

    /// The member leaves and joins again. While offsets wait for the end of a transaction, a reader
    /// of committed records does not get its partitions: nothing of it is compared then.
    fn join(&mut self) -> bool {
        self.ask(MEMBER, Request::Leave { group: GROUP });
        let joined = self.ask(MEMBER, Request::Join { group: GROUP, has: Generation(0) });
        self.generation = self.broker.generation(GROUP);
        joined.is_some()
    }

    fn transact(&mut self, from: ClientId, id: u16, epoch: u32, act: TransactionAct) -> Answer {
        let id = TransactionalId(id);
        let request = Request::Transact { of: GROUP, id, epoch, act };
        match self.ask(from, request) {
            Some(Response::Transacted { epoch, base_offset, .. }) => Ok((epoch, base_offset)),
            Some(Response::TransactionRefused(refusal)) => Err(refusal),
            other => panic!("{other:?}"),
        }
    }

    fn record(&mut self) -> Record {
        self.messages += 1;
        Record { message: MessageId(self.messages), key: Key(0), bytes: 1 }
    }

    /// What the member reads of a partition, or what was seen of the output topic.
    fn read(&mut self, place: usize) -> Vec<u32> {
        if place == OUTPUT {
            let effect = |event: &Event| match event.kind {
                Kind::Effect { message, .. } => Some(message.0),
                _ => None,
            };
            return self.truth.iter().filter_map(effect).collect();
        }
        let positions = vec![PartitionOffset { partition: PartitionId(place as u16), offset: 0 }];
        let (generation, deadline) = (self.generation, self.at());
        let buffer = Vec::new();
        let fetch = Request::Fetch {
            group: GROUP,
            generation,
            positions,
            max_records: 99,
            buffer,
            deadline,
        };
        match self.ask(MEMBER, fetch) {
            Some(Response::Fetched { records, .. }) => {
                records.iter().map(|fetched| fetched.record.message.0).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    /// log start ≤ LSO ≤ high watermark ≤ log end.
    fn keeps_bounds(&self) -> bool {
        self.broker.partitions.iter().enumerate().all(|(index, partition)| {
            let stable = self.broker.transactions.end_for_readers(index, partition);
            partition.log_start_offset() <= stable
                && stable <= partition.high_watermark()
                && partition.high_watermark() <= partition.log_end_offset
        })
    }

    fn advance(&mut self, seconds: u64) {
        self.now += seconds;
        while self.broker.next_deadline().is_some_and(|deadline| deadline <= self.at()) {
            self.broker.advance(self.at(), &mut self.truth);
        }
    }
}

const fn to(place: usize) -> Destination {
    if place == OUTPUT {
        Destination::Output
    } else {
        Destination::Topic(PartitionId(place as u16))
    }
}

/// Takes a step on both sides. Says in which they differ.
fn step(broker: &mut Driven, model: &mut Naive, step: Step) -> Result<(), String> {
    let epoch_of =
        |model: &Naive, id: u16, late: u32| model.epoch(id).unwrap_or_default().wrapping_sub(late);
    let (given, expected) = match step {
        Step::Init { id } => {
            let timeout = Duration::from_secs(TIMEOUT);
            (broker.transact(MEMBER, id, 0, TransactionAct::Init { timeout }), model.init(id))
        }
        Step::Plain { place } => {
            let record = broker.record();
            let (records, acks) = (vec![record], Acks::All);
            let partition = PartitionId(place as u16);
            broker.ask(MEMBER, Request::Produce { partition, records, acks, sequence: None });
            model.plain(place, record.message.0);
            return Ok(());
        }
        Step::Produce { id, place, late, skip, count } => {
            let epoch = epoch_of(model, id, late);
            let first = model.next(id, place).saturating_add_signed(skip);
            let records: Vec<Record> = (0..count).map(|_| broker.record()).collect();
            let names: Vec<u32> = records.iter().map(|record| record.message.0).collect();
            let output = |record: &Record| Output { record: *record, delivery: DeliveryId(0) };
            let records = records.iter().map(output).collect();
            let act = TransactionAct::Produce { to: to(place), first, records };
            let now = broker.now;
            let given = broker.transact(MEMBER, id, epoch, act);
            (given, model.produce(now, (id, epoch), place, first, &names))
        }
        Step::AddOffsets { id, late, member, place, offset } => {
            let epoch = epoch_of(model, id, late);
            let from = if member.is_some_and(|(is_it, _)| !is_it) { STRANGER } else { MEMBER };
            let passed = member.map(|(_, ago)| Generation(broker.generation.0.wrapping_sub(ago)));
            let allowed = match member {
                Some((false, _)) => Err(TransactionRefusal::UnknownMember),
                Some((true, ago)) if ago > 0 => Err(TransactionRefusal::IllegalGeneration),
                _ => Ok(()),
            };
            let offsets = vec![PartitionOffset { partition: PartitionId(place as u16), offset }];
            let act = TransactionAct::AddOffsets { member: passed, offsets };
            let now = broker.now;
            let given = broker.transact(from, id, epoch, act);
            (given, model.add_offsets(now, (id, epoch), allowed, (place, offset)))
        }
        Step::End { id, late, commit } => {
            let epoch = epoch_of(model, id, late);
            let given = broker.transact(MEMBER, id, epoch, TransactionAct::End { commit });
            (given, model.end((id, epoch), commit))
        }
        Step::Rejoin => {
            broker.join();
            return Ok(());
        }
        Step::Wait { seconds } => {
            broker.advance(seconds);
            model.advance(broker.now);
            return Ok(());
        }
    };
    if given == expected { Ok(()) } else { Err(format!("{given:?}, not {expected:?}")) }
}

/// Runs a sequence on both sides.
fn run(
    version: TransactionVersion,
    isolation: IsolationLevel,
    slip: Option<Slip>,
    steps: &[Step],
) -> Result<(), String> {
    let mut broker = Driven::new(version, isolation);
    let mut model = Naive::new(version == TransactionVersion::Two, slip);
    for (number, one) in steps.iter().enumerate() {
        step(&mut broker, &mut model, *one).map_err(|why| format!("{number} {one:?}: {why}"))?;
        if !broker.keeps_bounds() {
            return Err(format!("{number} {one:?}: the bounds of a partition"));
        }
        for place in 0..PLACES {
            let expected = model.read(place, broker.isolation);
            let expected: Vec<u32> = expected.into_iter().map(|(_, message)| message).collect();
            let given = broker.read(place);
            if given != expected {
                return Err(format!("{number} {one:?}: {place} {given:?}, not {expected:?}"));
            }
        }
        for place in 0..OUTPUT {
            let given = broker.broker.committed(GROUP, PartitionId(place as u16));
            if given != model.committed(place) {
                return Err(format!("{number} {one:?}: {given:?} is committed in {place}"));
            }
        }
    }
    Ok(())
}

const VERSIONS: [TransactionVersion; 2] = [TransactionVersion::One, TransactionVersion::Two];
const LEVELS: [IsolationLevel; 2] =
    [IsolationLevel::ReadCommitted, IsolationLevel::ReadUncommitted];

proptest! {
    #[test]
    fn broker_and_reference_do_the_same(steps in steps()) {
        for version in VERSIONS {
            for isolation in LEVELS {
                let same = run(version, isolation, None, &steps);
                prop_assert!(same.is_ok(), "{version:?} {isolation:?} {}", same.unwrap_err());
            }
        }
    }
}

/// A broker that kept to such a rule would be noticed.
#[test]
fn a_rule_that_is_turned_wrong_is_noticed() {
    let mut runner = TestRunner::deterministic();
    let all: Vec<Vec<Step>> =
        (0..400).map(|_| steps().new_tree(&mut runner).expect("a sequence").current()).collect();
    for slip in Slip::ALL {
        let noticed = all.iter().any(|steps| {
            VERSIONS.iter().any(|version| {
                LEVELS.iter().any(|level| run(*version, *level, Some(slip), steps).is_err())
            })
        });
        assert!(noticed, "{slip:?}");
    }
}
