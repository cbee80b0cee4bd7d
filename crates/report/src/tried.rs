//! What an exploration has tried, in one sentence for readers who do not know fault points.

use entrega_explain::digits::counted;
use entrega_explain::words::Language;
use entrega_lab::exploration_plan::{Bounds, ConfigurationSpace, ExplorationPlan};
use entrega_model::Model;
use entrega_scenario::points::FaultKind;

use crate::prose::listed;

/// `every run of 3 messages and 2 consumers in which at most 1 fault happens: a crash before …`.
pub(crate) fn tried(plan: &ExplorationPlan, space: &ConfigurationSpace) -> String {
    let ConfigurationSpace { scope, kinds, .. } = space;
    let Bounds { faults, preemptions, .. } = plan.bounds;
    let mut parts = vec![counted(scope.messages, "message"), counted(scope.consumers, "consumer")];
    if plan.spaces.iter().any(|one| one.configuration.model == Model::Log) {
        parts.push(counted(scope.partitions, "partition of the log"));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let mut text = format!("every run of {}", listed(&parts, "and"));
    let faults = if kinds.is_empty() { 0 } else { u32::from(faults) };
    if faults == 0 {
        text.push_str(" without faults");
    } else {
        text.push_str(&format!(" with at most {}", counted(faults, "fault")));
    }
    if preemptions > 0 {
        text.push_str(&format!(" and at most {} of order", counted(preemptions, "change")));
    }
    if faults > 0 {
        text.push_str(&format!("; a fault is {}", faults_in_words(kinds)));
    }
    text
}

/// The kinds, those of one fault together.
fn faults_in_words(kinds: &[FaultKind]) -> String {
    let mut groups: Vec<(String, Vec<&'static str>)> = Vec::new();
    for &(fault, act) in kinds {
        let (what, how) = Language::default().kind((fault, act));
        match groups.iter_mut().find(|(known, _)| *known == what) {
            Some((_, hows)) => hows.push(how),
            None => groups.push((what, vec![how])),
        }
    }
    let groups = groups.into_iter().map(|(what, hows)| {
        if hows.concat().is_empty() { what } else { format!("{what} {}", listed(&hows, "or")) }
    });
    groups.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use entrega_scenario::points::{Act, Fault, kind};

    use super::*;

    #[test]
    fn kinds_of_one_fault_are_said_together() {
        let check = |kinds: &[FaultKind], expect: &str| assert_eq!(faults_in_words(kinds), expect);
        check(&[(Fault::MessagePoison, Act::Poison)], "a poison message");
        let crashes = [
            kind("effect.before", "crash"),
            kind("settle.request", "lost"),
            kind("effect.after", "crash"),
        ];
        check(
            &crashes,
            "a crash before the effect or after the effect; a request to settle that is lost",
        );
        let legs = [Act::Lost, Act::Late, Act::Duplicated].map(|act| (Fault::SettleResponse, act));
        check(&legs, "an answer to a settle that is lost, late or doubled");
    }
}
