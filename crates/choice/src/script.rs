//! Answers by scenario: at the n-th pick of a point, or at the first pick from some time on.
//!
//! A script lies over another source and goes first. The other source is asked all the same, so a
//! script moves none of its later answers. A script may also say 0, which spares one occurrence
//! from a fault.

use crate::plan::Plan;
use crate::{Choice, Point};

/// When a scripted answer is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum When {
    /// At the n-th pick of the point; the first is 1.
    Nth(u32),
    /// At the first pick at or after this virtual time, in nanoseconds since the start of the run.
    /// Several that are due at one point take one pick each, by time; a pick with an
    /// [`Nth`](Self::Nth) of its own is passed over.
    At(u64),
}

/// An answer that the scenario asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scripted {
    /// Where.
    pub point: Point,
    /// When.
    pub when: When,
    /// The answer.
    pub value: u32,
}

/// A script and how far it has been played.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    counted: Plan,
    /// By time; the first `due` of them are due.
    timed: Vec<Timed>,
    due: usize,
}

#[derive(Clone, Debug)]
struct Timed {
    at: u64,
    point: Point,
    value: u32,
    taken: bool,
    made: bool,
}

impl Script {
    /// Adds entries. Of two for the same occurrence, the one added first stands.
    pub(crate) fn extend(&mut self, entries: &[Scripted]) {
        self.counted.extend(entries.iter().filter_map(|entry| match entry.when {
            When::Nth(occurrence) => {
                Some(Choice { point: entry.point, occurrence, value: entry.value })
            }
            When::At(_) => None,
        }));
        self.timed.extend(entries.iter().filter_map(|entry| match entry.when {
            When::At(at) => Some(Timed {
                at,
                point: entry.point,
                value: entry.value,
                taken: false,
                made: false,
            }),
            When::Nth(_) => None,
        }));
        self.timed.sort_by_key(|timed| timed.at);
        self.rewind();
    }

    /// Back to the beginning; nothing is due.
    pub(crate) fn rewind(&mut self) {
        let Self { counted, timed, due } = self;
        counted.rewind();
        *due = 0;
        for Timed { taken, made, .. } in timed {
            (*taken, *made) = (false, false);
        }
    }

    /// The time of the next entry that is not due yet.
    pub(crate) fn wake_at(&self) -> u64 {
        self.timed.get(self.due).map_or(u64::MAX, |timed| timed.at)
    }

    /// Makes the next entry due if its time has come, and says for which point.
    pub(crate) fn fall_due(&mut self, now: u64) -> Option<Point> {
        let timed = self.timed.get(self.due).filter(|timed| timed.at <= now)?;
        self.due += 1;
        Some(timed.point)
    }

    /// Calls `note` with every point and occurrence that has an answer.
    pub(crate) fn for_each_counted(&self, note: impl FnMut(Point, u32)) {
        self.counted.for_each(note);
    }

    /// The first occurrence of this point after `occurrence` for which there is something to say.
    pub(crate) fn next(&self, point: Point, occurrence: u32) -> u32 {
        match self.find_due(point) {
            Some(_) => occurrence + 1,
            None => self.counted.next(point, occurrence),
        }
    }

    /// The answer for this occurrence, if the script has one; 0 if it is not below `bound`.
    pub(crate) fn answer(&mut self, point: Point, occurrence: u32, bound: u32) -> Option<u32> {
        let within = |value: u32| if value < bound { value } else { 0 };
        if let Some(value) = self.counted.answer(point, occurrence) {
            self.counted.confirm(point, occurrence, within(value));
            return Some(within(value));
        }
        let index = self.find_due(point)?;
        let timed = &mut self.timed[index];
        let answer = within(timed.value);
        (timed.taken, timed.made) = (true, timed.value == answer);
        Some(answer)
    }

    /// The entries that were not given as an answer: those by occurrence, then those by time.
    pub(crate) fn unused(&self) -> impl Iterator<Item = Scripted> {
        let counted = self.counted.unused().map(|choice| Scripted {
            point: choice.point,
            when: When::Nth(choice.occurrence),
            value: choice.value,
        });
        let timed = self.timed.iter().filter(|timed| !timed.made).map(|timed| Scripted {
            point: timed.point,
            when: When::At(timed.at),
            value: timed.value,
        });
        counted.chain(timed)
    }

    fn find_due(&self, point: Point) -> Option<usize> {
        self.timed[..self.due].iter().position(|timed| timed.point == point && !timed.taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choices::NEVER;

    const P: Point = Point(0);
    const Q: Point = Point(1);

    fn script(entries: &[Scripted]) -> Script {
        let mut script = Script::default();
        script.extend(entries);
        script
    }

    const fn nth(point: Point, occurrence: u32, value: u32) -> Scripted {
        Scripted { point, when: When::Nth(occurrence), value }
    }

    const fn at(point: Point, nanos: u64, value: u32) -> Scripted {
        Scripted { point, when: When::At(nanos), value }
    }

    #[test]
    fn entries_fall_due_by_time() {
        let mut script = script(&[at(P, 20, 1), at(Q, 10, 1)]);
        assert_eq!(script.wake_at(), 10);
        assert_eq!(script.fall_due(9), None);
        assert_eq!(script.fall_due(10), Some(Q));
        assert_eq!(script.fall_due(10), None);
        assert_eq!(script.wake_at(), 20);
        assert_eq!(script.fall_due(u64::MAX), Some(P));
        assert_eq!(script.wake_at(), u64::MAX);
    }

    #[test]
    fn due_entries_take_one_pick_each_and_pass_over_counted_ones() {
        let mut script = script(&[at(P, 5, 2), at(P, 4, 1), nth(P, 8, 3)]);
        assert_eq!(script.next(P, 6), 8);
        while script.fall_due(5).is_some() {}
        assert_eq!(script.next(P, 6), 7);
        assert_eq!(script.next(Q, 6), NEVER);
        let answers = [7, 8, 9, 10].map(|occurrence| script.answer(P, occurrence, 9));
        assert_eq!(answers, [Some(1), Some(3), Some(2), None]);
        assert_eq!(script.unused().count(), 0);
    }

    #[test]
    fn what_does_not_fit_the_bound_is_spent_but_unused() {
        let entries = [nth(P, 1, 2), at(P, 0, 3)];
        let mut script = script(&entries);
        assert_eq!(script.fall_due(0), Some(P));
        assert_eq!([1, 2, 3].map(|n| script.answer(P, n, 2)), [Some(0), Some(0), None]);
        assert_eq!(script.unused().collect::<Vec<_>>(), entries);
    }
}
