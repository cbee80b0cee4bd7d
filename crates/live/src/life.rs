//! A process that is harmed from within, at a place that it names itself.
//!
//! > **The rule.** Whoever holds the reins of a process orders its death or a stall and waits. The
//! > order is carried out when the present poll of the process is over.
//!
//! A death drops the future where it stands. During a stall it is not polled, and the broker hears
//! no heartbeats; afterwards it goes on, maybe as a zombie. A life that dies or fails is followed
//! by another one.

use std::future::{pending, poll_fn};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use entrega_brokers::Broker;
use entrega_clients::{Context, Stop};
use entrega_model::{Duration, ProcessId};

use crate::{Busy, LiveLink, Served};

/// What is to happen to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Death,
    Stall(Duration),
}

/// Holds a life of a process, to end it or to have it stand still. Copies hold the same life.
#[derive(Clone, Debug, Default)]
pub struct Reins(Arc<Mutex<Option<Order>>>);

impl Reins {
    /// The process dies here: whoever waits for this waits for ever.
    pub async fn die(&self) {
        self.doom();
        pending().await
    }

    /// The process dies at the end of its present poll.
    pub fn doom(&self) {
        self.order(Order::Death);
    }

    /// The process stands still for a while, and goes on.
    pub async fn stand_still(&self, span: Duration) {
        let mut ordered = false;
        poll_fn(|cx| {
            if ordered {
                return Poll::Ready(());
            }
            ordered = true;
            self.order(Order::Stall(span));
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Death comes before everything else.
    fn order(&self, order: Order) {
        let mut given = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *given != Some(Order::Death) {
            *given = Some(order);
        }
    }

    fn take(&self) -> Option<Order> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Runs a process life after life until one ends in order, or the program is closing. Between a
/// death or a failure and the next life is the time `restart`.
pub async fn live<B: Broker, F: Future<Output = Result<(), Stop>>>(
    served: &Served<B>,
    process: ProcessId,
    restart: Duration,
    life: impl Fn(LiveLink<B>, Reins) -> F,
) {
    loop {
        let link = served.connect(process);
        let reins = Reins::default();
        let future = life(link.clone(), reins.clone());
        let Some(busy) = until_its_end(served, link, reins, future).await else { return };
        if served.is_closing() {
            return;
        }
        let clock = served.clock();
        clock.sleep_until(clock.now() + restart).await;
        drop(busy);
    }
}

/// One life. If it did not end in order, the run is not at rest until the process is back: while
/// the answer lives.
async fn until_its_end<B: Broker, F: Future<Output = Result<(), Stop>>>(
    served: &Served<B>,
    link: LiveLink<B>,
    reins: Reins,
    future: F,
) -> Option<Busy<B>> {
    let mut future = Box::pin(future);
    loop {
        let step = poll_fn(|cx| match (future.as_mut().poll(cx), reins.take()) {
            (Poll::Ready(ended), _) => Poll::Ready(Ok(ended)),
            (Poll::Pending, Some(order)) => Poll::Ready(Err(order)),
            (Poll::Pending, None) => Poll::Pending,
        });
        match step.await {
            Ok(Ok(())) => return None,
            Ok(Err(_)) | Err(Order::Death) => return Some(served.busy()),
            Err(Order::Stall(span)) => {
                link.stall();
                link.sleep_until(link.now() + span).await;
                link.resume();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use entrega_brokers::queue::{QueueBroker, QueueSettings};
    use entrega_clients::HandlerError;
    use entrega_model::{Event, Instant, Kind};

    use super::*;
    use crate::{Clock, Shared};

    /// The first life dies where it says so, the second fails, the third stands still and leaves.
    #[tokio::test(start_paused = true)]
    async fn lives_end_where_they_are_told_to() {
        let history = Shared::new(Vec::<Event>::new());
        let broker = QueueBroker::new(QueueSettings::default());
        let served = Served::new(broker, Clock::new(), history.clone());
        let (lives, went_on) = (Cell::new(0), Cell::new(0));
        let life = |link: LiveLink<QueueBroker>, reins: Reins| {
            let (lives, went_on) = (&lives, &went_on);
            async move {
                lives.set(lives.get() + 1);
                match lives.get() {
                    1 => reins.die().await,
                    2 => {
                        link.leave(true);
                        return Err(Stop::Handler(HandlerError::Poison));
                    }
                    _ => reins.stand_still(Duration::from_secs(7)).await,
                }
                went_on.set(went_on.get() + 1);
                link.leave(false);
                Ok(())
            }
        };
        live(&served, ProcessId(1), Duration::from_secs(1), life).await;
        assert_eq!((lives.get(), went_on.get()), (3, 1));
        let (ends, last) = history.with(|events| {
            let ends: String = events.iter().filter_map(|event| letter(&event.kind)).collect();
            (ends, events.last().map(|event| event.at))
        });
        assert_eq!(ends, "cfsrx");
        assert!(last >= Some(Instant::START + Duration::from_secs(9)), "{last:?}");
    }

    fn letter(kind: &Kind) -> Option<char> {
        Some(match kind {
            Kind::Crashed { .. } => 'c',
            Kind::Stalled { .. } => 's',
            Kind::Resumed { .. } => 'r',
            Kind::Exited { failed: true, .. } => 'f',
            Kind::Exited { failed: false, .. } => 'x',
            _ => return None,
        })
    }
}
