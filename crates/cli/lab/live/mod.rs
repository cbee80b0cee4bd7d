//! One configuration of a scenario for real: its messages, its consumers and its faults on a broker
//! that is served live, judged by the same checker.
//!
//! Each process of the scenario is a task with a client library of its own; the broker decides
//! under its lock, on the machine's clock. Faults are chosen by the same streams of choices as in
//! the simulator, by point and occurrence; but which message meets an occurrence is up to the
//! scheduler, so no two runs are alike.
//!
//! * [`faults`]: the choices, and what is done to a process by them.
//! * [`stage`]: broker, processes, phases.
//! * [`meter`]: what can be seen while it runs.
//! * [`scale`]: how much faster than the machine's clock it may go.
//!
//! The integration tests of the live crate include these files, so they depend on nothing else in
//! the command line.

pub(crate) mod faults;
pub(crate) mod meter;
pub(crate) mod scale;
pub(crate) mod stage;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use entrega::judge;
use entrega_brokers::{LogBroker, QueueBroker};
use entrega_checker::{Checker, End, Report};
use entrega_choice::{Choice, Choices};
use entrega_clients::Strategy;
use entrega_live::{Clock, Shared};
use entrega_model::{Event, Model, Observer};
use entrega_scenario::Scenario;
use entrega_scenario::setup;
use entrega_scenario::workload::Workload;
use entrega_sim::Experiment;

use stage::Stage;

/// What to run. Copies are the same.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) workload: Arc<Workload>,
    pub(crate) model: Model,
    pub(crate) strategy: Strategy,
    pub(crate) seed: u64,
}

/// Where a run gives up, on the machine's clock.
#[derive(Clone, Copy)]
pub(crate) struct Limits<'a> {
    /// From the first send until everything is sent and at rest.
    pub(crate) patience: Duration,
    /// Raised by whoever wants it to end.
    pub(crate) stop: &'a AtomicBool,
}

/// A run and its judgement.
pub(crate) struct Lived {
    pub(crate) report: Report,
    /// What was injected, as in a replay string.
    pub(crate) made: Vec<Choice>,
    pub(crate) ending: Ending,
}

/// Where a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Everything was sent, nothing was left to do, and all processes have closed.
    AtRest,
    /// Its patience was over, or it was interrupted.
    Busy,
    /// It was at rest, but its processes did not close in time.
    Open,
}

impl Setup {
    /// The same in the simulator's terms.
    pub(crate) fn experiment(&self) -> Experiment<'_> {
        let Self { model, strategy, seed, .. } = *self;
        Experiment { scenario: &self.scenario, workload: &self.workload, model, strategy, seed }
    }

    /// Runs it with these choices; `also` sees every event.
    pub(crate) async fn run(
        &self,
        choices: Choices,
        clock: Clock,
        limits: Limits<'_>,
        also: impl Observer + Send + 'static,
    ) -> Lived {
        let (log, queue) = (setup::log_settings, setup::queue_settings);
        match self.model {
            Model::Log => {
                let broker = LogBroker::new(log(&self.scenario));
                self.run_on(broker, choices, clock, limits, also).await
            }
            Model::Queue => {
                let broker = QueueBroker::new(queue(&self.scenario));
                self.run_on(broker, choices, clock, limits, also).await
            }
        }
    }

    async fn run_on<B: faults::Exposed>(
        &self,
        broker: B,
        choices: Choices,
        clock: Clock,
        limits: Limits<'_>,
        also: impl Observer + Send + 'static,
    ) -> Lived {
        let checker = Checker::new(judge::config(&self.experiment()));
        let observed = Shared::new(Both { checker, also });
        let stage = Stage::new(self.clone(), broker, choices, clock, observed.clone());
        let ending = stage.run(limits).await;
        let end = if ending == Ending::AtRest { End::Quiescent } else { End::Unfinished };
        let report = observed.with(|both| both.checker.finish(end));
        Lived { report, made: stage.chance.made(), ending }
    }
}

/// The checker, and somebody else.
struct Both<O> {
    checker: Checker,
    also: O,
}

impl<O: Observer> Observer for Both<O> {
    fn observe(&mut self, events: &[Event]) {
        self.checker.observe(events);
        self.also.observe(events);
    }
}
