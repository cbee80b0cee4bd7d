//! One run: a scenario, a model, a strategy and a seed, from the first send to the audit.
//!
//! The phases: *workload* with faults, until the producer has sent everything and the consumers
//! have come to rest, or time is up; *heal*, without faults, until everybody is up again; *drain*,
//! until nothing more can happen, every lease and session included; then everybody closes in order,
//! and the broker is *audited*. Only then may a message be called lost. A run that does not come to
//! rest within its limits ends [`RunEnd::Unfinished`], and nothing can be said about what is still
//! missing.

use std::cell::RefCell;
use std::rc::Rc;

use entrega_brokers::Broker;
use entrega_choice::{Choices, mix};
use entrega_clients::sinks::ChosenSink;
use entrega_clients::{Consumer, Strategy};
use entrega_model::event::Phase;
use entrega_model::{Instant, Model, Observer};
use entrega_scenario::Role;
use entrega_scenario::points;
use entrega_scenario::workload::Workload;
use entrega_scenario::{BatchFailure, ErrorPolicy, Order, Scenario};

use crate::arena::{Arena, Place};
use crate::executor::Executor;
use crate::misbehaviour::{Misbehaviour, Misdeed};
use crate::own::{Code, Own};
use crate::side::{LogSide, QueueSide, Side, built_in, life};
use crate::world::{Beginning, Bound, Routed, Times, World};

/// What to run.
#[derive(Clone, Copy)]
pub struct Experiment<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Its messages, made from the same seed.
    pub workload: &'a Workload,
    /// The kind of broker.
    pub model: Model,
    /// What every consumer does. For [one's own](Experiment::run_own) it names how the client
    /// library and the sinks are set up.
    pub strategy: Strategy,
    /// The seed of everything that is left to chance.
    pub seed: u64,
}

/// How a run ended.
pub struct Outcome {
    /// The choices that were made; [`Choices::made`] replays the run.
    pub choices: Choices,
    /// Whether it came to rest.
    pub end: RunEnd,
    /// When the last thing happened.
    pub ended_at: Instant,
    /// How many things happened.
    pub steps: u64,
    /// The first thing that a process did and must not do.
    pub misbehaviour: Option<Misbehaviour>,
}

/// Whether a run came to rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunEnd {
    /// Nothing more could happen.
    Quiescent,
    /// The drain took longer than the limit, in virtual time or in steps.
    Unfinished,
    /// An exploration has been in this state before, so how it goes on is known.
    Cut,
}

/// Looks at the state of a run now and then, and may end it.
pub(crate) trait Watcher {
    /// Whether it looks at all; if not, time may go on until somebody is ready.
    const LOOKS: bool = true;

    /// Every process has run; the next due thing comes after this, or faults end if the run is at
    /// rest. Whether the run goes on.
    fn goes_on<B: Broker>(
        &mut self,
        executor: &mut Executor<'_, B>,
        world: &RefCell<World<B>>,
        observer: &mut dyn Observer,
        at_rest: bool,
    ) -> bool
    where
        B::Request: Routed;
}

/// Nobody watches.
impl Watcher for () {
    const LOOKS: bool = false;

    fn goes_on<B: Broker>(
        &mut self,
        _executor: &mut Executor<'_, B>,
        _world: &RefCell<World<B>>,
        _observer: &mut dyn Observer,
        _at_rest: bool,
    ) -> bool
    where
        B::Request: Routed,
    {
        true
    }
}

impl Experiment<'_> {
    /// The choices of a random run: the scenario's probabilities and its script. The streams depend
    /// on the seed and the point alone, so both models and all strategies meet the same faults.
    pub fn random_choices(&self) -> Choices {
        let table = points::table(&self.scenario.subscription_names());
        let seed = mix(self.seed, &[FAULT_STREAM]);
        let choices = Choices::random(table.clone(), seed, &self.scenario.odds())
            .unwrap_or_else(|_| Choices::harmless(table));
        choices.with_script(self.scenario.scripted())
    }

    /// Whether a message may end in the dead letters as part of the promise: by the strategy, by
    /// the error policy or that for batches, or because the queue has a target for what it gives
    /// up.
    pub fn declares_dead_letters(&self) -> bool {
        let consumer = &self.scenario.consumer;
        let by_batch = self.strategy.reads("batch_on_failure")
            && consumer.batch_on_failure == BatchFailure::DeadLetterItem;
        self.strategy.spec().declares_dead_letters
            || consumer.on_error == ErrorPolicy::DeadLetter
            || by_batch
            || (self.model == Model::Queue && self.scenario.queue.dead_letter)
    }

    /// Makes the choices of another run of this scenario those of this one, which
    /// [`Experiment::random_choices`] would make anew.
    pub fn renew_choices(&self, choices: &mut Choices) {
        choices.restart(mix(self.seed, &[FAULT_STREAM]));
    }

    /// Runs the experiment with these choices; `observer` sees every event.
    pub fn run(&self, choices: Choices, observer: &mut dyn Observer) -> Outcome {
        self.run_in(&mut Arena::default(), choices, observer)
    }

    /// Runs it in memory that was used before.
    pub fn run_in(
        &self,
        arena: &mut Arena,
        choices: Choices,
        observer: &mut dyn Observer,
    ) -> Outcome {
        self.run_watched(arena, &built_in(self), choices, observer, ())
    }

    /// Runs it with consumers that are given as code.
    pub fn run_own(
        &self,
        own: Own<'_, impl Consumer>,
        choices: Choices,
        observer: &mut dyn Observer,
    ) -> Outcome {
        self.run_watched(&mut Arena::default(), &own, choices, observer, ())
    }

    /// Runs it while somebody watches its states.
    pub(crate) fn run_watched(
        &self,
        arena: &mut Arena,
        code: &impl Code,
        choices: Choices,
        observer: &mut dyn Observer,
        watcher: impl Watcher,
    ) -> Outcome {
        match self.model {
            Model::Log => self.run_on::<LogSide>(arena, code, choices, observer, watcher),
            Model::Queue => self.run_on::<QueueSide>(arena, code, choices, observer, watcher),
        }
    }

    fn run_on<S: Side>(
        &self,
        arena: &mut Arena,
        code: &impl Code,
        choices: Choices,
        observer: &mut dyn Observer,
        watcher: impl Watcher,
    ) -> Outcome
    where
        <S::Broker as Broker>::Request: Routed,
    {
        let place = self.place::<S>(arena);
        let Place { side, world, wakers } = &place;
        world.borrow_mut().begin(self.beginning(choices));
        let factory = |client| life(self, side, world, code, client);
        let executor = Executor::new(Rc::clone(world), &factory, wakers);
        let run = Run { world, executor, scenario: self.scenario, watcher, cut: false };
        let outcome = run.finish(observer);
        *S::kept(arena) = Some(place);
        outcome
    }

    /// The place that an earlier run has left, if it will do.
    fn place<S: Side>(&self, arena: &mut Arena) -> Place<S>
    where
        <S::Broker as Broker>::Request: Routed,
    {
        let (side, processes) = (S::new(self.scenario), Role::all(self.scenario).count());
        match S::kept(arena).take().filter(|kept| kept.suits(&side, processes)) {
            Some(kept) => kept,
            None => Place::new(side, processes, times(self.scenario)),
        }
    }

    fn beginning(
        &self,
        choices: Choices,
    ) -> Beginning<impl Iterator<Item = Role>, impl Iterator<Item = ChosenSink>> {
        Beginning {
            choices,
            times: times(self.scenario),
            processes: Role::all(self.scenario),
            sinks: sinks(self),
            seed: self.seed,
        }
    }
}

/// Separates the stream of faults from the workload's streams.
const FAULT_STREAM: u64 = 0xFA17;

/// What a stretch of a run is for.
#[derive(Clone, Copy)]
enum Goal {
    /// The producer has sent everything.
    AllSent,
    /// Nobody is down or stalled.
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
struct Run<'a, B: Broker, W> {
    world: &'a Rc<RefCell<World<B>>>,
    executor: Executor<'a, B>,
    scenario: &'a Scenario,
    watcher: W,
    /// The watcher has ended the run.
    cut: bool,
}

impl<B: Broker, W: Watcher> Run<'_, B, W>
where
    B::Request: Routed,
{
    fn finish(mut self, observer: &mut dyn Observer) -> Outcome {
        self.world.borrow_mut().enter(Phase::Workload);
        let sent = self.until_sent(observer);
        let rests = self.until_rest(observer);
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
        let end = if sent && self.drain(observer) { RunEnd::Quiescent } else { RunEnd::Unfinished };
        if end == RunEnd::Quiescent {
            self.close(observer);
        }
        if self.misbehaves() {
            return RunEnd::Unfinished;
        }
        self.audit(sent, end);
        end
    }

    /// Reads the broker, and says who kept the run from its end.
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

    /// A process did what it must not, and the run ends here.
    fn misbehaves(&self) -> bool {
        self.world.borrow().misbehaviour.is_some()
    }

    /// Runs until the producer has sent everything.
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

    /// Runs to the goal, at most to the bound: what is ready, then time until somebody is ready; by
    /// one step if somebody looks, or the goal is reached by what was ready.
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

    /// As far as the scenario's limits let a run go.
    fn bound(&self, latest: Instant) -> Bound {
        Bound { steps: self.scenario.limits.steps, latest }
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

    /// Without faults: waits for those that are down or stalled, then for rest.
    fn drain(&mut self, observer: &mut dyn Observer) -> bool {
        if !self.until(observer, Goal::AllUp) {
            return false;
        }
        self.world.borrow_mut().enter(Phase::Drain);
        let rests = self.until_rest(observer);
        if rests {
            self.world.borrow_mut().enter(Phase::Quiescent);
        }
        rests
    }

    /// Everybody leaves in order: this settles what a library settles when it is closed.
    fn close(&mut self, observer: &mut dyn Observer) {
        let mut world = self.world.borrow_mut();
        world.close();
        let steps = world.steps.saturating_add(CLOSING_STEPS);
        world.bound = Bound { steps, latest: Instant::NEVER };
        drop(world);
        let mut goes_on = true;
        while goes_on {
            self.executor.run_ready();
            let mut world = self.world.borrow_mut();
            goes_on = self.executor.advance(&mut world, observer, true)
                && world.steps < steps
                && world.misbehaviour.is_none();
        }
    }

    fn outcome(self, end: RunEnd) -> Outcome {
        let mut world = self.world.borrow_mut();
        let choices = world.take_choices();
        let misbehaviour = world.misbehaviour.take();
        let steps = world.steps;
        Outcome { choices, end, ended_at: world.now, steps, misbehaviour }
    }
}

/// Closing is a few round trips for each consumer, and the wait for a group to let the last one go.
const CLOSING_STEPS: u64 = 1_000_000;

/// How long things take in the world of a scenario.
pub(crate) fn times(scenario: &Scenario) -> Times {
    Times {
        latency: scenario.network.latency.duration(),
        jitter: scenario.network.jitter.duration(),
        may_reorder: scenario.network.order == Order::Any,
        chooses_order: scenario.network.order == Order::Chosen,
        sink_latency: scenario.network.sink_latency.duration(),
        consumer_timeout: scenario.consumer.request_timeout.duration(),
        producer_timeout: scenario.producer.request_timeout.duration(),
        late: scenario.times.late.duration(),
        slow: scenario.times.slow.duration(),
        stall: scenario.times.stall.duration(),
        restart: scenario.times.restart.duration(),
        broker_restart: scenario.times.broker_restart.duration(),
    }
}

/// A sink for each subscription.
fn sinks(experiment: &Experiment<'_>) -> impl Iterator<Item = ChosenSink> {
    let &Experiment { model, strategy, workload, scenario, .. } = experiment;
    let messages = workload.planned.len();
    scenario.subscriptions.iter().map(move |_| ChosenSink::of(strategy, model, messages))
}
