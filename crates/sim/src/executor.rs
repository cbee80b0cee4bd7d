//! The executor: one thread, one future for each process, virtual time.
//!
//! A process is a factory of futures. To start it is to call the factory under a new incarnation;
//! to crash it is to drop the future. Tasks run while any is ready; then time jumps to what is due
//! next. Wakers are real, one for each process, so foreign futures may be awaited too.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use entrega_brokers::Broker;
use entrega_clients::Stop;
use entrega_model::{ClientId, Observer, ProcessId};

use crate::misbehaviour::{MOST_AT_ONE_INSTANT, Misdeed};
use crate::world::{BATCH, Routed, Task, World};

/// What a process runs in one of its lives.
pub(crate) type Life<'a> = Pin<Box<dyn Future<Output = Result<(), Stop>> + 'a>>;

/// Makes the next life of any process.
pub(crate) type Factory<'a> = &'a dyn Fn(ClientId) -> Life<'a>;

/// Runs the processes of one world.
pub(crate) struct Executor<'a, B: Broker> {
    world: Rc<RefCell<World<B>>>,
    factory: Factory<'a>,
    seats: Vec<Seat<'a>>,
    wakers: &'a Wakers,
}

/// What is needed to poll a process.
struct Seat<'a> {
    life: Option<Life<'a>>,
    waker: Waker,
}

/// Passes the events to the observer.
#[cold]
fn pass_events<B: Broker>(world: &mut World<B>, observer: &mut dyn Observer) {
    observer.observe(&world.events);
    world.events.clear();
}

/// The waker of a process: it may be called from anywhere, so it only raises flags.
struct WakeFlag {
    woken: AtomicBool,
    any_woken: Arc<AtomicBool>,
}

impl Wake for WakeFlag {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.woken.store(true, Ordering::Relaxed);
        self.any_woken.store(true, Ordering::Release);
    }
}

/// The wakers of a world's processes.
pub(crate) struct Wakers {
    flags: Vec<Arc<WakeFlag>>,
    any_woken: Arc<AtomicBool>,
}

impl Wakers {
    pub(crate) fn new(processes: usize) -> Self {
        let any_woken = Arc::new(AtomicBool::new(false));
        let flag = || WakeFlag { woken: AtomicBool::new(false), any_woken: Arc::clone(&any_woken) };
        let flags = (0..processes).map(|_| Arc::new(flag())).collect();
        Self { flags, any_woken }
    }

    /// One for each process.
    pub(crate) fn wakers(&self) -> impl Iterator<Item = Waker> {
        self.flags.iter().map(|flag| Waker::from(Arc::clone(flag)))
    }

    /// Whether no one but a world that has one of each can call them; then none of them has been
    /// called since, either.
    pub(crate) fn are_at_rest(&self) -> bool {
        let is_raised = |flag: &Arc<WakeFlag>| flag.woken.load(Ordering::Relaxed);
        !self.any_woken.load(Ordering::Acquire)
            && self.flags.iter().all(|flag| Arc::strong_count(flag) == 2 && !is_raised(flag))
    }
}

impl<'a, B: Broker> Executor<'a, B>
where
    B::Request: Routed,
{
    /// An executor in which every process is about to be started.
    pub(crate) fn new(
        world: Rc<RefCell<World<B>>>,
        factory: Factory<'a>,
        wakers: &'a Wakers,
    ) -> Self {
        let seat = |waker| Seat { life: None, waker };
        let seats = wakers.wakers().map(seat).collect();
        Self { world, factory, seats, wakers }
    }

    /// Runs every process that is ready, until none is or one spins.
    #[inline(always)]
    pub(crate) fn run_ready(&mut self) {
        for _ in 0..MOST_AT_ONE_INSTANT {
            self.collect_woken();
            let next = self.world.borrow_mut().next_task();
            match next {
                Task::Run(process) => self.run(process),
                Task::ChangeLives => self.change_lives(),
                Task::None => return,
            }
        }
        self.spins();
    }

    /// Processes are ready again and again at one instant.
    #[cold]
    fn spins(&mut self) {
        let mut world = self.world.borrow_mut();
        let busiest = world.busiest();
        world.misbehaves(busiest, Misdeed::Spins);
    }

    /// Lets the next due thing happen in the executor's world, or, if `on`, one after another until
    /// a process is ready or a bound is reached. `false` if nothing can happen any more.
    #[inline(always)]
    pub(crate) fn advance(
        &mut self,
        world: &mut World<B>,
        observer: &mut dyn Observer,
        on: bool,
    ) -> bool {
        if world.events.len() >= BATCH {
            pass_events(world, observer);
        }
        loop {
            world.steps += 1;
            let went_on = world.step();
            if world.has_task() {
                return true;
            }
            if !went_on || !on || world.is_out_of_bounds() {
                return went_on;
            }
        }
    }

    /// Passes the events to the observer if there are at least `batch`.
    pub(crate) fn flush(&mut self, observer: &mut dyn Observer, batch: usize) {
        let mut world = self.world.borrow_mut();
        if world.events.len() >= batch {
            pass_events(&mut world, observer);
        }
    }

    /// Polls a process once.
    #[inline(always)]
    fn run(&mut self, id: ProcessId) {
        let seat = &mut self.seats[id.index()];
        let Some(life) = &mut seat.life else { return };
        if let Poll::Ready(result) = life.as_mut().poll(&mut Context::from_waker(&seat.waker)) {
            self.ended(id, result);
        }
    }

    /// A process has come to its end.
    #[cold]
    fn ended(&mut self, id: ProcessId, result: Result<(), Stop>) {
        self.seats[id.index()].life = None;
        let mut world = self.world.borrow_mut();
        if world.processes[id.index()].is_running() {
            let is_producer = world.processes[id.index()].role.is_producer();
            match result {
                Err(Stop::Unsupported) => world.misbehaves(id, Misdeed::Unsupported),
                Ok(()) if !is_producer && !world.is_stopping(id) => world.left(id),
                _ => {}
            }
            world.exited(id, result.is_err());
        }
    }

    /// Drops the futures of crashed processes and starts new lives, outside of every borrow.
    #[cold]
    fn change_lives(&mut self) {
        let next_dying = || self.world.borrow_mut().next_dying();
        while let Some(dead) = next_dying() {
            self.seats[dead.index()].life = None;
        }
        let next_started = || self.world.borrow_mut().next_started();
        while let Some(client) = next_started() {
            self.seats[client.process.index()].life = Some((self.factory)(client));
        }
    }

    /// Takes note of wakers that were called from outside of the world.
    #[inline]
    fn collect_woken(&mut self) {
        if self.wakers.any_woken.load(Ordering::Relaxed) {
            self.wake_woken();
        }
    }

    #[cold]
    fn wake_woken(&mut self) {
        if !self.wakers.any_woken.swap(false, Ordering::Acquire) {
            return;
        }
        for (number, flag) in self.wakers.flags.iter().enumerate() {
            if flag.woken.swap(false, Ordering::Relaxed) {
                self.world.borrow_mut().wake(ProcessId(number as u16));
            }
        }
    }
}
