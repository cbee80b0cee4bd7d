//! Assertions that are meant to fail.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a failing assertion says; nothing if it holds.
pub(crate) fn complaint<R>(assertion: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(assertion)) else { return String::new() };
    payload.downcast_ref::<String>().cloned().unwrap_or_default()
}
