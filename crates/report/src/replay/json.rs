//! A repeated run for programs.

use entrega_checker::Report;
use entrega_explain::timeline::ending;
use entrega_lab::Configuration;
use entrega_lab::replay::{Anomaly, ReplayedRun};
use serde::Serialize;

/// The name and version of this form.
const SCHEMA: &str = "entrega.replay.v1";

/// A repeated run for programs.
#[derive(Serialize)]
pub struct Document<'a> {
    schema: &'static str,
    scenario_digest: &'a str,
    model: String,
    strategy: String,
    seed: u64,
    digest: String,
    anomalies: &'a [Anomaly],
    /// Why nothing more can happen, or what goes on until the run is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    ending: Option<String>,
    subscription_names: &'a [String],
    report: &'a Report,
    /// Why each subscription's verdict is unknown; empty if it is not.
    why: Vec<&'a [String]>,
    replay: String,
}

/// The run as a document.
pub fn document(run: &ReplayedRun) -> Document<'_> {
    let replay = &run.replay;
    let Configuration { model, strategy } = replay.configuration;
    Document {
        schema: SCHEMA,
        scenario_digest: &replay.digest,
        model: model.to_string(),
        strategy: strategy.to_string(),
        seed: replay.seed,
        digest: run.digest.to_string(),
        anomalies: &run.anomalies,
        ending: ending(&run.events),
        subscription_names: run.cast.subscriptions(),
        report: &run.report,
        why: run.judgements.iter().map(|one| &*one.why).collect(),
        replay: replay.to_string(),
    }
}
