//! A run line by line: a line an event, a column for each place where something happens.
//!
//! Notation made for the eye, explained below every timeline. Faults stand out on a terminal.

mod ending;
mod excerpt;
mod lines;

use std::collections::BTreeSet;
use std::fmt::Write;

use entrega_model::{Event, Instant, Kind, MessageId, SubscriptionId};
use entrega_scenario::Cast;

pub use ending::{Cycle, ending};
use lines::{Column, Line};

/// More events than this are only shown around what is interesting.
const LONG: usize = 400;
/// A message with more events than this is tried for ever: only the first and last are shown.
const REPEATS: usize = 200;
/// At most so many lines are shown, unless all are: most of the beginning and some of the end.
const MOST: usize = 2_000;
const BEGINNING: usize = 40;
const END: usize = 10;
/// How many events before and after an interesting one are shown with it.
const CONTEXT: usize = 2;

/// What to show of a run.
pub struct Timeline<'a> {
    /// What happened.
    pub events: &'a [Event],
    /// Who took part in it.
    pub cast: &'a Cast,
    /// The messages with an anomaly; a long run is only shown around them and around faults.
    pub focus: BTreeSet<MessageId>,
    /// The subscriptions to show; all of them if it is empty.
    pub only: BTreeSet<SubscriptionId>,
    /// Show everything, however long it is.
    pub all: bool,
    /// Whether faults are coloured.
    pub colourful: bool,
    /// If a column for each place takes more columns of the terminal than this, the places stand in
    /// one column.
    pub columns: Option<usize>,
}

impl Timeline<'_> {
    /// The timeline with its legend.
    pub fn render(&self) -> String {
        self.lines() + LEGEND
    }

    /// The timeline alone.
    pub fn lines(&self) -> String {
        let lines = lines::lines(self.events, self.cast);
        let shown = self.shown();
        let shown_lines = lines.iter().enumerate().filter(|(at, _)| shown[*at]);
        let widths = Widths::of(shown_lines, self.columns);
        let mut text = widths.head();
        let mut hidden = 0;
        for (at, line) in lines.iter().enumerate() {
            let Some(line) = line else { continue };
            if !shown[at] {
                hidden += usize::from(!self.is_bystander(&self.events[at].kind));
                continue;
            }
            elision(&mut text, &mut hidden);
            text.push_str(&self.line(&widths, self.events[at].at, line));
        }
        elision(&mut text, &mut hidden);
        text
    }

    /// The lines that decide, and how many more there are.
    pub fn excerpt(&self) -> String {
        let lines = lines::lines(self.events, self.cast);
        let shown = excerpt::chosen(self, &lines);
        let chosen = || lines.iter().enumerate().filter(|(at, _)| shown[*at]);
        let widths = Widths::of(chosen(), self.columns);
        let mut text = widths.head();
        for (at, line) in chosen() {
            let Some(line) = line else { continue };
            text.push_str(&self.line(&widths, self.events[at].at, line));
        }
        let hidden = lines.iter().flatten().count() - chosen().count();
        if hidden > 0 {
            let lines = if hidden == 1 { "line" } else { "lines" };
            let _ = writeln!(text, "{:>12} │ {hidden} more {lines}: replay it", "…");
        }
        text
    }

    /// For every event whether it is shown.
    fn shown(&self) -> Vec<bool> {
        let count = self.events.len();
        if self.all {
            return vec![true; count];
        }
        let concerned = |event: &Event| !self.is_bystander(&event.kind);
        if count <= LONG {
            let mut shown: Vec<bool> = self.events.iter().map(concerned).collect();
            self.drop_cycle(&mut shown);
            return shown;
        }
        let mut shown = vec![false; count];
        for (at, event) in self.events.iter().enumerate() {
            if self.is_fault(&event.kind) {
                let around = at.saturating_sub(CONTEXT)..(at + CONTEXT + 1).min(count);
                shown[around].fill(true);
            }
            shown[at] |= self.is_in_focus(&event.kind);
        }
        self.drop_repetitions(&mut shown);
        self.drop_cycle(&mut shown);
        for (shown, event) in shown.iter_mut().zip(self.events) {
            *shown &= concerned(event);
        }
        drop_middle(&mut shown);
        shown
    }

    /// Of what one message goes through again and again, only the beginning and the end are shown.
    fn drop_repetitions(&self, shown: &mut [bool]) {
        for &message in &self.focus {
            let of_it = |at: &usize| {
                let kind = &self.events[*at].kind;
                kind.message() == Some(message) && !matches!(kind, Kind::Faulted { .. })
            };
            let all: Vec<usize> = (0..self.events.len()).filter(of_it).collect();
            if all.len() > REPEATS {
                all[BEGINNING..all.len() - END].iter().for_each(|&at| shown[at] = false);
            }
        }
    }

    /// Where a run only repeats itself, only phases and faults are shown.
    fn drop_cycle(&self, shown: &mut [bool]) {
        if let Some(Cycle { from, until, .. }) = Cycle::of(self.events) {
            let stays = |kind: &Kind| matches!(kind, Kind::Entered { .. } | Kind::Faulted { .. });
            let repeated = (from..until).filter(|at| !stays(&self.events[*at].kind));
            repeated.for_each(|at| shown[at] = false);
        }
    }

    /// Whether an event belongs to a subscription that is not to be shown.
    fn is_bystander(&self, kind: &Kind) -> bool {
        let of_process = || kind.process().and_then(|process| self.cast.subscription_of(process));
        let subscription = kind.subscription().or_else(of_process);
        !self.all
            && !self.only.is_empty()
            && subscription.is_some_and(|one| !self.only.contains(&one))
    }

    fn is_fault(&self, kind: &Kind) -> bool {
        matches!(
            kind,
            Kind::Faulted { .. }
                | Kind::Crashed { .. }
                | Kind::Stalled { .. }
                | Kind::Resumed { .. }
                | Kind::BrokerRestarted
                | Kind::LeaseExpired { .. }
                | Kind::SessionExpired { .. }
                | Kind::MaxPollExceeded { .. }
                | Kind::OffsetReset { .. }
                | Kind::Kept { .. }
                | Kind::SettleForgotten { .. }
                | Kind::Redriven { .. }
                | Kind::Retried { .. }
                | Kind::Aborted { .. }
                | Kind::Entered { .. }
        )
    }

    fn is_in_focus(&self, kind: &Kind) -> bool {
        kind.message().is_some_and(|message| self.focus.contains(&message))
    }

    fn line(&self, widths: &Widths, at: Instant, line: &Line) -> String {
        let (own, text) = match &line.column {
            Column::All => {
                let rule = format!("{:>12} │ {:─<20}", at.to_string(), format!("{} ", line.text));
                return format!("{rule}\n");
            }
            Column::At(column) => (*column, &line.text),
        };
        let mut row = format!("{:>12} ", at.to_string());
        if widths.narrow {
            let _ = writeln!(row, "│ {:8} │ {}", COLUMNS[own], self.emphasis(text, line.fault));
            return row;
        }
        for (column, width) in widths.of_each.iter().enumerate().take(own + 1) {
            if column < own {
                let _ = write!(row, "│ {:width$} ", "");
            } else {
                let _ = write!(row, "│ {}", self.emphasis(text, line.fault));
            }
        }
        row.push('\n');
        row
    }

    fn emphasis(&self, text: &str, fault: bool) -> String {
        if fault && self.colourful {
            return format!("\u{1b}[1;31m{text}\u{1b}[0m");
        }
        text.to_owned()
    }
}

/// Of more lines than anybody reads, the beginning and the end.
fn drop_middle(shown: &mut [bool]) {
    let lines: Vec<usize> = (0..shown.len()).filter(|at| shown[*at]).collect();
    if lines.len() > MOST {
        lines[MOST - END..lines.len() - END].iter().for_each(|&at| shown[at] = false);
    }
}

fn elision(text: &mut String, hidden: &mut usize) {
    if *hidden > 0 {
        let _ = writeln!(text, "{:>12} │ {hidden} more", "…");
        *hidden = 0;
    }
}

/// How wide each column is, and whether there is one for all of them.
struct Widths {
    of_each: [usize; 4],
    narrow: bool,
}

const COLUMNS: [&str; 4] = ["producer", "broker", "consumer", "sink"];

impl Widths {
    fn of<'l>(
        lines: impl Iterator<Item = (usize, &'l Option<Line>)>,
        columns: Option<usize>,
    ) -> Self {
        let mut widths = COLUMNS.map(str::len);
        for (_, line) in lines {
            if let Some(Line { column: Column::At(column), text, .. }) = line {
                widths[*column] = widths[*column].max(text.chars().count());
            }
        }
        let whole = 13 + widths.iter().map(|width| width + 3).sum::<usize>();
        Self { of_each: widths, narrow: columns.is_some_and(|columns| whole > columns) }
    }

    fn head(&self) -> String {
        if self.narrow {
            let rule = format!("{:─>13}┼──────────┼{:─>20}", "", "");
            return format!("{:>12} │ where    │ what\n{rule}\n", "time");
        }
        let mut names = format!("{:>12} ", "time");
        let mut rule = format!("{:─>12}─", "");
        for (name, width) in COLUMNS.iter().zip(self.of_each) {
            let _ = write!(names, "│ {name:width$} ");
            let _ = write!(rule, "┼─{:─<width$}─", "");
        }
        format!("{}\n{rule}\n", names.trim_end())
    }
}

/// What the signs mean.
pub const LEGEND: &str = "
m0 is the first message; 0/3 is offset 3 of partition 0.
→ sent or asked   ← handed over   ↻ again   ✓ recorded as settled, or acknowledged
★ effect   ☠ dead letter   ⇥ lost, late or doubled in the network   ✗ crash   ⏸ stall   ! error
";
