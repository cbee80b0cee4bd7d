//! The window of a share group over its partition: from the first record that is not finished to
//! the last that was acquired.
//!
//! > **The rule.** Everything below the *start* (SPSO) is acknowledged, archived or out of the log;
//! > nothing from the *end* on (SPEO) was ever acquired. The start advances over whatever is
//! > finished behind it, and over nothing else: one record that is stuck at the head holds it.
//!
//! ```text
//!   finished   start                    end
//!   ✓ ✓ ✓ ✓ ✓ | acquired ✓ ✓ available | not acquired yet …
//!             └──────── the window ─────┘
//! ```
//!
//! The records stay in the log. What is finished beyond the start is noted here, so the notes are
//! as long as the window at most. Source: `semantics.md` 3.4, [KAFKA-SRC] `SharePartition`.

use std::collections::BTreeSet;

use entrega_model::Fingerprint;

/// How far the records of a queue are finished.
#[derive(Clone, Debug, Default)]
pub(super) struct Window {
    start: u64,
    end: u64,
    /// What is finished beyond the start.
    finished: BTreeSet<u64>,
}

impl Window {
    /// The first record that is not finished (SPSO).
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// The first record that was never acquired (SPEO).
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// How long it is.
    pub(super) fn len(&self) -> u64 {
        self.end - self.start
    }

    /// A record is acquired.
    pub(super) fn acquire(&mut self, sequence: u64) {
        self.end = self.end.max(sequence + 1);
    }

    /// A record is acknowledged or archived.
    pub(super) fn finish(&mut self, sequence: u64) {
        if sequence >= self.start {
            self.finished.insert(sequence);
        }
        self.advance();
    }

    /// The log begins here from now on.
    pub(super) fn pass(&mut self, log_start: u64) {
        self.start = self.start.max(log_start);
        self.finished = self.finished.split_off(&self.start);
        self.advance();
    }

    fn advance(&mut self) {
        while self.finished.first() == Some(&self.start) {
            self.finished.pop_first();
            self.start += 1;
        }
        self.end = self.end.max(self.start);
    }

    pub(super) fn clear(&mut self) {
        let Self { start, end, finished } = self;
        (*start, *end) = (0, 0);
        finished.clear();
    }

    /// Enters it; `next` is the next record of the log.
    pub(super) fn fingerprint(&self, next: u64, into: &mut Fingerprint<'_>) {
        into.word(self.len());
        into.word(next - self.start);
        into.count(self.finished.len());
        self.finished.iter().for_each(|sequence| into.word(sequence - self.start));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// semantics.md 3.4, "In-flight window per share-partition".
    #[test]
    fn the_start_advances_over_what_is_finished_and_a_stuck_record_holds_it() {
        let mut window = Window::default();
        (0..4).for_each(|sequence| window.acquire(sequence));
        let check = |window: &Window, expect| assert_eq!((window.start(), window.end()), expect);
        check(&window, (0, 4));
        [1, 3].into_iter().for_each(|sequence| window.finish(sequence));
        check(&window, (0, 4));
        window.finish(0);
        check(&window, (2, 4));
        window.pass(3);
        check(&window, (4, 4));
        window.finish(2);
        check(&window, (4, 4));
        window.pass(9);
        check(&window, (9, 9));
        assert_eq!(window.len(), 0);
    }
}
