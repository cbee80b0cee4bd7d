//! The laboratory: many runs of a scenario, and what they amount to.
//!
//! > **The rule.** This crate reads no file, prints nothing and starts no thread. It takes texts
//! > and returns plain data. The caller brings the threads: work that can run in parallel is
//! > available in pieces, and results are combined in the order of the pieces, so that no result
//! > depends on how many threads there are.
//!
//! # How it is used
//!
//! Two strategies side by side, with the story of the first anomaly:
//!
//! ```
//! use entrega_lab::{LoadedScenario, Strategy, Sweep};
//!
//! const ORDERS: &str = "
//! log.auto_offset_reset = 'earliest'
//! faults.effect.after.crash = '1/10'
//! ";
//!
//! let loaded = LoadedScenario::parse("orders.toml", ORDERS)?;
//! let strategies = [Strategy::ProcessThenSettle, Strategy::DeduplicatingSink];
//! let comparison = Sweep { seeds: 2, ..Sweep::of(&loaded, &strategies)? }.compare();
//! assert_eq!(comparison.rows.len(), 4);
//! let mut stories = comparison.examples.iter().map(|told| told.sentence.as_str());
//! assert!(stories.any(|story| story.ends_with("takes effect twice.")));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! `entrega-report` puts such results into text, Markdown and JSON.
//!
//! # Layout, in reading order
//!
//! * What is run: [`loaded`] (a scenario and its versions), [`size`] (how much of it),
//!   [`configuration`] (a strategy on a model), [`unread`] (settings that change nothing).
//! * One run: [`run`](mod@run), [`history`], [`replay_string`], [`replay`], [`expect`]; what a
//!   verdict is worth: [`verdict`].
//! * Many runs: [`sweep`], [`examples`], [`shrunk`] (examples that are not short), [`comparison`].
//! * All runs within bounds: [`exploration_plan`], [`stories`], [`property`], [`explorations`].
//! * All strategies under all faults: [`truth_table`].
//! * What it takes: [`memory`].

pub mod by_chance;
pub mod comparison;
pub mod configuration;
pub mod examples;
pub mod expect;
pub mod exploration_plan;
pub mod explorations;
pub mod hints;
pub mod history;
pub mod loaded;
pub mod memory;
mod neighbours;
pub mod property;
pub mod replay;
pub mod replay_string;
pub mod run;
pub mod shrunk;
pub mod size;
pub mod stories;
pub mod sweep;
pub mod truth_table;
pub mod unread;
pub mod verdict;

pub use comparison::Comparison;
pub use configuration::{Configuration, Unfit};
pub use entrega_clients::Strategy;
pub use entrega_model::Model;
pub use exploration_plan::{Bounds, ExplorationPlan, Part};
pub use explorations::Explorations;
pub use loaded::LoadedScenario;
pub use replay_string::ReplayString;
pub use sweep::Sweep;
pub use truth_table::{TablePlan, TruthTable};
