//! Threads, closes and crashes. No test depends on how long something takes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::thread;
use std::time;

use entrega_model::Duration;

use super::*;

mod pushback;
mod takeover;

fn small() -> LiveQueue<u64> {
    let settings = QueueSettings { visibility_timeout: Duration::MAX, ..Default::default() };
    LiveQueue::new(QueueOptions { settings, capacity: 64, segment: 16, window: 8, rotation: 0 })
}

/// Takes to the end, `batch` at a time, and acks.
fn ack_all(mut consumer: Consumer<u64>, batch: usize) -> Vec<u64> {
    let mut all = Vec::new();
    while let Ok(batch) = consumer.take_batch(batch) {
        all.extend_from_slice(&batch);
        batch.ack().unwrap();
    }
    all
}

/// One consumer sees each producer's messages in order; producers wait; memory stays bounded.
#[test]
fn one_consumer_sees_each_producers_order_in_bounded_memory() {
    const COUNT: u64 = 5_000;
    let queue = small();
    let consumer = queue.consumer();
    thread::scope(|scope| {
        let consuming = scope.spawn(|| ack_all(consumer, 3));
        let producers: Vec<_> = (0..2)
            .map(|partition| {
                let (mut producer, queue) = (queue.producer(), &queue);
                scope.spawn(move || {
                    for number in 0..COUNT {
                        producer.send(partition * COUNT + number).unwrap();
                        assert!(queue.segments() <= 4, "{} segments", queue.segments());
                    }
                })
            })
            .collect();
        producers.into_iter().for_each(|producer| producer.join().unwrap());
        queue.close();
        let all = consuming.join().unwrap();
        for partition in 0..2 {
            let of_producer = all.iter().filter(|number| *number / COUNT == partition).copied();
            assert!(of_producer.eq(partition * COUNT..(partition + 1) * COUNT));
        }
    });
    assert_eq!(queue.unsettled(), 0);
}

/// Consumers that panic amid their windows lose nothing and duplicate nothing.
#[test]
fn every_message_is_acked_once_although_consumers_die() {
    const COUNT: u64 = 3_000;
    let queue = small();
    let acked = Mutex::new(vec![0_u32; COUNT as usize]);
    let consume = |seed: u64| {
        let mut lives = 0;
        loop {
            let mut consumer = queue.consumer();
            let life = catch_unwind(AssertUnwindSafe(|| {
                let mut turn = 0;
                while let Ok(delivery) = consumer.take() {
                    turn += 1;
                    assert!(lives > 30 || turn != 11 + seed, "the handler fails now and then");
                    let number = *delivery;
                    delivery.ack().unwrap();
                    acked.lock().unwrap()[number as usize] += 1;
                }
            }));
            lives += 1;
            if life.is_ok() {
                break lives;
            }
        }
    };
    thread::scope(|scope| {
        let consumers: Vec<_> = (0..3).map(|seed| scope.spawn(move || consume(seed))).collect();
        let mut producer = queue.producer();
        producer.send_all(0..COUNT).unwrap();
        queue.close();
        let lives: u32 = consumers.into_iter().map(|one| one.join().unwrap()).sum();
        assert!(lives > 3, "some did die");
    });
    assert_eq!(queue.unsettled(), 0);
    assert!(acked.into_inner().unwrap().into_iter().all(|count| count == 1));
}

#[test]
fn a_full_queue_pushes_back_until_something_is_settled() {
    let queue = small();
    let (mut producer, mut consumer) = (queue.producer(), queue.consumer());
    let sent = (0..1000).take_while(|&number| producer.try_send(number).is_ok()).count();
    assert_eq!((sent, queue.unsettled()), (64, 64));
    assert_eq!(producer.try_send(1), Err(Refused::Full(1)));
    assert_eq!(producer.send_until(1, time::Instant::now()), Err(Refused::Full(1)));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| producer.send_batch(&mut vec![64, 65]).unwrap());
        for _ in 0..2 {
            consumer.take_batch(8).unwrap().ack().unwrap();
        }
        waiting.join().unwrap();
    });
    assert_eq!(queue.unsettled(), 50);
}

#[test]
fn close_drains_and_stop_counts_what_is_left() {
    let queue = small();
    let mut producer = queue.producer();
    producer.send_all(0..10).unwrap();
    let (mut one, mut other) = (queue.consumer(), queue.consumer());
    let batch = one.take_batch(8).unwrap();
    assert_eq!((batch.len(), batch.delivery_count()), (8, 1));
    queue.close();
    assert_eq!(producer.send(1), Err(Refused::Closed(1)));
    let mut batch = vec![1, 2];
    assert_eq!(producer.send_batch(&mut batch), Err(Refused::Closed(())));
    assert_eq!(batch, [1, 2], "what was refused stays in the buffer");
    other.take_batch(9).unwrap().ack().unwrap();
    assert!(other.try_take().unwrap().is_none(), "the other's may come back, so it is not over");
    drop(one);
    let again = other.take().unwrap();
    assert_eq!((*again, again.delivery_count(), again.redelivered()), (0, 2, true));
    again.ack().unwrap();
    assert_eq!(queue.stop(), 7);
    assert_eq!(other.take().map(|_| ()), Err(Ended::Stopped));
}

/// The sole producer needs no lock, and others wait for it.
#[test]
fn others_wait_for_the_sole_producer() {
    let queue = small();
    let mut sole = queue.sole_producer().unwrap();
    assert!(queue.sole_producer().is_none());
    sole.send_all(0..20).unwrap();
    assert_eq!(queue.producer().try_send(20), Err(Refused::Full(20)));
    thread::scope(|scope| {
        let mut other = queue.producer();
        let waiting = scope.spawn(move || other.send(20).unwrap());
        drop(sole);
        waiting.join().unwrap();
    });
    queue.close();
    assert!(ack_all(queue.consumer(), 7).into_iter().eq(0..=20));
}

/// Closed under load: what was acknowledged is delivered, by either kind of producer.
#[test]
fn nothing_acknowledged_before_a_close_is_lost() {
    for turn in 0..50 {
        let queue = small();
        let consumer = queue.consumer();
        let mut producer = match turn % 2 {
            0 => queue.producer(),
            _ => queue.sole_producer().unwrap(),
        };
        let sent = AtomicU64::new(0);
        thread::scope(|scope| {
            let consuming = scope.spawn(move || ack_all(consumer, 8));
            scope.spawn(|| {
                while producer.send(sent.load(Ordering::Relaxed)).is_ok() {
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            });
            while sent.load(Ordering::Relaxed) < 100 {
                thread::yield_now();
            }
            queue.close();
            let acked = consuming.join().unwrap();
            assert!(acked.into_iter().eq(0..sent.load(Ordering::Relaxed)));
        });
    }
}

/// A send that races with the close is neither refused nor acknowledged: one consumer has seen the
/// end, and another one gets the message all the same.
#[test]
fn what_is_sent_too_late_may_be_delivered_all_the_same() {
    let queue = small();
    let (mut first, mut other) = (queue.consumer(), queue.consumer());
    let messages = (0..3).inspect(|&number| {
        if number == 1 {
            queue.close();
            assert_eq!(first.try_take().map(|_| ()), Err(Ended::Closed));
        }
    });
    assert_eq!(queue.producer().send_all(messages), Err(Refused::TooLate));
    assert_eq!(*other.take_batch(9).unwrap(), [0, 1, 2]);
}

/// The one item that an iterator gave when the queue was closed is dropped, and nothing else is.
#[test]
fn a_close_costs_an_iterator_the_one_message_in_hand() {
    let queue = small();
    let mut messages = (0..100).inspect(|&number| {
        if number == 64 {
            queue.close();
        }
    });
    let mut producer = queue.producer();
    assert_eq!(producer.send_all(messages.by_ref()), Err(Refused::Closed(())));
    assert_eq!(messages.next(), Some(65));
    assert!(ack_all(queue.consumer(), 9).into_iter().eq(0..64));
}

/// Built in its slot: in order with the others, once there is room, and not if no consumer can take
/// it.
#[test]
fn a_message_is_made_when_there_is_room_for_it() {
    for sole in [false, true] {
        let queue = small();
        let made = AtomicU64::new(0);
        let make = || made.fetch_add(1, Ordering::Relaxed);
        thread::scope(|scope| {
            let (queue, make) = (&queue, &make);
            let producing = scope.spawn(move || {
                let own = sole.then(|| queue.sole_producer().unwrap());
                let mut producer = own.unwrap_or_else(|| queue.producer());
                (0..100).for_each(|_| producer.send_with(make).unwrap());
                queue.close();
                assert_eq!(producer.send_with(make), Err(Refused::Closed(())));
            });
            assert!(ack_all(queue.consumer(), 7).into_iter().eq(0..100));
            producing.join().unwrap();
        });
        assert_eq!(made.into_inner(), 100, "none was made for the closed queue");
    }
}

/// Between two segments an iterator may wait for the messages that it gave before, and so may other
/// producers.
#[test]
fn an_iterator_is_asked_for_more_when_consumers_know_of_what_it_gave() {
    let queue = small();
    let consumer = queue.consumer();
    thread::scope(|scope| {
        let consuming = scope.spawn(|| ack_all(consumer, 7));
        let (queue, messages) = (&queue, 0..100);
        let patient = messages.inspect(|number| {
            if *number == 0 {
                queue.shared.sent.until_a_waiter_sleeps();
            }
            while number % 16 == 0 && queue.unsettled() > 0 {
                thread::yield_now();
            }
        });
        queue.producer().send_all(patient).unwrap();
        queue.close();
        assert!(consuming.join().unwrap().into_iter().eq(0..100));
    });
}

/// With a rotation there is more memory than the capacity needs, no more than the rotation, and
/// every message is still delivered once: the marks of a segment that comes back are new.
#[test]
fn a_rotation_is_bounded_and_loses_nothing() {
    let settings = QueueSettings { visibility_timeout: Duration::MAX, ..Default::default() };
    let (capacity, segment, window, rotation) = (64, 16, 8, 20_000);
    let queue = LiveQueue::new(QueueOptions { settings, capacity, segment, window, rotation });
    let consumer = queue.consumer();
    thread::scope(|scope| {
        let consuming = scope.spawn(|| ack_all(consumer, 7));
        let mut producer = queue.producer();
        for number in 0..5_000 {
            producer.send(number).unwrap();
            assert!(queue.segments() * segment * size_of::<u64>() <= rotation);
        }
        assert!(queue.segments() > 4, "it was used");
        queue.close();
        assert!(consuming.join().unwrap().into_iter().eq(0..5_000));
    });
    assert_eq!(queue.unsettled(), 0);
}

/// An iterator that panics has sent what it gave before.
#[test]
fn consumers_hear_of_what_a_panicking_iterator_gave() {
    let queue = small();
    let mut consumer = queue.consumer();
    thread::scope(|scope| {
        let consuming = scope.spawn(move || consumer.take_batch(3).unwrap().to_vec());
        let failing = (0..).inspect(|&number| {
            queue.shared.sent.until_a_waiter_sleeps();
            assert!(number < 3, "the producer fails");
        });
        let mut producer = queue.producer();
        assert!(catch_unwind(AssertUnwindSafe(|| producer.send_all(failing))).is_err());
        assert_eq!(consuming.join().unwrap(), [0, 1, 2]);
    });
}

/// Closed under load, with the last acks on another thread: a consumer that waits for the end is
/// woken.
#[test]
fn who_waits_for_the_end_is_told_when_others_have_acked() {
    for _ in 0..50 {
        let queue = small();
        let (mut slow, waiting) = (queue.consumer(), queue.consumer());
        queue.producer().send_all(0..8).unwrap();
        let batch = slow.take_batch(8).unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(move || ack_all(waiting, 1));
            queue.close();
            batch.ack().unwrap();
            assert!(waiting.join().unwrap().is_empty());
        });
    }
}

/// With automatic ack the window of a dead consumer is lost: that is its price.
#[test]
fn settled_at_delivery_is_lost_with_its_consumer() {
    let queue = small();
    queue.producer().send_all(0..10).unwrap();
    let mut consumer = queue.consumer_settled_at_delivery();
    assert_eq!(*consumer.take().unwrap(), 0);
    drop(consumer);
    assert_eq!((queue.unsettled(), *queue.consumer().take().unwrap()), (2, 8));
}

#[test]
fn prefetch_bounds_what_is_unsettled() {
    let settings = QueueSettings { prefetch: 3, ..Default::default() };
    let queue = LiveQueue::new(QueueOptions { settings, ..Default::default() });
    queue.producer().send_all(0..10).unwrap();
    let mut consumer = queue.consumer();
    let tags: Vec<Tag> = (0..3).map(|_| consumer.take().unwrap().tag()).collect();
    assert_eq!(consumer.take().map(|_| ()), Err(Ended::PrefetchUsedUp));
    consumer.settle(tags[1], entrega_model::queue::Settlement::Ack).unwrap();
    assert_eq!(*consumer.take().unwrap(), 3);
    assert_eq!(consumer.settle(tags[1], entrega_model::queue::Settlement::Ack), Err(Stale));
}

/// The timer of tasks that take from a queue without leases.
async fn no_timer(_: time::Instant) {
    unreachable!("no lease can end");
}

/// A task learns from its timer that the lease of another consumer has ended.
#[tokio::test]
async fn a_task_is_woken_when_a_lease_ends() {
    let settings =
        QueueSettings { visibility_timeout: Duration::from_millis(5), ..Default::default() };
    let queue = LiveQueue::new(QueueOptions { settings, ..Default::default() });
    queue.producer().send(7).unwrap();
    let (mut holding, mut waiting) = (queue.consumer(), queue.consumer());
    let held = holding.take_batch_async(1, pending_timer).await.unwrap();
    let sleeps = AtomicUsize::new(0);
    let timer = |at: time::Instant| {
        sleeps.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep_until(at.into())
    };
    let again = waiting.take_batch_async(1, timer).await.unwrap();
    assert_eq!((&again[..], again.delivery_count()), (&[7][..], 2));
    assert!(sleeps.into_inner() > 0, "the task slept at its timer");
    again.ack().unwrap();
    assert!(held.ack().is_err(), "its lease has ended");
}

/// A task whose timer never fires sleeps through the end of a lease, which does not ring.
#[tokio::test]
async fn without_its_timer_a_task_sleeps_through_the_end_of_a_lease() {
    let settings =
        QueueSettings { visibility_timeout: Duration::from_millis(1), ..Default::default() };
    let queue = LiveQueue::new(QueueOptions { settings, ..Default::default() });
    queue.producer().send(7).unwrap();
    let (mut holding, mut waiting) = (queue.consumer(), queue.consumer());
    let _held = holding.take().unwrap();
    let long_after = time::Duration::from_millis(50);
    let asleep = tokio::time::timeout(long_after, waiting.take_batch_async(1, pending_timer));
    assert!(asleep.await.is_err());
}

async fn pending_timer(_: time::Instant) {
    std::future::pending().await
}

/// Tasks wait as threads do, for messages and for room.
#[tokio::test]
async fn tasks_wait_for_messages_and_for_room() {
    let queue = small();
    let (mut producer, mut consumer) = (queue.producer(), queue.consumer());
    let producing = async {
        for number in 0..1000 {
            producer.send_async(number).await.unwrap();
        }
        queue.close();
    };
    let consuming = async {
        let mut all = Vec::new();
        while let Ok(batch) = consumer.take_batch_async(5, no_timer).await {
            all.extend_from_slice(&batch);
            batch.ack().unwrap();
        }
        all
    };
    let ((), all) = tokio::join!(producing, consuming);
    assert!(all.into_iter().eq(0..1000));
}

/// A consumer that never acks makes room by taking more, and a waiting producer is woken.
#[test]
fn what_is_settled_at_delivery_makes_room_for_who_waits() {
    let queue = LiveQueue::new(QueueOptions { capacity: 8, segment: 4, ..QueueOptions::default() });
    let (mut producer, mut consumer) = (queue.producer(), queue.consumer_settled_at_delivery());
    thread::scope(|scope| {
        scope.spawn(move || (0..1_000).for_each(|number| assert!(producer.send(number).is_ok())));
        (0..1_000).for_each(|number| assert_eq!(consumer.take().map(|one| *one), Ok(number)));
    });
}
