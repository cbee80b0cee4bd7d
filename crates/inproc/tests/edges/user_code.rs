//! Code of a user: it runs under no lock, may use the queue or log that runs it, and may panic.

use std::cell::Cell;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Instant;

use entrega_inproc::log::{LiveLog, LogOptions, Retention};
use entrega_inproc::queue::{Consumer, LiveQueue, Producer};
use entrega_model::{Duration, PartitionId, SubscriptionId};

use super::{ends, small};

/// What the destructor of a body does, once.
type Act = Box<dyn Fn() + Send + Sync>;

/// A body with a destructor.
struct Body(u64, Mutex<Option<Act>>);

impl Body {
    fn plain(number: u64) -> Self {
        Self(number, Mutex::new(None))
    }

    fn with(number: u64, act: impl Fn() + Send + Sync + 'static) -> Self {
        Self(number, Mutex::new(Some(Box::new(act))))
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let act = self.1.lock().expect("no destructor runs twice").take();
        act.into_iter().for_each(|act| act());
    }
}

/// A queue whose idle consumer is the last to hold a segment, whose first body's destructor acts:
/// it runs when that consumer looks for more. Behind it lie eight messages.
struct Idle {
    queue: LiveQueue<Body>,
    idle: Consumer<Body>,
    busy: Consumer<Body>,
}

fn idle(act: impl FnOnce(&LiveQueue<Body>) -> Act) -> Idle {
    let queue = small(2, Duration::MAX);
    let mut producer = queue.producer();
    let (mut idle, mut busy) = (queue.consumer(), queue.consumer());
    let mut numbers = 1..;
    let mut send = |count: usize, producer: &mut Producer<Body>| {
        for number in numbers.by_ref().take(count) {
            assert!(producer.try_send(Body::plain(number)).is_ok());
        }
    };
    let act = act(&queue);
    assert!(producer.try_send(Body::with(0, act)).is_ok());
    send(3, &mut producer);
    idle.take_batch(2).expect("there are four").ack().expect("it is in time");
    busy.take_batch(2).expect("there are two").ack().expect("it is in time");
    for _ in 0..6 {
        send(4, &mut producer);
        for _ in 0..2 {
            busy.take_batch(2).expect("there are four").ack().expect("it is in time");
        }
    }
    send(8, &mut producer);
    Idle { queue, idle, busy }
}

/// The numbers of what a consumer can take.
fn numbers(consumer: &mut Consumer<Body>) -> Vec<u64> {
    let mut all = Vec::new();
    while let Ok(Some(one)) = consumer.try_take() {
        all.push(one.0);
        one.ack().expect("it is in time");
    }
    all
}

#[test]
fn a_destructor_that_panics_in_a_take_loses_no_message() {
    let Idle { queue, mut idle, mut busy } = idle(|_| Box::new(|| panic!("the destructor fails")));
    assert!(catch_unwind(AssertUnwindSafe(|| idle.take().map(|_| ()))).is_err());
    assert_eq!(idle.unsettled(), 0, "it was given nothing");
    assert_eq!(numbers(&mut busy), (28..36).collect::<Vec<_>>());
    assert_eq!(queue.unsettled(), 0);
}

/// How many of these calls panic; the others succeed.
fn panics(numbers: Range<u64>, call: impl FnMut(u64) -> thread::Result<bool>) -> usize {
    let ended: Vec<_> = numbers.map(call).collect();
    assert!(ended.iter().flatten().all(|is_done| *is_done));
    ended.iter().filter(|one| one.is_err()).count()
}

/// All destructors of a segment panic in a send, which reuses it.
#[test]
fn destructors_that_panic_in_a_send_lose_no_message() {
    let queue = small(4, Duration::MAX);
    let (mut producer, mut consumer) = (queue.producer(), queue.consumer());
    for number in 0..4 {
        let body = Body::with(number, || panic!("the destructor fails"));
        assert!(producer.try_send(body).is_ok());
    }
    assert_eq!(numbers(&mut consumer), [0, 1, 2, 3]);
    let panics = panics(4..40, |number| {
        let sent = catch_unwind(AssertUnwindSafe(|| producer.send(Body::plain(number)).is_ok()));
        assert!(numbers(&mut consumer).len() <= 1);
        sent
    });
    assert_eq!((panics, queue.unsettled()), (1, 0));
}

/// A destructor may do everything: it asks, sends, takes, settles, and closes.
#[test]
fn a_destructor_may_use_its_queue_in_a_take() {
    ends(|| {
        let done = Arc::new(AtomicUsize::new(0));
        let done_there = Arc::clone(&done);
        let Idle { queue, mut idle, mut busy } = idle(|queue| {
            let queue = queue.clone();
            Box::new(move || {
                assert_eq!(queue.unsettled(), 8);
                assert!(queue.producer().try_send(Body::plain(99)).is_err(), "it is full");
                let mut own = queue.consumer();
                own.take().expect("there are eight").ack().expect("it is in time");
                own.take().expect("there are seven").requeue().expect("it is in time");
                queue.end_due_leases();
                assert!(queue.segments() > 0 && queue.dead_letter().is_none());
                queue.close();
                done_there.fetch_add(1, Ordering::SeqCst);
            })
        });
        let first = idle.take().expect("there is something");
        assert_eq!((first.0, first.delivery_count()), (29, 2));
        first.ack().expect("it is in time");
        assert_eq!(done.load(Ordering::SeqCst), 1);
        assert_eq!(numbers(&mut busy).len(), 6);
        assert_eq!(queue.unsettled(), 0);
    });
}

/// The same in a send, of a shared producer and of a sole one.
#[test]
fn a_destructor_may_use_its_queue_in_a_send() {
    for sole in [false, true] {
        ends(move || {
            let queue = small(4, Duration::MAX);
            let own = if sole { queue.sole_producer() } else { None };
            let (mut producer, mut consumer) =
                (own.unwrap_or_else(|| queue.producer()), queue.consumer());
            let done = Arc::new(AtomicBool::new(false));
            let (theirs, done_there) = (queue.clone(), Arc::clone(&done));
            let act = move || {
                let _ = theirs.producer().try_send(Body::plain(99));
                let _ = (theirs.unsettled(), theirs.segments());
                done_there.store(true, Ordering::SeqCst);
            };
            assert!(producer.send(Body::with(0, act)).is_ok());
            for number in 1..40 {
                assert!(producer.send(Body::plain(number)).is_ok());
                assert!(numbers(&mut consumer).len() <= 2);
            }
            assert!(done.load(Ordering::SeqCst));
            assert_eq!(queue.unsettled(), 0);
        });
    }
}

/// On a log, a record's destructor may append, look at the bounds, and read; and it may panic.
#[test]
fn a_destructor_may_use_its_log_and_may_panic() {
    ends(|| {
        let options = LogOptions {
            capacity: 8,
            segment: 4,
            retention: Retention::DropOldest,
            rotation: 0,
            ..LogOptions::default()
        };
        let (log, partition) = (LiveLog::new(options), PartitionId(0));
        let mut producer = log.producer(partition).expect("it has none yet");
        let theirs = log.clone();
        let act = move || {
            assert!(theirs.bounds(partition).is_some() && theirs.segments(partition) > 0);
            drop(theirs.reader(partition, SubscriptionId(1)));
            panic!("the destructor fails");
        };
        assert!(producer.append(Body::with(0, act)).is_ok());
        let panics = panics(1..40, |number| {
            catch_unwind(AssertUnwindSafe(|| producer.append(Body::plain(number)).is_ok()))
        });
        assert_eq!((panics, log.bounds(partition).map(|(_, end)| end)), (1, Some(39)));
    });
}

/// A waker that does something.
struct Acts(Act);

impl Wake for Acts {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

/// Has a task sleep until a message comes, with this waker.
fn is_woken(queue: &LiveQueue<u64>, wakers: &[Waker], rings: impl FnOnce()) {
    let mut consumers: Vec<_> = wakers.iter().map(|_| queue.consumer()).collect();
    let never = |_: Instant| std::future::pending();
    let mut sleeping: Vec<_> =
        consumers.iter_mut().map(|one| Box::pin(one.take_batch_async(1, never))).collect();
    for (task, waker) in sleeping.iter_mut().zip(wakers) {
        let is_asleep = task.as_mut().poll(&mut Context::from_waker(waker)).is_pending();
        assert!(is_asleep);
    }
    rings();
}

#[test]
fn a_waker_may_use_its_queue() {
    ends(|| {
        let queue = small(4, Duration::MAX);
        let (theirs, woken) = (queue.clone(), Arc::new(AtomicBool::new(false)));
        let done = Arc::clone(&woken);
        let waker = Waker::from(Arc::new(Acts(Box::new(move || {
            assert_eq!(theirs.unsettled(), 1);
            assert_eq!(theirs.consumer().try_take().map(|one| one.map(|one| *one)), Ok(Some(7)));
            theirs.close();
            done.store(true, Ordering::SeqCst);
        }))));
        is_woken(&queue, &[waker], || {
            let _ = queue.producer().try_send(7);
        });
        assert!(woken.load(Ordering::SeqCst));
    });
}

/// A waker that panics leaves no other task asleep, and the message is there.
#[test]
fn a_waker_that_panics_leaves_no_other_asleep() {
    let queue = small(4, Duration::MAX);
    let woken = Arc::new(AtomicUsize::new(0));
    let waker = |fails: bool| {
        let woken = Arc::clone(&woken);
        Waker::from(Arc::new(Acts(Box::new(move || {
            woken.fetch_add(1, Ordering::SeqCst);
            assert!(!fails, "the waker fails");
        }))))
    };
    is_woken(&queue, &[waker(false), waker(true), waker(true), waker(false)], || {
        let sends = || queue.producer().try_send(7);
        assert!(catch_unwind(AssertUnwindSafe(sends)).is_err());
    });
    assert_eq!(woken.load(Ordering::SeqCst), 4);
    assert_eq!(queue.consumer().try_take().map(|one| one.map(|one| *one)), Ok(Some(7)));
}

/// A close wakes every thread that waits to take or to send, even if a task's waker panics.
#[test]
fn a_waker_that_panics_in_a_close_leaves_no_thread_waiting() {
    ends(|| {
        let queue = small(4, Duration::MAX);
        let mut held = queue.consumer();
        queue.producer().send_all(0..8_u64).expect("there is room");
        for _ in 0..2 {
            assert_eq!(held.take_batch(4).map(|batch| batch.len()), Ok(4));
        }
        thread::scope(|scope| {
            let sends = scope.spawn(|| queue.producer().send(8));
            let takes = scope.spawn(|| {
                let mut consumer = queue.consumer();
                while let Ok(one) = consumer.take() {
                    one.ack().expect("it is in time");
                }
            });
            thread::sleep(std::time::Duration::from_millis(20));
            let fails = Waker::from(Arc::new(Acts(Box::new(|| panic!("the waker fails")))));
            is_woken(&queue, &[fails], || {
                assert!(catch_unwind(AssertUnwindSafe(|| queue.close())).is_err());
            });
            drop(held);
            assert!(sends.join().expect("it is woken").is_err());
            takes.join().expect("it is woken");
        });
    });
}

/// The same for a log, in all partitions.
#[test]
fn a_waker_that_panics_in_a_close_leaves_no_reader_waiting() {
    ends(|| {
        let log = LiveLog::<u64>::new(LogOptions { partitions: 2, ..LogOptions::default() });
        let reader = |number| {
            log.reader(PartitionId(number), SubscriptionId(0)).expect("there is such a partition")
        };
        let (mut fails, mut waits) = (reader(0), reader(1));
        let waker = Waker::from(Arc::new(Acts(Box::new(|| panic!("the waker fails")))));
        let mut task = pin!(fails.fetch_async(1));
        assert!(task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        thread::scope(|scope| {
            let waiting = scope.spawn(|| waits.fetch(1).map(<[u64]>::len));
            assert!(catch_unwind(AssertUnwindSafe(|| log.close())).is_err());
            let ended = waiting.join().expect("it is woken");
            assert_eq!(ended, Err(entrega_inproc::log::Ended::Closed));
        });
    });
}

/// An iterator may use the queue to which it is sent, even through another producer.
#[test]
fn an_iterator_may_use_its_queue() {
    ends(|| {
        let queue = small(4, Duration::MAX);
        let mut consumer = queue.consumer();
        let messages = (0..20).inspect(|number| {
            if number % 3 == 0 {
                assert!(queue.producer().send(100).is_ok());
            }
            while consumer.try_take().map(|one| one.map(|one| one.ack())) != Ok(None) {}
        });
        assert_eq!(queue.producer().send_all(messages), Ok(()));
        assert_eq!(queue.producer().send_with(|| queue.unsettled() as u64), Ok(()));
    });
}

/// What an iterator gave before it panicked is sent, by either kind of producer.
#[test]
fn an_iterator_that_panics_has_sent_what_it_gave() {
    for sole in [false, true] {
        let queue = small(4, Duration::MAX);
        let own = if sole { queue.sole_producer() } else { None };
        let mut producer = own.unwrap_or_else(|| queue.producer());
        let failing = (0..).inspect(|number| assert!(*number < 3, "the iterator fails"));
        assert!(catch_unwind(AssertUnwindSafe(|| producer.send_all(failing))).is_err());
        assert_eq!(super::drain(&mut queue.consumer()), vec![(0, 1), (1, 1), (2, 1)]);
    }
}

/// Async calls that always find something give their worker back now and then, and stay complete
/// if they are dropped there.
#[test]
fn async_calls_that_never_wait_yield() {
    let queue = LiveQueue::<u64>::new(Default::default());
    let (mut producer, mut consumer) = (queue.producer(), queue.consumer());
    let mut context = Context::from_waker(Waker::noop());
    let (sent, yields) = (Cell::new(0), Cell::new(0));
    for number in 0..1_000 {
        let mut sending = pin!(producer.send_async(number));
        match sending.as_mut().poll(&mut context) {
            Poll::Ready(result) => sent.set(sent.get() + u64::from(result.is_ok())),
            Poll::Pending => yields.set(yields.get() + 1),
        }
    }
    assert_eq!(sent.get() + yields.get(), 1_000);
    assert!((1..100).contains(&yields.get()), "{} yields", yields.get());
    let (mut taken, mut waits) = (0, 0);
    while taken < sent.get() {
        let never = |_: Instant| std::future::pending();
        match pin!(consumer.take_batch_async(1, never)).poll(&mut context) {
            Poll::Ready(batch) => taken += batch.expect("it is open").len() as u64,
            Poll::Pending => waits += 1,
        }
    }
    assert!((1..100).contains(&waits), "{waits} yields");
}
