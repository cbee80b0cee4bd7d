//! Every interleaving of a ringer with a sleeper, or with a close; and ringers that forget their
//! fence.

use loom::sync::Mutex;
use loom::thread;

use super::*;
use crate::sync::Arc;

/// A message and a bell: a waiter that falls asleep without seeing the message is rung for.
fn check_sleeper(ring: fn(&Bell)) {
    loom::model(move || {
        let shared = Arc::new((AtomicUsize::new(0), Bell::new()));
        let theirs = Arc::clone(&shared);
        let sleeper = thread::spawn(move || {
            let (message, bell) = &*theirs;
            bell.falls_asleep(|| (message.load(Ordering::Acquire) == 1).then_some(()))
        });
        let (message, bell) = &*shared;
        message.store(1, Ordering::Release);
        ring(bell);
        if let Some(rung_before) = sleeper.join().unwrap() {
            assert!(bell.event.rings() > rung_before, "it sleeps forever");
        }
    });
}

/// A message and a bell that is closed: a waiter that sees the end has missed nothing.
fn check_closer(ring: fn(&Bell) -> bool) {
    loom::model(move || {
        let shared = Arc::new((AtomicUsize::new(0), Bell::new(), Mutex::new(false)));
        let theirs = Arc::clone(&shared);
        let closer = thread::spawn(move || {
            let (message, bell, ended) = &*theirs;
            bell.close();
            let mut ended = ended.lock().unwrap();
            *ended = message.load(Ordering::Acquire) == 0;
            *ended
        });
        let (message, bell, ended) = &*shared;
        message.store(1, Ordering::Release);
        let is_acknowledged = ring(bell) || !*ended.lock().unwrap();
        let is_told = closer.join().unwrap();
        assert!(!(is_acknowledged && is_told), "an acknowledged message is never read");
    });
}

fn ring_without_a_fence(bell: &Bell) -> bool {
    match bell.word.load(Ordering::Relaxed) {
        0 => true,
        word => bell.wake(word),
    }
}

#[test]
fn no_wake_up_is_lost() {
    check_sleeper(|bell| {
        let _open = bell.ring();
    });
}

#[test]
fn no_acknowledged_message_is_lost_in_a_close() {
    check_closer(Bell::ring);
}

/// The opposite: without its fence the ringer may look before its message is visible.
#[test]
#[should_panic(expected = "it sleeps forever")]
fn a_ring_without_a_fence_is_caught() {
    check_sleeper(|bell| {
        let _open = ring_without_a_fence(bell);
    });
}

/// The opposite, at a close.
#[test]
#[should_panic(expected = "an acknowledged message is never read")]
fn a_ring_without_a_fence_is_caught_at_a_close() {
    check_closer(ring_without_a_fence);
}
