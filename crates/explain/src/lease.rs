//! From when a lease ran that has expired: a queue counts from when the message leaves it, and no
//! event says that.
//!
//! > **The rule.** It is told where the message waited in its consumer's client for a tenth of the
//! > lease or more: there the delivery to the application does not show why the lease ends. Of a
//! > lease that was extended it is not: that ran from then on, as an event says. Nor of a delivery
//! > that is claimed: that happens at any time after it may.

use entrega_model::event::SettleAct;
use entrega_model::{Duration, Instant, Kind, MessageId, ProcessId};
use entrega_scenario::points::Call;

use crate::injected::Injected;
use crate::run::{Run, first, last};

/// When the message was fetched of which a lease expires at a place, if it then waited in the
/// client while the application was handed others.
pub(crate) fn fetched(run: &Run<'_>, expired: usize) -> Option<Instant> {
    let lease = Lease::of(run, expired)?;
    let waits = lease.waits_until(run);
    let next = first(run.of_process(lease.consumer), lease.begin, |at| {
        matches!(run.kind(at), Kind::Delivered { .. })
    });
    let is_busy = next.is_some_and(|at| run.events[at].at < waits);
    (is_busy && is_long(waits.since(lease.fetched), run.cast.lease())).then_some(lease.fetched)
}

/// The fault by which a message came late of which a lease expires at a place: the answer that
/// carried it set out when the lease began.
pub(crate) fn late_answer(run: &Run<'_>, expired: usize) -> Option<Injected> {
    let lease = Lease::of(run, expired)?;
    let came = lease.waits_until(run);
    let mut answers = run.faults_between(lease.begin, expired).iter();
    let late = answers.find(|one| {
        one.process == lease.consumer
            && one.is_late_answer(Call::Receive)
            && run.events[one.at].at == lease.fetched
    });
    late.filter(|_| is_long(came.since(lease.fetched), run.cast.lease())).copied()
}

/// A lease that expires.
struct Lease {
    message: MessageId,
    consumer: ProcessId,
    /// Where it expires.
    expired: usize,
    /// When the message was fetched, and the first place of that instant.
    fetched: Instant,
    begin: usize,
}

impl Lease {
    /// The lease that expires at a place, unless it was extended.
    fn of(run: &Run<'_>, expired: usize) -> Option<Self> {
        let Kind::LeaseExpired { message, consumer, .. } = *run.kind(expired) else { return None };
        if run.cast.claims() {
            return None;
        }
        let (end, lease) = (run.events[expired].at, run.cast.lease());
        let fetched = Instant::from_nanos(end.as_nanos().checked_sub(lease.as_nanos())?);
        let begin = run.events.partition_point(|event| event.at < fetched);
        let extended = first(run.of_message(message), begin, |at| {
            matches!(*run.kind(at), Kind::Settled { consumer: by, act: SettleAct::Extend, .. }
                if by == consumer)
        });
        let is_extended = extended.is_some_and(|at| at < expired);
        (!is_extended).then_some(Self { message, consumer, expired, fetched, begin })
    }

    /// When the application was handed the message, or when the lease ended if it was not until
    /// then.
    fn waits_until(&self, run: &Run<'_>) -> Instant {
        let handed = last(
            run.of_message(self.message),
            self.expired,
            |at| matches!(*run.kind(at), Kind::Delivered { consumer: to, .. } if to == self.consumer),
        );
        let handed = handed.filter(|at| *at >= self.begin);
        run.events[handed.unwrap_or(self.expired)].at
    }
}

/// Whether a message waits for a good part of its lease.
fn is_long(wait: Duration, lease: Duration) -> bool {
    wait.saturating_mul(10) >= lease
}
