//! The small worlds of the table, opened: what is explored in them here is made of public parts
//! alone.

use std::collections::BTreeSet;

use entrega_checker::Finding;
use entrega_lab::LoadedScenario;
use entrega_lab::replay_string::{Overrides, ReplayString};
use entrega_lab::size::Size;
use entrega_lab::truth_table::{Letter, NAME, Piece, SCENARIO};
use entrega_scenario::Scenario;
use entrega_scenario::workload::Workload;
use entrega_sim::Experiment;

/// A small world that can be changed.
#[derive(Clone)]
pub(crate) struct SmallWorld {
    calm: ReplayString,
}

impl SmallWorld {
    /// The world of a piece.
    pub(crate) fn of(piece: &Piece<'_>) -> Self {
        Self { calm: piece.calm_run() }
    }

    /// The world with another value of a setting.
    pub(crate) fn with(mut self, path: &str, value: &str) -> Self {
        if let Overrides::Named(named) = &mut self.calm.overrides {
            named.push((path.to_owned(), value.to_owned()));
        }
        self
    }

    /// The world with other numbers of messages, consumers and partitions.
    pub(crate) fn sized(mut self, change: impl FnOnce(&mut u32, &mut u32, &mut u16)) -> Self {
        if let Size::Explored { messages, consumers, partitions, .. } = &mut self.calm.size {
            change(messages, consumers, partitions);
        }
        self
    }

    /// The world with another seed of its messages.
    pub(crate) fn seeded(mut self, seed: u64) -> Self {
        self.calm.seed = seed;
        self
    }

    /// Its scenario and its messages.
    pub(crate) fn open(&self) -> Opened<'_> {
        let Overrides::Named(overrides) = &self.calm.overrides else {
            panic!("overrides are named");
        };
        let alone = |_: &str| Err("nothing stands beside it".to_owned());
        let loaded = LoadedScenario::load(NAME, SCENARIO, overrides, &alone);
        let loaded = loaded.unwrap_or_else(|problem| panic!("{}: {problem}", self.calm));
        let version = loaded.sized(&self.calm.size).expect("its subscription");
        let workload = version.workload(self.calm.seed);
        Opened { world: self, scenario: version.scenario, workload }
    }
}

/// A small world with its scenario and its messages.
pub(crate) struct Opened<'w> {
    world: &'w SmallWorld,
    pub(crate) scenario: Scenario,
    workload: Workload,
}

impl Opened<'_> {
    pub(crate) fn experiment(&self) -> Experiment<'_> {
        let ReplayString { configuration, seed, .. } = self.world.calm;
        Experiment {
            scenario: &self.scenario,
            workload: &self.workload,
            model: configuration.model,
            strategy: configuration.strategy,
            seed,
        }
    }
}

/// The letters that findings are counted in.
pub(crate) fn letters(findings: impl IntoIterator<Item = Finding>) -> BTreeSet<Letter> {
    findings.into_iter().filter_map(Letter::of).collect()
}
