//! Recorded histories: the history of a run, written beside its report, and the judgement of one
//! that was recorded anywhere, with the lines that show it.

mod asides;
mod evidence;

use std::collections::BTreeSet;
use std::io::{self, BufRead, Write};

use entrega::{Judged, judge};
use entrega_checker::{
    Class, Config, Gap, GapKind, Gaps, Listable, Listed, Reason, RecordChecker, Report,
    SubscriptionConfig,
};
use entrega_choice::Choices;
use entrega_model::history::{
    Backwards, Header, HistoryError, Names, Notes, PointNames, Reader, Reading, SubscriptionHeader,
    TimeOrder, Writer,
};
use entrega_model::printable::printable;
use entrega_model::{Duration, MessageId, Observer, ProcessId};
use entrega_scenario::{Cast, points};
use entrega_sim::Experiment;

use crate::verdict::{self, Called};
pub use evidence::Evidence;

/// A history, and what was found in it.
pub struct JudgedHistory {
    /// What became of every message.
    pub report: Report,
    /// What the record leaves out, and what it says that cannot be.
    pub gaps: Gaps,
    /// What was recorded.
    pub header: Header,
    /// What things are called in it.
    pub names: Names,
    /// What there is to say about the file.
    pub notes: Notes,
    /// By how much the clocks of those who wrote it differ: no time between two events is known
    /// better.
    pub skew: Duration,
    /// For each subscription, anomaly and cause the first message.
    pub firsts: Vec<Listed>,
    /// The messages that were asked for.
    pub listed: Vec<Listed>,
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
    check_and_list(history, name, reading, &BTreeSet::new())
}

/// The same, with a list of all messages that show one of these.
///
/// # Errors
/// As [`check`].
pub fn check_and_list(
    history: impl BufRead,
    name: &str,
    reading: Reading,
    list: &BTreeSet<Listable>,
) -> Result<JudgedHistory, HistoryError> {
    let mut reader = Reader::with(history, name, reading)?;
    let header = reader.header();
    let skew = match reading.order {
        TimeOrder::Rising => Duration::ZERO,
        TimeOrder::AsWritten(skew) | TimeOrder::Sorted(skew) => skew,
    };
    let mut checker = RecordChecker::new(config(header), header.model).with_skew(skew);
    if let TimeOrder::Sorted(skew) = reading.order {
        checker = checker.sorted_within(skew);
    }
    if header.complete {
        checker = checker.complete();
    }
    let end = reader.each_batch(|batch| checker.observe(batch))?;
    let notes = reader.notes().clone();
    if let Some(Backwards { lines, first, .. }) = notes.backwards {
        let gap = Gap { line: first, message: None, before: None };
        checker.found(GapKind::TimeBackwards, lines, gap);
    }
    let (header, names) = reader.into_parts();
    let (report, gaps) = checker.finish(end);
    let mut listed = checker.list(end, &list.union(&anomalies()).copied().collect());
    let firsts = firsts(&listed, &report);
    listed.retain(|one| list.contains(&one.what));
    Ok(JudgedHistory { report, gaps, header, names, notes, skew, firsts, listed })
}

/// What is told of a record although nobody asks for it.
fn anomalies() -> BTreeSet<Listable> {
    use Class::{DeadLettered, Duplicated, Lost, Phantom, Split};
    let classes = [Lost, Duplicated, Split, Phantom, DeadLettered];
    let classes = classes.into_iter().map(Listable::Class);
    classes.chain([Listable::Reordered, Listable::Replayed]).collect()
}

/// The first anomaly of each kind. A dead letter is none where it is part of the promise.
fn firsts(listed: &[Listed], report: &Report) -> Vec<Listed> {
    let anomalies = anomalies();
    let is_anomaly = |one: &&Listed| {
        let reasons = &report.subscriptions[one.subscription.index()].reasons;
        let is_dead = one.what == Listable::Class(Class::DeadLettered);
        anomalies.contains(&one.what)
            && (!is_dead || reasons.contains(&Reason::UndeclaredDeadLetters))
    };
    let mut firsts: Vec<Listed> = listed.iter().filter(is_anomaly).copied().collect();
    let kind = |one: &Listed| (one.subscription, one.what, one.cause);
    firsts.dedup_by(|next, first| kind(next) == kind(first));
    firsts
}

fn config(header: &Header) -> Config {
    let promise = |of: &SubscriptionHeader| SubscriptionConfig {
        guarantee: of.guarantee,
        dead_letters_declared: of.dead_letters,
        ordered: of.ordered,
    };
    Config {
        subscriptions: header.subscriptions.iter().map(promise).collect(),
        program_order: header.program_order,
        ..Config::default()
    }
}

impl JudgedHistory {
    /// The names of the subscriptions.
    pub fn subscriptions(&self) -> Vec<String> {
        self.header.subscriptions.iter().map(|of| of.name.clone()).collect()
    }

    /// What a message shows, in one sentence; `name` is what messages are called.
    pub fn sentence(&self, one: &Listed, name: &dyn Fn(MessageId) -> String) -> String {
        entrega_explain::record::sentence(one, name)
    }

    /// Why the verdict on each subscription is unknown; nothing if it is not.
    pub fn why(&self) -> Vec<Vec<String>> {
        let process = |id| printable(&self.process(id)).into_owned();
        let message = |id| printable(&self.message(id)).into_owned();
        let called = Called { message: &message, process: &process };
        let report = &self.report;
        report.subscriptions.iter().map(|of| verdict::why_open(report, of, &called)).collect()
    }

    /// A process by the name that it has in the history.
    pub fn process(&self, process: ProcessId) -> String {
        let name = self.names.processes.get(process.index());
        name.map_or_else(|| process.to_string(), Clone::clone)
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
    Header {
        model,
        subscriptions: names.into_iter().map(subscription).collect(),
        program_order: scenario.producer.sends_ahead(),
        complete: true,
    }
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
