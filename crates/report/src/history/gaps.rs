//! What a recorded history leaves out, and what it says that cannot be, line by line.

use std::fmt::Write;

use entrega_checker::{Gap, GapKind, Gaps};
use entrega_lab::history::JudgedHistory;
use entrega_model::MessageId;
use serde::Serialize;

/// The lines that show it, in the order of the file; nothing if there are none.
pub(super) fn text(gaps: &Gaps, message: &dyn Fn(MessageId) -> String) -> String {
    let mut text = String::new();
    let both = [(true, "Impossible"), (false, "Left out")];
    for (is_impossible, heading) in both {
        let kinds = || gaps.found.iter().filter(|(kind, _)| kind.is_impossible() == is_impossible);
        let shown =
            kinds().flat_map(|(kind, (_, lines))| lines.iter().map(move |gap| (gap, *kind)));
        let mut shown: Vec<(&Gap, GapKind)> = shown.collect();
        if shown.is_empty() {
            continue;
        }
        shown.sort_unstable();
        let _ = writeln!(text, "\n{heading}");
        for (gap, kind) in &shown {
            let _ = writeln!(text, "  line {}: {}", gap.line, sentence(*kind, gap, message));
        }
        let all: u64 = kinds().map(|(_, (count, _))| count).sum();
        let more = all - shown.len() as u64;
        if more > 0 {
            let _ = writeln!(text, "  and {more} more like these");
        }
    }
    text
}

fn sentence(kind: GapKind, gap: &Gap, message: &dyn Fn(MessageId) -> String) -> String {
    let name = gap.message.map_or_else(|| "a message".to_owned(), message);
    let before = gap.before.map_or_else(String::new, |line| format!(", line {line}"));
    let send = format!("before the first line of its send{before}");
    match kind {
        GapKind::OutcomeWithoutInvocation => {
            format!("the outcome of a send of {name} that is not recorded to have begun")
        }
        GapKind::OutcomeBeforeInvocation => {
            format!("the outcome of a send of {name} before it begins{before}")
        }
        GapKind::RetryWithoutFirstAttempt => {
            format!("a later attempt to send {name}, and no first one is recorded")
        }
        GapKind::EffectBeforeSend => format!("{name} takes effect {send}"),
        GapKind::StoreBeforeSend => format!("{name} is stored {send}"),
        GapKind::DeliveryBeforeSend => format!("{name} is delivered {send}"),
        GapKind::DeadLetterBeforeSend => format!("{name} becomes a dead letter {send}"),
        GapKind::SettleBeforeSend => format!("{name} is settled {send}"),
        GapKind::EffectOfUnsent => {
            format!("an effect of {name} is not applied, and nobody sent it")
        }
        GapKind::StoreOfUnsent => format!("{name} is stored, and nobody sent it"),
        GapKind::DeliveryOfUnsent => format!("{name} is delivered, and nobody sent it"),
        GapKind::DeadLetterOfUnsent => format!("{name} becomes a dead letter, and nobody sent it"),
        GapKind::SettleOfUnsent => format!("{name} is settled, and nobody sent it"),
        GapKind::EffectWithoutDelivery => {
            format!("{name} takes effect, and no delivery of it is recorded before")
        }
        GapKind::RedeliveryWithoutDelivery => {
            format!("{name} is delivered again, and an earlier delivery of it is not recorded")
        }
        GapKind::SettleWithoutDelivery => {
            format!("{name} is settled by a consumer, and no delivery to it is recorded")
        }
        GapKind::CommitOverUnrecorded => {
            "a commit covers offsets of which no store and no delivery is recorded".to_owned()
        }
        GapKind::TimeBackwards => "time goes back by more than --skew allows".to_owned(),
    }
}

/// A kind of gap, for programs.
#[derive(Serialize)]
pub(super) struct Document {
    kind: GapKind,
    impossible: bool,
    count: u64,
    /// The first that there are.
    lines: Vec<Line>,
}

/// A line that shows it.
#[derive(Serialize)]
struct Line {
    line: u64,
    message: Option<String>,
    before: Option<u64>,
}

/// All kinds that there are.
pub(super) fn documents(history: &JudgedHistory) -> Vec<Document> {
    let line = |&Gap { line, message, before }: &Gap| {
        let message = message.map(|message| history.message(message));
        Line { line, message, before }
    };
    let all = history.gaps.found.iter();
    all.map(|(&kind, (count, lines))| {
        let impossible = kind.is_impossible();
        let lines = lines.iter().map(line).collect();
        Document { kind, impossible, count: *count, lines }
    })
    .collect()
}
