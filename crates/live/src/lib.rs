//! The brokers for real: shared by threads and by tokio tasks, on the machine's clock.
//!
//! This crate has no semantics of its own. The sans-IO state machines of `entrega-brokers` decide
//! what a broker answers, and the strategies of `entrega-clients` what a consumer does; this crate
//! adds threads, a clock, wake-ups and a database.
//!
//! # Layout
//!
//! * [`direct`]: the strategies of the catalogue, unchanged, on the log and the queue of
//!   `entrega-inproc`.
//! * [`served`]: a broker behind a lock, with a timer and wake-ups.
//! * [`link`]: a client's connection to it, over which the client library runs unchanged.
//! * [`clock`]: the machine's clock as the time of a run, faster if wanted.
//! * [`history`]: the observer of a run.
//! * [`consumer`]: a strategy with its client library, as one future.
//! * [`handler`]: the application of such a consumer.
//! * [`sinks`]: where its effects happen.
//! * [`life`]: a process life after life, which dies or stalls where it says so itself, or at a
//!   poll that is counted.

pub mod clock;
pub mod consumer;
pub mod direct;
pub mod handler;
pub mod history;
pub mod life;
pub mod link;
pub mod served;
pub mod sinks;

pub use clock::Clock;
pub use consumer::{ConsumerSettings, Inbox, ServedModel, consume, consume_from};
pub use direct::{DirectLog, DirectQueue, Message};
pub use handler::{Attempt, EffectHooks, Failure, LiveHandler};
pub use history::Shared;
pub use life::{Harm, KillSwitch, live, supervise};
pub use link::{Busy, LiveLink};
pub use served::{CallOutcome, Served};
pub use sinks::{LiveSink, SharedSink, SinkError};
#[cfg(feature = "sqlite")]
pub use sinks::{SqliteSettings, SqliteSink};
