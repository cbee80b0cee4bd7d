//! A repeated run for people: stories, messages, timeline, verdicts.

use std::collections::BTreeSet;
use std::fmt::Write;

use entrega_checker::Verdict;
use entrega_choice::Point;
use entrega_explain::timeline::ending;
use entrega_explain::{Timeline, words};
use entrega_lab::replay::ReplayedRun;
use entrega_model::printable::printable;
use entrega_model::{Kind, MessageId, SubscriptionId};
use entrega_scenario::points;

use crate::columns::fitted;
use crate::prose::wrapped;

/// At most this many messages are shown with their content.
const BODIES: usize = 5;
/// At most this many characters of each.
const BODY_CHARS: usize = 160;
/// How wide prose is that nothing limits.
const WIDTH: usize = 120;
/// The sentence about a run that shows nothing.
const NOTHING: &str = "No message is lost, duplicated or out of order.";

/// How much of the run is shown, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// Every event, however many there are.
    pub all: bool,
    /// Whether faults are coloured.
    pub colourful: bool,
    /// At most so many columns wide; as wide as it is, if none.
    pub columns: Option<usize>,
}

/// The run as text.
pub fn text(run: &ReplayedRun, shown: Shown) -> String {
    let mut text = String::new();
    let (title, replay) = (printable(&run.scenario.title), &run.replay);
    let _ = writeln!(text, "{title}: {}, seed {}\n", replay.configuration, replay.seed);
    for one in &run.anomalies {
        let _ = writeln!(text, "{}: {}", one.subscription, one.story);
    }
    if run.anomalies.is_empty() {
        let _ = writeln!(text, "{NOTHING}");
    }
    text.push('\n');
    bodies(&mut text, run);
    let timeline = Timeline {
        events: &run.events,
        cast: &run.cast,
        only: concerned(run),
        focus: run.anomalies.iter().filter_map(|one| one.message).collect(),
        all: shown.all,
        colourful: shown.colourful,
        columns: shown.columns,
    };
    text.push_str(&timeline.render());
    if let Some(ending) = ending(&run.events) {
        let _ = write!(text, "\n{}", wrapped(&ending, shown.columns.unwrap_or(WIDTH).min(WIDTH)));
    }
    let only = timeline.only.len();
    if !shown.all && only > 0 && only < run.cast.subscriptions().len() {
        text.push_str("Subscriptions that nothing happened to are left out; --all shows them.\n");
    }
    verdicts(&mut text, run);
    match shown.columns {
        Some(columns) => fitted(&text, columns),
        None => text,
    }
}

/// The subscriptions that faults or anomalies concern; none means all, as a fault of the broker
/// does.
fn concerned(run: &ReplayedRun) -> BTreeSet<SubscriptionId> {
    let mut concerned: BTreeSet<SubscriptionId> = (0..)
        .map(SubscriptionId)
        .zip(run.cast.subscriptions())
        .filter(|(_, name)| run.anomalies.iter().any(|one| one.subscription == **name))
        .map(|(id, _)| id)
        .collect();
    for event in &run.events {
        if let Kind::Faulted { point, .. } = event.kind {
            match points::describe(Point(point)).1 {
                Some(subscription) => concerned.insert(subscription),
                None => return BTreeSet::new(),
            };
        }
    }
    concerned
}

/// The content of the messages that the stories are about; of the first ones if there are none.
fn bodies(text: &mut String, run: &ReplayedRun) {
    let mut concerned: BTreeSet<MessageId> =
        run.anomalies.iter().filter_map(|one| one.message).collect();
    if concerned.is_empty() {
        concerned = (0..run.workload.planned.len() as u32).map(MessageId).collect();
    }
    for message in concerned.into_iter().take(BODIES) {
        let _ = writeln!(text, "{}  {}", words::name(message), content(run, message));
    }
    text.push('\n');
}

/// An order, shortened; of a message without a known content its size.
fn content(run: &ReplayedRun, message: MessageId) -> String {
    let body = run.workload.body(message);
    if !body.starts_with('{') {
        return format!("{} bytes", body.len());
    }
    let mut shown: String = body.chars().take(BODY_CHARS).collect();
    if shown.len() < body.len() {
        shown.push('…');
    }
    shown
}

fn verdicts(text: &mut String, run: &ReplayedRun) {
    text.push('\n');
    let reports = run.report.subscriptions.iter().zip(&run.judgements);
    for (name, (of, judgement)) in run.cast.subscriptions().iter().zip(reports) {
        let verdict = match of.verdict {
            Verdict::Valid => "kept".to_owned(),
            other => other.name().to_owned(),
        };
        let _ = writeln!(text, "{name}: the promise {} is {verdict}", of.guarantee);
        judgement.why.iter().for_each(|why| {
            let _ = writeln!(text, "  because {why}");
        });
    }
    let _ = writeln!(text, "History digest {}", run.digest);
}
