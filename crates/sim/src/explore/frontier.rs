//! What is still to be run, what was seen, and what was found.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use entrega_choice::{Choice, simplicity};

use super::seen::Seen;
use super::space::{Space, Used};
use super::task::Task;
use super::walk::{Visit, Walked};
use crate::misbehaviour::{Misbehaviour, Misdeed};

/// Runs that show something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Showing {
    /// How many of the runs that ended.
    pub runs: u64,
    /// The simplest list of choices that shows it.
    pub simplest: Vec<Choice>,
}

impl Showing {
    fn first(choices: &[Choice]) -> Self {
        Self { runs: 0, simplest: choices.to_vec() }
    }

    /// One run more. Whether its list is the simplest so far.
    fn note(&mut self, choices: &[Choice]) -> bool {
        self.runs += 1;
        let simpler = simplicity(choices, &self.simplest).is_lt();
        if simpler {
            self.simplest = choices.to_vec();
        }
        simpler
    }
}

/// Runs in which a process does what none may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misbehaved {
    /// Who and when, in the run of the simplest list.
    pub misbehaviour: Misbehaviour,
    /// How many runs there were and which is the simplest list.
    pub showing: Showing,
}

/// What an exploration has found.
#[derive(Clone, Debug)]
pub struct Explored<F> {
    /// What was found, and how.
    pub found: BTreeMap<F, Showing>,
    /// Who misbehaved. What else is found with that is not to be relied upon.
    pub misbehaved: BTreeMap<Misdeed, Misbehaved>,
    /// How many lists were run.
    pub schedules: u64,
    /// How many of these came to their end and count; the others were cut.
    pub ended: u64,
    /// How many different states were seen.
    pub states: u64,
    /// How many of these did not come to rest within the limits of the scenario: what they would
    /// have shown later is not known.
    pub limited: u64,
    /// Whether nothing is left to be tried.
    pub complete: bool,
}

/// An exploration under way.
pub struct Frontier<F> {
    space: Space,
    budget: u64,
    cuts: bool,
    queue: VecDeque<Task>,
    /// Whether lists were left out that the budget would never have come to.
    left_out: bool,
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
            left_out: false,
            seen: Seen::default(),
            explored: Explored {
                found: BTreeMap::new(),
                misbehaved: BTreeMap::new(),
                schedules: 0,
                ended: 0,
                states: 0,
                limited: 0,
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

    /// The next lists to run, at most `most` of them; none if the space is complete or the budget
    /// spent. What is explored does not depend on `most`: of a run that comes to a state of another
    /// run of its batch, all that follows is left out when it is absorbed. It was made in vain, so
    /// who has one thread takes one list at a time.
    pub fn batch(&mut self, most: usize) -> Option<Vec<Task>> {
        let size = self.queue.len().min(most).min(self.runs_left());
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

    /// Takes the results of a batch, in its order. Tasks without a result wait again; lists that
    /// the budget will never come to are not kept.
    pub fn absorb(&mut self, mut batch: Vec<Task>, walked: Vec<Walked<F>>) {
        let not_run = batch.split_off(walked.len().min(batch.len()));
        not_run.into_iter().rev().for_each(|task| self.queue.push_front(task));
        for (task, walked) in batch.into_iter().zip(walked) {
            self.absorb_one(task, walked);
        }
    }

    /// How many more runs may be made.
    fn runs_left(&self) -> usize {
        let left = self.budget.saturating_sub(self.explored.schedules);
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    fn absorb_one(&mut self, task: Task, mut walked: Walked<F>) {
        self.explored.schedules += 1;
        let met = self.visit(&task, &walked);
        if met.is_none() {
            self.note_end(&task, &mut walked);
        }
        let reach = met.unwrap_or(walked.branch_points.len());
        let room = self.runs_left();
        for branch in &walked.branch_points[..reach] {
            for value in self.space.alternatives(branch.point, branch.bound) {
                let Some(used) = self.space.spend(task.used, branch.point, value) else { continue };
                if self.queue.len() >= room {
                    self.left_out = true;
                    return;
                }
                let choice = Choice { point: branch.point, occurrence: branch.occurrence, value };
                let choices = task.choices.iter().copied().chain([choice]).collect();
                let (counts, open) = (self.space.counts(used), Arc::clone(&task.open));
                self.queue.push_back(Task { choices, used, counts, open });
            }
        }
    }

    /// Notes what a run has shown that met no state of an earlier one of its batch.
    fn note_end(&mut self, task: &Task, walked: &mut Walked<F>) {
        if let Some(findings) = walked.findings.take() {
            self.explored.ended += 1;
            for finding in findings {
                self.note(finding, &task.choices);
            }
        }
        if let Some(misbehaviour) = walked.misbehaviour.take() {
            self.note_misbehaviour(misbehaviour, &task.choices);
        }
        self.explored.limited += u64::from(walked.limited);
    }

    fn note(&mut self, finding: F, choices: &[Choice]) {
        let showing = self.explored.found.entry(finding);
        showing.or_insert_with(|| Showing::first(choices)).note(choices);
    }

    fn note_misbehaviour(&mut self, misbehaviour: Misbehaviour, choices: &[Choice]) {
        match self.explored.misbehaved.entry(misbehaviour.misdeed.clone()) {
            Entry::Vacant(entry) => {
                let mut showing = Showing::first(choices);
                showing.note(choices);
                entry.insert(Misbehaved { misbehaviour, showing });
            }
            Entry::Occupied(entry) => {
                let known = entry.into_mut();
                if known.showing.note(choices) {
                    known.misbehaviour = misbehaviour;
                }
            }
        }
    }

    /// Notes the states of a run, up to one that an earlier run of its batch has seen, and returns
    /// how many branch points the run had passed by then. A run that a limit has ended vouches for
    /// none: another one may come to the same state with more steps to spare.
    fn visit(&mut self, task: &Task, walked: &Walked<F>) -> Option<usize> {
        if !self.cuts {
            return None;
        }
        let is_known = |visit: &Visit| self.seen.covers(visit.state, task.used);
        let met = walked.visits.iter().position(is_known);
        if met.is_some() || !walked.limited {
            for visit in &walked.visits[..met.unwrap_or(walked.visits.len())] {
                if !self.seen.covers(visit.state, task.used) {
                    self.seen.insert(visit.state, task.used);
                }
            }
        }
        met.map(|met| walked.visits[met].branch_points)
    }

    /// Ends the exploration.
    pub fn finish(self) -> Explored<F> {
        let (states, complete) = (self.seen.states(), self.queue.is_empty() && !self.left_out);
        Explored { states, complete, ..self.explored }
    }
}
