//! A run for people.

use std::fmt::Write;

use entrega_explain::words;
use entrega_lab::Configuration;
use entrega_lab::run::Run;
use entrega_model::printable::{printable, printable_lines};
use entrega_model::{Duration, Instant};

use crate::judgement::{self, Names};

/// The run as text.
pub fn text(run: &Run<'_>) -> String {
    let mut text = String::new();
    heading(&mut text, run);
    what_was_run(&mut text, run);
    phases(&mut text, run);
    faults(&mut text, run);
    let names = Names { subscriptions: run.cast.subscriptions(), message: &words::name };
    let why: Vec<Vec<String>> = run.judgements.iter().map(|one| one.why.clone()).collect();
    text.push_str(&judgement::subscriptions(&run.judged.report, &why, Duration::ZERO, &names));
    for (subscription, hint) in run.hints() {
        let _ = writeln!(text, "\nHint for {subscription}: {hint}");
    }
    taken_along(&mut text, run);
    expectations(&mut text, run);
    let digest = run.digest;
    let _ = writeln!(text, "\nHistory digest {digest}; step by step with");
    let _ = writeln!(text, "  {}", run.loaded.replay_command(&run.replay));
    text
}

/// The title and the first paragraph of the narration.
fn heading(text: &mut String, run: &Run<'_>) {
    let scenario = &run.loaded.scenario;
    let _ = writeln!(text, "{}\n", printable(run.loaded.title()));
    let paragraph = scenario.narration.trim().split("\n\n").next().unwrap_or_default();
    if !paragraph.is_empty() {
        let _ = writeln!(text, "{}\n", printable_lines(paragraph));
    }
}

fn what_was_run(text: &mut String, run: &Run<'_>) {
    let Configuration { model, strategy } = run.configuration;
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "{label:10} {value}");
    };
    line("scenario", &format!("{} (digest {})", printable(&run.loaded.name), run.loaded.digest));
    for (path, value) in &run.loaded.overrides {
        line("changed", &printable(&format!("{path} = {value}")));
    }
    line("model", &model.to_string());
    line("strategy", &format!("{strategy}: {}", strategy.summary()));
    line("seed", &run.seed.to_string());
    line("messages", &judgement::sends(&run.judged.report));
}

fn phases(text: &mut String, run: &Run<'_>) {
    let mut phases: Vec<String> = Vec::new();
    for note in &run.phases {
        let at = Instant::from_nanos(note.at_ns);
        phases.push(format!("{} {at}", note.phase.name()));
    }
    let outcome = &run.judged.outcome;
    let end = match outcome.end {
        entrega_sim::RunEnd::Quiescent => "at rest",
        entrega_sim::RunEnd::Unfinished | entrega_sim::RunEnd::Cut => {
            "UNFINISHED: it did not come to rest within its limits"
        }
        entrega_sim::RunEnd::BrokerDown => {
            "UNFINISHED: the broker was still down when its limits were reached"
        }
    };
    let _ = writeln!(text, "{:10} {}", "phases", phases.join(", "));
    let (at, steps) = (outcome.ended_at, outcome.steps);
    let _ = writeln!(text, "{:10} {end} at {at} of virtual time, after {steps} steps", "end");
}

fn faults(text: &mut String, run: &Run<'_>) {
    let faults = run.faults();
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

/// What a delivery limit took along although nothing was wrong with it.
fn taken_along(text: &mut String, run: &Run<'_>) {
    for one in run.taken_along() {
        let (of, count, first) = (&one.subscription, one.messages, words::name(one.first));
        let messages = if count == 1 { "message" } else { "messages" };
        let _ = writeln!(
            text,
            "\nThe delivery limit of {of} takes {count} {messages} along on which no handler \
             failed (first {first})."
        );
    }
}

fn expectations(text: &mut String, run: &Run<'_>) {
    if run.expected.is_empty() {
        return;
    }
    let _ = writeln!(text, "\nExpected by the scenario");
    for one in &run.expected {
        let sign = if one.holds { "as expected    " } else { "NOT AS EXPECTED" };
        let (of, what) = (&one.subscription, one.what);
        let (expected, found) = (&one.expected, &one.found);
        let because = one.reason();
        let _ = writeln!(text, "  {sign} {of}: {what} {expected}, found {found}{because}");
    }
}
