//! One run of a configuration by chance, and whether it comes out as the scenario expects.

use std::io::{self, Write};

use entrega::{Judged, judge};
use entrega_choice::{Point, format_choices};
use entrega_model::event::Phase;
use entrega_model::{Event, Kind, Observer};
use entrega_scenario::Cast;
use entrega_scenario::workload::Workload;
use entrega_sim::Experiment;
use entrega_sim::digest::Digest;
use serde::Serialize;

use crate::configuration::Configuration;
use crate::expect::{self, Expected, Found};
use crate::history;
use crate::loaded::LoadedScenario;
use crate::replay_string::{ReplayString, Size};

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
    /// The digest of what happened.
    pub digest: Digest,
    /// When its phases began.
    pub phases: Vec<PhaseNote>,
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
    fn new(
        loaded: &'a LoadedScenario,
        configuration: Configuration,
        seed: u64,
        judged: Judged,
        notes: Notes,
    ) -> Self {
        let (scenario, choices) = (&loaded.scenario, &judged.outcome.choices);
        let choices = format_choices(choices.table(), choices.made());
        let replay = loaded.replay_string(configuration, seed, Size::Full, choices);
        let named = scenario.subscription_names().into_iter().zip(&judged.report.subscriptions);
        let found: Vec<Found<'_>> = named.map(|(name, of)| Found::in_run(name, of)).collect();
        let expected = expect::checked(scenario, configuration, &found);
        let Notes { digest, phases } = notes;
        let cast = Cast::of(scenario);
        Self { loaded, configuration, seed, cast, judged, digest, phases, expected, replay }
    }

    /// Whether everything came out as the scenario says.
    pub fn is_as_expected(&self) -> bool {
        self.expected.iter().all(|one| one.holds)
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
}

impl Observer for Notes {
    fn observe(&mut self, events: &[Event]) {
        self.digest.observe(events);
        for event in events {
            if let Kind::Entered { phase } = event.kind {
                self.phases.push(PhaseNote { phase, at_ns: event.at.as_nanos() });
            }
        }
    }
}
