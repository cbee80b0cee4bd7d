//! Consumers: every way to receive and to settle, and every way to end.

use std::future::poll_fn;
use std::iter;
use std::pin::pin;
use std::sync::atomic::Ordering::SeqCst;
use std::task::Poll;
use std::thread;
use std::time::Duration as StdDuration;

use entrega_brokers::QueueBroker;
use entrega_clients::{Context, Link, Unanswered};
use entrega_live::LiveLink;
use entrega_model::event::{SettleAct, SettleOutcome, SettleTrigger};
use entrega_model::queue::{DeliveryTag, Received, Request, Response, Settlement};
use entrega_model::{Duration, Instant, Kind, MessageId, PartitionId, ProcessId, SubscriptionId};
use tokio::runtime::Runtime;

use crate::Round;
use crate::config::Random;
use crate::observer::caught;
use crate::producers::MICROS;

const QUEUE: SubscriptionId = SubscriptionId(0);
/// How many deliveries a consumer holds at most, but for one batch.
const HELD: u64 = 8;

type Connection = LiveLink<QueueBroker>;
type Answer = Result<Response, Unanswered>;

/// A delivery that a consumer holds.
#[derive(Clone, Copy)]
struct Held {
    tag: DeliveryTag,
    message: MessageId,
}

/// How a consumer waits for the answer to a receive.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// Until the broker is closed.
    ForEver,
    /// The broker answers in time.
    Deadline,
    /// It gives up.
    GivesUp(StdDuration),
}

/// One consumer in one round, through all its lives.
pub(crate) struct Consuming<'a> {
    round: &'a Round,
    number: usize,
    process: ProcessId,
    random: Random,
    runtime: Runtime,
}

impl<'a> Consuming<'a> {
    pub(crate) fn new(round: &'a Round, number: usize) -> Self {
        let process = ProcessId((round.config.producers + number) as u16);
        let (random, runtime) = (round.random(process), crate::runtime());
        Self { round, number, process, random, runtime }
    }

    /// Receives to the end; dies now and then. Between two lives it is busy, so that nobody takes
    /// the broker for one at rest.
    pub(crate) fn run(mut self) {
        while !self.round.served.is_closing() {
            let Some(busy) = caught(|| self.round.served.busy()) else { continue };
            let link = self.round.connect(self.process, &mut self.random);
            caught(|| drop(busy));
            let Some(link) = link else { continue };
            self.live(&link);
            let busy = caught(|| self.round.served.busy());
            self.leave(link);
            caught(|| drop(busy));
        }
    }

    fn leave(&mut self, link: Connection) {
        if self.random.once_in(2) {
            if self.random.once_in(2) {
                let closed = self.call(&link, Request::Close { queue: QUEUE });
                assert!(matches!(closed, None | Some(Err(_) | Ok(Response::Closed))));
            }
            caught(|| link.leave(self.random.once_in(2)));
        }
        caught(|| drop(link));
    }

    /// Lives until the broker is closed, or some turns long.
    fn live(&mut self, link: &Connection) {
        let mut held = Vec::new();
        let turns = self.random.below(150);
        for turn in 0.. {
            let drains = self.round.drains.load(SeqCst);
            self.round.waits[self.number].store(drains, SeqCst);
            if self.round.served.is_closing() || !drains && turn > turns {
                return;
            }
            if drains {
                self.settle_down_to(link, &mut held, 0);
            }
            let wait = self.wait(drains, held.is_empty());
            let settles_at_delivery = self.random.once_in(12);
            let taken = self.receive(link, wait, settles_at_delivery, drains);
            for delivery in &taken {
                self.note_delivered(link, delivery);
            }
            if !settles_at_delivery {
                held.extend(
                    taken.iter().map(|one| Held { tag: one.tag, message: one.record.message }),
                );
            }
            if !drains && self.random.once_in(200) {
                thread::sleep(StdDuration::from_millis(2));
            }
            let keeps = if drains { 0 } else { self.random.below(HELD) as usize };
            self.settle_down_to(link, &mut held, keeps);
        }
    }

    fn wait(&mut self, drains: bool, holds_nothing: bool) -> Wait {
        match self.random.below(3) {
            _ if drains => Wait::ForEver,
            0 if holds_nothing => Wait::ForEver,
            1 if self.round.config.cancels => {
                Wait::GivesUp(StdDuration::from_micros(self.random.below(MICROS)))
            }
            _ => Wait::Deadline,
        }
    }

    fn receive(
        &mut self,
        link: &Connection,
        wait: Wait,
        settle_at_delivery: bool,
        drains: bool,
    ) -> Vec<Received> {
        let deadline = match wait {
            Wait::Deadline => link.now() + Duration::from_micros(self.random.below(MICROS)),
            _ => Instant::NEVER,
        };
        let max = if drains { 1 } else { 1 + self.random.below(HELD) as u32 };
        let (queue, buffer) = (QUEUE, Vec::new());
        let request = Request::Receive { queue, max, settle_at_delivery, buffer, deadline };
        let answer = match wait {
            Wait::Deadline => self.call(link, request),
            Wait::GivesUp(patience) => self.call_until(link, request, patience),
            Wait::ForEver => {
                self.round.waits[self.number].store(true, SeqCst);
                caught(|| self.runtime.block_on(until_closing(link, request))).flatten()
            }
        };
        match answer {
            Some(Ok(Response::Received { deliveries })) => {
                assert!(deliveries.len() <= max as usize, "it is given more than it asked for");
                deliveries
            }
            Some(Ok(other)) => panic!("{other:?} answers a receive"),
            None | Some(Err(Unanswered)) => Vec::new(),
        }
    }

    /// A name that is lost to a panic names nothing.
    fn note_delivered(&self, link: &Connection, one: &Received) {
        let names = || caught(|| link.next_delivery());
        let delivery = iter::repeat_with(names).flatten().next().expect("it goes on");
        self.note(Kind::Delivered {
            delivery,
            message: one.record.message,
            subscription: QUEUE,
            consumer: self.process,
            partition: PartitionId(0),
            position: one.tag,
            attempt: one.delivery_count,
            redelivered: one.redelivered,
        });
    }

    /// Settles what it holds, in any order, alone and in batches.
    fn settle_down_to(&mut self, link: &Connection, held: &mut Vec<Held>, keeps: usize) {
        while held.len() > keeps {
            let batch = self.draw(held, keeps);
            let word = match self.random.below(20) {
                0 => Settlement::Requeue,
                1 => Settlement::Reject,
                2 => Settlement::Extend,
                _ => Settlement::Ack,
            };
            let extended = self.settle(link, &batch, word);
            if word == Settlement::Extend {
                held.extend(extended);
            }
        }
    }

    /// Draws a batch without two deliveries of one message.
    fn draw(&mut self, held: &mut Vec<Held>, keeps: usize) -> Vec<Held> {
        let count = 1 + self.random.below(((held.len() - keeps) as u64).min(4));
        let mut batch: Vec<Held> = Vec::new();
        for _ in 0..count {
            let place = self.random.below(held.len() as u64) as usize;
            if batch.iter().all(|one| one.message != held[place].message) {
                batch.push(held.swap_remove(place));
            }
        }
        batch
    }

    /// Settles, and returns what certainly was.
    fn settle(&mut self, link: &Connection, batch: &[Held], word: Settlement) -> Vec<Held> {
        batch.iter().for_each(|one| self.note_invoked(one, word));
        let tags = batch.iter().map(|one| one.tag).collect();
        let (multiple, trigger) = (false, SettleTrigger::Application);
        let request = Request::Settle { queue: QUEUE, tags, settlement: word, multiple, trigger };
        let answer = if self.round.config.cancels && self.random.once_in(6) {
            let patience = StdDuration::from_micros(self.random.below(MICROS));
            self.call_until(link, request, patience)
        } else {
            self.call(link, request)
        };
        let stale = match answer {
            Some(Ok(Response::Settled { .. })) => Some(Vec::new()),
            Some(Ok(Response::Stale { tags })) => Some(tags),
            Some(Ok(other)) => panic!("{other:?} answers a settle"),
            None | Some(Err(Unanswered)) => None,
        };
        for one in batch {
            let outcome = match &stale {
                None => SettleOutcome::Info,
                Some(stale) if stale.contains(&one.tag) => SettleOutcome::Fail,
                Some(_) => SettleOutcome::Ok,
            };
            let (message, subscription, consumer) = (one.message, QUEUE, self.process);
            let act = act_of(word);
            self.note(Kind::SettleEnded { message, subscription, consumer, act, outcome });
        }
        let stale = stale.unwrap_or_else(|| batch.iter().map(|one| one.tag).collect());
        batch.iter().filter(|one| !stale.contains(&one.tag)).copied().collect()
    }

    fn note_invoked(&self, one: &Held, word: Settlement) {
        self.note(Kind::SettleInvoked {
            message: one.message,
            subscription: QUEUE,
            consumer: self.process,
            partition: PartitionId(0),
            position: one.tag,
            act: act_of(word),
            trigger: SettleTrigger::Application,
        });
    }

    fn note(&self, kind: Kind) {
        self.round.seen.note(&self.round.served, self.process, kind);
    }

    fn call(&self, link: &Connection, request: Request) -> Option<Answer> {
        caught(|| self.runtime.block_on(link.call(request)))
    }

    fn call_until(
        &self,
        link: &Connection,
        request: Request,
        patience: StdDuration,
    ) -> Option<Answer> {
        let waits = async { tokio::time::timeout(patience, link.call(request)).await.ok() };
        caught(|| self.runtime.block_on(waits)).flatten()
    }
}

/// Waits for the answer, or until the broker is closed, which wakes whoever waits.
async fn until_closing(link: &Connection, request: Request) -> Option<Answer> {
    let mut call = pin!(link.call(request));
    poll_fn(|cx| match call.as_mut().poll(cx) {
        Poll::Ready(answer) => Poll::Ready(Some(answer)),
        Poll::Pending if link.is_closing() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

fn act_of(word: Settlement) -> SettleAct {
    match word {
        Settlement::Ack => SettleAct::Ack,
        Settlement::Requeue | Settlement::RejectAndRequeue => SettleAct::Requeue,
        Settlement::Reject => SettleAct::Reject,
        Settlement::Extend => SettleAct::Extend,
    }
}
