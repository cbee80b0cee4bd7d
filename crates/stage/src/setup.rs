//! What to run, when to give up, and what comes out.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use entrega_checker::Report;
use entrega_choice::Choice;
use entrega_clients::Strategy;
use entrega_clients::sinks::{Dedup, DedupRules, Retention};
use entrega_live::ConsumerSettings;
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::setup::{batch_rules, client_config, dedup_rules, error_policy};
use entrega_scenario::workload::Workload;
use entrega_scenario::{self as file, Scenario};
use entrega_sim::Experiment;

/// What to run: one configuration of a scenario. Clones share scenario and workload.
#[derive(Clone)]
pub struct Setup {
    /// The scenario, with as many messages as are sent.
    pub scenario: Arc<Scenario>,
    /// Its messages.
    pub workload: Arc<Workload>,
    /// The model of the broker.
    pub model: Model,
    /// The strategy of all consumers.
    pub strategy: Strategy,
    /// The seed of the workload, and of the simulated runs that this one is compared with.
    pub seed: u64,
}

impl Setup {
    /// The same configuration in the simulator's terms.
    pub fn experiment(&self) -> Experiment<'_> {
        let Self { model, strategy, seed, .. } = *self;
        Experiment { scenario: &self.scenario, workload: &self.workload, model, strategy, seed }
    }

    /// How the consumers of a subscription are set up, apart from their code.
    pub(crate) fn consumer_settings(&self, subscription: SubscriptionId) -> ConsumerSettings {
        let Self { scenario, strategy, .. } = self;
        ConsumerSettings {
            client: client_config(scenario, *strategy, subscription),
            policy: error_policy(scenario.consumer.on_error),
            max_attempts: scenario.consumer.max_attempts,
            retry_backoff: scenario.consumer.retry_backoff.duration(),
            batch: batch_rules(&scenario.consumer),
        }
    }
}

/// How the sinks of a live run recognise what they have had: in one step and for ever, if the
/// scenario asks for anything.
pub(crate) fn live_dedup(scenario: &Scenario) -> DedupRules {
    let dedup = match scenario.sink.dedup {
        file::Dedup::None => Dedup::None,
        file::Dedup::Atomic | file::Dedup::CheckThenWrite | file::Dedup::ProcessMemory => {
            Dedup::Atomic
        }
    };
    DedupRules { dedup, retention: Retention::default() }
}

/// Whether the scenario's sinks recognise in a way, or forget, as only simulated ones do.
pub fn has_simulated_sinks(scenario: &Scenario) -> bool {
    let by_broker = scenario.sink.asks_broker_ids();
    by_broker || dedup_rules(scenario) != live_dedup(scenario)
}

/// When a run gives up.
#[derive(Clone, Copy)]
pub struct Limits<'a> {
    /// How long it may take, on the machine's clock, until everything is sent and at rest.
    pub patience: Duration,
    /// Set by the caller to interrupt the run.
    pub stop: &'a AtomicBool,
}

/// A run that has ended, and its judgement.
pub struct LiveRun {
    /// The checker's report.
    pub report: Report,
    /// The injected faults, as a replay string lists them.
    pub made: Vec<Choice>,
    /// Where the run ended.
    pub ending: Ending,
}

/// Where a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Everything was sent, nothing was left to do, and all processes have closed.
    AtRest,
    /// Its patience was over, or it was interrupted.
    Busy,
    /// It was at rest, but its processes did not close in time.
    Open,
}

#[cfg(test)]
mod tests {
    use entrega_clients::Catalogued;
    use entrega_live::link::REQUEST_TIMEOUT;
    use entrega_scenario::setup::strategy_config;
    use entrega_scenario::workload::Planner;

    use super::*;

    const READER: SubscriptionId = SubscriptionId(0);

    fn setup(text: &str, strategy: Strategy) -> Setup {
        let loaded = Scenario::parse("defaults", text, &[], &|_| Err(String::new()));
        let scenario = loaded.expect("a scenario").scenario;
        let workload = Arc::new(Planner::new(&scenario).plan(None, 1));
        Setup { scenario: Arc::new(scenario), workload, model: Model::Log, strategy, seed: 1 }
    }

    /// A live consumer that is set up without a scenario has the defaults of scenarios.
    #[test]
    fn live_defaults_are_those_of_scenarios() {
        for strategy in Strategy::ALL {
            let setup = setup("[workload]\nmessages = 1\n", strategy);
            let consumer = &setup.scenario.consumer;
            assert_eq!(ConsumerSettings::of(strategy, READER), setup.consumer_settings(READER));
            assert_eq!(Catalogued::new(strategy).config, strategy_config(consumer), "{strategy}");
            assert_eq!(REQUEST_TIMEOUT, consumer.request_timeout.duration());
        }
    }

    #[test]
    fn what_a_sink_forgets_is_only_simulated() {
        let check = |table: &str, expect: bool| {
            let text = format!("[sink]\n{table}");
            let scenario = setup(&text, Strategy::ProcessThenSettle).scenario;
            assert_eq!(!has_simulated_sinks(&scenario), expect, "{table}");
            let recognises = live_dedup(&scenario).dedup == Dedup::Atomic;
            assert_eq!(recognises, !table.is_empty(), "{table}");
        };
        check("", true);
        check("dedup = 'atomic'", true);
        check("dedup = 'atomic'\ndedup_window = '1h'", false);
        check("dedup = 'atomic'\ndedup_entries = 9", false);
        check("dedup = 'check-then-write'", false);
        check("dedup = 'process-memory'", false);
    }

    #[test]
    fn another_setting_is_another_default() {
        let strategy = Strategy::ProcessThenSettle;
        let differs = |table: &str| {
            let setup = setup(&format!("[workload]\nmessages = 1\n{table}"), strategy);
            ConsumerSettings::of(strategy, READER) != setup.consumer_settings(READER)
        };
        assert!(differs("[log]\nauto_offset_reset = \"earliest\"\n"));
        assert!(differs("[consumer]\nsettle_retries = 1\n"));
        assert!(!differs("[log]\nauto_offset_reset = \"latest\"\n"));
    }
}
