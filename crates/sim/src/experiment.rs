//! What to run: a scenario with its messages, a model, a strategy and a seed.

use entrega_choice::{Choices, mix};
use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::points;
use entrega_scenario::workload::Workload;
use entrega_scenario::{BatchFailure, Scenario};

/// What to run.
#[derive(Clone, Copy)]
pub struct Experiment<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Its messages, made from the same seed.
    pub workload: &'a Workload,
    /// The kind of broker.
    pub model: Model,
    /// What every consumer does. For [a user's own](Experiment::run_own) it names how the client
    /// library and the sinks are set up.
    pub strategy: Strategy,
    /// The seed of everything that is left to chance.
    pub seed: u64,
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
        let by_batch = consumer.batch_on_failure == BatchFailure::DeadLetterItem
            && self.strategy.reads("batch_on_failure");
        self.strategy.spec().declares_dead_letters
            || consumer.on_error.may_dead_letter()
            || by_batch
            || (self.model == Model::Queue && self.scenario.queue.has_dead_letters())
    }

    /// Whether a consumer outlives the worker that its handler runs in.
    pub(crate) fn outlives_workers(&self) -> bool {
        let is_set = self.scenario.consumer.worker_lost.is_some();
        is_set && self.model == Model::Queue && self.strategy.reads("worker_lost")
    }

    /// Makes the choices of another run of this scenario those of this one, which
    /// [`Experiment::random_choices`] would make anew.
    pub fn renew_choices(&self, choices: &mut Choices) {
        choices.restart(mix(self.seed, &[FAULT_STREAM]));
    }
}

/// Separates the stream of faults from the workload's streams.
const FAULT_STREAM: u64 = 0xFA17;
