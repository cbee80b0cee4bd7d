//! Repeats a run from its replay string, and tells the story of everything that it shows.

use entrega::{Judged, judge};
use entrega_checker::{Class, Finding, Report, SubscriptionReport, findings};
use entrega_choice::{Choices, ParseError, format_choices, parse_choices};
use entrega_explain::{Run, Subject, Tale};
use entrega_model::printable::printable;
use entrega_model::{Event, MessageId, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::workload::Workload;
use entrega_scenario::{Cast, points};
use entrega_sim::Experiment;
use entrega_sim::digest::Digest;
use serde::Serialize;
use thiserror::Error;

use crate::configuration::{Configuration, Unfit};
use crate::loaded::LoadedScenario;
use crate::property::Property;
use crate::replay_string::{Course, Overrides, ReplayString};
use crate::verdict::{self, Judgement};

/// A run that was repeated.
pub struct ReplayedRun {
    /// The scenario in the size in which it was run.
    pub scenario: Scenario,
    /// The messages that were sent.
    pub workload: Workload,
    /// Who took part.
    pub cast: Cast,
    /// What happened.
    pub events: Vec<Event>,
    /// The digest of what happened.
    pub digest: Digest,
    /// What became of every message.
    pub report: Report,
    /// What that is worth, for each subscription.
    pub judgements: Vec<Judgement>,
    /// What the run shows, in words.
    pub anomalies: Vec<Anomaly>,
    /// The string that it was repeated from.
    pub replay: ReplayString,
}

/// A finding with its story.
#[derive(Clone, Debug, Serialize)]
pub struct Anomaly {
    /// What the subscription is called.
    pub subscription: String,
    /// What is found.
    pub anomaly: &'static str,
    /// Why, if such findings have causes.
    pub cause: Option<String>,
    /// None if a run never comes to rest although nothing waits.
    pub message: Option<MessageId>,
    /// How it comes to that.
    pub story: String,
}

/// Why a run cannot be repeated.
#[derive(Debug, Error)]
pub enum Unrepeatable {
    /// The string is of another scenario: give the one that it was made with.
    #[error(
        "this replay string belongs to another scenario or another version of it: its digest is \
         {replay}, {name} has {scenario}\n  help: give the scenario file that the string was made \
         with"
    )]
    OtherScenario {
        /// The digest in the string.
        replay: String,
        /// What the scenario is called.
        name: String,
        /// The digest of the scenario.
        scenario: String,
    },
    /// The scenario was read under overrides that are not those of the string.
    #[error(
        "the replay string is of {name} {of}, and {given}\n  help: {help}",
        of = of(overrides),
        given = given(changed),
        help = help(overrides)
    )]
    OtherOverrides {
        /// What the scenario is called.
        name: String,
        /// What was changed for the run.
        overrides: Overrides,
        /// What is changed now.
        changed: Vec<(String, String)>,
    },
    /// The scenario cannot be run like this.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// The choices say nothing that the scenario knows.
    #[error("the choices of the replay string: {0}")]
    Choices(#[from] ParseError),
    /// The run never came to these choices: the string is of another run.
    #[error("the run never came to these choices, so the replay string is not of this run: {0}")]
    NotReached(String),
}

/// Repeats a run. The scenario must have been loaded with the overrides of the string.
///
/// # Errors
/// All of [`Unrepeatable`].
pub fn replay(loaded: &LoadedScenario, replay: ReplayString) -> Result<ReplayedRun, Unrepeatable> {
    belongs(&replay, loaded)?;
    loaded.supports(replay.configuration)?;
    let version = loaded.sized(&replay.size)?;
    let workload = version.workload(replay.seed);
    let scenario = version.scenario;
    let Configuration { model, strategy } = replay.configuration;
    let (scenario_of, workload_of, seed) = (&scenario, &workload, replay.seed);
    let experiment =
        Experiment { scenario: scenario_of, workload: workload_of, model, strategy, seed };
    let choices = choices(&experiment, &replay.course)?;
    let (mut events, mut digest) = (Vec::new(), Digest::default());
    let Judged { mut report, outcome } =
        judge(&experiment, choices, &mut (&mut events, &mut digest));
    let unused = outcome.choices.unused();
    if !unused.is_empty() {
        return Err(Unrepeatable::NotReached(format_choices(outcome.choices.table(), &unused)));
    }
    let judgements = verdict::of_run(&scenario, replay.configuration, &mut report, &outcome);
    let cast = Cast::of(&scenario);
    let anomalies = anomalies(&events, &cast, &report);
    Ok(ReplayedRun {
        scenario,
        workload,
        cast,
        events,
        digest,
        report,
        judgements,
        anomalies,
        replay,
    })
}

fn belongs(replay: &ReplayString, loaded: &LoadedScenario) -> Result<(), Unrepeatable> {
    let scenario = loaded.digest.to_string();
    let name = loaded.name.clone();
    if replay.digest != scenario {
        return Err(Unrepeatable::OtherScenario { replay: replay.digest.clone(), name, scenario });
    }
    if !replay.overrides.are(&loaded.overrides) {
        let (overrides, changed) = (replay.overrides.clone(), loaded.overrides.clone());
        return Err(Unrepeatable::OtherOverrides { name, overrides, changed });
    }
    Ok(())
}

/// What a run was made under: `as it is`, `under --set log.partitions=4`.
fn of(overrides: &Overrides) -> String {
    match overrides {
        Overrides::Named(named) if named.is_empty() => "as it is".to_owned(),
        Overrides::Named(named) => format!("under {}", options(named)),
        Overrides::Digest(digest) => format!("under overrides of the digest {digest:08x}"),
    }
}

fn given(changed: &[(String, String)]) -> String {
    if changed.is_empty() {
        return "none are given".to_owned();
    }
    format!("these are others: {}", options(changed))
}

fn help(overrides: &Overrides) -> &'static str {
    match overrides {
        Overrides::Named(_) => "leave --set out: the string names what was changed",
        Overrides::Digest(_) => "give every --set of the run again, in the same order",
    }
}

fn options(overrides: &[(String, String)]) -> String {
    let option = |(path, value): &(String, String)| format!("--set {path}={value}");
    let options: Vec<String> = overrides.iter().map(option).collect();
    printable(&options.join(" ")).into_owned()
}

/// The choices of a run: drawn as for its first time, or listed.
fn choices(experiment: &Experiment<'_>, course: &Course) -> Result<Choices, ParseError> {
    let Course::ByList(list) = course else { return Ok(experiment.random_choices()) };
    let table = points::table(&experiment.scenario.subscription_names());
    let list = parse_choices(&table, list)?;
    Ok(Choices::explicit(table, list))
}

/// Everything that the run shows, each with the story of its first message. In a run that does not
/// come to rest, subscriptions in which nothing waits and nothing is tried for ever say nothing of
/// that, if there are others.
fn anomalies(events: &[Event], cast: &Cast, report: &Report) -> Vec<Anomaly> {
    let run = Run::new(events, cast);
    let waits = |of: &&SubscriptionReport| {
        of.firsts.contains_key(&Class::Pending) || run.is_stuck(of.subscription)
    };
    let someone_waits = report.subscriptions.iter().any(|of| waits(&of));
    let mut anomalies = Vec::new();
    for of in &report.subscriptions {
        let subscription: SubscriptionId = of.subscription;
        for (finding, message) in findings(of, report.end) {
            let Some((property, cause)) = Property::of(finding) else { continue };
            if finding == Finding::Stalled && someone_waits && !waits(&of) {
                continue;
            }
            let subject = Subject { subscription, finding, message };
            let Tale { message, sentence } = run.tell(&subject);
            anomalies.push(Anomaly {
                subscription: cast.subscriptions()[subscription.index()].clone(),
                anomaly: property.name(),
                cause: cause.map(|cause| cause.to_string()),
                message,
                story: sentence,
            });
        }
    }
    anomalies
}
