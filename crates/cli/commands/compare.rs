//! `entrega compare`: every model and strategy of a scenario over many seeds, in one table, with a
//! short example behind every anomaly.

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use entrega_checker::summary::RowSummary;
use entrega_checker::{Class, Finding};
use entrega_clients::Strategy;
use entrega_model::{Model, SubscriptionId};
use indicatif::{ProgressBar, ProgressStyle};
use rayon::prelude::*;

use super::interrupt;
use crate::args::{CompareArgs, Format};
use crate::failure::Failure;
use crate::lab::comparison::Comparison;
use crate::lab::examples::{self, Example, Wanted};
use crate::lab::files::LoadedScenario;
use crate::lab::sweep::{Contest, Plan};
use crate::lab::unread;
use crate::output;
use crate::render::{compare_json, compare_text};

/// Runs the command.
pub(crate) fn compare(args: &CompareArgs) -> Result<ExitCode, Failure> {
    let loaded = LoadedScenario::read(&args.file, &args.set)?;
    let plan = Plan {
        contests: contests(&loaded, &args.model, &args.strategy)?,
        seed: args.seed,
        seeds: args.seeds.unwrap_or(loaded.scenario.seeds),
        loaded: &loaded,
    };
    let chosen: Vec<Strategy> = plan.contests.iter().map(|&(_, strategy)| strategy).collect();
    unread::warnings(&loaded, &chosen).iter().for_each(|one| output::warn(one));
    let comparison = on_threads(args.threads, || run(&plan, args.quiet))??;
    let text = match args.format {
        Format::Text => compare_text::render(&comparison),
        Format::Json => output::json(&compare_json::document(&comparison))?,
    };
    output::write(args.output.as_deref(), &text)?;
    Ok(super::code(comparison.violated.is_empty() && !comparison.partial))
}

/// The models and strategies to compare: those of the scenario, or those asked for, as far as the
/// models support them.
pub(super) fn contests(
    loaded: &LoadedScenario,
    models: &[Model],
    strategies: &[Strategy],
) -> Result<Vec<(Model, Strategy)>, Failure> {
    let models = if models.is_empty() { &loaded.scenario.models } else { models };
    let strategies = if strategies.is_empty() { &loaded.scenario.strategies } else { strategies };
    let mut contests: Vec<_> = models
        .iter()
        .flat_map(|&model| strategies.iter().map(move |&strategy| (model, strategy)))
        .collect();
    let all = contests.clone();
    contests.retain(|(model, strategy)| strategy.supports(*model));
    if let ([], [(model, strategy), ..]) = (contests.as_slice(), all.as_slice()) {
        loaded.supports(*model, *strategy)?;
    }
    for &(model, _) in &contests {
        loaded.allows(model)?;
    }
    if contests.is_empty() {
        return Err(Failure::new("there is nothing to compare: no model or no strategy is left"));
    }
    Ok(contests)
}

pub(super) fn on_threads<T: Send>(
    threads: Option<usize>,
    work: impl FnOnce() -> T + Send,
) -> Result<T, Failure> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.unwrap_or(0)).build();
    pool.map(|pool| pool.install(work))
        .map_err(|error| Failure::new(format!("cannot start the worker threads: {error}")))
}

fn run<'a>(plan: &Plan<'a>, quiet: bool) -> Result<Comparison<'a>, Failure> {
    let stop = interrupt::stop()?;
    let bar = progress(plan.runs(), quiet);
    let contests = plan.sweep(&stop, &|| bar.inc(1));
    bar.finish_and_clear();
    let examples = find_examples(plan, &contests, &stop);
    let partial = stop.load(Ordering::Relaxed);
    Ok(Comparison::new(plan, contests, examples, partial))
}

fn progress(runs: u64, quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} runs, {eta} to go");
    let bar = ProgressBar::new(runs);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// A short example for every anomaly and cause of every row. Where none of an anomaly's causes has
/// one with a single fault, pairs of faults are tried.
fn find_examples(plan: &Plan<'_>, contests: &[Contest], stop: &AtomicBool) -> Vec<Example> {
    let wanted: Vec<Vec<Wanted>> = contests.iter().flat_map(wanted_of).collect();
    let find = |causes: &Vec<Wanted>| -> Vec<Example> {
        let (loaded, seed) = (plan.loaded, plan.seed);
        let single = |wanted: &Wanted| examples::with_one_fault(loaded, *wanted, seed, stop);
        let found: Vec<Example> = causes.iter().filter_map(single).collect();
        if !found.is_empty() {
            return found;
        }
        let pair = |wanted: &Wanted| examples::with_two_faults(loaded, *wanted, seed, stop);
        causes.iter().take(1).filter_map(pair).collect()
    };
    wanted.par_iter().flat_map_iter(find).collect()
}

/// What to look for in each row: for every anomaly its causes, in the order of causes.
fn wanted_of(contest: &Contest) -> Vec<Vec<Wanted>> {
    let mut wanted = Vec::new();
    for (subscription, row) in (0..).map(SubscriptionId).zip(&contest.rows) {
        let (model, strategy) = (contest.model, contest.strategy);
        let want = |finding| Wanted { model, strategy, subscription, finding };
        for class in ANOMALIES.into_iter().filter(|&class| row.classes.get(class) > 0) {
            wanted.push(causes_of(row, class).into_iter().map(want).collect());
        }
        if row.order.reordered > 0 {
            wanted.push(vec![want(Finding::Reordered)]);
        }
    }
    wanted
}

/// The classes that are anomalies, in the order of the table.
const ANOMALIES: [Class; 6] = [
    Class::Lost,
    Class::Duplicated,
    Class::Split,
    Class::DeadLettered,
    Class::Pending,
    Class::Phantom,
];

/// The causes that a class has in a row; any, for a class that has none.
fn causes_of(row: &RowSummary, class: Class) -> Vec<Finding> {
    let of_class = row.examples.keys().filter(|(found, _)| *found == class);
    let causes: Vec<_> = of_class.map(|&(_, cause)| Finding::Class(class, Some(cause))).collect();
    if causes.is_empty() { vec![Finding::Class(class, None)] } else { causes }
}
