//! Each rule by itself, beside a batch that almost meets it.

use entrega_model::{Incarnation, ProcessId};

use super::*;

const PRODUCER: ClientId = ClientId { process: ProcessId(0), incarnation: Incarnation(0) };
const EXPIRATION: Duration = Duration::from_secs(60);
const PARTITION: PartitionId = PartitionId(1);

use Admission::{Duplicate, New, Refused};
use ProduceRefusal::{InvalidProducerEpoch, OutOfOrderSequence};

fn at(seconds: u64) -> Instant {
    Instant::START + Duration::from_secs(seconds)
}

/// An epoch, and the first number of a batch of two records.
type Numbers = (u32, u32);

fn sent(numbers: Numbers) -> Sent {
    let (epoch, first) = numbers;
    let sequence = BatchSequence { epoch, first };
    Sent { partition: PARTITION, producer: PRODUCER, sequence, count: 2 }
}

/// A partition to which these batches were appended, ten offsets apart.
fn after(batches: &[Numbers]) -> Producers {
    let mut producers = Producers::new(EXPIRATION);
    for (offset, &numbers) in (0..).step_by(10).zip(batches) {
        assert_eq!(producers.admit(at(0), &sent(numbers)), New, "{numbers:?}");
        producers.appended(at(0), &sent(numbers), offset);
    }
    producers
}

/// What becomes of a batch after others.
fn check(batches: &[Numbers], numbers: Numbers, expect: Admission) {
    let admission = after(batches).admit(at(0), &sent(numbers));
    assert_eq!(admission, expect, "{batches:?}, then {numbers:?}");
}

#[test]
fn an_older_epoch_is_fenced() {
    check(&[(0, 0), (1, 0)], (0, 2), Refused(InvalidProducerEpoch));
    check(&[(0, 0), (1, 0)], (0, 0), Refused(InvalidProducerEpoch));
    check(&[(0, 0), (1, 0)], (1, 2), New);
}

#[test]
fn one_of_the_last_five_batches_is_a_duplicate() {
    let six = [(0, 0), (0, 2), (0, 4), (0, 6), (0, 8), (0, 10)];
    check(&six, (0, 10), Duplicate(50));
    check(&six, (0, 2), Duplicate(10));
    check(&six, (0, 0), Refused(OutOfOrderSequence));
    check(&six[..5], (0, 0), Duplicate(0));
    let overlapping = after(&six[..1]).admit(at(0), &Sent { count: 1, ..sent((0, 0)) });
    assert_eq!(overlapping, Refused(OutOfOrderSequence), "not the same last number");
}

#[test]
fn a_new_epoch_begins_at_zero() {
    check(&[(0, 0), (0, 2)], (1, 0), New);
    check(&[(0, 0), (0, 2)], (1, 4), Refused(OutOfOrderSequence));
    check(&[(0, 0), (0, 2)], (3, 0), New);
}

#[test]
fn a_batch_begins_where_the_last_one_ended() {
    check(&[(0, 0)], (0, 2), New);
    check(&[(0, 0)], (0, 3), Refused(OutOfOrderSequence));
    check(&[(0, 0)], (0, 1), Refused(OutOfOrderSequence));
    let end = LARGEST - 1;
    check(&[(0, end)], (0, 0), New);
    check(&[(0, end - 1)], (0, 0), Refused(OutOfOrderSequence));
    check(&[(0, LARGEST)], (0, 1), New);
}

#[test]
fn of_an_unknown_producer_any_batch_is_appended() {
    check(&[], (0, 0), New);
    check(&[], (0, 7), New);
    check(&[], (4, 7), New);
}

/// The scope: one life of a producer, and one partition.
#[test]
fn another_life_and_another_partition_know_nothing() {
    let producers = after(&[(0, 0)]);
    let check = |partition, incarnation, expect| {
        let producer = ClientId { incarnation: Incarnation(incarnation), ..PRODUCER };
        let sent = Sent { partition, producer, ..sent((0, 0)) };
        assert_eq!(producers.admit(at(0), &sent), expect);
    };
    check(PARTITION, 0, Duplicate(0));
    check(PARTITION, 1, New);
    check(PartitionId(0), 0, New);
}

/// The window: a producer that is silent for too long is forgotten, and so is what it has sent.
#[test]
fn a_silent_producer_is_forgotten() {
    let check = |seconds, expect| {
        let admission = after(&[(0, 0)]).admit(at(seconds), &sent((0, 0)));
        assert_eq!(admission, expect, "{seconds}");
    };
    check(59, Duplicate(0));
    check(60, New);
    let mut producers = after(&[(3, 0)]);
    producers.appended(at(60), &sent((0, 0)), 10);
    assert_eq!(producers.admit(at(60), &sent((0, 0))), Duplicate(10));
}

#[test]
fn nothing_is_known_after_clearing() {
    let mut producers = after(&[(0, 0)]);
    producers.clear();
    assert_eq!(producers.admit(at(0), &sent((0, 0))), New);
}
