//! How it happens: each story once an anomaly and cause, with everyone who shares it.

use std::collections::BTreeSet;
use std::fmt::Write;

use entrega_checker::{Cause, Class, Finding};
use entrega_explain::digits::counted;
use entrega_lab::comparison::{Comparison, ComparisonRow, ToldExample};
use entrega_lab::examples::Extent;
use entrega_lab::property::Property;

use super::who::Who;
use crate::prose::{caused, spelled};

/// Writes the stories: one of each kind, or all.
pub(super) fn stories(text: &mut String, comparison: &Comparison<'_>, all: bool) {
    if !comparison.examples.is_empty() {
        let which =
            if all { "" } else { ", each anomaly and cause once (--all-stories tells all)" };
        let _ = writeln!(
            text,
            "\nHow it happens, in runs of five messages unless a size is named{which}:"
        );
    }
    if all {
        comparison.examples.iter().for_each(|told| write_all(text, told));
        comparison.rows.iter().for_each(|row| write_untold_of(text, comparison, row));
        return;
    }
    first_of_each(&comparison.examples)
        .iter()
        .for_each(|told| write_shared(text, comparison, told));
    write_untold(text, comparison);
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
    let cause = finding.cause().map(|cause| format!(", {}", caused(cause)));
    spelled(finding.name()) + &cause.unwrap_or_default()
}

fn write_all(text: &mut String, told: &ToldExample) {
    let (of, kind) = (told.example.wanted.configuration, kind(told));
    let size = told.example.shrunk.map_or_else(String::new, size);
    let _ = writeln!(text, "\n{of}, {}; {kind}{size}: {}", told.subscription, told.sentence);
    let _ = writeln!(text, "  {}", told.command);
}

/// Whether a row shows the same anomaly for the same cause: some of its messages do, also if no
/// example of its own was found.
fn shares(comparison: &Comparison<'_>, row: &ComparisonRow, first: &ToldExample) -> bool {
    let has_example = || comparison.examples_of(row).any(|told| kind(told) == kind(first));
    let has = |class| row.summary.classes.get(class) > 0;
    match first.example.finding {
        Finding::Class(class, Some(cause)) if row.summary.causes.contains_key(&cause) => {
            let is_sole = class == Class::Lost || !(has(Class::Duplicated) && has(Class::Split));
            (is_sole && has(class)) || has_example()
        }
        _ => has_example(),
    }
}

/// Names the causes for which no example was found.
fn write_untold(text: &mut String, comparison: &Comparison<'_>) {
    let is_told = |cause: Cause| {
        comparison.examples.iter().any(|told| told.example.finding.cause() == Some(cause))
    };
    let causes = comparison.rows.iter().flat_map(|row| row.summary.causes.keys().copied());
    let untold: BTreeSet<Cause> = causes.filter(|cause| !is_told(*cause)).collect();
    for cause in untold {
        let who = Who::of(comparison, &|row| row.summary.causes.contains_key(&cause));
        let messages: u64 =
            comparison.rows.iter().filter_map(|row| row.summary.causes.get(&cause)).sum();
        let _ = writeln!(
            text,
            "\n{}: no example was found of {} ({})",
            caused(cause),
            counted(messages, "message"),
            who.within(usize::MAX)
        );
    }
}

/// Names the causes for which a row has no example of its own.
fn write_untold_of(text: &mut String, comparison: &Comparison<'_>, row: &ComparisonRow) {
    let is_told = |cause: Cause| {
        comparison.examples_of(row).any(|told| told.example.finding.cause() == Some(cause))
    };
    for (cause, messages) in row.summary.causes.iter().filter(|(cause, _)| !is_told(**cause)) {
        let _ = writeln!(
            text,
            "\n{}, {}; {}: no example was found of {}",
            row.configuration,
            row.subscription,
            caused(*cause),
            counted(*messages, "message")
        );
    }
}

fn write_shared(text: &mut String, comparison: &Comparison<'_>, first: &ToldExample) {
    let differs = |row: &ComparisonRow| is_in_another_way(comparison, row, first);
    let shares = |row: &ComparisonRow| shares(comparison, row, first) && !differs(row);
    let (of, kind) = (first.example.wanted.configuration, kind(first));
    let size = first.example.shrunk.map_or_else(String::new, size);
    let _ = writeln!(text, "\n{kind}{size}: {} ({of})", first.sentence);
    if comparison.rows.iter().filter(|row| shares(row)).count() > 1 {
        let who = Who::of(comparison, &shares).within(usize::MAX);
        let _ = writeln!(text, "  shared by: {who}");
    }
    let others = Who::of(comparison, &differs);
    if !others.is_nobody() {
        let _ = writeln!(text, "  in another way: {}", others.within(usize::MAX));
    }
    let _ = writeln!(text, "  {}", first.command);
}

/// Whether a row has an example of the same anomaly and cause of its own, and only such as come to
/// it in another way.
fn is_in_another_way(
    comparison: &Comparison<'_>,
    row: &ComparisonRow,
    first: &ToldExample,
) -> bool {
    let mut own = comparison.examples_of(row).filter(|told| kind(told) == kind(first)).peekable();
    own.peek().is_some() && own.all(|told| way(told) != way(first))
}

/// How a story goes, whichever messages, processes and subscription it is about, and however often.
fn way(told: &ToldExample) -> String {
    let sentence = told.sentence.replace(&*told.subscription, "");
    let way: String = sentence.chars().filter(|one| !one.is_ascii_digit()).collect();
    way.replace(" twice", "  times")
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
