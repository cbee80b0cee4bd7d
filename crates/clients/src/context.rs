//! What the client library needs of the process in which it runs: its name, the clock, whether it
//! is to go on, and its place in the history.
//!
//! The simulator's context is its world: time stands still between events, and what is recorded is
//! one total order. A live context is the machine's clock and a history under a lock. A client of a
//! real engine brings its own transport and takes the context from here.

use std::future::Future;

use entrega_model::fingerprint::Fingerprinted;
use entrega_model::{DeliveryId, Instant, Kind, ProcessId};

/// What a client library does with what it has fetched when its process is asked to stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shutdown {
    /// It hands that out before it reports the shutdown.
    Drain,
    /// It reports the shutdown at once.
    Abandon,
}

/// The surroundings of a client in one life of its process.
pub trait Context {
    /// The process in which the client runs.
    fn process(&self) -> ProcessId;

    /// The current time.
    fn now(&self) -> Instant;

    /// Waits until `at`; for ever if that is [`Instant::NEVER`].
    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()>;

    /// Waits until `at`, when a poll is answered that has found nothing. A simulation may let that
    /// answer wait until something else happens.
    fn idle_until(&self, at: Instant) -> impl Future<Output = ()> {
        self.sleep_until(at)
    }

    /// Whether the application is asked to shut down. Wakes its process when that changes.
    fn is_closing(&self) -> bool;

    /// Whether the application is to be told now that it is asked to shut down, and what the client
    /// library does before it says so. Asked at every turn of a poll; `may_abandon`, if the library
    /// has fetched something and need not hand it out.
    fn shutdown(&self, _may_abandon: impl FnOnce() -> bool) -> Option<Shutdown> {
        self.is_closing().then_some(Shutdown::Abandon)
    }

    /// Whether the process runs. One that has just died or stalled does nothing more, even if
    /// several of its futures are being polled in turn.
    fn is_running(&self) -> bool {
        true
    }

    /// Reports everything that the client library remembers at the beginning of a poll. If the
    /// application keeps nothing from one poll to the next, nothing else that the process learnt
    /// before can matter any more. An exploration recognises states by this.
    fn remembers(&self, _all: &dyn Fingerprinted) {}

    /// Notes an event in the history, at the current time.
    fn record(&self, kind: Kind);

    /// A new name for a delivery.
    fn next_delivery(&self) -> DeliveryId;
}
