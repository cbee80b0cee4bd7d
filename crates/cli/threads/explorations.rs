//! Explorations on all cores, under a watch.
//!
//! The spaces of a plan are explored one after another, each by all workers. The result does not
//! depend on how many there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entrega::exploration::Batch;
use entrega_checker::Finding;
use entrega_choice::Choice;
use entrega_lab::ExplorationPlan;
use entrega_lab::exploration_plan::{ConfigurationSpace, ExploredSpace, Prepared};
use entrega_lab::stories::FindingStory;
use entrega_sim::explore::{Explored, Scope, Seen, Task};
use rayon::prelude::*;

use super::pool;
use super::watch::{NoResult, Watch};
use crate::failure::Failure;

/// The run that a worker is making.
#[derive(Clone, Debug)]
pub(crate) struct Doing {
    /// The index of its space.
    space: usize,
    run: Which,
}

/// A run of a space.
#[derive(Clone, Debug)]
enum Which {
    /// One of its small version.
    Chosen(Scope, Vec<Choice>),
    /// One of the scenario as it is, by its seed.
    ByChance(u64),
}

/// Called now and then with a space, and how many of its schedules were run and wait.
pub(crate) type Progress = Box<dyn Fn(&ConfigurationSpace, u64, usize) + Send + Sync>;

/// How an exploration under way is looked after.
pub(crate) struct Care {
    /// Raised to end the work early.
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) watch: Watch<Doing>,
    pub(crate) progress: Progress,
}

impl Care {
    /// Whether the work is to end early.
    pub(crate) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Lets workers explore a plan, and gives up on a run that takes longer than `patience`.
pub(crate) fn supervise(
    plan: &Arc<ExplorationPlan>,
    care: &Arc<Care>,
    threads: usize,
    patience: Duration,
) -> Result<Vec<ExploredSpace>, Failure> {
    let pool = pool::new(threads, pool::FEWER)?;
    let (explored, looked_after) = (Arc::clone(plan), Arc::clone(care));
    let work = move || Exploring { plan: &explored, care: &looked_after }.run();
    match care.watch.supervise(&pool, patience, work) {
        Ok(rows) => rows,
        Err(NoResult::Stuck(doing)) => Err(stuck(plan, &doing, patience.as_secs())),
        Err(NoResult::Panicked) => Err(Failure::panicked()),
    }
}

/// An exploration of a plan under way.
#[derive(Clone, Copy)]
struct Exploring<'a> {
    plan: &'a ExplorationPlan,
    care: &'a Care,
}

impl Exploring<'_> {
    /// Explores one space after another, until the work is to end early. Must be called on a
    /// worker.
    fn run(self) -> Result<Vec<ExploredSpace>, Failure> {
        let mut rows = Vec::new();
        for (number, space) in self.plan.spaces.iter().enumerate() {
            if self.care.is_over() {
                break;
            }
            let prepared = self.plan.prepare(space);
            let explored = self.explore(number, &prepared)?;
            let stories = self.stories(number, &prepared, &explored)?;
            let missed = self.missed(number, &prepared, &explored)?;
            rows.push(ExploredSpace::new(space.clone(), explored, missed, stories));
        }
        Ok(rows)
    }

    fn explore(self, space: usize, prepared: &Prepared<'_>) -> Result<Explored<Finding>, Failure> {
        let exploration = prepared.exploration();
        let scope = self.plan.spaces[space].scope;
        let mut failed = None;
        let walk = |tasks: &[Task], seen: &Seen| -> Batch {
            if self.care.is_over() {
                return Vec::new();
            }
            let runs = tasks.par_iter().with_min_len(FEW).map_init(
                || exploration.judge(),
                |judge, task| {
                    let doing = Doing { space, run: Which::Chosen(scope, task.choices.clone()) };
                    self.care.watch.during(|| {
                        self.care.watch.begin(doing);
                        exploration.walk(task, seen, judge)
                    })
                },
            );
            let walked: Vec<_> = runs.collect();
            let walked: Result<Batch, _> = walked.into_iter().collect();
            walked.unwrap_or_else(|doing| {
                failed = Some(panicked(self.plan, doing.as_ref()));
                Vec::new()
            })
        };
        let explored = exploration.run_telling(walk, |run, waiting| {
            (self.care.progress)(&self.plan.spaces[space], run, waiting);
        });
        failed.map_or(Ok(explored), Err)
    }

    /// What runs of the scenario as it is contradict.
    fn missed(
        self,
        space: usize,
        prepared: &Prepared<'_>,
        explored: &Explored<Finding>,
    ) -> Result<Vec<String>, Failure> {
        let before = |seed| {
            self.care.watch.begin(Doing { space, run: Which::ByChance(seed) });
            !self.care.is_over()
        };
        let missed = self.care.watch.during(|| prepared.missed(explored, &before));
        missed.map_err(|doing| panicked(self.plan, doing.as_ref()))
    }

    /// The stories of what was found.
    fn stories(
        self,
        space: usize,
        prepared: &Prepared<'_>,
        explored: &Explored<Finding>,
    ) -> Result<Vec<FindingStory>, Failure> {
        let found: Vec<_> = explored.found.iter().collect();
        let stories = found.par_iter().map(|&(&finding, showing)| {
            self.care.watch.during(|| {
                let before = |scope, choices: &[Choice]| {
                    let run = Which::Chosen(scope, choices.to_vec());
                    self.care.watch.begin(Doing { space, run });
                    !self.care.is_over()
                };
                prepared.shrink_and_tell(finding, showing, &before)
            })
        });
        let stories: Vec<_> = stories.collect();
        let stories: Result<Vec<_>, _> = stories.into_iter().collect();
        let stories = stories.map_err(|doing| panicked(self.plan, doing.as_ref()))?;
        Ok(stories.into_iter().flatten().collect())
    }
}

/// A thread takes this many runs at a time.
const FEW: usize = 4;

/// The message about a run that does not end.
fn stuck(plan: &ExplorationPlan, doing: &Doing, seconds: u64) -> Failure {
    Failure::new(format!(
        "{}\n  help: a consumer that never awaits keeps its thread for ever; --patience gives a \
         slow machine more time",
        broken(plan, doing, &format!("has taken more than {seconds} s of real time"))
    ))
}

/// The message about a run that panicked; of several, about the first in the order of the batch.
fn panicked(plan: &ExplorationPlan, doing: Option<&Doing>) -> Failure {
    doing.map_or_else(Failure::panicked, |doing| {
        Failure::new(broken(plan, doing, "panicked; the message stands above"))
    })
}

fn broken(plan: &ExplorationPlan, doing: &Doing, what: &str) -> String {
    let configuration = plan.spaces[doing.space].configuration;
    let command = match &doing.run {
        Which::Chosen(scope, choices) => plan.command(configuration, *scope, choices),
        Which::ByChance(seed) => plan.command_by_chance(configuration, *seed),
    };
    format!("a run of {configuration} {what}; it is repeated by\n  {command}")
}

#[cfg(test)]
mod tests {
    use entrega_lab::{Bounds, LoadedScenario, Part};
    use entrega_model::SubscriptionId;
    use entrega_scenario::points;

    use super::*;

    #[test]
    fn a_run_that_never_ends_is_named_with_its_replay_string() {
        let loaded = LoadedScenario::parse("stuck.toml", "[[subscriptions]]\nname = \"mailer\"\n");
        let loaded = loaded.expect("a scenario");
        let plan = ExplorationPlan::new(loaded, Part::default(), Bounds::default());
        let plan = plan.expect("a plan");
        let (subscription, choice) = (SubscriptionId(0), points::Fault::EffectAfter);
        let point = points::own_point(choice, subscription);
        let scope = Scope { subscription, messages: 2, consumers: 1, partitions: 1 };
        let choices = vec![Choice { point, occurrence: 2, value: 1 }];
        let configurations = plan.spaces.iter().map(|space| space.configuration.to_string());
        let space = configurations.into_iter().position(|one| one == "log, process-then-settle");
        let space = space.expect("a space");
        let doing = Doing { space, run: Which::Chosen(scope, choices) };
        let said = stuck(&plan, &doing, 10).to_string();
        for expect in [
            "a run of log, process-then-settle has taken more than 10 s of real time",
            "stuck.toml '1:",
            ":1:log:process-then-settle:explored=mailer.2.1.1:mailer.effect.after#2=crash:",
        ] {
            assert!(said.contains(expect), "{said}");
        }
    }
}
