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

use crate::world::{Routed, Task, World};

/// What a process runs in one of its lives.
pub(crate) type Life<'a> = Pin<Box<dyn Future<Output = Result<(), Stop>> + 'a>>;

/// Makes the next life of a process.
pub(crate) type Factory<'a> = Box<dyn Fn(ClientId) -> Life<'a> + 'a>;

/// Events are handed to the observer in batches of about this many.
const BATCH: usize = 256;

/// Runs the processes of one world.
pub(crate) struct Executor<'a, B: Broker> {
    world: Rc<RefCell<World<B>>>,
    factories: Vec<Factory<'a>>,
    lives: Vec<Option<Life<'a>>>,
    wakers: Vec<Waker>,
    wakes: Vec<Arc<WakeFlag>>,
    any_woken: Arc<AtomicBool>,
    pub(crate) steps: u64,
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

/// The wakers of a world's processes, to be made before the world.
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

    pub(crate) fn wakers(&self) -> Vec<Waker> {
        self.flags.iter().map(|flag| Waker::from(Arc::clone(flag))).collect()
    }
}

impl<'a, B: Broker> Executor<'a, B>
where
    B::Request: Routed,
{
    /// An executor in which every process is about to be started.
    pub(crate) fn new(
        world: Rc<RefCell<World<B>>>,
        factories: Vec<Factory<'a>>,
        wakers: Wakers,
    ) -> Self {
        let lives = factories.iter().map(|_| None).collect();
        let all = wakers.wakers();
        let Wakers { flags, any_woken } = wakers;
        Self { world, factories, lives, wakers: all, wakes: flags, any_woken, steps: 0 }
    }

    /// Runs what is ready, then lets the next due thing happen. `false` if nothing can happen any
    /// more.
    pub(crate) fn step(&mut self, observer: &mut dyn Observer) -> bool {
        self.run_ready();
        self.advance(observer)
    }

    /// Runs every process that is ready.
    pub(crate) fn run_ready(&mut self) {
        loop {
            self.collect_woken();
            let next = self.world.borrow_mut().next_task();
            match next {
                Task::Run(process) => self.run(process),
                Task::ChangeLives => self.change_lives(),
                Task::None => return,
            }
        }
    }

    /// Lets the next due thing happen. `false` if nothing can happen any more.
    pub(crate) fn advance(&mut self, observer: &mut dyn Observer) -> bool {
        self.flush(observer, BATCH);
        self.steps += 1;
        let mut world = self.world.borrow_mut();
        world.step() || world.has_task()
    }

    /// Hands the events to the observer if there are at least `batch`.
    pub(crate) fn flush(&mut self, observer: &mut dyn Observer, batch: usize) {
        let mut world = self.world.borrow_mut();
        if world.events.len() >= batch {
            observer.observe(&world.events);
            world.events.clear();
        }
    }

    /// Polls a process once.
    fn run(&mut self, id: ProcessId) {
        let Some(life) = &mut self.lives[id.index()] else { return };
        let mut cx = Context::from_waker(&self.wakers[id.index()]);
        let Poll::Ready(result) = life.as_mut().poll(&mut cx) else { return };
        self.lives[id.index()] = None;
        let mut world = self.world.borrow_mut();
        if world.processes[id.index()].is_running() {
            world.exited(id, result.is_err());
        }
    }

    /// Drops the futures of crashed processes and starts new lives, outside of every borrow.
    #[cold]
    fn change_lives(&mut self) {
        let (dying, starting) = self.world.borrow_mut().take_life_changes();
        for dead in dying {
            self.lives[dead.index()] = None;
        }
        for next in starting {
            let client = self.world.borrow_mut().started(next);
            self.lives[next.index()] = Some((self.factories[next.index()])(client));
        }
    }

    /// Takes note of wakers that were called by somebody else than the world.
    fn collect_woken(&mut self) {
        if !self.any_woken.load(Ordering::Relaxed) || !self.any_woken.swap(false, Ordering::Acquire)
        {
            return;
        }
        for (number, flag) in self.wakes.iter().enumerate() {
            if flag.woken.swap(false, Ordering::Relaxed) {
                self.world.borrow_mut().wake(ProcessId(number as u16));
            }
        }
    }
}
