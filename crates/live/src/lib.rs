//! The brokers for real: shared by threads and by tokio tasks, on the machine's clock.
//!
//! Nothing here has semantics of its own. What a broker answers is decided by the sans-IO state
//! machines of `entrega-brokers`, what a consumer does by the strategies of `entrega-clients`; this
//! crate gives them threads, a clock, wake-ups and a database.

#[cfg(not(live_loom))]
pub mod log;
#[cfg(not(live_loom))]
pub mod queue;
mod segment;
mod sync;
mod wait;
