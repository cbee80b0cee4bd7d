//! `entrega replay`: one run step by step, from its replay string.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::process::ExitCode;

use entrega::{Judged, judge};
use entrega_checker::{Class, Finding, Report, SubscriptionReport, Verdict, findings};
use entrega_choice::{Choices, Point, format_choices, parse_choices};
use entrega_explain::{Subject, Tale, Timeline, story, tell};
use entrega_model::{Event, Kind, MessageId, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::workload::Workload;
use entrega_scenario::{Cast, points};
use entrega_sim::Experiment;
use entrega_sim::digest::Digest;
use serde::Serialize;

use crate::args::{Format, ReplayArgs};
use crate::failure::Failure;
use crate::lab::files::LoadedScenario;
use crate::lab::property::Property;
use crate::lab::replay_string::ReplayString;
use crate::output;
use crate::render::report;

/// So many messages are shown with their content.
const BODIES: usize = 5;
/// What is said of a run that shows nothing.
const NOTHING: &str = "No message is lost, duplicated or out of order.";
/// So many characters of each.
const BODY_CHARS: usize = 160;

/// Runs the command.
pub(crate) fn replay(args: &ReplayArgs) -> Result<ExitCode, Failure> {
    let replay: ReplayString =
        args.replay.parse().map_err(|error| Failure::new(format!("{error}")))?;
    let loaded = LoadedScenario::read(&args.file, &replay.overrides)?;
    belongs(&replay, &loaded)?;
    loaded.supports(replay.model, replay.strategy)?;
    let version = loaded.sized(&replay.size)?;
    let workload = version.workload(replay.seed);
    let again = again(&replay, &version.scenario, &workload)?;
    let text = match args.format {
        Format::Text => text(&again, args),
        Format::Json => output::json(&json(&again, &replay))?,
    };
    output::write(args.output.as_deref(), &text)?;
    Ok(ExitCode::SUCCESS)
}

/// A run that was repeated.
struct Again<'a> {
    scenario: &'a Scenario,
    workload: &'a Workload,
    cast: Cast,
    events: Vec<Event>,
    digest: Digest,
    report: Report,
    anomalies: Vec<Told>,
    replay: &'a ReplayString,
}

/// An anomaly and its story.
#[derive(Serialize)]
struct Told {
    subscription: String,
    anomaly: &'static str,
    cause: Option<String>,
    /// None if a run never comes to rest although nothing waits.
    message: Option<MessageId>,
    story: String,
}

fn belongs(replay: &ReplayString, loaded: &LoadedScenario) -> Result<(), Failure> {
    let digest = loaded.digest.to_string();
    if replay.digest == digest {
        return Ok(());
    }
    Err(Failure::new(format!(
        "this replay string belongs to another scenario or another version of it: its digest is {}, \
         {} has {digest}\n  help: give the scenario file that the string was made with",
        replay.digest, loaded.path
    )))
}

fn again<'a>(
    replay: &'a ReplayString,
    scenario: &'a Scenario,
    workload: &'a Workload,
) -> Result<Again<'a>, Failure> {
    let table = points::table(&scenario.subscription_names());
    let choices = parse_choices(&table, &replay.choices)
        .map_err(|error| Failure::new(format!("the choices of the replay string: {error}")))?;
    let ReplayString { model, strategy, seed, .. } = *replay;
    let experiment = Experiment { scenario, workload, model, strategy, seed };
    let (mut events, mut digest) = (Vec::new(), Digest::default());
    let Judged { report, outcome } =
        judge(&experiment, Choices::explicit(table, choices), &mut (&mut events, &mut digest));
    let unused = outcome.choices.unused();
    if !unused.is_empty() {
        return Err(Failure::new(format!(
            "the run never came to these choices, so the replay string is not of this run: {}",
            format_choices(outcome.choices.table(), &unused)
        )));
    }
    let cast = Cast::of(scenario);
    let anomalies = anomalies(&events, &cast, &report);
    Ok(Again { scenario, workload, cast, events, digest, report, anomalies, replay })
}

/// Everything that the run shows, each with the story of its first message. In a run that does not
/// come to rest, subscriptions in which nothing waits say nothing of that, if there are others.
fn anomalies(events: &[Event], cast: &Cast, report: &Report) -> Vec<Told> {
    let waits = |of: &&SubscriptionReport| of.firsts.contains_key(&Class::Pending);
    let someone_waits = report.subscriptions.iter().any(|of| waits(&of));
    let mut told = Vec::new();
    for of in &report.subscriptions {
        let subscription: SubscriptionId = of.subscription;
        for (finding, message) in findings(of, report.end) {
            let Some((property, cause)) = Property::of(finding) else { continue };
            if finding == Finding::Stalled && someone_waits && !waits(&of) {
                continue;
            }
            let subject = Subject { subscription, finding, message };
            let Tale { message, sentence } = tell(events, cast, &subject);
            told.push(Told {
                subscription: cast.subscriptions()[subscription.index()].clone(),
                anomaly: property.name(),
                cause: cause.map(|cause| cause.to_string()),
                message,
                story: sentence,
            });
        }
    }
    told
}

fn text(again: &Again<'_>, args: &ReplayArgs) -> String {
    let mut text = String::new();
    let ReplayString { model, strategy, seed, .. } = again.replay;
    let _ = writeln!(text, "{}: {model}, {strategy}, seed {seed}\n", again.scenario.title);
    for one in &again.anomalies {
        let _ = writeln!(text, "{}: {}", one.subscription, one.story);
    }
    if again.anomalies.is_empty() {
        let _ = writeln!(text, "{NOTHING}");
    }
    text.push('\n');
    bodies(&mut text, again);
    let timeline = Timeline {
        events: &again.events,
        cast: &again.cast,
        only: concerned(again),
        focus: again.anomalies.iter().filter_map(|one| one.message).collect(),
        all: args.all,
        colourful: output::is_colourful(args.output.as_deref()),
    };
    text.push_str(&timeline.render());
    if !args.all
        && !timeline.only.is_empty()
        && timeline.only.len() < again.cast.subscriptions().len()
    {
        text.push_str("Subscriptions that nothing happened to are left out; --all shows them.\n");
    }
    verdicts(&mut text, again);
    text
}

/// The subscriptions that faults or anomalies concern; none means all, as a fault of the broker
/// does.
fn concerned(again: &Again<'_>) -> BTreeSet<SubscriptionId> {
    let mut concerned: BTreeSet<SubscriptionId> = (0..)
        .map(SubscriptionId)
        .zip(again.cast.subscriptions())
        .filter(|(_, name)| again.anomalies.iter().any(|one| one.subscription == **name))
        .map(|(id, _)| id)
        .collect();
    for event in &again.events {
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
fn bodies(text: &mut String, again: &Again<'_>) {
    let mut concerned: BTreeSet<MessageId> =
        again.anomalies.iter().filter_map(|one| one.message).collect();
    if concerned.is_empty() {
        concerned = (0..again.workload.planned.len() as u32).map(MessageId).collect();
    }
    for message in concerned.into_iter().take(BODIES) {
        let _ = writeln!(text, "{}  {}", story::name(message), content(again, message));
    }
    text.push('\n');
}

/// An order, shortened; of a message without a known content its size.
fn content(again: &Again<'_>, message: MessageId) -> String {
    let body = again.workload.body(message);
    if !body.starts_with('{') {
        return format!("{} bytes", body.len());
    }
    let mut shown: String = body.chars().take(BODY_CHARS).collect();
    if shown.len() < body.len() {
        shown.push('…');
    }
    shown
}

fn verdicts(text: &mut String, again: &Again<'_>) {
    text.push('\n');
    for (name, of) in again.cast.subscriptions().iter().zip(&again.report.subscriptions) {
        let verdict = match of.verdict {
            Verdict::Valid => "kept".to_owned(),
            other => report::verdict(other).to_owned(),
        };
        let _ = writeln!(text, "{name}: the promise {} is {verdict}", of.guarantee);
    }
    let _ = writeln!(text, "History digest {}", again.digest);
}

#[derive(Serialize)]
struct ReplayJson<'a> {
    schema: &'static str,
    scenario_digest: &'a str,
    model: String,
    strategy: String,
    seed: u64,
    digest: String,
    anomalies: &'a [Told],
    subscription_names: &'a [String],
    report: &'a Report,
    replay: String,
}

fn json<'a>(again: &'a Again<'_>, replay: &'a ReplayString) -> ReplayJson<'a> {
    ReplayJson {
        schema: "entrega.replay.v1",
        scenario_digest: &replay.digest,
        model: replay.model.to_string(),
        strategy: replay.strategy.to_string(),
        seed: replay.seed,
        digest: again.digest.to_string(),
        anomalies: &again.anomalies,
        subscription_names: again.cast.subscriptions(),
        report: &again.report,
        replay: replay.to_string(),
    }
}
