//! When a client of a log learns that the topic has more partitions.
//!
//! > **The rule.** A client asks for the topic's metadata when it starts and at equal intervals
//! > from then on (`metadata.max.age.ms`). Of these refreshes only the first one after a change
//! > finds anything, so it is the only one that is made.

use entrega_model::{Duration, Instant};

/// A change of the topic, and how often a client asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MetadataRefresh {
    /// When the topic gets more partitions.
    pub changes_at: Instant,
    /// From one refresh to the next; longer than no time.
    pub every: Duration,
}

impl MetadataRefresh {
    /// When a client that began before the change finds it. One that begins later knows.
    pub fn finds_at(self, began: Instant) -> Option<Instant> {
        let wait = self.changes_at.as_nanos().checked_sub(began.as_nanos())?;
        let every = self.every.as_nanos().max(1);
        let refreshes = wait.div_ceil(every);
        (wait > 0).then(|| began + Duration::from_nanos(refreshes.saturating_mul(every)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_refresh_from_the_change_on_finds_it() {
        let at = |secs| Instant::START + Duration::from_secs(secs);
        let check = |began, expect: Option<u64>| {
            let every = Duration::from_secs(300);
            let refresh = MetadataRefresh { changes_at: at(600), every };
            assert_eq!(refresh.finds_at(at(began)), expect.map(at), "began at {began}");
        };
        check(0, Some(600));
        check(1, Some(601));
        check(299, Some(899));
        check(300, Some(600));
        check(599, Some(899));
        check(600, None);
        check(700, None);
    }
}
