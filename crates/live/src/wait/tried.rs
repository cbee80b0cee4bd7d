//! Every order of one who rings and one who goes to sleep, and a ringer that forgets its fence.

use loom::thread;

use super::*;
use crate::sync::Arc;

/// A message and a bell; `ring` is how the producer rings.
fn check(ring: fn(&Bell)) {
    loom::model(move || {
        let shared = Arc::new((AtomicUsize::new(0), Bell::new()));
        let theirs = Arc::clone(&shared);
        let consumer = thread::spawn(move || {
            let (message, bell) = &*theirs;
            let look = || (message.load(Ordering::Acquire) == 1).then_some(());
            bell.wait(None, look).expect("no deadline");
        });
        let (message, bell) = &*shared;
        message.store(1, Ordering::Release);
        ring(bell);
        consumer.join().unwrap();
    });
}

#[test]
fn no_wake_up_is_lost() {
    check(|bell| {
        bell.ring();
    });
}

/// The opposite: without its fence the ringer may look before its message is visible, and the
/// sleeper sleeps for ever; `loom` calls that a deadlock.
#[test]
#[should_panic]
fn a_ring_without_a_fence_is_caught() {
    check(|bell| {
        if bell.word.load(Ordering::Relaxed) != 0 {
            bell.event.notify(usize::MAX);
        }
    });
}

/// The opposite: nor may it look before the message is there.
#[test]
#[should_panic]
fn a_forgotten_ring_is_caught() {
    check(|_| ());
}
