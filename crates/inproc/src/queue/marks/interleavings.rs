//! Every interleaving of two consumers that settle what is left of a segment.

use loom::sync::Arc;
use loom::thread;

use super::*;
use crate::counted::Census;

/// Two words of marks, of which one mark each is left.
fn two_left() -> Arc<Marks> {
    let marks = Arc::new(Marks::new(128, false, Census::new().counted()));
    marks.settled[0].fetch_or(!1, Ordering::Relaxed);
    marks.settled[1].fetch_or(!1, Ordering::Relaxed);
    marks
}

/// Two consumers set the last two marks, and then `asks` whether that was all.
fn check_last(asks: fn(&Marks) -> bool) {
    loom::model(move || {
        let marks = two_left();
        let settle = move |marks: &Marks, word: usize| {
            let (_, is_full) = marks.settle_word(word, 1);
            assert!(is_full);
            asks(marks)
        };
        let theirs = Arc::clone(&marks);
        let other = thread::spawn(move || settle(&theirs, 1));
        let said = [settle(&marks, 0), other.join().unwrap()];
        assert!(said.contains(&true) && marks.is_complete(), "a segment is never used again");
    });
}

#[test]
fn one_of_two_sets_the_last_mark() {
    check_last(Marks::is_complete);
}

/// A batch that ends in both words counts them together, while another consumer settles one of its
/// messages.
#[test]
fn one_of_a_batch_and_a_message_sets_the_last_mark() {
    loom::model(|| {
        let marks = two_left();
        let theirs = Arc::clone(&marks);
        let other = thread::spawn(move || theirs.settle(64));
        let (count, is_last) = marks.settle_count(0..128);
        let said = other.join().unwrap();
        assert_eq!(count + usize::from(said.in_time()), 2);
        let is_last = is_last || said == Marked::Last;
        assert!(is_last && marks.is_complete(), "a segment is never used again");
    });
}

/// The opposite: marks that are looked at in no order with those that were set.
#[test]
#[should_panic(expected = "a segment is never used again")]
fn a_look_without_an_order_is_caught() {
    check_last(|marks| marks.settled.iter().all(|word| word.load(Ordering::Acquire) == u64::MAX));
}

/// Two settle the same message: one is in time.
#[test]
fn one_of_two_is_in_time() {
    loom::model(|| {
        let marks = Arc::new(Marks::new(1, false, Census::new().counted()));
        let theirs = Arc::clone(&marks);
        let other = thread::spawn(move || theirs.settle(0));
        let mut said = [marks.settle(0), other.join().unwrap()];
        said.sort_by_key(|marked| *marked == Marked::Last);
        assert_eq!(said, [Marked::Late, Marked::Last]);
    });
}
