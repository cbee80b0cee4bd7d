//! Making a run: the world of an experiment begins, in new memory or in that of an arena, and the
//! run goes through its phases.

use std::rc::Rc;

use entrega_brokers::Broker;
use entrega_choice::Choices;
use entrega_clients::Consumer;
use entrega_clients::sinks::ChosenSink;
use entrega_model::{Model, Observer};
use entrega_scenario::{Role, setup};

use crate::arena::{Arena, Housed, Place};
use crate::executor::Executor;
use crate::experiment::Experiment;
use crate::outcome::Outcome;
use crate::own::OwnConsumer;
use crate::phases::Run;
use crate::platform::{LogPlatform, QueuePlatform};
use crate::program::Program;
use crate::roles::life;
use crate::watcher::Watcher;
use crate::world::{Beginning, Routed, Times};

impl Experiment<'_> {
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
        self.run_watched(arena, &self.catalogued(), choices, observer, ())
    }

    /// Runs it with a user's own consumer.
    pub fn run_own(
        &self,
        own: OwnConsumer<'_, impl Consumer + Clone>,
        choices: Choices,
        observer: &mut dyn Observer,
    ) -> Outcome {
        self.run_watched(&mut Arena::default(), &own, choices, observer, ())
    }

    /// Runs it while a watcher looks at its states.
    pub(crate) fn run_watched(
        &self,
        arena: &mut Arena,
        program: &impl Program,
        choices: Choices,
        observer: &mut dyn Observer,
        watcher: impl Watcher,
    ) -> Outcome {
        match self.model {
            Model::Log => self.run_on::<LogPlatform>(arena, program, choices, observer, watcher),
            Model::Queue => {
                self.run_on::<QueuePlatform>(arena, program, choices, observer, watcher)
            }
        }
    }

    fn run_on<P: Housed>(
        &self,
        arena: &mut Arena,
        program: &impl Program,
        choices: Choices,
        observer: &mut dyn Observer,
        watcher: impl Watcher,
    ) -> Outcome
    where
        <P::Broker as Broker>::Request: Routed,
    {
        let place = self.place::<P>(arena);
        let Place { platform, world, wakers } = &place;
        world.borrow_mut().begin(self.beginning(choices, program.polls_sleep()));
        let factory = |client| life(self, platform, world, program, client);
        let executor = Executor::new(Rc::clone(world), &factory, wakers);
        let outcome = Run::new(world, executor, self.scenario, watcher)
            .woken(program.is_woken())
            .finish(observer);
        *P::place_in(arena) = Some(place);
        outcome
    }

    /// The place that an earlier run has left if it suits, else a new one.
    fn place<P: Housed>(&self, arena: &mut Arena) -> Place<P>
    where
        <P::Broker as Broker>::Request: Routed,
    {
        let (platform, processes) =
            (P::new(self.scenario, self.workload), Role::all(self.scenario).count());
        match P::place_in(arena).take().filter(|kept| kept.suits(&platform, processes)) {
            Some(kept) => kept,
            None => Place::new(platform, processes, Times::of(self.scenario)),
        }
    }

    fn beginning(
        &self,
        choices: Choices,
        polls_sleep: bool,
    ) -> Beginning<impl Iterator<Item = Role>, impl Iterator<Item = ChosenSink>> {
        Beginning {
            choices,
            times: Times::of(self.scenario),
            processes: Role::all(self.scenario),
            sinks: sinks(self),
            seed: self.seed,
            not_before: setup::held_by_worker(self.scenario, self.workload, self.model),
            polls_sleep,
        }
    }
}

/// A sink for each subscription.
fn sinks(experiment: &Experiment<'_>) -> impl Iterator<Item = ChosenSink> {
    let &Experiment { model, strategy, workload, scenario, .. } = experiment;
    let messages = workload.planned.len();
    let sink = move || setup::sink(scenario, strategy, model, messages);
    scenario.subscriptions.iter().map(move |_| sink())
}
