//! An exploration for programs: one JSON document, the same bytes for the same scenario and bounds,
//! whatever the number of threads.

use std::collections::{BTreeMap, BTreeSet};

use entrega_checker::Cause;
use entrega_clients::Strategy;
use entrega_explain::Timeline;
use entrega_model::{Guarantee, Model};
use entrega_scenario::points;
use serde::Serialize;

use super::tried::tried;
use crate::lab::exploration::Exploration;
use crate::lab::exploring::{Contest, Row};
use crate::lab::property::Property;
use crate::lab::stories::Told;

/// The name and version of this form.
const SCHEMA: &str = "entrega.explore.v1";

#[derive(Serialize)]
pub(crate) struct Document<'a> {
    schema: &'static str,
    scenario: &'a str,
    scenario_digest: String,
    overrides: &'a [(String, String)],
    title: &'a str,
    seed: u64,
    faults: u8,
    preemptions: u8,
    budget: u64,
    cuts: bool,
    partial: bool,
    rows: Vec<RowDocument<'a>>,
    contradicted: &'a [String],
}

#[derive(Serialize)]
struct RowDocument<'a> {
    model: Model,
    strategy: Strategy,
    subscription: &'a str,
    contract: Guarantee,
    messages: u32,
    consumers: u32,
    partitions: u16,
    /// What can go wrong: alternatives by point.
    points: BTreeMap<&'static str, Vec<&'static str>>,
    tried: String,
    schedules: u64,
    ended: u64,
    cut: u64,
    states: u64,
    /// How many runs a limit has ended before they came to rest.
    limited: u64,
    complete: bool,
    properties: BTreeMap<&'static str, Occurrence>,
    findings: Vec<Found<'a>>,
}

#[derive(Serialize)]
struct Occurrence {
    occurs: &'static str,
    /// How many of the schedules that ended show it.
    schedules: u64,
}

#[derive(Serialize)]
struct Found<'a> {
    property: &'static str,
    cause: Option<&'static str>,
    schedules: u64,
    messages: u32,
    consumers: u32,
    partitions: u16,
    choices: &'a str,
    message: Option<u32>,
    sentence: &'a str,
    timeline: Vec<String>,
    replay: &'a str,
    command: &'a str,
}

/// The exploration as a document.
pub(crate) fn document<'a>(exploration: &'a Exploration<'_>) -> Document<'a> {
    let plan = exploration.plan;
    Document {
        schema: SCHEMA,
        scenario: &plan.loaded.path,
        scenario_digest: plan.loaded.digest.to_string(),
        overrides: &plan.loaded.overrides,
        title: &plan.loaded.scenario.title,
        seed: plan.seed,
        faults: plan.faults,
        preemptions: plan.preemptions,
        budget: plan.budget,
        cuts: plan.cuts,
        partial: exploration.partial,
        rows: exploration.rows.iter().map(|row| row_document(exploration, row)).collect(),
        contradicted: &exploration.contradicted,
    }
}

fn row_document<'a>(exploration: &'a Exploration<'_>, row: &'a Row) -> RowDocument<'a> {
    let Contest { model, strategy, scope, .. } = row.contest;
    let explored = &row.explored;
    let occurrence = |property: Property| {
        let (occurs, schedules) = (property.occurs(explored).name(), property.runs(explored));
        (property.name(), Occurrence { occurs, schedules })
    };
    RowDocument {
        model,
        strategy,
        subscription: exploration.subscription(row),
        contract: strategy.guarantee(model),
        messages: scope.messages,
        consumers: scope.consumers,
        partitions: scope.partitions,
        points: points_of(&row.contest),
        tried: tried(exploration.plan, &row.contest),
        schedules: explored.schedules,
        ended: explored.ended,
        cut: explored.schedules - explored.ended,
        states: explored.states,
        limited: explored.limited,
        complete: explored.complete,
        properties: Property::ALL.map(occurrence).into(),
        findings: row.told.iter().map(found).collect(),
    }
}

fn points_of(contest: &Contest) -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut named: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for &(fault, base) in &contest.kinds {
        let info = points::info(fault);
        named.entry(info.name).or_default().push(info.alternatives[base as usize - 1]);
    }
    named
}

fn found(told: &Told) -> Found<'_> {
    let timeline = Timeline {
        events: &told.events,
        cast: &told.cast,
        focus: told.message.into_iter().collect(),
        only: BTreeSet::new(),
        all: false,
        colourful: false,
    };
    Found {
        property: told.property.name(),
        cause: told.cause.map(Cause::name),
        schedules: told.runs,
        messages: told.scope.messages,
        consumers: told.scope.consumers,
        partitions: told.scope.partitions,
        choices: &told.choices,
        message: told.message.map(|message| message.0),
        sentence: &told.sentence,
        timeline: timeline.lines().lines().map(str::to_owned).collect(),
        replay: &told.replay,
        command: &told.command,
    }
}
