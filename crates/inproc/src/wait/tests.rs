//! How often a waiter looks whose deadline has passed.

use super::*;

#[test]
fn a_wait_whose_deadline_has_passed_looks_before_and_after_its_sleep_only() {
    let (bell, mut looks) = (Bell::new(), 0);
    let found = bell.wait(Some(Instant::now()), || {
        looks += 1;
        None::<()>
    });
    assert_eq!((found, looks), (None, 2));
}

/// A waiter that finds something does not sleep.
#[test]
fn a_wait_that_finds_something_ends_there() {
    let (bell, mut looks) = (Bell::new(), 0);
    let found = bell.wait(None, || {
        looks += 1;
        (looks == 2).then_some("found")
    });
    assert_eq!((found, looks), (Some("found"), 2));
}
