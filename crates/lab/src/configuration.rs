//! A configuration: a strategy on a model of a broker; and why a scenario does not go with one.

use std::fmt;

use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::Problem;
use thiserror::Error;

/// A strategy on a model: a row of a comparison, or a space of an exploration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The kind of broker.
    pub model: Model,
    /// What every consumer does.
    pub strategy: Strategy,
}

impl Configuration {
    /// Every strategy on every model, model by model, whether it runs there or not.
    pub fn all(models: &[Model], strategies: &[Strategy]) -> Vec<Self> {
        let on = |&model: &Model| strategies.iter().map(move |&strategy| Self { model, strategy });
        models.iter().flat_map(on).collect()
    }

    /// Whether the strategy runs on the model.
    pub fn is_supported(self) -> bool {
        self.strategy.supports(self.model)
    }
}

impl fmt::Display for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.model, self.strategy)
    }
}

/// Why a scenario cannot be run as asked for.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unfit {
    /// The log cannot give a message back: choose another model, or another policy.
    #[error(
        "{scenario}: consumer.on_error = \"{policy}\" is impossible on the log, which takes nothing \
         back\n  help: choose another model or policy; valid on both: retry, skip, \
         skip-and-settle, crash, dead-letter"
    )]
    RequeueOnLog {
        /// The name of the scenario.
        scenario: String,
        /// What it calls its policy.
        policy: &'static str,
    },
    /// The log has no topic that holds a copy back: choose another model, or another policy.
    #[error(
        "{scenario}: consumer.on_error = \"retry-topic\" is impossible on the log, which has one \
         topic and holds nothing back\n  help: choose another model or policy; valid on both: retry, \
         skip, skip-and-settle, crash, dead-letter"
    )]
    RetryTopicOnLog {
        /// The name of the scenario.
        scenario: String,
    },
    /// A log has no supervisor that settles one message: choose another model, or leave it out.
    #[error(
        "{scenario}: consumer.worker_lost is impossible on the log, where one offset stands for all \
         messages\n  help: choose another model, or write --set consumer.worker_lost=none"
    )]
    WorkerLostOnLog {
        /// The name of the scenario.
        scenario: String,
    },
    /// A setting asks for what this model cannot do with this strategy: change it, or choose
    /// another model or strategy.
    #[error(
        "{scenario}: {} is impossible on the {} with {}: {}{}",
        problem.file,
        configuration.model,
        configuration.strategy,
        problem.message,
        problem.help.as_ref().map_or_else(String::new, |help| format!("\n  help: {help}"))
    )]
    Setting {
        /// The name of the scenario.
        scenario: String,
        /// What was asked for.
        configuration: Configuration,
        /// The setting, in the place of a file, and what is wrong with it there.
        problem: Problem,
    },
    /// The strategy does not run on the model: choose one that supports it.
    #[error(
        "{scenario}: {} does not run on the {}\n  help: valid is {}",
        configuration.strategy,
        configuration.model,
        supporting(configuration.strategy)
    )]
    Unsupported {
        /// The name of the scenario.
        scenario: String,
        /// What was asked for.
        configuration: Configuration,
    },
    /// The scenario has no such subscription: choose one that it has.
    #[error("{scenario}: there is no subscription `{asked}`\n  help: there are {valid}")]
    NoSubscription {
        /// The name of the scenario.
        scenario: String,
        /// What was asked for.
        asked: String,
        /// The subscriptions that it has.
        valid: String,
    },
}

/// The models that support a strategy, as options of the command line.
fn supporting(strategy: Strategy) -> String {
    let models = [Model::Log, Model::Queue].into_iter();
    let options = models.filter(|&model| strategy.supports(model));
    let options: Vec<String> = options.map(|model| format!("--model {model}")).collect();
    options.join(", ")
}
