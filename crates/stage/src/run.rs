//! One run: a broker of the model on a stage, with the checker among its observers.

use entrega::judge;
use entrega_brokers::{LogBroker, QueueBroker};
use entrega_checker::{Checker, End};
use entrega_choice::Choices;
use entrega_live::{Clock, ServedModel, Shared};
use entrega_model::{Model, Observer};
use entrega_scenario::setup::{log_settings, queue_settings};

use crate::stage::Stage;
use crate::{Ending, Limits, LiveRun, Setup};

impl Setup {
    /// Runs it with these choices; `also` sees every event. Needs a tokio runtime with time.
    pub async fn run(
        &self,
        choices: Choices,
        clock: Clock,
        limits: Limits<'_>,
        also: impl Observer + Send + 'static,
    ) -> LiveRun {
        match self.model {
            Model::Log => {
                let broker = LogBroker::new(log_settings(&self.scenario));
                self.run_on(broker, choices, clock, limits, also).await
            }
            Model::Queue => {
                let broker = QueueBroker::new(queue_settings(&self.scenario));
                self.run_on(broker, choices, clock, limits, also).await
            }
        }
    }

    async fn run_on<B: ServedModel>(
        &self,
        broker: B,
        choices: Choices,
        clock: Clock,
        limits: Limits<'_>,
        also: impl Observer + Send + 'static,
    ) -> LiveRun {
        let checker = Checker::new(judge::config(&self.experiment()));
        let observed = Shared::new((checker, also));
        let stage = Stage::new(self.clone(), broker, choices, clock, observed.clone());
        let ending = stage.run(limits).await;
        let end = if ending == Ending::AtRest { End::Quiescent } else { End::Unfinished };
        let mut report = observed.with(|(checker, _)| checker.finish(end));
        let made = stage.injector.made();
        judge::note_strikes(&mut report, &made);
        LiveRun { report, made, ending }
    }
}
