//! What every consumer of a run executes: a strategy of the catalogue, or a user's own code.

use std::future::Future;

use entrega_brokers::{LogBroker, QueueBroker};
use entrega_clients::application::ProgressInSink;
use entrega_clients::inbox::{LogInbox, QueueInbox};
use entrega_clients::{Catalogued, Stop, consumers};
use entrega_scenario::setup;

use crate::experiment::Experiment;
use crate::link::SimLink;

/// What every consumer of a run executes.
pub(crate) trait Program {
    /// Whether all that a process knows between two deliveries is what its client library knows.
    fn keeps_nothing_between_deliveries(&self) -> bool {
        false
    }

    /// Whether its process waits for one thing at a time.
    fn waits_for_one_thing(&self) -> bool {
        false
    }

    /// Whether, in an exploration, idle answers may be left out while nothing else happens.
    fn polls_sleep(&self) -> bool {
        false
    }

    /// Whether they are given after all, once, when the world is at rest.
    fn is_woken(&self) -> bool {
        false
    }

    /// On a log.
    async fn on_log<'a>(
        &'a self,
        link: &'a SimLink<LogBroker>,
        inbox: &'a LogInbox<SimLink<LogBroker>>,
        app: &'a impl ProgressInSink,
    ) -> Result<(), Stop>;

    /// On a queue.
    async fn on_queue<'a>(
        &'a self,
        link: &'a SimLink<QueueBroker>,
        inbox: &'a QueueInbox<SimLink<QueueBroker>>,
        app: &'a impl ProgressInSink,
    ) -> Result<(), Stop>;
}

impl Experiment<'_> {
    /// The strategy that it names, as its scenario sets it.
    pub(crate) fn catalogued(&self) -> Catalogued {
        let config = setup::strategy_config(&self.scenario.consumer);
        Catalogued { strategy: self.strategy, config }
    }
}

impl Program for Catalogued {
    fn keeps_nothing_between_deliveries(&self) -> bool {
        self.strategy.spec().keeps_nothing_between_deliveries
    }

    fn waits_for_one_thing(&self) -> bool {
        self.strategy.spec().waits_for_one_thing
    }

    fn on_log<'a>(
        &'a self,
        _link: &'a SimLink<LogBroker>,
        inbox: &'a LogInbox<SimLink<LogBroker>>,
        app: &'a impl ProgressInSink,
    ) -> impl Future<Output = Result<(), Stop>> {
        consumers::run_on_log(self.strategy, inbox, app, &self.config)
    }

    fn on_queue<'a>(
        &'a self,
        _link: &'a SimLink<QueueBroker>,
        inbox: &'a QueueInbox<SimLink<QueueBroker>>,
        app: &'a impl ProgressInSink,
    ) -> impl Future<Output = Result<(), Stop>> {
        consumers::run_on_queue(self.strategy, inbox, app, &self.config)
    }
}
