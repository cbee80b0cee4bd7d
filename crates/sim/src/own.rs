//! A user's own consumer in the world: executed like a strategy of the catalogue, but trusted less.
//!
//! The strategies of the catalogue are known to behave and to keep nothing outside their futures.
//! Of a user's code neither is known. So a panic is caught where its future is polled, and a
//! [`Pulse`] shows to other threads that it is being polled at all.
//!
//! > **The rule.** Each life runs a clone of the consumer as it was given, so what a life writes
//! > into its consumer dies with it, as the memory of a process does.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

use entrega_brokers::{Broker, LogBroker, QueueBroker};
use entrega_clients::application::ProgressInSink;
use entrega_clients::inbox::{LogInbox, QueueInbox};
use entrega_clients::{Consumer, Context, Stop};

use crate::link::SimLink;
use crate::misbehaviour::Misdeed;
use crate::program::Program;
use crate::pulse::Pulse;
use crate::world::Routed;

/// A user's own consumer, executed by every consumer process of a run.
pub struct OwnConsumer<'a, C> {
    /// The consumer. Each life has a clone of it. What a clone shares with the original survives a
    /// crash, and is in no fingerprint.
    pub consumer: &'a C,
    /// Beats at every poll, for a watchdog.
    pub pulse: Option<&'a Pulse>,
    /// In an exploration, idle polls sleep while nothing else happens. Whether they are answered
    /// after all once the run is at rest, for as long as the longest timer of the scenario: one
    /// that then does more than to poll misbehaves.
    pub woken: bool,
}

impl<C> Clone for OwnConsumer<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for OwnConsumer<'_, C> {}

impl<C: Consumer + Clone> Program for OwnConsumer<'_, C> {
    fn polls_sleep(&self) -> bool {
        true
    }

    fn is_woken(&self) -> bool {
        self.woken
    }

    async fn on_log<'a>(
        &'a self,
        link: &'a SimLink<LogBroker>,
        inbox: &'a LogInbox<SimLink<LogBroker>>,
        app: &'a impl ProgressInSink,
    ) -> Result<(), Stop> {
        let life = async { self.consumer.clone().run_on_log(inbox, app).await };
        watched(link, self.pulse, life).await
    }

    async fn on_queue<'a>(
        &'a self,
        link: &'a SimLink<QueueBroker>,
        inbox: &'a QueueInbox<SimLink<QueueBroker>>,
        app: &'a impl ProgressInSink,
    ) -> Result<(), Stop> {
        let life = async { self.consumer.clone().run_on_queue(inbox, app).await };
        watched(link, self.pulse, life).await
    }
}

/// Polls a life of a user's consumer. A panic is noted, and the life is never polled again.
async fn watched<B: Broker>(
    link: &SimLink<B>,
    pulse: Option<&Pulse>,
    life: impl Future<Output = Result<(), Stop>>,
) -> Result<(), Stop>
where
    B::Request: Routed,
{
    let mut life = pin!(life);
    let process = link.process();
    let mut panicked = false;
    poll_fn(|cx| {
        if panicked {
            return Poll::Pending;
        }
        let now = link.world.borrow().now;
        pulse.inspect(|pulse| pulse.enter(process, now));
        let polled = catch_unwind(AssertUnwindSafe(|| life.as_mut().poll(cx)));
        pulse.inspect(|pulse| pulse.leave());
        polled.unwrap_or_else(|payload| {
            panicked = true;
            let misdeed = Misdeed::Panics(message(payload.as_ref()));
            link.world.borrow_mut().misbehaves(process, misdeed);
            Poll::Pending
        })
    })
    .await
}

/// What a panic said, if it said it in words.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    text.unwrap_or("without a message").to_owned()
}
