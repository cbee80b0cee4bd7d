//! A sans-IO broker, served to threads and tasks on the machine's clock.
//!
//! > **The rule.** There is one lock, and one total order. Under the lock the broker handles
//! > requests, parked requests are offered again, and what the broker recorded and what clients
//! > note is put in order. After the lock the observer sees it, in that order, and tasks are woken.
//!
//! The observer and wakers are code of a user. The observer sees each event once, and may use the
//! broker; what it records itself, it sees next. If it panics, the call panics whose thread shows
//! it those events, unless that thread panics already; the broker goes on, and shows it what comes
//! later. A call returns when its events are shown. One that panics has done what it does, and
//! leaves nothing behind that only its answer could end: a life that nobody got a link to crashes.
//!
//! The broker alone decides what it answers; this module adds a lock, a clock and wake-ups. Clients
//! reach it through [`LiveLink`]s, over which the client library and every strategy of
//! `entrega-clients` run as they do in the simulator.
//!
//! # How to run one
//!
//! 1. [`Served::new`] with a broker, a [`Clock`] and an observer ([`crate::Shared`] to look at it
//!    later).
//! 2. Keep its time: spawn [`Served::keep_time`], or [`Served::keep_time_on_a_thread`]. Otherwise
//!    leases and sessions end only when a client makes a request.
//! 3. [`Served::connect`] for each life of a process; run a producer or a consumer over the link.
//! 4. When everything is sent, await [`Served::rest`]. Then nothing happens any more by itself:
//!    call [`Served::close`], wait for the consumers, and call [`Served::audit`].
//!
//! ```
//! use entrega_brokers::queue::{QueueBroker, QueueSettings};
//! use entrega_clients::Link;
//! use entrega_live::{Clock, Served, Shared};
//! use entrega_model::queue::{Request, Response};
//! use entrega_model::{Event, Key, MessageId, ProcessId, Record};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let history = Shared::new(Vec::<Event>::new());
//! let broker = QueueBroker::new(QueueSettings::default());
//! let served = Served::new(broker, Clock::new(), history.clone());
//! let producer = served.connect(ProcessId(0));
//! let record = Record { message: MessageId(0), key: Key(7), bytes: 100 };
//! let publish = Request::Publish { records: vec![record], confirm: true, id: 0 };
//! assert!(matches!(producer.call(publish).await, Ok(Response::Published { .. })));
//! producer.leave(false);
//! assert_eq!(served.look(|broker| broker.ready_count(Default::default())), 1);
//! assert_eq!(history.with(|events| events.len()), 3, "started, stored, exited");
//! # });
//! ```

mod calls;
mod core;
mod showing;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Poll, Waker};
use std::thread;
use std::time::Duration;

use entrega_brokers::Broker;
use entrega_clients::{CallId, Unanswered};
use entrega_model::event::Phase;
use entrega_model::{Instant, Kind, Observer, ProcessId, SubscriptionId};
use tokio::sync::Notify;

pub use self::core::CallOutcome;

use self::core::Core;
use self::showing::{Showing, wake_all};
use crate::{Busy, Clock, LiveLink};

/// The pause between two looks whether everything is at rest.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// A broker that is being served. Clones are the same broker.
pub struct Served<B: Broker> {
    shared: Arc<Inner<B>>,
}

struct Inner<B: Broker> {
    core: Mutex<Core<B>>,
    /// Never taken under the lock of the core.
    showing: Showing,
    closing: AtomicBool,
    clock: Clock,
    /// Wakes the timer: there is an earlier deadline, or the last handle is gone.
    rearm: Arc<Notify>,
}

impl<B: Broker> Clone for Served<B> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<B: Broker> Drop for Inner<B> {
    fn drop(&mut self) {
        self.rearm.notify_one();
    }
}

impl<B: Broker> Served<B> {
    /// Serves a broker. `observer` sees every event, in order.
    pub fn new(broker: B, clock: Clock, observer: impl Observer + Send + 'static) -> Self {
        Self {
            shared: Arc::new(Inner {
                core: Mutex::new(Core::new(broker)),
                showing: Showing::new(Box::new(observer)),
                closing: AtomicBool::new(false),
                clock,
                rearm: Arc::default(),
            }),
        }
    }

    /// Begins a process's next life, with a new connection.
    pub fn connect(&self, process: ProcessId) -> LiveLink<B> {
        let link = |client| LiveLink::new(self.clone(), client);
        self.shared.make(|core| core.connect(process), link)
    }

    /// Marks a process without a connection as busy: one that is down and will come back.
    pub fn busy(&self) -> Busy<B> {
        self.shared.make(|core| core.occupy(true), |()| Busy::of(self.clone()))
    }

    /// Its clock.
    pub fn clock(&self) -> Clock {
        self.shared.clock
    }

    /// Records an event, now.
    pub fn record(&self, kind: Kind) {
        self.with(|core| core.record(kind));
    }

    /// Records that a phase begins.
    pub fn enter(&self, phase: Phase) {
        self.record(Kind::Entered { phase });
    }

    /// Asks every client to stop: a subscription reports it at its next poll.
    pub fn close(&self) {
        self.shared.closing.store(true, Ordering::Release);
        self.with(Core::wake_all);
    }

    /// Whether clients are asked to stop.
    pub fn is_closing(&self) -> bool {
        self.shared.closing.load(Ordering::Acquire)
    }

    /// Waits until nothing will happen any more by itself: every client waits for a message, none
    /// sleeps or processes one, and no lease or session runs. Producers must have dropped their
    /// links, and no client may be stalled: a stalled client looks as if it waited.
    ///
    /// Between two of its actions a client is invisible, so this looks twice, some time apart.
    /// Needs a tokio runtime with time.
    pub async fn rest(&self) {
        let mut before = None;
        loop {
            let rests = self.with(|core| core.at_rest());
            if rests.is_some() && rests == before {
                return;
            }
            before = rests;
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    /// Records what is left in the broker, independently of any client.
    pub fn audit(&self) {
        self.with(Core::audit);
    }

    /// Restarts the broker: it forgets what was in flight and keeps what it has stored.
    pub fn restart(&self) {
        self.with(Core::restart);
    }

    /// Makes the group of a subscription rebalance, if there are groups.
    pub fn rebalance(&self, subscription: SubscriptionId) {
        self.with(|core| core.rebalance(subscription));
    }

    /// Looks at the broker itself, under the lock: `look` must not use the served broker.
    pub fn look<R>(&self, look: impl FnOnce(&B) -> R) -> R {
        self.with(|core| look(&core.broker))
    }

    /// Runs the timer for leases, sessions and deadlines. Ends when every other handle to the
    /// broker is dropped. It is a call too: if the observer panics there, it panics, and no timer
    /// runs until it is called again.
    pub fn keep_time(&self) -> impl Future<Output = ()> + use<B> {
        keep_time(Arc::downgrade(&self.shared), Arc::clone(&self.shared.rearm), self.shared.clock)
    }

    /// The same on its own thread, for programs without a runtime.
    ///
    /// # Errors
    /// The operating system provides no thread or no timer.
    pub fn keep_time_on_a_thread(&self) -> std::io::Result<thread::JoinHandle<()>>
    where
        B: Send + 'static,
        B::Request: Send,
        B::Response: Send,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let keep_time = self.keep_time();
        thread::Builder::new()
            .name("entrega-timer".to_owned())
            .spawn(move || runtime.block_on(keep_time))
    }

    /// Does something under the lock, at the current time; wakes the tasks concerned afterwards.
    pub(crate) fn with<R>(&self, act: impl FnOnce(&mut Core<B>) -> R) -> R {
        self.shared.with(act)
    }

    /// Starts a call. If code of a user panics, the call is forgotten: nobody knows its name.
    pub(crate) fn start(&self, start: impl FnOnce(&mut Core<B>) -> CallId) -> CallId {
        self.shared.make(start, |call| Started { served: self, call: Some(call) }).take()
    }

    /// Takes the answer of a call, or wakes the task when there is one. If code of a user panics,
    /// the call is as it was: an answer is taken when everything before it is shown.
    pub(crate) fn poll_answer(
        &self,
        call: CallId,
        waker: Waker,
    ) -> Poll<Result<B::Response, Unanswered>> {
        let polled = self.with(|core| {
            if core.runs_code() && core.is_answered(call) {
                return Err(waker);
            }
            Ok(core.poll_answer(call, waker))
        });
        polled.unwrap_or_else(|waker| self.shared.take_answer(call, waker))
    }
}

impl<B: Broker> Inner<B> {
    fn with<R>(&self, act: impl FnOnce(&mut Core<B>) -> R) -> R {
        self.make(act, |result| result)
    }

    /// The same, and makes something of the result before code of a user runs. If that panics, it
    /// is dropped, and so undoes what was begun.
    fn make<R, T>(&self, act: impl FnOnce(&mut Core<B>) -> R, make: impl FnOnce(R) -> T) -> T {
        let mut core = self.lock();
        core.come_to(self.clock.now());
        let result = act(&mut core);
        let has_events = core.has_events();
        let (woken, forgotten) = (core.take_woken(), core.take_forgotten());
        let due = core.due();
        let rearms = due < core.armed;
        core.armed = core.armed.min(due);
        drop(core);
        let (made, waking) = (make(result), Waking(woken));
        if rearms {
            self.rearm.notify_one();
        }
        if has_events {
            self.showing.show(|| self.lock().take_events());
        }
        drop((waking, forgotten));
        made
    }

    /// Takes an answer before which everything is shown.
    fn take_answer(&self, call: CallId, waker: Waker) -> Poll<Result<B::Response, Unanswered>> {
        let mut core = self.lock();
        let answer = core.poll_answer(call, waker);
        let forgotten = core.take_forgotten();
        drop((core, forgotten));
        answer
    }

    /// A panic under the lock, of a closure that looks, leaves the broker intact, and it goes on.
    fn lock(&self) -> MutexGuard<'_, Core<B>> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until when the timer may sleep.
    fn arm(&self) -> Instant {
        self.with(|core| {
            core.armed = core.due();
            core.armed
        })
    }
}

/// A call whose name its caller does not know yet.
struct Started<'a, B: Broker> {
    served: &'a Served<B>,
    call: Option<CallId>,
}

impl<B: Broker> Started<'_, B> {
    fn take(mut self) -> CallId {
        self.call.take().expect("it is taken once")
    }
}

impl<B: Broker> Drop for Started<'_, B> {
    fn drop(&mut self) {
        if let Some(call) = self.call {
            self.served.with(|core| core.forget(call));
        }
    }
}

/// Tasks to wake, whatever happens before.
struct Waking(Vec<Waker>);

impl Drop for Waking {
    fn drop(&mut self) {
        wake_all(std::mem::take(&mut self.0));
    }
}

async fn keep_time<B: Broker>(served: Weak<Inner<B>>, rearm: Arc<Notify>, clock: Clock) {
    while let Some(until) = served.upgrade().map(|served| served.arm()) {
        tokio::select! {
            () = clock.sleep_until(until) => {}
            () = rearm.notified() => {}
        }
    }
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod user_code;
