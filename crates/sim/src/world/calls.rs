//! The call table: every remote call between its start and its end.
//!
//! A call outlives its caller. When the caller crashes, the request still arrives and is carried
//! out; when the caller stalls, the answer waits. A slot is free again when no process waits for
//! the answer, nothing in the network refers to it, and the broker does not have it parked.

use std::task::Waker;

use entrega_brokers::Broker;
use entrega_choice::Point;
use entrega_clients::{CallId, Unanswered};
use entrega_model::event::EffectVerdict;
use entrega_model::{ClientId, Delivery, Instant, MessageId, SubscriptionId};
use entrega_scenario::points::{Fault, own_point};

use super::progress::{ProgressAnswer, ProgressRequest};

/// A remote call.
pub(crate) struct Call<B: Broker> {
    pub(crate) client: ClientId,
    pub(crate) route: Route,
    pub(crate) started: Instant,
    /// What its caller knew when it made the call; see [`super::process::Memory`].
    pub(crate) issued: u64,
    pub(crate) payload: Payload<B>,
    /// The message whose effect or dead letter it asks for (of a batch the first), and the delivery
    /// attempt; or which it sends, if its process may do something else meanwhile.
    pub(crate) about: Option<(MessageId, u16)>,
    /// A process waits for the answer.
    pub(crate) awaited: bool,
    /// The broker keeps the request for later.
    pub(crate) parked: bool,
    /// It was parked at some time: its caller is patient and counts the timeout from the answer on.
    pub(crate) patient: bool,
    /// Its caller has waited for the request timeout and will get no answer.
    pub(crate) timed_out: bool,
    /// How many scheduled things refer to this slot.
    pub(crate) legs: u8,
    /// Whom to wake besides the process, if the future was polled under another waker.
    pub(crate) waker: Option<Waker>,
}

impl<B: Broker> Call<B> {
    /// Who makes it, and how.
    #[inline]
    pub(crate) fn caller(&self) -> Caller {
        let &Self { client, route, started, about, .. } = self;
        Caller { client, route, started, about }
    }

    /// Whether its caller has to wait: no answer has arrived, and one may still come.
    #[inline]
    pub(crate) fn is_open(&self) -> bool {
        !self.timed_out && !matches!(self.payload, Payload::Answer { arrived: true, .. })
    }
}

/// Where a call goes and what may happen to it on the way.
#[derive(Clone, Copy)]
pub(crate) struct Route {
    pub(crate) to: Peer,
    /// The fault point of the request leg, if it has one.
    pub(crate) request: Option<Point>,
    /// The fault point of the response leg, if it has one.
    pub(crate) response: Option<Point>,
    /// It asks for messages, so it is about none in particular.
    pub(crate) is_receive: bool,
    /// Where its caller may crash when it has the answer: a settle that the application waits for,
    /// or a send.
    pub(crate) dies_after: Option<Point>,
}

/// What a call is whatever it carries.
#[derive(Clone, Copy)]
pub(crate) struct Caller {
    pub(crate) client: ClientId,
    pub(crate) route: Route,
    pub(crate) started: Instant,
    /// See [`Call::about`].
    pub(crate) about: Option<(MessageId, u16)>,
}

impl Route {
    /// A call on behalf of a subscription, whose request and response have these fault points.
    pub(crate) const fn with_legs(to: Peer, legs: [Fault; 2], of: SubscriptionId) -> Self {
        let [request, response] = legs;
        let (request, response) = (Some(own_point(request, of)), Some(own_point(response, of)));
        Self { to, request, response, is_receive: false, dies_after: None }
    }
}

/// The far side of a call.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Broker,
    Sink,
    DeadLetters,
}

/// What travels, on the way there and on the way back.
pub(crate) enum Payload<B: Broker> {
    Request(B::Request),
    /// An effect or a dead letter that is asked for.
    Asked {
        delivery: Delivery,
        subscription: SubscriptionId,
    },
    /// Progress that a sink is asked about.
    AskedProgress {
        request: ProgressRequest,
        subscription: SubscriptionId,
    },
    /// The effects of a whole batch that are asked for.
    AskedBatch {
        batch: Vec<Delivery>,
        subscription: SubscriptionId,
    },
    /// The answer is on its way back, or has arrived.
    Answer {
        answer: Answer<B>,
        arrived: bool,
    },
    /// The request was carried out or lost, and no answer will come.
    Gone,
}

impl<B: Broker> Payload<B> {
    /// Of what is asked of a sink: of which subscription.
    pub(crate) fn asks_sink_of(&self) -> Option<SubscriptionId> {
        match self {
            Self::Asked { subscription, .. }
            | Self::AskedProgress { subscription, .. }
            | Self::AskedBatch { subscription, .. } => Some(*subscription),
            Self::Request(_) | Self::Answer { .. } | Self::Gone => None,
        }
    }

    /// An answer that sets out.
    pub(crate) fn on_its_way(answer: Answer<B>) -> Self {
        Self::Answer { answer, arrived: false }
    }
}

/// An answer.
pub(crate) enum Answer<B: Broker> {
    /// The broker's.
    Response(B::Response),
    /// The sink has decided about an effect.
    Decided(EffectVerdict),
    /// The sink has answered about progress.
    Progress(ProgressAnswer),
    /// The dead letter is written.
    Done,
    /// The sink is away, and refuses whatever it is asked.
    Refused,
}

/// All calls, by slot.
pub(crate) struct Calls<B: Broker> {
    slots: Vec<Call<B>>,
    free: Vec<u32>,
}

impl<B: Broker> Calls<B> {
    pub(crate) fn new() -> Self {
        Self { slots: Vec::with_capacity(64), free: Vec::with_capacity(64) }
    }

    /// No call is under way.
    pub(crate) fn clear(&mut self) {
        let Self { slots, free } = self;
        slots.clear();
        free.clear();
    }

    /// A call about to set out, awaited by its caller.
    #[inline(always)]
    pub(crate) fn begin(&mut self, caller: &Caller, issued: u64, payload: Payload<B>) -> CallId {
        let &Caller { client, route, started, about } = caller;
        let id = self.vacant(client, route);
        let call = self.get(id);
        call.client = client;
        call.route = route;
        call.started = started;
        call.about = about;
        call.issued = issued;
        call.payload = payload;
        call.awaited = true;
        call.patient = false;
        call.timed_out = false;
        id
    }

    /// A free slot: no process waits for it, nothing refers to it, and nothing is in it.
    #[inline]
    fn vacant(&mut self, client: ClientId, route: Route) -> CallId {
        match self.free.pop() {
            Some(slot) => CallId(slot),
            None => self.another(client, route),
        }
    }

    #[cold]
    fn another(&mut self, client: ClientId, route: Route) -> CallId {
        self.slots.push(Call {
            client,
            route,
            started: Instant::START,
            issued: 0,
            payload: Payload::Gone,
            about: None,
            awaited: false,
            parked: false,
            patient: false,
            timed_out: false,
            legs: 0,
            waker: None,
        });
        CallId(self.slots.len() as u32 - 1)
    }

    /// Puts a call into a free slot.
    pub(crate) fn insert(&mut self, call: Call<B>) -> CallId {
        let id = self.vacant(call.client, call.route);
        *self.get(id) = call;
        id
    }

    #[inline]
    pub(crate) fn get(&mut self, id: CallId) -> &mut Call<B> {
        &mut self.slots[id.0 as usize]
    }

    #[inline]
    pub(crate) fn look(&self, id: CallId) -> &Call<B> {
        &self.slots[id.0 as usize]
    }

    /// Calls whose answer has arrived and was not taken yet, or never will come.
    pub(crate) fn answered(&self) -> impl Iterator<Item = &Call<B>> {
        self.slots.iter().filter(|call| {
            let arrived = matches!(call.payload, Payload::Answer { arrived: true, .. });
            call.awaited && (arrived || call.timed_out)
        })
    }

    /// Wakes whatever waits in a life of a process for an answer under a waker of its own.
    pub(crate) fn wake_all_of(&mut self, client: ClientId) {
        let of_it = self.slots.iter_mut().filter(|call| call.client == client);
        of_it.filter_map(|call| call.waker.take()).for_each(Waker::wake);
    }

    /// Calls that carry something, on the way there or back.
    pub(crate) fn carrying(&self) -> impl Iterator<Item = &Call<B>> {
        self.slots.iter().filter(|call| !matches!(call.payload, Payload::Gone))
    }

    /// The answer of a call that is not open any more. The caller is done with the call then.
    #[inline(always)]
    pub(crate) fn take(&mut self, id: CallId) -> Result<Answer<B>, Unanswered> {
        let call = self.get(id);
        if !matches!(call.payload, Payload::Answer { arrived: true, .. }) {
            self.forget(id);
            return Err(Unanswered);
        }
        call.awaited = false;
        if call.waker.is_some() {
            call.waker = None;
        }
        let is_free = !call.parked && call.legs == 0;
        let payload = std::mem::replace(&mut call.payload, Payload::Gone);
        if is_free {
            self.free.push(id.0);
        }
        match payload {
            Payload::Answer { answer, .. } => Ok(answer),
            _ => Err(Unanswered),
        }
    }

    /// No process waits for the answer any more.
    pub(crate) fn forget(&mut self, id: CallId) {
        let call = self.get(id);
        call.awaited = false;
        if call.waker.is_some() {
            call.waker = None;
        }
        self.release(id);
    }

    /// Frees the slot if nothing refers to it.
    #[inline]
    pub(crate) fn release(&mut self, id: CallId) {
        let call = self.get(id);
        if !call.awaited && !call.parked && call.legs == 0 {
            if !matches!(call.payload, Payload::Gone) {
                call.payload = Payload::Gone;
            }
            self.free.push(id.0);
        }
    }
}
