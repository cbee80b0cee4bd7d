//! The story behind a finding of an exploration: shrunk, run once more, and put into words.

use entrega::{Shrinker, Story, judge};
use entrega_checker::{Cause, Finding, findings};
use entrega_choice::Choice;
use entrega_explain::{Run, Subject, Tale};
use entrega_model::{Event, MessageId, SubscriptionId};
use entrega_scenario::Cast;
use entrega_sim::Experiment;
use entrega_sim::explore::{Scope, Showing};

use crate::configuration::Configuration;
use crate::exploration_plan::Prepared;
use crate::property::Property;

/// At most this many runs are made to look for a story in one scope.
const BUDGET: u64 = 20_000;

/// A finding with its simplest story.
pub struct FindingStory {
    /// What is found.
    pub property: Property,
    /// Why, if such findings have causes.
    pub cause: Option<Cause>,
    /// How many of the schedules that ended show it.
    pub runs: u64,
    /// How much of the scenario the story needs.
    pub scope: Scope,
    /// What is chosen in it, as in a replay string.
    pub choices: String,
    /// The message that it is about, if it is about one.
    pub message: Option<MessageId>,
    /// How it comes to that.
    pub sentence: String,
    /// The replay string of the run.
    pub replay: String,
    /// The command that prints the run.
    pub command: String,
    /// The run, for the timeline.
    pub events: Vec<Event>,
    /// Who took part in it.
    pub cast: Cast,
}

impl Prepared<'_> {
    /// Shrinks a finding to its simplest run and tells that, if the finding has a story of its own.
    /// `before` is called before every run, and returns whether it may be made.
    pub fn shrink_and_tell(
        &self,
        finding: Finding,
        showing: &Showing,
        before: &dyn Fn(Scope, &[Choice]) -> bool,
    ) -> Option<FindingStory> {
        let (property, cause) = Property::of(finding)?;
        let (plan, configuration) = (self.plan, self.space.configuration);
        let Configuration { model, strategy } = configuration;
        let (scenario, seed) = (&plan.loaded.scenario, plan.bounds.seed);
        let shrinker = Shrinker { scenario, model, strategy, seed, budget: BUDGET, before };
        let found = Story { scope: self.space.scope, choices: showing.simplest.clone() };
        let Story { scope, choices } = shrinker.shrink(&found, &|one| *one == finding);
        before(scope, &choices);
        let Again { events, cast, message } = self.again(scope, &choices, finding);
        let subject = Subject { subscription: SubscriptionId(0), finding, message };
        let Tale { message, sentence } = Run::new(&events, &cast).tell(&subject);
        let replay = plan.replay(configuration, scope, &choices);
        let command = plan.loaded.replay_command(&replay);
        let choices = plan.choices(scope, &choices);
        let replay = replay.to_string();
        Some(FindingStory {
            property,
            cause,
            runs: showing.runs,
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

    /// Repeats the run of a story.
    fn again(&self, scope: Scope, choices: &[Choice], finding: Finding) -> Again {
        let version = self.plan.loaded.explored(scope);
        let seed = self.plan.bounds.seed;
        let workload = version.workload(seed);
        let Configuration { model, strategy } = self.space.configuration;
        let scenario = &version.scenario;
        let experiment = Experiment { scenario, workload: &workload, model, strategy, seed };
        let mut events = Vec::new();
        let judged = judge(&experiment, judge::explicit(&experiment, choices), &mut events);
        let end = judged.report.end;
        let mut shown = judged.report.subscriptions.iter().map(|of| findings(of, end));
        let message = shown.find_map(|shown| shown.get(&finding).copied().flatten());
        Again { events, cast: Cast::of(scenario), message }
    }
}

/// A repeated run: its events, and the message that shows the finding.
struct Again {
    events: Vec<Event>,
    cast: Cast,
    message: Option<MessageId>,
}
