//! Explorations: what was tried, what can happen, and how.

mod json;
mod text;

pub use json::{Document, document};
pub use text::{Shown, text};
