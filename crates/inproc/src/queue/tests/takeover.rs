//! Leases where one consumer takes over what another one has at hand.

use super::*;

/// Ten messages under leases of 100 ms, and a clock that stands at 0.
fn ten(lease: u64) -> (LiveQueue<u64>, Arc<AtomicU64>) {
    let clock = Arc::new(AtomicU64::new(0));
    let settings =
        QueueSettings { visibility_timeout: Duration::from_millis(lease), ..Default::default() };
    let options = QueueOptions { settings, ..QueueOptions::default() };
    let queue = LiveQueue::with_time(options, Time::Manual(Arc::clone(&clock)));
    queue.producer().send_all(0..10).unwrap();
    (queue, clock)
}

fn at(clock: &AtomicU64, millis: u64) {
    clock.store(millis * 1_000_000, Ordering::SeqCst);
}

/// What a consumer is given now, with its count.
fn next(consumer: &mut Consumer<u64>) -> Option<(u64, u16)> {
    consumer.try_take().unwrap().map(|one| (*one, one.delivery_count()))
}

/// The one from which a message was taken over asks for more while the other holds it. That is no
/// reason for the other's lease to last longer.
#[test]
fn a_lease_is_not_renewed_by_the_consumer_that_lost_the_message() {
    let (queue, clock) = ten(100);
    let (mut first, mut second) = (queue.consumer(), queue.consumer());
    assert_eq!((next(&mut first), next(&mut second)), (Some((0, 1)), Some((1, 1))));
    at(&clock, 90);
    let more = first.try_take_batch(9).unwrap().map(|batch| batch.to_vec());
    assert!(more.is_some_and(|more| !more.contains(&1)), "it is the second one's");
    at(&clock, 100);
    queue.end_due_leases();
    let mut third = queue.consumer();
    assert_eq!([next(&mut third), next(&mut third)], [Some((0, 2)), Some((1, 2))]);
}

/// What was given after it was taken over is under a lease from then on, and not from when the
/// first consumer fetched it.
#[test]
fn a_lease_begins_when_the_message_is_given() {
    let (queue, clock) = ten(100);
    let (mut first, mut second) = (queue.consumer(), queue.consumer());
    assert_eq!(next(&mut first), Some((0, 1)));
    at(&clock, 60);
    assert_eq!(next(&mut second), Some((1, 1)));
    at(&clock, 120);
    queue.end_due_leases();
    assert_eq!(next(&mut queue.consumer()), Some((0, 2)), "its lease has ended, and that of 1 not");
    assert!(second.settle(Tag::First(1), entrega_model::queue::Settlement::Ack).is_ok());
    at(&clock, 200);
    queue.end_due_leases();
    assert!(next(&mut queue.consumer()).is_some_and(|(number, _)| number != 1));
}
