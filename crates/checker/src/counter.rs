//! Anti-vacuity: how often a run entered the windows in which something can go wrong.
//!
//! A run that claims "at-least-once survives crashes" with no crash between effect and settle
//! proves nothing (semantics.md 5.6, point 7). The windows themselves are kept by
//! [`crate::windows`].

use crate::tally::{Tally, words};

/// How often each window was hit.
pub type Counters = Tally<Counter, { Counter::COUNT }>;

words! {
    /// A critical window, or a fault that opens one. Crashes and stalls count once for each kind of
    /// window in which their consumer held at least one delivery; one crash may hit several.
    Counter {
        /// Crashes while a delivery had neither effect nor settle.
        CrashesBeforeEffect => "crashes_before_effect",
        /// Crashes while a delivery had its effect and no settle: the window of duplicates.
        CrashesBetweenEffectAndSettle => "crashes_between_effect_and_settle",
        /// Crashes while a delivery had its settle and no effect: the window of losses.
        CrashesBetweenSettleAndEffect => "crashes_between_settle_and_effect",
        /// Crashes when every delivery of this life had both.
        CrashesAfterSettle => "crashes_after_settle",
        /// Stalls while a delivery had no effect.
        StallsBeforeEffect => "stalls_before_effect",
        /// Stalls while a delivery had its effect and no settle.
        StallsAfterEffect => "stalls_after_effect",
        /// Leases that ran out while a living consumer held the delivery and had not settled it.
        LeasesExpiredWithLiveHandler => "leases_expired_with_live_handler",
        /// Sessions that expired although their member lived.
        SessionsExpiredWithLiveMember => "sessions_expired_with_live_member",
        /// Consumers that left their group because they had not polled for `max_poll_interval`.
        MaxPollIntervalsExceeded => "max_poll_intervals_exceeded",
        /// Settles whose outcome their consumer never learnt.
        SettlesLost => "settles_lost",
        /// Settles that were refused for certain.
        SettlesRefused => "settles_refused",
        /// Attempts of a producer to send what was stored already.
        RetriesOfStoredSends => "retries_of_stored_sends",
        /// Handlers that ended without success.
        HandlerErrors => "handler_errors",
        /// Messages that every attempt fails on.
        PoisonMessages => "poison_messages",
        /// Assignments after the first.
        Rebalances => "rebalances",
        /// Restarts of the broker.
        BrokerRestarts => "broker_restarts",
        /// Effects that the sink recognised as duplicates.
        EffectsSuppressed => "effects_suppressed",
    }
}
