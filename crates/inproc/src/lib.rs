//! A log and a queue within one program, for bodies of any type, shared by threads and tasks.
//!
//! What a broker answers is decided by the sans-IO state machines of `entrega-brokers`; this crate
//! takes a short cut wherever nothing goes wrong. It knows no runtime: threads and tasks of any
//! executor wait at the same bell, and a task that waits for a lease brings its own timer.
//!
//! * [`log`]: a log whose readers look at records in place.
//! * [`queue`]: a queue with individual acks; what does not go well is the sans-IO broker's.
//! * `segment` (the only unsafe code), `spares` and `wait`: what both are made of.
//! * `sync`: atomics and locks, real ones or those of `loom`.

mod barrier;
mod counted;
#[cfg(not(inproc_loom))]
pub mod log;
pub mod queue;
mod segment;
mod spares;
mod sync;
mod wait;

#[cfg(not(inproc_loom))]
pub use log::{LiveLog, LogOptions};
pub use queue::{LiveQueue, QueueOptions};
