//! What people read, and what programs read in its place.

pub(crate) mod compare_json;
pub(crate) mod compare_text;
pub(crate) mod explore_json;
pub(crate) mod explore_text;
pub(crate) mod live_json;
pub(crate) mod live_text;
pub(crate) mod report;
pub(crate) mod table;
pub(crate) mod tried;
