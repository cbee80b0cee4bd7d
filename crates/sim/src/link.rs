//! A process's way to the world: the simulator's implementation of the client library's [`Context`]
//! and [`Link`].

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{self, Poll};

use entrega_brokers::Broker;
use entrega_clients::{CallId, Called, Context, Link, Shutdown, Unanswered};
use entrega_model::fingerprint::Fingerprinted;
use entrega_model::{ClientId, DeliveryId, Instant, Kind, ProcessId};

use crate::world::{HoldId, PollId, Routed, World};

/// The link of one process in one of its lives.
pub(crate) struct SimLink<B: Broker> {
    pub(crate) world: Rc<RefCell<World<B>>>,
    pub(crate) client: ClientId,
    /// The application keeps nothing from one delivery to the next.
    pub(crate) forgets: bool,
    /// The process waits for one thing at a time, so nothing else in it has a turn meanwhile.
    pub(crate) alone: bool,
}

impl<B: Broker> Clone for SimLink<B> {
    fn clone(&self) -> Self {
        Self { world: Rc::clone(&self.world), ..*self }
    }
}

impl<B: Broker> Context for SimLink<B>
where
    B::Request: Routed,
{
    #[inline]
    fn process(&self) -> ProcessId {
        self.client.process
    }

    #[inline]
    fn now(&self) -> Instant {
        self.world.borrow_mut().read_clock(self.client.process)
    }

    #[inline]
    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> {
        self.sleep(at, Wake::Poll)
    }

    #[inline]
    async fn idle_until(&self, at: Instant) {
        if self.world.borrow().idle.may_sleep {
            IdlePoll { link: self, until: at, waits: None, at_once: None }.await;
        } else {
            self.sleep(at, Wake::Poll).await;
        }
    }

    #[inline]
    fn is_closing(&self) -> bool {
        self.world.borrow().is_stopping(self.client.process)
    }

    #[inline(always)]
    fn shutdown(&self, may_abandon: impl FnOnce() -> bool) -> Option<Shutdown> {
        self.world.borrow_mut().shutdown(self.client.process, may_abandon)
    }

    #[inline]
    fn is_running(&self) -> bool {
        self.world.borrow_mut().may_go_on(self.client)
    }

    #[inline]
    fn remembers(&self, all: &dyn Fingerprinted) {
        if self.forgets {
            self.world.borrow_mut().forget_all_but(self.client.process, all);
        }
    }

    #[inline(always)]
    fn record(&self, kind: Kind) {
        self.world.borrow_mut().record(kind);
    }

    #[inline]
    fn next_delivery(&self) -> DeliveryId {
        self.world.borrow_mut().next_delivery(self.client.process)
    }
}

impl<B: Broker> Link for SimLink<B>
where
    B::Request: Routed,
{
    type Request = B::Request;
    type Response = B::Response;

    #[inline]
    fn start(&self, request: Self::Request) -> CallId {
        self.world.borrow_mut().call_broker(self.client, request)
    }

    #[inline]
    fn ask(&self, request: Self::Request) -> Called<Self::Response> {
        let mut world = self.world.borrow_mut();
        if self.alone {
            world.ask_broker(self.client, request)
        } else {
            Called::Open(world.call_broker(self.client, request))
        }
    }

    #[inline]
    fn poll_answer(
        &self,
        call: CallId,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<Self::Response, Unanswered>> {
        let mut world = self.world.borrow_mut();
        if world.waits(self.client.process, call, cx) {
            Poll::Pending
        } else {
            Poll::Ready(world.take_response(self.client.process, call))
        }
    }

    fn forget(&self, call: CallId) {
        self.world.borrow_mut().forget_call(call);
    }
}

/// A poll that is answered at its deadline, or later if nothing else happens before.
struct IdlePoll<'a, B: Broker>
where
    B::Request: Routed,
{
    link: &'a SimLink<B>,
    until: Instant,
    waits: Option<PollId>,
    /// Its time had come at once, and an exploration has been asked what comes first.
    at_once: Option<AtOnce>,
}

impl<B: Broker> Future for IdlePoll<'_, B>
where
    B::Request: Routed,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<()> {
        let SimLink { world, client, .. } = self.link;
        let mut world = world.borrow_mut();
        let is_running = world.processes[client.process.index()].is_running();
        let is_over = match self.waits {
            _ if !is_running => false,
            None if world.now >= self.until => {
                let first = self.at_once.get_or_insert_with(|| AtOnce::of(&mut world, *client));
                first.is_over(&world)
            }
            None => false,
            Some(poll) => world.ends_idle(poll),
        };
        if is_over {
            self.waits = None;
            world.remember(client.process, &[AWAKE]);
            return Poll::Ready(());
        }
        if self.waits.is_none() && self.at_once.is_none() {
            self.waits = Some(world.begin_poll(*client, self.until));
        }
        drop(world);
        self.link.watch(cx);
        Poll::Pending
    }
}

impl<B: Broker> Drop for IdlePoll<'_, B>
where
    B::Request: Routed,
{
    fn drop(&mut self) {
        if let Some(poll) = self.waits {
            self.link.world.borrow_mut().forget_poll(poll);
        }
    }
}

/// What a sleep waits with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wake {
    /// A wake-up that is armed already.
    Armed,
    /// One of its own.
    Alone,
    /// The same, for a poll: what is on its way may come first.
    Poll,
}

/// A poll whose time has come at once: whether what is on its way comes first all the same.
enum AtOnce {
    GivesUp,
    Waits(HoldId),
}

impl AtOnce {
    fn of<B: Broker>(world: &mut World<B>, client: ClientId) -> Self
    where
        B::Request: Routed,
    {
        world.hold_poll(client).map_or(Self::GivesUp, Self::Waits)
    }

    fn is_over<B: Broker>(&self, world: &World<B>) -> bool
    where
        B::Request: Routed,
    {
        match *self {
            Self::GivesUp => true,
            Self::Waits(hold) => !world.is_held(hold),
        }
    }
}

/// What a process remembers of its life, if it knows which one it is.
const LIFE: u64 = 8;
/// What a process remembers of a sleep: that it is over.
const AWAKE: u64 = 1;

impl<B: Broker> SimLink<B>
where
    B::Request: Routed,
{
    /// Is ready when that time has come. Arms one wake-up at the first poll, unless it is armed.
    #[inline]
    pub(crate) fn sleep(&self, at: Instant, mut wake: Wake) -> impl Future<Output = ()> {
        let mut first = None;
        poll_fn(move |cx| {
            let mut world = self.world.borrow_mut();
            let process = &world.processes[self.client.process.index()];
            let is_over = process.is_running() && world.now >= at;
            if is_over && wake == Wake::Poll {
                wake = Wake::Armed;
                first = Some(AtOnce::of(&mut world, self.client));
            }
            if is_over && first.as_ref().is_none_or(|first| first.is_over(&world)) {
                world.remember(self.client.process, &[AWAKE]);
                return Poll::Ready(());
            }
            if wake != Wake::Armed {
                wake = Wake::Armed;
                world.wake_at(at, self.client);
            }
            drop(world);
            self.watch(cx);
            Poll::Pending
        })
    }

    /// Which life of the process this is. Who knows that goes on in another way in each.
    pub(crate) fn remember_life(&self) -> u32 {
        let life = self.client.incarnation.0;
        self.world.borrow_mut().remember(self.client.process, &[LIFE, life.into()]);
        life
    }

    /// A timer wakes the process. A future that is polled under a waker of its own (inside a
    /// foreign combinator) must be woken too, so it is woken whenever the process runs.
    #[inline]
    pub(crate) fn watch(&self, cx: &task::Context<'_>) {
        let mut world = self.world.borrow_mut();
        let process = &mut world.processes[self.client.process.index()];
        if !cx.waker().will_wake(&process.waker) {
            process.guests.push(cx.waker().clone());
        }
    }
}
