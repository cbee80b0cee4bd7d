//! The bench of the claims: every run with at most so many faults, or one exact run.
//!
//! [`every`] explores a scope in which nothing takes any time and keeps each run whole, without the
//! cut: the spaces are small, and a claim may ask about anything that happened. [`run`] makes one
//! run in virtual time with the faults that its caller names.

use std::collections::BTreeSet;

use entrega_checker::{Cause, Checker, Class, SubscriptionReport};
use entrega_choice::{Point, parse_choices};
use entrega_clients::Strategy;
use entrega_model::event::EffectVerdict;
use entrega_model::fingerprint::Fingerprint;
use entrega_model::{Event, Kind, MessageId, Model, Observer, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::points;
use entrega_scenario::workload::Workload;
use entrega_sim::explore::{Budget, Frontier, Scope, Space, Witness};
use entrega_sim::{Experiment, RunEnd};

/// Says which key each message has.
const SEED: u64 = 1;

pub(crate) const MODELS: [Model; 2] = [Model::Log, Model::Queue];

/// A dotted path of a scenario and its value.
pub(crate) type Setting = (&'static str, &'static str);

/// Three messages of one key, one partition, two consumers.
const SMALL: &str = r#"
[workload]
messages = 3
keys = 1
[[subscriptions]]
name = "reader"
consumers = 2
[consumer]
prefetch = 3
settle_every = 3
batch_size = 3
workers = 2
request_timeout = "1s"
auto_commit_interval = "50ms"
[log]
session_timeout = "6s"
auto_offset_reset = "earliest"
[queue]
visibility_timeout = "6s"
[limits]
drain = "60s"
steps = 600
"#;

/// Five messages at a distance, one consumer, 20 ms for each message.
const TIMED: &str = r#"
[workload]
messages = 5
keys = 5
arrivals = { distribution = "constant", rate_per_second = 10 }
[[subscriptions]]
name = "reader"
service_time = { distribution = "constant", value = "20ms" }
[consumer]
request_timeout = "1s"
retry_backoff = "50ms"
[log]
session_timeout = "6s"
auto_offset_reset = "earliest"
[queue]
visibility_timeout = "20s"
[times]
stall = "10s"
slow = "8s"
late = "3s"
[limits]
drain = "60s"
"#;

/// What can become of a message, as in the tables of semantics.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// `L`
    Loss,
    /// `D`
    Duplicate,
    /// `D`, an effect and a dead letter.
    Split,
    /// `D`, two dead letters.
    DeadLetteredTwice,
    /// `R`
    Reorder,
    /// `S`
    Stall,
    /// `Q`
    DeadLetter,
}

/// One run to its end.
pub(crate) struct Run {
    /// Whether it came to rest.
    pub(crate) end: RunEnd,
    /// All that happened.
    pub(crate) events: Vec<Event>,
    /// The judgement of each subscription.
    pub(crate) reports: Vec<SubscriptionReport>,
    messages: usize,
}

impl Run {
    /// How many events are as wanted.
    pub(crate) fn count(&self, wanted: impl Fn(&Kind) -> bool) -> usize {
        self.events.iter().filter(|event| wanted(&event.kind)).count()
    }

    /// How often something happened to each message.
    pub(crate) fn each(&self, of: impl Fn(&Kind) -> Option<MessageId>) -> Vec<u32> {
        let mut counts = vec![0; self.messages];
        for message in self.events.iter().filter_map(|event| of(&event.kind)) {
            counts[message.index()] += 1;
        }
        counts
    }

    /// The applied effects of each message.
    pub(crate) fn effects(&self) -> Vec<u32> {
        self.each(|kind| match *kind {
            Kind::Effect { message, verdict: EffectVerdict::Applied, .. } => Some(message),
            _ => None,
        })
    }

    /// The hand-overs of each message.
    pub(crate) fn deliveries(&self) -> Vec<u32> {
        self.each(|kind| match *kind {
            Kind::Delivered { message, .. } => Some(message),
            _ => None,
        })
    }

    /// The dead letters of each message.
    pub(crate) fn dead_letters(&self) -> Vec<u32> {
        self.each(|kind| match *kind {
            Kind::DeadLettered { message, .. } => Some(message),
            _ => None,
        })
    }

    /// What became of the messages of the first subscription.
    pub(crate) fn outcomes(&self) -> BTreeSet<Outcome> {
        let report = &self.reports[0];
        let has = |class| report.classes.get(class) > 0;
        let all = [
            (has(Class::Lost), Outcome::Loss),
            (has(Class::Duplicated), Outcome::Duplicate),
            (has(Class::Split), Outcome::Split),
            (report.dlq_excess > 0, Outcome::DeadLetteredTwice),
            (report.order.reordered > 0, Outcome::Reorder),
            (self.end == RunEnd::Unfinished || has(Class::Pending), Outcome::Stall),
            (has(Class::DeadLettered), Outcome::DeadLetter),
        ];
        all.into_iter().filter(|(is_so, _)| *is_so).map(|(_, outcome)| outcome).collect()
    }

    /// Why messages were lost or duplicated.
    pub(crate) fn causes(&self) -> BTreeSet<Cause> {
        self.reports[0].causes.keys().copied().collect()
    }
}

/// What became of the messages in any of these runs.
pub(crate) fn outcomes(runs: &[Run]) -> Vec<Outcome> {
    let all: BTreeSet<Outcome> = runs.iter().flat_map(Run::outcomes).collect();
    all.into_iter().collect()
}

/// Why, in any of these runs.
pub(crate) fn causes(runs: &[Run]) -> Vec<Cause> {
    let all: BTreeSet<Cause> = runs.iter().flat_map(Run::causes).collect();
    all.into_iter().collect()
}

/// In how many of these runs something became of a message.
pub(crate) fn showing(runs: &[Run], outcome: Outcome) -> usize {
    runs.iter().filter(|run| run.outcomes().contains(&outcome)).count()
}

/// Every run with at most `most` of these faults, such as `effect.after=crash`, each at any of its
/// occurrences and with any delay. The first run is the one without faults.
pub(crate) fn every(
    (model, strategy): (Model, Strategy),
    faults: &[&str],
    most: u8,
    settings: &[Setting],
) -> Vec<Run> {
    let scenario = scenario(SMALL, settings);
    let subscription = SubscriptionId(0);
    let scope =
        Scope { subscription, messages: u32::MAX, consumers: u32::MAX, partitions: u16::MAX };
    let keys = scenario.workload.keys;
    let mut scenario = scope.of(&scenario);
    scenario.workload.keys = keys;
    let workload = Workload::generate(&scenario, None, SEED);
    let experiment =
        Experiment { scenario: &scenario, workload: &workload, model, strategy, seed: SEED };
    let choices = faults.iter().flat_map(|fault| choices(fault)).collect();
    let space = Space::new(vec![Budget { most, required: false, choices }]);
    let mut archive = Archive::new(&experiment);
    let mut frontier = Frontier::new(space, 20_000).without_cuts();
    while let Some(batch) = frontier.batch(1) {
        let walk = |task| experiment.walk(task, frontier.seen(), &mut archive);
        let walked = batch.iter().map(walk).collect();
        frontier.absorb(batch, walked);
    }
    let explored = frontier.finish();
    assert!(explored.complete, "{model} {strategy} {faults:?}: {}", explored.schedules);
    assert_eq!(explored.schedules, archive.runs.len() as u64);
    archive.runs
}

/// The choices that a fault can be, whatever its delay.
fn choices(fault: &str) -> Vec<(Point, u32)> {
    let (name, alternative) = fault.split_once('=').expect("point=alternative");
    points::chosen_in(points::kind(name, alternative)).collect()
}

/// One run with exactly these faults, such as `reader.effect.after#2=crash`, all of which must be
/// reached.
pub(crate) fn run((model, strategy): (Model, Strategy), settings: &[Setting], faults: &str) -> Run {
    let scenario = scenario(TIMED, settings);
    let workload = Workload::generate(&scenario, None, SEED);
    let experiment =
        Experiment { scenario: &scenario, workload: &workload, model, strategy, seed: SEED };
    let table = points::table(&scenario.subscription_names());
    let choices = parse_choices(&table, faults).expect("choices");
    let choices = entrega::judge::explicit(&experiment, &choices);
    let mut events = Vec::new();
    let judged = entrega::judge(&experiment, choices, &mut events);
    assert_eq!(judged.outcome.choices.unused(), [], "{model} {strategy}: {faults}");
    let messages = workload.planned.len();
    Run { end: judged.outcome.end, events, reports: judged.report.subscriptions, messages }
}

fn scenario(text: &str, settings: &[Setting]) -> Scenario {
    let settings: Vec<_> =
        settings.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    let loaded = Scenario::parse("claim", text, &settings, &|_| Err(String::new()));
    loaded.unwrap_or_else(|problem| panic!("{problem}")).scenario
}

/// Keeps every run.
struct Archive {
    checker: Checker,
    events: Vec<Event>,
    messages: usize,
    runs: Vec<Run>,
}

impl Archive {
    fn new(experiment: &Experiment<'_>) -> Self {
        Self {
            checker: Checker::new(entrega::judge::config(experiment)),
            events: Vec::new(),
            messages: experiment.workload.planned.len(),
            runs: Vec::new(),
        }
    }
}

impl Observer for Archive {
    fn observe(&mut self, events: &[Event]) {
        self.checker.observe(events);
        self.events.extend_from_slice(events);
    }
}

impl Witness for Archive {
    type Finding = ();

    fn begin(&mut self) {
        self.checker.reset();
        self.events.clear();
    }

    /// Nothing is cut.
    fn fingerprint(&self, _into: &mut Fingerprint<'_>) {}

    fn findings(&mut self, end: RunEnd) -> Vec<()> {
        let report = self.checker.finish(entrega::judge::end(end));
        let events = std::mem::take(&mut self.events);
        let (reports, messages) = (report.subscriptions, self.messages);
        self.runs.push(Run { end, events, reports, messages });
        Vec::new()
    }
}
