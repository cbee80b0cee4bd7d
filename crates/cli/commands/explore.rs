//! `entrega explore`: everything that can go wrong in a small version of a scenario, and what is
//! impossible in it.

use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use entrega_lab::exploration_plan::ConfigurationSpace;
use entrega_lab::memory::of_exploring;
use entrega_lab::{Bounds, ExplorationPlan, Explorations, Part, unread};
use entrega_model::Model;
use entrega_report::exploration;

use super::interrupt;
use crate::args::{ExploreArgs, Format};
use crate::failure::Failure;
use crate::threads::explorations::{Care, supervise};
use crate::threads::pool;
use crate::threads::watch::Watch;
use crate::{bars, files, memory, output};

/// Runs the command.
pub(crate) fn explore(args: &ExploreArgs) -> Result<ExitCode, Failure> {
    let plan = Arc::new(plan(args)?);
    let chosen = plan.spaces.iter().map(|space| space.configuration);
    unread::warnings(&plan.loaded, chosen).iter().for_each(|one| output::warn(one));
    not_so_many(args, &plan).iter().for_each(|one| output::warn(one));
    let threads = pool::size(args.threads);
    let what = format!("an exploration on {threads} threads");
    memory::require(of_exploring(threads), &what, "lower --threads")?;
    let stop = interrupt::stop()?;
    let bar = bars::spinner(args.quiet);
    let shown = bar.clone();
    let care = Arc::new(Care {
        stop,
        watch: Watch::new(threads),
        progress: Box::new(move |space, run, waiting| {
            shown.set_message(status(space, run, waiting))
        }),
    });
    let rows = supervise(&plan, &care, threads, Duration::from_secs(args.patience))?;
    bar.finish_and_clear();
    let explorations = Explorations::new(&plan, rows, care.is_over());
    let text = match args.format {
        Format::Text => {
            let colourful = output::is_colourful(args.output.as_deref());
            let columns = output::columns(args.output.as_deref(), args.wide);
            let shown = exploration::Shown { timelines: args.timelines, colourful, columns };
            exploration::text(&explorations, shown)
        }
        Format::Json => output::json(&exploration::document(&explorations))?,
    };
    output::write(args.output.as_deref(), &text)?;
    let complete = explorations.rows.iter().all(|row| row.explored.complete);
    let holds = explorations.contradicted.is_empty() && !explorations.partial;
    Ok(super::code(holds && complete))
}

fn plan(args: &ExploreArgs) -> Result<ExplorationPlan, Failure> {
    let loaded = files::read(&args.file, &args.set, &[("--output", args.output.as_deref())])?;
    let usual = Bounds::default();
    let bounds = Bounds {
        faults: args.faults,
        preemptions: args.preemptions,
        messages: args.messages.map_or(usual.messages, Into::into),
        consumers: args.consumers.map_or(usual.consumers, Into::into),
        partitions: args.partitions.map_or(usual.partitions, Into::into),
        all_faults: args.all_faults,
        budget: args.budget,
        seed: args.seed,
        cuts: !args.no_cut,
        as_it_is: true,
    };
    let part =
        Part { models: &args.model, strategies: &args.strategy, subscriptions: &args.subscription };
    let plan = ExplorationPlan::new(loaded, part, bounds)?;
    if plan.spaces.is_empty() {
        return Err(Failure::new(
            "there is nothing to explore: no model, strategy or subscription is left",
        ));
    }
    if args.faults > 0 && plan.spaces.iter().all(|space| space.kinds.is_empty()) {
        return Err(Failure::new(format!(
            "{}: the scenario names nothing that can go wrong\n  help: name faults under [faults] \
             or [[script]] (their odds do not matter here), try every fault point with --all-faults, \
             or none with --faults 0",
            plan.loaded.name
        )));
    }
    Ok(plan)
}

/// What was asked for and is more than the scenario has: no space is so large.
fn not_so_many(args: &ExploreArgs, plan: &ExplorationPlan) -> Vec<String> {
    let most = |of: fn(&ConfigurationSpace) -> u32| plan.spaces.iter().map(of).max().unwrap_or(0);
    let is_log = |space: &ConfigurationSpace| space.configuration.model == Model::Log;
    let partitions = args.partitions.filter(|_| plan.spaces.iter().any(is_log));
    let asked = [
        ("messages", args.messages, most(|space| space.scope.messages)),
        ("consumers", args.consumers, most(|space| space.scope.consumers)),
        ("partitions", partitions, most(|space| space.scope.partitions.into())),
    ];
    let too_many = asked.into_iter().filter_map(|(what, asked, most)| {
        let asked = asked.filter(|&asked| u32::from(asked) > most)?;
        Some(format!(
            "--{what} {asked}: the scenario has only {most}; exploring {most}\n  help: \
             give it more, or leave --{what} out"
        ))
    });
    too_many.collect()
}

fn status(space: &ConfigurationSpace, run: u64, waiting: usize) -> String {
    format!("{}: {run} schedules run, {waiting} waiting", space.configuration)
}
