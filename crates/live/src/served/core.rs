//! A broker with its calls, its history and its clients: everything that a lock protects.
//!
//! > **The rule.** This is a plain struct: its caller passes it the time, and it never waits, locks
//! > or wakes a task. It reports which tasks to wake ([`Core::take_woken`]) and until when it has
//! > nothing to do ([`Core::due`]).
//!
//! It drives the broker as `entrega_brokers` demands: after every change it offers all parked
//! requests again, in the order in which they were parked. What is due is done before anything else
//! at the same time, so an answer never depends on whether a timer was late.

use std::collections::BTreeSet;
use std::mem;
use std::task::{Poll, Waker};

use entrega_brokers::Broker;
use entrega_clients::{CallId, Unanswered};
use entrega_model::{
    ClientId, DeliveryId, Duration, Event, Incarnation, Instant, Kind, ProcessId, SubscriptionId,
};

use super::calls::{Calls, State};

/// What becomes of a call. A live broker shares a program with its clients, so nothing is lost on
/// the way unless a test or a scenario injects it, call by call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CallOutcome {
    /// The request arrives, and its answer too.
    #[default]
    Answered,
    /// The request is lost: the broker never sees it.
    RequestLost,
    /// The request is carried out, and its answer is lost.
    AnswerLost,
}

/// A broker being served.
pub(crate) struct Core<B: Broker> {
    pub(super) broker: B,
    /// Until when the timer sleeps.
    pub(super) armed: Instant,
    now: Instant,
    calls: Calls<B>,
    parked: Vec<CallId>,
    offered: Vec<CallId>,
    /// Calls that end by themselves, by the time when they do.
    timed: BTreeSet<(Instant, u32)>,
    /// What has happened and was not shown yet.
    events: Vec<Event>,
    woken: Vec<Waker>,
    /// Wakers to drop after the lock.
    forgotten: Vec<Waker>,
    deliveries: u32,
    /// The next life of each process.
    lives: Vec<Incarnation>,
    connected: Vec<ClientId>,
    /// What clients do besides waiting for an answer: sleeping, processing.
    occupied: usize,
    /// How often clients have done anything at all.
    stirrings: u64,
}

impl<B: Broker> Core<B> {
    pub(crate) fn new(broker: B) -> Self {
        Self {
            broker,
            armed: Instant::NEVER,
            now: Instant::START,
            calls: Calls::new(),
            parked: Vec::new(),
            offered: Vec::new(),
            timed: BTreeSet::new(),
            events: Vec::new(),
            woken: Vec::new(),
            forgotten: Vec::new(),
            deliveries: 0,
            lives: Vec::new(),
            connected: Vec::new(),
            occupied: 0,
            stirrings: 0,
        }
    }

    /// Advances to `now`: does what is due.
    pub(crate) fn come_to(&mut self, now: Instant) {
        self.now = self.now.max(now);
        while self.broker_due() <= self.now {
            self.broker.advance(self.now, &mut self.events);
            self.offer_after_changes();
        }
        while let Some(&(until, slot)) = self.timed.first()
            && until <= self.now
        {
            self.timed.remove(&(until, slot));
            self.end_by_time(CallId(slot));
        }
    }

    /// When there will be something to do if no client makes a request.
    pub(crate) fn due(&self) -> Instant {
        let timed = self.timed.first().map_or(Instant::NEVER, |(until, _)| *until);
        timed.min(self.broker.next_deadline().unwrap_or(Instant::NEVER))
    }

    /// Whether anything has happened that was not shown yet.
    pub(crate) fn has_events(&self) -> bool {
        !self.events.is_empty()
    }

    /// Whether code of a user is to run after the lock.
    pub(crate) fn runs_code(&self) -> bool {
        !(self.events.is_empty() && self.woken.is_empty() && self.forgotten.is_empty())
    }

    /// What has happened and was not shown yet; returns each event once.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        mem::take(&mut self.events)
    }

    /// The tasks to wake.
    pub(crate) fn take_woken(&mut self) -> Vec<Waker> {
        mem::take(&mut self.woken)
    }

    /// Wakers of tasks that wait no longer.
    pub(crate) fn take_forgotten(&mut self) -> Vec<Waker> {
        mem::take(&mut self.forgotten)
    }

    /// Records an event, now.
    pub(crate) fn record(&mut self, kind: Kind) {
        self.stirrings += 1;
        self.events.push(Event { at: self.now, kind });
    }

    /// A new id for a delivery.
    ///
    /// # Panics
    ///
    /// If there were 4 294 967 295 already: a history with an id that stands for two deliveries
    /// would be judged wrongly.
    pub(crate) fn next_delivery(&mut self) -> DeliveryId {
        let next = self.deliveries.checked_add(1).expect("a run has fewer than 2^32 deliveries");
        self.deliveries = next;
        DeliveryId(next)
    }

    /// As if there had been this many deliveries.
    #[cfg(test)]
    pub(super) fn skip_deliveries(&mut self, count: u32) {
        self.deliveries = count;
    }

    fn broker_due(&self) -> Instant {
        let due = self.broker.next_deadline().into_iter().chain(self.broker.next_housekeeping());
        due.min().unwrap_or(Instant::NEVER)
    }
}

/// Calls.
impl<B: Broker> Core<B> {
    /// Starts a call of `client`. Unless the request is lost, it is answered at once or parked. If
    /// no answer comes, the caller learns that after `patience`.
    pub(crate) fn start(
        &mut self,
        client: ClientId,
        request: B::Request,
        outcome: CallOutcome,
        patience: Duration,
    ) -> CallId {
        self.stirrings += 1;
        let id = self.calls.open(client);
        if outcome == CallOutcome::RequestLost {
            self.lose(id, patience);
            return id;
        }
        let until = self.broker.deadline_of(&request);
        let call = self.calls.get(id);
        call.loses_answer = (outcome == CallOutcome::AnswerLost).then_some(patience);
        call.state = State::Parked(request);
        self.offer(id);
        let call = self.calls.get(id);
        if until != Instant::NEVER && matches!(call.state, State::Parked(_)) {
            call.until = until;
            self.timed.insert((until, id.0));
        }
        self.offer_after_changes();
        id
    }

    /// Whether its caller can take the answer of a call, or learn that there is none.
    pub(crate) fn is_answered(&mut self, id: CallId) -> bool {
        matches!(self.calls.get(id).state, State::Answered(_) | State::Unanswered)
    }

    /// Takes the answer of a call, or wakes the task when there is one. `waker` is that of the
    /// task, cloned before the lock.
    pub(crate) fn poll_answer(
        &mut self,
        id: CallId,
        waker: Waker,
    ) -> Poll<Result<B::Response, Unanswered>> {
        let answer = self.calls.take(id, &mut self.forgotten);
        let spare = match &answer {
            Some(_) => Some(waker),
            None => self.calls.get(id).wakes(waker),
        };
        self.forgotten.extend(spare);
        answer.map_or(Poll::Pending, Poll::Ready)
    }

    /// The caller gives up the call. A parked request stays, because the broker does not learn of
    /// it.
    pub(crate) fn forget(&mut self, id: CallId) {
        let call = self.calls.get(id);
        call.awaited = false;
        self.forgotten.append(&mut call.wakers);
        if !matches!(call.state, State::Parked(_)) {
            self.end(id);
        }
    }

    /// Lets the broker answer a request or park it.
    fn offer(&mut self, id: CallId) {
        let call = self.calls.get(id);
        let State::Parked(request) = &mut call.state else { return };
        match self.broker.handle(self.now, call.client, request, &mut self.events) {
            None => self.parked.push(id),
            Some(response) => match call.loses_answer {
                None => self.settle(id, State::Answered(response)),
                Some(patience) => self.lose(id, patience),
            },
        }
    }

    /// Offers every parked request again for as long as that changes something.
    fn offer_after_changes(&mut self) {
        while self.broker.take_changed() {
            mem::swap(&mut self.parked, &mut self.offered);
            for number in 0..self.offered.len() {
                self.offer(self.offered[number]);
            }
            self.offered.clear();
        }
    }

    /// A call has its answer, or will never have one.
    fn settle(&mut self, id: CallId, state: State<B>) {
        let call = self.calls.get(id);
        call.state = state;
        self.timed.remove(&(call.until, id.0));
        if call.awaited {
            self.woken.append(&mut call.wakers);
        } else {
            self.end(id);
        }
    }

    /// A leg of a call is lost; its caller waits for `patience`.
    fn lose(&mut self, id: CallId, patience: Duration) {
        let call = self.calls.get(id);
        self.timed.remove(&(call.until, id.0));
        if !call.awaited {
            return self.end(id);
        }
        call.state = State::Lost;
        call.until = self.now + patience;
        self.timed.insert((call.until, id.0));
    }

    fn end_by_time(&mut self, id: CallId) {
        match self.calls.get(id).state {
            State::Parked(_) => {
                self.parked.retain(|parked| *parked != id);
                self.offer(id);
                self.offer_after_changes();
            }
            State::Lost => self.settle(id, State::Unanswered),
            _ => {}
        }
    }

    fn end(&mut self, id: CallId) {
        self.timed.remove(&(self.calls.get(id).until, id.0));
        self.calls.close(id, &mut self.forgotten);
    }
}

/// Clients and the world.
impl<B: Broker> Core<B> {
    /// Begins a process's next life.
    pub(crate) fn connect(&mut self, process: ProcessId) -> ClientId {
        let index = process.index();
        if index >= self.lives.len() {
            self.lives.resize(index + 1, Incarnation(0));
        }
        let incarnation = self.lives[index];
        self.lives[index].0 += 1;
        self.record(Kind::Started { process, incarnation });
        let client = ClientId { process, incarnation };
        self.connected.push(client);
        client
    }

    /// Ends the connection of a client with all its calls.
    pub(crate) fn disconnect(&mut self, client: ClientId) {
        self.connected.retain(|connected| *connected != client);
        let Self { parked, calls, .. } = self;
        parked.retain(|id| calls.get(*id).client != client);
        for id in self.calls.of(client) {
            self.end(id);
        }
        self.broker.disconnected(self.now, client, &mut self.events);
        self.offer_after_changes();
    }

    /// Stalls a process: it sends no heartbeats.
    pub(crate) fn stall(&mut self, client: ClientId) {
        self.record(Kind::Stalled { process: client.process });
        self.broker.silent(self.now, client);
        self.offer_after_changes();
    }

    /// Ends the stall.
    pub(crate) fn resume(&mut self, client: ClientId) {
        self.record(Kind::Resumed { process: client.process });
        self.broker.heard(self.now, client);
        self.offer_after_changes();
    }

    /// Restarts the broker, which forgets what was in flight; calls under way get no answer.
    pub(crate) fn restart(&mut self) {
        self.broker.restart(self.now, &mut self.events);
        for id in mem::take(&mut self.parked) {
            self.settle(id, State::Unanswered);
        }
        self.offer_after_changes();
    }

    /// Makes the group of a subscription rebalance.
    pub(crate) fn rebalance(&mut self, subscription: SubscriptionId) {
        self.broker.rebalance(self.now, subscription);
        self.offer_after_changes();
    }

    /// Wakes every waiting task, to look again.
    pub(crate) fn wake_all(&mut self) {
        for call in self.calls.open_ones_mut() {
            self.woken.append(&mut call.wakers);
        }
    }

    /// Records what is left.
    pub(crate) fn audit(&mut self) {
        self.broker.audit(self.now, &mut self.events);
    }

    /// A client begins something that is not a call, or ends it.
    pub(crate) fn occupy(&mut self, begins: bool) {
        self.stirrings += 1;
        self.occupied = if begins { self.occupied + 1 } else { self.occupied.saturating_sub(1) };
    }

    /// If nothing will happen any more by itself, how often anything has happened so far. That is:
    /// nothing is due, no client sleeps or processes, no answer waits to be taken, and every client
    /// waits for the broker.
    pub(crate) fn at_rest(&self) -> Option<u64> {
        let waits = |client: &ClientId| {
            let mut own = self.calls.open_ones().filter(|call| call.client == *client);
            own.any(|call| matches!(call.state, State::Parked(_)) && call.awaited)
        };
        let rests = self.occupied == 0
            && self.due() == Instant::NEVER
            && self.calls.open_ones().all(|call| matches!(call.state, State::Parked(_)))
            && self.connected.iter().all(waits);
        rests.then_some(self.stirrings)
    }
}
