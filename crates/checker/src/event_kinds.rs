//! Which kinds of events a history records: what it does not record is unknown.

use entrega_model::Kind;

use crate::tally::{Tally, words};

/// How many events of each kind there were.
pub type EventKinds = Tally<EventKind, { EventKind::COUNT }>;

words! {
    /// A kind of event that is evidence for a count or a cause, by the name that histories give it.
    EventKind {
        /// A copy was stored.
        Store => "store",
        /// A copy is gone.
        Remove => "remove",
        /// A message was delivered.
        Deliver => "deliver",
        /// A consumer asked to settle.
        SettleInvoke => "settle.invoke",
        /// A queue recorded a settle.
        Settled => "settled",
        /// A log recorded a committed offset.
        Committed => "committed",
        /// A lease ran out.
        LeaseExpired => "lease_expired",
        /// The end of a connection returned a message.
        Requeued => "requeued",
        /// A member was removed.
        SessionExpired => "session_expired",
        /// A partition was assigned.
        Assign => "assign",
        /// A position was moved by the reset policy.
        Reset => "reset",
        /// A process died.
        Crash => "crash",
    }
}

impl EventKinds {
    /// Takes note of an event.
    pub(crate) fn see(&mut self, kind: &Kind) {
        if let Some(kind) = EventKind::of(kind) {
            self.add(kind, 1);
        }
    }

    /// The kinds of a log, or of a queue, of which there was none.
    pub(crate) fn missing(&self, is_log: bool) -> Vec<EventKind> {
        let all = EventKind::ALL.iter().copied();
        all.filter(|kind| kind.is_of(is_log) && self.get(*kind) == 0).collect()
    }
}

impl EventKind {
    /// Those from which most critical windows follow.
    pub(crate) const OPEN_WINDOWS: [Self; 3] =
        [Self::LeaseExpired, Self::SessionExpired, Self::Crash];

    const fn of(kind: &Kind) -> Option<Self> {
        Some(match kind {
            Kind::Stored { .. } => Self::Store,
            Kind::Removed { .. } => Self::Remove,
            Kind::Delivered { .. } => Self::Deliver,
            Kind::SettleInvoked { .. } => Self::SettleInvoke,
            Kind::Settled { .. } => Self::Settled,
            Kind::Committed { .. } => Self::Committed,
            Kind::LeaseExpired { .. } => Self::LeaseExpired,
            Kind::Requeued { .. } => Self::Requeued,
            Kind::SessionExpired { .. } => Self::SessionExpired,
            Kind::Assigned { .. } => Self::Assign,
            Kind::OffsetReset { .. } => Self::Reset,
            Kind::Crashed { .. } => Self::Crash,
            _ => return None,
        })
    }

    /// Whether a log, or a queue, has events of this kind.
    const fn is_of(self, is_log: bool) -> bool {
        match self {
            Self::Committed | Self::SessionExpired | Self::Assign | Self::Reset => is_log,
            Self::Settled | Self::LeaseExpired | Self::Requeued => !is_log,
            Self::Store | Self::Remove | Self::Deliver | Self::SettleInvoke | Self::Crash => true,
        }
    }
}
