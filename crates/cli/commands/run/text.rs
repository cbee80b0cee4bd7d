//! A run for people.

use std::fmt::Write;

use entrega_explain::story;
use entrega_model::Instant;

use super::RunResult;
use crate::render::report::{self, Names};

/// Everything that is told of a run.
pub(super) fn render(result: &RunResult<'_>) -> String {
    let mut text = String::new();
    heading(&mut text, result);
    what_was_run(&mut text, result);
    phases(&mut text, result);
    faults(&mut text, result);
    let names = Names { subscriptions: result.cast.subscriptions(), message: &story::name };
    text.push_str(&report::subscriptions(&result.judged.report, &names));
    expectations(&mut text, result);
    let digest = result.notes.digest;
    let _ = writeln!(text, "\nHistory digest {digest}; step by step with");
    let _ = writeln!(text, "  entrega replay {} '{}'", result.loaded.shell_path(), result.replay);
    text
}

/// The title and the first paragraph of the narration.
fn heading(text: &mut String, result: &RunResult<'_>) {
    let scenario = &result.loaded.scenario;
    let title = if scenario.title.is_empty() { &result.loaded.path } else { &scenario.title };
    let _ = writeln!(text, "{title}\n");
    let paragraph = scenario.narration.trim().split("\n\n").next().unwrap_or_default();
    if !paragraph.is_empty() {
        let _ = writeln!(text, "{paragraph}\n");
    }
}

fn what_was_run(text: &mut String, result: &RunResult<'_>) {
    let experiment = result.experiment;
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "{label:10} {value}");
    };
    line("scenario", &format!("{} (digest {})", result.loaded.path, result.loaded.digest));
    for (path, value) in &result.loaded.overrides {
        line("changed", &format!("{path} = {value}"));
    }
    line("model", &experiment.model.to_string());
    line("strategy", &format!("{}: {}", experiment.strategy, experiment.strategy.summary()));
    line("seed", &experiment.seed.to_string());
    line("messages", &report::sends(&result.judged.report));
}

fn phases(text: &mut String, result: &RunResult<'_>) {
    let mut phases: Vec<String> = Vec::new();
    for note in &result.notes.phases {
        let at = Instant::from_nanos(note.at_ns);
        phases.push(format!("{} {at}", format!("{:?}", note.phase).to_lowercase()));
    }
    let outcome = &result.judged.outcome;
    let end = match outcome.end {
        entrega_sim::RunEnd::Quiescent => "at rest",
        entrega_sim::RunEnd::Unfinished | entrega_sim::RunEnd::Cut => {
            "UNFINISHED: it did not come to rest within its limits"
        }
    };
    let _ = writeln!(text, "{:10} {}", "phases", phases.join(", "));
    let (at, steps) = (outcome.ended_at, outcome.steps);
    let _ = writeln!(text, "{:10} {end} at {at} of virtual time, after {steps} steps", "end");
}

fn faults(text: &mut String, result: &RunResult<'_>) {
    let faults = result.faults();
    let label = "faults";
    if faults.is_empty() {
        let _ = writeln!(text, "{label:10} none");
    }
    for (number, fault) in faults.iter().enumerate() {
        let label = if number == 0 { label } else { "" };
        let (point, alternative) = (&fault.point, fault.alternative);
        let (count, of) = (fault.count, fault.occurrences);
        let _ = writeln!(text, "{label:10} {count} of {of} {point}: {alternative}");
    }
}

fn expectations(text: &mut String, result: &RunResult<'_>) {
    if result.expected.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nExpected by the scenario");
    for one in &result.expected {
        let sign = if one.holds { "as expected    " } else { "NOT AS EXPECTED" };
        let (of, what) = (&one.subscription, one.what);
        let (expected, found) = (&one.expected, &one.found);
        let _ = writeln!(text, "  {sign} {of}: {what} {expected}, found {found}");
    }
}
