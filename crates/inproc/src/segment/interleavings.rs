//! Every interleaving of one writer and two readers of a segment, and a writer that publishes too
//! early.

use loom::thread;

use super::*;

/// Two readers see a growing prefix in every interleaving; the reuse waits for both.
#[test]
fn readers_see_only_what_is_written() {
    loom::model(|| {
        let mut filling = Filling::new(2, ());
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let mut view = View::new(Arc::clone(filling.segment()));
                thread::spawn(move || {
                    let count = view.look();
                    assert_eq!(view.slice(0, count), &[7, 8][..count]);
                })
            })
            .collect();
        filling.push(7).unwrap();
        assert!(filling.fill(8, &mut std::iter::empty()));
        let segment = Arc::clone(filling.segment());
        drop(filling);
        if let Ok(mut again) = Filling::reused(segment) {
            again.push(9).unwrap();
        }
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

/// The opposite: an index that is published before its slot is written is caught.
#[test]
#[should_panic(expected = "Concurrent read and write accesses")]
fn publishing_before_writing_is_caught() {
    loom::model(|| {
        let filling: Filling<u8, ()> = Filling::new(1, ());
        let mut view = View::new(Arc::clone(filling.segment()));
        let reader = thread::spawn(move || {
            if view.look() > 0 {
                view.segment.note_reads(0, 1);
            }
        });
        filling.segment.published.0.store(1, Ordering::Release);
        filling.segment.note_write(0);
        filling.segment.published.0.store(0, Ordering::Release);
        reader.join().unwrap();
    });
}

/// The opposite: so is one that is published without release order.
#[test]
#[should_panic(expected = "Concurrent read and write accesses")]
fn publishing_without_release_order_is_caught() {
    loom::model(|| {
        let filling: Filling<u8, ()> = Filling::new(1, ());
        let mut view = View::new(Arc::clone(filling.segment()));
        let reader = thread::spawn(move || {
            if view.look() > 0 {
                view.segment.note_reads(0, 1);
            }
        });
        filling.segment.note_write(0);
        filling.segment.published.0.store(1, Ordering::Relaxed);
        reader.join().unwrap();
        filling.segment.published.0.store(0, Ordering::Relaxed);
    });
}
