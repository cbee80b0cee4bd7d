//! What is run in one configuration: the scenario in its small version, and the faults to be tried.

use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::points::FaultKind;
use entrega_scenario::workload::{Planner, Workload};
use entrega_scenario::{Loaded, Scenario, Span};
use entrega_sim::Experiment;
use entrega_sim::explore::Scope;

use super::runs::Configuration;
use super::{Explorer, Problem, faults};
use crate::untried::{Plan, Reader, Untried};

/// The scenario that is explored by default.
const SCENARIO: &str = include_str!("default.toml");
/// The seed of the keys. Nothing else is left to chance.
const SEED: u64 = 1;
/// How much virtual time a run may take: a consumer may poll once a day. What ends a run that never
/// rests is its number of steps.
const LONG: Span = Span::from_secs(10 * 365 * 86_400);

/// When a request is given up, unless a scenario says so.
const REQUEST_TIMEOUT: Span = Span::from_secs(1);

/// What is run, in its small version.
pub(super) struct Prepared {
    /// The scenario as it is.
    original: Scenario,
    scope: Scope,
    pub(super) scenario: Scenario,
    workload: Workload,
    /// The faults to be tried.
    pub(super) faults: Vec<FaultKind>,
    /// What is tried only if it is named, and why.
    pub(super) left_out: Vec<(FaultKind, &'static str)>,
}

impl<C> Explorer<C> {
    pub(super) fn prepare(&self, on: Configuration) -> Result<Prepared, Problem> {
        let text = self.settings.scenario.as_deref().unwrap_or(SCENARIO);
        let no_files = |_: &str| Err("there are no files here".to_owned());
        let loaded = Scenario::parse("the scenario", text, &[], &no_files);
        let original = with_timeouts(loaded.map_err(Problem::Scenario)?);
        let scope = Scope { consumers: on.consumers, ..self.settings.scope }.within(&original);
        let mut faults = self.wanted(&scope.named(&original), on.model)?;
        let mut left_out = Vec::new();
        if self.settings.only.is_none() {
            let replicated = original.log.is_replicated();
            let why = |&kind: &FaultKind| Some((kind, faults::why_left_out(kind, replicated)?));
            left_out.extend(faults.iter().filter_map(why));
            faults.retain(|kind| why(kind).is_none());
        }
        let mut scenario = scope.of(&original);
        scenario.limits.drain = LONG;
        let workload = Planner::new(&scenario).plan(None, SEED);
        Ok(Prepared { original, scope, scenario, workload, faults, left_out })
    }

    /// What time can do on a model without a fault.
    pub(super) fn untried(&self, prepared: &Prepared, model: Model) -> Untried {
        let Prepared { original: scenario, scope, faults: kinds, .. } = prepared;
        let extent = &Planner::new(scenario).extent(None, SEED);
        let (scope, reader) = (*scope, Reader::Own(self.settings.like));
        let (faults, preemptions) = (self.settings.faults, self.settings.beside_faults());
        Untried::of(&Plan { scenario, extent, scope, model, reader, kinds, faults, preemptions })
    }

    /// The faults to be tried on a model where the scenario names these.
    fn wanted(&self, named: &[FaultKind], model: Model) -> Result<Vec<FaultKind>, Problem> {
        let mut wanted = match &self.settings.only {
            None if named.is_empty() => faults::all(model).collect(),
            None => named.to_vec(),
            Some(only) => {
                let mut wanted = Vec::new();
                for name in only {
                    let before = wanted.len();
                    wanted.extend(faults::named(name));
                    if wanted.len() == before {
                        return Err(Problem::NoSuchFault { name: name.clone() });
                    }
                }
                wanted
            }
        };
        wanted.retain(|&kind| faults::exists(kind, model));
        wanted.sort_unstable();
        wanted.dedup();
        Ok(wanted)
    }
}

/// A scenario, with the request timeouts of own tests where it leaves them out.
fn with_timeouts(Loaded { mut scenario, written, .. }: Loaded) -> Scenario {
    let is_open = |path: &str| written.iter().all(|one| one.path != path);
    if is_open("consumer.request_timeout") {
        scenario.consumer.request_timeout = REQUEST_TIMEOUT;
    }
    if is_open("producer.request_timeout") {
        scenario.producer.request_timeout = REQUEST_TIMEOUT;
    }
    scenario
}

impl Prepared {
    pub(super) fn experiment(&self, model: Model, strategy: Strategy) -> Experiment<'_> {
        let Self { scenario, workload, .. } = self;
        Experiment { scenario, workload, model, strategy, seed: SEED }
    }

    /// How many instances of the consumer there are.
    pub(super) fn consumers(&self) -> u32 {
        self.scenario.subscriptions[0].consumers
    }
}
