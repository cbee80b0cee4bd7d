//! One run and its judgement: the simulator and the checker meet here.

use std::cell::RefCell;
use std::sync::Arc;

use entrega_checker::{
    Checker, Config, Finding, Report, SubscriptionConfig, SubscriptionReport, TimedCrashes,
    findings,
};
use entrega_choice::{Choice, Choices, PointSpec};
use entrega_clients::Consumer;
use entrega_model::{Observer, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::{Cast, points, setup};
use entrega_sim::{Arena, Experiment, Outcome, OwnConsumer, RunEnd};

use crate::own::unrest;

/// A run with the checker's report on it.
pub struct Judged {
    /// What became of every message.
    pub report: Report,
    /// How the run went, with its choices.
    pub outcome: Outcome,
}

/// Runs an experiment with these choices and judges it; `also` sees every event too.
pub fn judge(experiment: &Experiment<'_>, choices: Choices, also: &mut dyn Observer) -> Judged {
    let mut checker = checker(experiment);
    let outcome = experiment.run(choices, &mut (&mut checker, also));
    judged(checker.finish(end(outcome.end)), outcome)
}

/// Judged runs of one scenario by lists of choices, again and again: the names of its points are
/// put together once, and all runs are made in the same memory.
pub struct Replays {
    table: Arc<[PointSpec]>,
    arena: RefCell<Arena>,
}

impl Replays {
    /// No run of this scenario yet.
    pub fn of(scenario: &Scenario) -> Self {
        let table = points::table(&scenario.subscription_names());
        Self { table, arena: RefCell::default() }
    }

    /// Runs an experiment of the scenario with these choices and judges it.
    pub fn judge(&self, experiment: &Experiment<'_>, choices: &[Choice]) -> Judged {
        let mut checker = checker(experiment);
        let choices = Choices::explicit(Arc::clone(&self.table), choices.to_vec());
        let outcome = experiment.run_in(&mut self.arena.borrow_mut(), choices, &mut checker);
        judged(checker.finish(end(outcome.end)), outcome)
    }
}

/// Runs an experiment with consumers that are given as code, and judges it. Of a run that never
/// comes to rest it says what is lost for certain: what the broker cannot deliver and nobody alive
/// holds.
pub fn judge_own(
    experiment: &Experiment<'_>,
    own: OwnConsumer<'_, impl Consumer + Clone>,
    choices: Choices,
    also: &mut dyn Observer,
) -> Judged {
    let mut checker = checker(experiment);
    let mut events = Vec::new();
    let mut observer = (&mut checker, (&mut events, also));
    let outcome = experiment.run_own(own, choices, &mut observer);
    let report = match outcome.end {
        RunEnd::Unfinished | RunEnd::BrokerDown => unrest::judge(&mut checker, &events),
        RunEnd::Quiescent | RunEnd::Cut => checker.finish(end(outcome.end)),
    };
    judged(report, outcome)
}

/// Notes in a report how many of these faults befell each subscription. Of the instants at which a
/// consumer dies by time those count that found it alive.
pub fn note_strikes(report: &mut Report, made: &[Choice]) {
    for of in &mut report.subscriptions {
        let by_time = points::crash_by_time(of.subscription);
        let counted = |one: &&Choice| of.exposure.is_none() || one.point != by_time;
        let befell = |one: &&Choice| points::befalls(one.point, of.subscription);
        let others = made.iter().filter(befell).filter(counted).count() as u64;
        of.struck = others + of.exposure.as_ref().map_or(0, |exposure| exposure.crashes);
    }
}

fn judged(mut report: Report, outcome: Outcome) -> Judged {
    note_strikes(&mut report, outcome.choices.made());
    Judged { report, outcome }
}

/// How a run ended, for the checker.
pub fn end(end: RunEnd) -> entrega_checker::End {
    match end {
        RunEnd::Quiescent => entrega_checker::End::Quiescent,
        RunEnd::Unfinished | RunEnd::BrokerDown | RunEnd::Cut => entrega_checker::End::Unfinished,
    }
}

/// A list of choices for an experiment.
pub fn explicit(experiment: &Experiment<'_>, choices: &[Choice]) -> Choices {
    let table = points::table(&experiment.scenario.subscription_names());
    Choices::explicit(table, choices.to_vec())
}

/// What a run shows of a subscription. One that a limit interrupted has not stalled: the broker
/// would have come back.
pub fn shown(of: &SubscriptionReport, end: RunEnd) -> impl Iterator<Item = Finding> {
    let stalls = end != RunEnd::BrokerDown;
    let found = findings(of, self::end(end)).into_keys();
    found.filter(move |finding| stalls || *finding != Finding::Stalled)
}

/// A checker of a run that begins.
fn checker(experiment: &Experiment<'_>) -> Checker {
    let mut checker = Checker::new(config(experiment));
    checker.expect_due_times(experiment.workload.not_before.clone());
    checker
}

/// What the strategy promises to every subscription.
pub fn config(experiment: &Experiment<'_>) -> Config {
    let promise = SubscriptionConfig {
        guarantee: experiment.strategy.guarantee(experiment.model),
        dead_letters_declared: experiment.declares_dead_letters(),
        ordered: false,
    };
    Config {
        subscriptions: experiment.scenario.subscriptions.iter().map(|_| promise).collect(),
        processes: Cast::of(experiment.scenario).processes(),
        messages: experiment.workload.planned.len(),
        program_order: experiment.scenario.producer.sends_ahead(),
        redrives: experiment.scenario.queue.redrive.is_some(),
        timed_crashes: timed_crashes(experiment.scenario),
        reports_settles: true,
        resumes: setup::resumes_transactions(
            experiment.scenario,
            experiment.strategy,
            experiment.model,
        ),
    }
}

/// The consumers that die at instants of their own.
fn timed_crashes(scenario: &Scenario) -> Vec<TimedCrashes> {
    if scenario.subscriptions.iter().all(|of| of.mtbf.is_none()) {
        return Vec::new();
    }
    let dies = |of: SubscriptionId| scenario.subscriptions[of.index()].mtbf.is_some();
    let cast = Cast::of(scenario);
    let all = cast.consumers().filter(|(_, of)| dies(*of)).map(|(process, subscription)| {
        let point = points::crash_by_time(subscription).0;
        TimedCrashes { process, subscription, point, confirms: scenario.consumer.settle_confirmed }
    });
    all.collect()
}
