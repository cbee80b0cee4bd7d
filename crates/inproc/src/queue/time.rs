//! The time in the brokers' own terms: nanoseconds since the queue was made.

use entrega_model::Instant;

/// The machine's clock, or one that a test sets.
pub(super) enum Time {
    Machine(std::time::Instant),
    #[cfg(test)]
    Manual(std::sync::Arc<std::sync::atomic::AtomicU64>),
}

impl Time {
    pub(super) fn of_the_machine() -> Self {
        Self::Machine(std::time::Instant::now())
    }

    pub(super) fn now(&self) -> Instant {
        match self {
            Self::Machine(start) => Instant::from_nanos(start.elapsed().as_nanos() as u64),
            #[cfg(test)]
            Self::Manual(nanos) => {
                Instant::from_nanos(nanos.load(std::sync::atomic::Ordering::Relaxed))
            }
        }
    }

    /// The same moment for the standard library; `None` is never.
    pub(super) fn to_std(&self, at: Instant) -> Option<std::time::Instant> {
        match self {
            _ if at == Instant::NEVER => None,
            Self::Machine(start) => {
                start.checked_add(std::time::Duration::from_nanos(at.as_nanos()))
            }
            #[cfg(test)]
            Self::Manual(_) => None,
        }
    }
}
