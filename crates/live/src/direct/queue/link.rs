//! A consumer's link: receives and settles are carried out on the queue itself.

use std::cell::{Cell, RefCell};
use std::mem;
use std::task::{self, Poll, Waker, ready};

use entrega_brokers::QueueBroker;
use entrega_clients::{CallId, Context, Link, Unanswered};
use entrega_model::event::{SettleAct, SettleTrigger};
use entrega_model::queue::{DeliveryTag, Received, Request, Response, Settlement};
use entrega_model::{DeliveryId, Instant, Kind, ProcessId};
use tokio::task::coop;

use super::tags::Tags;
use super::{ControlLink, Message, SUBSCRIPTION};
use crate::direct::{Sleep, any_has_ended};
use entrega_inproc::queue::{Consumer, Ended, LiveQueue};

/// The link of one consumer in one of its lives. All its futures are polled by one task.
///
/// It carries out every request at once, except a receive, which waits until there is something,
/// ignoring its own deadline.
pub struct QueueLink<T> {
    control: ControlLink<QueueBroker>,
    queue: LiveQueue<T>,
    state: RefCell<State<T>>,
    /// The queue has ended.
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
    /// The task that waits for messages.
    waiting: Option<Waker>,
    /// A call to the control plane that is never answered; asking consumers to stop wakes it.
    control_call: Option<CallId>,
}

/// A receive that is not answered yet.
struct Receive {
    call: CallId,
    max: u32,
    buffer: Vec<Received>,
}

/// A settlement, and what made the client settle.
#[derive(Clone, Copy)]
struct Word {
    settlement: Settlement,
    trigger: SettleTrigger,
}

impl<T: Message> QueueLink<T> {
    pub(super) fn new(queue: LiveQueue<T>, control: ControlLink<QueueBroker>) -> Self {
        let state = State {
            consumer: None,
            settles_at_delivery: false,
            tags: Tags::default(),
            receive: None,
            answers: Vec::new(),
            calls: 0,
            asleep: None,
            waiting: None,
            control_call: None,
        };
        Self { control, queue, state: RefCell::new(state), has_ended: Cell::new(false) }
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

    /// Whether the settlement was in time.
    fn settle_one(&self, state: &mut State<T>, name: DeliveryTag, word: Word) -> bool {
        let State { consumer: Some(consumer), tags, .. } = state else { return false };
        let Some((tag, message)) = tags.get(name) else { return false };
        if word.settlement != Settlement::Extend {
            tags.remove(name);
        }
        let (subscription, consumer_id) = (SUBSCRIPTION, self.process());
        let act = || consumer.settle(tag, word.settlement).is_ok();
        self.control.act(act, |&settled, note| {
            let act = match word.settlement {
                Settlement::Ack => SettleAct::Ack,
                Settlement::Requeue | Settlement::RejectAndRequeue => SettleAct::Requeue,
                Settlement::Reject => SettleAct::Reject,
                Settlement::Extend => return,
            };
            let (consumer, trigger) = (consumer_id, word.trigger);
            if settled {
                note(Kind::Settled { message, subscription, consumer, act, trigger });
            }
        })
    }

    /// Takes what is there for a receive. What is settled at delivery is recorded as settled.
    fn fill(&self, state: &mut State<T>) -> Result<bool, Ended> {
        let State { consumer: Some(consumer), receive: Some(receive), tags, .. } = state else {
            return Ok(false);
        };
        tags.forget_lost(|tag| consumer.holds(tag));
        let Some(batch) = consumer.try_take_batch(receive.max as usize)? else { return Ok(false) };
        let delivery_count = batch.delivery_count();
        for (index, body) in batch.bodies().iter().enumerate() {
            let record = body.record();
            let tag = if state.settles_at_delivery {
                tags.push_settled()
            } else {
                tags.push(batch.tag(index), record.message)
            };
            let redelivered = delivery_count > 1;
            receive.buffer.push(Received { tag, record, delivery_count, redelivered });
            if state.settles_at_delivery {
                let (message, subscription) = (record.message, SUBSCRIPTION);
                let (consumer, act) = (self.process(), SettleAct::Ack);
                let trigger = SettleTrigger::Delivery;
                let settled = Kind::Settled { message, subscription, consumer, act, trigger };
                self.control.record(settled);
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
                Err(Ended::Closed | Ended::Unsettled | Ended::Stopped) => {
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
                self.wait_for_control(&mut state, cx);
                return Poll::Pending;
            }
        }
        state.asleep = None;
        let deliveries = state.receive.take().map(|receive| receive.buffer).unwrap_or_default();
        Poll::Ready(Response::Received { deliveries })
    }

    /// Wakes the task when it is asked to stop, and when it settles something itself.
    fn wait_for_control(&self, state: &mut State<T>, cx: &mut task::Context<'_>) {
        let link = &self.control.link;
        let call = *state.control_call.get_or_insert_with(|| {
            link.start(Request::Receive {
                queue: SUBSCRIPTION,
                max: 1,
                settle_at_delivery: false,
                buffer: Vec::new(),
                deadline: Instant::NEVER,
            })
        });
        if link.poll_answer(call, cx).is_ready() {
            state.control_call = None;
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
        self.control.link.process()
    }

    fn now(&self) -> Instant {
        self.control.link.now()
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> {
        self.control.link.sleep_until(at)
    }

    fn is_closing(&self) -> bool {
        self.has_ended.get() || self.control.link.is_closing()
    }

    fn record(&self, kind: Kind) {
        self.control.record(kind);
    }

    fn next_delivery(&self) -> DeliveryId {
        self.control.next_delivery()
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
                state.consumer.get_or_insert_with(|| {
                    if settle_at_delivery {
                        self.queue.consumer_settled_at_delivery()
                    } else {
                        self.queue.consumer()
                    }
                });
                state.receive = Some(Receive { call, max, buffer });
                return call;
            }
            Request::Settle { mut tags, settlement, multiple, trigger, .. } => {
                self.settle(&mut tags, Word { settlement, trigger }, multiple);
                if tags.is_empty() { Response::Settled { tags } } else { Response::Stale { tags } }
            }
            Request::SettleAndPublish { .. } => Response::NotAtomic,
            Request::Close { .. } => {
                if let Some(consumer) = mem::take(&mut self.state.borrow_mut().consumer) {
                    consumer.close();
                }
                Response::Closed
            }
            Request::Publish { records, .. } => Response::PublishRefused { records },
            Request::Retry { record, .. } => Response::PublishRefused { records: vec![record] },
        };
        self.state.borrow_mut().answers.push((call, answer));
        call
    }

    fn poll_answer(
        &self,
        call: CallId,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<Response, Unanswered>> {
        let budget = ready!(coop::poll_proceed(cx));
        {
            let mut state = self.state.borrow_mut();
            if let Some(place) = state.answers.iter().position(|(id, _)| *id == call) {
                budget.made_progress();
                return Poll::Ready(Ok(state.answers.swap_remove(place).1));
            }
            if state.receive.as_ref().is_none_or(|receive| receive.call != call) {
                return Poll::Pending;
            }
        }
        let answer = self.poll_receive(cx).map(Ok);
        if answer.is_ready() {
            budget.made_progress();
        }
        answer
    }

    fn forget(&self, call: CallId) {
        let mut state = self.state.borrow_mut();
        state.answers.retain(|(id, _)| *id != call);
        state.receive.take_if(|receive| receive.call == call);
    }
}
