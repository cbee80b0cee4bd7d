//! A repeated run: what it shows in words, line by line, and whether promises were kept.

mod json;
mod text;

pub use json::{Document, document};
pub use text::{Shown, text};
