//! The calls of all clients between their start and their end.
//!
//! A call outlives its caller: once forgotten, it stays parked with the broker, and its answer is
//! dropped. A slot is free again when no caller waits for the answer and the broker does not have
//! it.

use std::task::Waker;

use entrega_brokers::Broker;
use entrega_clients::{CallId, Unanswered};
use entrega_model::{ClientId, Duration, Instant};

/// A call under way.
pub(super) struct Call<B: Broker> {
    pub(super) client: ClientId,
    pub(super) state: State<B>,
    /// The caller will ask for the answer.
    pub(super) awaited: bool,
    /// When it ends by itself: a parked request gets an empty answer, a lost one none.
    pub(super) until: Instant,
    /// Its answer will be lost; this is how long the caller waits for it.
    pub(super) loses_answer: Option<Duration>,
    /// The tasks to wake when there is an answer.
    pub(super) wakers: Vec<Waker>,
}

/// How far a call has come.
pub(super) enum State<B: Broker> {
    /// The broker keeps the request for later.
    Parked(B::Request),
    /// The answer, not taken yet.
    Answered(B::Response),
    /// No answer will come; the caller learns that when the call's time is up.
    Lost,
    /// The time is up.
    Unanswered,
    /// Over.
    Free,
}

impl<B: Broker> Call<B> {
    /// Wakes the task when there is an answer; gives the waker back if that is known. Several
    /// futures of one client may wait.
    pub(super) fn wakes(&mut self, waker: Waker) -> Option<Waker> {
        if self.wakers.iter().any(|known| known.will_wake(&waker)) {
            return Some(waker);
        }
        self.wakers.push(waker);
        None
    }
}

/// All calls, by slot.
pub(super) struct Calls<B: Broker> {
    slots: Vec<Call<B>>,
    free: Vec<u32>,
}

impl<B: Broker> Calls<B> {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }

    /// Opens a slot for a call of `client`.
    pub(super) fn open(&mut self, client: ClientId) -> CallId {
        let mut call = Call {
            client,
            state: State::Free,
            awaited: true,
            until: Instant::NEVER,
            loses_answer: None,
            wakers: Vec::new(),
        };
        if let Some(slot) = self.free.pop() {
            let before = &mut self.slots[slot as usize];
            call.wakers = std::mem::take(&mut before.wakers);
            *before = call;
            return CallId(slot);
        }
        self.slots.push(call);
        CallId(self.slots.len() as u32 - 1)
    }

    /// A call by the id that `open` returned.
    pub(super) fn get(&mut self, id: CallId) -> &mut Call<B> {
        &mut self.slots[id.0 as usize]
    }

    /// All that are not over.
    pub(super) fn open_ones(&self) -> impl Iterator<Item = &Call<B>> {
        self.slots.iter().filter(|call| !matches!(call.state, State::Free))
    }

    /// Those of a client that are not over.
    pub(super) fn of(&self, client: ClientId) -> Vec<CallId> {
        let slots = (0..).map(CallId).zip(&self.slots);
        let open = |call: &Call<B>| call.client == client && !matches!(call.state, State::Free);
        slots.filter(|(_, call)| open(call)).map(|(id, _)| id).collect()
    }

    /// All that are not over, mutably.
    pub(super) fn open_ones_mut(&mut self) -> impl Iterator<Item = &mut Call<B>> {
        self.slots.iter_mut().filter(|call| !matches!(call.state, State::Free))
    }

    /// Takes the answer, if there is one or will be none. The call is over then.
    pub(super) fn take(
        &mut self,
        id: CallId,
        forgotten: &mut Vec<Waker>,
    ) -> Option<Result<B::Response, Unanswered>> {
        let call = self.get(id);
        let answer = match std::mem::replace(&mut call.state, State::Free) {
            State::Answered(response) => Ok(response),
            State::Unanswered => Err(Unanswered),
            other => {
                call.state = other;
                return None;
            }
        };
        self.close(id, forgotten);
        Some(answer)
    }

    /// Ends a call. Its wakers are dropped after the lock, because that is code of a user.
    pub(super) fn close(&mut self, id: CallId, forgotten: &mut Vec<Waker>) {
        let call = self.get(id);
        call.state = State::Free;
        forgotten.append(&mut call.wakers);
        self.free.push(id.0);
    }
}
