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

/// How a word is reported full.
fn check_last(fill_word: fn(&Marks) -> Marked) {
    loom::model(move || {
        let marks = two_left();
        let settle = move |marks: &Marks, word: usize| {
            let before = marks.settled[word].fetch_or(1, Ordering::AcqRel);
            assert_eq!(before | 1, u64::MAX);
            fill_word(marks)
        };
        let theirs = Arc::clone(&marks);
        let other = thread::spawn(move || settle(&theirs, 1));
        let said = [settle(&marks, 0), other.join().unwrap()];
        let last = said.iter().filter(|marked| **marked == Marked::Last).count();
        assert_eq!((last, marks.is_complete()), (1, true), "a segment is never used again");
    });
}

#[test]
fn one_of_two_sets_the_last_mark() {
    check_last(|marks| marks.fill_words(1));
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
        let last = usize::from(is_last) + usize::from(said == Marked::Last);
        assert_eq!((last, marks.is_complete()), (1, true), "a segment is never used again");
    });
}

/// The opposite: a word that is counted in two steps gets lost.
#[test]
#[should_panic(expected = "a segment is never used again")]
fn a_word_that_is_counted_in_two_steps_is_caught() {
    check_last(|marks| {
        let open = marks.open.0.load(Ordering::Acquire) - 1;
        marks.open.0.store(open, Ordering::Release);
        if open == 0 { Marked::Last } else { Marked::Set }
    });
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
