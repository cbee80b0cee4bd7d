//! The brokers for real: shared by threads and by tokio tasks, on the machine's clock.
//!
//! Nothing here has semantics of its own. What a broker answers is decided by the sans-IO state
//! machines of `entrega-brokers`, what a consumer does by the strategies of `entrega-clients`; this
//! crate gives them threads, a clock, wake-ups and a database.
//!
//! # Layout
//!
//! * [`direct`]: the strategies of the catalogue, unchanged, on the log and the queue of
//!   `entrega-inproc`.
//! * [`served`]: a broker behind a lock, with a timer and wake-ups.
//! * [`faults`]: harm done to consumers on purpose.
//! * [`link`]: a client's connection to it, over which the client library runs unchanged.
//! * [`clock`]: the machine's clock as the time of a run, faster if wanted.
//! * [`history`]: who watches.
//! * [`consumer`]: a strategy with its client library, as one future.
//! * [`handler`]: the application of such a consumer.
//! * [`sinks`]: where its effects happen.
//! * [`life`]: lives that end or stand still where they say so themselves.

pub mod clock;
pub mod consumer;
pub mod direct;
pub mod faults;
pub mod handler;
pub mod history;
pub mod life;
pub mod link;
pub mod served;
pub mod sinks;

pub use clock::Clock;
pub use consumer::{ConsumerSettings, Inbox, Side, consume, consume_from};
pub use direct::{DirectLog, DirectQueue, Message};
pub use handler::{Around, Attempt, Failure, LiveHandler};
pub use history::Shared;
pub use life::{Reins, live};
pub use link::{Busy, LiveLink};
pub use served::{Fate, Served};
pub use sinks::{LiveSink, SharedSink, SinkError};
#[cfg(feature = "sqlite")]
pub use sinks::{SqliteSettings, SqliteSink};
