//! `entrega check`: judges a recorded history with the checker that judges the simulator.

use std::fmt::Write;
use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;

use entrega_checker::{Checker, Config, End, Report, SubscriptionConfig, Verdict};
use entrega_model::MessageId;
use entrega_model::history::{self, Header, Names as HistoryNames, Reader};
use serde::Serialize;

use crate::args::{CheckArgs, Format};
use crate::failure::Failure;
use crate::output;
use crate::render::report::{self, Names};

/// Runs the command.
pub(crate) fn check(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let file = args.history.as_path();
    let input = File::open(file).map_err(|error| Failure::file(file, "read", &error))?;
    let invalid = |error: history::HistoryError| Failure::new(error.to_string());
    let mut reader =
        Reader::new(BufReader::new(input), &file.display().to_string()).map_err(invalid)?;
    let mut checker = Checker::new(config(reader.header()));
    let end = match reader.observe(&mut checker).map_err(invalid)? {
        history::End::Quiescent => End::Quiescent,
        history::End::Unfinished => End::Unfinished,
    };
    let (header, names) = reader.into_parts();
    let judged = Judged { report: checker.finish(end), header, names };
    let text = match args.format {
        Format::Text => judged.text(&file.display().to_string()),
        Format::Json => output::json(&judged.json())?,
    };
    output::write(args.output.as_deref(), &text)?;
    Ok(super::code(judged.report.verdict == Verdict::Valid))
}

fn config(header: &Header) -> Config {
    let promise = |of: &history::SubscriptionHeader| SubscriptionConfig {
        guarantee: of.guarantee,
        dead_letters_declared: of.dead_letters,
        ordered: of.ordered,
    };
    Config {
        subscriptions: header.subscriptions.iter().map(promise).collect(),
        ..Config::default()
    }
}

/// A history and what was found in it.
struct Judged {
    report: Report,
    header: Header,
    names: HistoryNames,
}

impl Judged {
    fn subscriptions(&self) -> Vec<String> {
        self.header.subscriptions.iter().map(|of| of.name.clone()).collect()
    }

    /// A message by the name that it has in the history.
    fn message(&self, message: MessageId) -> String {
        let name = self.names.messages.get(message.index());
        name.map_or_else(|| message.to_string(), Clone::clone)
    }

    fn text(&self, file: &str) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "{file}: a history of a {}", self.header.model);
        let _ = writeln!(text, "{}", report::sends(&self.report));
        let subscriptions = self.subscriptions();
        let message = |message| self.message(message);
        let names = Names { subscriptions: &subscriptions, message: &message };
        text.push_str(&report::subscriptions(&self.report, &names));
        let verdict = report::verdict(self.report.verdict);
        let _ = writeln!(text, "\nThe history is {verdict}{}", self.advice());
        text
    }

    fn advice(&self) -> &'static str {
        match self.report.verdict {
            Verdict::Valid => ": every promise was kept.",
            Verdict::Invalid => ": a promise was broken.",
            Verdict::Unknown => {
                ": nobody can tell. Drain the system, end the history with \
                 {\"end\":\"quiescent\"}, and acknowledge at least one send."
            }
        }
    }

    fn json(&self) -> CheckJson<'_> {
        let (report, subscription_names) = (&self.report, self.subscriptions());
        let model = self.header.model.to_string();
        let message_names = &self.names.messages;
        CheckJson { schema: "entrega.check.v1", model, subscription_names, report, message_names }
    }
}

#[derive(Serialize)]
struct CheckJson<'a> {
    schema: &'static str,
    model: String,
    subscription_names: Vec<String>,
    report: &'a Report,
    /// What the numbers of messages stand for.
    message_names: &'a [String],
}
