//! One run of a configuration by chance, and whether it comes out as the scenario expects.

use std::io::{self, Write};

use entrega::{Judged, judge};
use entrega_checker::SubscriptionReport;
use entrega_choice::Point;
use entrega_explain::Victims;
use entrega_model::event::Phase;
use entrega_model::{Event, Kind, MessageId, Observer, SubscriptionId};
use entrega_scenario::Cast;
use entrega_scenario::workload::Workload;
use entrega_sim::Experiment;
use entrega_sim::digest::Digest;
use serde::Serialize;

use crate::configuration::Configuration;
use crate::expect::{self, Expected, Found};
use crate::hints;
use crate::history;
use crate::loaded::LoadedScenario;
use crate::replay_string::{Course, ReplayString};
use crate::size::Size;
use crate::verdict::{self, Judgement};

/// A run of a scenario as it is, and everything that is known of it.
pub struct Run<'a> {
    /// The scenario.
    pub loaded: &'a LoadedScenario,
    /// What was run.
    pub configuration: Configuration,
    /// The seed of everything that was left to chance.
    pub seed: u64,
    /// Who took part.
    pub cast: Cast,
    /// What became of every message, and what was chosen.
    pub judged: Judged,
    /// What that is worth, for each subscription.
    pub judgements: Vec<Judgement>,
    /// The digest of what happened.
    pub digest: Digest,
    /// When its phases began.
    pub phases: Vec<PhaseNote>,
    /// What a delivery limit took along.
    pub victims: Victims,
    /// What the scenario expects of such a run.
    pub expected: Vec<Expected>,
    /// The string that repeats the run.
    pub replay: ReplayString,
}

/// When a phase began.
#[derive(Clone, Debug, Serialize)]
pub struct PhaseNote {
    /// The phase.
    pub phase: Phase,
    /// Its beginning, in nanoseconds of virtual time.
    pub at_ns: u64,
}

/// A kind of fault that was injected.
#[derive(Clone, Debug, Serialize)]
pub struct InjectedFault {
    /// Where.
    pub point: String,
    /// What happened there.
    pub alternative: &'static str,
    /// How often.
    pub count: u64,
    /// How often it could have been.
    pub occurrences: u32,
}

/// The messages of a subscription that a delivery limit took along although no handler ever failed
/// on them.
#[derive(Clone, Debug, Serialize)]
pub struct TakenAlong {
    /// What the subscription is called.
    pub subscription: String,
    /// How many there are.
    pub messages: usize,
    /// The one with the lowest id.
    pub first: MessageId,
}

/// Makes a run.
pub fn run(loaded: &LoadedScenario, configuration: Configuration, seed: u64) -> Run<'_> {
    watch(loaded, configuration, seed, &mut ())
}

/// Makes a run that somebody watches.
pub fn watch<'a>(
    loaded: &'a LoadedScenario,
    configuration: Configuration,
    seed: u64,
    watcher: &mut impl Observer,
) -> Run<'a> {
    let workload = loaded.full().workload(seed);
    let experiment = experiment(loaded, &workload, configuration, seed);
    let mut notes = Notes::default();
    let judged = judge(&experiment, experiment.random_choices(), &mut (&mut notes, watcher));
    Run::new(loaded, configuration, seed, judged, notes)
}

/// Makes a run and writes its history.
///
/// # Errors
/// If the history cannot be written.
pub fn record(
    loaded: &LoadedScenario,
    configuration: Configuration,
    seed: u64,
    history: impl Write,
) -> io::Result<Run<'_>> {
    watch_and_record(loaded, configuration, seed, &mut (), history)
}

/// Makes a run that somebody watches, and writes its history.
///
/// # Errors
/// If the history cannot be written.
pub fn watch_and_record<'a>(
    loaded: &'a LoadedScenario,
    configuration: Configuration,
    seed: u64,
    watcher: &mut impl Observer,
    history: impl Write,
) -> io::Result<Run<'a>> {
    let workload = loaded.full().workload(seed);
    let experiment = experiment(loaded, &workload, configuration, seed);
    let mut notes = Notes::default();
    let mut observers = (&mut notes, watcher);
    let choices = experiment.random_choices();
    let judged = history::record(&experiment, choices, &mut observers, history)?;
    Ok(Run::new(loaded, configuration, seed, judged, notes))
}

fn experiment<'e>(
    loaded: &'e LoadedScenario,
    workload: &'e Workload,
    configuration: Configuration,
    seed: u64,
) -> Experiment<'e> {
    let Configuration { model, strategy } = configuration;
    Experiment { scenario: &loaded.scenario, workload, model, strategy, seed }
}

impl<'a> Run<'a> {
    /// What to write in the scenario, for each subscription that fails in one way only.
    pub fn hints(&self) -> Vec<(&str, &'static str)> {
        let scenario = &self.loaded.scenario;
        let reports =
            scenario.subscription_names().into_iter().zip(&self.judged.report.subscriptions);
        let hint = |(name, of): (&'a str, &SubscriptionReport)| {
            let reasons = of.reasons.iter().copied();
            let model = self.configuration.model;
            let hint = hints::of_losses(scenario, model, of.verdict, reasons, &of.examples)?;
            Some((name, hint))
        };
        reports.filter_map(hint).collect()
    }

    fn new(
        loaded: &'a LoadedScenario,
        configuration: Configuration,
        seed: u64,
        mut judged: Judged,
        notes: Notes,
    ) -> Self {
        let scenario = &loaded.scenario;
        let Judged { report, outcome } = &mut judged;
        let judgements = verdict::of_run(scenario, configuration, report, outcome);
        let replay = loaded.replay_string(configuration, seed, Size::Full, Course::ByChance);
        let named = scenario.subscription_names().into_iter().zip(&judged.report.subscriptions);
        let found = named.zip(&judgements).map(|((name, of), judgement)| {
            Found::in_run(name, of).because(judgement.why.join("; "))
        });
        let found: Vec<Found<'_>> = found.collect();
        let expected = expect::checked(scenario, configuration, &found);
        let Notes { digest, phases, victims } = notes;
        let cast = Cast::of(scenario);
        Self {
            loaded,
            configuration,
            seed,
            cast,
            judged,
            judgements,
            digest,
            phases,
            victims,
            expected,
            replay,
        }
    }

    /// Whether everything came out as the scenario says.
    pub fn is_as_expected(&self) -> bool {
        self.expected.iter().all(|one| one.holds)
    }

    /// What a delivery limit took along, for every subscription in which it did.
    pub fn taken_along(&self) -> Vec<TakenAlong> {
        let names = (0..).map(SubscriptionId).zip(self.cast.subscriptions());
        let of = |(id, name): (SubscriptionId, &String)| {
            let first = self.victims.innocent(id).next()?;
            let messages = self.victims.innocent(id).count();
            Some(TakenAlong { subscription: name.clone(), messages, first })
        };
        names.filter_map(of).collect()
    }

    /// How often each fault was injected.
    pub fn faults(&self) -> Vec<InjectedFault> {
        let choices = &self.judged.outcome.choices;
        let mut faults: Vec<InjectedFault> = Vec::new();
        for (point, spec) in (0..).map(Point).zip(choices.table().iter()) {
            for (value, alternative) in (1..).zip(spec.alternatives) {
                let made = choices.made().iter();
                let count =
                    made.filter(|one| (one.point, one.value) == (point, value)).count() as u64;
                let occurrences = choices.occurrences(point);
                let (point, alternative) = (spec.name.clone(), *alternative);
                faults.push(InjectedFault { point, alternative, count, occurrences });
            }
        }
        faults.retain(|fault| fault.count > 0);
        faults
    }
}

/// What is noted of a run while it goes on.
#[derive(Default)]
struct Notes {
    digest: Digest,
    phases: Vec<PhaseNote>,
    victims: Victims,
}

impl Observer for Notes {
    fn observe(&mut self, events: &[Event]) {
        self.digest.observe(events);
        self.victims.observe(events);
        for event in events {
            if let Kind::Entered { phase } = event.kind {
                self.phases.push(PhaseNote { phase, at_ns: event.at.as_nanos() });
            }
        }
    }
}
