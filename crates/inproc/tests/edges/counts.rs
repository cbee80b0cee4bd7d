//! Counts say what they say.

use entrega_brokers::queue::QueueSettings;
use entrega_inproc::queue::{LiveQueue, QueueOptions, Stale};
use entrega_model::Duration;
use entrega_model::queue::Settlement;

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

/// What a consumer has given back is not at its hand, although it still holds on to the segment.
#[test]
fn what_was_given_back_is_not_at_hand() {
    let queue = small(4, Duration::MAX);
    queue.producer().send_all(0..4_u64).expect("there is room");
    let (mut one, mut other) = (queue.consumer(), queue.consumer());
    let first = other.take().expect("there are four").tag();
    assert_eq!((other.at_hand(), other.unsettled()), (3, 4));
    one.take().expect("it takes over").ack().expect("it is in time");
    other.settle(first, Settlement::Requeue).expect("it is in time");
    let had = one.at_hand();
    assert_eq!((*one.take().expect("it is back"), had > 0), (0, true));
    assert_eq!((one.at_hand(), one.unsettled()), (0, 1));
}

/// What is settled at delivery cannot be settled again, and to try loses nothing of the rest.
#[test]
fn an_ack_of_what_is_settled_at_delivery_is_too_late_and_harmless() {
    let queue = LiveQueue::new(QueueOptions::default());
    queue.producer().send_all(0..5_u64).expect("there is room");
    queue.close();
    let mut consumer = queue.consumer_settled_at_delivery();
    let mut given = Vec::new();
    while let Ok(one) = consumer.take() {
        given.push(*one);
        assert_eq!(one.ack(), Err(Stale));
    }
    assert_eq!(given, [0, 1, 2, 3, 4]);
}

/// The same by tags, in batches, and with the other words.
#[test]
fn no_word_about_what_is_settled_at_delivery_ends_its_window() {
    let queue = small(4, Duration::MAX);
    queue.producer().send_all(0..8_u64).expect("there is room");
    queue.close();
    let mut consumer = queue.consumer_settled_at_delivery();
    let mut given = Vec::new();
    while let Ok(batch) = consumer.take_batch(2) {
        given.extend_from_slice(&batch);
        let tag = batch.tag(1);
        assert_eq!(batch.ack(), Err(Stale));
        for word in [Settlement::Ack, Settlement::Requeue, Settlement::Reject, Settlement::Extend] {
            assert_eq!(consumer.settle(tag, word), Err(Stale));
        }
    }
    assert_eq!(given, [0, 1, 2, 3, 4, 5, 6, 7]);
}

/// A redelivery to such a consumer is settled too.
#[test]
fn a_redelivery_that_is_settled_at_delivery_is_not_held() {
    let queue = small(4, Duration::MAX);
    queue.producer().send_all(0..1_u64).expect("there is room");
    queue.consumer().take().expect("there is one").requeue().expect("it is in time");
    let mut consumer = queue.consumer_settled_at_delivery();
    let again = consumer.take().expect("it is back");
    assert_eq!((again.delivery_count(), queue.unsettled()), (2, 0));
    let tag = again.tag();
    assert_eq!((consumer.unsettled(), consumer.holds(tag)), (0, false));
    assert_eq!(consumer.settle(tag, Settlement::Ack), Err(Stale));
}

/// Whoever asks for no delivery is given one, of either kind.
#[test]
fn a_batch_of_none_counts_as_one() {
    let queue = small(4, Duration::MAX);
    queue.producer().send_all(0..3_u64).expect("there is room");
    let mut consumer = queue.consumer();
    assert_eq!(consumer.try_take_batch(0).map(|batch| batch.map(|all| all.len())), Ok(Some(1)));
    let batch = consumer.take_batch(0).expect("there is one");
    assert_eq!(batch.len(), 1);
    batch.requeue().expect("it is in time");
    assert_eq!(consumer.take_batch(0).map(|batch| batch.len()), Ok(1));
}
