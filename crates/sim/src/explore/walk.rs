//! One run of an exploration: made from its list, noted from there on, and cut where it comes to a
//! state that was seen before.

use std::cell::RefCell;

use entrega_brokers::Broker;
use entrega_choice::{BranchPoint, Choices};
use entrega_model::Observer;
use entrega_model::fingerprint::Fingerprint;

use super::seen::Seen;
use super::task::Task;
use super::witness::Witness;
use crate::arena::Arena;
use crate::executor::Executor;
use crate::experiment::Experiment;
use crate::misbehaviour::Misbehaviour;
use crate::outcome::RunEnd;
use crate::program::Program;
use crate::watcher::Watcher;
use crate::world::{Routed, Scratch, World};

/// A run that was made.
#[derive(Debug)]
pub struct Walked<F> {
    /// What it has shown; nothing if it was cut or does not count.
    pub(super) findings: Option<Vec<F>>,
    /// The picks after its last choice, up to the cut: where it could branch off.
    pub(super) branch_points: Vec<BranchPoint>,
    /// The states that it reached first.
    pub(super) visits: Vec<Visit>,
    /// It was ended by a limit of the scenario, in steps or in virtual time, and not at rest.
    pub(super) limited: bool,
    /// What a process did and must not do.
    pub(super) misbehaviour: Option<Misbehaviour>,
    /// Idle answers were left out.
    pub(super) slept: bool,
}

impl<F> Walked<F> {
    /// What a process did and must not do.
    pub fn misbehaviour(&self) -> Option<&Misbehaviour> {
        self.misbehaviour.as_ref()
    }

    /// Whether idle answers were left out.
    pub fn slept(&self) -> bool {
        self.slept
    }
}

/// A state on the way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Visit {
    pub(super) state: u64,
    /// How many branch points the run had passed.
    pub(super) branch_points: usize,
}

/// Makes the run of a task.
pub(super) fn walk<W: Witness>(
    arena: &mut Arena,
    experiment: &Experiment<'_>,
    program: &impl Program,
    task: &Task,
    choices: Choices,
    seen: &Seen,
    witness: &mut W,
) -> Walked<W::Finding> {
    witness.begin();
    let shared = RefCell::new(witness);
    let mut visits = Vec::new();
    let mut scratch = std::mem::take(&mut arena.scratch);
    let watch = Watch {
        task,
        seen,
        witness: &shared,
        visits: &mut visits,
        branch_points: None,
        scratch: &mut scratch,
    };
    let outcome = experiment.run_watched(arena, program, choices, &mut Through(&shared), watch);
    arena.scratch = scratch;
    let misbehaviour = outcome.misbehaviour;
    let limited = outcome.end.is_at_a_limit();
    let findings = match outcome.end {
        RunEnd::Cut => None,
        _ if misbehaviour.as_ref().is_some_and(|one| one.misdeed.ends_the_run()) => None,
        end => task.counts.then(|| shared.into_inner().findings(end)),
    };
    let slept = outcome.slept;
    let branch_points = outcome.choices.into_branch_points();
    Walked { findings, branch_points, visits, limited, misbehaviour, slept }
}

/// Passes events on to a witness that the watcher looks at too.
struct Through<'a, 'w, W>(&'a RefCell<&'w mut W>);

impl<W: Witness> Observer for Through<'_, '_, W> {
    fn observe(&mut self, events: &[entrega_model::Event]) {
        self.0.borrow_mut().observe(events);
    }
}

/// Looks at the states of a run once its list is used up.
struct Watch<'a, 'w, W> {
    task: &'a Task,
    seen: &'a Seen,
    witness: &'a RefCell<&'w mut W>,
    visits: &'a mut Vec<Visit>,
    /// How many branch points the run had passed at the last look.
    branch_points: Option<usize>,
    scratch: &'a mut Scratch,
}

impl<W: Witness> Watcher for Watch<'_, '_, W> {
    fn goes_on<B: Broker>(
        &mut self,
        executor: &mut Executor<'_, B>,
        world: &RefCell<World<B>>,
        observer: &mut dyn Observer,
        at_rest: bool,
    ) -> bool
    where
        B::Request: Routed,
    {
        let branch_points = {
            let world = world.borrow();
            if !world.choices.is_exhausted() {
                return true;
            }
            world.choices.branch_points().len()
        };
        if self.branch_points == Some(branch_points) && !at_rest {
            return true;
        }
        self.branch_points = Some(branch_points);
        executor.flush(observer, 1);
        let witness = self.witness.borrow();
        let counts = u64::from(self.task.counts);
        let also = |into: &mut Fingerprint<'_>| witness.fingerprint(into);
        let state = world.borrow().fingerprint(self.scratch, counts, also);
        if self.seen.covers(state, self.task.used) {
            return false;
        }
        self.visits.push(Visit { state, branch_points });
        true
    }
}
