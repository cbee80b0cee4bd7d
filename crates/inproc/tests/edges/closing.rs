//! A close: `Closed` is final, and no waiter is left behind.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Barrier;
use std::thread;

use entrega_inproc::log::{self, LiveLog, LogOptions};
use entrega_inproc::queue::{Consumer, Ended, LiveQueue, Refused};
use entrega_model::queue::Settlement;
use entrega_model::{Duration, PartitionId, SubscriptionId};

use super::{ends, small};

/// Looks until there is a message, which it acks, or the end.
fn gets_one(consumer: &mut Consumer<u64>) -> bool {
    loop {
        match consumer.try_take() {
            Ok(Some(one)) => return one.ack().is_ok(),
            Ok(None) => thread::yield_now(),
            Err(Ended::Closed) => return false,
            Err(other) => panic!("{other}"),
        }
    }
}

/// One consumer gives a message back while another looks for the end: what comes back is not
/// missed.
fn check_race(comes_back: fn(Consumer<u64>)) {
    for _ in 0..5_000 {
        let queue = small(1, Duration::MAX);
        queue.producer().send(7).expect("there is room");
        let (mut holder, mut other) = (queue.consumer(), queue.consumer());
        let _ = holder.take().expect("there is one");
        queue.close();
        let go = Barrier::new(2);
        let got = thread::scope(|scope| {
            let looking = scope.spawn(|| {
                go.wait();
                gets_one(&mut other)
            });
            go.wait();
            comes_back(holder);
            looking.join().expect("it does not panic")
        });
        assert!(got, "it was told that nothing comes, and {} is left", queue.unsettled());
    }
}

#[test]
fn closed_is_not_said_while_a_message_is_requeued() {
    check_race(|mut holder| {
        let position = entrega_inproc::queue::Tag::First(0);
        holder.settle(position, Settlement::Requeue).expect("it is in time");
    });
}

#[test]
fn closed_is_not_said_while_a_consumer_dies() {
    check_race(drop);
}

/// What is requeued is counted all the time.
#[test]
fn stop_counts_what_is_being_requeued() {
    for _ in 0..2_000 {
        let queue = small(1, Duration::MAX);
        queue.producer().send(7).expect("there is room");
        let mut holder = queue.consumer();
        thread::scope(|scope| {
            let stopping = scope.spawn(|| queue.stop());
            if let Ok(held) = holder.take() {
                held.requeue().expect("it is in time");
            }
            assert_eq!(stopping.join().expect("it does not panic"), 1);
        });
        assert_eq!(queue.unsettled(), 1);
    }
}

/// What is stored after the stop has counted is in the queue all the same, and its send says that
/// it may not have been counted.
#[test]
fn a_send_that_meets_the_stop_may_come_after_its_count() {
    let queue = small(1, Duration::MAX);
    let mut producer = queue.sole_producer().expect("there is no other");
    producer.send(1).expect("there is room");
    let mut counted = None;
    let sent = producer.send_with(|| {
        counted = Some(queue.stop());
        2
    });
    assert_eq!((sent, counted, queue.unsettled()), (Err(Refused::TooLate), Some(1), 2));
    assert_eq!(producer.send(3), Err(Refused::Closed(3)));
}

/// Consumers that hold something, and wait after the close.
fn waiting(queue: &LiveQueue<u64>, count: u64) -> Vec<Consumer<u64>> {
    queue.producer().send_all(0..count).expect("there is room");
    let mut consumers: Vec<_> = (0..count).map(|_| queue.consumer()).collect();
    for one in &mut consumers {
        let _ = one.take().expect("there is one for each");
    }
    queue.close();
    consumers
}

#[test]
fn consumers_that_hold_something_do_not_wait_for_each_other() {
    for count in [1, 2, 3] {
        let said = ends(move || {
            let queue = small(1, Duration::MAX);
            let mut consumers = waiting(&queue, count);
            thread::scope(|scope| {
                let take = |one: &mut Consumer<u64>| one.take().map(|_| ());
                let all = consumers.iter_mut().map(|one| scope.spawn(move || take(one)));
                let all: Vec<_> = all.collect();
                all.into_iter().map(|one| one.join().expect("no panic")).collect::<Vec<_>>()
            })
        });
        assert_eq!(said, vec![Err(Ended::Unsettled); count as usize]);
    }
}

/// Once it has settled what it holds, it waits for the others, and gets what comes back.
#[test]
fn a_consumer_that_has_settled_waits_for_what_others_hold() {
    ends(|| {
        let queue = small(1, Duration::MAX);
        let mut consumers = waiting(&queue, 2);
        let (mut second, mut first) = (consumers.pop(), consumers.pop());
        let first = first.as_mut().expect("there are two");
        assert_eq!(first.try_take().map(|_| ()), Err(Ended::Unsettled));
        first.settle(entrega_inproc::queue::Tag::First(0), Settlement::Ack).expect("in time");
        assert!(first.try_take().expect("it is not over").is_none());
        drop(second.take());
        let again = first.take().expect("it comes back");
        assert_eq!((*again, again.delivery_count()), (1, 2));
        again.ack().expect("it is in time");
        assert_eq!(first.take().map(|_| ()), Err(Ended::Closed));
    });
}

const PARTITION: PartitionId = PartitionId(0);

/// A log of full segments behind which a further one was opened, to which nothing was appended.
fn opened_in_vain() -> (LiveLog<u64>, log::Reader<u64>) {
    let log = LiveLog::new(LogOptions { capacity: 64, segment: 16, ..LogOptions::default() });
    let mut reader = log.reader(PARTITION, SubscriptionId(0)).expect("there is this partition");
    let mut producer = log.producer(PARTITION).expect("it has no producer yet");
    producer.append_all(0..16).expect("there is room");
    assert_eq!(reader.try_fetch(99).map(<[u64]>::len), Ok(16));
    let fails = || producer.append_with(|| panic!("the record cannot be made"));
    assert!(catch_unwind(AssertUnwindSafe(fails)).is_err());
    (log, reader)
}

#[test]
fn a_closed_log_says_so_at_the_first_look() {
    let (log, mut reader) = opened_in_vain();
    log.close();
    assert_eq!(reader.try_fetch(99), Err(log::Ended::Closed));
}

#[test]
fn a_reader_that_waits_behind_an_empty_segment_is_woken_by_the_close() {
    for deadline in [None, Some(super::PATIENCE * 2)] {
        ends(move || {
            let (log, mut reader) = opened_in_vain();
            let waits = thread::spawn(move || match deadline {
                None => reader.fetch(9).map(<[u64]>::len),
                Some(wait) => {
                    reader.fetch_until(9, std::time::Instant::now() + wait).map(<[u64]>::len)
                }
            });
            thread::sleep(std::time::Duration::from_millis(20));
            log.close();
            assert_eq!(waits.join().expect("it does not panic"), Err(log::Ended::Closed));
        });
    }
}
