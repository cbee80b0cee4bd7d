//! Room: if everything is settled, a send succeeds, whatever the consumers do that were given it.

use std::thread;
use std::time::Duration as StdDuration;

use entrega_inproc::queue::{LiveQueue, QueueOptions};
use entrega_model::Duration;

use super::{drain, ends, small};

#[test]
fn stuck_consumers_do_not_stop_producers_once_others_have_settled_the_rest() {
    let queue = small(4, Duration::from_millis(20));
    let mut producer = queue.producer();
    producer.send_all(0..8_u64).expect("there is room");
    let (mut one, mut other) = (queue.consumer(), queue.consumer());
    one.take().expect("there are eight").ack().expect("it is in time");
    other.take().expect("there are seven").ack().expect("it is in time");
    let _held = (one.take().map(|held| held.tag()), other.take().map(|held| held.tag()));
    thread::sleep(StdDuration::from_millis(60));
    queue.end_due_leases();
    assert_eq!(drain(&mut queue.consumer()).len(), 6);
    assert_eq!((queue.unsettled(), producer.try_send(8)), (0, Ok(())));
}

/// A producer that waits is woken by whoever settles the last message of a segment, also if that
/// is in the middle of a window of its own.
#[test]
fn a_waiting_producer_is_woken_by_the_last_ack_of_a_segment() {
    ends(|| {
        let queue = small(8, Duration::MAX);
        let mut producer = queue.producer();
        producer.send_all(0..8_u64).expect("there is room");
        let mut consumer = queue.consumer();
        let tags: Vec<_> =
            (0..8).map(|_| consumer.take().expect("there are eight").tag()).collect();
        thread::scope(|scope| {
            scope.spawn(|| producer.send(8).expect("there will be room"));
            thread::sleep(StdDuration::from_millis(20));
            for tag in tags.into_iter().take(4).rev() {
                consumer.settle(tag, entrega_model::queue::Settlement::Ack).expect("in time");
            }
        });
        assert_eq!(queue.unsettled(), 5);
    });
}

#[test]
fn idle_consumers_that_settle_at_delivery_do_not_stop_producers() {
    let options = QueueOptions { capacity: 8, segment: 4, window: 4, ..QueueOptions::default() };
    let queue = LiveQueue::new(options);
    let mut producer = queue.producer();
    producer.send_all(0..8_u64).expect("there is room");
    let mut idle = [(); 2].map(|()| queue.consumer_settled_at_delivery());
    for one in &mut idle {
        for _ in 0..4 {
            let _ = one.take().expect("there are four for each");
        }
    }
    assert_eq!(queue.unsettled(), 0);
    for number in 0..100 {
        assert_eq!(producer.try_send(number), Ok(()), "both are idle");
        assert_eq!(drain_settled(&queue), 1);
    }
}

/// Takes what is there by automatic ack, and returns how many that were.
fn drain_settled(queue: &LiveQueue<u64>) -> usize {
    let mut consumer = queue.consumer_settled_at_delivery();
    let mut count = 0;
    while let Ok(Some(_)) = consumer.try_take() {
        count += 1;
    }
    count
}
