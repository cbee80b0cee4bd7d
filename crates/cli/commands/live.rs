//! `entrega live`: every model and strategy of a scenario for real, once.

use std::io::{self, IsTerminal, Write};
use std::num::NonZeroU32;
use std::process::ExitCode;
use std::time::Duration;

use entrega_checker::End;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::{compare, interrupt};
use crate::args::{Format, LiveArgs};
use crate::failure::Failure;
use crate::lab::files::LoadedScenario;
use crate::lab::live::{Setup, faults, scale};
use crate::lab::live_sweep::{self, LivePlan, LiveResult, Told};
use crate::lab::sweep::Plan;
use crate::output;
use crate::render::{live_json, live_text};

/// So many messages are sent at most if nobody says how many.
const MESSAGES: u32 = 1_000;

/// Runs the command.
pub(crate) fn live(args: &LiveArgs) -> Result<ExitCode, Failure> {
    let loaded = LoadedScenario::read(&args.file, &args.set)?;
    let own = loaded.scenario.workload.message_count();
    let version = loaded.live(args.messages.unwrap_or(own.min(MESSAGES)));
    let plan = Plan {
        contests: compare::contests(&loaded, &args.model, &args.strategy)?,
        seed: args.seed,
        seeds: 1,
        loaded: &loaded,
    };
    let setups = live_sweep::setups(&plan, &version);
    let Some(first) = setups.first() else {
        return Err(Failure::new("there is nothing to run: no model or no strategy is left"));
    };
    let factor = args.time_scale.unwrap_or_else(|| scale::factor(first));
    let left_out = faults::left_out(&version.scenario);
    warn(first, factor, &left_out);
    let stop = interrupt::stop()?;
    let screen = Screen::new(setups.len(), args.quiet);
    let result = LivePlan { plan, version: &version, factor }.run(&stop, &screen)?;
    screen.close();
    let text = match args.format {
        Format::Text => live_text::render(&result),
        Format::Json => output::json(&live_json::document(&result, &left_out))?,
    };
    output::write(args.output.as_deref(), &text)?;
    Ok(super::code(holds(&result)))
}

/// Nothing came out that must not, and everything came to an end.
fn holds(result: &LiveResult<'_>) -> bool {
    let at_rest = |run: &live_sweep::Ran| run.report.end == End::Quiescent;
    result.comparison.violated.is_empty()
        && !result.comparison.partial
        && !result.agreement.contradicted
        && result.runs.iter().filter_map(|(_, run)| run.as_ref()).all(at_rest)
}

/// Says aloud what this run cannot do.
fn warn(setup: &Setup, factor: NonZeroU32, left_out: &[String]) {
    for fault in left_out {
        say(&format!("note: {fault} cannot be injected live and is left out"));
    }
    if let Some(shortest) = scale::too_short(setup, factor) {
        say(&format!(
            "note: at {factor} times the clock the shortest lease lasts {} ms; on a busy machine \
             leases may end by themselves, and messages are delivered again",
            shortest.as_millis()
        ));
    }
}

fn say(line: &str) {
    let _closed = writeln!(io::stderr(), "{line}");
}

/// Where progress is shown: lines that change on a terminal, else a line now and then.
struct Screen {
    shown: Shown,
}

enum Shown {
    Nothing,
    Lines,
    Bars(MultiProgress, Vec<ProgressBar>),
}

impl Screen {
    fn new(contests: usize, quiet: bool) -> Self {
        let shown = match (quiet, io::stderr().is_terminal()) {
            (true, _) => Shown::Nothing,
            (false, false) => Shown::Lines,
            (false, true) => {
                let bars = MultiProgress::new();
                let style = ProgressStyle::with_template("{wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar());
                let bar = || {
                    let bar = bars.add(ProgressBar::new_spinner());
                    bar.set_style(style.clone());
                    bar
                };
                let all = (0..contests).map(|_| bar()).collect();
                Shown::Bars(bars, all)
            }
        };
        Self { shown }
    }

    fn close(&self) {
        if let Shown::Bars(bars, _) = &self.shown {
            let _gone = bars.clear();
        }
    }

    fn show(&self, contest: usize, line: &str, ended: bool) {
        match &self.shown {
            Shown::Nothing => {}
            Shown::Lines => say(line),
            Shown::Bars(_, bars) => {
                let Some(bar) = bars.get(contest) else { return };
                bar.set_message(line.to_owned());
                bar.tick();
                if ended {
                    bar.abandon();
                }
            }
        }
    }
}

impl Told for Screen {
    fn every(&self) -> Duration {
        match self.shown {
            Shown::Bars(..) => Duration::from_millis(100),
            Shown::Nothing | Shown::Lines => Duration::from_secs(1),
        }
    }

    fn running(&self, contest: usize, line: &str) {
        self.show(contest, line, false);
    }

    fn ended(&self, contest: usize, line: &str) {
        self.show(contest, line, true);
    }
}
