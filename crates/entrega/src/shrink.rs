//! From a run that shows something to the simplest one that does.
//!
//! # What is simplest
//!
//! A person follows a story by its actors first. So fewer messages are simpler, whatever else;
//! then fewer consumers; then fewer partitions; then fewer choices; then
//! [`simplicity`](entrega_choice::simplicity), which prefers what comes early in the run.
//!
//! # How it is found
//!
//! 1. **Reduce.** Choices are dropped, many at a time and then one by one, as long as the run still
//!    shows what is wanted. That says how many faults and how many changes of order are enough.
//! 2. **Search.** Every scope from one message and one consumer up is explored with at most that
//!    many of each, of the same kinds: same point and same alternative, at any occurrence and with
//!    any zone of delay. The first scope that shows it is the smallest; its simplest list is the
//!    story. A change of order is not given for another fault: what is within the bounds of an
//!    exploration stays within them.
//! 3. **Lower.** Single choices are dropped, moved to an earlier occurrence or given a simpler zone
//!    as long as that works. After an exhaustive search this finds nothing; it is for searches that
//!    the budget cut short.
//!
//! > **The rule.** What is wanted keeps its class *and* its cause. Otherwise a duplicate after a
//! > lost settle would shrink to one after a crash, which is another story.
//!
//! All of it is deterministic: no chance, no clock, no threads.

mod lists;
mod search;

use entrega_checker::Finding;
use entrega_choice::Choice;
use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::Scenario;
use entrega_scenario::workload::{Planner, Workload};
use entrega_sim::Experiment;
use entrega_sim::explore::Scope;

use search::Most;

use crate::judge::{Replays, explicit, judge, shown};

/// A run: how much of the scenario, and which choices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Story {
    /// How much of the scenario is run.
    pub scope: Scope,
    /// What is chosen in it.
    pub choices: Vec<Choice>,
}

/// Shrinks runs of one model and strategy.
pub struct Shrinker<'a> {
    /// The scenario as it was written, in no scope.
    pub scenario: &'a Scenario,
    /// The kind of broker.
    pub model: Model,
    /// What every consumer does.
    pub strategy: Strategy,
    /// The seed of the workload.
    pub seed: u64,
    /// How many runs may be made in the search of one scope.
    pub budget: u64,
    /// Called before every run; returns whether to continue. If not, the result is what was found
    /// until then.
    pub before: &'a dyn Fn(Scope, &[Choice]) -> bool,
}

/// A scenario in a scope, ready to be run.
pub(crate) struct Small {
    scenario: Scenario,
    workload: Workload,
    replays: Replays,
}

impl Shrinker<'_> {
    /// The simplest run that shows one of the `wanted` findings. `story` must show one; if it does
    /// not, it is returned unchanged.
    #[must_use]
    pub fn shrink(&self, story: &Story, wanted: &dyn Fn(&Finding) -> bool) -> Story {
        let Some(reduced) = self.reduce(story, wanted) else { return story.clone() };
        let kinds = search::kinds(&story.choices);
        let most = Most::of(&reduced.choices);
        let smallest =
            search::scopes(story.scope).find_map(|scope| self.search(scope, &kinds, most, wanted));
        self.lower(smallest.unwrap_or(reduced), wanted)
    }

    /// What a run with these choices has made of them, if it shows what is wanted.
    fn attempt(
        &self,
        small: &Small,
        story: &Story,
        wanted: &dyn Fn(&Finding) -> bool,
    ) -> Option<Vec<Choice>> {
        if !(self.before)(story.scope, &story.choices) {
            return None;
        }
        let experiment = self.experiment(small);
        let judged = small.replays.judge(&experiment, &story.choices);
        let mut reports = judged.report.subscriptions.iter();
        let shows = reports.any(|of| shown(of, judged.outcome.end).any(|one| wanted(&one)));
        shows.then(|| judged.outcome.choices.made().to_vec())
    }

    fn small(&self, scope: Scope) -> Small {
        let scenario = scope.of(self.scenario);
        let workload = Planner::new(&scenario).plan(None, self.seed);
        let replays = Replays::of(&scenario);
        Small { scenario, workload, replays }
    }

    fn experiment<'s>(&self, small: &'s Small) -> Experiment<'s> {
        let Small { scenario, workload, .. } = small;
        let Self { model, strategy, seed, .. } = *self;
        Experiment { scenario, workload, model, strategy, seed }
    }
}

/// Whether a run with these choices shows something, and makes all of them.
pub fn shows(experiment: &Experiment<'_>, choices: &[Choice], finding: Finding) -> bool {
    let judged = judge(experiment, explicit(experiment, choices), &mut ());
    let unused = !judged.outcome.choices.unused().is_empty();
    let mut subscriptions = judged.report.subscriptions.iter();
    !unused && subscriptions.any(|of| shown(of, judged.outcome.end).any(|one| one == finding))
}
