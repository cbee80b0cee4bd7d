//! An exploration for programs: one JSON document, the same bytes for the same scenario and bounds,
//! whatever the number of threads.

use std::collections::{BTreeMap, BTreeSet};

use entrega_checker::Cause;
use entrega_clients::Strategy;
use entrega_explain::Timeline;
use entrega_lab::Configuration;
use entrega_lab::exploration_plan::{Bounds, ConfigurationSpace, ExploredSpace};
use entrega_lab::explorations::Explorations;
use entrega_lab::property::Property;
use entrega_lab::stories::FindingStory;
use entrega_model::{Guarantee, Model};
use entrega_scenario::points;
use serde::Serialize;

use crate::tried::tried_in;

/// The name and version of this form.
const SCHEMA: &str = "entrega.explore.v1";

/// Explorations for programs.
#[derive(Serialize)]
pub struct Document<'a> {
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
    /// What was not found, as it is expected, and may happen all the same.
    unproved: &'a [String],
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
    /// What the scenario as it is can do and was not tried.
    not_tried: &'a [String],
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

/// The explorations as a document.
pub fn document<'a>(explorations: &'a Explorations<'_>) -> Document<'a> {
    let plan = explorations.plan;
    let Bounds { seed, faults, preemptions, budget, cuts, .. } = plan.bounds;
    Document {
        schema: SCHEMA,
        scenario: &plan.loaded.name,
        scenario_digest: plan.loaded.digest.to_string(),
        overrides: &plan.loaded.overrides,
        title: &plan.loaded.scenario.title,
        seed,
        faults,
        preemptions,
        budget,
        cuts,
        partial: explorations.partial,
        rows: explorations.rows.iter().map(|row| row_document(explorations, row)).collect(),
        contradicted: &explorations.contradicted,
        unproved: &explorations.unproved,
    }
}

fn row_document<'a>(explorations: &'a Explorations<'_>, row: &'a ExploredSpace) -> RowDocument<'a> {
    let ConfigurationSpace { configuration: Configuration { model, strategy }, scope, .. } =
        row.space;
    let explored = &row.explored;
    let occurrence = |property: Property| {
        let (occurs, schedules) = (row.occurs(property).name(), property.runs(explored));
        (property.name(), Occurrence { occurs, schedules })
    };
    RowDocument {
        model,
        strategy,
        subscription: explorations.subscription(row),
        contract: strategy.guarantee(model),
        messages: scope.messages,
        consumers: scope.consumers,
        partitions: scope.partitions,
        points: points_of(&row.space),
        tried: tried_in(explorations.plan, row),
        not_tried: &row.not_tried,
        schedules: explored.schedules,
        ended: explored.ended,
        cut: explored.schedules - explored.ended,
        states: explored.states,
        limited: explored.limited,
        complete: explored.complete,
        properties: Property::ALL.map(occurrence).into(),
        findings: row.stories.iter().map(found).collect(),
    }
}

fn points_of(space: &ConfigurationSpace) -> BTreeMap<&'static str, Vec<&'static str>> {
    let mut named: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for &(fault, act) in &space.kinds {
        let info = points::info(fault);
        named.entry(info.name).or_default().extend(info.act_name(act));
    }
    named
}

fn found(story: &FindingStory) -> Found<'_> {
    let timeline = Timeline {
        events: &story.events,
        cast: &story.cast,
        focus: story.message.into_iter().collect(),
        only: BTreeSet::new(),
        all: false,
        colourful: false,
        columns: None,
    };
    Found {
        property: story.property.name(),
        cause: story.cause.map(Cause::name),
        schedules: story.runs,
        messages: story.scope.messages,
        consumers: story.scope.consumers,
        partitions: story.scope.partitions,
        choices: &story.choices,
        message: story.message.map(|message| message.0),
        sentence: &story.sentence,
        timeline: timeline.lines().lines().map(str::to_owned).collect(),
        replay: &story.replay,
        command: &story.command,
    }
}
