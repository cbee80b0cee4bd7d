//! A switch that ends or stalls a life from within, at a place that the process names itself.

use std::future::{pending, poll_fn};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;

use entrega_model::Duration;

use super::{Interruption, Interrupts};

/// Ends one life of a process, or stalls it. Clones are the same switch. What it is set to is
/// carried out when the present poll of the process has ended.
#[derive(Clone, Debug, Default)]
pub struct KillSwitch(Arc<Mutex<Option<Interruption>>>);

impl KillSwitch {
    /// Kills the process here: its future waits at this place until it is dropped.
    pub async fn kill(&self) {
        self.kill_after_this_poll();
        pending().await
    }

    /// Kills the process when its present poll has ended.
    pub fn kill_after_this_poll(&self) {
        self.set(Interruption::Death);
    }

    /// Stalls the process here for a while.
    pub async fn stall(&self, span: Duration) {
        let mut is_set = false;
        poll_fn(|cx| {
            if is_set {
                return Poll::Ready(());
            }
            is_set = true;
            self.set(Interruption::Stall(span));
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Sets the switch; a death is never replaced by a stall.
    fn set(&self, interruption: Interruption) {
        let mut set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *set != Some(Interruption::Death) {
            *set = Some(interruption);
        }
    }
}

impl Interrupts for KillSwitch {
    /// Each life has its own switch: a clone that an earlier life has left behind cannot reach it.
    fn begin_life(&mut self) {
        *self = Self::default();
    }

    fn end_stall(&mut self) {}

    fn after_poll(&mut self) -> Option<Interruption> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use entrega_brokers::queue::{QueueBroker, QueueSettings};
    use entrega_clients::{HandlerError, Stop};
    use entrega_model::{Event, Instant, Kind, ProcessId};

    use super::*;
    use crate::life::live;
    use crate::{Clock, LiveLink, Served, Shared};

    /// The first life dies where it says so, the second fails, the third stalls and leaves cleanly.
    #[tokio::test(start_paused = true)]
    async fn lives_end_where_their_switch_is_set() {
        let history = Shared::new(Vec::<Event>::new());
        let broker = QueueBroker::new(QueueSettings::default());
        let served = Served::new(broker, Clock::new(), history.clone());
        let (lives, went_on) = (Cell::new(0), Cell::new(0));
        let life = |link: LiveLink<QueueBroker>, switch: KillSwitch| {
            let (lives, went_on) = (&lives, &went_on);
            async move {
                lives.set(lives.get() + 1);
                match lives.get() {
                    1 => switch.kill().await,
                    2 => {
                        link.leave(true);
                        return Err(Stop::Handler(HandlerError::Poison));
                    }
                    _ => switch.stall(Duration::from_secs(7)).await,
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
