//! Your own consumer, explored in a test: every run with at most n faults.
//!
//! A consumer that processes, then settles, never loses, wherever it crashes and whichever settle
//! is lost on the way; but it duplicates:
//!
//! ```
//! use entrega::prelude::*;
//!
//! async fn send_mails(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
//!     while let Some(delivery) = inbox.next().await? {
//!         let done = app.process(&delivery).await?;
//!         inbox.settle(done).await.carry_on();
//!     }
//!     Ok(())
//! }
//!
//! explore(consumer!(send_mails)).messages(3).assert_never(lost).assert_sometimes(duplicated);
//! ```
//!
//! One that settles first loses, and the test says how:
//!
//! ```should_panic
//! use entrega::prelude::*;
//!
//! async fn settle_first(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
//!     while let Some(delivery) = inbox.next().await? {
//!         inbox.settle(&[delivery]).await?;
//!         app.process(&delivery).await?;
//!     }
//!     Ok(())
//! }
//!
//! explore(consumer!(settle_first)).on(Model::Queue).messages(3).faults(1).assert_never(lost);
//! ```
//!
//! # What is explored
//!
//! Unless [`Explorer::scenario`] says otherwise: one consumer reads two messages of one key. It may
//! crash before and after each effect and after each settle, and each settle or its answer may be
//! lost; one such fault a run. Nothing takes any time but timeouts; but a handler may go on only
//! when all others have done what they can, one such change of order a run. A log starts at its
//! beginning (`auto_offset_reset = "earliest"`). The client library does nothing by itself.
//!
//! # When an assertion proves something
//!
//! Only if every run was made ([`Explored::complete`]), the run without a fault leaves nothing
//! behind, and the consumer [behaves](entrega_sim::misbehaviour). So each assertion fails if not,
//! and says why.
//!
//! A consumer may keep state of its own. It survives a crash here, although in production it would
//! not, and it ends with its run (each run has a clone); but the explorer does not see it. So by
//! default every run is made to its end. Say [`Explorer::stateless`] of a consumer that keeps
//! nothing outside of its future, and runs are cut where they come to a known state: much faster,
//! with the same result.
//!
//! # When a consumer blocks
//!
//! A loop that never awaits ends no poll, and nothing on its thread can end it. Run the exploration
//! on a thread of its own, give it a [`Pulse`] and look at that now and then:
//!
//! ```
//! use std::sync::{Arc, mpsc};
//! use std::time::Duration;
//!
//! use entrega::prelude::*;
//! use entrega::Pulse;
//!
//! # async fn mine(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
//! #     while let Some(delivery) = inbox.next().await? {
//! #         inbox.settle(app.process(&delivery).await?).await.carry_on();
//! #     }
//! #     Ok(())
//! # }
//! let pulse = Arc::new(Pulse::default());
//! let explorer = explore(consumer!(mine)).pulse(Arc::clone(&pulse));
//! let (done, result) = mpsc::channel();
//! std::thread::Builder::new().spawn(move || done.send(explorer.run().is_ok()))?;
//! loop {
//!     let beats = pulse.beats();
//!     match result.recv_timeout(Duration::from_secs(2)) {
//!         Err(mpsc::RecvTimeoutError::Timeout) if pulse.beats() != beats => {}
//!         Err(_) => panic!("it blocks its thread: {:?} {:?}", pulse.inside(), pulse.choices()),
//!         Ok(well) => break assert!(well),
//!     }
//! }
//! # Ok::<(), std::io::Error>(())
//! ```

mod outcomes;
mod replay;

use std::sync::Arc;

use entrega_choice::ParseError;
use entrega_clients::{Consumer, Strategy};
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::workload::{Planner, Workload};
use entrega_sim::explore::{Explored, Frontier, Scope, Space};
use entrega_sim::{Experiment, OwnConsumer, Pulse};
use thiserror::Error;

pub use outcomes::Outcomes;
pub use replay::Replayed;

use crate::{Finding, exploration};

/// The scenario that is explored by default.
const SCENARIO: &str = include_str!("own/default.toml");
/// The maximum number of runs.
const BUDGET: u64 = 200_000;
/// The seed of the keys. Nothing else is left to chance.
const SEED: u64 = 1;

/// Explores a consumer of your own. Each run has a clone of it, so that no run knows of another:
/// the clone must share nothing with the original, as it would through an `Rc` or an `Arc`.
pub fn explore<C: Consumer + Clone>(consumer: C) -> Explorer<C> {
    Explorer {
        consumer,
        models: vec![Model::Log, Model::Queue],
        scenario: None,
        scope: Scope { subscription: SubscriptionId(0), messages: 2, consumers: 1, partitions: 1 },
        faults: 1,
        preemptions: 1,
        budget: BUDGET,
        like: Strategy::PLAIN,
        stateless: false,
        may_stall: false,
        pulse: None,
    }
}

/// An exploration of your own consumer, before it is run.
#[derive(Clone, Debug)]
#[must_use = "nothing is explored before an assertion or `run`"]
pub struct Explorer<C> {
    consumer: C,
    models: Vec<Model>,
    scenario: Option<String>,
    scope: Scope,
    faults: u8,
    preemptions: u8,
    budget: u64,
    like: Strategy,
    stateless: bool,
    may_stall: bool,
    pulse: Option<Arc<Pulse>>,
}

/// Why nothing could be explored or replayed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The scenario cannot be read. It says where and why.
    #[error("{0}")]
    Scenario(entrega_scenario::Problem),
    /// The choices cannot be read.
    #[error("the choices to be replayed: {0}")]
    Choices(#[from] ParseError),
    /// The run never came to these choices: they are of another consumer, model or scenario.
    #[error("the run never came to these choices: {0}")]
    NotReached(String),
}

/// What is run, in its small version.
struct Prepared {
    scenario: Scenario,
    workload: Workload,
}

impl<C: Consumer + Clone> Explorer<C> {
    /// On this model only. Default both.
    pub fn on(mut self, model: Model) -> Self {
        self.models = vec![model];
        self
    }

    /// With this number of messages, at least 1. Default 2.
    pub fn messages(mut self, messages: u32) -> Self {
        self.scope.messages = messages.max(1);
        self
    }

    /// With this number of instances of the consumer, at least 1. Default 1.
    pub fn consumers(mut self, consumers: u32) -> Self {
        self.scope.consumers = consumers.max(1);
        self
    }

    /// With this number of partitions on a log, at least 1. Default 1.
    pub fn partitions(mut self, partitions: u16) -> Self {
        self.scope.partitions = partitions.max(1);
        self
    }

    /// With at most this many faults in one run. Default 1.
    pub fn faults(mut self, faults: u8) -> Self {
        self.faults = faults;
        self
    }

    /// With at most this many changes of order in one run: a request or a deadline comes before its
    /// turn, or a handler goes on or a poll gives up after all others. Default 1.
    pub fn preemptions(mut self, preemptions: u8) -> Self {
        self.preemptions = preemptions;
        self
    }

    /// With at most this many runs on each model. Default 200 000.
    pub fn budget(mut self, schedules: u64) -> Self {
        self.budget = schedules;
        self
    }

    /// With the settings of a scenario (TOML, as `entrega new` writes it) and the faults that it
    /// names; their probabilities do not matter. Its first subscription is explored.
    pub fn scenario(mut self, text: &str) -> Self {
        self.scenario = Some(text.to_owned());
        self
    }

    /// With the client library and the sink set up as for this strategy: `DeduplicatingSink` has a
    /// sink that recognises what it has seen, `AutoSettleAtDelivery` has the library settle by
    /// itself. Default `ProcessThenSettle`: a plain sink, and the application settles.
    pub fn like(mut self, strategy: Strategy) -> Self {
        self.like = strategy;
        self
    }

    /// The consumer keeps nothing outside of its future: runs are cut in known states.
    pub fn stateless(mut self) -> Self {
        self.stateless = true;
        self
    }

    /// The consumer may leave messages behind or never rest: it retries poison without end, say.
    /// What a run that never rests has lost cannot be said.
    pub fn may_stall(mut self) -> Self {
        self.may_stall = true;
        self
    }

    /// Tells a watchdog on another thread where the exploration stands.
    pub fn pulse(mut self, pulse: Arc<Pulse>) -> Self {
        self.pulse = Some(pulse);
        self
    }

    /// Explores on every model, on this thread, until all is known or the consumer misbehaves.
    ///
    /// # Errors
    /// [`Problem::Scenario`].
    pub fn run(self) -> Result<Outcomes<C>, Problem> {
        let prepared = self.prepare()?;
        let on = self.models.iter().map(|&model| (model, self.explored(&prepared, model)));
        let on = on.collect();
        Ok(Outcomes { explorer: self, on })
    }

    /// That no run shows this. Explores.
    ///
    /// # Panics
    /// If one does, with its story; and if [nothing is proved](crate::own).
    #[track_caller]
    pub fn assert_never(self, shows: impl Fn(&Finding) -> bool) -> Outcomes<C> {
        self.run_or_panic().assert_never(shows)
    }

    /// That some run shows this, on every model. Explores.
    ///
    /// # Panics
    /// If none does; and if [nothing is proved](crate::own).
    #[track_caller]
    pub fn assert_sometimes(self, shows: impl Fn(&Finding) -> bool) -> Outcomes<C> {
        self.run_or_panic().assert_sometimes(shows)
    }

    #[track_caller]
    fn run_or_panic(self) -> Outcomes<C> {
        match self.run() {
            Ok(outcomes) => outcomes,
            Err(problem) => panic!("{problem}"),
        }
    }

    fn prepare(&self) -> Result<Prepared, Problem> {
        let text = self.scenario.as_deref().unwrap_or(SCENARIO);
        let no_files = |_: &str| Err("there are no files here".to_owned());
        let loaded = Scenario::parse("the scenario", text, &[], &no_files);
        let scenario = self.scope.of(&loaded.map_err(Problem::Scenario)?.scenario);
        let workload = Planner::new(&scenario).plan(None, SEED);
        Ok(Prepared { scenario, workload })
    }

    fn own<'a>(&'a self, consumer: &'a C) -> OwnConsumer<'a, C> {
        OwnConsumer { consumer, pulse: self.pulse.as_deref() }
    }

    /// Explores one model, and stops after a run in which the consumer misbehaves.
    fn explored(&self, prepared: &Prepared, model: Model) -> Explored<Finding> {
        let experiment = prepared.experiment(model, self.like);
        let space = Space::of(&prepared.scenario, self.faults, self.preemptions);
        let mut frontier = Frontier::new(space, self.budget);
        if !self.stateless {
            frontier = frontier.without_cuts();
        }
        let mut judge = exploration::Judge::new(&experiment);
        while let Some(batch) = frontier.batch() {
            let mut misbehaves = false;
            let mut walked = Vec::with_capacity(batch.len());
            for task in &batch {
                let own = self.consumer.clone();
                let walk = judge.in_arena(|arena, judge| {
                    experiment.walk_own(arena, self.own(&own), task, frontier.seen(), judge)
                });
                misbehaves = walk.misbehaviour().is_some_and(|one| !self.allows(&one.misdeed));
                walked.push(walk);
                if misbehaves {
                    break;
                }
            }
            frontier.absorb(batch, walked);
            if misbehaves {
                break;
            }
        }
        frontier.finish()
    }

    fn allows(&self, misdeed: &entrega_sim::Misdeed) -> bool {
        self.may_stall && misdeed.is_unrest()
    }
}

impl Prepared {
    fn experiment(&self, model: Model, strategy: Strategy) -> Experiment<'_> {
        let Self { scenario, workload } = self;
        Experiment { scenario, workload, model, strategy, seed: SEED }
    }
}
