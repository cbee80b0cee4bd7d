//! Where simulator and checker meet: judged runs and judged explorations.
//!
//! The simulator does not know the checker, and the checker judges any history. This crate puts
//! them together, for the command line and for tests of your own.
//!
//! * [`judge`](mod@judge): one run and what became of every message.
//! * [`exploration`]: every run with at most so many faults.
//! * [`shrink`](mod@shrink): from a run that shows something to the simplest one that does.

pub mod exploration;
pub mod judge;
pub mod shrink;

pub use exploration::{Exploration, Finding};
pub use judge::{Judged, judge};
pub use shrink::{Shrinker, Story};
