//! The phases of a run, from the first send to the audit.
//!
//! ```text
//!  faults on             │ faults off
//!  workload ──▶ (rest) ──┼─▶ heal ──▶ drain ──▶ quiescent ──▶ close ──▶ audit
//!                        │     └────────┴─ out of steps or time: unfinished ─▲
//! ```
//!
//! *Workload*: until the producers have sent everything and nothing more can happen, or the limits
//! of the scenario are reached. *Heal*: until every process is up again. *Drain*: until nothing
//! more can happen, every lease and session included. Then every process shuts down cleanly, and
//! the broker is *audited*. Only then may a message be called lost. After the last send, no stretch
//! (rest, heal, drain, close) takes longer than the drain may. A run that does not come to rest
//! within its limits ends [`RunEnd::Unfinished`], and nothing can be said about what is still
//! missing; if the broker was down then, it ends [`RunEnd::BrokerDown`].

use std::cell::RefCell;
use std::rc::Rc;

use entrega_brokers::Broker;
use entrega_model::event::Phase;
use entrega_model::{Instant, Observer};
use entrega_scenario::Scenario;

use crate::executor::Executor;
use crate::misbehaviour::Misdeed;
use crate::outcome::{Outcome, RunEnd};
use crate::watcher::Watcher;
use crate::world::{Bound, Routed, World};

/// What a stretch of a run is for.
#[derive(Clone, Copy)]
enum Goal {
    /// The producers have sent everything.
    AllSent,
    /// No process is down or stalled.
    AllUp,
    /// Nothing more can happen.
    Rest,
}

impl Goal {
    #[inline]
    fn is_reached<B: Broker>(self, world: &World<B>) -> bool
    where
        B::Request: Routed,
    {
        match self {
            Self::AllSent => world.has_sent_all(),
            Self::AllUp => world.is_healed(),
            Self::Rest => false,
        }
    }
}

/// How a stretch of a run ended.
enum Went {
    /// The goal is reached.
    Reached,
    /// Nothing more can happen, or nothing more may.
    AtRest,
    /// The limit in steps or in virtual time is reached.
    OutOfBudget,
}

/// A run under way.
pub(crate) struct Run<'a, B: Broker, W> {
    world: &'a Rc<RefCell<World<B>>>,
    executor: Executor<'a, B>,
    scenario: &'a Scenario,
    watcher: W,
    /// The watcher has ended the run.
    cut: bool,
    /// At rest, polls that sleep are woken.
    woken: bool,
}

impl<'a, B: Broker, W: Watcher> Run<'a, B, W>
where
    B::Request: Routed,
{
    /// A run of a world that has just begun.
    pub(crate) fn new(
        world: &'a Rc<RefCell<World<B>>>,
        executor: Executor<'a, B>,
        scenario: &'a Scenario,
        watcher: W,
    ) -> Self {
        Self { world, executor, scenario, watcher, cut: false, woken: false }
    }

    /// Whether polls that sleep are woken at rest.
    pub(crate) fn woken(self, woken: bool) -> Self {
        Self { woken, ..self }
    }

    /// Goes through all phases.
    pub(crate) fn finish(mut self, observer: &mut dyn Observer) -> Outcome {
        self.world.borrow_mut().enter(Phase::Workload);
        let sent = self.until_sent(observer);
        let rests = !self.cut && self.until_rest(observer);
        if self.cut || (rests && !self.misbehaves() && !self.goes_on(observer, true)) {
            return self.outcome(RunEnd::Cut);
        }
        let end = self.heal_and_close(sent, observer);
        self.executor.flush(observer, 1);
        self.outcome(end)
    }

    /// What comes after the workload, unless a process misbehaves meanwhile.
    fn heal_and_close(&mut self, sent: bool, observer: &mut dyn Observer) -> RunEnd {
        if self.misbehaves() {
            return RunEnd::Unfinished;
        }
        self.world.borrow_mut().heal();
        let end = if sent && self.drain(observer) {
            RunEnd::Quiescent
        } else if self.world.borrow().is_broker_down() {
            RunEnd::BrokerDown
        } else {
            RunEnd::Unfinished
        };
        if end == RunEnd::Quiescent {
            self.close(observer);
        }
        if self.misbehaves() {
            return RunEnd::Unfinished;
        }
        self.audit(sent, end);
        end
    }

    /// Reads the broker, and blames a process if the run did not come to rest.
    fn audit(&mut self, sent: bool, end: RunEnd) {
        let limits = &self.scenario.limits;
        let mut world = self.world.borrow_mut();
        world.audit();
        world.judge_early_ends();
        if end == RunEnd::Unfinished && sent {
            let out_of_steps = world.steps >= limits.steps;
            let misdeed = if out_of_steps {
                Misdeed::OutOfSteps(limits.steps)
            } else {
                Misdeed::OutOfTime(limits.drain.duration())
            };
            let busiest = world.busiest();
            world.misbehaves(busiest, misdeed);
        }
    }

    /// Whether a process misbehaved, so that the run ends here.
    fn misbehaves(&self) -> bool {
        self.world.borrow().misbehaviour.is_some()
    }

    /// Runs until the producers have sent everything.
    fn until_sent(&mut self, observer: &mut dyn Observer) -> bool {
        let bound = self.bound(Instant::NEVER);
        if self.world.borrow().steps >= bound.steps {
            return self.world.borrow().has_sent_all();
        }
        match self.go(observer, bound, Goal::AllSent) {
            Went::Reached => true,
            Went::AtRest => false,
            Went::OutOfBudget => self.world.borrow().has_sent_all(),
        }
    }

    /// Runs to the goal, at most to the bound: what is ready, then time until a process is ready.
    /// Time goes on by one step only if the watcher looks, or if what was ready has reached the
    /// goal.
    fn go(&mut self, observer: &mut dyn Observer, bound: Bound, goal: Goal) -> Went {
        if goal.is_reached(&self.world.borrow()) {
            return Went::Reached;
        }
        self.world.borrow_mut().begin_stretch(bound, !W::LOOKS && !matches!(goal, Goal::AllUp));
        loop {
            self.executor.run_ready();
            if W::LOOKS && (self.misbehaves() || !self.goes_on(observer, false)) {
                return Went::AtRest;
            }
            let mut world = self.world.borrow_mut();
            if !W::LOOKS && world.runs_on {
                if !self.executor.advance(&mut world, observer, true) {
                    return Went::AtRest;
                }
                if world.is_out_of_bounds() {
                    return Went::OutOfBudget;
                }
                continue;
            }
            let on = !W::LOOKS && !goal.is_reached(&world);
            if world.misbehaviour.is_some() || !self.executor.advance(&mut world, observer, on) {
                return Went::AtRest;
            }
            if world.is_out_of_bounds() {
                return Went::OutOfBudget;
            }
            if goal.is_reached(&world) {
                return Went::Reached;
            }
        }
    }

    /// How far the limits of the scenario let a run go.
    fn bound(&self, latest: Instant) -> Bound {
        Bound::new(self.scenario.limits.steps, latest)
    }

    fn goes_on(&mut self, observer: &mut dyn Observer, at_rest: bool) -> bool {
        let goes_on = self.watcher.goes_on(&mut self.executor, self.world, observer, at_rest);
        self.cut |= !goes_on;
        goes_on
    }

    /// Runs on, for as long as the drain may take, until nothing more can happen.
    fn until_rest(&mut self, observer: &mut dyn Observer) -> bool {
        self.until(observer, Goal::Rest)
    }

    /// Runs to the goal, or until nothing more can happen; `false` if that takes too long.
    fn until(&mut self, observer: &mut dyn Observer, goal: Goal) -> bool {
        let latest = self.world.borrow().now + self.scenario.limits.drain.duration();
        let bound = self.bound(latest);
        !matches!(self.go(observer, bound, goal), Went::OutOfBudget) && !self.misbehaves()
    }

    /// Without faults: waits for the processes that are down or stalled, then for rest.
    fn drain(&mut self, observer: &mut dyn Observer) -> bool {
        if !self.until(observer, Goal::AllUp) {
            return false;
        }
        self.world.borrow_mut().enter(Phase::Drain);
        let rests = self.until_rest(observer);
        if rests && self.woken {
            self.wake(observer);
        }
        if rests {
            self.world.borrow_mut().enter(Phase::Quiescent);
        }
        rests
    }

    /// Gives every idle answer for as long as the longest timer: whoever does more than to poll is
    /// noted.
    fn wake(&mut self, observer: &mut dyn Observer) {
        let mut world = self.world.borrow_mut();
        if !world.wake_polls() {
            return;
        }
        let latest = world.now + self.scenario.longest_timeout().duration();
        let bound = Bound::new(world.steps + WOKEN_STEPS, latest);
        drop(world);
        self.go(observer, bound, Goal::Rest);
        self.world.borrow_mut().let_polls_sleep();
    }

    /// Every process shuts down cleanly, and its library settles what it settles on close.
    fn close(&mut self, observer: &mut dyn Observer) {
        let mut world = self.world.borrow_mut();
        world.close();
        let steps = world.steps.saturating_add(CLOSING_STEPS);
        world.bound = Bound::new(steps, world.now + self.scenario.limits.drain.duration());
        drop(world);
        let mut goes_on = true;
        while goes_on {
            self.executor.run_ready();
            let mut world = self.world.borrow_mut();
            goes_on = self.executor.advance(&mut world, observer, true)
                && !world.is_out_of_bounds()
                && world.misbehaviour.is_none();
        }
    }

    fn outcome(self, end: RunEnd) -> Outcome {
        let mut world = self.world.borrow_mut();
        let choices = world.take_choices();
        let misbehaviour = world.misbehaviour.take();
        let awaited = end.is_at_a_limit().then(|| world.awaited()).flatten();
        let (ended_at, steps, slept) = (world.now, world.steps, world.idle.has_slept);
        Outcome { choices, end, ended_at, steps, misbehaviour, awaited, slept }
    }
}

/// Closing takes a few round trips for each consumer, and the wait until a group releases the last
/// one.
const CLOSING_STEPS: u64 = 1_000_000;
/// At most this many idle answers are given to polls that are woken: a consumer that polls every
/// few milliseconds would take millions.
const WOKEN_STEPS: u64 = 10_000;
