//! What holds after any sequence of operations, sensible or not.
//!
//! > **The rule.** An oracle that knows only requests and answers judges each answer. Its own tests
//! > show that it would notice: each guarantee has a lie that it refuses.

use std::collections::BTreeMap;

use super::*;
use entrega_model::event::SettleTrigger;
use entrega_model::log::{Acks, AssignedPartition, Fetched, PartitionOffset};
use entrega_model::{Duration, Incarnation, Key, MessageId, ProcessId, Record};
use proptest::prelude::*;

const PARTITIONS: u16 = 3;
const GROUPS: u8 = 2;

type Partition = (u8, u16);

/// What the answers so far allow.
#[derive(Default)]
struct Oracle {
    stored: BTreeMap<(u16, Offset), Record>,
    committed: BTreeMap<Partition, Offset>,
    generations: BTreeMap<u8, u32>,
    owners: BTreeMap<(u8, u32, u16), ClientId>,
}

impl Oracle {
    fn stored(
        &mut self,
        partition: PartitionId,
        base: Offset,
        records: &[Record],
    ) -> Result<(), String> {
        for (offset, record) in (base..).zip(records) {
            if self.stored.insert((partition.0, offset), *record).is_some() {
                return Err(format!("offset {offset} of partition {partition} used twice"));
            }
        }
        Ok(())
    }

    fn joined(
        &mut self,
        from: ClientId,
        group: SubscriptionId,
        generation: Generation,
        assigned: &[AssignedPartition],
    ) -> Result<(), String> {
        let latest = self.generations.entry(group.0).or_default();
        if generation.0 < *latest {
            return Err(format!("generation {generation} after {latest}"));
        }
        *latest = generation.0;
        for partition in assigned {
            let key = (group.0, generation.0, partition.partition.0);
            if *self.owners.entry(key).or_insert(from) != from {
                return Err(format!("partition {} has two owners", partition.partition));
            }
            let committed = self.committed.get(&(group.0, partition.partition.0)).copied();
            if partition.committed != committed {
                return Err(format!("committed {:?}, not {committed:?}", partition.committed));
            }
        }
        Ok(())
    }

    fn fetched(&self, positions: &[PartitionOffset], records: &[Fetched]) -> Result<(), String> {
        let mut next: BTreeMap<u16, Offset> =
            positions.iter().map(|position| (position.partition.0, position.offset)).collect();
        for Fetched { partition, offset, record } in records {
            if self.stored.get(&(partition.0, *offset)) != Some(record) {
                return Err(format!("{record:?} was not stored at {offset}"));
            }
            if next.get(&partition.0) != Some(offset) {
                return Err(format!("offset {offset} is out of order"));
            }
            next.insert(partition.0, offset + 1);
        }
        Ok(())
    }

    fn judge(
        &mut self,
        from: ClientId,
        asked: &Request,
        response: &Response,
    ) -> Result<(), String> {
        match (asked, response) {
            (
                Request::Produce { partition, records, .. },
                Response::Produced { base_offset, .. },
            ) => self.stored(*partition, *base_offset, records),
            (Request::Join { group, .. }, Response::Joined { generation, assigned }) => {
                self.joined(from, *group, *generation, assigned)
            }
            (Request::Fetch { positions, .. }, Response::Fetched { records, .. }) => {
                self.fetched(positions, records)
            }
            (Request::Commit { group, offsets, .. }, Response::Committed { .. }) => {
                for PartitionOffset { partition, offset } in offsets {
                    self.committed.insert((group.0, partition.0), *offset);
                }
                Ok(())
            }
            (Request::Leave { .. }, Response::Left)
            | (Request::Fetch { .. }, Response::OutOfRange { .. })
            | (_, Response::Refused(_)) => Ok(()),
            _ => Err(format!("{response:?} is no answer to {asked:?}")),
        }
    }
}

/// One step of a driver.
#[derive(Clone, Debug)]
enum Step {
    Ask(ClientId, Request),
    Wait(Duration),
    Silent(ClientId),
    Heard(ClientId),
    Disconnected(ClientId),
    Restart,
}

/// Runs the steps and judges every answer; then lets every deadline pass.
fn run(settings: LogSettings, steps: Vec<Step>) -> Result<LogBroker, String> {
    let mut broker = LogBroker::new(settings);
    let (mut oracle, mut ground_truth) = (Oracle::default(), Vec::new());
    let (mut now, mut parked) = (Instant::START, Vec::new());
    let mut id = 0;
    for step in steps {
        match step {
            Step::Ask(from, mut request) => {
                number(&mut request, &mut id);
                parked.push((from, request));
            }
            Step::Wait(span) => now += span,
            Step::Silent(client) => broker.silent(now, client),
            Step::Heard(client) => broker.heard(now, client),
            Step::Disconnected(client) => {
                parked.retain(|(from, _)| *from != client);
                broker.disconnected(now, client, &mut ground_truth);
            }
            Step::Restart => broker.restart(now, &mut ground_truth),
        }
        broker.advance(now, &mut ground_truth);
        offer(&mut broker, now, &mut parked, &mut oracle, &mut ground_truth)?;
    }
    settle_down(broker, now, parked, oracle, ground_truth)
}

/// Gives the records of a produce ids of their own, and now and then an old one.
fn number(request: &mut Request, id: &mut u32) {
    if let Request::Produce { records, .. } = request {
        for record in records {
            record.message = MessageId(*id - *id / 7 % 3);
            *id += 1;
        }
    }
}

/// Offers everything once, and again as long as the broker says that it changed.
fn offer(
    broker: &mut LogBroker,
    now: Instant,
    parked: &mut Vec<(ClientId, Request)>,
    oracle: &mut Oracle,
    ground_truth: &mut Vec<Event>,
) -> Result<(), String> {
    loop {
        for (from, mut request) in mem::take(parked) {
            let asked = request.clone();
            match broker.handle(now, from, &mut request, ground_truth) {
                Some(response) => oracle.judge(from, &asked, &response)?,
                None if broker.deadline_of(&asked) <= now => {
                    return Err(format!("{asked:?} is parked beyond its deadline"));
                }
                None => parked.push((from, request)),
            }
        }
        if !broker.take_changed() {
            return Ok(());
        }
    }
}

/// An idle broker comes to rest: a bounded number of deadlines, each later than now.
fn settle_down(
    mut broker: LogBroker,
    mut now: Instant,
    mut parked: Vec<(ClientId, Request)>,
    mut oracle: Oracle,
    mut ground_truth: Vec<Event>,
) -> Result<LogBroker, String> {
    for _ in 0..100 {
        let due = broker.next_deadline().into_iter().chain(broker.next_housekeeping()).min();
        let Some(deadline) = due else { return Ok(broker) };
        if deadline <= now {
            return Err(format!("the deadline {deadline} was due before {now}"));
        }
        now = deadline;
        broker.advance(now, &mut ground_truth);
        offer(&mut broker, now, &mut parked, &mut oracle, &mut ground_truth)?;
    }
    Err("it does not come to rest".to_owned())
}

fn client() -> impl Strategy<Value = ClientId> {
    (0_u16..4, 0_u32..2).prop_map(|(process, incarnation)| ClientId {
        process: ProcessId(process),
        incarnation: Incarnation(incarnation),
    })
}

fn group() -> impl Strategy<Value = SubscriptionId> {
    prop_oneof![9 => 0..GROUPS, 1 => any::<u8>()].prop_map(SubscriptionId)
}

fn partition() -> impl Strategy<Value = PartitionId> {
    prop_oneof![19 => 0..PARTITIONS, 1 => any::<u16>()].prop_map(PartitionId)
}

fn generation() -> impl Strategy<Value = Generation> {
    prop_oneof![9 => 0_u32..8, 1 => any::<u32>()].prop_map(Generation)
}

/// The assignment that a Join names: mostly none.
fn has() -> impl Strategy<Value = Generation> {
    prop_oneof![3 => Just(Generation(0)), 1 => generation()]
}

/// Positions in different partitions.
fn positions() -> impl Strategy<Value = Vec<PartitionOffset>> {
    let offset = prop_oneof![9 => 0_u64..12, 1 => any::<u64>()];
    let position =
        (partition(), offset).prop_map(|(partition, offset)| PartitionOffset { partition, offset });
    prop::collection::vec(position, 0..3).prop_map(|mut positions| {
        positions.sort_unstable();
        positions.dedup_by_key(|position| position.partition);
        positions
    })
}

fn request() -> impl Strategy<Value = Request> {
    let record = (0_u32..30).prop_map(|bytes| Record { message: MessageId(0), key: Key(0), bytes });
    let records = prop::collection::vec(record, 0..4);
    let deadline = prop_oneof![any::<u64>(), Just(0)].prop_map(Instant::from_nanos);
    let fetch = (group(), generation(), positions(), 0_u32..6, deadline);
    prop_oneof![
        4 => (partition(), records).prop_map(|(partition, records)| Request::Produce {
            partition,
            records,
            acks: Acks::All,
            sequence: None,
        }),
        4 => (group(), has()).prop_map(|(group, has)| Request::Join { group, has }),
        1 => group().prop_map(|group| Request::Leave { group }),
        4 => fetch.prop_map(|(group, generation, positions, max_records, deadline)| {
            let buffer = Vec::new();
            Request::Fetch { group, generation, positions, max_records, buffer, deadline }
        }),
        4 => (group(), generation(), positions()).prop_map(|(group, generation, offsets)| {
            Request::Commit { group, generation, offsets, trigger: SettleTrigger::Timer }
        }),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (client(), request()).prop_map(|(from, request)| Step::Ask(from, request)),
        2 => (0_u64..200).prop_map(|secs| Step::Wait(Duration::from_secs(secs))),
        1 => client().prop_map(Step::Silent),
        1 => client().prop_map(Step::Heard),
        1 => client().prop_map(Step::Disconnected),
        1 => Just(Step::Restart),
    ]
}

fn settings() -> impl Strategy<Value = LogSettings> {
    let time = prop::option::of((0_u64..2_000).prop_map(Duration::from_secs));
    let bytes = prop::option::of(0_u64..200);
    (time, bytes, 0_u64..5).prop_map(|(retention_time, retention_bytes, delay)| LogSettings {
        partitions: PARTITIONS,
        groups: GROUPS,
        initial_rebalance_delay: Duration::from_secs(delay),
        retention_time,
        retention_bytes,
        segment_bytes: 50,
        offsets_retention: None,
        ..LogSettings::default()
    })
}

proptest! {
    #[test]
    fn any_sequence_of_operations_keeps_the_promises(
        settings in settings(),
        steps in prop::collection::vec(step(), 0..80),
    ) {
        if let Err(broken) = run(settings, steps) {
            return Err(TestCaseError::fail(broken));
        }
    }
}

/// The walk above reaches the interesting states: without this, a broker that refuses everything
/// passes.
#[test]
fn random_operations_do_rebalance_read_and_commit() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let (mut rebalanced, mut committed, mut deleted) = (0, 0, 0);
    for _ in 0..50 {
        let steps = prop::collection::vec(step(), 80).new_tree(&mut runner).unwrap().current();
        let settings = settings().new_tree(&mut runner).unwrap().current();
        let broker = run(settings, steps).unwrap();
        rebalanced += usize::from(broker.groups.iter().any(|group| group.generation().0 > 2));
        let has_committed =
            |group: &Group| partitions().take(3).any(|l| group.committed(l).is_some());
        committed += usize::from(broker.groups.iter().any(has_committed));
        deleted += usize::from(broker.partitions.iter().any(|p| p.log_start_offset() > 0));
    }
    assert!(
        rebalanced > 10 && committed > 10 && deleted > 10,
        "{rebalanced} {committed} {deleted}"
    );
}

/// The lies: each is refused, and the truth beside it is accepted.
#[test]
fn the_oracle_notices() {
    let (from, other) =
        (ClientId::default(), ClientId { process: ProcessId(1), incarnation: Incarnation(0) });
    let (group, partition) = (SubscriptionId(0), PartitionId(0));
    let record = |id| Record { message: MessageId(id), key: Key(0), bytes: 0 };
    let mut oracle = Oracle::default();
    assert!(oracle.stored(partition, 0, &[record(0), record(1)]).is_ok());
    assert!(oracle.stored(partition, 1, &[record(2)]).is_err(), "an offset used twice");

    let mut oracle = Oracle::default();
    oracle.stored(partition, 0, &[record(0), record(1)]).unwrap();
    let position = [PartitionOffset { partition, offset: 0 }];
    let fetched = |offset, id| Fetched { partition, offset, record: record(id) };
    assert!(oracle.fetched(&position, &[fetched(0, 0), fetched(1, 1)]).is_ok());
    assert!(oracle.fetched(&position, &[fetched(0, 1)]).is_err(), "another record");
    assert!(oracle.fetched(&position, &[fetched(1, 1)]).is_err(), "a gap");
    assert!(oracle.fetched(&position, &[fetched(0, 0), fetched(0, 0)]).is_err(), "a repetition");

    let partition = AssignedPartition {
        partition,
        committed: None,
        log_start: 0,
        high_watermark: 0,
        young_from: 0,
    };
    assert!(oracle.joined(from, group, Generation(5), &[partition]).is_ok());
    assert!(oracle.joined(other, group, Generation(5), &[partition]).is_err(), "two owners");
    assert!(oracle.joined(from, group, Generation(4), &[]).is_err(), "an older generation");
    oracle.committed.insert((0, 0), 3);
    assert!(oracle.joined(from, group, Generation(6), &[partition]).is_err(), "a forgotten commit");
}
