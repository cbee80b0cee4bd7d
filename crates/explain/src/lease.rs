//! From when a lease ran that has expired: a queue counts from when the message leaves it, and no
//! event says that.
//!
//! > **The rule.** It is told where the message waited in its consumer's client for a tenth of the
//! > lease or more: there the delivery to the application does not show why the lease ends. Of a
//! > lease that was extended it is not: that ran from then on, as an event says.

use entrega_model::event::SettleAct;
use entrega_model::{Duration, Instant, Kind};

use crate::run::{Run, first, last};

/// When the message was fetched of which a lease expires at a place, if it then waited in the
/// client while the application was handed others.
pub(crate) fn fetched(run: &Run<'_>, expired: usize) -> Option<Instant> {
    let Kind::LeaseExpired { message, consumer, .. } = *run.kind(expired) else { return None };
    let (end, lease) = (run.events[expired].at, run.cast.lease());
    let fetched = Instant::from_nanos(end.as_nanos().checked_sub(lease.as_nanos())?);
    let begin = run.events.partition_point(|event| event.at < fetched);
    let of_it = run.of_message(message);
    let extended = first(of_it, begin, |at| {
        matches!(*run.kind(at), Kind::Settled { consumer: by, act: SettleAct::Extend, .. }
            if by == consumer)
    });
    if extended.is_some_and(|at| at < expired) {
        return None;
    }
    let handed = last(
        of_it,
        expired,
        |at| matches!(*run.kind(at), Kind::Delivered { consumer: to, .. } if to == consumer),
    );
    let until = handed.filter(|at| *at >= begin).map_or(end, |at| run.events[at].at);
    let next =
        first(run.of_process(consumer), begin, |at| matches!(run.kind(at), Kind::Delivered { .. }));
    let is_busy = next.is_some_and(|at| run.events[at].at < until);
    (is_busy && is_long(until.since(fetched), lease)).then_some(fetched)
}

/// Whether a message waits for a good part of its lease.
fn is_long(wait: Duration, lease: Duration) -> bool {
    wait.saturating_mul(10) >= lease
}
