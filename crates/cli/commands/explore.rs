//! `entrega explore`: everything that can go wrong in a small version of a scenario, and what is
//! impossible in it.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use entrega_clients::Strategy;
use entrega_model::{Model, SubscriptionId};
use entrega_scenario::points;
use entrega_sim::explore::Scope;
use indicatif::{ProgressBar, ProgressStyle};

use super::interrupt;
use crate::args::{ExploreArgs, Format};
use crate::failure::Failure;
use crate::lab::exploration::Exploration;
use crate::lab::exploring::{Care, Contest, Plan, Row};
use crate::lab::files::LoadedScenario;
use crate::lab::unread;
use crate::lab::watch::{NoResult, Watch};
use crate::output;
use crate::render::{explore_json, explore_text};

/// Runs the command.
pub(crate) fn explore(args: &ExploreArgs) -> Result<ExitCode, Failure> {
    let plan = Arc::new(plan(args)?);
    let chosen: Vec<Strategy> = plan.contests.iter().map(|one| one.strategy).collect();
    unread::warnings(&plan.loaded, &chosen).iter().for_each(|one| output::warn(one));
    let stop = interrupt::stop()?;
    let bar = progress(args.quiet);
    let told = bar.clone();
    let threads = args.threads.unwrap_or_else(rayon::current_num_threads);
    let care = Arc::new(Care {
        stop,
        watch: Watch::new(threads),
        tell: Box::new(move |contest, run, waiting| {
            told.set_message(status(contest, run, waiting))
        }),
    });
    let rows = supervise(&plan, &care, threads, args.patience)?;
    bar.finish_and_clear();
    let exploration = Exploration::new(&plan, rows, care.is_over());
    let text = match args.format {
        Format::Text => {
            let colourful = output::is_colourful(args.output.as_deref());
            let shown = explore_text::Shown { timelines: args.timelines, colourful };
            explore_text::render(&exploration, shown)
        }
        Format::Json => output::json(&explore_json::document(&exploration))?,
    };
    output::write(args.output.as_deref(), &text)?;
    let complete = exploration.rows.iter().all(|row| row.explored.complete);
    let holds = exploration.contradicted.is_empty() && !exploration.partial;
    Ok(super::code(holds && complete))
}

fn plan(args: &ExploreArgs) -> Result<Plan, Failure> {
    let loaded = LoadedScenario::read(&args.file, &args.set)?;
    let contests = contests(&loaded, args)?;
    if contests.is_empty() {
        return Err(Failure::new(
            "there is nothing to explore: no model, strategy or subscription is left",
        ));
    }
    if args.faults > 0 && contests.iter().all(|contest| contest.kinds.is_empty()) {
        return Err(Failure::new(format!(
            "{}: the scenario names nothing that can go wrong\n  help: name faults under [faults] \
             or [[script]] (their odds do not matter here), try every fault point with --all-faults, \
             or none with --faults 0",
            loaded.path
        )));
    }
    let ExploreArgs { faults, preemptions, budget, seed, .. } = *args;
    Ok(Plan { loaded, contests, faults, preemptions, budget, seed, cuts: !args.no_cut })
}

/// The spaces to explore: subscription by subscription, as a table has them.
fn contests(loaded: &LoadedScenario, args: &ExploreArgs) -> Result<Vec<Contest>, Failure> {
    let pairs = pairs(loaded, args)?;
    let mut contests = Vec::new();
    for subscription in subscriptions(loaded, args)? {
        let scope = Scope {
            subscription,
            messages: args.messages.into(),
            consumers: args.consumers.into(),
            partitions: args.partitions.into(),
        };
        let scope = scope.within(&loaded.scenario);
        let kinds = match args.all_faults {
            true => points::kinds().collect(),
            false => scope.named(&loaded.scenario),
        };
        contests.extend(pairs.iter().map(|&(model, strategy)| {
            let kinds = kinds.clone();
            Contest { model, strategy, scope, kinds }
        }));
    }
    Ok(contests)
}

/// The models and strategies: those of the scenario, or those asked for, as far as the models
/// support them.
fn pairs(loaded: &LoadedScenario, args: &ExploreArgs) -> Result<Vec<(Model, Strategy)>, Failure> {
    let models = if args.model.is_empty() { &loaded.scenario.models } else { &args.model };
    let strategies =
        if args.strategy.is_empty() { &loaded.scenario.strategies } else { &args.strategy };
    for &model in models {
        loaded.allows(model)?;
    }
    let all = models.iter().flat_map(|&model| strategies.iter().map(move |&one| (model, one)));
    let pairs: Vec<_> = all.clone().filter(|(model, strategy)| strategy.supports(*model)).collect();
    if let ([], Some((model, strategy))) = (pairs.as_slice(), all.clone().next()) {
        loaded.supports(model, strategy)?;
    }
    Ok(pairs)
}

fn subscriptions(
    loaded: &LoadedScenario,
    args: &ExploreArgs,
) -> Result<Vec<SubscriptionId>, Failure> {
    if args.subscription.is_empty() {
        let count = loaded.scenario.subscriptions.len() as u8;
        return Ok((0..count).map(SubscriptionId).collect());
    }
    args.subscription.iter().map(|name| loaded.subscription(name)).collect()
}

/// Lets workers explore, under the watch.
fn supervise(
    plan: &Arc<Plan>,
    care: &Arc<Care>,
    threads: usize,
    patience: u64,
) -> Result<Vec<Row>, Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool =
        pool.map_err(|error| Failure::new(format!("cannot start the worker threads: {error}")))?;
    let (explored, looked_after) = (Arc::clone(plan), Arc::clone(care));
    let work = move || explored.run(&looked_after);
    match care.watch.supervise(&pool, Duration::from_secs(patience), work) {
        Ok(rows) => rows,
        Err(NoResult::Stuck(doing)) => Err(plan.stuck(&doing, patience)),
        Err(NoResult::Panicked) => Err(Failure::new("a worker panicked; the message stands above")),
    }
}

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(100);

fn progress(quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}");
    let bar = ProgressBar::new_spinner();
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(TICK);
    bar
}

fn status(contest: &Contest, run: u64, waiting: usize) -> String {
    format!("{}, {}: {run} schedules run, {waiting} waiting", contest.model, contest.strategy)
}
