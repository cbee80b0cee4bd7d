//! What explorations have found, ready to be shown: spaces with their stories, and whether they
//! contradict what the scenario expects.

use entrega_scenario::{Condition, Expectation};

use crate::configuration::Configuration;
use crate::exploration_plan::{ExplorationPlan, ExploredSpace};
use crate::property::{Occurs, Property};

/// Explorations, complete or partial.
pub struct Explorations<'a> {
    /// What was to be explored.
    pub plan: &'a ExplorationPlan,
    /// What was explored, in the order of the plan.
    pub rows: Vec<ExploredSpace>,
    /// Whether they were interrupted.
    pub partial: bool,
    /// What was found although the scenario expects it not to happen, in words.
    pub contradicted: Vec<String>,
    /// What was not found, as the scenario expects, and may happen all the same, because not
    /// everything was tried.
    pub unproved: Vec<String>,
}

impl<'a> Explorations<'a> {
    /// Puts together what was found.
    pub fn new(plan: &'a ExplorationPlan, rows: Vec<ExploredSpace>, partial: bool) -> Self {
        let contradicted = rows.iter().flat_map(|row| contradicted(plan, row)).collect();
        let unproved = rows.iter().flat_map(|row| unproved(plan, row)).collect();
        Self { plan, rows, partial, contradicted, unproved }
    }

    /// What the subscription of a row is called.
    pub fn subscription(&self, row: &ExploredSpace) -> &'a str {
        subscription(self.plan, row)
    }
}

fn subscription<'a>(plan: &'a ExplorationPlan, row: &ExploredSpace) -> &'a str {
    &plan.loaded.scenario.subscriptions[row.space.scope.subscription.index()].name
}

/// What was found although it is expected to be 0.
fn contradicted(plan: &ExplorationPlan, row: &ExploredSpace) -> Vec<String> {
    expected_never(plan, row, "and it happens", |one| one.runs(&row.explored) > 0)
}

/// What is expected to be 0, and was not found among the runs that were tried.
fn unproved(plan: &ExplorationPlan, row: &ExploredSpace) -> Vec<String> {
    let said = "and it was not found, but not everything was tried";
    expected_never(plan, row, said, |one| row.occurs(one) == Occurs::NotFound)
}

/// What is expected to be 0 and meets a condition, in words.
fn expected_never(
    plan: &ExplorationPlan,
    row: &ExploredSpace,
    said: &str,
    is: impl Fn(Property) -> bool,
) -> Vec<String> {
    let (configuration, name) = (row.space.configuration, subscription(plan, row));
    let Configuration { model, strategy } = configuration;
    let expected = plan.loaded.scenario.expect.iter();
    let expected = expected.filter(|expect| expect.selects(model, strategy, name));
    let never = expected.flat_map(Expectation::conditions).filter(|(_, one)| is_zero(*one));
    let mut found: Vec<String> = never
        .filter(|(what, _)| Property::named(what).is_some_and(&is))
        .map(|(what, _)| format!("{configuration}, {name}: expected {what} 0, {said}"))
        .collect();
    found.dedup();
    found
}

/// Whether only 0 meets the condition. What must happen in thousands of messages need not happen in
/// three.
fn is_zero(condition: Condition) -> bool {
    condition.holds(0) && !condition.holds(1)
}
