//! A comparison: the finding in words, a table for each subscription, and the stories behind it.

mod finding;
mod json;
mod profiles;
mod stories;
mod table;
mod text;
mod who;

pub use json::{Document, RowDocument, document, row_document};
pub use profiles::{ProfilesDocument, profiles_document, profiles_text};
pub use table::tables;
pub use text::{text, unknowns};

/// How much of a comparison is shown, and how.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// At most so many columns wide; as wide as it is, if none.
    pub columns: Option<usize>,
    /// Every story, and not only one of each anomaly and cause.
    pub all_stories: bool,
}
