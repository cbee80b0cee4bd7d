//! What a laboratory has found, for people and for programs: text, Markdown and JSON.
//!
//! > **The rule.** The same result gives the same bytes. Nothing here runs anything, and nothing is
//! > printed: every function returns a text, or a document for [`to_json`].
//!
//! # Two strategies side by side
//!
//! A whole program, natively or for `wasm32-unknown-unknown`:
//!
//! ```
#![doc = include_str!("../../../docs/two-strategies.rs")]
//! ```
//!
//! # Layout, in reading order
//!
//! * One module a result: [`comparison`], [`exploration`], [`truth_table`], [`run`](mod@run),
//!   [`replay`], [`history`]; and what there is to choose from: [`catalogue`].
//! * What they share: [`judgement`] (a report on one run), `tried`, `prose`, `columns` (the width
//!   of a terminal), [`digits`].

pub mod catalogue;
mod columns;
pub mod comparison;
pub mod exploration;
pub mod history;
pub mod judgement;
mod prose;
pub mod replay;
pub mod run;
mod tried;
pub mod truth_table;

pub use columns::fitted;
pub use entrega_explain::digits;
use serde::Serialize;

/// A document as JSON, indented, with a line feed at its end.
///
/// # Errors
/// Those of [`serde_json::to_string_pretty`]; the documents of this crate have none.
pub fn to_json(document: &impl Serialize) -> serde_json::Result<String> {
    Ok(serde_json::to_string_pretty(document)? + "\n")
}
