//! The keys of messages whose effect has happened, kept for ever or for a while.
//!
//! > **The rule.** A key is kept from the first effect of its message on. A repeat that comes later
//! > than the window finds it forgotten, and so does one that comes when as many newer keys have
//! > been kept as there is room for. To recognise a message is no reason to keep its key longer.
//!
//! A real store forgets too: Redis at the end of `EX`, AWS Lambda Powertools after
//! `expires_after_seconds` (1h), Stripe after 24h, a cache in memory when it is full. Whatever
//! redelivers later than that (a dead letter that is redriven, a group that is rewound) is new to
//! it.

use std::collections::VecDeque;

use entrega_model::fingerprint::{Fingerprint, Fingerprinted};
use entrega_model::{Duration, Instant, MessageId, event::EffectVerdict};

use super::{DeduplicatingSink, Sink};

/// For how long keys are kept; by default for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Retention {
    /// How long after its effect a message is recognised; none for ever.
    pub window: Option<Duration>,
    /// How many keys there is room for, the oldest making room for the next; none for all.
    pub entries: Option<u32>,
}

impl Retention {
    const fn is_bounded(self) -> bool {
        self.window.is_some() || self.entries.is_some()
    }
}

/// Keys and when they came, as far as that matters.
#[derive(Clone, Debug)]
pub struct Keys {
    retention: Retention,
    known: DeduplicatingSink,
    /// Those that may be forgotten, the oldest first.
    kept: VecDeque<Kept>,
}

#[derive(Clone, Copy, Debug)]
struct Kept {
    message: MessageId,
    since: Instant,
}

impl Keys {
    /// None yet, with room for the ids below `messages`.
    pub fn new(retention: Retention, messages: usize) -> Self {
        let known = DeduplicatingSink::with_capacity(messages);
        Self { retention, known, kept: VecDeque::new() }
    }

    /// Whether a message is recognised now.
    pub fn has(&mut self, message: MessageId, now: Instant) -> bool {
        self.forget_until(now);
        self.known.has_seen(message)
    }

    /// Keeps a key. Says whether it is new.
    pub fn keep(&mut self, message: MessageId, now: Instant) -> bool {
        self.forget_until(now);
        if self.known.apply(message) == EffectVerdict::Suppressed {
            return false;
        }
        if self.retention.is_bounded() {
            self.kept.push_back(Kept { message, since: now });
        }
        if self.retention.entries.is_some_and(|entries| self.kept.len() > entries as usize) {
            self.forget_oldest();
        }
        true
    }

    fn forget_until(&mut self, now: Instant) {
        let Some(window) = self.retention.window else { return };
        while self.kept.front().is_some_and(|kept| now.since(kept.since) > window) {
            self.forget_oldest();
        }
    }

    fn forget_oldest(&mut self) {
        if let Some(kept) = self.kept.pop_front() {
            self.known.forget(kept.message);
        }
    }
}

/// Which messages are recognised, and for how long still. What is forgotten in time but still
/// there makes no difference, and neither does how long ago a key came that nothing but its
/// successors can push out.
impl Fingerprinted for Keys {
    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let Self { retention, known, kept } = self;
        if !retention.is_bounded() {
            into.count(known.words().count());
            return known.words().for_each(|word| into.word(word));
        }
        for kept in kept {
            let until = retention.window.map(|window| kept.since + window);
            if until.is_none_or(|until| until >= into.now()) {
                into.word(kept.message.0.into());
                into.deadline(until);
            }
        }
        into.word(u64::MAX);
    }
}

#[cfg(test)]
mod tests {
    use entrega_model::fingerprint::Context;

    use super::*;

    const fn at(seconds: u64) -> Instant {
        Instant::from_nanos(seconds * 1_000_000_000)
    }

    const fn bounds(window: Option<u64>, entries: Option<u32>) -> Retention {
        let window = match window {
            Some(seconds) => Some(Duration::from_secs(seconds)),
            None => None,
        };
        Retention { window, entries }
    }

    /// Keeps each message at its second; says which were new.
    fn check(retention: Retention, steps: &[(u32, u64)], expect: &[bool]) {
        let mut keys = Keys::new(retention, 4);
        let new = steps.iter().map(|&(message, second)| {
            let (message, now) = (MessageId(message), at(second));
            let known = keys.has(message, now);
            assert_eq!(keys.keep(message, now), !known);
            assert!(keys.has(message, now));
            !known
        });
        assert_eq!(new.collect::<Vec<_>>(), expect, "{retention:?}: {steps:?}");
    }

    #[test]
    fn without_bounds_nothing_is_forgotten() {
        let year = 365 * 86_400;
        check(Retention::default(), &[(0, 0), (1, 0), (0, year)], &[true, true, false]);
    }

    /// At the end of the window a message is recognised, and later it is not; being recognised
    /// does not prolong the window.
    #[test]
    fn a_window_closes() {
        let window = bounds(Some(10), None);
        check(window, &[(0, 0), (0, 10)], &[true, false]);
        check(window, &[(0, 0), (0, 11)], &[true, true]);
        check(window, &[(0, 0), (0, 9), (0, 11), (0, 21)], &[true, false, true, false]);
        check(window, &[(0, 0), (1, 5), (0, 12), (1, 12)], &[true, true, true, false]);
    }

    /// Of two entries the older one makes room; being recognised does not make one younger.
    #[test]
    fn the_oldest_makes_room() {
        let two = bounds(None, Some(2));
        check(two, &[(0, 0), (1, 0), (0, 0)], &[true, true, false]);
        check(two, &[(0, 0), (1, 0), (2, 0), (0, 0)], &[true, true, true, true]);
        check(two, &[(0, 0), (1, 0), (0, 0), (2, 0), (0, 0)], &[true, true, false, true, true]);
        check(bounds(None, Some(1)), &[(0, 0), (0, 1), (1, 2), (0, 3)], &[true, false, true, true]);
    }

    /// What the window has closed for takes no room.
    #[test]
    fn the_first_bound_to_be_reached_counts() {
        let both = bounds(Some(10), Some(2));
        check(both, &[(0, 0), (1, 5), (2, 11), (1, 11)], &[true, true, true, false]);
        check(both, &[(0, 0), (1, 5), (2, 9), (0, 9)], &[true, true, true, true]);
    }

    fn print(keys: &Keys, now: Instant) -> u64 {
        let mut into = Fingerprint::new(Context { now, ..Context::default() });
        keys.fingerprint(&mut into);
        into.finish()
    }

    fn kept(retention: Retention, steps: &[(u32, u64)]) -> Keys {
        let mut keys = Keys::new(retention, 4);
        steps.iter().for_each(|&(message, second)| {
            keys.keep(MessageId(message), at(second));
        });
        keys
    }

    /// States that go on alike are one, and every part that decides is missed where it differs.
    #[test]
    fn what_decides_enters_the_fingerprint() {
        let same = |retention, one: (&[(u32, u64)], u64), other: (&[(u32, u64)], u64)| {
            print(&kept(retention, one.0), at(one.1))
                == print(&kept(retention, other.0), at(other.1))
        };
        let (window, two) = (bounds(Some(10), None), bounds(None, Some(2)));
        assert!(same(window, (&[(0, 0)], 5), (&[(0, 100)], 105)), "the same and later");
        assert!(!same(window, (&[(0, 0)], 5), (&[(0, 0)], 6)), "less of the window is left");
        assert!(same(window, (&[(0, 0)], 11), (&[], 11)), "closed");
        assert!(!same(window, (&[(0, 0)], 10), (&[], 10)), "not yet closed");
        assert!(same(two, (&[(0, 0), (1, 1)], 5), (&[(0, 3), (1, 4)], 9)), "time does not matter");
        assert!(!same(two, (&[(0, 0), (1, 0)], 5), (&[(1, 0), (0, 0)], 5)), "who makes room first");
        assert!(!same(Retention::default(), (&[(0, 0)], 0), (&[(1, 0)], 0)), "which");
    }
}
