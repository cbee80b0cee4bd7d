//! What is known of each message, and what follows from it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::thread;

use crate::config::Config;

/// What a destructor panics with.
struct Expected;

/// Runs something; `None` if a destructor panicked in it.
pub(crate) fn caught<R>(act: impl FnOnce() -> R) -> Option<R> {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(result) => Some(result),
        Err(panic) if panic.is::<Expected>() => None,
        Err(panic) => resume_unwind(panic),
    }
}

/// How a send ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Sent {
    No,
    Unknown,
    Yes,
}

#[derive(Default)]
struct Entry {
    sent: AtomicU8,
    given: AtomicU32,
    /// The highest count with which it was given.
    count: AtomicU32,
    /// When it was settled; 0 is never.
    settled: AtomicU64,
    /// A destructor panicked while it was being settled.
    unsure: AtomicU8,
    made: AtomicU32,
    dropped: AtomicU32,
}

/// See the module.
pub(crate) struct Ledger {
    entries: Vec<Entry>,
    /// For bodies that do not know their message.
    sent: AtomicUsize,
    unknown: AtomicUsize,
    settled: AtomicUsize,
    /// Grows with each settlement.
    clock: AtomicU64,
    destructors_panic: bool,
    destructors: Mutex<Box<dyn Fn() + Send>>,
}

impl Ledger {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            entries: (0..config.producers * config.each).map(|_| Entry::default()).collect(),
            sent: AtomicUsize::new(0),
            unknown: AtomicUsize::new(0),
            settled: AtomicUsize::new(0),
            clock: AtomicU64::new(0),
            destructors_panic: config.destructors_panic,
            destructors: Mutex::new(Box::new(|| ())),
        }
    }

    /// What every destructor does from now on.
    pub(crate) fn let_destructors(&self, act: impl Fn() + Send + 'static) {
        *self.destructors.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(act);
    }

    pub(crate) fn made(&self, id: usize) {
        self.entries[id].made.fetch_add(1, SeqCst);
    }

    pub(crate) fn dropped(&self, id: usize) {
        self.entries[id].dropped.fetch_add(1, SeqCst);
        if let Ok(act) = self.destructors.try_lock() {
            act();
        }
        if self.destructors_panic && id % 97 == 5 && !thread::panicking() {
            resume_unwind(Box::new(Expected));
        }
    }

    pub(crate) fn sent(&self, id: usize, sent: Sent) {
        self.entries[id].sent.store(sent as u8, SeqCst);
        match sent {
            Sent::Yes => drop(self.sent.fetch_add(1, SeqCst)),
            Sent::Unknown => drop(self.unknown.fetch_add(1, SeqCst)),
            Sent::No => {}
        }
    }

    /// A moment between settlements.
    pub(crate) fn now(&self) -> u64 {
        self.clock.load(SeqCst)
    }

    /// The application is given a message by a call that began at a moment. What another consumer
    /// does after that, this thread may learn before it notes its own.
    pub(crate) fn given(&self, id: Option<usize>, count: u16, before: u64) {
        let Some(id) = id else { return };
        let entry = &self.entries[id];
        let settled = entry.settled.load(SeqCst);
        assert!(settled == 0 || settled > before, "{id} is given after it was settled");
        entry.given.fetch_add(1, SeqCst);
        entry.count.fetch_max(count.into(), SeqCst);
    }

    /// It has settled it for good.
    pub(crate) fn settled(&self, id: Option<usize>) {
        self.settled.fetch_add(1, SeqCst);
        if let Some(id) = id {
            let now = self.clock.fetch_add(1, SeqCst) + 1;
            assert_eq!(self.entries[id].settled.swap(now, SeqCst), 0, "{id} is settled twice");
        }
    }

    /// A destructor panicked while it was being settled, which is done all the same.
    pub(crate) fn unsure(&self, id: Option<usize>) {
        if let Some(id) = id {
            self.entries[id].unsure.store(1, SeqCst);
        }
    }

    /// Nothing is left: all that was sent is settled, or was given up after this many deliveries.
    pub(crate) fn check_settled(&self, limit: Option<u16>, knows_ids: bool) {
        let (sent, unknown) = (self.sent.load(SeqCst), self.unknown.load(SeqCst));
        let settled = self.settled.load(SeqCst);
        assert!(settled <= sent + unknown, "{settled} settled of {sent} sent");
        if !knows_ids {
            assert!(limit.is_some() || settled >= sent, "{settled} settled of {sent} sent");
            return;
        }
        for (id, entry) in self.entries.iter().enumerate() {
            let is_given_up = limit.is_some_and(|limit| entry.given.load(SeqCst) >= limit.into());
            let is_lost = entry.sent.load(SeqCst) == Sent::Yes as u8
                && entry.settled.load(SeqCst) == 0
                && entry.unsure.load(SeqCst) == 0
                && !is_given_up;
            assert!(!is_lost, "{id} is lost");
            let (given, count) = (entry.given.load(SeqCst), entry.count.load(SeqCst));
            assert_eq!(given, count, "the count of {id} is not that of its deliveries");
        }
    }

    /// Every body was dropped once.
    pub(crate) fn check_drops(&self) {
        for (id, entry) in self.entries.iter().enumerate() {
            assert_eq!(entry.made.load(SeqCst), entry.dropped.load(SeqCst), "drops of {id}");
        }
    }
}
