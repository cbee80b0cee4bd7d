//! The client library: what stands between an application and its broker, once for each model.
//!
//! An inbox is a sans-IO *session* (plain data: positions, buffers, stored offsets) and the few
//! async lines that carry requests over a [`Link`](crate::Link). No borrow of a session is held
//! across an await, and a call that somebody stopped waiting for stays with the session, so that no
//! delivery is lost when a poll is dropped.

mod log;
mod notice;
mod notify;
mod queue;
mod retried;
mod wait;

pub use log::LogInbox;
pub use queue::QueueInbox;

#[cfg(test)]
mod tests;
