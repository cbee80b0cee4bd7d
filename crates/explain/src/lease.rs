//! From when a lease ran that has expired: a queue counts from when the message leaves it, and no
//! event says that.
//!
//! > **The rule.** It is told where the message waited in its consumer's client for a tenth of the
//! > lease or more: there the delivery to the application does not show why the lease ends.

use entrega_model::Instant;
use entrega_scenario::Cast;

/// When the message was fetched of which a lease expires; none if leases are longer than the run.
/// If the lease was extended, that counts instead.
pub(crate) fn fetched(cast: &Cast, expired: Instant) -> Option<Instant> {
    let fetched = expired.as_nanos().checked_sub(cast.lease().as_nanos());
    fetched.map(Instant::from_nanos)
}

/// Whether a message that was fetched waited for long until a time.
pub(crate) fn has_waited(cast: &Cast, fetched: Instant, until: Instant) -> bool {
    until.since(fetched).saturating_mul(10) >= cast.lease()
}
