//! A recorded history and what was found in it.

use std::fmt::Write;

use entrega_checker::{Report, Verdict};
use entrega_lab::history::JudgedHistory;
use serde::Serialize;

use crate::judgement::{self, Names};

/// The name and version of this form.
const SCHEMA: &str = "entrega.check.v1";

/// The judgement for people; `name` is what the history is called.
pub fn text(history: &JudgedHistory, name: &str) -> String {
    let mut text = String::new();
    let report = &history.report;
    let _ = writeln!(text, "{name}: a history of a {}", history.header.model);
    let _ = writeln!(text, "{}", judgement::sends(report));
    let subscriptions = history.subscriptions();
    let message = |message| history.message(message);
    let names = Names { subscriptions: &subscriptions, message: &message };
    text.push_str(&judgement::subscriptions(report, &names));
    let (verdict, advice) = (report.verdict.name(), advice(report.verdict));
    let _ = writeln!(text, "\nThe history is {verdict}{advice}");
    text
}

fn advice(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Valid => ": every promise was kept.",
        Verdict::Invalid => ": a promise was broken.",
        Verdict::Unknown => {
            ": nobody can tell. Drain the system, end the history with \
             {\"end\":\"quiescent\"}, and acknowledge at least one send."
        }
    }
}

/// The judgement for programs.
#[derive(Serialize)]
pub struct Document<'a> {
    schema: &'static str,
    model: String,
    subscription_names: Vec<String>,
    report: &'a Report,
    /// What the numbers of messages stand for.
    message_names: &'a [String],
}

/// The judgement as a document.
pub fn document(history: &JudgedHistory) -> Document<'_> {
    Document {
        schema: SCHEMA,
        model: history.header.model.to_string(),
        subscription_names: history.subscriptions(),
        report: &history.report,
        message_names: &history.names.messages,
    }
}
