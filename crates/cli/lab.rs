//! What of the laboratory is still here: live runs.

pub(crate) mod live;
