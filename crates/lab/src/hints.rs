//! What a scenario's author may not have meant: settings that go together badly, with the number
//! that says so, before a run; and what to write after one that fails in one way only.
//!
//! None of it is a mistake. A scenario may be about overload, or about a group that begins too
//! late; but a first own scenario often is by accident.

use std::collections::BTreeSet;
use std::fmt::Write;

use entrega_checker::{Cause, Causes, Reason, Verdict};
use entrega_explain::digits::counted;
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::workload::Workload;
use entrega_scenario::{AutoOffsetReset, Expectation, ProducerStrategy, Scenario, ServiceTime};

use crate::configuration::Configuration;
use crate::loaded::LoadedScenario;

/// Warnings about what these configurations will run into, each once.
pub fn warnings(loaded: &LoadedScenario, chosen: &[Configuration], seed: u64) -> Vec<String> {
    let full = loaded.full();
    let scenario = &full.scenario;
    let load = Load::of(scenario, &full.workload(seed));
    let mut warnings: Vec<String> = load.unreachable_rate(scenario).into_iter().collect();
    let mut said = BTreeSet::new();
    for (id, _) in (0..).map(SubscriptionId).zip(&scenario.subscriptions) {
        for &configuration in chosen {
            let idle = idle_consumers(scenario, id, configuration.model);
            let overload = load.overload(scenario, id, configuration);
            let new = |warning: &String| said.insert(warning.clone());
            warnings.extend(idle.into_iter().chain(overload).filter(new));
        }
    }
    warnings.extend(expectations_of_nothing(loaded, chosen));
    warnings
}

/// How much there is to do.
struct Load {
    /// Messages a second between the first send and the last; none if all are sent at once.
    rate: Option<f64>,
    /// The mean service time in seconds, by subscription.
    service: Vec<f64>,
}

impl Load {
    fn of(scenario: &Scenario, workload: &Workload) -> Self {
        let planned = &workload.planned;
        let span = match (planned.first(), planned.last()) {
            (Some(first), Some(last)) => seconds(last.at.since(first.at).as_nanos()),
            _ => 0.0,
        };
        let rate = (span > 0.0).then(|| (planned.len() - 1) as f64 / span);
        let recorded: Vec<f64> =
            planned.iter().filter_map(|one| Some(seconds(one.service_time?.as_nanos()))).collect();
        let mean = |settings: ServiceTime| {
            if recorded.is_empty() {
                mean(settings)
            } else {
                recorded.iter().sum::<f64>() / recorded.len() as f64
            }
        };
        let subscriptions = scenario.subscriptions.iter();
        Self { rate, service: subscriptions.map(|one| mean(one.service_time)).collect() }
    }

    /// A confirmed producer sends one message after the other.
    fn unreachable_rate(&self, scenario: &Scenario) -> Option<String> {
        let confirmed = scenario.producer.strategy == ProducerStrategy::Confirmed;
        let latency = scenario.network.latency.duration().as_nanos();
        let jitter = scenario.network.jitter.duration().as_nanos();
        let round_trip = seconds(2 * latency + jitter);
        let rate = self.rate.filter(|rate| confirmed && rate * round_trip > 1.0)?;
        Some(format!(
            "the producer cannot send {} messages a second: it waits for each acknowledgement, \
             which takes {} ms, so it sends {} a second at most; `producer.strategy = \
             \"fire-and-forget\"` or a shorter `network.latency` would help",
            number(rate),
            number(round_trip * 1e3),
            number(1.0 / round_trip)
        ))
    }

    /// Consumers that have more to do than they can.
    fn overload(
        &self,
        scenario: &Scenario,
        id: SubscriptionId,
        Configuration { model, strategy }: Configuration,
    ) -> Option<String> {
        let settings = &scenario.subscriptions[id.index()];
        let consumers = match model {
            Model::Log => settings.consumers.min(u32::from(scenario.log.partitions)),
            Model::Queue => settings.consumers,
        };
        let workers = if strategy.reads("workers") { scenario.consumer.workers } else { 1 };
        let service = self.service[id.index()];
        let at_once = f64::from(consumers) * f64::from(workers);
        let utilisation = self.rate? * service / at_once;
        if utilisation < 1.0 - ROUNDING {
            return None;
        }
        let mut who = counted(consumers, "consumer");
        if workers > 1 {
            let _ = write!(who, " with {} each", counted(workers, "worker"));
        }
        let of = if consumers < settings.consumers { " that have a partition" } else { "" };
        Some(format!(
            "{} is overloaded on the {model}: {} messages a second, {} ms each, for {who}{of}: \
             utilisation {}; a backlog grows for as long as messages come",
            settings.name,
            number(self.rate?),
            number(service * 1e3),
            number(utilisation)
        ))
    }
}

/// A mean of samples is a little off.
const ROUNDING: f64 = 1e-3;

/// Consumers of a log that get no partition.
fn idle_consumers(scenario: &Scenario, id: SubscriptionId, model: Model) -> Option<String> {
    let settings = &scenario.subscriptions[id.index()];
    let (consumers, partitions) = (settings.consumers, u32::from(scenario.log.partitions));
    let idle = consumers.checked_sub(partitions).filter(|idle| *idle > 0)?;
    (model == Model::Log).then(|| {
        format!(
            "{} of the {consumers} consumers of {} are idle on the log, which has {}; \
             `log.partitions = {consumers}` would give each of them one",
            idle,
            settings.name,
            counted(partitions, "partition")
        )
    })
}

/// Expectations that select none of the runs that the scenario or the caller asks for.
fn expectations_of_nothing(loaded: &LoadedScenario, chosen: &[Configuration]) -> Vec<String> {
    let scenario = &loaded.scenario;
    let all = Configuration::all(&scenario.models, &scenario.strategies);
    let runs = all.iter().filter(|one| one.is_supported()).chain(chosen);
    let runs: Vec<&Configuration> = runs.collect();
    let names = scenario.subscription_names();
    let selects = |expect: &Expectation| {
        runs.iter()
            .any(|one| names.iter().any(|name| expect.selects(one.model, one.strategy, name)))
    };
    let of_nothing = scenario.expect.iter().enumerate().filter(|(_, one)| !selects(one));
    of_nothing
        .map(|(index, expect)| {
            let model = expect.model.map(|model| format!("model {model}"));
            let strategy = expect.strategy.map(|strategy| format!("strategy {strategy}"));
            let what: Vec<String> = model.into_iter().chain(strategy).collect();
            let what = what.join(" and ");
            format!("[[expect]] number {} applies to no run: none is of {what}", index + 1)
        })
        .collect()
}

/// What to write if messages were lost, and all that were lost were skipped by a reset to the
/// latest offset.
pub fn of_losses(
    scenario: &Scenario,
    model: Model,
    verdict: Verdict,
    reasons: impl IntoIterator<Item = Reason>,
    causes: &Causes,
) -> Option<&'static str> {
    let latest = scenario.log.auto_offset_reset == AutoOffsetReset::Latest;
    let only_lost = reasons.into_iter().all(|reason| reason == Reason::Lost || reason.is_open());
    let is_loss = |cause: &Cause| *cause <= Cause::DlqExpired;
    let mut losses = causes.keys().filter(|cause| is_loss(cause)).peekable();
    let some = losses.peek().is_some();
    let skipped = some && losses.all(|cause| *cause == Cause::SkippedByReset);
    let fails = model == Model::Log && verdict == Verdict::Invalid && only_lost;
    (latest && fails && skipped).then_some(LATEST)
}

const LATEST: &str = "every loss is a message that a reset skipped: without a committed offset a \
    group begins at the end of the log, because auto_offset_reset is \"latest\" (the default, as in \
    Kafka). If it should read what was sent before it had committed anything, write \
    auto_offset_reset = \"earliest\" under [log]";

fn mean(of: ServiceTime) -> f64 {
    let span = |span: entrega_scenario::Span| seconds(span.duration().as_nanos());
    match of {
        ServiceTime::Constant { value } => span(value),
        ServiceTime::Uniform { min, max } => f64::midpoint(span(min), span(max)),
        ServiceTime::Exponential { mean } => span(mean),
        ServiceTime::LogNormal { median, sigma } => span(median) * libm::exp(sigma * sigma / 2.0),
    }
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

/// Three significant digits or so.
fn number(value: f64) -> String {
    match value {
        100.0.. => format!("{value:.0}"),
        10.0.. => format!("{value:.1}").trim_end_matches(".0").to_owned(),
        _ => format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned(),
    }
}
