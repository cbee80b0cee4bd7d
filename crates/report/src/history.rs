//! A recorded history and what was found in it.

use std::fmt::Write;

use entrega_checker::{Reason, Report, Verdict};
use entrega_lab::history::{Evidence, JudgedHistory};
use entrega_model::history::{Backwards, Misplaced, Notes};
use entrega_model::printable::printable;
use serde::Serialize;

use crate::judgement::{self, Names};

mod gaps;
mod lists;
mod names;

/// The name and version of this form.
const SCHEMA: &str = "entrega.check.v1";

/// The judgement for people; `name` is what the history is called.
pub fn text(history: &JudgedHistory, evidence: &Evidence, name: &str) -> String {
    let mut text = String::new();
    let report = &history.report;
    let _ = writeln!(text, "{}: a history of a {}", printable(name), history.header.model);
    let _ = writeln!(text, "{}", judgement::sends(report));
    if report.sends.invoked == 0 {
        text.push_str("No send is recorded.\n");
    }
    let subscriptions: Vec<String> =
        history.subscriptions().iter().map(|name| printable(name).into_owned()).collect();
    let message = |message| printable(&history.message(message)).into_owned();
    let names = Names { subscriptions: &subscriptions, message: &message };
    text.push_str(&judgement::subscriptions(report, &history.why(), history.skew, &names));
    text.push_str(&gaps::text(&history.gaps, &message));
    text.push_str(&lists::text(history, evidence, &names));
    let _ = writeln!(text, "\nThe history is {}{}", report.verdict.name(), advice(report));
    text
}

fn advice(report: &Report) -> &'static str {
    match report.verdict {
        Verdict::Valid => ": every promise was kept.",
        Verdict::Invalid => ": a promise was broken.",
        Verdict::Unknown if report.reasons.contains(&Reason::InconsistentRecord) => {
            ": nobody can tell, because it records what is impossible."
        }
        Verdict::Unknown if report.reasons.contains(&Reason::IncompleteRecord) => {
            ": nobody can tell, because it does not show when every message was sent."
        }
        Verdict::Unknown if report.reasons.contains(&Reason::NothingCompared) => {
            ": nobody can tell, because it does not say which messages have one key."
        }
        Verdict::Unknown if report.reasons.contains(&Reason::MissingLines) => {
            ": nobody can tell, because lines of consumers are missing in it."
        }
        Verdict::Unknown if report.reasons.contains(&Reason::OrderWithinSkew) => {
            ": nobody can tell, because lines are closer together than the clock skew."
        }
        Verdict::Unknown if report.reasons.contains(&Reason::PollsOutsideOneAssignment) => {
            ": nobody can tell, because a delivery skips a record or goes back, and it is not known that \
             its consumer held the partition throughout."
        }
        Verdict::Unknown if report.reasons.contains(&Reason::PollsLeftOut) => {
            ": nobody can tell, because a delivery skips a record or goes back, and lines that would \
             explain it may be left out."
        }
        Verdict::Unknown if report.reasons.contains(&Reason::KeysLeftOut) => {
            ": nobody can tell, because it does not say which messages have one key."
        }
        Verdict::Unknown if report.reasons.contains(&Reason::Stalled) => {
            ": nobody can tell. Drain the system, and end the history with {\"end\":\"quiescent\"}."
        }
        Verdict::Unknown if report.reasons.contains(&Reason::NothingAcknowledged) => {
            ": nobody can tell, because no send was acknowledged."
        }
        Verdict::Unknown => ": nobody can tell, because messages may still take effect.",
    }
}

/// The judgement for programs.
#[derive(Serialize)]
pub struct Document<'a> {
    schema: &'static str,
    model: String,
    subscription_names: Vec<String>,
    /// The judgement, with messages and processes by their names.
    #[serde(serialize_with = "names::report")]
    report: &'a JudgedHistory,
    /// Why each subscription's verdict is unknown; empty if it is not.
    why: Vec<Vec<String>>,
    /// What the numbers of messages stand for.
    message_names: &'a [String],
    /// What there is to say about the file.
    notes: Vec<String>,
    /// What the history leaves out, and what it says that cannot be.
    inconsistent_record: Vec<gaps::Document>,
    /// For each subscription, anomaly and cause the first message, with the lines that show it.
    stories: Vec<lists::Story<'a>>,
    /// The messages that were asked for.
    listed: Vec<lists::Entry<'a>>,
}

/// The judgement as a document.
pub fn document<'a>(history: &'a JudgedHistory, evidence: &'a Evidence) -> Document<'a> {
    Document {
        schema: SCHEMA,
        model: history.header.model.to_string(),
        subscription_names: history.subscriptions(),
        report: history,
        why: history.why(),
        message_names: &history.names.messages,
        notes: notes(&history.notes),
        inconsistent_record: gaps::documents(history),
        stories: lists::stories(history, evidence),
        listed: lists::entries(history, evidence),
    }
}

/// What there is to say about a history that was accepted, a sentence each.
pub fn notes(notes: &Notes) -> Vec<String> {
    let fields = notes.unknown_fields.iter().map(|(name, count)| format!("{name} ({count})"));
    let mut fields: Vec<String> = fields.collect();
    let more = notes.more_unknown_fields;
    fields.extend((more > 0).then(|| format!("others ({more})")));
    let fields = (!fields.is_empty()).then(|| {
        format!("fields that the format does not know were passed over: {}", fields.join(", "))
    });
    let backwards = notes.backwards.map(backwards);
    fields.into_iter().chain(notes.of_a_log.map(of_a_log)).chain(backwards).collect()
}

fn of_a_log(Misplaced { lines, first }: Misplaced) -> String {
    let they = if lines == 1 { "1 line is".to_owned() } else { format!("{lines} lines are") };
    format!(
        "{they} about what only a log does, and passed over, because this is the history of a \
         queue; the first is line {first}"
    )
}

fn backwards(Backwards { lines, first, most }: Backwards) -> String {
    let (lines, they) =
        if lines == 1 { ("1 line".to_owned(), "goes") } else { (format!("{lines} lines"), "go") };
    format!(
        "{lines} {they} back in time by more than --skew allows, by {most} at most; the first is line {first}"
    )
}
