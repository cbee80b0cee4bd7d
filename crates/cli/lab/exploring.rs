//! Explorations on all cores, under a watch.
//!
//! Every model, strategy and subscription is a space of its own; they are explored one after
//! another, each by all workers. The result does not depend on how many there are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use entrega::Exploration;
use entrega::exploration::Batch;
use entrega_checker::Finding;
use entrega_choice::{Choice, format_choices};
use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::points::{self, FaultKind};
use entrega_sim::Experiment;
use entrega_sim::explore::{Explored, Scope, Seen, Space, Task};
use rayon::prelude::*;

use super::files::LoadedScenario;
use super::replay_string::{ReplayString, Size};
use super::stories::Told;
use super::watch::Watch;
use crate::failure::Failure;

/// What to explore.
pub(crate) struct Plan {
    pub(crate) loaded: LoadedScenario,
    pub(crate) contests: Vec<Contest>,
    /// At most so many faults in one run.
    pub(crate) faults: u8,
    /// At most so many requests in one run that come before their turn.
    pub(crate) preemptions: u8,
    /// At most so many runs for each contest.
    pub(crate) budget: u64,
    pub(crate) seed: u64,
    /// Whether runs are cut in states that were seen before.
    pub(crate) cuts: bool,
}

/// One space: who is looked at, and what can go wrong.
#[derive(Clone, Debug)]
pub(crate) struct Contest {
    pub(crate) model: Model,
    pub(crate) strategy: Strategy,
    pub(crate) scope: Scope,
    pub(crate) kinds: Vec<FaultKind>,
}

/// One run, for whoever asks what a worker is doing.
#[derive(Clone, Debug)]
pub(crate) struct Doing {
    /// The index of the contest.
    contest: usize,
    scope: Scope,
    choices: Vec<Choice>,
}

/// Hears what is going on: the contest, and how many schedules were run and wait.
pub(crate) type Tell = Box<dyn Fn(&Contest, u64, usize) + Send + Sync>;

/// How an exploration under way is looked after.
pub(crate) struct Care {
    /// Raised when nobody wants to wait any longer.
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) watch: Watch<Doing>,
    pub(crate) tell: Tell,
}

/// A space that was explored.
pub(crate) struct Row {
    pub(crate) contest: Contest,
    pub(crate) explored: Explored<Finding>,
    pub(crate) told: Vec<Told>,
}

impl Care {
    /// Whether nobody wants to wait any longer.
    pub(crate) fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

impl Plan {
    /// Explores one contest after another, or those that were begun before `stop` was raised. To be
    /// called on a worker.
    pub(crate) fn run(&self, care: &Care) -> Result<Vec<Row>, Failure> {
        let mut rows = Vec::new();
        for (number, contest) in self.contests.iter().enumerate() {
            if care.is_over() {
                break;
            }
            let explored = self.explore(number, care)?;
            let told = self.tell(number, &explored, care)?;
            rows.push(Row { contest: contest.clone(), explored, told });
        }
        Ok(rows)
    }

    fn explore(&self, number: usize, care: &Care) -> Result<Explored<Finding>, Failure> {
        let contest = &self.contests[number];
        let version = self.loaded.explored(contest.scope);
        let workload = version.workload(self.seed);
        let Contest { model, strategy, .. } = *contest;
        let (scenario, seed) = (&version.scenario, self.seed);
        let exploration = Exploration {
            experiment: Experiment { scenario, workload: &workload, model, strategy, seed },
            space: Space::of_kinds(&contest.kinds, self.faults, self.preemptions),
            budget: self.budget,
            cuts: self.cuts,
        };
        let mut failed = None;
        let walk = |tasks: &[Task], seen: &Seen| {
            if care.is_over() {
                return Vec::new();
            }
            self.batch(number, &exploration, (tasks, seen), care).unwrap_or_else(|failure| {
                failed = Some(failure);
                Vec::new()
            })
        };
        let explored =
            exploration.run_telling(walk, |run, waiting| (care.tell)(contest, run, waiting));
        failed.map_or(Ok(explored), Err)
    }

    /// Makes the runs of a batch. Of several that panic, the first in order is reported.
    fn batch(
        &self,
        contest: usize,
        exploration: &Exploration<'_>,
        (tasks, seen): (&[Task], &Seen),
        care: &Care,
    ) -> Result<Batch, Failure> {
        let scope = self.contests[contest].scope;
        let walked: Vec<_> = tasks
            .par_iter()
            .with_min_len(FEW)
            .map_init(
                || exploration.judge(),
                |judge, task| {
                    care.watch.during(|| {
                        let choices = task.choices.clone();
                        care.watch.begin(Doing { contest, scope, choices });
                        exploration.walk(task, seen, judge)
                    })
                },
            )
            .collect();
        let walked = walked.into_iter().collect::<Result<Batch, _>>();
        walked.map_err(|doing| self.panicked(doing.as_ref()))
    }

    /// What was found, in stories.
    fn tell(
        &self,
        contest: usize,
        explored: &Explored<Finding>,
        care: &Care,
    ) -> Result<Vec<Told>, Failure> {
        let found: Vec<_> = explored.found.iter().collect();
        let told: Vec<_> = found
            .par_iter()
            .map(|&(finding, showing)| {
                care.watch.during(|| {
                    let before = |scope, choices: &[Choice]| {
                        let choices = choices.to_vec();
                        care.watch.begin(Doing { contest, scope, choices });
                        !care.is_over()
                    };
                    Told::new(self, &self.contests[contest], *finding, showing, &before)
                })
            })
            .collect();
        let told = told.into_iter().collect::<Result<Vec<_>, _>>();
        let told = told.map_err(|doing| self.panicked(doing.as_ref()))?;
        Ok(told.into_iter().flatten().collect())
    }

    /// The string that repeats a run.
    pub(crate) fn replay(
        &self,
        contest: &Contest,
        scope: Scope,
        choices: &[Choice],
    ) -> ReplayString {
        let names = self.loaded.scenario.subscription_names();
        let subscription = names[scope.subscription.index()];
        let table = points::table(&[subscription]);
        ReplayString {
            digest: self.loaded.digest.to_string(),
            seed: self.seed,
            model: contest.model,
            strategy: contest.strategy,
            size: Size::Explored {
                subscription: subscription.to_owned(),
                messages: scope.messages,
                consumers: scope.consumers,
                partitions: scope.partitions,
            },
            overrides: self.loaded.overrides.clone(),
            choices: format_choices(&table, choices),
        }
    }

    /// The command that repeats a run.
    pub(crate) fn command(&self, replay: &ReplayString) -> String {
        format!("entrega replay {} '{replay}'", self.loaded.shell_path())
    }

    /// What is said of a run that does not come to an end.
    pub(crate) fn stuck(&self, doing: &Doing, seconds: u64) -> Failure {
        Failure::new(format!(
            "{}\n  help: a consumer that never awaits keeps its thread for ever; --patience gives \
             a slow machine more time",
            self.broken(doing, &format!("has taken more than {seconds} s of real time"))
        ))
    }

    fn panicked(&self, doing: Option<&Doing>) -> Failure {
        match doing {
            Some(doing) => Failure::new(self.broken(doing, "panicked; the message stands above")),
            None => Failure::new("a worker panicked; the message stands above"),
        }
    }

    fn broken(&self, doing: &Doing, what: &str) -> String {
        let contest = &self.contests[doing.contest];
        let Contest { model, strategy, .. } = contest;
        let command = self.command(&self.replay(contest, doing.scope, &doing.choices));
        format!("a run of {model}, {strategy} {what}; it is repeated by\n  {command}")
    }
}

/// A thread takes so many runs at a time.
const FEW: usize = 4;

#[cfg(test)]
mod tests {
    use entrega_model::SubscriptionId;

    use super::*;

    #[test]
    fn a_run_that_never_ends_is_named_with_its_replay_string() {
        let dir = tempfile::TempDir::new().expect("a temporary directory");
        let path = dir.path().join("stuck.toml");
        std::fs::write(&path, "[[subscriptions]]\nname = \"mailer\"\n").expect("a file");
        let loaded = LoadedScenario::read(&path, &[]).expect("a scenario");
        let point = points::own_point(points::Fault::EffectAfter, SubscriptionId(0));
        let subscription = SubscriptionId(0);
        let scope = Scope { subscription, messages: 2, consumers: 1, partitions: 1 };
        let (model, strategy) = (Model::Log, Strategy::ProcessThenSettle);
        let contests = vec![Contest { model, strategy, scope, kinds: Vec::new() }];
        let (faults, preemptions, budget, seed, cuts) = (1, 0, 1, 1, true);
        let plan = Plan { loaded, contests, faults, preemptions, budget, seed, cuts };
        let choices = vec![Choice { point, occurrence: 2, value: 1 }];
        let said = plan.stuck(&Doing { contest: 0, scope, choices }, 10).to_string();
        for expect in [
            "a run of log, process-then-settle has taken more than 10 s of real time",
            "stuck.toml '1:",
            ":1:log:process-then-settle:explored=mailer.2.1.1:mailer.effect.after#2=crash:",
        ] {
            assert!(said.contains(expect), "{said}");
        }
    }
}
