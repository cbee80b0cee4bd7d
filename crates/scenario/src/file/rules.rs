//! The rules that types cannot express: bounds, exclusions, and names that must exist.
//!
//! A rule reports the path of the offending value; the document maps it to line and column.

use entrega_choice::Point;
use entrega_clients::Strategy;
use entrega_model::Model;

use super::problem::suggestion;
use super::traffic::interval_nanos;
use super::{
    Arrivals, Body, ConsumerSettings, Dedup, Faults, KeyDistribution, Probability, Scenario,
    ScriptedFault, ServiceTime, SinkSettings, Span, SubscriptionSettings, bounds,
};
use crate::points;

/// A broken rule.
#[derive(Debug)]
pub(crate) struct Violation {
    pub(crate) path: String,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

mod brokers;
mod failures;
mod lives;
mod producer;
mod replicas;
mod transactions;

type Checked = Result<(), Violation>;

fn broken(path: impl Into<String>, message: impl Into<String>) -> Checked {
    Err(Violation { path: path.into(), message: message.into(), help: None })
}

fn broken_with_help(
    path: impl Into<String>,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Checked {
    let (path, message, help) = (path.into(), message.into(), Some(help.into()));
    Err(Violation { path, message, help })
}

/// Checks every rule and reports the first that is broken.
pub(crate) fn check(scenario: &Scenario) -> Checked {
    choices(scenario)?;
    workload(scenario)?;
    subscriptions(scenario)?;
    settings(scenario)?;
    shared_faults(&scenario.faults)?;
    scripts(scenario)?;
    expectations(scenario)
}

/// Checks what depends on where and with what a scenario runs, for a model and a strategy that were
/// asked for and that it need not name. How a sink recognises what it has done changes nothing for
/// a strategy whose sink does so by itself.
pub(crate) fn check_configuration(
    scenario: &Scenario,
    model: Model,
    strategy: Strategy,
) -> Checked {
    let (models, strategies) = (vec![model], vec![strategy]);
    let asked = Scenario { models, strategies, sink: SinkSettings::default(), ..scenario.clone() };
    failures::check(&asked)?;
    transactions::check(&asked)
}

fn choices(scenario: &Scenario) -> Checked {
    names("models", &scenario.models)?;
    names("strategies", &scenario.strategies)?;
    within("seeds", scenario.seeds)
}

fn names<T: PartialEq + std::fmt::Display>(path: &str, list: &[T]) -> Checked {
    if list.is_empty() {
        return broken_with_help(path, format!("`{path}` is empty"), "leave it out for all");
    }
    distinct(path, list)
}

fn distinct<T: PartialEq + std::fmt::Display>(path: &str, list: &[T]) -> Checked {
    for (index, name) in list.iter().enumerate() {
        if list[..index].contains(name) {
            return broken(format!("{path}.{index}"), format!("`{name}` is listed twice"));
        }
    }
    Ok(())
}

/// The bounds of a setting that has some; without a row there, this would be no rule.
fn row<T: Copy>(rows: &[bounds::Bound<T>], path: &str) -> Option<(T, T)> {
    let found = bounds::of(rows, path);
    debug_assert!(found.is_some(), "there are no bounds for `{path}`");
    found
}

/// A whole number within the bounds of its setting.
fn within(path: &str, value: impl Into<u64>) -> Checked {
    let (least, most) = row(&bounds::WHOLE, path).unwrap_or((0, u64::MAX));
    let value = value.into();
    let name = path.rsplit('.').next().unwrap_or(path);
    if value < least {
        return broken(path, format!("`{name}` is {value}; it is at least {least}"));
    }
    if value > most {
        return broken(path, format!("`{name}` is {value}; it is at most {most}"));
    }
    Ok(())
}

fn number_within(path: &str, value: f64) -> Checked {
    let (least, most) = row(&bounds::REAL, path).unwrap_or((f64::MIN, f64::MAX));
    let name = path.rsplit('.').next().unwrap_or(path);
    if value >= least && value <= most {
        return Ok(());
    }
    broken(path, format!("`{name}` is {value}; it lies between {least} and {most}"))
}

fn not_zero(path: &str, span: Span) -> Checked {
    let name = path.rsplit('.').next().unwrap_or(path);
    if span == Span::default() {
        return broken(path, format!("`{name}` is 0s; it is longer than no time"));
    }
    Ok(())
}

fn workload(scenario: &Scenario) -> Checked {
    let workload = &scenario.workload;
    if workload.from.is_some() {
        let given = [
            ("messages", workload.messages.is_some()),
            ("keys", workload.keys.is_some()),
            ("key_distribution", workload.key_distribution.is_some()),
            ("arrivals", workload.arrivals.is_some()),
            ("due_after", workload.due_after.is_some()),
        ];
        for (name, given) in given {
            if given {
                let message = format!("`{name}` and `from` exclude each other");
                let help = "the file says which messages there are; remove one of them";
                return broken_with_help(format!("workload.{name}"), message, help);
            }
        }
        return bodies(scenario);
    }
    within("workload.messages", workload.message_count())?;
    within("workload.keys", workload.key_count())?;
    if let Some(KeyDistribution::Zipf { exponent }) = workload.key_distribution {
        number_within("workload.key_distribution.exponent", exponent)?;
    }
    arrivals(workload.arrivals.unwrap_or_default(), workload.message_count())?;
    workload.due_after.map_or(Ok(()), |wait| not_zero("workload.due_after", wait))?;
    bodies(scenario)
}

fn bodies(scenario: &Scenario) -> Checked {
    let workload = &scenario.workload;
    if workload.body == Body::Order && workload.bytes.is_some() {
        let message = "`bytes` is the size of an opaque body; an order has the size of its text";
        let help = "write body = \"opaque\", or remove `bytes`";
        return broken_with_help("workload.bytes", message, help);
    }
    within("workload.bytes", workload.opaque_bytes())
}

fn arrivals(arrivals: Arrivals, messages: u32) -> Checked {
    let rate_path = "workload.arrivals.rate_per_second";
    let (path, nanos) = match arrivals {
        Arrivals::Poisson { rate_per_second } | Arrivals::Constant { rate_per_second } => {
            number_within(rate_path, rate_per_second)?;
            (rate_path, u128::from(interval_nanos(rate_per_second)))
        }
        Arrivals::Burst { burst_size, every } => {
            within("workload.arrivals.burst_size", burst_size)?;
            not_zero("workload.arrivals.every", every)?;
            let each = u128::from(every.nanos()).div_ceil(u128::from(burst_size));
            ("workload.arrivals.every", each)
        }
        Arrivals::Backlog => return Ok(()),
    };
    if nanos * u128::from(messages) > u128::from(Span::MAX.nanos()) {
        return broken(path, format!("{messages} messages take more than 100 years at this rate"));
    }
    Ok(())
}

fn subscriptions(scenario: &Scenario) -> Checked {
    let all = &scenario.subscriptions;
    if all.is_empty() || all.len() > points::MAX_SUBSCRIPTIONS {
        let most = points::MAX_SUBSCRIPTIONS;
        let message = format!("there are {} subscriptions; there are 1 to {most}", all.len());
        return broken("subscriptions", message);
    }
    for (index, subscription) in all.iter().enumerate() {
        let path = format!("subscriptions.{index}");
        if !is_name(&subscription.name) {
            let message = format!("`{}` is no name for a subscription", subscription.name);
            let help = "a lower-case letter, then lower-case letters, digits and hyphens";
            return broken_with_help(format!("{path}.name"), message, help);
        }
        if all[..index].iter().any(|other| other.name == subscription.name) {
            let message = format!("there are two subscriptions `{}`", subscription.name);
            return broken(format!("{path}.name"), message);
        }
        within(&format!("{path}.consumers"), subscription.consumers)?;
        service_time(&format!("{path}.service_time"), subscription.service_time)?;
        own_faults(&format!("{path}.faults"), subscription)?;
        lives::check(&path, subscription)?;
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(rest)
}

fn service_time(path: &str, time: ServiceTime) -> Checked {
    match time {
        ServiceTime::Uniform { min, max } if min > max => {
            broken(format!("{path}.min"), format!("`min` is {min}, longer than `max`, {max}"))
        }
        ServiceTime::LogNormal { sigma, .. } => number_within(&format!("{path}.sigma"), sigma),
        _ => Ok(()),
    }
}

fn own_faults(path: &str, subscription: &SubscriptionSettings) -> Checked {
    let Some(faults) = &subscription.faults else { return Ok(()) };
    for info in points::FAULTS.iter().filter(|info| !info.per_subscription) {
        if faults.point(info.fault).is_some() {
            let message = format!("`{}` belongs to no subscription", info.name);
            let help = format!("write `{}` under [faults]", info.name);
            return broken_with_help(format!("{path}.{}", info.name), message, help);
        }
    }
    sums(path, faults)
}

fn shared_faults(faults: &Faults) -> Checked {
    sums("faults", faults)
}

fn sums(path: &str, faults: &Faults) -> Checked {
    for info in &points::FAULTS {
        let odds = faults.point(info.fault).into_iter().flatten();
        let given: Vec<Probability> = odds.map(|(_, probability)| *probability).collect();
        if !Probability::fit_together(&given) {
            let message = format!("the probabilities of `{}` add up to more than 1", info.name);
            return broken(format!("{path}.{}", info.name), message);
        }
    }
    Ok(())
}

fn settings(scenario: &Scenario) -> Checked {
    producer::check(scenario)?;
    let consumer = &scenario.consumer;
    within("consumer.prefetch", consumer.prefetch)?;
    within("consumer.settle_every", consumer.settle_every)?;
    within("consumer.batch_size", consumer.batch_size)?;
    within("consumer.workers", consumer.workers)?;
    not_zero("consumer.settle_interval", consumer.settle_interval)?;
    within("consumer.settle_retries", consumer.settle_retries)?;
    not_zero("consumer.request_timeout", consumer.request_timeout)?;
    not_zero("consumer.auto_commit_interval", consumer.auto_commit_interval)?;
    within("consumer.max_attempts", consumer.max_attempts)?;
    if let Some(interval) = consumer.lease_renewal {
        not_zero("consumer.lease_renewal", interval)?;
    }
    if let Some(interval) = consumer.max_poll_interval {
        not_zero("consumer.max_poll_interval", interval)?;
    }
    static_members(consumer)?;
    not_zero("consumer.metadata_refresh", consumer.metadata_refresh)?;
    failures::check(scenario)?;
    sink(scenario)?;
    brokers::check(scenario)?;
    replicas::check(scenario)?;
    not_zero("times.outage", scenario.times.outage)?;
    if let Some(distribution) = scenario.times.stall_distribution {
        service_time("times.stall_distribution", distribution)?;
    }
    transactions::check(scenario)?;
    not_zero("limits.drain", scenario.limits.drain)?;
    within("limits.steps", scenario.limits.steps)
}

fn sink(scenario: &Scenario) -> Checked {
    let sink = &scenario.sink;
    if let Some(window) = sink.dedup_window {
        not_zero("sink.dedup_window", window)?;
    }
    within("sink.dedup_entries", sink.dedup_entries.unwrap_or(1))?;
    if sink.dedup == Dedup::None {
        return Ok(());
    }
    let keeps_progress = |one: &&Strategy| one.spec().sink.keeps_progress();
    let Some(strategy) = scenario.strategies.iter().find(keeps_progress) else { return Ok(()) };
    broken_with_help(
        "sink.dedup",
        format!(
            "the sink of `{strategy}` keeps the consumer's progress in the transaction of the \
             effect; that keeps a second effect out, and no key is looked for"
        ),
        format!("leave `dedup` out, or `{strategy}` out of `strategies`"),
    )
}

fn static_members(consumer: &ConsumerSettings) -> Checked {
    if !consumer.group_instance_id || consumer.max_poll_interval.is_none() {
        return Ok(());
    }
    broken_with_help(
        "consumer.group_instance_id",
        "a static member does not leave its group after `max_poll_interval`",
        "remove one of them; that its heartbeats stop instead is not simulated",
    )
}

fn scripts(scenario: &Scenario) -> Checked {
    for (index, script) in scenario.script.iter().enumerate() {
        let path = format!("script.{index}");
        if script.nth.is_some() == script.at.is_some() {
            let help = "write nth = 3 for the third occurrence, or at = \"1.5s\"";
            let both = if script.nth.is_some() { "not both" } else { "one of them" };
            let message = format!("a scripted fault has `nth` or `at`, {both}");
            return broken_with_help(path, message, help);
        }
        within(&format!("{path}.nth"), script.nth.unwrap_or(1))?;
        scripted_point(scenario, script, &path)?;
        scripted_span(script, &path)?;
    }
    Ok(())
}

/// Of points whose instants or orders are not a matter of chance.
const UNSCRIPTED: &str = "nothing can be scripted there: a crash by time follows from `mtbf`, one \
     that is placed is at a point such as `effect.after`, and a consumer that dies at a time and comes \
     back is two of `subscriptions.changes`, `dies` and `joins`; orders are left to explorations";

fn scripted_point(scenario: &Scenario, script: &ScriptedFault, path: &str) -> Checked {
    let table = points::table(&scenario.subscription_names());
    let named = (0..).zip(table.iter()).filter(|(_, spec)| !spec.name.is_empty());
    let found = named.clone().find(|(_, spec)| spec.name == script.point);
    let Some((index, _)) = found else {
        let by_chance = |index| points::describe(Point(index)).0.can_happen_by_chance();
        let known = named.filter(|(index, _)| by_chance(*index));
        let names: Vec<&str> = known.map(|(_, spec)| spec.name.as_str()).collect();
        let message = format!("there is no fault point `{}`", script.point);
        return broken_with_help(
            format!("{path}.point"),
            message,
            suggestion(&script.point, &names),
        );
    };
    let valid = points::describe(Point(index)).0.chances();
    if valid.contains(&script.alternative.as_str()) {
        return Ok(());
    }
    let message = format!("`{}` cannot happen at `{}`", script.alternative, script.point);
    let help = if valid.is_empty() {
        UNSCRIPTED.to_owned()
    } else {
        suggestion(&script.alternative, valid)
    };
    broken_with_help(format!("{path}.alternative"), message, help)
}

/// Only an outage has a length of its own, from a time of its own on.
fn scripted_span(script: &ScriptedFault, path: &str) -> Checked {
    let Some(span) = script.span else { return Ok(()) };
    let path = format!("{path}.for");
    not_zero(&path, span)?;
    let outages = || points::FAULTS.iter().filter(|info| info.is_outage());
    let lasts = outages().any(|info| script.point.ends_with(info.name));
    if !lasts {
        let names: Vec<&str> = outages().map(|info| info.name).collect();
        let message = format!("`{}` is no outage, and lasts as [times] says", script.point);
        return broken_with_help(path, message, format!("`for` is for {}", names.join(", ")));
    }
    if script.at.is_none() {
        let help = "write at = \"1.5s\" instead of `nth`, or remove `for`";
        return broken_with_help(path, "`for` is counted from `at`", help);
    }
    Ok(())
}

fn expectations(scenario: &Scenario) -> Checked {
    let subscriptions = scenario.subscription_names();
    for (index, expect) in scenario.expect.iter().enumerate() {
        let path = format!("expect.{index}");
        if expect.conditions().next().is_none() && expect.verdict.is_none() {
            let help = "state a count, as in lost = \"0\", or a verdict";
            return broken_with_help(path, "an expectation expects nothing", help);
        }
        if let Some(name) = &expect.subscription
            && !subscriptions.contains(&name.as_str())
        {
            let message = format!("there is no subscription `{name}`");
            let help = suggestion(name, &subscriptions);
            return broken_with_help(format!("{path}.subscription"), message, help);
        }
        if let Some(model) = expect.model.filter(|model| !scenario.models.contains(model)) {
            let message = format!("`{model}` is none of the scenario's models");
            return broken(format!("{path}.model"), message);
        }
        if let (Some(model), Some(strategy)) = (expect.model, expect.strategy)
            && !strategy.supports(model)
        {
            let message =
                format!("`{strategy}` does not run on the {model}, so this is never asked");
            let help = "remove it, or name another model or strategy";
            return broken_with_help(format!("{path}.strategy"), message, help);
        }
        let ran = |strategy: &Strategy| scenario.strategies.contains(strategy);
        if let Some(strategy) = expect.strategy.filter(|strategy| !ran(strategy)) {
            let message = format!("`{strategy}` is none of the scenario's strategies");
            return broken(format!("{path}.strategy"), message);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row whose setting was renamed is noticed; `the_rules_have_the_bounds_of_the_schema` asks
    /// for every one that there is.
    #[test]
    #[should_panic(expected = "there are no bounds for `consumer.prefetched`")]
    fn a_rule_without_bounds_is_noticed() {
        let _ = within("consumer.prefetched", 0_u32);
    }
}
