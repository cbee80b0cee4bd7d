//! A comparison for programs: one JSON document, the same bytes for the same scenario and seed.

use std::collections::BTreeMap;

use entrega_checker::summary::Rate;
use entrega_checker::{
    Cause, Causes, Class, Counter, Counters, Exposure, Reason, Redriven, Verdict,
};
use entrega_clients::Strategy;
use entrega_lab::comparison::{Comparison, ComparisonRow, ToldExample};
use entrega_lab::examples::Extent;
use entrega_model::{Guarantee, Model};
use serde::Serialize;

/// The name and version of this form.
const SCHEMA: &str = "entrega.compare.v1";

/// A comparison for programs.
#[derive(Serialize)]
pub struct Document<'a> {
    schema: &'static str,
    scenario: &'a str,
    scenario_digest: String,
    title: &'a str,
    seed: u64,
    seeds: u32,
    partial: bool,
    rows: Vec<RowDocument<'a>>,
    violated: &'a [String],
}

/// A row of it.
#[derive(Serialize)]
pub struct RowDocument<'a> {
    model: Model,
    subscription: &'a str,
    strategy: Strategy,
    contract: Guarantee,
    runs: u64,
    sends_ok: u64,
    sends_info: u64,
    sends_fail: u64,
    exact: u64,
    lost: u64,
    duplicated: u64,
    split: u64,
    dead_lettered: u64,
    pending: u64,
    recovered: u64,
    absent: u64,
    phantom: u64,
    refused: u64,
    reordered: u64,
    replayed: u64,
    adjacent_pairs: u64,
    effects: u64,
    excess: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    redriven: Option<Redriven>,
    dlq_excess: u64,
    deliveries: u64,
    redeliveries: u64,
    causes: &'a Causes,
    rates: BTreeMap<&'static str, Rate>,
    latency_ns: BTreeMap<&'static str, Option<u64>>,
    /// From the due time to the first effect, and how many came before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    lateness: Option<LatenessDocument>,
    anti_vacuity: &'a Counters,
    #[serde(skip_serializing_if = "Option::is_none")]
    exposure: Option<&'a Exposure>,
    untouched: &'a [Counter],
    verdict: Verdict,
    reasons: BTreeMap<Reason, u64>,
    why: &'a [String],
    hint: Option<&'a str>,
    replays: Vec<Replay<'a>>,
}

#[derive(Serialize)]
struct LatenessDocument {
    early: u64,
    p50_ns: Option<u64>,
    p99_ns: Option<u64>,
    max_ns: Option<u64>,
}

#[derive(Serialize)]
struct Replay<'a> {
    anomaly: &'static str,
    cause: Option<&'static str>,
    message: u32,
    sentence: &'a str,
    replay: String,
    command: &'a str,
    shrunk: Option<Extent>,
}

/// The comparison as a document.
pub fn document<'a>(comparison: &'a Comparison<'_>) -> Document<'a> {
    let loaded = comparison.loaded;
    Document {
        schema: SCHEMA,
        scenario: &loaded.name,
        scenario_digest: loaded.digest.to_string(),
        title: &loaded.scenario.title,
        seed: comparison.seed,
        seeds: comparison.seeds,
        partial: comparison.partial,
        rows: comparison.rows.iter().map(|row| row_document(comparison, row)).collect(),
        violated: &comparison.violated,
    }
}

/// A row of it.
pub fn row_document<'a>(comparison: &'a Comparison<'_>, row: &'a ComparisonRow) -> RowDocument<'a> {
    let summary = &row.summary;
    let class = |class| summary.classes.get(class);
    RowDocument {
        model: row.configuration.model,
        subscription: &row.subscription,
        strategy: row.configuration.strategy,
        contract: row.guarantee,
        runs: summary.runs,
        sends_ok: summary.sends.ok,
        sends_info: summary.sends.info,
        sends_fail: summary.sends.fail,
        exact: class(Class::Exact),
        lost: class(Class::Lost),
        duplicated: class(Class::Duplicated),
        split: class(Class::Split),
        dead_lettered: class(Class::DeadLettered),
        pending: class(Class::Pending),
        recovered: class(Class::Recovered),
        absent: class(Class::Absent),
        phantom: class(Class::Phantom),
        refused: class(Class::Refused),
        reordered: summary.order.reordered,
        replayed: summary.order.replayed,
        adjacent_pairs: summary.order.adjacent_pairs,
        effects: summary.effects,
        excess: summary.excess,
        redriven: Some(summary.redriven).filter(|redriven| !redriven.is_nothing()),
        dlq_excess: summary.dlq_excess,
        deliveries: summary.deliveries,
        redeliveries: summary.redeliveries,
        causes: &summary.causes,
        rates: BTreeMap::from([("duplicated", summary.duplicates()), ("lost", summary.loss())]),
        latency_ns: BTreeMap::from([
            ("p50", summary.latency.p50()),
            ("p99", summary.latency.p99()),
        ]),
        lateness: summary.lateness.as_ref().map(|of| LatenessDocument {
            early: of.early,
            p50_ns: of.late.p50(),
            p99_ns: of.late.p99(),
            max_ns: of.late.max(),
        }),
        anti_vacuity: &summary.counters,
        exposure: summary.exposure.as_ref(),
        untouched: &row.untouched,
        verdict: row.verdict,
        reasons: row.reasons(),
        why: &row.why,
        hint: row.hint,
        replays: comparison.examples_of(row).map(replay).collect(),
    }
}

fn replay(told: &ToldExample) -> Replay<'_> {
    Replay {
        anomaly: told.example.finding.name(),
        cause: told.example.finding.cause().map(Cause::name),
        message: told.example.message.0,
        sentence: &told.sentence,
        replay: told.example.replay.to_string(),
        command: &told.command,
        shrunk: told.example.shrunk,
    }
}
