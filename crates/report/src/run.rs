//! One run in full: what was run, what went wrong, what became of every message, and whether it
//! came out as the scenario says.

mod json;
mod text;

pub use json::{Document, document};
pub use text::text;
