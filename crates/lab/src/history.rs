//! Recorded histories: the history of a run, written beside its report, and the judgement of one
//! that was recorded anywhere.

use std::io::{self, BufRead, Write};

use entrega::{Judged, judge};
use entrega_checker::{Checker, Config, Report, SubscriptionConfig};
use entrega_choice::Choices;
use entrega_model::history::{
    Header, HistoryError, Names, Notes, PointNames, Reader, Reading, SubscriptionHeader, Writer,
};
use entrega_model::printable::printable;
use entrega_model::{MessageId, Observer, ProcessId};
use entrega_scenario::{Cast, points};
use entrega_sim::Experiment;

use crate::verdict::{self, Called};

/// A history, and what was found in it.
pub struct JudgedHistory {
    /// What became of every message.
    pub report: Report,
    /// What was recorded.
    pub header: Header,
    /// What things are called in it.
    pub names: Names,
    /// What there is to say about the file.
    pub notes: Notes,
}

/// Judges a history with the checker that judges the simulator. Errors call the history `name`.
///
/// # Errors
/// The first line that does not belong in a history.
pub fn check(
    history: impl BufRead,
    name: &str,
    reading: Reading,
) -> Result<JudgedHistory, HistoryError> {
    let mut reader = Reader::with(history, name, reading)?;
    let mut checker = Checker::new(config(reader.header()));
    let end = reader.observe(&mut checker)?;
    let notes = reader.notes().clone();
    let (header, names) = reader.into_parts();
    let mut report = checker.finish(end);
    if notes.backwards.is_some() {
        report.doubt();
    }
    Ok(JudgedHistory { report, header, names, notes })
}

fn config(header: &Header) -> Config {
    let promise = |of: &SubscriptionHeader| SubscriptionConfig {
        guarantee: of.guarantee,
        dead_letters_declared: of.dead_letters,
        ordered: of.ordered,
    };
    Config {
        subscriptions: header.subscriptions.iter().map(promise).collect(),
        ..Config::default()
    }
}

impl JudgedHistory {
    /// The names of the subscriptions.
    pub fn subscriptions(&self) -> Vec<String> {
        self.header.subscriptions.iter().map(|of| of.name.clone()).collect()
    }

    /// Why the verdict on each subscription is unknown; nothing if it is not.
    pub fn why(&self) -> Vec<Vec<String>> {
        let process = |id: ProcessId| {
            let name = self.names.processes.get(id.index());
            name.map_or_else(|| id.to_string(), |name| printable(name).into_owned())
        };
        let message = |id| printable(&self.message(id)).into_owned();
        let called = Called { message: &message, process: &process };
        let report = &self.report;
        report.subscriptions.iter().map(|of| verdict::why_open(report, of, &called)).collect()
    }

    /// A message by the name that it has in the history.
    pub fn message(&self, message: MessageId) -> String {
        let name = self.names.messages.get(message.index());
        name.map_or_else(|| message.to_string(), Clone::clone)
    }
}

/// Makes a run and writes its history.
pub(crate) fn record(
    experiment: &Experiment<'_>,
    choices: Choices,
    notes: &mut impl Observer,
    out: impl Write,
) -> io::Result<Judged> {
    let mut writer = Writer::new(out, &header(experiment), names(experiment))?;
    let judged = judge(experiment, choices, &mut (notes, &mut writer));
    writer.write_end(judged.report.end)?;
    Ok(judged)
}

fn header(experiment: &Experiment<'_>) -> Header {
    let Experiment { scenario, model, strategy, .. } = *experiment;
    let subscription = |name: &str| SubscriptionHeader {
        name: name.to_owned(),
        guarantee: strategy.guarantee(model),
        dead_letters: experiment.declares_dead_letters(),
        ordered: false,
    };
    let names = scenario.subscription_names();
    Header { model, subscriptions: names.into_iter().map(subscription).collect() }
}

/// Messages and keys keep their numbers.
fn names(experiment: &Experiment<'_>) -> Names {
    let cast = Cast::of(experiment.scenario);
    let table = points::table(&experiment.scenario.subscription_names());
    let point = |spec: &entrega_choice::PointSpec| PointNames {
        name: spec.name.clone(),
        alternatives: spec.alternatives.iter().map(|name| (*name).to_owned()).collect(),
    };
    Names {
        processes: (0..cast.processes()).map(|id| cast.name(ProcessId(id as u16))).collect(),
        points: table.iter().map(point).collect(),
        ..Names::default()
    }
}
