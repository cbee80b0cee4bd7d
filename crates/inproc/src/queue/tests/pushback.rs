//! Producers that wait for room, on a clock that the test sets: whatever makes room wakes them, and
//! a visit that forgets to ring is caught.

use std::pin::pin;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, Wake, Waker};

use super::*;

/// Notes that it was woken.
#[derive(Default)]
struct Noting(AtomicBool);

impl Wake for Noting {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Two segments of four, and messages that are dead after one delivery of 30 ns.
fn giving_up(dead_letter: bool) -> (LiveQueue<u64>, Arc<AtomicU64>) {
    let settings = QueueSettings {
        visibility_timeout: Duration::from_nanos(30),
        delivery_limit: Some(1),
        dead_letter,
        ..Default::default()
    };
    let options = QueueOptions { settings, capacity: 8, segment: 4, window: 4, rotation: 0 };
    let clock = Arc::new(AtomicU64::new(0));
    (LiveQueue::with_time(options, Time::Manual(Arc::clone(&clock))), clock)
}

/// Fills a queue, has a consumer hold the first segment, sends one message more and lets the lease
/// expire. Returns whether `visit`, which makes room, wakes the producer.
fn wakes(dead_letter: bool, visit: impl FnOnce(&LiveQueue<u64>)) -> bool {
    let (queue, clock) = giving_up(dead_letter);
    let (mut producer, mut holder) = (queue.producer(), queue.consumer());
    producer.send_all(0..8).unwrap();
    assert_eq!(*holder.take_batch(4).unwrap(), [0, 1, 2, 3]);

    let noting = Arc::new(Noting::default());
    let waker = Waker::from(Arc::clone(&noting));
    let mut context = Context::from_waker(&waker);
    let mut sending = pin!(producer.send_async(8));
    assert!(sending.as_mut().poll(&mut context).is_pending(), "the queue is full");

    clock.store(30, Ordering::SeqCst);
    assert!(!noting.0.load(Ordering::SeqCst), "nobody has looked yet");
    visit(&queue);
    let is_woken = noting.0.load(Ordering::SeqCst);
    assert_eq!(queue.producer().try_send(9), Ok(()), "there is room");
    assert!(!is_woken || sending.as_mut().poll(&mut context) == Poll::Ready(Ok(())));
    is_woken
}

/// Messages that die when their lease ends make room, whichever visit finds out.
#[test]
fn what_is_given_up_wakes_who_waits_for_room() {
    assert!(wakes(false, |queue| {
        assert_eq!(queue.consumer().try_take().map(|one| one.map(|one| *one)), Ok(Some(4)));
    }));
    assert!(wakes(false, LiveQueue::end_due_leases));
    assert!(wakes(true, |queue| {
        queue.end_due_leases();
        std::iter::from_fn(|| queue.dead_letter()).for_each(drop);
    }));
}

/// The opposite: the same work behind the back of the visit makes room that wakes no producer.
#[test]
fn a_visit_that_does_not_ring_is_caught() {
    assert!(!wakes(false, |queue| {
        let mut control = queue.shared.control.0.lock().unwrap();
        control.advance(queue.shared.time.now());
    }));
}
