//! Writes a run's history beside its report.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use entrega::{Judged, judge};
use entrega_choice::Choices;
use entrega_model::history::{End, Header, Names, PointNames, SubscriptionHeader, Writer};
use entrega_model::{Observer, ProcessId};
use entrega_scenario::{Cast, points};
use entrega_sim::Experiment;

use crate::failure::Failure;

/// Runs the experiment and writes its history to `file`.
pub(super) fn recorded(
    experiment: &Experiment<'_>,
    choices: Choices,
    notes: &mut impl Observer,
    file: &Path,
) -> Result<Judged, Failure> {
    let failed = |error: &std::io::Error| Failure::file(file, "write", error);
    let out = BufWriter::new(File::create(file).map_err(|error| failed(&error))?);
    let (header, names) = (header(experiment), names(experiment));
    let mut writer = Writer::new(out, &header, names).map_err(|error| failed(&error))?;
    let judged = judge(experiment, choices, &mut (notes, &mut writer));
    let end = match judged.outcome.end {
        entrega_sim::RunEnd::Quiescent => End::Quiescent,
        entrega_sim::RunEnd::Unfinished | entrega_sim::RunEnd::Cut => End::Unfinished,
    };
    writer.write_end(end).map_err(|error| failed(&error))?;
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
