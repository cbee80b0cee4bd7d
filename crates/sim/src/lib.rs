//! The deterministic world: brokers, clients, processes and faults in virtual time.
//!
//! # Layout
//!
//! * [`run`]: one run, phase by phase. Start reading here.
//! * `arena`: the memory of a world, kept from one run to the next.
//! * `world`: time, network, processes and sinks; `executor`: their futures.
//! * `side`: what a log and a queue need to be simulated; `handler` and `link`: an application's
//!   view.
//! * [`digest`]: a whole history in 64 bits.
//! * [`explore`]: every run with at most so many faults.
//! * [`own`] and [`misbehaviour`]: consumers that are given as code, and may be anything.
//!
//! > **The rule.** Same scenario and seed: the same bytes, on any machine. So there is no wall
//! > clock, no thread, no hashed container and no floating point in a decision; and everything that
//! > could have gone otherwise is one `choices.pick(point, bound)`.

mod arena;
pub mod digest;
mod executor;
pub mod explore;
mod handler;
mod link;
pub mod misbehaviour;
pub mod own;
pub mod run;
mod side;
mod world;

pub use arena::Arena;
pub use misbehaviour::{Misbehaviour, Misdeed};
pub use own::{Own, Pulse};
pub use run::{Experiment, Outcome, RunEnd};
