//! Leases: a message is under one from when it is given to the application.

use std::thread;
use std::time::Duration as StdDuration;

use entrega_inproc::queue::{Consumer, LiveQueue, Stale, Tag};
use entrega_model::Duration;
use entrega_model::queue::Settlement;

use super::{drain, ends, leased, small};

/// What was acked by one consumer is not at hand for another any more, and what nobody was given is
/// a first delivery for whoever gets it.
#[test]
fn what_is_acked_is_never_given_again() {
    let queue = leased(Duration::from_millis(20));
    queue.producer().send_all(0..4_u64).expect("there is room");
    let (mut slow, mut other) = (queue.consumer(), queue.consumer());
    slow.take().expect("there are four").ack().expect("it is in time");
    thread::sleep(StdDuration::from_millis(60));
    assert_eq!(drain(&mut other), vec![(1, 1), (2, 1), (3, 1)]);
    assert_eq!(queue.unsettled(), 0);
    assert_eq!(slow.try_take().map(|one| one.map(|one| *one)), Ok(None));
}

/// The same for what a consumer was given: it comes back once, and as a redelivery.
#[test]
fn what_was_given_comes_back_as_a_redelivery() {
    let queue = leased(Duration::from_millis(20));
    queue.producer().send_all(0..6_u64).expect("there is room");
    let (mut slow, mut other) = (queue.consumer(), queue.consumer());
    let tags: Vec<Tag> = (0..2).map(|_| slow.take().expect("there are six").tag()).collect();
    thread::sleep(StdDuration::from_millis(60));
    let mut taken = drain(&mut other);
    taken.sort_unstable();
    assert_eq!(taken, vec![(0, 2), (1, 2), (2, 1), (3, 1), (4, 1), (5, 1)]);
    for tag in tags {
        assert_eq!(slow.settle(tag, Settlement::Ack), Err(Stale), "its lease has ended");
    }
    assert_eq!((queue.unsettled(), slow.try_take().map(|one| one.is_some())), (0, Ok(false)));
}

/// Takes one by one to the end. A handler takes a small part of a lease.
fn consume(mut consumer: Consumer<u64>) -> (Vec<u64>, usize) {
    let (mut handled, mut refused) = (Vec::new(), 0);
    while let Ok(one) = consumer.take() {
        thread::sleep(StdDuration::from_millis(2));
        assert!(!one.redelivered(), "{} was given before", *one);
        handled.push(*one);
        refused += usize::from(one.ack().is_err());
    }
    (handled, refused)
}

/// How often each message is handled by two healthy consumers, whose work on one window takes
/// longer than a lease.
fn check_healthy(queue: &LiveQueue<u64>, consumers: [Consumer<u64>; 2]) {
    queue.producer().send_all(0..250).expect("there is room");
    queue.close();
    let results = thread::scope(|scope| {
        let all = consumers.map(|one| scope.spawn(|| consume(one)));
        all.map(|one| one.join().expect("no message comes twice"))
    });
    let refused: usize = results.iter().map(|(_, refused)| refused).sum();
    let mut all: Vec<u64> = results.iter().flat_map(|(handled, _)| handled).copied().collect();
    all.sort_unstable();
    assert!(all.into_iter().eq(0..250), "each is handled once");
    assert_eq!(refused, 0);
}

#[test]
fn healthy_consumers_handle_each_message_once() {
    ends(|| {
        let queue = leased(Duration::from_millis(400));
        let consumers = [queue.consumer(), queue.consumer()];
        check_healthy(&queue, consumers);
    });
}

/// An idle consumer gets what a busy one has fetched and was not given, with or without leases.
#[test]
fn what_no_consumer_was_given_goes_to_one_that_is_idle() {
    for lease in [Duration::MAX, Duration::from_secs(30)] {
        let queue = leased(lease);
        queue.producer().send_all(0..9_u64).expect("there is room");
        let (mut busy, mut idle) = (queue.consumer(), queue.consumer());
        let held = busy.take().expect("there are nine");
        let mut taken = drain(&mut idle);
        taken.sort_unstable();
        assert!(taken.into_iter().eq((1..9).map(|number| (number, 1))));
        held.ack().expect("it is in time");
        assert_eq!(queue.unsettled(), 0);
    }
}

/// What a dead consumer was not given does not count as delivered.
#[test]
fn what_a_dead_consumer_was_not_given_is_a_first_delivery() {
    let queue = small(4, Duration::MAX);
    queue.producer().send_all(0..4_u64).expect("there is room");
    let mut dead = queue.consumer();
    let _ = dead.take().expect("there are four");
    drop(dead);
    assert_eq!(drain(&mut queue.consumer()), vec![(0, 2), (1, 1), (2, 1), (3, 1)]);
}

/// `Extend` holds for what is held, with and without leases, first delivery or not; and not for
/// what is settled, or was never given.
#[test]
fn extend_says_whether_the_delivery_is_held() {
    for lease in [Duration::MAX, Duration::from_secs(30)] {
        let queue = small(1, lease);
        queue.producer().send_all(0..2_u64).expect("there is room");
        let mut consumer = queue.consumer();
        for _ in 0..2 {
            let tag = consumer.take().expect("there is one").tag();
            assert_eq!(consumer.settle(tag, Settlement::Extend), Ok(()), "{tag:?}");
            assert_eq!(consumer.settle(tag, Settlement::Requeue), Ok(()));
            assert_eq!(consumer.settle(tag, Settlement::Extend), Err(Stale), "{tag:?}");
        }
        let tag = consumer.take().expect("there is one").tag();
        assert_eq!(consumer.settle(tag, Settlement::Ack), Ok(()));
        assert_eq!(consumer.settle(tag, Settlement::Extend), Err(Stale));
        assert_eq!(consumer.settle(tag, Settlement::Ack), Err(Stale));
        for word in [Settlement::Extend, Settlement::Ack, Settlement::Requeue] {
            assert_eq!(consumer.settle(Tag::First(1), word), Err(Stale), "it was not given yet");
        }
    }
}

/// Extended again and again, a first delivery outlives its lease; left alone, it ends.
#[test]
fn an_extended_lease_lasts_longer() {
    ends(|| {
        let queue = leased(Duration::from_millis(400));
        queue.producer().send(7_u64).expect("there is room");
        let (mut holder, mut other) = (queue.consumer(), queue.consumer());
        let tag = holder.take().expect("there is one").tag();
        for _ in 0..12 {
            thread::sleep(StdDuration::from_millis(50));
            assert_eq!(holder.settle(tag, Settlement::Extend), Ok(()));
            assert!(other.try_take().expect("it is open").is_none());
        }
        assert_eq!(other.take().expect("it comes back").delivery_count(), 2);
        assert_eq!(holder.settle(tag, Settlement::Extend), Err(Stale));
    });
}
