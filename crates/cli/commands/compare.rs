//! `entrega compare`: every model and strategy of a scenario over many seeds, in one table, with a
//! short example behind every anomaly.

use std::process::ExitCode;
use std::sync::atomic::AtomicBool;

use entrega_clients::Strategy;
use entrega_lab::memory::of_sweep;
use entrega_lab::{Comparison, Configuration, LoadedScenario, Sweep, hints, unread};
use entrega_model::Model;
use entrega_report::comparison::{self, Shown};

mod profiles;

use super::interrupt;
use crate::args::{CompareArgs, Format};
use crate::failure::Failure;
use crate::threads::pool;
use crate::{bars, files, memory, output};

/// Runs the command.
pub(crate) fn compare(args: &CompareArgs) -> Result<ExitCode, Failure> {
    if !args.profile.is_empty() {
        return profiles::compare(args);
    }
    let loaded = files::read(&args.file, &args.set, &[("--output", args.output.as_deref())])?;
    let chosen = configurations(&loaded, &args.model, &args.strategy)?;
    unread::warnings(&loaded, chosen).iter().for_each(|one| output::warn(one));
    let stop = interrupt::stop()?;
    let comparison = of(&loaded, args, &stop, &mut |one| output::warn(one))?;
    let text = match args.format {
        Format::Text => comparison::text(&comparison, shown(args)),
        Format::Json => output::json(&comparison::document(&comparison))?,
    };
    output::write(args.output.as_deref(), &text)?;
    Ok(super::code(comparison.violated.is_empty() && !comparison.partial))
}

/// How much is shown.
fn shown(args: &CompareArgs) -> Shown {
    let columns = output::columns(args.output.as_deref(), args.wide);
    Shown { columns, all_stories: args.all_stories }
}

/// Compares the configurations of a scenario, until `stop` is raised.
fn of<'a>(
    loaded: &'a LoadedScenario,
    args: &CompareArgs,
    stop: &AtomicBool,
    warn: &mut dyn FnMut(&str),
) -> Result<Comparison<'a>, Failure> {
    let sweep = Sweep {
        configurations: configurations(loaded, &args.model, &args.strategy)?,
        seed: args.seed,
        seeds: args.seeds.unwrap_or(loaded.scenario.seeds),
        loaded,
    };
    let threads = pool::size(args.threads);
    let what = format!("{} runs on {threads} threads", sweep.runs());
    let help = "lower workload.messages, --seeds or --threads";
    memory::require(of_sweep(&sweep, threads), &what, help)?;
    let warnings = hints::warnings(loaded, &sweep.configurations, sweep.seed);
    warnings.iter().for_each(|one| warn(one));
    let pool = pool::new(threads, pool::FEWER)?;
    let bar = bars::bar(sweep.runs(), "runs", args.quiet);
    Ok(pool.install(|| pool::compare(&sweep, stop, &|| bar.inc(1), &|| bar.finish_and_clear())))
}

/// The models and strategies to compare: those of the scenario, or those asked for, as far as the
/// models support them.
pub(super) fn configurations(
    loaded: &LoadedScenario,
    models: &[Model],
    strategies: &[Strategy],
) -> Result<Vec<Configuration>, Failure> {
    let configurations = loaded.configurations(models, strategies)?;
    configurations.iter().try_for_each(|one| loaded.allows(*one))?;
    if configurations.is_empty() {
        return Err(Failure::new("there is nothing to compare: no model or no strategy is left"));
    }
    Ok(configurations)
}
