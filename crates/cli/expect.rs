//! Whether a run came out as its scenario says: the tables `[[expect]]` against a report.

use entrega_checker::{Class, Classes, Verdict};
use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::{Expectation, ExpectedVerdict, Scenario};
use serde::Serialize;

use crate::render::report;

/// One thing that a scenario says, and what was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Expected {
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
    /// Whether one run can violate it: it limits what may happen, and is not about what should.
    #[serde(skip)]
    pub(crate) limits: bool,
}

/// What an expectation is held against: one subscription of a run, or of many runs.
pub(crate) struct Found<'a> {
    pub(crate) subscription: &'a str,
    pub(crate) verdict: Verdict,
    pub(crate) classes: &'a Classes,
    pub(crate) reordered: u64,
    pub(crate) redeliveries: u64,
}

impl Found<'_> {
    /// The count that an expectation calls `name`.
    fn count(&self, name: &str) -> u64 {
        match name {
            "reordered" => self.reordered,
            "redeliveries" => self.redeliveries,
            _ => {
                let class = Class::ALL.iter().find(|class| class.name() == name);
                class.map_or(0, |class| self.classes.get(*class))
            }
        }
    }
}

/// Everything that the scenario says of this model and strategy, against what was found.
pub(crate) fn checked(
    scenario: &Scenario,
    model: Model,
    strategy: Strategy,
    found: &[Found<'_>],
) -> Vec<Expected> {
    let selected = scenario.expect.iter().filter(|expect| expect.selects(model, strategy));
    selected
        .flat_map(|expect| found.iter().flat_map(move |found| checked_against(expect, found)))
        .collect()
}

fn checked_against(expect: &Expectation, of: &Found<'_>) -> Vec<Expected> {
    if expect.subscription.as_deref().is_some_and(|only| only != of.subscription) {
        return Vec::new();
    }
    let checked = |what, expected: String, found: String, holds, limits| {
        let subscription = of.subscription.to_owned();
        Expected { subscription, what, expected, found, holds, limits }
    };
    let verdict = expect.verdict.map(|verdict| {
        let found = report::verdict(of.verdict).to_owned();
        let broken = verdict == ExpectedVerdict::Valid && of.verdict == Verdict::Invalid;
        checked("verdict", verdict.to_string(), found, is_verdict(verdict, of.verdict), broken)
    });
    let counts = expect.conditions().map(|(what, condition)| {
        let found = of.count(what);
        checked(
            what,
            condition.to_string(),
            found.to_string(),
            condition.holds(found),
            condition.holds(0),
        )
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
