//! A live run for programs: the rows of a comparison, with what is known of one real run. No two
//! are the same.

use entrega_checker::End;
use entrega_clients::Strategy;
use entrega_lab::Configuration;
use entrega_model::Model;
use entrega_report::comparison::{RowDocument, row_document};
use serde::Serialize;

use crate::threads::live_sweep::LiveResult;

/// The name and version of this form.
const SCHEMA: &str = "entrega.live.v1";

#[derive(Serialize)]
pub(crate) struct Document<'a> {
    schema: &'static str,
    scenario: &'a str,
    scenario_digest: String,
    title: &'a str,
    seed: u64,
    messages: usize,
    time_scale: u32,
    partial: bool,
    /// Faults that the scenario names and that are not injected live.
    left_out: &'a [String],
    runs: Vec<RunDocument>,
    rows: Vec<RowDocument<'a>>,
    /// How many rows the simulator does not contradict.
    agreed: usize,
    /// Those of them in which nothing was tested.
    untested: usize,
    disagreed: &'a [String],
    unseen: &'a [String],
    violated: &'a [String],
}

#[derive(Serialize)]
struct RunDocument {
    model: Model,
    strategy: Strategy,
    finished: bool,
    at_rest: bool,
    took_ms: u64,
    effects: u64,
    injected: u64,
}

/// The result as a document.
pub(crate) fn document<'a>(result: &'a LiveResult<'_>, left_out: &'a [String]) -> Document<'a> {
    let comparison = &result.comparison;
    let runs = result.runs.iter().map(|(Configuration { model, strategy }, ran)| RunDocument {
        model: *model,
        strategy: *strategy,
        finished: ran.is_some(),
        at_rest: ran.as_ref().is_some_and(|ran| ran.report.end == End::Quiescent),
        took_ms: ran.as_ref().map_or(0, |ran| ran.took.as_millis() as u64),
        effects: ran.as_ref().map_or(0, |ran| ran.last.effects),
        injected: ran.as_ref().map_or(0, |ran| ran.last.faults),
    });
    Document {
        schema: SCHEMA,
        scenario: &comparison.loaded.name,
        scenario_digest: comparison.loaded.digest.to_string(),
        title: &comparison.loaded.scenario.title,
        seed: comparison.seed,
        messages: result.messages,
        time_scale: result.factor.get(),
        partial: comparison.partial,
        left_out,
        runs: runs.collect(),
        rows: comparison.rows.iter().map(|row| row_document(comparison, row)).collect(),
        agreed: result.agreement.agreed,
        untested: result.agreement.untested,
        disagreed: &result.agreement.disagreed,
        unseen: &result.unseen,
        violated: &comparison.violated,
    }
}
