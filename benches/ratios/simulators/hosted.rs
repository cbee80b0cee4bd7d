//! Broker, strategy and checker of this project in a world that somebody else's runtime drives:
//! what the simulators on tokio and on turmoil share. They differ in how a request or a response
//! travels.
//!
//! Requests and answers stay in one table; what travels is a number. That is less than a real
//! application would put on the wire, in favour of the other side.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::Waker;

use entrega_brokers::Broker;
use entrega_checker::{Checker, Config, Report};
use entrega_clients::Subscription;
use entrega_clients::application::GiveBack;
use entrega_clients::producers::Publisher;
use entrega_model::event::Phase;
use entrega_model::{ClientId, Event, Instant, Kind, Observer};
use tokio::sync::Notify;
use tokio::time::{self, Instant as Time};

use super::workload::Job;

mod application;
mod link;
mod sides;

pub(crate) use application::{consume, produce};
pub(crate) use link::HostedLink;
pub(crate) use sides::{Log, Queue};

/// Events are handed to the checker in batches of about this many.
const BATCH: usize = 256;

/// The side of a comparison: a broker with its client library.
pub(crate) trait Side: 'static {
    type Broker: Broker<Request: 'static, Response: 'static> + 'static;
    fn broker() -> Self::Broker;
    fn publisher<N: Net<Self>>(link: HostedLink<Self, N>) -> impl Publisher
    where
        Self: Sized;
    fn inbox<N: Net<Self>>(link: HostedLink<Self, N>) -> impl Subscription + GiveBack
    where
        Self: Sized;
}

/// How calls travel.
pub(crate) trait Net<S: Side>: Clone + 'static {
    /// A call sets out to the broker.
    fn request(&self, call: u32);
}

/// What is in the world.
pub(crate) struct World<S: Side> {
    broker: S::Broker,
    parked: VecDeque<u32>,
    calls: Vec<Call<S::Broker>>,
    free: Vec<u32>,
    /// Calls that were answered, and whose answers set out now.
    pub(crate) outbox: Vec<(ClientId, u32)>,
    events: Vec<Event>,
    checker: Checker,
    deliveries: u32,
    affected: Vec<bool>,
    missing: usize,
    began: Time,
    /// When the broker's timer goes off.
    armed: Option<Instant>,
}

/// A call from its start until its answer is taken.
struct Call<B: Broker> {
    client: ClientId,
    request: Option<B::Request>,
    answer: Option<B::Response>,
    arrived: bool,
    forgotten: bool,
    waker: Option<Waker>,
}

/// The world and who waits for it.
pub(crate) struct Hosted<S: Side> {
    pub(crate) world: RefCell<World<S>>,
    /// The broker's deadline has moved forward.
    pub(crate) timer: Notify,
    /// Every message has had its effect.
    pub(crate) done: Notify,
}

impl<S: Side> Hosted<S> {
    pub(crate) fn new(job: &Job) -> Rc<Self> {
        let world = World {
            broker: S::broker(),
            parked: VecDeque::new(),
            calls: Vec::new(),
            free: Vec::new(),
            outbox: Vec::new(),
            events: Vec::with_capacity(2 * BATCH),
            checker: job.checker(),
            deliveries: 0,
            affected: vec![false; job.messages()],
            missing: job.messages(),
            began: Time::now(),
            armed: None,
        };
        let hosted = Self { world: RefCell::new(world), timer: Notify::new(), done: Notify::new() };
        hosted.world.borrow_mut().record(Kind::Entered { phase: Phase::Workload });
        Rc::new(hosted)
    }

    /// A request arrives at the broker. Whoever calls this sends what is in the outbox.
    pub(crate) fn arrive(&self, call: u32) {
        let mut world = self.world.borrow_mut();
        if (call as usize) < world.calls.len() {
            world.offer(call);
        }
        world.offer_parked();
        self.arm(&mut world);
    }

    /// An answer arrives at its caller.
    pub(crate) fn arrived(&self, call: u32) {
        let mut world = self.world.borrow_mut();
        let one = &mut world.calls[call as usize];
        one.arrived = true;
        match (one.forgotten, one.waker.take()) {
            (true, _) => world.release(call),
            (false, Some(waker)) => waker.wake(),
            (false, None) => {}
        }
    }

    /// A consumer has crashed. Whoever calls this sends what is in the outbox.
    fn crashed(&self, client: ClientId) {
        let mut world = self.world.borrow_mut();
        world.crashed(client);
        self.arm(&mut world);
    }

    fn arm(&self, world: &mut World<S>) {
        let next = world.broker.next_deadline();
        if next.is_some_and(|next| world.armed.is_none_or(|armed| next < armed)) {
            world.armed = next;
            self.timer.notify_one();
        }
    }

    /// Lets the broker do what is due, for ever. `send` empties the outbox.
    pub(crate) async fn run_timer(&self, send: impl Fn()) {
        loop {
            let (armed, began) = {
                let world = self.world.borrow();
                (world.armed, world.began)
            };
            let Some(at) = armed else {
                self.timer.notified().await;
                continue;
            };
            let due = began + std::time::Duration::from_nanos(at.as_nanos());
            tokio::select! {
                () = time::sleep_until(due) => {
                    let mut world = self.world.borrow_mut();
                    world.advance();
                    world.armed = world.broker.next_deadline();
                    drop(world);
                    send();
                }
                () = self.timer.notified() => {}
            }
        }
    }

    /// Ends the world and judges what happened.
    pub(crate) fn finish(&self, job: &Job) -> Report {
        let mut world = self.world.borrow_mut();
        for phase in [Phase::Heal, Phase::Drain, Phase::Quiescent, Phase::Audit] {
            world.record(Kind::Entered { phase });
        }
        let now = world.now();
        let World { broker, events, checker, .. } = &mut *world;
        broker.audit(now, events);
        checker.observe(events);
        job.judge(std::mem::replace(checker, Checker::new(Config::default())))
    }
}

impl<S: Side> World<S> {
    fn now(&self) -> Instant {
        Instant::from_nanos(self.began.elapsed().as_nanos() as u64)
    }

    fn record(&mut self, kind: Kind) {
        let at = self.now();
        self.events.push(Event { at, kind });
        if self.events.len() >= BATCH {
            self.checker.observe(&self.events);
            self.events.clear();
        }
    }

    fn insert(&mut self, client: ClientId, request: <S::Broker as Broker>::Request) -> u32 {
        let call = Call {
            client,
            request: Some(request),
            answer: None,
            arrived: false,
            forgotten: false,
            waker: None,
        };
        match self.free.pop() {
            Some(free) => {
                self.calls[free as usize] = call;
                free
            }
            None => {
                self.calls.push(call);
                self.calls.len() as u32 - 1
            }
        }
    }

    fn release(&mut self, call: u32) {
        self.calls[call as usize].answer = None;
        self.free.push(call);
    }

    fn offer(&mut self, id: u32) {
        let now = self.now();
        let call = &mut self.calls[id as usize];
        let Some(request) = &mut call.request else { return };
        match self.broker.handle(now, call.client, request, &mut self.events) {
            Some(answer) => {
                (call.request, call.answer) = (None, Some(answer));
                self.outbox.push((call.client, id));
            }
            None => self.parked.push_back(id),
        }
    }

    fn offer_parked(&mut self) {
        while self.broker.take_changed() {
            for _ in 0..self.parked.len() {
                let Some(next) = self.parked.pop_front() else { break };
                self.offer(next);
            }
        }
    }

    fn advance(&mut self) {
        let now = self.now();
        self.broker.advance(now, &mut self.events);
        self.offer_parked();
    }

    fn crashed(&mut self, client: ClientId) {
        let ClientId { process, incarnation } = client;
        self.record(Kind::Crashed { process, incarnation });
        let now = self.now();
        self.broker.disconnected(now, client, &mut self.events);
        self.offer_parked();
    }
}
