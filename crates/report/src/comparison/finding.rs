//! What a comparison has found, in words: who kept what was promised, who lost, who duplicated, who
//! dead-lettered, and what remains unknown.
//!
//! > **The rule.** At most six lines, each within the width, and nothing in them that the tables
//! > below do not show.

use std::fmt::Write;

use entrega_checker::summary::Rate;
use entrega_checker::{Class, Verdict};
use entrega_explain::digits::{counted, thousands};
use entrega_lab::comparison::{Comparison, ComparisonRow};
use entrega_model::Guarantee;

use super::table::percent;
use super::who::Who;
use crate::judgement::word;
use crate::prose::spelled;

/// Writes the lines.
pub(super) fn say(text: &mut String, comparison: &Comparison<'_>, columns: Option<usize>) {
    let columns = columns.unwrap_or(usize::MAX);
    let of = |is_meant: &dyn Fn(&ComparisonRow) -> bool| Who::of(comparison, is_meant);
    let within = |label: &str, who: &Who| {
        format!("{label}: {}.", who.within(columns.saturating_sub(label.len() + 3)))
    };
    let broken = of(&|row| row.verdict == Verdict::Invalid);
    let (lost, duplicated) =
        (of(&|row| has(row, Class::Lost)), of(&|row| has(row, Class::Duplicated)));
    let is_clean = |row: &ComparisonRow| !has(row, Class::Lost) && !has(row, Class::Duplicated);
    let clean = of(&|row| is_clean(row) && !has(row, Class::Pending));
    let mut lines = Vec::new();
    if !broken.is_nobody() {
        lines.push(within("Promises broken", &broken));
    }
    lines.push(kept(comparison, &within));
    let waiting = waiting(comparison, &is_clean);
    if lost.is_nobody() && duplicated.is_nobody() {
        let but = waiting.map_or_else(String::new, |waiting| format!(", but {waiting}"));
        lines.push(format!("Lost or duplicated: no message{but}."));
    } else {
        let anomalies = [("Lost", lost), ("Duplicated", duplicated)];
        lines.extend(anomalies.iter().map(|(label, who)| {
            if who.is_nobody() { format!("{label}: no message.") } else { within(label, who) }
        }));
        if broken.is_nobody() {
            lines.extend(neither(&clean, waiting.as_deref(), columns));
        }
    }
    let dead = of(&|row| row.summary.dead_letters > 0);
    if !dead.is_nobody() {
        lines.push(within("Dead-lettered", &dead));
    }
    lines.push(unknown(comparison, columns));
    let _ = writeln!(text, "\n{}", lines.join("\n"));
}

/// Who has lost and duplicated nothing, and how much of the rest is not known yet: what waits when
/// its run ends may still be either.
fn neither(clean: &Who, waiting: Option<&str>, columns: usize) -> Option<String> {
    const LABEL: &str = "Neither lost nor duplicated";
    let more = waiting.map_or_else(String::new, |waiting| format!("; elsewhere {waiting}"));
    let room = columns.saturating_sub(LABEL.len() + more.chars().count() + 3);
    match (clean.is_nobody(), waiting) {
        (false, _) => Some(format!("{LABEL}: {}{more}.", clean.within(room))),
        (true, Some(waiting)) => Some(format!("{LABEL}: no row; {waiting}.")),
        (true, None) => None,
    }
}

/// How many messages of some rows still wait at the end of their runs, if any do.
fn waiting(
    comparison: &Comparison<'_>,
    is_meant: &dyn Fn(&ComparisonRow) -> bool,
) -> Option<String> {
    let rows = comparison.rows.iter().filter(|row| is_meant(row));
    let count: u64 = rows.map(|row| row.summary.classes.get(Class::Pending)).sum();
    let verb = if count == 1 { "waits" } else { "wait" };
    (count > 0).then(|| format!("{} still {verb} at the end", counted(count, "message")))
}

/// A split is a duplicate: an effect and a dead letter. So does the rate in the table count it.
fn has(row: &ComparisonRow, class: Class) -> bool {
    let count = |class| row.summary.classes.get(class);
    let splits = if class == Class::Duplicated { count(Class::Split) } else { 0 };
    count(class) + splits > 0
}

/// Who kept the promise that was given.
fn kept(comparison: &Comparison<'_>, within: &dyn Fn(&str, &Who) -> String) -> String {
    let promised = |row: &ComparisonRow| row.guarantee != Guarantee::None;
    let kept = |row: &ComparisonRow| promised(row) && row.verdict == Verdict::Valid;
    if !comparison.rows.iter().any(promised) {
        return "Promises kept: none was given.".to_owned();
    }
    let all = comparison.rows.iter().filter(|row| promised(row)).all(kept);
    let who = Who::of(comparison, &kept);
    match (all, who.is_nobody()) {
        (true, _) if comparison.seeds > 1 => "Promises kept: all, in every run.".to_owned(),
        (true, _) => "Promises kept: all.".to_owned(),
        (_, true) if comparison.rows.iter().any(is_unknown) => {
            format!("Promises kept: none that is known; {}.", why_unknown(comparison))
        }
        (_, true) => "Promises kept: none.".to_owned(),
        _ => within("Promises kept", &who),
    }
}

fn is_unknown(row: &ComparisonRow) -> bool {
    row.verdict == Verdict::Unknown
}

/// Why rows are unknown, in a few words.
fn why_unknown(comparison: &Comparison<'_>) -> String {
    let rows = comparison.rows.iter().filter(|row| is_unknown(row));
    let reasons = rows.flat_map(|row| row.summary.reasons.keys());
    let mut why: Vec<String> = reasons.map(|reason| spelled(&word(reason))).collect();
    why.sort();
    why.dedup();
    if why.is_empty() {
        why.push("nothing put it to the test".to_owned());
    }
    why.join(", ")
}

/// What the tables do not tell.
fn unknown(comparison: &Comparison<'_>, columns: usize) -> String {
    let who = Who::of(comparison, &is_unknown);
    if !who.is_nobody() {
        let why = why_unknown(comparison);
        let room = columns.saturating_sub("Unknown: ; .".len() + why.chars().count());
        return format!("Unknown: {}; {why}.", who.within(room));
    }
    let runs = comparison.rows.iter().map(|row| row.summary.runs).max().unwrap_or(0);
    if runs <= 1 {
        return "Unknown: what another seed would show.".to_owned();
    }
    let never = |rate: Rate| (rate.events == 0).then_some(rate.high);
    let rates =
        comparison.rows.iter().flat_map(|row| [row.summary.loss(), row.summary.duplicates()]);
    let most = rates.filter_map(never).fold(0.0, f64::max);
    if most == 0.0 {
        return "Unknown: nothing but what the intervals leave open.".to_owned();
    }
    format!(
        "Unknown: what happened in none of {} runs may still happen in up to {}% of runs.",
        thousands(runs),
        percent(most)
    )
}
