//! Counts say what they say.

use entrega_brokers::queue::QueueSettings;
use entrega_inproc::queue::{LiveQueue, QueueOptions};
use entrega_model::Duration;

use super::small;

/// A queue with two dead letters.
fn two_dead() -> LiveQueue<u64> {
    let settings = QueueSettings { dead_letter: true, ..QueueSettings::default() };
    let queue = LiveQueue::new(QueueOptions { settings, ..QueueOptions::default() });
    queue.producer().send_all(0..2).expect("there is room");
    let mut consumer = queue.consumer();
    for _ in 0..2 {
        consumer.take().expect("there is one").reject().expect("it is in time");
    }
    queue
}

#[test]
fn a_dead_letter_counts_as_unsettled_until_it_is_dropped() {
    let queue = two_dead();
    assert_eq!(queue.unsettled(), 2);
    let first = queue.dead_letter().expect("there are two");
    assert_eq!((*first, queue.unsettled()), (0, 2));
    let second = queue.dead_letter().expect("there is one more");
    assert_eq!((queue.unsettled(), queue.dead_letter().is_none()), (2, true));
    drop(first);
    assert_eq!((*second, queue.unsettled()), (1, 1));
    drop(second);
    assert_eq!(queue.unsettled(), 0);
}

/// A held letter outlives its queue's close, and is counted by a stop.
#[test]
fn stop_counts_a_dead_letter_that_is_held() {
    let queue = two_dead();
    let _held = queue.dead_letter();
    assert_eq!(queue.stop(), 2);
}

/// What an idle consumer holds is memory, although the queue has gone on without it.
#[test]
fn segments_counts_what_idle_consumers_hold() {
    let queue = small(2, Duration::MAX);
    let mut producer = queue.producer();
    let (mut idle, mut busy) = (queue.consumer(), queue.consumer());
    producer.send_all(0..4_u64).expect("there is room");
    idle.take_batch(2).expect("there are four").ack().expect("it is in time");
    busy.take_batch(2).expect("there are two").ack().expect("it is in time");
    for _ in 0..6 {
        producer.send_all(0..4).expect("there is room");
        for _ in 0..2 {
            busy.take_batch(2).expect("there are four").ack().expect("it is in time");
        }
    }
    producer.send_all(0..8).expect("there is room");
    assert_eq!(queue.segments(), 3, "two are full, and one is held by the idle consumer");
    drop(idle);
    assert_eq!(queue.segments(), 2);
}
