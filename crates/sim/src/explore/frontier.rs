//! What is still to be run, what was seen, and what was found.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use entrega_choice::{Choice, Point, simplicity};

use super::seen::Seen;
use super::space::{Space, Used};
use super::walk::{Visit, Walked};

/// So many lists are run at a time, whatever the number of threads.
const BATCH: usize = 32;

/// One list of choices to run.
#[derive(Clone, Debug)]
pub struct Task {
    /// The choices, in the order in which the run makes them.
    pub choices: Vec<Choice>,
    pub(super) used: Used,
    pub(super) counts: bool,
    /// Where it may go another way than its list says.
    pub(super) open: Arc<[Point]>,
}

/// Runs that show something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Showing {
    /// How many of the runs that ended.
    pub runs: u64,
    /// The simplest list of choices that shows it.
    pub simplest: Vec<Choice>,
}

/// What an exploration has found.
#[derive(Clone, Debug)]
pub struct Explored<F> {
    /// What was found, and how.
    pub found: BTreeMap<F, Showing>,
    /// How many lists were run.
    pub schedules: u64,
    /// How many of these came to their end and count; the others were cut.
    pub ended: u64,
    /// How many different states were seen.
    pub states: u64,
    /// Whether nothing is left to be tried.
    pub complete: bool,
}

/// An exploration under way.
pub struct Frontier<F> {
    space: Space,
    budget: u64,
    cuts: bool,
    queue: VecDeque<Task>,
    seen: Seen,
    explored: Explored<F>,
}

impl<F: Ord + Clone> Frontier<F> {
    /// An exploration of a space with at most `budget` runs.
    pub fn new(space: Space, budget: u64) -> Self {
        let used = Used::default();
        let (counts, open) = (space.counts(used), space.open());
        let root = Task { choices: Vec::new(), used, counts, open };
        Self {
            space,
            budget,
            cuts: true,
            queue: VecDeque::from([root]),
            seen: Seen::default(),
            explored: Explored {
                found: BTreeMap::new(),
                schedules: 0,
                ended: 0,
                states: 0,
                complete: false,
            },
        }
    }

    /// Runs every list to its end, whatever was seen before: to test the cut.
    #[must_use]
    pub fn without_cuts(mut self) -> Self {
        self.cuts = false;
        self
    }

    /// The next lists to run; none if the space is complete or the budget spent.
    pub fn batch(&mut self) -> Option<Vec<Task>> {
        let left = self.budget.saturating_sub(self.explored.schedules);
        let size = self.queue.len().min(BATCH).min(usize::try_from(left).unwrap_or(BATCH));
        (size > 0).then(|| self.queue.drain(..size).collect())
    }

    /// The states that were seen in earlier batches.
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// How many lists were run and how many wait.
    pub fn progress(&self) -> (u64, usize) {
        (self.explored.schedules, self.queue.len())
    }

    /// What was found so far.
    pub fn found(&self) -> &BTreeMap<F, Showing> {
        &self.explored.found
    }

    /// Takes the results of a batch, in its order.
    pub fn absorb(&mut self, batch: Vec<Task>, walked: Vec<Walked<F>>) {
        for (task, walked) in batch.into_iter().zip(walked) {
            self.absorb_one(task, walked);
        }
    }

    fn absorb_one(&mut self, task: Task, walked: Walked<F>) {
        self.explored.schedules += 1;
        if let Some(findings) = walked.findings {
            self.explored.ended += 1;
            for finding in findings {
                self.note(finding, &task.choices);
            }
        }
        let reach = self.visit(&task, &walked.visits).unwrap_or(walked.passed.len());
        for passed in &walked.passed[..reach] {
            for value in self.space.alternatives(passed.point, passed.bound) {
                let Some(used) = self.space.spend(task.used, passed.point, value) else { continue };
                let choice = Choice { point: passed.point, occurrence: passed.occurrence, value };
                let choices = task.choices.iter().copied().chain([choice]).collect();
                let (counts, open) = (self.space.counts(used), Arc::clone(&task.open));
                self.queue.push_back(Task { choices, used, counts, open });
            }
        }
    }

    fn note(&mut self, finding: F, choices: &[Choice]) {
        let first = || Showing { runs: 0, simplest: choices.to_vec() };
        let showing = self.explored.found.entry(finding).or_insert_with(first);
        showing.runs += 1;
        if simplicity(choices, &showing.simplest).is_lt() {
            showing.simplest = choices.to_vec();
        }
    }

    /// Notes the states of a run, up to one that another run of its batch has seen: how many picks
    /// the run had passed then.
    fn visit(&mut self, task: &Task, visits: &[Visit]) -> Option<usize> {
        if !self.cuts {
            return None;
        }
        for visit in visits {
            if self.seen.covers(visit.state, task.used) {
                return Some(visit.passed);
            }
            self.seen.insert(visit.state, task.used);
        }
        None
    }

    /// Ends the exploration.
    pub fn finish(self) -> Explored<F> {
        let (states, complete) = (self.seen.states(), self.queue.is_empty());
        Explored { states, complete, ..self.explored }
    }
}
