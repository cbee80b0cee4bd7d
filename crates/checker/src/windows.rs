//! The critical windows: between delivery, effect and settle.
//!
//! Every delivery that a living consumer holds is in one of four states. When the consumer crashes
//! or stalls, the states that are not empty say which windows the fault has hit; a run counts them,
//! so that a claim about a window never entered is not taken for evidence (semantics.md 5.6, point
//! 7).
//!
//! A message changes its window three times at least, and faults are rare. So deliveries are
//! counted by the *marks* from which the state follows, which is one addition and one subtraction,
//! and states are derived from them only on demand.

use crate::{Counter, Counters};

/// Marks of a delivery, as a number: had its effect, settled, failed, given back.
pub(crate) type Marks = usize;

/// The first bit of the marks among the flags of a message.
pub(crate) const FIRST_MARK: u32 = 6;
/// How many combinations of marks there are.
const COMBINATIONS: usize = 16;

const HAD_EFFECT: Marks = 1;
const SETTLED: Marks = 1 << 1;
const FAILED: Marks = 1 << 2;
const GIVEN_BACK: Marks = 1 << 3;

/// How many deliveries have which marks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Held([u32; COMBINATIONS]);

impl Held {
    /// A delivery begins.
    #[inline]
    pub(crate) fn add(&mut self, marks: Marks) {
        self.0[marks % COMBINATIONS] += 1;
    }

    /// A delivery belongs to another consumer from now on.
    #[inline]
    pub(crate) fn remove(&mut self, marks: Marks) {
        let count = &mut self.0[marks % COMBINATIONS];
        *count = count.wrapping_sub(1);
    }

    /// A delivery has other marks than before.
    #[inline]
    pub(crate) fn change(&mut self, before: Marks, after: Marks) {
        self.remove(before);
        self.add(after);
    }
}

/// Which states the deliveries of a consumer are in.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Windows {
    /// Neither effect nor settle.
    fresh: bool,
    /// Effect and no settle.
    effect: bool,
    /// Settle and no effect.
    settle: bool,
    /// Both.
    both: bool,
}

impl Windows {
    /// Adds the states of more deliveries.
    pub(crate) fn add(&mut self, held: &Held) {
        let marks = held.0.iter().enumerate().filter(|(_, count)| **count > 0);
        for (marks, _) in marks.filter(|(marks, _)| is_open(*marks)) {
            *match (marks & HAD_EFFECT != 0, marks & SETTLED != 0) {
                (false, false) => &mut self.fresh,
                (true, false) => &mut self.effect,
                (false, true) => &mut self.settle,
                (true, true) => &mut self.both,
            } = true;
        }
    }

    /// Which of them a crash has hit.
    pub(crate) fn count_crash(self, counters: &mut Counters) {
        let open = [
            (self.fresh, Counter::CrashesBeforeEffect),
            (self.effect, Counter::CrashesBetweenEffectAndSettle),
            (self.settle, Counter::CrashesBetweenSettleAndEffect),
        ];
        let hit = open.into_iter().filter(|(is_open, _)| *is_open);
        let windows = hit.map(|(_, counter)| counters.add(counter, 1)).count();
        if windows == 0 && self.both {
            counters.add(Counter::CrashesAfterSettle, 1);
        }
    }

    /// Which of them a stall has hit.
    pub(crate) fn count_stall(self, counters: &mut Counters) {
        if self.fresh || self.settle {
            counters.add(Counter::StallsBeforeEffect, 1);
        }
        if self.effect {
            counters.add(Counter::StallsAfterEffect, 1);
        }
    }
}

/// Whether a delivery is in a window: not if it was given back, or if it is settled and its handler
/// failed, because then no effect will follow.
const fn is_open(marks: Marks) -> bool {
    marks & GIVEN_BACK == 0 && marks & (SETTLED | FAILED) != SETTLED | FAILED
}
