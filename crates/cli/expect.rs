//! Whether a run came out as its scenario says: the tables `[[expect]]` against a report.

use entrega_checker::{Class, Report, SubscriptionReport, Verdict};
use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_sim::scenario::{Expectation, ExpectedVerdict, Scenario};
use serde::Serialize;

use crate::render::report;

/// One thing that a scenario says, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// Whose count it is.
    pub(crate) subscription: String,
    /// The name of the count, or `verdict`.
    pub(crate) what: &'static str,
    /// What should come out.
    pub(crate) expected: String,
    /// What came out.
    pub(crate) found: String,
    /// Whether they agree.
    pub(crate) holds: bool,
}

/// Everything that the scenario says of this model and strategy, against the report of a run.
pub(crate) fn findings(
    scenario: &Scenario,
    model: Model,
    strategy: Strategy,
    found: &Report,
) -> Vec<Finding> {
    let selected = scenario.expect.iter().filter(|expect| expect.selects(model, strategy));
    selected.flat_map(|expect| findings_of(expect, scenario, found)).collect()
}

fn findings_of(expect: &Expectation, scenario: &Scenario, found: &Report) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, of) in scenario.subscription_names().into_iter().zip(&found.subscriptions) {
        if expect.subscription.as_deref().is_some_and(|only| only != name) {
            continue;
        }
        let subscription = name.to_owned();
        if let Some(verdict) = expect.verdict {
            findings.push(Finding {
                subscription: subscription.clone(),
                what: "verdict",
                expected: verdict.to_string(),
                found: report::verdict(of.verdict).to_owned(),
                holds: is_verdict(verdict, of.verdict),
            });
        }
        findings.extend(expect.conditions().map(|(what, condition)| {
            let found = count(of, what);
            Finding {
                subscription: subscription.clone(),
                what,
                expected: condition.to_string(),
                found: found.to_string(),
                holds: condition.holds(found),
            }
        }));
    }
    findings
}

/// The count that an expectation calls `name`.
fn count(report: &SubscriptionReport, name: &str) -> u64 {
    match name {
        "reordered" => report.order.reordered,
        "redeliveries" => report.redeliveries,
        _ => {
            let class = Class::ALL.iter().find(|class| class.name() == name);
            class.map_or(0, |class| report.classes.get(*class))
        }
    }
}

const fn is_verdict(expected: ExpectedVerdict, found: Verdict) -> bool {
    matches!(
        (expected, found),
        (ExpectedVerdict::Valid, Verdict::Valid)
            | (ExpectedVerdict::Unknown, Verdict::Unknown)
            | (ExpectedVerdict::Invalid, Verdict::Invalid)
    )
}
