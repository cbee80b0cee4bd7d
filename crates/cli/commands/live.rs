//! `entrega live`: every model and strategy of a scenario for real, once.

use std::io::{self, IsTerminal};
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::Duration;

use entrega_checker::End;
use entrega_lab::memory::of_run;
use entrega_lab::{Configuration, Sweep};
use entrega_stage::{Setup, faults, has_simulated_sinks, scale};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{compare, interrupt};
use crate::args::{Format, LiveArgs};
use crate::failure::Failure;
use crate::live::{json, text};
use crate::threads::live_sweep::{self, LivePlan, LiveResult, Progress};
use crate::{files, memory, output};

/// At most this many messages are sent unless a number is given.
const MESSAGES: u32 = 1_000;

/// Runs the command.
pub(crate) fn live(args: &LiveArgs) -> Result<ExitCode, Failure> {
    let loaded = files::read(&args.file, &args.set, &[("--output", args.output.as_deref())])?;
    let own = loaded.scenario.workload.message_count();
    let version = loaded.live(args.messages.unwrap_or(own.min(MESSAGES)));
    let sweep = Sweep {
        configurations: served(compare::configurations(&loaded, &args.model, &args.strategy)?)?,
        seed: args.seed,
        seeds: 1,
        loaded: &loaded,
    };
    let runs = (sweep.configurations.len() as u64).min(live_sweep::AT_ONCE as u64);
    let what = format!("{runs} live runs at once, of {} messages each", version.messages());
    memory::require(runs * of_run(&version), &what, "lower --messages")?;
    let setups = live_sweep::setups(&sweep, &version);
    let Some(first) = setups.first() else {
        return Err(Failure::new("there is nothing to run: no model or no strategy is left"));
    };
    let factor = args.time_scale.unwrap_or_else(|| scale::factor(first));
    let left_out = faults::left_out(&version.scenario);
    warn(first, factor, &left_out);
    let stop = interrupt::stop()?;
    let screen = Screen::new(setups.len(), args.quiet);
    let result = LivePlan { sweep, setups, factor }.run(&stop, &screen)?;
    screen.close();
    let text = match args.format {
        Format::Text => {
            let output = args.output.as_deref();
            let text = text::render(&result, output::columns(output, args.wide));
            output::fitted(output, args.wide, text)
        }
        Format::Json => output::json(&json::document(&result, &left_out))?,
    };
    output::write(args.output.as_deref(), &text)?;
    Ok(super::code(holds(&result)))
}

/// The configurations, if all of them run on a served broker.
fn served(all: Vec<Configuration>) -> Result<Vec<Configuration>, Failure> {
    match all.iter().find(|one| !one.strategy.runs_live()) {
        None => Ok(all),
        Some(one) => Err(Failure::new(format!(
            "`{}` writes its effects to the broker, which is simulated only; choose others with \
             --strategy",
            one.strategy
        ))),
    }
}

/// Whether nothing happened that must not happen, and every run came to rest.
fn holds(result: &LiveResult<'_>) -> bool {
    let at_rest = |run: &live_sweep::Ran| run.report.end == End::Quiescent;
    result.comparison.violated.is_empty()
        && !result.comparison.partial
        && !result.agreement.contradicted
        && result.runs.iter().filter_map(|(_, run)| run.as_ref()).all(at_rest)
}

/// Says what this run cannot do.
fn warn(setup: &Setup, factor: NonZeroU32, left_out: &[String]) {
    for fault in left_out {
        output::say(&format!("note: {fault} cannot be injected live and is left out"));
    }
    if has_simulated_sinks(&setup.scenario) {
        output::say(
            "note: this way to recognise a message is only simulated; the live sinks look and apply \
             in one step, and keep their keys for ever",
        );
    }
    if let Some(shortest) = scale::too_short(setup, factor) {
        output::say(&format!(
            "note: at {factor} times the clock the shortest lease lasts {} ms; on a busy machine \
             leases may end by themselves, and messages are delivered again",
            shortest.as_millis()
        ));
    }
}

/// Where progress is shown: on a terminal as lines that change, elsewhere as a line now and then.
struct Screen {
    shown: Shown,
}

enum Shown {
    Nothing,
    Lines,
    Bars(MultiProgress, Vec<ProgressBar>),
}

impl Shown {
    /// A line for each configuration.
    fn bars(configurations: usize) -> Self {
        let bars = MultiProgress::new();
        let style = ProgressStyle::with_template("{wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        let bar = || {
            let bar = bars.add(ProgressBar::new_spinner());
            bar.set_style(style.clone());
            bar
        };
        let all = (0..configurations).map(|_| bar()).collect();
        Self::Bars(bars, all)
    }
}

impl Screen {
    fn new(configurations: usize, quiet: bool) -> Self {
        let shown = if quiet {
            Shown::Nothing
        } else if io::stderr().is_terminal() {
            Shown::bars(configurations)
        } else {
            Shown::Lines
        };
        Self { shown }
    }

    fn close(&self) {
        if let Shown::Bars(bars, _) = &self.shown {
            let _gone = bars.clear();
        }
    }

    fn show(&self, configuration: usize, line: &str, ended: bool) {
        match &self.shown {
            Shown::Nothing => {}
            Shown::Lines => output::say(line),
            Shown::Bars(_, bars) => {
                let Some(bar) = bars.get(configuration) else { return };
                bar.set_message(line.to_owned());
                bar.tick();
                if ended {
                    bar.abandon();
                }
            }
        }
    }
}

impl Progress for Screen {
    fn every(&self) -> Duration {
        match self.shown {
            Shown::Bars(..) => Duration::from_millis(100),
            Shown::Nothing | Shown::Lines => Duration::from_secs(1),
        }
    }

    fn running(&self, configuration: usize, line: &str) {
        self.show(configuration, line, false);
    }

    fn ended(&self, configuration: usize, line: &str) {
        self.show(configuration, line, true);
    }
}
