//! What is known of each message, and what follows from it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError};
use std::thread;

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

impl Entry {
    /// Whether the message was sent for certain, and neither settled nor given up after this many
    /// deliveries.
    fn is_open(&self, limit: Option<u16>) -> bool {
        let is_given_up = limit.is_some_and(|limit| self.given.load(SeqCst) >= limit.into());
        self.sent.load(SeqCst) == Sent::Yes as u8
            && self.settled.load(SeqCst) == 0
            && self.unsure.load(SeqCst) == 0
            && !is_given_up
    }
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
    /// A ledger of this many messages.
    pub(crate) fn new(count: usize, destructors_panic: bool) -> Self {
        Self {
            entries: (0..count).map(|_| Entry::default()).collect(),
            sent: AtomicUsize::new(0),
            unknown: AtomicUsize::new(0),
            settled: AtomicUsize::new(0),
            clock: AtomicU64::new(0),
            destructors_panic,
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
            assert!(!entry.is_open(limit), "{id} is lost");
            let (given, count) = (entry.given.load(SeqCst), entry.count.load(SeqCst));
            assert_eq!(given, count, "the count of {id} is not that of its deliveries");
        }
    }

    /// The queue was stopped, and says that this many are unsettled. `keeps_all`: none is settled
    /// before the application is given it.
    pub(crate) fn check_stopped(
        &self,
        unsettled: usize,
        limit: Option<u16>,
        knows_ids: bool,
        keeps_all: bool,
    ) {
        let (sent, unknown) = (self.sent.load(SeqCst), self.unknown.load(SeqCst));
        let settled = self.settled.load(SeqCst);
        let least = if !keeps_all || (!knows_ids && limit.is_some()) {
            0
        } else if knows_ids {
            self.entries.iter().filter(|entry| entry.is_open(limit)).count()
        } else {
            sent.saturating_sub(settled)
        };
        let bounds = least..=(sent + unknown).saturating_sub(settled);
        assert!(bounds.contains(&unsettled), "{unsettled} unsettled, not {bounds:?}");
    }

    /// So many were unsettled at the stop, and are now. Only a send that met the stop adds to them
    /// after it, and it says of itself that its outcome is unknown.
    pub(crate) fn check_stayed(&self, then: usize, now: usize) {
        let too_late = self.unknown.load(SeqCst);
        assert!(
            now <= then.saturating_add(too_late),
            "{then} unsettled at the stop and {too_late} sent too late, and {now} unsettled now"
        );
    }

    /// Every body was dropped once.
    pub(crate) fn check_drops(&self) {
        for (id, entry) in self.entries.iter().enumerate() {
            assert_eq!(entry.made.load(SeqCst), entry.dropped.load(SeqCst), "drops of {id}");
        }
    }
}

/// Each rule is broken once, and the ledger says so.
mod opposites {
    use super::*;

    fn ledger() -> Ledger {
        let ledger = Ledger::new(2, false);
        (0..2).for_each(|id| ledger.sent(id, Sent::Yes));
        ledger
    }

    #[test]
    #[should_panic(expected = "1 is lost")]
    fn a_message_that_is_never_settled() {
        let ledger = ledger();
        ledger.given(Some(0), 1, ledger.now());
        ledger.settled(Some(0));
        ledger.check_settled(None, true);
    }

    #[test]
    #[should_panic(expected = "1 settled of 2 sent")]
    fn one_of_them_if_they_have_no_names() {
        let ledger = ledger();
        ledger.settled(None);
        ledger.check_settled(None, false);
    }

    #[test]
    #[should_panic(expected = "0 is given after it was settled")]
    fn a_message_that_comes_after_its_ack() {
        let ledger = ledger();
        ledger.settled(Some(0));
        ledger.given(Some(0), 2, ledger.now());
    }

    #[test]
    #[should_panic(expected = "0 is settled twice")]
    fn two_acks_that_are_both_in_time() {
        let ledger = ledger();
        (0..2).for_each(|_| ledger.settled(Some(0)));
    }

    #[test]
    #[should_panic(expected = "the count of 0 is not that of its deliveries")]
    fn a_redelivery_that_passes_for_a_first_delivery() {
        let ledger = ledger();
        (0..2).for_each(|_| ledger.given(Some(0), 1, ledger.now()));
        (0..2).for_each(|id| ledger.settled(Some(id)));
        ledger.check_settled(None, true);
    }

    #[test]
    #[should_panic(expected = "0 unsettled, not 1..=1")]
    fn a_stop_that_forgets_a_message() {
        let ledger = ledger();
        ledger.settled(Some(0));
        ledger.check_stopped(0, None, true, true);
    }

    #[test]
    fn a_send_that_meets_the_stop_may_come_after_its_count() {
        let ledger = ledger();
        ledger.sent(0, Sent::Unknown);
        ledger.check_stayed(1, 2);
    }

    #[test]
    #[should_panic(expected = "1 unsettled at the stop and 0 sent too late, and 2 unsettled now")]
    fn a_stop_that_does_not_count_a_message() {
        ledger().check_stayed(1, 2);
    }

    #[test]
    #[should_panic(expected = "drops of 0")]
    fn a_body_that_leaks() {
        let ledger = ledger();
        ledger.made(0);
        ledger.check_drops();
    }
}
