//! Harm from outside: the polls of a life are counted, and at the chosen one it dies or stalls. The
//! process need not take part in it.

use entrega_model::Duration;

use super::{Interruption, Interrupts};

/// What a process is to suffer next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Nothing any more.
    None,
    /// It dies.
    Death {
        /// At which poll from now on, at least 1.
        polls: u32,
    },
    /// It stalls.
    Stall {
        /// At which poll from now on, at least 1.
        polls: u32,
        /// For how long.
        span: Duration,
    },
}

/// Counts polls until the next harm is due.
pub(super) struct Counted<H> {
    harm: H,
    next: Harm,
}

impl<H: FnMut() -> Harm> Counted<H> {
    pub(super) fn new(harm: H) -> Self {
        Self { harm, next: Harm::None }
    }
}

impl<H: FnMut() -> Harm> Interrupts for Counted<H> {
    fn begin_life(&mut self) {
        self.next = (self.harm)();
    }

    fn end_stall(&mut self) {
        self.next = (self.harm)();
    }

    fn after_poll(&mut self) -> Option<Interruption> {
        let (polls, interruption) = match &mut self.next {
            Harm::None => return None,
            Harm::Death { polls } => (polls, Interruption::Death),
            Harm::Stall { polls, span } => (polls, Interruption::Stall(*span)),
        };
        *polls = polls.saturating_sub(1);
        (*polls == 0).then_some(interruption)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use entrega_brokers::queue::{QueueBroker, QueueSettings};
    use entrega_model::{Event, Instant, Kind, ProcessId};

    use super::*;
    use crate::life::supervise;
    use crate::{Clock, LiveLink, Served, Shared};

    /// Two deaths, then a life that stalls and ends cleanly. Each life waits four times.
    #[tokio::test(start_paused = true)]
    async fn lives_follow_each_other_as_they_are_harmed() {
        let history = Shared::new(Vec::<Event>::new());
        let broker = QueueBroker::new(QueueSettings::default());
        let served = Served::new(broker, Clock::new(), history.clone());
        let span = Duration::from_secs(7);
        let stall = Harm::Stall { polls: 2, span };
        let harms = [Harm::Death { polls: 1 }, Harm::Death { polls: 3 }, stall, Harm::None];
        let (harms, waits) = (RefCell::new(harms.into_iter()), Cell::new(0));
        let next = || harms.borrow_mut().next().unwrap_or(Harm::None);
        let live = |link: LiveLink<QueueBroker>| {
            let waits = &waits;
            async move {
                for _ in 0..4 {
                    waits.set(waits.get() + 1);
                    tokio::task::yield_now().await;
                }
                link.leave(false);
                Ok(())
            }
        };
        supervise(&served, ProcessId(1), Duration::from_secs(1), next, live).await;
        assert_eq!(waits.get(), 1 + 3 + 4);
        let ends = history.with(|events| {
            let last = events.last().map(|event| event.at);
            assert!(last >= Some(Instant::START + span + Duration::from_secs(2)), "{last:?}");
            events
                .iter()
                .map(|event| end(&event.kind))
                .filter(|end| *end != ' ')
                .collect::<String>()
        });
        assert_eq!(ends, "ccsrx");
    }

    fn end(kind: &Kind) -> char {
        match kind {
            Kind::Crashed { .. } => 'c',
            Kind::Stalled { .. } => 's',
            Kind::Resumed { .. } => 'r',
            Kind::Exited { failed: false, .. } => 'x',
            _ => ' ',
        }
    }
}
