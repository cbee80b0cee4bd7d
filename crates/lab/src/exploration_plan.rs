//! Explorations of a scenario: every configuration and subscription is a space of its own.
//!
//! > **The rule.** The caller brings the threads, and the result does not depend on them.
//!
//! [`ExplorationPlan::run`] explores one space after another on the current thread. To use several,
//! a caller calls [`ExplorationPlan::prepare`] on each space, makes the runs of its [`Exploration`]
//! batch by batch, calls [`Prepared::shrink_and_tell`] for each finding, and keeps the
//! [`ExploredSpace`]s in the order of the spaces.

use entrega::Exploration;
use entrega::untried::{Plan, Reader, Untried};
use entrega_checker::Finding;
use entrega_choice::{Choice, format_choices};
use entrega_clients::Strategy;
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::points::{self, FaultKind};
use entrega_scenario::workload::Workload;
use entrega_sim::Experiment;
use entrega_sim::explore::{Explored, Scope, Space};

use crate::configuration::{Configuration, Unfit};
use crate::explorations::Explorations;
use crate::loaded::{LoadedScenario, Version};
use crate::property::{Occurs, Property};
use crate::replay_string::{Course, ReplayString};
use crate::size::Size;
use crate::stories::FindingStory;

/// What to explore.
pub struct ExplorationPlan {
    /// The scenario.
    pub loaded: LoadedScenario,
    /// The spaces: subscription by subscription, as a table has them.
    pub spaces: Vec<ConfigurationSpace>,
    /// How far each exploration goes.
    pub bounds: Bounds,
}

/// One space: who is looked at, and what can go wrong.
#[derive(Clone, Debug)]
pub struct ConfigurationSpace {
    /// The configuration.
    pub configuration: Configuration,
    /// How much of the scenario is run.
    pub scope: Scope,
    /// What can go wrong.
    pub kinds: Vec<FaultKind>,
    /// What time can do without a fault.
    pub untried: Untried,
}

/// How far explorations go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// At most this many faults in one run.
    pub faults: u8,
    /// At most this many changes of order in one run.
    pub preemptions: u8,
    /// At most this many messages.
    pub messages: u32,
    /// At most this many consumers of a subscription.
    pub consumers: u32,
    /// At most this many partitions of the log.
    pub partitions: u16,
    /// Whether every fault point is tried, and not only those that the scenario names.
    pub all_faults: bool,
    /// At most this many runs for each space.
    pub budget: u64,
    /// The seed of the messages.
    pub seed: u64,
    /// Whether runs are cut in states that were seen before.
    pub cuts: bool,
    /// Whether what is said of a space is held against runs of the scenario
    /// [as it is](crate::by_chance).
    pub as_it_is: bool,
}

/// A space that was explored.
pub struct ExploredSpace {
    /// The space.
    pub space: ConfigurationSpace,
    /// What its runs show.
    pub explored: Explored<Finding>,
    /// What the scenario as it is can do and was not tried, a clause each.
    pub not_tried: Vec<String>,
    /// The findings that have a story of their own.
    pub stories: Vec<FindingStory>,
}

impl ExploredSpace {
    /// Puts together what was found; `missed` is what [runs of the whole](Prepared::missed)
    /// contradict.
    pub fn new(
        space: ConfigurationSpace,
        explored: Explored<Finding>,
        missed: Vec<String>,
        stories: Vec<FindingStory>,
    ) -> Self {
        let not_tried = space.untried.not_tried.iter().cloned().chain(missed).collect();
        Self { space, explored, not_tried, stories }
    }

    /// In how many schedules a property was found, in a word. Where not everything was tried,
    /// nothing is impossible, and nothing inevitable; nor is a loss from which the scenario's own
    /// times may spare a message.
    pub fn occurs(&self, property: Property) -> Occurs {
        let may_be_spared = property == Property::Lost && self.space.untried.group_may_come_first;
        match property.occurs(&self.explored) {
            Occurs::Always if may_be_spared => Occurs::Sometimes,
            occurs if self.not_tried.is_empty() => occurs,
            Occurs::Never | Occurs::NotFound => Occurs::NotFound,
            Occurs::Always | Occurs::Sometimes => Occurs::Sometimes,
        }
    }
}

/// Which part of a scenario to explore. An empty list stands for all that the scenario names.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part<'a> {
    /// Only these models.
    pub models: &'a [Model],
    /// Only these strategies.
    pub strategies: &'a [Strategy],
    /// Only the subscriptions of these names.
    pub subscriptions: &'a [String],
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            faults: 1,
            preemptions: 1,
            messages: 3,
            consumers: 2,
            partitions: 1,
            all_faults: false,
            budget: 1_000_000,
            seed: 1,
            cuts: true,
            as_it_is: true,
        }
    }
}

impl ExplorationPlan {
    /// The spaces of a part of a scenario.
    ///
    /// # Errors
    /// All of [`Unfit`].
    pub fn new(loaded: LoadedScenario, part: Part<'_>, bounds: Bounds) -> Result<Self, Unfit> {
        let scenario = &loaded.scenario;
        let models = if part.models.is_empty() { &scenario.models } else { part.models };
        let configurations = loaded.configurations(models, part.strategies)?;
        configurations.iter().try_for_each(|one| loaded.allows(*one))?;
        let extent = loaded.full().extent(bounds.seed);
        let mut spaces = Vec::new();
        for subscription in subscriptions(&loaded, part.subscriptions)? {
            let Bounds { messages, consumers, partitions, all_faults, faults, preemptions, .. } =
                bounds;
            let scope = Scope { subscription, messages, consumers, partitions }.within(scenario);
            let kinds: Vec<FaultKind> =
                if all_faults { points::kinds().collect() } else { scope.named(scenario) };
            spaces.extend(configurations.iter().map(|&configuration| {
                let Configuration { model, strategy } = configuration;
                let (reader, extent, kinds) = (Reader::Catalogued(strategy), &extent, &kinds);
                let plan =
                    Plan { scenario, extent, scope, model, reader, kinds, faults, preemptions };
                let (untried, kinds) = (Untried::of(&plan), kinds.clone());
                ConfigurationSpace { configuration, scope, kinds, untried }
            }));
        }
        Ok(Self { loaded, spaces, bounds })
    }

    /// Explores everything on this thread.
    pub fn run(&self) -> Explorations<'_> {
        let rows = self.spaces.iter().map(|space| self.prepare(space).run());
        Explorations::new(self, rows.collect(), false)
    }

    /// Makes a space ready to be explored.
    pub fn prepare<'p>(&'p self, space: &'p ConfigurationSpace) -> Prepared<'p> {
        let version = self.loaded.explored(space.scope);
        let workload = version.workload(self.bounds.seed);
        Prepared { plan: self, space, version, workload }
    }

    /// The string that repeats a run.
    pub fn replay(
        &self,
        configuration: Configuration,
        scope: Scope,
        choices: &[Choice],
    ) -> ReplayString {
        let size = Size::of(self.subscription(scope), scope);
        let (seed, course) = (self.bounds.seed, Course::ByList(self.choices(scope, choices)));
        self.loaded.replay_string(configuration, seed, size, course)
    }

    /// The choices of a run in their text form.
    pub(crate) fn choices(&self, scope: Scope, choices: &[Choice]) -> String {
        format_choices(&points::table(&[self.subscription(scope)]), choices)
    }

    fn subscription(&self, scope: Scope) -> &str {
        &self.loaded.scenario.subscriptions[scope.subscription.index()].name
    }

    /// The command that repeats a run of the scenario as it is.
    pub fn command_by_chance(&self, configuration: Configuration, seed: u64) -> String {
        let replay = self.loaded.replay_string(configuration, seed, Size::Full, Course::ByChance);
        self.loaded.replay_command(&replay)
    }

    /// The command that repeats a run.
    pub fn command(
        &self,
        configuration: Configuration,
        scope: Scope,
        choices: &[Choice],
    ) -> String {
        self.loaded.replay_command(&self.replay(configuration, scope, choices))
    }
}

fn subscriptions(loaded: &LoadedScenario, names: &[String]) -> Result<Vec<SubscriptionId>, Unfit> {
    if names.is_empty() {
        let count = loaded.scenario.subscriptions.len() as u8;
        return Ok((0..count).map(SubscriptionId).collect());
    }
    names.iter().map(|name| loaded.subscription(name)).collect()
}

/// A space with its scenario and its messages, ready to be explored.
pub struct Prepared<'p> {
    pub(crate) plan: &'p ExplorationPlan,
    pub(crate) space: &'p ConfigurationSpace,
    version: Version<'p>,
    pub(crate) workload: Workload,
}

impl Prepared<'_> {
    /// The exploration of the space, whose runs may be made on several threads.
    pub fn exploration(&self) -> Exploration<'_> {
        let Bounds { budget, seed, .. } = self.plan.bounds;
        self.exploration_of(&self.version, &self.workload, seed, budget)
    }

    /// What another small version shows in the same space.
    pub(crate) fn explored_with(
        &self,
        version: &Version<'_>,
        workload: &Workload,
        seed: u64,
        budget: u64,
    ) -> Explored<Finding> {
        let budget = budget.min(self.plan.bounds.budget);
        self.exploration_of(version, workload, seed, budget).run()
    }

    fn exploration_of<'e>(
        &self,
        version: &'e Version<'_>,
        workload: &'e Workload,
        seed: u64,
        budget: u64,
    ) -> Exploration<'e> {
        let Configuration { model, strategy } = self.space.configuration;
        let Bounds { faults, preemptions, cuts, .. } = self.plan.bounds;
        let scenario = &version.scenario;
        let space = Space::of_kinds(&self.space.kinds, faults, preemptions);
        Exploration {
            experiment: Experiment { scenario, workload, model, strategy, seed },
            space: self.space.untried.in_space(space),
            budget,
            cuts,
        }
    }

    /// Explores the space and tells its stories on this thread.
    pub fn run(&self) -> ExploredSpace {
        let explored = self.exploration().run();
        let found = explored.found.iter();
        let stories = found
            .filter_map(|(&finding, showing)| self.shrink_and_tell(finding, showing, &|_, _| true));
        let stories = stories.collect();
        let missed = self.missed(&explored, &|_| true);
        ExploredSpace::new(self.space.clone(), explored, missed, stories)
    }
}
