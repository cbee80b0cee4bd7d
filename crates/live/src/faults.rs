//! Harm done to live consumers, on purpose: they die at an await, or stand still and go on as
//! zombies.
//!
//! A consumer is one future, so it can be harmed from outside, without its help. Its polls are
//! counted: at the chosen one it is dropped where it stands, which is a crash; or it is not polled
//! for a while, which is a stall. What it has asked for happens meanwhile, and the broker is told
//! what it would notice: the end of a connection, or heartbeats that stop.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

use entrega_brokers::Broker;
use entrega_clients::{Context, Stop};
use entrega_model::{Duration, Instant, ProcessId};

use crate::{LiveLink, Served};

/// What befalls a consumer next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Nothing, ever.
    None,
    /// It dies when it has been polled so often.
    Death {
        /// At which poll from now, at least 1.
        polls: u32,
    },
    /// It stands still when it has been polled so often.
    Stall {
        /// At which poll from now, at least 1.
        polls: u32,
        /// For how long.
        span: Duration,
    },
}

/// Runs a process life after life, and harms it as `harm` says: what is next, whenever the last
/// harm is done. A life that dies or fails is followed by another one after `restart`. Ends when a
/// life ends in order.
pub async fn supervise<B: Broker, F: Future<Output = Result<(), Stop>>>(
    served: &Served<B>,
    process: ProcessId,
    restart: Duration,
    mut harm: impl FnMut() -> Harm,
    live: impl Fn(LiveLink<B>) -> F,
) {
    loop {
        let link = served.connect(process);
        if lives_to_its_end(&link, &mut harm, &live).await {
            return;
        }
        let _will_come_back = link.occupied();
        drop(link);
        let clock = served.clock();
        clock.sleep_until(clock.now() + restart).await;
    }
}

/// One life; whether it ended in order.
async fn lives_to_its_end<B: Broker, F: Future<Output = Result<(), Stop>>>(
    link: &LiveLink<B>,
    harm: &mut impl FnMut() -> Harm,
    live: impl Fn(LiveLink<B>) -> F,
) -> bool {
    let mut life = pin!(live(link.clone()));
    loop {
        let next = harm();
        let polls = match next {
            Harm::None => None,
            Harm::Death { polls } | Harm::Stall { polls, .. } => Some(polls),
        };
        match (poll_so_often(life.as_mut(), polls).await, next) {
            (Some(ended), _) => return ended.is_ok(),
            (None, Harm::Stall { span, .. }) => stand_still(link, span).await,
            (None, _) => return false,
        }
    }
}

/// What a future ends with, unless it has been polled so often before and still waits.
async fn poll_so_often<F: Future>(mut life: Pin<&mut F>, polls: Option<u32>) -> Option<F::Output> {
    let mut left = polls;
    poll_fn(|cx| {
        if let Poll::Ready(output) = life.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        left = left.map(|left| left.saturating_sub(1));
        if left == Some(0) { Poll::Ready(None) } else { Poll::Pending }
    })
    .await
}

async fn stand_still<B: Broker>(link: &LiveLink<B>, span: Duration) {
    link.stall();
    let until: Instant = link.now() + span;
    link.sleep_until(until).await;
    link.resume();
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use entrega_brokers::queue::{QueueBroker, QueueSettings};
    use entrega_model::{Event, Kind};

    use super::*;
    use crate::{Clock, Shared};

    /// Two deaths, then a life that stands still and ends in order. Each life waits four times.
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
