//! Explorations that the checker judges.

use std::collections::BTreeMap;

use entrega_checker::{Cause, Checker, Class, SubscriptionReport};
use entrega_model::fingerprint::Fingerprint;
use entrega_model::{Event, MessageId, Observer};
use entrega_sim::explore::{Explored, Frontier, Seen, Space, Task, Walked, Witness};
use entrega_sim::{Arena, End, Experiment};

use crate::judge;

/// Something that a run of an exploration can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Finding {
    /// A message ended in a class, for this cause; without a cause: for whatever cause.
    Class(Class, Option<Cause>),
    /// The first effects of one key came in another order than its messages.
    Reordered,
    /// A message has two dead letters.
    DeadLetteredTwice,
    /// The run did not come to rest, or left messages behind that nobody processed.
    Stalled,
}

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

/// The runs of a batch, in its order.
pub type Batch = Vec<Walked<Finding>>;

impl Exploration<'_> {
    /// Explores on this thread.
    pub fn run(&self) -> Explored<Finding> {
        let mut judge = self.judge();
        self.run_with(|walks, seen| {
            walks.iter().map(|task| self.walk(task, seen, &mut judge)).collect()
        })
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
        mut walk: impl FnMut(&[Task], &Seen) -> Batch,
        mut tell: impl FnMut(u64, usize),
    ) -> Explored<Finding> {
        let mut frontier = Frontier::new(self.space.clone(), self.budget);
        if !self.cuts {
            frontier = frontier.without_cuts();
        }
        while let Some(batch) = frontier.batch() {
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

/// What one run shows, with the message that shows it first.
pub fn findings(
    report: &SubscriptionReport,
    end: entrega_checker::End,
) -> BTreeMap<Finding, Option<MessageId>> {
    let mut found = BTreeMap::new();
    for (&(class, cause), &message) in &report.examples {
        found.insert(Finding::Class(class, Some(cause)), Some(message));
    }
    for class in [Class::Lost, Class::Duplicated, Class::Split, Class::DeadLettered, Class::Phantom]
    {
        if let Some(&message) = report.firsts.get(&class) {
            found.entry(Finding::Class(class, None)).or_insert(Some(message));
        }
    }
    if report.dlq_excess > 0 {
        found.insert(Finding::DeadLetteredTwice, report.firsts.get(&Class::DeadLettered).copied());
    }
    if report.order.reordered > 0 {
        found.insert(Finding::Reordered, report.order.reordered_example);
    }
    let pending = report.firsts.get(&Class::Pending).copied();
    if end == entrega_checker::End::Unfinished || pending.is_some() {
        found.insert(Finding::Stalled, pending);
    }
    found
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

    fn findings(&mut self, end: End) -> Vec<Finding> {
        let end = judge::end(end);
        let report = self.checker.finish(end);
        report.subscriptions.iter().flat_map(|of| findings(of, end).into_keys()).collect()
    }
}
