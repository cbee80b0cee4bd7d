//! How it happens: each story once an anomaly and cause, with everyone who shares it.

use std::fmt::Write;

use entrega_explain::digits::counted;
use entrega_lab::comparison::{Comparison, ComparisonRow, ToldExample};
use entrega_lab::examples::Extent;
use entrega_lab::property::Property;

use super::who::Who;
use crate::prose::spelled;

/// Writes the stories: one of each kind, or all.
pub(super) fn stories(text: &mut String, comparison: &Comparison<'_>, all: bool) {
    if comparison.examples.is_empty() {
        return;
    }
    let which = if all { "" } else { ", each once (--all-stories tells all)" };
    let _ =
        writeln!(text, "\nHow it happens, in runs of five messages unless a size is named{which}:");
    if all {
        comparison.examples.iter().for_each(|told| write_all(text, told));
        return;
    }
    first_of_each(&comparison.examples)
        .iter()
        .for_each(|told| write_shared(text, comparison, told));
}

/// The first example of each kind; those of one anomaly stand together, in the
/// order of anomalies.
fn first_of_each(all: &[ToldExample]) -> Vec<&ToldExample> {
    let mut firsts: Vec<&ToldExample> = Vec::new();
    for told in all {
        if firsts.iter().all(|first| kind(first) != kind(told)) {
            firsts.push(told);
        }
    }
    let anomaly = |told: &&ToldExample| {
        let name = told.example.finding.name();
        Property::ALL.iter().position(|one| one.name() == name)
    };
    firsts.sort_by_key(anomaly);
    firsts
}

/// An anomaly and its cause: `lost, settled before process`.
fn kind(told: &ToldExample) -> String {
    let finding = told.example.finding;
    let cause = finding.cause().map(|cause| format!(", {}", spelled(cause.name())));
    spelled(finding.name()) + &cause.unwrap_or_default()
}

fn write_all(text: &mut String, told: &ToldExample) {
    let (of, kind) = (told.example.wanted.configuration, kind(told));
    let size = told.example.shrunk.map_or_else(String::new, size);
    let _ = writeln!(text, "\n{of}, {}; {kind}{size}: {}", told.subscription, told.sentence);
    let _ = writeln!(text, "  {}", told.command);
}

fn write_shared(text: &mut String, comparison: &Comparison<'_>, first: &ToldExample) {
    let shares =
        |row: &ComparisonRow| comparison.examples_of(row).any(|told| kind(told) == kind(first));
    let (of, kind) = (first.example.wanted.configuration, kind(first));
    let size = first.example.shrunk.map_or_else(String::new, size);
    let _ = writeln!(text, "\n{kind}{size}: {} ({of})", first.sentence);
    if comparison.rows.iter().filter(|row| shares(row)).count() > 1 {
        let who = Who::of(comparison, &shares).within(usize::MAX);
        let _ = writeln!(text, "  shared by: {who}");
    }
    let _ = writeln!(text, "  {}", first.command);
}

/// How large a run is that is not of five messages.
fn size(extent: Extent) -> String {
    let messages = counted(extent.messages as u64, "message");
    let faults = counted(extent.faults as u64, "fault");
    if extent.is_smallest {
        format!(" (in a run of {messages} and {faults})")
    } else {
        format!(" (in the smallest run found so far, of {messages} and {faults})")
    }
}
