//! What explorations have found, ready to be printed: spaces with their stories, and whether they
//! contradict what the scenario expects.

use entrega_scenario::{Condition, Expectation};

use super::exploring::{Plan, Row};
use super::property::Property;

/// Explorations, complete or partial.
pub(crate) struct Exploration<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) rows: Vec<Row>,
    /// Whether it was interrupted.
    pub(crate) partial: bool,
    /// What the scenario expects not to happen, and was found; in words.
    pub(crate) contradicted: Vec<String>,
}

impl<'a> Exploration<'a> {
    /// Puts together what was found.
    pub(crate) fn new(plan: &'a Plan, rows: Vec<Row>, partial: bool) -> Self {
        let contradicted = rows.iter().flat_map(|row| contradicted(plan, row)).collect();
        Self { plan, rows, partial, contradicted }
    }

    /// What the subscription of a row is called.
    pub(crate) fn subscription(&self, row: &Row) -> &'a str {
        subscription(self.plan, row)
    }
}

fn subscription<'a>(plan: &'a Plan, row: &Row) -> &'a str {
    &plan.loaded.scenario.subscriptions[row.contest.scope.subscription.index()].name
}

/// What is expected to be 0, and was found.
fn contradicted(plan: &Plan, row: &Row) -> Vec<String> {
    let (model, strategy, name) =
        (row.contest.model, row.contest.strategy, subscription(plan, row));
    let concerns = |expect: &&Expectation| {
        expect.selects(model, strategy)
            && expect.subscription.as_deref().is_none_or(|only| only == name)
    };
    let expected = plan.loaded.scenario.expect.iter().filter(concerns);
    let never = expected.flat_map(Expectation::conditions).filter(|(_, one)| is_zero(*one));
    let mut contradicted: Vec<String> = never
        .filter(|(what, _)| {
            let property = Property::ALL.into_iter().find(|one| one.name() == *what);
            property.is_some_and(|one| one.runs(&row.explored) > 0)
        })
        .map(|(what, _)| format!("{model}, {strategy}, {name}: expected {what} 0, and it happens"))
        .collect();
    contradicted.dedup();
    contradicted
}

/// Whether only 0 will do. What is to happen in thousands of messages need not happen in three.
fn is_zero(condition: Condition) -> bool {
    condition.holds(0) && !condition.holds(1)
}
