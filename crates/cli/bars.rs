//! Progress of long work, on a terminal alone: what a program reads has none.

use std::io::{self, IsTerminal};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// How often the spinner turns.
const TICK: Duration = Duration::from_millis(100);

/// A bar for work of known length; `what` says what it consists of.
pub(crate) fn bar(length: u64, what: &str, quiet: bool) -> ProgressBar {
    if is_hidden(quiet) {
        return ProgressBar::hidden();
    }
    let template = format!("{{bar:40}} {{pos}}/{{len}} {what}, {{eta}} to go");
    let style = ProgressStyle::with_template(&template);
    let bar = ProgressBar::new(length);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// A message that changes, for work of unknown length.
pub(crate) fn spinner(quiet: bool) -> ProgressBar {
    if is_hidden(quiet) {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {elapsed} {msg}");
    let bar = ProgressBar::new_spinner();
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
    bar.enable_steady_tick(TICK);
    bar
}

fn is_hidden(quiet: bool) -> bool {
    quiet || !io::stderr().is_terminal()
}
