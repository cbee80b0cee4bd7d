//! The in-process log and queue at their edges: what must hold when consumers are slow or stuck,
//! when the queue is closed while something comes back, and when code of a user fails.
//!
//! Each case was wrong once, and stands beside a second one of its kind. A case that would hang is
//! ended by a watchdog. Where a lease must not end, it is long enough for a busy machine.

mod closing;
mod counts;
mod leases;
mod room;
mod user_code;

use std::sync::mpsc;
use std::thread;
use std::time::Duration as StdDuration;

use entrega_brokers::queue::QueueSettings;
use entrega_inproc::queue::{Consumer, LiveQueue, QueueOptions};
use entrega_model::Duration;

/// Long enough for everything that does happen, on a busy machine too.
const PATIENCE: StdDuration = StdDuration::from_secs(60);

/// Runs a case on a thread of its own, and fails if it does not end.
fn ends<R: Send + 'static>(case: impl FnOnce() -> R + Send + 'static) -> R {
    let (done, waits) = mpsc::channel();
    let running = thread::spawn(move || {
        let result = case();
        let _ = done.send(());
        result
    });
    let is_over = waits.recv_timeout(PATIENCE);
    assert_ne!(is_over, Err(mpsc::RecvTimeoutError::Timeout), "it hangs");
    running.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// A queue of two segments of four messages.
fn small<T>(window: usize, lease: Duration) -> LiveQueue<T> {
    let settings = QueueSettings { visibility_timeout: lease, ..QueueSettings::default() };
    LiveQueue::new(QueueOptions { settings, capacity: 8, segment: 4, window, rotation: 0 })
}

/// A queue with the default options, but for the lease.
fn leased<T>(lease: Duration) -> LiveQueue<T> {
    let settings = QueueSettings { visibility_timeout: lease, ..QueueSettings::default() };
    LiveQueue::new(QueueOptions { settings, ..QueueOptions::default() })
}

/// Takes and acks all that is there; each message with its delivery count.
fn drain<T: Copy>(consumer: &mut Consumer<T>) -> Vec<(T, u16)> {
    let mut all = Vec::new();
    while let Ok(Some(one)) = consumer.try_take() {
        all.push((*one, one.delivery_count()));
        one.ack().expect("it is in time");
    }
    all
}
