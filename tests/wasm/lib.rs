//! One run of each model for JavaScript: what `entrega run --format json` prints, made in a
//! WebAssembly module.
//!
//! > **The rule.** Same scenario and seed, same bytes, natively and on wasm32. `compare.mjs` holds
//! > the two against each other. The module imports nothing, so nothing can reach a clock, a random
//! > number or a file.

use entrega_lab::{Configuration, LoadedScenario, Model, Strategy, run};
use entrega_report::{run as report, to_json};

/// The scenario, by the name under which the command line finds it.
const NAME: &str = "simulations/purchase-emails.toml";
const TEXT: &str = include_str!("../../simulations/purchase-emails.toml");

/// Runs the scenario with `process-then-settle`, on a log for 0 and on a queue for any other
/// number, and returns the JSON document: its address in the upper 32 bits, its length in bytes in
/// the lower ones. It stays where it is; a failure is a document as well, which equals no other.
///
/// The attribute is unsafe because a second function of this name would replace this one; the
/// module has no other.
#[expect(
    unsafe_code,
    reason = "the name of an exported function is global; there is only this one"
)]
#[unsafe(no_mangle)]
pub extern "C" fn document(model: u32, seed: u64) -> u64 {
    let model = if model == 0 { Model::Log } else { Model::Queue };
    let document = made(model, seed).unwrap_or_else(|problem| problem).leak();
    (document.as_ptr() as u64) << 32 | document.len() as u64
}

fn made(model: Model, seed: u64) -> Result<String, String> {
    let loaded = LoadedScenario::parse(NAME, TEXT).map_err(|problem| problem.to_string())?;
    let configuration = Configuration { model, strategy: Strategy::ProcessThenSettle };
    let run = run::run(&loaded, configuration, seed);
    to_json(&report::document(&run)).map_err(|error| error.to_string())
}
