//! `entrega run`: one configuration of a scenario in full.

use std::io::{self, BufWriter};
use std::path::Path;
use std::process::ExitCode;

use entrega_lab::memory::of_run;
use entrega_lab::run::{self, Run};
use entrega_lab::{Configuration, LoadedScenario, hints, unread};
use entrega_model::{Event, Kind, Observer};
use entrega_report::run as report;
use indicatif::ProgressBar;

use super::interrupt;
use crate::args::{Format, RunArgs};
use crate::failure::Failure;
use crate::output::Target;
use crate::{bars, files, memory, output};

/// Runs the command.
pub(crate) fn run(args: &RunArgs) -> Result<ExitCode, Failure> {
    let (output, history) = (args.output.as_deref(), args.history.as_deref());
    let outputs = [("--output", output), ("--history", history)];
    let loaded = files::read(&args.file, &args.set, &outputs)?;
    let configuration = chosen(args, &loaded)?;
    loaded.supports(configuration)?;
    loaded.allows(configuration)?;
    unread::warnings(&loaded, [configuration]).iter().for_each(|one| output::warn(one));
    let full = loaded.full();
    let what = format!("a run of {} messages", full.messages());
    memory::require(of_run(&full), &what, "lower workload.messages")?;
    hints::warnings(&loaded, &[configuration], args.seed).iter().for_each(|one| output::warn(one));
    let mut progress = Progress(bars::bar(full.messages(), "messages sent", args.quiet));
    let run = match history {
        None => run::watch(&loaded, configuration, args.seed, &mut progress),
        Some(file) => recorded(&loaded, configuration, args.seed, &mut progress, file)?,
    };
    progress.0.finish_and_clear();
    unread::never_struck(&run).iter().for_each(|one| output::warn(one));
    let text = match args.format {
        Format::Text => output::fitted(output, args.wide, report::text(&run)),
        Format::Json => output::json(&report::document(&run))?,
    };
    output::write(output, &text)?;
    Ok(super::code(run.is_as_expected()))
}

/// How many messages were sent, whatever became of them.
struct Progress(ProgressBar);

impl Observer for Progress {
    fn observe(&mut self, events: &[Event]) {
        let is_end = |event: &&Event| matches!(event.kind, Kind::SendEnded { .. });
        self.0.inc(events.iter().filter(is_end).count() as u64);
    }
}

/// The configuration that was asked for. What the arguments leave open is the first of the
/// scenario's models and strategies that go together, or the first of them if none do.
fn chosen(args: &RunArgs, loaded: &LoadedScenario) -> Result<Configuration, Failure> {
    let scenario = &loaded.scenario;
    let models = args.model.map_or_else(|| scenario.models.clone(), |model| vec![model]);
    let strategies = args.strategy.map_or_else(|| scenario.strategies.clone(), |one| vec![one]);
    let all = Configuration::all(&models, &strategies);
    let supported = all.iter().find(|one| one.is_supported());
    let chosen = supported.or(all.first()).copied();
    chosen.ok_or_else(|| Failure::new("the scenario names no model or no strategy"))
}

/// Makes the run and writes its history to a file, which has all of it or its old content.
fn recorded<'a>(
    loaded: &'a LoadedScenario,
    configuration: Configuration,
    seed: u64,
    progress: &mut Progress,
    file: &Path,
) -> Result<Run<'a>, Failure> {
    let failed = |error: io::Error| Failure::file(file, "write", &error);
    interrupt::leave_at_first()?;
    let mut target = Target::create(file).map_err(failed)?;
    let run =
        run::watch_and_record(loaded, configuration, seed, progress, BufWriter::new(&mut target));
    let run = run.map_err(failed)?;
    target.finish().map_err(failed)?;
    Ok(run)
}
