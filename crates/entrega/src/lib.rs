//! Where simulator and checker meet: judged runs and judged explorations.
//!
//! The simulator does not know the checker, and the checker judges any history. This crate puts
//! them together, for the command line and for tests of your own. For those, start with [`own`].
//!
//! * [`own`]: your own consumer, explored in a few lines; [`prelude`] is what they need.
//! * [`outcome`]: the words of an assertion.
//! * [`judge`](mod@judge): one run and what became of every message.
//! * [`laboratory`]: many of them, seed after seed.
//! * [`exploration`]: every run with at most n faults.
//! * [`untried`]: what time can do in a scenario, which an exploration has none of.
//! * [`shrink`](mod@shrink): from a run that shows something to the simplest one that does.

pub mod exploration;
pub mod judge;
pub mod laboratory;
pub mod outcome;
pub mod own;
pub mod prelude;
pub mod shrink;
pub mod untried;

pub use entrega_checker::Finding;
pub use entrega_sim::{Misbehaviour, Misdeed, Pulse};
pub use exploration::Exploration;
pub use judge::{Judged, judge};
pub use laboratory::Laboratory;
pub use own::{Explorer, Outcomes, explore};
pub use shrink::{Shrinker, Story};
