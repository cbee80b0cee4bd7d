//! A strategy of the catalogue as a [`Consumer`]: code that runs wherever one's own consumers do.

use super::catalogue;
use crate::application::ProgressInSink;
use crate::{
    Application, Consumer, LogSubscription, QueueSubscription, Stop, Strategy, StrategyConfig,
    Subscription,
};

/// A strategy with its settings.
#[derive(Clone, Debug)]
pub struct Catalogued {
    /// The strategy.
    pub strategy: Strategy,
    /// Its settings.
    pub config: StrategyConfig,
}

impl Catalogued {
    /// A strategy with the defaults of scenarios.
    pub fn new(strategy: Strategy) -> Self {
        Self { strategy, config: StrategyConfig::default() }
    }
}

impl Consumer for Catalogued {
    async fn run(&self, inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
        catalogue::run(self.strategy, inbox, app, &self.config).await
    }

    async fn run_on_log(
        &self,
        inbox: &impl LogSubscription,
        app: &impl ProgressInSink,
    ) -> Result<(), Stop> {
        catalogue::run_on_log(self.strategy, inbox, app, &self.config).await
    }

    async fn run_on_queue(
        &self,
        inbox: &impl QueueSubscription,
        app: &impl ProgressInSink,
    ) -> Result<(), Stop> {
        catalogue::run_on_queue(self.strategy, inbox, app, &self.config).await
    }
}
