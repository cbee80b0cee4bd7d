//! The broker against a model that is written down from `semantics.md` 3.2 alone, and naively: it
//! keeps everything that was ever appended, and searches it from the end.
//!
//! Goal: of any sequence of requests, whether duplicated, reordered, of other epochs, lives or
//! partitions, or late, the broker appends the same and answers the same. Method: the broker as a
//! whole, so that what it answers is compared with what it then holds.

use entrega_model::log::{Acks, Request, Response};
use entrega_model::{Incarnation, Key, Kind, MessageId, ProcessId, Record};
use proptest::prelude::*;

use super::*;
use crate::Broker;
use crate::log::{LogBroker, LogSettings};

const EXPIRATION: Duration = Duration::from_secs(100);

/// A request, or time that passes.
#[derive(Clone, Debug)]
enum Step {
    Produce(Batch),
    Again { ago: usize },
    Wait { seconds: u64 },
}

/// A batch, with a sequence if its producer is idempotent.
#[derive(Clone, Copy, Debug)]
struct Batch {
    producer: ClientId,
    partition: u16,
    sequence: Option<BatchSequence>,
    count: u32,
}

/// A batch that was appended.
struct Appended {
    at: Instant,
    batch: Batch,
    offset: u64,
}

/// Everything that was appended.
#[derive(Default)]
struct Naive {
    appended: Vec<Appended>,
}

/// What a broker does with a request.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Appended(u64),
    Recognised(u64),
    Refused(ProduceRefusal),
}

impl Naive {
    fn produce(&mut self, at: Instant, batch: Batch) -> Answer {
        let answer = self.judge(at, batch);
        let answer = answer.unwrap_or_else(|| Answer::Appended(self.end(batch.partition)));
        if let Answer::Appended(offset) = answer
            && batch.count > 0
        {
            self.appended.push(Appended { at, batch, offset });
        }
        answer
    }

    fn end(&self, partition: u16) -> u64 {
        let here = self.appended.iter().filter(|one| one.batch.partition == partition);
        here.map(|one| u64::from(one.batch.count)).sum()
    }

    /// The batches that are remembered of the producer of a batch, newest first: those since it was
    /// silent for too long.
    fn remembered(&self, now: Instant, of: Batch) -> Vec<&Appended> {
        let mut later = now;
        let mut found = Vec::new();
        for one in self.appended.iter().rev() {
            let Batch { producer, partition, sequence, .. } = one.batch;
            if (producer, partition) != (of.producer, of.partition) || sequence.is_none() {
                continue;
            }
            if later.since(one.at) >= EXPIRATION {
                break;
            }
            later = one.at;
            found.push(one);
        }
        found
    }

    /// What the rules say, unless the batch is appended.
    fn judge(&self, now: Instant, batch: Batch) -> Option<Answer> {
        let sequence = batch.sequence.filter(|_| batch.count > 0)?;
        let batches = self.remembered(now, batch);
        let newest = batches.first()?;
        let epoch = newest.batch.sequence?.epoch;
        let out_of_order = Some(Answer::Refused(ProduceRefusal::OutOfOrderSequence));
        if sequence.epoch < epoch {
            return Some(Answer::Refused(ProduceRefusal::InvalidProducerEpoch));
        }
        if sequence.epoch > epoch {
            return out_of_order.filter(|_| sequence.first != 0);
        }
        let is_of_epoch =
            |one: &&&Appended| one.batch.sequence.map(|sequence| sequence.epoch) == Some(epoch);
        let mut of_epoch = batches.iter().filter(is_of_epoch).take(5);
        if let Some(known) = of_epoch.find(|one| numbers(one.batch) == numbers(batch)) {
            return Some(Answer::Recognised(known.offset));
        }
        let next = (numbers(newest.batch).1 + 1) % (1 << 31);
        out_of_order.filter(|_| u64::from(sequence.first) != next)
    }
}

/// The first number of a batch and the last.
fn numbers(batch: Batch) -> (u64, u64) {
    let first = u64::from(batch.sequence.map_or(0, |sequence| sequence.first));
    (first, (first + u64::from(batch.count) - 1) % (1 << 31))
}

/// What the broker does, from its answer and the ground truth.
fn asked(broker: &mut LogBroker, now: Instant, batch: Batch) -> Answer {
    let Batch { producer, partition, sequence, count } = batch;
    let record = |id| Record { message: MessageId(id), key: Key(0), bytes: 1 };
    let mut truth = Vec::new();
    let mut request = Request::Produce {
        partition: PartitionId(partition),
        records: (0..count).map(record).collect(),
        acks: Acks::All,
        sequence,
    };
    let answer = broker.handle(now, producer, &mut request, &mut truth);
    let mut stored = truth.iter().filter_map(|event| match event.kind {
        Kind::Stored { position, .. } => Some(position),
        _ => None,
    });
    let (first, more) = (stored.next(), stored.count());
    match answer {
        Some(Response::Produced { base_offset, records }) => {
            assert!(records.is_empty());
            match first {
                Some(position) => {
                    assert_eq!((position, more + 1), (base_offset, count as usize));
                    Answer::Appended(base_offset)
                }
                None if count == 0 => Answer::Appended(base_offset),
                None => Answer::Recognised(base_offset),
            }
        }
        Some(Response::ProduceRefused { refusal, records }) => {
            assert_eq!((first, records.len()), (None, count as usize));
            Answer::Refused(refusal)
        }
        other => panic!("{other:?}"),
    }
}

/// Sequences near the beginning, or near the end of all numbers.
fn first() -> impl Strategy<Value = u32> {
    prop_oneof![6 => 0..12_u32, 1 => LARGEST - 3..=LARGEST]
}

fn step() -> impl Strategy<Value = Step> {
    let producer = (0..2_u16, 0..2_u32).prop_map(|(process, incarnation)| ClientId {
        process: ProcessId(process),
        incarnation: Incarnation(incarnation),
    });
    let sequence = (0..3_u32, first()).prop_map(|(epoch, first)| BatchSequence { epoch, first });
    let sequence = proptest::option::weighted(0.9, sequence);
    let produce = (producer, 0..2_u16, sequence, 0..4_u32);
    prop_oneof![
        8 => produce.prop_map(|(producer, partition, sequence, count)| {
            Step::Produce(Batch { producer, partition, sequence, count })
        }),
        4 => (0..8_usize).prop_map(|ago| Step::Again { ago }),
        1 => (0..130_u64).prop_map(|seconds| Step::Wait { seconds }),
    ]
}

/// What producers do who behave: each goes on where it was, sends some batches again, and begins a
/// new epoch now and then. Random numbers alone would hardly ever be in order.
fn session() -> impl Strategy<Value = Vec<Step>> {
    let produced = (0..2_u16, 0..2_u16, 1..4_u32, 0..12_u8);
    proptest::collection::vec((produced, proptest::option::weighted(0.3, 0..8_usize)), 1..60)
        .prop_map(|produced| {
            let mut next = [[(0_u32, 0_u32); 2]; 2];
            let mut steps = Vec::new();
            for ((process, partition, count, whim), again) in produced {
                let state = &mut next[usize::from(process)][usize::from(partition)];
                match whim {
                    0 => *state = (state.0 + 1, 0),
                    1 => state.1 += 1,
                    _ => {}
                }
                let (epoch, first) = *state;
                state.1 += count;
                let producer =
                    ClientId { process: ProcessId(process), incarnation: Incarnation(0) };
                let sequence = Some(BatchSequence { epoch, first });
                steps.push(Step::Produce(Batch { producer, partition, sequence, count }));
                steps.extend(again.map(|ago| Step::Again { ago }));
            }
            steps
        })
}

/// Runs the steps on both, and counts the answers of each kind.
fn compare(steps: Vec<Step>) -> [usize; 3] {
    let settings =
        LogSettings { partitions: 2, producer_id_expiration: EXPIRATION, ..LogSettings::default() };
    let (mut broker, mut naive) = (LogBroker::new(settings), Naive::default());
    let (mut now, mut asked_before, mut counts) = (Instant::START, Vec::new(), [0; 3]);
    for step in steps {
        let batch = match step {
            Step::Wait { seconds } => {
                now += Duration::from_secs(seconds);
                continue;
            }
            Step::Produce(batch) => batch,
            Step::Again { ago } => match asked_before.iter().rev().nth(ago) {
                Some(batch) => *batch,
                None => continue,
            },
        };
        asked_before.push(batch);
        let expect = naive.produce(now, batch);
        let answer = asked(&mut broker, now, batch);
        assert_eq!(answer, expect, "{batch:?}");
        counts[match answer {
            Answer::Appended(_) => 0,
            Answer::Recognised(_) => 1,
            Answer::Refused(_) => 2,
        }] += 1;
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_requests_are_answered_as_the_rules_say(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        compare(steps);
    }

    #[test]
    fn producers_that_behave_are_answered_as_the_rules_say(steps in session()) {
        compare(steps);
    }
}

/// The opposite: all kinds of answers come about, so the comparison is about something.
#[test]
fn every_kind_of_answer_is_compared() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let mut sum = [0; 3];
    for _ in 0..50 {
        let steps = session().new_tree(&mut runner).expect("steps").current();
        let counts = compare(steps);
        sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    assert!(sum.iter().all(|count| *count > 50), "{sum:?}");
}
