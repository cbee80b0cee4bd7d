//! Every interleaving of what goes through the lock of a queue: a message that comes back while
//! another consumer looks for the end, the last ack of a segment while a producer needs room, and a
//! consumer that dies while another one takes over what it was not given.

use entrega_model::Duration;
use entrega_model::queue::Settlement;
use loom::model::Builder;
use loom::thread;

use super::returned::Body;
use super::*;

/// Checks every interleaving with at most three switches between threads.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.max_branches = 20_000;
    builder.check(model);
}

fn small(window: usize) -> LiveQueue<u64> {
    let settings = QueueSettings { visibility_timeout: Duration::MAX, ..Default::default() };
    LiveQueue::new(QueueOptions { settings, capacity: 2, segment: 1, window, rotation: 0 })
}

/// A consumer that holds the only message of a closed queue gives it back, while another one looks
/// whether anything can still come.
fn check_end(comes_back: fn(&LiveQueue<u64>, Consumer<u64>)) {
    check(move || {
        let queue = small(1);
        queue.producer().try_send(7).unwrap();
        let (mut holder, mut other) = (queue.consumer(), queue.consumer());
        assert!(holder.try_take().unwrap().is_some());
        queue.close();
        let theirs = queue.clone();
        let coming = thread::spawn(move || comes_back(&theirs, holder));
        let is_told = matches!(other.try_take(), Err(Ended::Closed));
        coming.join().unwrap();
        assert!(!is_told || queue.unsettled() == 0, "it comes back after the end");
    });
}

#[test]
fn nothing_comes_back_after_the_end() {
    check_end(|_, mut holder| holder.settle(Tag::First(0), Settlement::Requeue).unwrap());
    check_end(|_, holder| drop(holder));
}

/// The opposite: a mark that is set before the lock is taken leaves a moment in which the message
/// counts nowhere.
#[test]
#[should_panic(expected = "it comes back after the end")]
fn a_mark_that_is_set_before_the_lock_is_caught() {
    check_end(|queue, mut holder| {
        let window = holder.holdings.window.as_mut().unwrap();
        assert!(window.settle(0).in_time());
        let body = Body { view: window.view.clone(), index: 0 };
        let mut control = queue.shared.control();
        control.adopt(entrega_model::Instant::START, body, Some(Settlement::Requeue));
    });
}

/// Whoever acks the last message of a segment makes room: a producer that looks afterwards finds
/// it.
#[test]
fn the_last_ack_of_a_segment_makes_room() {
    check(|| {
        let queue = small(1);
        let mut producer = queue.producer();
        (0..2).for_each(|number| producer.try_send(number).unwrap());
        let mut consumer = queue.consumer();
        let acking = thread::spawn(move || {
            consumer.try_take().unwrap().unwrap().ack().unwrap();
        });
        let was_sent = producer.try_send(2).is_ok();
        acking.join().unwrap();
        assert!(was_sent || producer.try_send(2).is_ok(), "there is room");
    });
}

/// One consumer is given a message and dies, another one looks: each message reaches one of them,
/// or comes back.
#[test]
fn what_a_dying_consumer_has_at_hand_is_not_lost() {
    check(|| {
        let settings = QueueSettings { visibility_timeout: Duration::MAX, ..Default::default() };
        let options = QueueOptions { settings, capacity: 4, segment: 2, window: 2, rotation: 0 };
        let queue = LiveQueue::new(options);
        (0..2).for_each(|number| queue.producer().try_send(number).unwrap());
        let (mut dying, mut other) = (queue.consumer(), queue.consumer());
        dying.try_take().unwrap().unwrap().ack().unwrap();
        let dies = thread::spawn(move || drop(dying));
        let mut count = 0;
        while let Ok(Some(one)) = other.try_take() {
            assert_eq!((*one, one.redelivered()), (1, false));
            one.ack().unwrap();
            count += 1;
        }
        dies.join().unwrap();
        if let Ok(Some(one)) = other.try_take() {
            one.ack().unwrap();
            count += 1;
        }
        assert_eq!((count, queue.unsettled()), (1, 0));
    });
}
