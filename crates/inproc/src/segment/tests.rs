//! Values are read in place, and each is dropped once.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;

/// A value that counts its drops.
#[derive(Clone)]
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Writes what there is room for, and returns whether there may be more.
fn fill<T>(filling: &mut Filling<T, ()>, values: &mut impl Iterator<Item = T>) -> bool {
    let first = values.next().expect("there is one");
    filling.fill(first, values)
}

/// Writes `count` values, drops the segment, and expects that many drops.
fn check_drops(count: usize, end: impl FnOnce(Filling<Counted, ()>)) {
    let drops = Arc::new(AtomicUsize::new(0));
    let mut filling = Filling::new(4, ());
    for _ in 0..count {
        assert!(filling.push(Counted(Arc::clone(&drops))).is_ok());
    }
    assert_eq!(drops.load(Ordering::Relaxed), 0);
    end(filling);
    assert_eq!(drops.load(Ordering::Relaxed), count);
}

#[test]
fn every_value_is_dropped_once() {
    check_drops(0, drop);
    check_drops(3, drop);
    check_drops(4, |filling| {
        let view = View::new(Arc::clone(filling.segment()));
        drop(filling);
        assert_eq!(view.slice(1, 4).len(), 3);
    });
    check_drops(4, |filling| {
        let segment = Arc::clone(filling.segment());
        drop(filling);
        let again = Filling::reused(segment).ok().expect("nobody has it");
        assert_eq!((again.written(), again.room()), (0, 4));
    });
}

/// The items that an iterator gave before it panicked are published, and dropped with the segment.
#[test]
fn a_panicking_iterator_loses_nothing() {
    let drops = Arc::new(AtomicUsize::new(0));
    let mut filling = Filling::new(4, ());
    let mut values = (0..4).map(|n| {
        assert!(n < 2, "the producer's iterator fails");
        Counted(Arc::clone(&drops))
    });
    assert!(catch_unwind(AssertUnwindSafe(|| fill(&mut filling, &mut values))).is_err());
    assert_eq!((filling.written(), filling.segment().published()), (2, 2));
    drop(filling);
    assert_eq!(drops.load(Ordering::Relaxed), 2);
}

#[test]
fn a_view_holds_its_segment_and_goes_no_further_than_it_saw() {
    let mut filling = Filling::new(2, 'm');
    filling.push(1).unwrap();
    let mut view = View::new(Arc::clone(filling.segment()));
    filling.push(2).unwrap();
    assert_eq!(filling.push(3), Err(3));
    assert_eq!((view.seen(), view.slice(0, 1)), (1, &[1][..]));
    assert!(catch_unwind(AssertUnwindSafe(|| view.slice(0, 2).len())).is_err());
    assert_eq!((view.look(), view.slice(0, 2)), (2, &[1, 2][..]));

    let segment = Arc::clone(filling.segment());
    drop(filling);
    let segment = Filling::reused(segment).err().expect("the view has it");
    assert_eq!((*segment.beside(), segment.len()), ('m', 2));
    drop(view);
    assert!(Filling::reused(segment).is_ok());
}

#[test]
fn nothing_is_asked_for_that_there_is_no_room_for() {
    let mut filling = Filling::new(3, ());
    assert!(!fill(&mut filling, &mut [1, 2].into_iter()));
    assert_eq!(filling.segment().published(), 2);
    let mut values = 3..7;
    assert!(fill(&mut filling, &mut values), "there may be more");
    assert_eq!((filling.segment().published(), values.next()), (3, Some(4)));
    assert!(catch_unwind(AssertUnwindSafe(|| fill(&mut filling, &mut values))).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| filling.push_with(|| 8))).is_err());
    assert_eq!(View::new(Arc::clone(filling.segment())).slice(0, 3), [1, 2, 3]);
}

/// A value as long as a cache line lies in one line, and zero-sized values need no memory.
#[test]
fn slots_begin_with_a_cache_line() {
    for len in [1, 3, 100] {
        let filling: Filling<[u8; 64], ()> = Filling::new(len, ());
        assert_eq!(filling.segment().slots.first.as_ptr().addr() % LINE, 0);
    }
    let mut nothing = Filling::new(2, ());
    assert!(fill(&mut nothing, &mut [(), (), ()].into_iter()));
    assert_eq!(View::new(Arc::clone(nothing.segment())).slice(0, 2).len(), 2);
}
