//! Processes: what runs, what is down and what stands still.

use std::task::Waker;

use entrega_choice::{Point, mix};
use entrega_clients::Shutdown;
use entrega_model::fingerprint::{Context, Fingerprint, Name};
use entrega_model::{ClientId, Incarnation, Instant, MessageId, ProcessId};
use entrega_scenario::Role;
use entrega_scenario::points::{Fault, own_point};

/// A producer or a consumer instance, as the world sees it.
pub(crate) struct Process {
    pub(crate) id: ProcessId,
    pub(crate) incarnation: Incarnation,
    pub(crate) state: State,
    /// Its present life is asked to stop, and what its library does first.
    pub(crate) shutdown: Option<Shutdown>,
    /// It goes for good, until the scenario has it join again.
    pub(crate) leaves: bool,
    /// How often it has stalled for a span.
    pub(crate) stalls: u64,
    /// It is on the list of those to run.
    pub(crate) ready: bool,
    /// How often it has run.
    pub(crate) polls: u64,
    /// Wakes it; futures that are polled under another waker are woken by that one too.
    pub(crate) waker: Waker,
    /// Wakers of futures inside it that are polled under a waker of their own.
    pub(crate) guests: Vec<Waker>,
    /// The message that it last sent or settled, which a fault is said to concern.
    pub(crate) concern: Option<MessageId>,
    /// When its latest request and its latest answer arrive, so that a link with jitter keeps its
    /// order.
    pub(crate) last_arrivals: [Instant; 2],
    /// What it does. Set when a world begins.
    pub(crate) role: Role,
    /// Where it is chosen whether it is asked to stop. Set with the role.
    pub(crate) stop_point: Point,
    /// What its present life has learnt.
    pub(crate) memory: Memory,
    /// How many legs it has sent in each direction, on links with jitter.
    pub(crate) legs: [u64; 2],
    /// How many of its polls in a row have found nothing until their deadlines.
    pub(crate) idles: u8,
}

/// In an exploration, what a life has learnt since it began. Its future is a function of this, so
/// it stands for the future in a fingerprint of the world.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// Of every answer, clock reading and choice, in their order, without the names and times in
    /// them.
    pub(crate) digest: u64,
    /// Those names and times.
    pub(crate) names: Vec<Name>,
    /// When it last read a clock. A reading enters the digest as the time since the one before, so
    /// all of them follow from the last one.
    pub(crate) last_reading: Option<Instant>,
}

/// What a process remembers of a clock that it has read, with the time since the reading before.
const CLOCK: u64 = 4;

/// Whether a process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Not started yet, or between a crash and the restart.
    Down,
    /// Up and running.
    Running,
    /// Up, and nothing in it moves.
    Stalled,
    /// Ended for good.
    Finished,
}

impl Memory {
    /// Nothing is known; the names keep their memory.
    fn clear(&mut self) {
        let Self { digest, names, last_reading } = self;
        *digest = 0;
        names.clear();
        *last_reading = None;
    }
}

impl Process {
    pub(crate) fn new(id: ProcessId, waker: Waker) -> Self {
        Self {
            id,
            incarnation: Incarnation(0),
            state: State::Down,
            shutdown: None,
            leaves: false,
            stalls: 0,
            ready: false,
            polls: 0,
            waker,
            guests: Vec::new(),
            concern: None,
            last_arrivals: [Instant::START; 2],
            role: Role::Producer { number: 1 },
            stop_point: stop_point(Role::Producer { number: 1 }),
            memory: Memory::default(),
            legs: [0; 2],
            idles: 0,
        }
    }

    /// What it does from now on.
    pub(crate) fn take_role(&mut self, role: Role) {
        self.role = role;
        self.stop_point = stop_point(role);
    }

    /// It was never started. Who it is stays; its role is set when a world begins.
    pub(crate) fn clear(&mut self) {
        let Self {
            id: _,
            incarnation,
            state,
            shutdown,
            leaves,
            stalls,
            ready,
            polls,
            waker: _,
            guests,
            concern,
            last_arrivals,
            role: _,
            stop_point: _,
            memory,
            legs,
            idles,
        } = self;
        *incarnation = Incarnation(0);
        *state = State::Down;
        *shutdown = None;
        *leaves = false;
        *stalls = 0;
        *ready = false;
        *polls = 0;
        guests.clear();
        *concern = None;
        *last_arrivals = [Instant::START; 2];
        memory.clear();
        *legs = [0; 2];
        *idles = 0;
    }

    /// Its connection in its present life.
    pub(crate) fn client(&self) -> ClientId {
        ClientId { process: self.id, incarnation: self.incarnation }
    }

    /// The process runs: so do the futures in it that have wakers of their own.
    #[inline]
    pub(crate) fn wake_guests(&mut self) {
        if !self.guests.is_empty() {
            self.guests.drain(..).for_each(Waker::wake);
        }
    }

    /// Its life has learnt something.
    pub(crate) fn remember(&mut self, words: &[u64]) {
        self.memory.digest = mix(self.memory.digest, words);
    }

    /// A life begins, and knows nothing.
    pub(crate) fn forget(&mut self) {
        self.memory.clear();
    }

    /// It has read a clock.
    pub(crate) fn remember_reading(&mut self, now: Instant) {
        let before = self.memory.last_reading.replace(now);
        let since = before.map_or(u64::MAX, |before| now.since(before).as_nanos());
        self.remember(&[CLOCK, since]);
    }

    /// Its life has learnt what `content` enters.
    pub(crate) fn remember_content(&mut self, content: impl FnOnce(&mut Fingerprint<'_>)) {
        let mut into = Fingerprint::collecting(Context::default(), &mut self.memory.names);
        if let Some(own) = self.role.subscription() {
            into.set_own(own);
        }
        content(&mut into);
        let digest = into.finish();
        self.remember(&[digest]);
    }

    /// Whether it is in the midst of a life, which has a future that knows something.
    pub(crate) fn is_alive(&self) -> bool {
        matches!(self.state, State::Running | State::Stalled)
    }

    pub(crate) fn is_running(&self) -> bool {
        self.state == State::Running
    }
}

/// The point at which it is chosen whether a process of this role is asked to stop.
fn stop_point(role: Role) -> Point {
    own_point(Fault::ProcessShutdown, role.subscription().unwrap_or_default())
}
