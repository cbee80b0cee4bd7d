//! The deterministic world: brokers, clients, processes and faults in virtual time.
//!
//! # Layout
//!
//! * [`Experiment`]: what to run. `phases`: one run, phase by phase; start reading there.
//! * `run` and `arena`: how a run begins, in the memory of the runs before it.
//! * `world`: time, network, processes and sinks; `executor`: the futures of processes.
//! * `platform`: what it takes to simulate a log and a queue. `roles`: what producers and consumers
//!   do. `program`: what a consumer executes; `own`: a user's own.
//! * `handler` and `link`: the world as an application and its client library see it.
//! * [`digest`]: a whole history in 64 bits.
//! * [`explore`]: every run with at most n faults.
//! * [`Steps`]: a run step by step, and its choices up to a step.
//! * [`misbehaviour`]: what no consumer may do.
//!
//! > **The rule.** Same scenario and seed: the same bytes, on any machine. So there is no wall
//! > clock, no thread, no hashed container and no floating point in a decision; and everything that
//! > could have gone otherwise is one `choices.pick(point, bound)`.

mod arena;
pub mod digest;
mod executor;
mod experiment;
pub mod explore;
mod growing;
mod handler;
mod link;
pub mod misbehaviour;
mod outcome;
mod outgoing;
mod own;
mod phases;
mod platform;
mod program;
mod pulse;
mod roles;
mod run;
mod steps;
mod watcher;
mod world;

pub use arena::Arena;
pub use experiment::Experiment;
pub use misbehaviour::{Misbehaviour, Misdeed};
pub use outcome::{Awaited, AwaitedThing, Outcome, RunEnd};
pub use own::OwnConsumer;
pub use pulse::Pulse;
pub use steps::Steps;
