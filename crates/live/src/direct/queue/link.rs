//! A consumer's link: receives and settles are carried out on the queue itself.

use std::cell::{Cell, RefCell};
use std::mem;
use std::task::{self, Poll, Waker};

use entrega_brokers::QueueBroker;
use entrega_clients::{CallId, Context, Link, Unanswered};
use entrega_model::event::{SettleAct, SettleTrigger};
use entrega_model::queue::{DeliveryTag, Received, Request, Response, Settlement};
use entrega_model::{DeliveryId, Instant, Kind, ProcessId};

use super::tags::Tags;
use super::{Message, SUBSCRIPTION, Seat};
use crate::direct::{Sleep, any_has_ended};
use entrega_inproc::queue::{Consumer, Ended, LiveQueue};

/// The link of one consumer in one of its lives. All its futures are polled by one task.
///
/// It carries out at once whatever it is asked, except for a receive, which waits for as long as it
/// takes: until there is something, whatever its own deadline.
pub struct QueueLink<T> {
    seat: Seat<QueueBroker>,
    queue: LiveQueue<T>,
    state: RefCell<State<T>>,
    /// The queue has said that there is nothing more.
    has_ended: Cell<bool>,
}

struct State<T> {
    consumer: Option<Consumer<T>>,
    settles_at_delivery: bool,
    tags: Tags,
    receive: Option<Receive>,
    answers: Vec<(CallId, Response)>,
    calls: u32,
    asleep: Option<Sleep>,
    /// Who waits for messages.
    waiting: Option<Waker>,
    /// A call at the desk that is never answered; whoever asks consumers to stop wakes it.
    at_desk: Option<CallId>,
}

/// A receive that is not answered yet.
struct Receive {
    call: CallId,
    max: u32,
    buffer: Vec<Received>,
}

/// A consumer's word, and why it says it.
#[derive(Clone, Copy)]
struct Word {
    settlement: Settlement,
    trigger: SettleTrigger,
}

impl<T: Message> QueueLink<T> {
    pub(super) fn new(queue: LiveQueue<T>, seat: Seat<QueueBroker>) -> Self {
        let state = State {
            consumer: None,
            settles_at_delivery: false,
            tags: Tags::default(),
            receive: None,
            answers: Vec::new(),
            calls: 0,
            asleep: None,
            waiting: None,
            at_desk: None,
        };
        Self { seat, queue, state: RefCell::new(state), has_ended: Cell::new(false) }
    }

    /// Carries out a settle. Tags that were refused stay in `tags`.
    fn settle(&self, tags: &mut Vec<DeliveryTag>, word: Word, multiple: bool) {
        let mut state = self.state.borrow_mut();
        tags.retain(|&tag| {
            if multiple {
                for older in state.tags.before(tag) {
                    self.settle_one(&mut state, older, word);
                }
            }
            !self.settle_one(&mut state, tag, word)
        });
        if let Some(waiting) = state.waiting.take() {
            waiting.wake();
        }
    }

    /// Whether the word came in time.
    fn settle_one(&self, state: &mut State<T>, name: DeliveryTag, word: Word) -> bool {
        let State { consumer: Some(consumer), tags, .. } = state else { return false };
        let Some((tag, message)) = tags.get(name) else { return false };
        if word.settlement != Settlement::Extend {
            tags.remove(name);
        }
        let (subscription, consumer_id) = (SUBSCRIPTION, self.process());
        let act = || consumer.settle(tag, word.settlement).is_ok();
        self.seat.act(act, |&settled, note| {
            let act = match word.settlement {
                Settlement::Ack => SettleAct::Ack,
                Settlement::Requeue => SettleAct::Requeue,
                Settlement::Reject => SettleAct::Reject,
                Settlement::Extend => return,
            };
            let (consumer, trigger) = (consumer_id, word.trigger);
            if settled {
                note(Kind::Settled { message, subscription, consumer, act, trigger });
            }
        })
    }

    /// Takes what there is for a receive. What is settled at delivery is noted as settled.
    fn fill(&self, state: &mut State<T>) -> Result<bool, Ended> {
        let State { consumer: Some(consumer), receive: Some(receive), tags, .. } = state else {
            return Ok(false);
        };
        tags.forget_lost(|tag| consumer.holds(tag));
        let Some(batch) = consumer.try_take_batch(receive.max as usize)? else { return Ok(false) };
        let delivery_count = batch.delivery_count();
        for (index, body) in batch.bodies().iter().enumerate() {
            let record = body.record();
            let tag = match state.settles_at_delivery {
                true => tags.push_settled(),
                false => tags.push(batch.tag(index), record.message),
            };
            let redelivered = delivery_count > 1;
            receive.buffer.push(Received { tag, record, delivery_count, redelivered });
            if state.settles_at_delivery {
                let (message, subscription) = (record.message, SUBSCRIPTION);
                let (consumer, act) = (self.process(), SettleAct::Ack);
                let trigger = SettleTrigger::Delivery;
                let settled = Kind::Settled { message, subscription, consumer, act, trigger };
                self.seat.record(settled);
            }
        }
        Ok(true)
    }

    /// Waits for messages: looks, falls asleep, and looks once more.
    fn poll_receive(&self, cx: &mut task::Context<'_>) -> Poll<Response> {
        let mut state = self.state.borrow_mut();
        loop {
            match self.fill(&mut state) {
                Ok(true) => break,
                Ok(false) | Err(Ended::PrefetchUsedUp) => {}
                Err(Ended::Closed | Ended::Stopped) => {
                    self.has_ended.set(true);
                    return Poll::Pending;
                }
            }
            let is_new = state.asleep.is_none();
            let State { consumer: Some(consumer), asleep, .. } = &mut *state else {
                return Poll::Pending;
            };
            let sleep = asleep.get_or_insert_with(|| falls_asleep(consumer));
            if any_has_ended(std::slice::from_mut(sleep), cx) {
                *asleep = None;
            } else if !is_new {
                self.wait_at_desk(&mut state, cx);
                return Poll::Pending;
            }
        }
        state.asleep = None;
        let deliveries = state.receive.take().map(|receive| receive.buffer).unwrap_or_default();
        Poll::Ready(Response::Received { deliveries })
    }

    /// Has the task woken when it is asked to stop, and when it settles something itself.
    fn wait_at_desk(&self, state: &mut State<T>, cx: &mut task::Context<'_>) {
        let link = &self.seat.link;
        let call = *state.at_desk.get_or_insert_with(|| {
            link.start(Request::Receive {
                queue: SUBSCRIPTION,
                max: 1,
                settle_at_delivery: false,
                buffer: Vec::new(),
                deadline: Instant::NEVER,
            })
        });
        if link.poll_answer(call, cx).is_ready() {
            state.at_desk = None;
        }
        state.waiting = Some(cx.waker().clone());
    }
}

/// Sleeps until a consumer is notified, or until a lease may have ended.
fn falls_asleep<T: Message>(consumer: &Consumer<T>) -> Sleep {
    let (notified, due) = (consumer.notified(), consumer.next_due());
    Box::pin(async move {
        match due {
            None => notified.await,
            Some(due) => {
                let _ = tokio::time::timeout_at(due.into(), notified).await;
            }
        }
    })
}

impl<T: Message> Context for QueueLink<T> {
    fn process(&self) -> ProcessId {
        self.seat.link.process()
    }

    fn now(&self) -> Instant {
        self.seat.link.now()
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> {
        self.seat.link.sleep_until(at)
    }

    fn is_closing(&self) -> bool {
        self.has_ended.get() || self.seat.link.is_closing()
    }

    fn record(&self, kind: Kind) {
        self.seat.record(kind);
    }

    fn next_delivery(&self) -> DeliveryId {
        self.seat.next_delivery()
    }
}

impl<T: Message> Link for QueueLink<T> {
    type Request = Request;
    type Response = Response;

    fn start(&self, request: Request) -> CallId {
        let call = {
            let mut state = self.state.borrow_mut();
            state.calls = state.calls.wrapping_add(1);
            CallId(state.calls)
        };
        let answer = match request {
            Request::Receive { max, settle_at_delivery, buffer, .. } => {
                let state = &mut *self.state.borrow_mut();
                state.settles_at_delivery = settle_at_delivery;
                state.consumer.get_or_insert_with(|| match settle_at_delivery {
                    true => self.queue.consumer_settled_at_delivery(),
                    false => self.queue.consumer(),
                });
                state.receive = Some(Receive { call, max, buffer });
                return call;
            }
            Request::Settle { mut tags, settlement, multiple, trigger, .. } => {
                self.settle(&mut tags, Word { settlement, trigger }, multiple);
                match tags.is_empty() {
                    true => Response::Settled { tags },
                    false => Response::Stale { tags },
                }
            }
            Request::Close { .. } => {
                if let Some(consumer) = mem::take(&mut self.state.borrow_mut().consumer) {
                    consumer.close();
                }
                Response::Closed
            }
            Request::Publish { records, .. } => Response::PublishRefused { records },
        };
        self.state.borrow_mut().answers.push((call, answer));
        call
    }

    fn poll_answer(
        &self,
        call: CallId,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<Response, Unanswered>> {
        {
            let mut state = self.state.borrow_mut();
            if let Some(place) = state.answers.iter().position(|(id, _)| *id == call) {
                return Poll::Ready(Ok(state.answers.swap_remove(place).1));
            }
            if state.receive.as_ref().is_none_or(|receive| receive.call != call) {
                return Poll::Pending;
            }
        }
        self.poll_receive(cx).map(Ok)
    }

    fn forget(&self, call: CallId) {
        let mut state = self.state.borrow_mut();
        state.answers.retain(|(id, _)| *id != call);
        state.receive.take_if(|receive| receive.call == call);
    }
}
