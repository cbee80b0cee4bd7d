//! What strategies are known for, found by exploration: every run of three messages with at most
//! two consumer-side faults, crash after slow, zombie and lost settle among them.

use entrega_checker::{Checker, Class, Report};
use entrega_choice::Choice;
use entrega_model::event::{EffectVerdict, SettleOutcome};
use entrega_model::fingerprint::Fingerprint;
use entrega_model::{Event, Guarantee, Kind, Observer, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::workload::{Planner, Workload};
use entrega_sim::explore::{Explored, Scope, Space, Witness};
use entrega_sim::{Experiment, RunEnd};

use crate::contracts::{Contract, Need, Sight};

/// Everything is sent at once to one consumer, or to two.
const SCENARIO: &str = r#"
[workload]
messages = 3
[[subscriptions]]
name = "reader"
consumers = 2
[consumer]
prefetch = 3
settle_every = 2
batch_size = 2
workers = 2
max_attempts = 1
request_timeout = "1s"
auto_commit_interval = "50ms"
[log]
session_timeout = "6s"
auto_offset_reset = "earliest"
[queue]
visibility_timeout = "6s"
dead_letter = true
[limits]
drain = "60s"
[faults]
effect.before = { crash = 0.1 }
effect.after = { crash = 0.1 }
settle.after = { crash = 0.1 }
settle.request = { lost = 0.1 }
process.stall = { before = 0.1 }
handler.slow = { slow = 0.1 }
handler.error = { transient = 0.1 }
"#;

/// For those that have an end for a message that nobody can process.
const FAILURES: &str = "message.poison = { poison = 0.1 }\ndead_letter.response = { lost = 0.1 }\n";

/// So many runs are enough for all that is looked for here.
const BUDGET: u64 = 20_000;

/// A strategy in its small scope.
pub(crate) struct Small {
    contract: Contract,
    scenario: Scenario,
    workload: Workload,
}

impl Small {
    /// With the settings that the promise needs, if there is one.
    pub(crate) fn of(contract: &Contract) -> Self {
        let failures = if contract.strategy.spec().declares_dead_letters { FAILURES } else { "" };
        let text = format!("{SCENARIO}{failures}");
        let loaded = Scenario::parse("sights", &text, &[], &|_| Err(String::new()));
        let mut scenario = loaded.unwrap_or_else(|problem| panic!("{problem}")).scenario;
        scenario.consumer.enable_auto_commit = !contract.needs.contains(&Need::AutoCommitOff);
        let subscription = SubscriptionId(0);
        let scope = Scope { subscription, messages: 3, consumers: 2, partitions: 1 };
        let scenario = scope.of(&scenario);
        let workload = Planner::new(&scenario).plan(None, 1);
        Self { contract: *contract, scenario, workload }
    }

    fn experiment(&self) -> Experiment<'_> {
        let Contract { model, strategy, .. } = self.contract;
        Experiment { scenario: &self.scenario, workload: &self.workload, model, strategy, seed: 1 }
    }

    /// Explores it.
    pub(crate) fn explore(&self) -> Explored<Sight> {
        let checker = Checker::new(entrega::judge::config(&self.experiment()));
        let mut witness = Seer {
            checker,
            stopped: false,
            aborted: false,
            refused: false,
            effects_are_records: self.contract.strategy.spec().sink.is_broker(),
        };
        let space = Space::of(&self.scenario, 2, 0);
        self.experiment().explore(space, BUDGET, &mut witness)
    }

    /// One run of it, judged by some promise.
    pub(crate) fn judge(&self, choices: &[Choice], guarantee: Guarantee) -> Report {
        let experiment = self.experiment();
        let mut config = entrega::judge::config(&experiment);
        config.subscriptions[0].guarantee = guarantee;
        let mut checker = Checker::new(config);
        let choices = entrega::judge::explicit(&experiment, choices);
        let outcome = experiment.run(choices, &mut checker);
        checker.finish(entrega::judge::end(outcome.end))
    }
}

/// The checker, and what its classes do not tell.
struct Seer {
    checker: Checker,
    stopped: bool,
    aborted: bool,
    refused: bool,
    effects_are_records: bool,
}

impl Observer for Seer {
    fn observe(&mut self, events: &[Event]) {
        self.checker.observe(events);
        self.stopped |= events.iter().any(|event| match event.kind {
            Kind::Effect { verdict, .. } => verdict != EffectVerdict::Applied,
            _ => false,
        });
        self.aborted |= events.iter().any(|event| matches!(event.kind, Kind::Aborted { .. }));
        self.refused |= events.iter().any(|event| {
            matches!(event.kind, Kind::SettleEnded { outcome: SettleOutcome::Fail, .. })
        });
    }
}

impl Witness for Seer {
    type Finding = Sight;

    fn begin(&mut self) {
        self.checker.reset();
        self.stopped = false;
        self.aborted = false;
        self.refused = false;
    }

    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        self.checker.fingerprint(into);
        into.flag(self.stopped);
        into.flag(self.aborted);
        into.flag(self.refused);
    }

    fn findings(&mut self, end: RunEnd) -> Vec<Sight> {
        let report = self.checker.finish(entrega::judge::end(end));
        let of = &report.subscriptions[0];
        let classes = [Class::Lost, Class::Duplicated, Class::Split, Class::DeadLettered];
        let seen = classes.into_iter().filter(|&class| of.classes.get(class) > 0).map(Sight::Class);
        let stopped = self.stopped.then_some(Sight::Stopped);
        let twice = (of.dlq_excess > 0).then_some(Sight::DeadLetteredTwice);
        let aborted = self.aborted.then_some(Sight::Aborted);
        let refused = (self.refused && self.effects_are_records).then_some(Sight::Refused);
        seen.chain(stopped).chain(twice).chain(aborted).chain(refused).collect()
    }
}
