//! Explorations that the checker judges.

use entrega_checker::{Checker, Finding};
use entrega_model::fingerprint::Fingerprint;
use entrega_model::{Event, Observer};
use entrega_sim::explore::{Explored, Frontier, Seen, Space, Task, Walked, Witness};
use entrega_sim::{Arena, Experiment, RunEnd};

use crate::judge;

/// What an exploration is made of.
#[derive(Clone)]
pub struct Exploration<'a> {
    /// What is run.
    pub experiment: Experiment<'a>,
    /// Which choices are tried.
    pub space: Space,
    /// How many runs may be made.
    pub budget: u64,
    /// Whether runs are cut in states that were seen before.
    pub cuts: bool,
}

/// How many lists are run at a time where there may be several threads.
const BATCH: usize = 32;

/// The runs of a batch, in its order.
pub type Batch = Vec<Walked<Finding>>;

impl Exploration<'_> {
    /// Explores on this thread, one list after another.
    pub fn run(&self) -> Explored<Finding> {
        let mut judge = self.judge();
        let walk = |walks: &[Task], seen: &Seen| {
            walks.iter().map(|task| self.walk(task, seen, &mut judge)).collect()
        };
        self.drive(1, walk, |_, _| {})
    }

    /// Makes one run of a batch.
    pub fn walk(&self, task: &Task, seen: &Seen, judge: &mut Judge) -> Walked<Finding> {
        judge.in_arena(|arena, judge| self.experiment.walk_in(arena, task, seen, judge))
    }

    /// Explores, and lets `walk` make the runs of each batch, on as many threads as it likes: the
    /// result does not depend on that. A batch of another length ends the exploration, incomplete.
    pub fn run_with(&self, walk: impl FnMut(&[Task], &Seen) -> Batch) -> Explored<Finding> {
        self.run_telling(walk, |_, _| {})
    }

    /// As [`Exploration::run_with`], and tells before each batch how many lists were run and how
    /// many wait.
    pub fn run_telling(
        &self,
        walk: impl FnMut(&[Task], &Seen) -> Batch,
        tell: impl FnMut(u64, usize),
    ) -> Explored<Finding> {
        self.drive(BATCH, walk, tell)
    }

    /// Explores in batches of at most `most` lists.
    fn drive(
        &self,
        most: usize,
        mut walk: impl FnMut(&[Task], &Seen) -> Batch,
        mut tell: impl FnMut(u64, usize),
    ) -> Explored<Finding> {
        let mut frontier = Frontier::new(self.space.clone(), self.budget);
        if !self.cuts {
            frontier = frontier.without_cuts();
        }
        while let Some(batch) = frontier.batch(most) {
            let (run, waiting) = frontier.progress();
            tell(run, waiting + batch.len());
            let walked = walk(&batch, frontier.seen());
            let ends = walked.len() != batch.len();
            frontier.absorb(batch, walked);
            if ends {
                break;
            }
        }
        frontier.finish()
    }

    /// A judge of its runs, one for each thread.
    pub fn judge(&self) -> Judge {
        Judge::new(&self.experiment)
    }
}

/// The checker as the witness of an exploration, with the memory that its runs take place in.
pub struct Judge {
    checker: Checker,
    arena: Arena,
}

impl Judge {
    /// A judge of runs of this experiment.
    pub fn new(experiment: &Experiment<'_>) -> Self {
        let checker = Checker::new(judge::config(experiment)).without_latencies();
        Self { checker, arena: Arena::default() }
    }

    /// What it has folded of the run.
    pub(crate) fn checker(&mut self) -> &mut Checker {
        &mut self.checker
    }

    /// Makes a run in its memory. One that panics takes the memory with it.
    pub(crate) fn in_arena<T>(&mut self, walk: impl FnOnce(&mut Arena, &mut Self) -> T) -> T {
        let mut arena = std::mem::take(&mut self.arena);
        let walked = walk(&mut arena, self);
        self.arena = arena;
        walked
    }
}

impl Observer for Judge {
    fn observe(&mut self, events: &[Event]) {
        self.checker.observe(events);
    }
}

impl Witness for Judge {
    type Finding = Finding;

    fn begin(&mut self) {
        self.checker.reset();
    }

    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        self.checker.fingerprint(into);
    }

    fn findings(&mut self, end: RunEnd) -> Vec<Finding> {
        let report = self.checker.finish(judge::end(end));
        report.subscriptions.iter().flat_map(|of| judge::shown(of, end)).collect()
    }
}
