//! The log compared with the sans-IO broker: after any sequence of appends, fetches, seeks, commits
//! and crashes, a reader has seen the same records at the same offsets, and begins where the broker
//! would have it begin.

use entrega_brokers::Broker;
use entrega_brokers::log::{LogBroker, LogSettings};
use entrega_model::event::SettleTrigger;
use entrega_model::log::{Acks, PartitionOffset, Request, Response};
use entrega_model::{ClientId, Event, Generation, Instant, Key, MessageId, ProcessId, Record};
use proptest::prelude::*;

use super::*;

const PARTITION: PartitionId = PartitionId(0);

/// One step; there are two readers, each in its own group.
#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    Fetch(usize, usize),
    Seek(usize, u64),
    Commit(usize),
    Reopen(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (1_usize..9).prop_map(Step::Append),
        5 => (0_usize..2, 1_usize..7).prop_map(|(reader, max)| Step::Fetch(reader, max)),
        1 => (0_usize..2, 0_u64..40).prop_map(|(reader, offset)| Step::Seek(reader, offset)),
        1 => (0_usize..2).prop_map(Step::Commit),
        1 => (0_usize..2).prop_map(Step::Reopen),
    ];
    prop::collection::vec(step, 1..120)
}

fn options() -> impl Strategy<Value = LogOptions> {
    let retention = prop_oneof![Just(Retention::UntilRead), Just(Retention::DropOldest)];
    (2_usize..30, 1_usize..8, retention).prop_map(|(capacity, segment, retention)| LogOptions {
        capacity,
        segment,
        retention,
        rotation: 0,
        ..LogOptions::default()
    })
}

/// The broker, in which nothing is ever deleted, and two clients of it.
struct Reference {
    broker: LogBroker,
    ground_truth: Vec<Event>,
    generations: [Generation; 2],
}

impl Reference {
    fn new() -> Self {
        let broker = LogBroker::new(LogSettings { partitions: 1, groups: 2, ..Default::default() });
        Self { broker, ground_truth: Vec::new(), generations: [Generation(0); 2] }
    }

    fn ask(&mut self, from: usize, mut request: Request) -> Option<Response> {
        let client = ClientId { process: ProcessId(from as u16), ..ClientId::default() };
        self.broker.handle(Instant::START, client, &mut request, &mut self.ground_truth)
    }

    fn append(&mut self, message: u32) {
        let record = Record { message: MessageId(message), key: Key(0), bytes: 0 };
        self.ask(
            0,
            Request::Produce {
                partition: PARTITION,
                records: vec![record],
                acks: Acks::All,
                sequence: None,
            },
        );
    }

    /// Joins the group anew: where to begin.
    fn join(&mut self, reader: usize) -> Option<Offset> {
        let group = SubscriptionId(reader as u8);
        self.ask(reader, Request::Leave { group });
        let Some(Response::Joined { generation, assigned }) =
            self.ask(reader, Request::Join { group, has: Generation(0) })
        else {
            return None;
        };
        self.generations[reader] = generation;
        assigned[0].committed
    }

    fn fetch(&mut self, reader: usize, offset: Offset, max: usize) -> Vec<u32> {
        let request = Request::Fetch {
            group: SubscriptionId(reader as u8),
            generation: self.generations[reader],
            positions: vec![PartitionOffset { partition: PARTITION, offset }],
            max_records: max as u32,
            buffer: Vec::new(),
            deadline: Instant::START,
        };
        let Some(Response::Fetched { records, .. }) = self.ask(reader, request) else {
            return vec![u32::MAX];
        };
        records.iter().map(|fetched| fetched.record.message.0).collect()
    }

    fn commit(&mut self, reader: usize, offset: Offset) {
        let request = Request::Commit {
            group: SubscriptionId(reader as u8),
            generation: self.generations[reader],
            offsets: vec![PartitionOffset { partition: PARTITION, offset }],
            trigger: SettleTrigger::Application,
        };
        self.ask(reader, request);
    }
}

/// Both, step by step.
struct Both {
    log: LiveLog<u32>,
    producer: Producer<u32>,
    readers: [Reader<u32>; 2],
    reference: Reference,
    options: LogOptions,
}

impl Both {
    fn new(options: LogOptions) -> Self {
        let log = LiveLog::new(options);
        let reader = |n| log.reader(PARTITION, SubscriptionId(n)).expect("there is this partition");
        let readers = [reader(0), reader(1)];
        let producer = log.producer(PARTITION).expect("nobody has it");
        let mut reference = Reference::new();
        for reader in 0..2 {
            reference.join(reader);
        }
        Self { log, producer, readers, reference, options }
    }

    fn step(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match *step {
            Step::Append(count) => self.append(count)?,
            Step::Fetch(reader, max) => self.fetch(reader, max)?,
            Step::Seek(reader, offset) => self.seek(reader, offset)?,
            Step::Commit(reader) => {
                self.readers[reader].commit();
                self.reference.commit(reader, self.readers[reader].position());
            }
            Step::Reopen(reader) => self.reopen(reader)?,
        }
        let max = self.options.capacity.div_ceil(self.options.segment).max(2);
        prop_assert!(self.log.segments(PARTITION) <= max, "memory is bounded");
        Ok(())
    }

    /// Appends until the partition is full, which it must not be without a reader that lags.
    fn append(&mut self, count: usize) -> Result<(), TestCaseError> {
        for _ in 0..count {
            let offset = self.producer.next_offset();
            match self.producer.try_append(offset as u32) {
                Ok(at) => prop_assert_eq!(at, offset),
                Err(refused) => {
                    prop_assert_eq!(refused, Refused::Full(offset as u32));
                    prop_assert_eq!(self.options.retention, Retention::UntilRead);
                    let slowest = self.readers.iter().map(Reader::needed_from).min();
                    let held = offset - slowest.unwrap_or(offset);
                    prop_assert!(
                        held + 2 * self.options.segment as u64 > self.options.capacity as u64
                    );
                    break;
                }
            }
            self.reference.append(offset as u32);
        }
        Ok(())
    }

    fn fetch(&mut self, index: usize, max: usize) -> Result<(), TestCaseError> {
        let reader = &mut self.readers[index];
        let position = reader.position();
        match reader.try_fetch(max) {
            Ok(records) => {
                let theirs = self.reference.fetch(index, position, records.len().max(1));
                prop_assert_eq!(records, &theirs[..]);
            }
            Err(Ended::OutOfRange(gone)) => {
                prop_assert_eq!(self.options.retention, Retention::DropOldest);
                prop_assert!(gone.position == position && position < gone.log_start);
                prop_assert!(reader.seek(gone.log_start).is_ok());
            }
            Err(ended) => return Err(TestCaseError::fail(ended.to_string())),
        }
        Ok(())
    }

    fn seek(&mut self, index: usize, offset: Offset) -> Result<(), TestCaseError> {
        match self.readers[index].seek(offset) {
            Ok(()) => prop_assert_eq!(self.readers[index].position(), offset),
            Err(gone) => {
                prop_assert!(!(gone.log_start..=gone.log_end).contains(&offset));
                prop_assert_eq!(gone.log_end, self.producer.next_offset());
            }
        }
        Ok(())
    }

    /// A reader begins at the committed offset if that is still there.
    fn reopen(&mut self, index: usize) -> Result<(), TestCaseError> {
        let group = SubscriptionId(index as u8);
        let Some(new) = self.log.reader(PARTITION, group) else {
            return Err(TestCaseError::fail("there is this partition"));
        };
        self.readers[index] = new;
        let committed = self.reference.join(index);
        prop_assert_eq!(self.log.committed(PARTITION, group), committed);
        let position = self.readers[index].position();
        prop_assert!(committed.is_none_or(|committed| position >= committed));
        Ok(())
    }
}

proptest! {
    #[test]
    fn the_log_does_what_the_broker_does(options in options(), steps in steps()) {
        let mut both = Both::new(options);
        for step in &steps {
            both.step(step)?;
        }
    }

    /// A reader that commits can always go back to what it committed; the producer waits.
    #[test]
    fn what_is_committed_is_kept_for_a_registered_reader(steps in steps(), segment in 1_usize..6) {
        let options = LogOptions { capacity: 12, segment, ..LogOptions::default() };
        let mut both = Both::new(options);
        both.readers[0].commit();
        for step in &steps {
            if !matches!(step, Step::Reopen(0) | Step::Commit(0)) {
                both.step(step)?;
            }
        }
        prop_assert!(both.readers[0].seek(0).is_ok(), "it committed 0 and is still there");
        prop_assert!(both.producer.next_offset() <= 12 + 2 * segment as u64);
    }
}
