//! Live runs for people and for programs.

pub(crate) mod live_json;
pub(crate) mod live_text;
