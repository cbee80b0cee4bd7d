//! One's own consumer in the world: run like a strategy of the catalogue, but trusted less.
//!
//! The catalogue's strategies are known to behave and to keep nothing outside their futures. Of
//! one's own code neither is known. So its panics are caught where its future is polled, and a
//! [`Pulse`] tells other threads that it is being polled at all.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::Poll;

use entrega_brokers::{Broker, LogBroker, QueueBroker};
use entrega_choice::Choice;
use entrega_clients::application::ProgressInSink;
use entrega_clients::inbox::{LogInbox, QueueInbox};
use entrega_clients::{Consumer, Context, Stop, Strategy, StrategyConfig, consumers};
use entrega_model::{Instant, ProcessId};

use crate::link::SimLink;
use crate::misbehaviour::Misdeed;
use crate::world::Routed;

/// A consumer that is given as code.
pub struct Own<'a, C> {
    /// The code. What it keeps outside of its future survives a crash, and is not in a fingerprint.
    pub consumer: &'a C,
    /// Told of every poll, for a watchdog.
    pub pulse: Option<&'a Pulse>,
}

impl<C> Clone for Own<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Own<'_, C> {}

/// Tells other threads where a consumer stands, so that a watchdog can say what blocks.
///
/// A consumer that never returns from a poll blocks its thread, and nothing on that thread can end
/// it. A watchdog on another one looks at the pulse now and then: if it is [`Pulse::inside`] and
/// [`Pulse::beats`] has not changed for as long as patience lasts, the consumer blocks.
#[derive(Debug, Default)]
pub struct Pulse {
    /// Odd while a consumer is being polled.
    beats: AtomicU64,
    process: AtomicU64,
    at: AtomicU64,
    choices: Mutex<Vec<Choice>>,
}

impl Pulse {
    /// How many polls have begun and how many have ended, together.
    pub fn beats(&self) -> u64 {
        self.beats.load(Ordering::Acquire)
    }

    /// The process that is being polled and the virtual time; none between polls.
    pub fn inside(&self) -> Option<(ProcessId, Instant)> {
        if self.beats().is_multiple_of(2) {
            return None;
        }
        let process = ProcessId(self.process.load(Ordering::Relaxed) as u16);
        Some((process, Instant::from_nanos(self.at.load(Ordering::Relaxed))))
    }

    /// The choices of the run under way.
    pub fn choices(&self) -> Vec<Choice> {
        self.list().clone()
    }

    /// A run begins, with these choices.
    pub fn begin(&self, choices: &[Choice]) {
        let mut list = self.list();
        list.clear();
        list.extend_from_slice(choices);
    }

    fn list(&self) -> MutexGuard<'_, Vec<Choice>> {
        self.choices.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, process: ProcessId, at: Instant) {
        self.process.store(process.0.into(), Ordering::Relaxed);
        self.at.store(at.as_nanos(), Ordering::Relaxed);
        self.beats.fetch_add(1, Ordering::Release);
    }

    fn leave(&self) {
        self.beats.fetch_add(1, Ordering::Release);
    }
}

/// What the consumers of a run run.
pub(crate) trait Code {
    /// Whether all that a process knows between two deliveries is what its client library knows.
    fn keeps_nothing_between_deliveries(&self) -> bool {
        false
    }

    /// Whether its process waits for one thing at a time.
    fn waits_for_one_thing(&self) -> bool {
        false
    }

    /// On a log.
    async fn on_log<'a>(
        &'a self,
        link: &'a SimLink<LogBroker>,
        inbox: &'a LogInbox<SimLink<LogBroker>>,
        app: &'a impl ProgressInSink,
    ) -> Result<(), Stop>;

    /// On a queue.
    async fn on_queue<'a>(
        &'a self,
        link: &'a SimLink<QueueBroker>,
        inbox: &'a QueueInbox<SimLink<QueueBroker>>,
        app: &'a impl ProgressInSink,
    ) -> Result<(), Stop>;
}

/// A strategy of the catalogue.
pub(crate) struct BuiltIn {
    pub(crate) strategy: Strategy,
    pub(crate) config: StrategyConfig,
}

impl Code for BuiltIn {
    fn keeps_nothing_between_deliveries(&self) -> bool {
        self.strategy.spec().keeps_nothing_between_deliveries
    }

    fn waits_for_one_thing(&self) -> bool {
        self.strategy.spec().waits_for_one_thing
    }

    fn on_log<'a>(
        &'a self,
        _link: &'a SimLink<LogBroker>,
        inbox: &'a LogInbox<SimLink<LogBroker>>,
        app: &'a impl ProgressInSink,
    ) -> impl Future<Output = Result<(), Stop>> {
        consumers::run_on_log(self.strategy, inbox, app, &self.config)
    }

    fn on_queue<'a>(
        &'a self,
        _link: &'a SimLink<QueueBroker>,
        inbox: &'a QueueInbox<SimLink<QueueBroker>>,
        app: &'a impl ProgressInSink,
    ) -> impl Future<Output = Result<(), Stop>> {
        consumers::run_on_queue(self.strategy, inbox, app, &self.config)
    }
}

impl<C: Consumer> Code for Own<'_, C> {
    async fn on_log<'a>(
        &'a self,
        link: &'a SimLink<LogBroker>,
        inbox: &'a LogInbox<SimLink<LogBroker>>,
        app: &'a impl ProgressInSink,
    ) -> Result<(), Stop> {
        watched(link, self.pulse, self.consumer.run_on_log(inbox, app)).await
    }

    async fn on_queue<'a>(
        &'a self,
        link: &'a SimLink<QueueBroker>,
        inbox: &'a QueueInbox<SimLink<QueueBroker>>,
        app: &'a impl ProgressInSink,
    ) -> Result<(), Stop> {
        watched(link, self.pulse, self.consumer.run_on_queue(inbox, app)).await
    }
}

/// Polls a life of one's own consumer. One that panics is noted, and never polled again.
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
