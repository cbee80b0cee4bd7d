//! Exploration: every run with at most n faults, each made anew from its list of choices.
//!
//! # How it works
//!
//! 1. The run without any choice comes first. It notes every pick that it passes
//!    ([`Choices::exploring`]): these are its branch points.
//! 2. Each alternative at a branch point is a child: the same list and one more choice. A child's
//!    own children branch off after its last choice, so every list is made once. Shorter lists come
//!    first, so what is found first is found with the fewest faults.
//! 3. A run is *cut* when it reaches a state that an earlier run has reached with at least as much
//!    budget left: how it goes on is known. States are compared by fingerprint, in which names and
//!    times enter relatively.
//! 4. When no list is left, the space is *complete*, and what was not found is impossible within
//!    it. If the budget is spent before that, the result is incomplete and proves nothing
//!    impossible.
//!
//! An exploration has no spans of time: the scenario is changed so that nothing takes any time
//! ([`Scope::of`]), and delays end in [`Zone`](entrega_scenario::points::Zone)s. Only deadlines are
//! left of time.
//!
//! > **The rule.** The result depends neither on the number of threads nor on how many lists are
//! > run at a time. A batch sees only the states of earlier batches; its results are absorbed in
//! > its own order, and of a run that met a state of another one in it what follows is left out.

mod frontier;
mod scope;
mod seen;
mod space;
mod task;
mod walk;
mod witness;

use std::sync::Arc;

use entrega_choice::Choices;
use entrega_clients::Consumer;

pub use frontier::{Explored, Frontier, Misbehaved, Showing};
pub use scope::{MAX_CONSUMERS, STEPS, Scope};
pub use seen::Seen;
pub use space::{Budget, MAX_BUDGETS, Space, Used};
pub use task::Task;
pub use walk::Walked;
pub use witness::Witness;

use crate::arena::Arena;
use crate::experiment::Experiment;
use crate::own::OwnConsumer;

impl Experiment<'_> {
    /// Runs one list of choices of an exploration.
    pub fn walk<W: Witness>(
        &self,
        task: &Task,
        seen: &Seen,
        witness: &mut W,
    ) -> Walked<W::Finding> {
        self.walk_in(&mut Arena::default(), task, seen, witness)
    }

    /// Runs it in memory that was used before.
    pub fn walk_in<W: Witness>(
        &self,
        arena: &mut Arena,
        task: &Task,
        seen: &Seen,
        witness: &mut W,
    ) -> Walked<W::Finding> {
        walk::walk(arena, self, &self.catalogued(), task, exploring(task), seen, witness)
    }

    /// Runs one list of choices with a user's own consumer. What its lives share is no part of a
    /// fingerprint: unless they share nothing, explore [without cuts](Frontier::without_cuts).
    pub fn walk_own<W: Witness>(
        &self,
        arena: &mut Arena,
        own: OwnConsumer<'_, impl Consumer + Clone>,
        task: &Task,
        seen: &Seen,
        witness: &mut W,
    ) -> Walked<W::Finding> {
        own.pulse.inspect(|pulse| pulse.begin(&task.choices));
        walk::walk(arena, self, &own, task, exploring(task), seen, witness)
    }

    /// Explores a space on this thread.
    pub fn explore<W: Witness>(
        &self,
        space: Space,
        budget: u64,
        witness: &mut W,
    ) -> Explored<W::Finding> {
        let (mut frontier, mut arena) = (Frontier::new(space, budget), Arena::default());
        while let Some(batch) = frontier.batch(1) {
            let walk = |task| self.walk_in(&mut arena, task, frontier.seen(), witness);
            let walked = batch.iter().map(walk).collect();
            frontier.absorb(batch, walked);
        }
        frontier.finish()
    }
}

fn exploring(task: &Task) -> Choices {
    Choices::exploring(Arc::clone(&task.open), &task.choices)
}
