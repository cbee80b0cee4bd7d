//! Processes: what runs, what is down and what stands still.

use std::task::Waker;

use entrega_model::{ClientId, Incarnation, Instant, MessageId, ProcessId};

/// A producer or a consumer instance, as the world sees it.
pub(crate) struct Process {
    pub(crate) id: ProcessId,
    pub(crate) incarnation: Incarnation,
    pub(crate) state: State,
    /// It is on the list of those to run.
    pub(crate) ready: bool,
    /// Wakes it; futures that are polled under another waker are woken by that one too.
    pub(crate) waker: Waker,
    /// Wakers of futures inside it that are polled under a waker of their own.
    pub(crate) guests: Vec<Waker>,
    /// The message that it last sent or settled, to tell a story by.
    pub(crate) concern: Option<MessageId>,
    /// When its latest request and its latest answer arrive, so that a link with jitter keeps its
    /// order.
    pub(crate) last_arrivals: [Instant; 2],
    /// How many legs it has sent in each direction, on links with jitter.
    pub(crate) legs: [u64; 2],
}

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

impl Process {
    pub(crate) fn new(id: ProcessId, waker: Waker) -> Self {
        Self {
            id,
            incarnation: Incarnation(0),
            state: State::Down,
            ready: false,
            waker,
            guests: Vec::new(),
            concern: None,
            last_arrivals: [Instant::START; 2],
            legs: [0; 2],
        }
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

    pub(crate) fn is_running(&self) -> bool {
        self.state == State::Running
    }
}
