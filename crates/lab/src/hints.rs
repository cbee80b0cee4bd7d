//! What a scenario's author may not have meant: settings that go together badly, with the number
//! that says so, before a run; and what to write after one that fails in one way only.
//!
//! None of it is a mistake. A scenario may be about overload, or about a group that begins too
//! late; but a first own scenario often is by accident.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use entrega::untried;
use entrega_checker::{Cause, Class, Reason, Verdict};
use entrega_explain::digits::counted;
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::workload::Extent;
use entrega_scenario::{
    AutoOffsetReset, Expectation, ProducerStrategy, Scenario, ServiceTime, SubscriptionSettings,
};

use crate::configuration::Configuration;
use crate::loaded::LoadedScenario;

/// Warnings about what these configurations will run into, each once.
pub fn warnings(loaded: &LoadedScenario, chosen: &[Configuration], seed: u64) -> Vec<String> {
    let full = loaded.full();
    let scenario = &full.scenario;
    let extent = full.extent(seed);
    let load = Load::of(scenario, &extent);
    let mut warnings: Vec<String> = load.unreachable_rate(scenario).into_iter().collect();
    let mut said = BTreeSet::new();
    for (id, _) in (0..).map(SubscriptionId).zip(&scenario.subscriptions) {
        for &configuration in chosen {
            let idle = idle_consumers(scenario, id, configuration.model);
            let overload = load.overload(scenario, id, configuration);
            let new = |warning: &String| said.insert(warning.clone());
            warnings.extend(idle.into_iter().chain(overload).filter(new));
        }
        for model in [Model::Log, Model::Queue] {
            let mut of_it = chosen.iter().filter(|one| one.model == model);
            warnings.extend(of_it.find_map(|one| {
                let Configuration { model, strategy } = *one;
                untried::warning(scenario, &extent, id, model, strategy)
            }));
        }
    }
    if chosen.iter().any(|one| one.model == Model::Queue) {
        warnings.extend(loaded.beyond_profile.iter().map(ToString::to_string));
    }
    warnings.extend(expectations_of_nothing(loaded, chosen));
    warnings
}

/// How much there is to do.
struct Load {
    /// How many messages follow the first.
    more: u64,
    /// How long it takes until the last of them is sent, in nanoseconds; 0 if all are sent at once.
    span: u64,
    /// The mean service time in nanoseconds, by subscription.
    service: Vec<u64>,
}

impl Load {
    fn of(scenario: &Scenario, extent: &Extent) -> Self {
        let (sum, count) = extent.recorded;
        let recorded = sum.checked_div(count.into()).map(|mean| mean as u64);
        let mean = |one: &SubscriptionSettings| recorded.unwrap_or_else(|| mean(one.service_time));
        Self {
            more: extent.messages.saturating_sub(1),
            span: extent.span.as_nanos(),
            service: scenario.subscriptions.iter().map(mean).collect(),
        }
    }

    /// Messages a second between the first send and the last.
    fn rate(&self) -> f64 {
        self.more as f64 / seconds(self.span)
    }

    /// A confirmed producer waits when so many messages are on their way.
    fn unreachable_rate(&self, scenario: &Scenario) -> Option<String> {
        let confirmed = scenario.producer.strategy == ProducerStrategy::Confirmed;
        let latency = scenario.network.latency.duration().as_nanos();
        let jitter = scenario.network.jitter.duration().as_nanos();
        let round_trip = latency.saturating_mul(2).saturating_add(jitter);
        let window = scenario.producer.max_in_flight;
        let needed = u128::from(self.more) * u128::from(round_trip) / u128::from(window);
        if self.span == 0 || !confirmed || needed <= self.span.into() {
            return None;
        }
        let round_trip = seconds(round_trip);
        Some(format!(
            "the producer cannot send {} messages a second: it waits for each acknowledgement, \
             which takes {} ms, so it sends {} a second at most; `producer.strategy = \
             \"fire-and-forget\"` or a shorter `network.latency` would help",
            number(self.rate()),
            number(round_trip * 1e3),
            number(f64::from(window) / round_trip)
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
        let at_once = u128::from(consumers) * u128::from(workers);
        let needed = u128::from(self.more) * u128::from(service);
        let there_is = at_once.saturating_mul(self.span.into());
        if self.span == 0 || needed < there_is - there_is / ROUNDING {
            return None;
        }
        let utilisation = needed as f64 / there_is as f64;
        let mut who = counted(consumers, "consumer");
        if workers > 1 {
            let _ = write!(who, " with {} each", counted(workers, "worker"));
        }
        let of = if consumers < settings.consumers { " that have a partition" } else { "" };
        Some(format!(
            "{} is overloaded on the {model}: {} messages a second, {} ms each, for {who}{of}: \
             utilisation {}; a backlog grows for as long as messages come",
            settings.name,
            number(self.rate()),
            number(seconds(service) * 1e3),
            number(utilisation)
        ))
    }
}

/// A mean of samples is a little off: by less than one part in so many.
const ROUNDING: u128 = 1_000;

/// Consumers of a log that get no partition.
fn idle_consumers(scenario: &Scenario, id: SubscriptionId, model: Model) -> Option<String> {
    let settings = &scenario.subscriptions[id.index()];
    let most = scenario.log.partitions_added.map_or(scenario.log.partitions, |added| added.to);
    let (consumers, partitions) = (settings.consumers, u32::from(most));
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
/// latest offset. `examples` has every cause that a message was lost for.
pub fn of_losses<T>(
    scenario: &Scenario,
    model: Model,
    verdict: Verdict,
    reasons: impl IntoIterator<Item = Reason>,
    examples: &BTreeMap<(Class, Cause), T>,
) -> Option<&'static str> {
    let latest = scenario.log.auto_offset_reset == AutoOffsetReset::Latest;
    let only_lost = reasons.into_iter().all(|reason| reason == Reason::Lost || reason.is_open());
    let causes = examples.keys().filter(|(class, _)| *class == Class::Lost);
    let causes: BTreeSet<Cause> = causes.map(|(_, cause)| *cause).collect();
    let skipped = causes == [Cause::SkippedByReset].into();
    let fails = model == Model::Log && verdict == Verdict::Invalid && only_lost;
    (latest && fails && skipped).then_some(LATEST)
}

const LATEST: &str = "every loss is a message that a reset skipped: without a committed offset a \
    group begins at the end of the log, because auto_offset_reset is \"latest\" (the default, as in \
    Kafka). If it should read what was sent before it had committed anything, write \
    auto_offset_reset = \"earliest\" under [log]";

/// In nanoseconds.
fn mean(of: ServiceTime) -> u64 {
    match of {
        ServiceTime::Constant { value } => value.nanos(),
        ServiceTime::Uniform { min, max } => min.nanos().midpoint(max.nanos()),
        ServiceTime::Exponential { mean } => mean.nanos(),
        ServiceTime::LogNormal { median, sigma } => {
            (median.nanos() as f64 * libm::exp(sigma * sigma / 2.0)) as u64
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A loss that nothing explains is no reset's.
    #[test]
    fn every_loss_must_be_skipped() {
        let loaded = LoadedScenario::parse("plain.toml", "").expect("a scenario");
        let check = |causes: &[(Class, Cause)], expect: bool| {
            let examples = causes.iter().map(|one| (*one, ())).collect();
            let reasons = [Reason::Lost];
            let scenario = &loaded.scenario;
            let hint = of_losses(scenario, Model::Log, Verdict::Invalid, reasons, &examples);
            assert_eq!(hint.is_some(), expect, "{causes:?}");
        };
        let skipped = (Class::Lost, Cause::SkippedByReset);
        check(&[], false);
        check(&[skipped], true);
        check(&[skipped, (Class::Duplicated, Cause::Unexplained)], true);
        check(&[skipped, (Class::Lost, Cause::Unexplained)], false);
        check(&[skipped, (Class::Lost, Cause::RemovedRetention)], false);
    }

    #[test]
    fn a_plan_comes_to_what_is_planned() {
        let text = "workload = { messages = 50 }";
        let loaded = LoadedScenario::parse("plain.toml", text).expect("a scenario");
        let full = loaded.full();
        let (extent, planned) = (full.extent(7), full.workload(7).planned);
        assert_eq!(extent.messages, planned.len() as u64);
        assert_eq!(extent.span, planned[49].at.since(planned[0].at));
        assert_eq!(extent.recorded, (0, 0));
    }
}
