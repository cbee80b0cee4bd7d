//! Messages of a recorded history with the lines that are about them.

use std::fmt::Write;

use entrega_checker::{Cause, Listed};
use entrega_lab::history::{Evidence, JudgedHistory};
use entrega_model::printable::printable;
use serde::Serialize;

use crate::judgement::Names;
use crate::prose::{caused, spelled};

/// The first message of each kind with its story, and all messages that were asked for.
pub(super) fn text(history: &JudgedHistory, evidence: &Evidence, names: &Names<'_>) -> String {
    let mut text = String::new();
    for one in &history.firsts {
        let subscription = names.of(one.subscription);
        let sentence = history.sentence(one, names.message);
        let _ = writeln!(text, "\n{subscription}: {sentence}");
        for (line, says) in evidence.excerpt(one) {
            let _ = writeln!(text, "  line {line}: {}", printable(says));
        }
    }
    if !history.listed.is_empty() {
        text.push_str("\nListed\n");
    }
    for one in &history.listed {
        let (subscription, what) = (names.of(one.subscription), kind(one));
        let message = (names.message)(one.message);
        let lines: Vec<String> = evidence.lines(one).iter().map(u64::to_string).collect();
        let lines = lines.join(", ");
        let _ = writeln!(text, "  {subscription}: {what} {message}, lines {lines}");
    }
    text
}

/// `lost (settled by timer)`.
fn kind(one: &Listed) -> String {
    let what = spelled(one.what.name());
    match one.cause {
        Some(cause) => format!("{what} ({})", caused(cause)),
        None => what,
    }
}

/// A message that shows something, for programs.
#[derive(Serialize)]
pub(super) struct Entry<'a> {
    subscription: &'a str,
    kind: &'static str,
    cause: Option<Cause>,
    message: String,
    /// The numbers of the lines that are about it.
    lines: Vec<u64>,
}

/// The first message of its kind, for programs.
#[derive(Serialize)]
pub(super) struct Story<'a> {
    #[serde(flatten)]
    entry: Entry<'a>,
    sentence: String,
    /// Lines that show it.
    excerpt: Vec<Line<'a>>,
}

/// A line of the file.
#[derive(Serialize)]
struct Line<'a> {
    line: u64,
    text: &'a str,
}

/// All messages that were asked for.
pub(super) fn entries<'a>(history: &'a JudgedHistory, evidence: &Evidence) -> Vec<Entry<'a>> {
    history.listed.iter().map(|one| entry(history, evidence, one)).collect()
}

/// The first message of each kind with its story.
pub(super) fn stories<'a>(history: &'a JudgedHistory, evidence: &'a Evidence) -> Vec<Story<'a>> {
    let story = |one| {
        let excerpt = evidence.excerpt(one).into_iter();
        Story {
            entry: entry(history, evidence, one),
            sentence: history.sentence(one, &|message| history.message(message)),
            excerpt: excerpt.map(|(line, text)| Line { line, text }).collect(),
        }
    };
    history.firsts.iter().map(story).collect()
}

fn entry<'a>(history: &'a JudgedHistory, evidence: &Evidence, one: &Listed) -> Entry<'a> {
    let of = history.header.subscriptions.get(one.subscription.index());
    Entry {
        subscription: of.map_or("?", |of| &of.name),
        kind: one.what.name(),
        cause: one.cause,
        message: history.message(one.message),
        lines: evidence.lines(one),
    }
}
