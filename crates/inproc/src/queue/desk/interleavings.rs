//! Every interleaving of a consumer that gives what it has at hand with another one that takes it
//! away; and a consumer that forgets its fence.

use loom::sync::{Arc, Mutex};
use loom::thread;

use super::*;

/// The owner gives up to two messages one by one, as `Holdings::give` does; another consumer takes
/// what is left. Each message goes to one of them.
fn check_once(gives: fn(&Desk, u64) -> bool) {
    loom::model(move || {
        let shared = Arc::new((Desk::new(Barrier::new()), Mutex::new(())));
        shared.0.lay(0..2);
        let theirs = Arc::clone(&shared);
        let other = thread::spawn(move || {
            let (desk, lock) = &*theirs;
            let _locked = lock.lock().unwrap();
            desk.take_all()
        });
        let (desk, lock) = &*shared;
        let mut given = 0;
        for to in 1..=2 {
            let upto = if gives(desk, to) {
                to
            } else {
                let _locked = lock.lock().unwrap();
                desk.gives_at_most(given, to)
            };
            if upto == given {
                break;
            }
            given = upto;
        }
        let taken = other.join().unwrap().unwrap_or(2..2);
        assert!(taken.start >= given, "a message is given twice");
        let left = if taken.is_empty() { desk.at_hand() } else { 0..0 };
        assert_eq!(given + (left.end - left.start) + (taken.end - taken.start), 2, "one is lost");
    });
}

#[test]
fn each_message_goes_to_one_consumer() {
    check_once(Desk::gives);
}

/// The opposite: without the fence both may have it.
#[test]
#[should_panic(expected = "a message is given twice")]
fn giving_without_a_fence_is_caught() {
    check_once(|desk, to| {
        desk.next.store(to, Ordering::Release);
        desk.limit.load(Ordering::Relaxed) >= to
    });
}
