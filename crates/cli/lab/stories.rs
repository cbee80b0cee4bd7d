//! The story behind a finding of an exploration: shrunk, run once more, and put into words.

use entrega::{Shrinker, Story, judge};
use entrega_checker::{Cause, Finding, findings};
use entrega_choice::Choice;
use entrega_explain::{Subject, Tale, tell};
use entrega_model::{Event, MessageId, SubscriptionId};
use entrega_scenario::Cast;
use entrega_sim::Experiment;
use entrega_sim::explore::{Scope, Showing};

use super::exploring::{Contest, Plan};
use super::property::Property;

/// So many runs may be made to look for a story in one scope.
const BUDGET: u64 = 20_000;

/// A finding with its simplest story.
pub(crate) struct Told {
    pub(crate) property: Property,
    pub(crate) cause: Option<Cause>,
    /// How many of the schedules that ended show it.
    pub(crate) runs: u64,
    /// How much of the scenario the story needs.
    pub(crate) scope: Scope,
    /// What is chosen in it, as in a replay string.
    pub(crate) choices: String,
    /// The message that it is about, if it is about one.
    pub(crate) message: Option<MessageId>,
    pub(crate) sentence: String,
    pub(crate) replay: String,
    pub(crate) command: String,
    /// The run, for the timeline.
    pub(crate) events: Vec<Event>,
    pub(crate) cast: Cast,
}

impl Told {
    /// Shrinks and tells a finding, if it has a story of its own. `before` hears of every run.
    pub(super) fn new(
        plan: &Plan,
        contest: &Contest,
        finding: Finding,
        showing: &Showing,
        before: &dyn Fn(Scope, &[Choice]) -> bool,
    ) -> Option<Self> {
        let (property, cause) = Property::of(finding)?;
        let shrinker = Shrinker {
            scenario: &plan.loaded.scenario,
            model: contest.model,
            strategy: contest.strategy,
            seed: plan.seed,
            budget: BUDGET,
            before,
        };
        let found = Story { scope: contest.scope, choices: showing.simplest.clone() };
        let Story { scope, choices } = shrinker.shrink(&found, &|one| *one == finding);
        before(scope, &choices);
        let (events, cast, message) = run(plan, contest, scope, &choices, finding);
        let subject = Subject { subscription: SubscriptionId(0), finding, message };
        let Tale { message, sentence } = tell(&events, &cast, &subject);
        let replay = plan.replay(contest, scope, &choices);
        let command = plan.command(&replay);
        let (choices, replay) = (replay.choices.clone(), replay.to_string());
        let runs = showing.runs;
        Some(Self {
            property,
            cause,
            runs,
            scope,
            choices,
            message,
            sentence,
            replay,
            command,
            events,
            cast,
        })
    }
}

/// Runs a story once more: its events, and the message that shows the finding.
fn run(
    plan: &Plan,
    contest: &Contest,
    scope: Scope,
    choices: &[Choice],
    finding: Finding,
) -> (Vec<Event>, Cast, Option<MessageId>) {
    let version = plan.loaded.explored(scope);
    let workload = version.workload(plan.seed);
    let (model, strategy, seed) = (contest.model, contest.strategy, plan.seed);
    let scenario = &version.scenario;
    let experiment = Experiment { scenario, workload: &workload, model, strategy, seed };
    let mut events = Vec::new();
    let judged = judge(&experiment, judge::explicit(&experiment, choices), &mut events);
    let end = judged.report.end;
    let mut shown = judged.report.subscriptions.iter().map(|of| findings(of, end));
    let message = shown.find_map(|shown| shown.get(&finding).copied().flatten());
    (events, Cast::of(scenario), message)
}
