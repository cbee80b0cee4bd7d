//! The stream itself: counts the picks of every point and asks the source only where it has
//! something to say. All other picks cost an increment and a comparison.

use std::mem;
use std::sync::Arc;

use crate::plan::Plan;
use crate::random::Random;
use crate::script::Script;
use crate::{Choice, Odds, OddsError, Point, PointSpec, Scripted};

/// The choices of one run, from one source, with a script over it.
///
/// * [`pick`](Self::pick) is the one question; [`clock`](Self::clock) and [`enable`](Self::enable)
///   say what the answers may depend on besides.
/// * [`made`](Self::made) and [`occurrences`](Self::occurrences) tell what happened;
///   [`unused`](Self::unused) and [`unused_script`](Self::unused_script) what did not.
/// * [`restart`](Self::restart) begins another run in the same memory.
#[derive(Clone, Debug)]
pub struct Choices {
    table: Arc<[PointSpec]>,
    /// By point; empty while choices are off, so that no pick has to ask whether they are.
    counts: Vec<Count>,
    /// The counts while choices are off.
    set_aside: Vec<Count>,
    /// The time of the next scripted entry that is not due yet.
    wake_at: u64,
    source: Source,
    script: Script,
    made: Vec<Choice>,
    /// When exploring: the picks after the last choice of the list.
    branch_points: Vec<BranchPoint>,
}

/// A pick that was answered harmlessly and could have been answered otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BranchPoint {
    /// Where.
    pub point: Point,
    /// Which pick of that point; the first is 1.
    pub occurrence: u32,
    /// How many answers there were: 1 to `bound` − 1 are the others.
    pub bound: u32,
}

/// The picks of one point.
#[derive(Clone, Copy, Debug)]
struct Count {
    /// How many there were.
    occurrences: u32,
    /// The next one for which source or script must be asked; always a later one.
    next: u32,
}

/// Where answers come from.
#[derive(Clone, Debug)]
enum Source {
    Harmless,
    Random(Random),
    Explicit(Plan),
    Exploring(Plan, Arc<[Point]>),
}

/// An occurrence that is not reached: a point counts up to the one before it and no further.
pub(crate) const NEVER: u32 = u32::MAX;

/// Answers 0 always, at no point that has a name.
impl Default for Choices {
    fn default() -> Self {
        Self::harmless(Arc::default())
    }
}

impl Choices {
    /// Answers 0 always.
    pub fn harmless(table: Arc<[PointSpec]>) -> Self {
        Self::new(table, Source::Harmless)
    }

    /// Answers by chance. The same table, `seed` and odds give the same answers everywhere.
    ///
    /// # Errors
    ///
    /// If `odds` name an unknown point or the answer 0, repeat an answer, or exceed 1 at a point.
    pub fn random(table: Arc<[PointSpec]>, seed: u64, odds: &[Odds]) -> Result<Self, OddsError> {
        let random = Random::new(&table, seed, odds)?;
        Ok(Self::new(table, Source::Random(random)))
    }

    /// Answers by list. Choices of the value 0 say nothing and are ignored; of two choices for the
    /// same occurrence the first stands, and the other counts as [`unused`](Self::unused).
    pub fn explicit(table: Arc<[PointSpec]>, choices: Vec<Choice>) -> Self {
        let mut plan = Plan::default();
        plan.extend(choices.into_iter().filter(|choice| choice.value != 0));
        Self::new(table, Source::Explicit(plan))
    }

    /// Answers by list, as [`Choices::explicit`] does, and notes every pick at one of the `open`
    /// points that comes after the last choice of the list: there the run could have gone another
    /// way, so a tree of runs is explored by running each of them anew. All points in the list are
    /// open. Names are not needed, so there is no table of them.
    pub fn exploring(open: Arc<[Point]>, choices: &[Choice]) -> Self {
        let mut plan = Plan::default();
        plan.extend(choices.iter().copied().filter(|choice| choice.value != 0));
        let points = open.iter().map(|point| point.index() + 1).max().unwrap_or(0);
        Self::over(Arc::default(), points, Source::Exploring(plan, open))
    }

    /// The picks after the last choice of an exploring list, in the order in which they came.
    pub fn branch_points(&self) -> &[BranchPoint] {
        &self.branch_points
    }

    /// The same, when the run is over.
    pub fn into_branch_points(self) -> Vec<BranchPoint> {
        self.branch_points
    }

    /// Whether every choice of an exploring list has been made.
    pub fn is_exhausted(&self) -> bool {
        matches!(&self.source, Source::Exploring(plan, _) if plan.len() == self.made.len())
    }

    /// Lays a script over the source, or more of it over a script laid before. To be called before
    /// the first pick. Where the script says something, its answer counts; it moves no other
    /// answer.
    #[must_use]
    pub fn with_script(mut self, entries: Vec<Scripted>) -> Self {
        if !entries.is_empty() {
            self.script.extend(&entries);
            self.rewind();
        }
        self
    }

    /// Asks for a choice among `0..bound` at `point`. 0 is the harmless answer.
    ///
    /// A value that is not below `bound` is answered as 0, never as some other value: what cannot
    /// happen here must not turn into something else, neither in a replay of a string that does not
    /// fit nor in the rates of a random run. Non-zero answers are recorded. A point that is not in
    /// the table answers 0.
    #[inline(always)]
    pub fn pick(&mut self, point: Point, bound: u32) -> u32 {
        let Some(count) = self.counts.get_mut(point.index()) else {
            return 0;
        };
        let occurrence = count.occurrences + 1;
        if occurrence < count.next {
            count.occurrences = occurrence;
            return 0;
        }
        self.ask(point, occurrence, bound)
    }

    /// Says that virtual time is now `now_nanos`, in nanoseconds since the start of the run. Only
    /// scripts by time depend on it. Time that goes back is ignored.
    #[inline]
    pub fn clock(&mut self, now_nanos: u64) {
        if now_nanos >= self.wake_at {
            self.wake(now_nanos);
        }
    }

    /// Switches choices off and on, for phases of a run without faults. While they are off, picks
    /// answer 0 and do not count. At first they are on.
    pub fn enable(&mut self, enabled: bool) {
        if enabled != self.is_enabled() {
            mem::swap(&mut self.counts, &mut self.set_aside);
        }
    }

    /// Without any points it makes no difference.
    fn is_enabled(&self) -> bool {
        self.set_aside.is_empty()
    }

    /// Begins a new run in the same memory: no pick was made, time is 0, choices are on. A random
    /// source starts from `seed`; the others do not depend on it.
    pub fn restart(&mut self, seed: u64) {
        if let Source::Random(random) = &mut self.source {
            random.reseed(seed);
        }
        self.rewind();
    }

    /// The answers other than 0, in the order made. [`Choices::explicit`] makes them again.
    pub fn made(&self) -> &[Choice] {
        &self.made
    }

    /// How many picks of `point` there were. They count up to `u32::MAX - 1`; later ones answer 0.
    pub fn occurrences(&self, point: Point) -> u32 {
        let counts = if self.is_enabled() { &self.counts } else { &self.set_aside };
        counts.get(point.index()).map_or(0, |count| count.occurrences)
    }

    /// The choices of an explicit list that were not made, by point and occurrence: never reached,
    /// not below the bound, or overruled by the script. If there are any, the list belongs to
    /// another run.
    pub fn unused(&self) -> Vec<Choice> {
        match &self.source {
            Source::Explicit(plan) | Source::Exploring(plan, _) => plan.unused().collect(),
            Source::Harmless | Source::Random(_) => Vec::new(),
        }
    }

    /// The entries of the script that were never the answer, first those by occurrence.
    pub fn unused_script(&self) -> Vec<Scripted> {
        self.script.unused().collect()
    }

    /// The points that choices are made at.
    pub fn table(&self) -> &Arc<[PointSpec]> {
        &self.table
    }

    fn new(table: Arc<[PointSpec]>, source: Source) -> Self {
        let points = table.len();
        Self::over(table, points, source)
    }

    fn over(table: Arc<[PointSpec]>, points: usize, source: Source) -> Self {
        let counts = vec![Count { occurrences: 0, next: 0 }; points];
        let (set_aside, made, branch_points) = (Vec::new(), Vec::new(), Vec::new());
        let script = Script::default();
        let mut new =
            Self { table, counts, set_aside, wake_at: 0, source, script, made, branch_points };
        new.rewind();
        new
    }

    /// Back to the beginning, except for the random streams. What comes first at each point, and
    /// when the script wakes next, is worked out anew.
    fn rewind(&mut self) {
        self.enable(true);
        let Self {
            table: _,
            counts: _,
            set_aside: _,
            wake_at: _,
            source,
            script,
            made,
            branch_points,
        } = self;
        made.clear();
        branch_points.clear();
        script.rewind();
        if let Source::Explicit(plan) | Source::Exploring(plan, _) = source {
            plan.rewind();
        }
        self.note_first_answers();
        if self.is_exhausted() {
            self.note_open_points();
        }
        self.wake(0);
    }

    /// At the beginning nothing was picked, and few points have anything to say.
    fn note_first_answers(&mut self) {
        let Self { counts, source, script, .. } = self;
        counts.fill(Count { occurrences: 0, next: NEVER });
        let mut note = |point: Point, first: u32| {
            if let Some(count) = counts.get_mut(point.index()) {
                count.next = count.next.min(first);
            }
        };
        source.for_each_answer(&mut note);
        script.for_each_counted(note);
    }

    /// The list is used up: every pick of an open point is noted from here on.
    fn note_open_points(&mut self) {
        let Source::Exploring(_, open) = &self.source else { return };
        for point in open.iter() {
            let count = &mut self.counts[point.index()];
            count.next = count.occurrences + 1;
        }
    }

    /// The pick that source or script may have something to say about.
    #[cold]
    #[inline(never)]
    fn ask(&mut self, point: Point, occurrence: u32, bound: u32) -> u32 {
        if occurrence == NEVER {
            return 0;
        }
        let drawn = self.source.answer(point, occurrence).filter(|value| *value < bound);
        let scripted = self.script.answer(point, occurrence, bound);
        let value = scripted.or(drawn).unwrap_or(0);
        if let Source::Explicit(plan) | Source::Exploring(plan, _) = &mut self.source {
            plan.confirm(point, occurrence, value);
        }
        let next = next_occurrence(&self.source, &self.script, point, occurrence);
        self.counts[point.index()] = Count { occurrences: occurrence, next };
        if value != 0 {
            self.made.push(Choice { point, occurrence, value });
            if self.is_exhausted() {
                self.note_open_points();
            }
        } else if self.is_exhausted() {
            self.counts[point.index()].next = occurrence + 1;
            self.branch_points.push(BranchPoint { point, occurrence, bound });
        }
        value
    }

    /// The time of scripted entries has come: their points must ask at the next pick.
    #[cold]
    #[inline(never)]
    fn wake(&mut self, now: u64) {
        while let Some(point) = self.script.fall_due(now) {
            let counts = if self.is_enabled() { &mut self.counts } else { &mut self.set_aside };
            if let Some(count) = counts.get_mut(point.index()) {
                count.next = count.occurrences + 1;
            }
        }
        self.wake_at = self.script.wake_at();
    }
}

impl Source {
    /// Calls `note` with points and occurrences that have an answer: for each point the first, and
    /// perhaps later ones.
    fn for_each_answer(&self, note: impl FnMut(Point, u32)) {
        match self {
            Self::Harmless => {}
            Self::Random(random) => random.for_each_next(note),
            Self::Explicit(plan) | Self::Exploring(plan, _) => plan.for_each(note),
        }
    }

    fn answer(&mut self, point: Point, occurrence: u32) -> Option<u32> {
        match self {
            Self::Harmless => None,
            Self::Random(random) => random.answer(point, occurrence),
            Self::Explicit(plan) | Self::Exploring(plan, _) => plan.answer(point, occurrence),
        }
    }

    fn next(&self, point: Point, occurrence: u32) -> u32 {
        match self {
            Self::Harmless => NEVER,
            Self::Random(random) => random.next(point),
            Self::Explicit(plan) | Self::Exploring(plan, _) => plan.next(point, occurrence),
        }
    }
}

/// The first occurrence after `occurrence` that source or script have something to say about.
fn next_occurrence(source: &Source, script: &Script, point: Point, occurrence: u32) -> u32 {
    source.next(point, occurrence).min(script.next(point, occurrence))
}

#[cfg(test)]
mod tests;
