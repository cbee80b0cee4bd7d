//! Whether a run came out as its scenario says: the tables `[[expect]]` against a report.

use entrega_checker::summary::RowSummary;
use entrega_checker::{Class, Classes, SubscriptionReport, Verdict};
use entrega_scenario::{Expectation, ExpectedVerdict, Scenario};
use serde::Serialize;

use crate::configuration::Configuration;

/// One thing that a scenario says, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Expected {
    /// Whose count it is.
    pub subscription: String,
    /// The name of the count, or `verdict`.
    pub what: &'static str,
    /// What should come out.
    pub expected: String,
    /// What came out.
    pub found: String,
    /// Whether they agree.
    pub holds: bool,
    /// Why the verdict that came out is unknown, if this is about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Whether one run can violate it: it limits what may happen, instead of demanding something.
    #[serde(skip)]
    pub limits: bool,
}

/// What an expectation is compared with: one subscription of a run, or of many runs.
pub struct Found<'a> {
    subscription: &'a str,
    verdict: Verdict,
    why: String,
    classes: &'a Classes,
    reordered: u64,
    redeliveries: u64,
}

impl<'a> Found<'a> {
    /// What one run shows of a subscription.
    pub fn in_run(subscription: &'a str, of: &'a SubscriptionReport) -> Self {
        let (reordered, redeliveries) = (of.order.reordered, of.redeliveries.unwrap_or(0));
        let (verdict, why) = (of.verdict, String::new());
        Self { subscription, verdict, why, classes: &of.classes, reordered, redeliveries }
    }

    /// What many runs show of a subscription, with the verdict on all of them.
    pub fn in_runs(subscription: &'a str, verdict: Verdict, of: &'a RowSummary) -> Self {
        let (reordered, redeliveries) = (of.order.reordered, of.redeliveries);
        let why = String::new();
        Self { subscription, verdict, why, classes: &of.classes, reordered, redeliveries }
    }

    /// The same, with why the verdict is unknown.
    #[must_use]
    pub fn because(self, why: String) -> Self {
        Self { why, ..self }
    }

    /// The count that `[[expect]]` calls `name`; none if nothing is called so.
    fn count(&self, name: &str) -> Option<u64> {
        match name {
            "reordered" => Some(self.reordered),
            "redeliveries" => Some(self.redeliveries),
            _ => {
                let class = Class::ALL.iter().find(|class| class.name() == name);
                class.map(|class| self.classes.get(*class))
            }
        }
    }
}

impl Expected {
    /// A violation in words.
    pub fn violation(&self, configuration: Configuration) -> String {
        let Self { subscription, what, expected, found, .. } = self;
        let because = self.reason();
        format!(
            "{configuration}, {subscription}: expected {what} {expected}, found {found}{because}"
        )
    }

    /// ` (why it is unknown)`, or nothing.
    pub fn reason(&self) -> String {
        self.because.as_ref().map_or_else(String::new, |because| format!(" ({because})"))
    }
}

/// Everything that the scenario says of this configuration, against what was found.
pub fn checked(
    scenario: &Scenario,
    configuration: Configuration,
    found: &[Found<'_>],
) -> Vec<Expected> {
    let Configuration { model, strategy } = configuration;
    let checked = |expect: &Expectation| -> Vec<Expected> {
        let selected = found.iter().filter(|of| expect.selects(model, strategy, of.subscription));
        selected.flat_map(|of| checked_against(expect, of)).collect()
    };
    scenario.expect.iter().flat_map(checked).collect()
}

fn checked_against(expect: &Expectation, of: &Found<'_>) -> Vec<Expected> {
    let checked = |what, expected: String, found: String, holds, limits| {
        let subscription = of.subscription.to_owned();
        Expected { subscription, what, expected, found, holds, because: None, limits }
    };
    let verdict = expect.verdict.map(|verdict| {
        let found = of.verdict.name().to_owned();
        let broken = verdict == ExpectedVerdict::Valid && of.verdict == Verdict::Invalid;
        let because = Some(of.why.clone()).filter(|why| !why.is_empty());
        let holds = is_verdict(verdict, of.verdict);
        Expected { because, ..checked("verdict", verdict.to_string(), found, holds, broken) }
    });
    let counts = expect.conditions().map(|(what, condition)| {
        let found = of.count(what).unwrap_or(0);
        let (holds, limits) = (condition.holds(found), condition.holds(0));
        checked(what, condition.to_string(), found.to_string(), holds, limits)
    });
    verdict.into_iter().chain(counts).collect()
}

const fn is_verdict(expected: ExpectedVerdict, found: Verdict) -> bool {
    matches!(
        (expected, found),
        (ExpectedVerdict::Valid, Verdict::Valid)
            | (ExpectedVerdict::Unknown, Verdict::Unknown)
            | (ExpectedVerdict::Invalid, Verdict::Invalid)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every condition that a scenario can state.
    const ALL: &str = "exact = 1\nlost = 1\nduplicated = 1\nsplit = 1\ndead_lettered = 1\n\
         pending = 1\nrecovered = 1\nabsent = 1\nphantom = 1\nrefused = 1\nreordered = 1\n\
         redeliveries = 1";

    #[test]
    fn every_condition_has_a_count() {
        let expectation: Expectation = toml::from_str(ALL).expect("an expectation");
        let names: Vec<&str> = expectation.conditions().map(|(name, _)| name).collect();
        assert_eq!(names.len(), ALL.lines().count());
        let row = RowSummary::default();
        let found = Found::in_runs("mailer", Verdict::Valid, &row);
        let missing: Vec<_> = names.iter().filter(|name| found.count(name).is_none()).collect();
        assert!(missing.is_empty(), "no count for {missing:?}");
        assert_eq!(found.count("never heard of"), None);
    }
}
