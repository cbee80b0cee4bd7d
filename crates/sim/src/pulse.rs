//! What a watchdog on another thread can see of a run.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use entrega_choice::Choice;
use entrega_model::{Instant, ProcessId};

/// Shows to other threads where a consumer is, so that a watchdog can name the one that blocks.
///
/// A consumer that never returns from a poll blocks its thread, and nothing on that thread can end
/// it. A watchdog on another thread looks at the pulse now and then: if a consumer is
/// [inside](Pulse::inside) a poll and [`Pulse::beats`] has not changed for too long, it blocks.
#[derive(Debug, Default)]
pub struct Pulse {
    /// Odd while a consumer is being polled.
    beats: AtomicU64,
    process: AtomicU64,
    at: AtomicU64,
    choices: Mutex<Vec<Choice>>,
}

impl Pulse {
    /// How many polls have begun and how many have ended, together.
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Acquire)
    }

    /// The process that is being polled and the virtual time; none between polls.
    pub fn inside(&self) -> Option<(ProcessId, Instant)> {
        if self.beats().is_multiple_of(2) {
            return None;
        }
        let process = ProcessId(self.process.load(Ordering::Relaxed) as u16);
        Some((process, Instant::from_nanos(self.at.load(Ordering::Relaxed))))
    }

    /// The choices of the run under way.
    pub fn choices(&self) -> Vec<Choice> {
        self.list().clone()
    }

    /// A run begins, with these choices.
    pub fn begin(&self, choices: &[Choice]) {
        let mut list = self.list();
        list.clear();
        list.extend_from_slice(choices);
    }

    fn list(&self) -> MutexGuard<'_, Vec<Choice>> {
        self.choices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn enter(&self, process: ProcessId, at: Instant) {
        self.process.store(process.0.into(), Ordering::Relaxed);
        self.at.store(at.as_nanos(), Ordering::Relaxed);
        self.beats.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn leave(&self) {
        self.beats.fetch_add(1, Ordering::Release);
    }
}
