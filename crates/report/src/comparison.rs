//! A comparison: a table for each subscription, and an example of every anomaly.

mod json;
mod text;

pub use json::{Document, RowDocument, document, row_document};
pub use text::{table, text, unknowns};
