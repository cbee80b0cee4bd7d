//! The rules of the queue, one by one, through the [`Broker`] trait as a driver sees it.
//!
//! Goal: each rule has a case that shows it, and each guarantee the opposite that shows its price.
//! Method: a [`Bench`] speaks for clients and prints answers and truth as short words.

use std::fmt::Write;

use entrega_model::event::{DeadLetterReason, RemoveReason, SettleTrigger};
use entrega_model::queue::{DeliveryTag, Settlement};
use entrega_model::{Duration, Incarnation, Key, ProcessId};

use super::*;
use entrega_model::queue::Received;

mod account;
mod atomic;
mod differences;
mod faults;
mod features;
mod memory;
mod properties;
mod redrive;
mod reference;
mod retries;
mod rules;
mod shares;
mod transfers;
mod unflushed;

const QUEUE: SubscriptionId = SubscriptionId(0);
const A: ClientId = ClientId { process: ProcessId(1), incarnation: Incarnation(0) };
const A_AGAIN: ClientId = ClientId { process: ProcessId(1), incarnation: Incarnation(1) };
const B: ClientId = ClientId { process: ProcessId(2), incarnation: Incarnation(0) };

/// A broker under test, at a point of time.
struct Bench {
    broker: QueueBroker,
    now: Instant,
    ground_truth: Vec<Event>,
}

impl Bench {
    fn new(settings: QueueSettings) -> Self {
        Self { broker: QueueBroker::new(settings), now: Instant::START, ground_truth: Vec::new() }
    }

    /// A bench with these messages in its queues, and no truth to tell so far.
    fn with(settings: QueueSettings, messages: &[u32]) -> Self {
        let mut bench = Self::new(settings);
        bench.publish(messages);
        bench.ground_truth.clear();
        bench.broker.take_changed();
        bench
    }

    fn handle(&mut self, from: ClientId, mut request: Request) -> Option<Response> {
        self.broker.handle(self.now, from, &mut request, &mut self.ground_truth)
    }

    fn publish(&mut self, messages: &[u32]) -> &'static str {
        let records = messages.iter().map(|&message| record(message)).collect();
        match self.handle(B, Request::Publish { records, confirm: true, id: 0 }) {
            Some(Response::Published { records }) if records.is_empty() => "published",
            Some(Response::PublishRefused { .. }) => "refused",
            other => panic!("{other:?}"),
        }
    }

    /// What the client gets: `tag:message`, with `*` if redelivered and `xN` from the second time
    /// on.
    fn receive(&mut self, from: ClientId, max: u32) -> String {
        self.receive_in(QUEUE, from, max, false)
    }

    fn receive_in(
        &mut self,
        queue: SubscriptionId,
        from: ClientId,
        max: u32,
        settle_at_delivery: bool,
    ) -> String {
        let (buffer, deadline) = (Vec::new(), Instant::NEVER);
        let request = Request::Receive { queue, max, settle_at_delivery, buffer, deadline };
        match self.handle(from, request) {
            None => "parked".into(),
            Some(Response::Received { deliveries }) => print_deliveries(&deliveries),
            Some(other) => format!("{other:?}"),
        }
    }

    fn settle(&mut self, from: ClientId, tags: &[DeliveryTag], word: Settlement) -> String {
        self.settle_with(from, tags, word, false)
    }

    fn settle_multiple(&mut self, from: ClientId, tag: DeliveryTag, word: Settlement) -> String {
        self.settle_with(from, &[tag], word, true)
    }

    fn settle_with(
        &mut self,
        from: ClientId,
        tags: &[DeliveryTag],
        settlement: Settlement,
        multiple: bool,
    ) -> String {
        let (tags, trigger) = (tags.to_vec(), SettleTrigger::Application);
        let request = Request::Settle { queue: QUEUE, tags, settlement, multiple, trigger };
        match self.handle(from, request) {
            Some(Response::Settled { tags }) if tags.is_empty() => "settled".into(),
            Some(Response::Stale { tags }) => format!("stale {tags:?}"),
            other => format!("{other:?}"),
        }
    }

    /// Lets `seconds` pass, and what is due happen.
    fn pass(&mut self, seconds: u64) {
        self.now += Duration::from_secs(seconds);
        self.broker.advance(self.now, &mut self.ground_truth);
    }

    fn disconnect(&mut self, client: ClientId) {
        self.broker.disconnected(self.now, client, &mut self.ground_truth);
    }

    fn restart(&mut self) {
        self.broker.restart(self.now, &mut self.ground_truth);
    }

    /// What is left in each queue.
    fn audit(&self) -> String {
        let mut ground_truth = Vec::new();
        self.broker.audit(self.now, &mut ground_truth);
        print_truth(&ground_truth)
    }

    /// What really happened since the last time.
    fn ground_truth(&mut self) -> String {
        print_truth(&mem::take(&mut self.ground_truth))
    }
}

fn record(message: u32) -> Record {
    Record { message: MessageId(message), key: Key(message % 2), bytes: 1 }
}

fn print_deliveries(deliveries: &[Received]) -> String {
    let mut text = String::new();
    for delivery in deliveries {
        let Received { tag, record, delivery_count, redelivered } = delivery;
        let mark = if *redelivered { "*" } else { "" };
        let count = if *delivery_count > 1 { format!("x{delivery_count}") } else { String::new() };
        write!(text, "{tag}:{}{mark}{count} ", record.message).expect("a string takes all");
    }
    text.trim_end().to_owned()
}

/// One word an event; `q1` only where it is not the first queue.
fn print_truth(ground_truth: &[Event]) -> String {
    let words: Vec<_> = ground_truth.iter().map(|event| print_event(&event.kind)).collect();
    words.join(" ")
}

fn print_event(kind: &Kind) -> String {
    let at = |subscription: SubscriptionId, text: String| match subscription {
        QUEUE => text,
        other => format!("q{other}.{text}"),
    };
    match *kind {
        Kind::Stored { message, subscription: Some(queue), position, copy, .. } => {
            at(queue, format!("stored({message}@{position}#{copy})"))
        }
        Kind::Removed { message, subscription, reason } => {
            let text = format!("removed({message},{})", print_reason(reason));
            match subscription {
                Some(queue) => at(queue, text),
                None => format!("all.{text}"),
            }
        }
        Kind::DeadLettered { message, subscription, reason } => {
            let reason = match reason {
                DeadLetterReason::Rejected => "rejected",
                DeadLetterReason::DeliveryLimit => "limit",
                DeadLetterReason::Overflow => "overflow",
                DeadLetterReason::Ttl => "ttl",
                other => panic!("no queue does that: {other:?}"),
            };
            at(subscription, format!("dead({message},{reason})"))
        }
        Kind::Settled { message, subscription, consumer, act, trigger } => {
            let act = format!("{act:?}").to_lowercase();
            let why = if trigger == SettleTrigger::Delivery { ",delivery" } else { "" };
            at(subscription, format!("{act}({message},p{consumer}{why})"))
        }
        Kind::LeaseExpired { message, subscription, consumer } => {
            at(subscription, format!("expired({message},p{consumer})"))
        }
        Kind::Requeued { message, subscription, consumer } => {
            at(subscription, format!("requeued({message},p{consumer})"))
        }
        Kind::Kept { message, subscription } => at(subscription, format!("kept({message})")),
        Kind::SettleForgotten { message, subscription } => {
            at(subscription, format!("forgotten({message})"))
        }
        Kind::Redriven { message, subscription, position, .. } => {
            at(subscription, format!("redriven({message}@{position})"))
        }
        Kind::Retried { message, subscription, consumer, position } => {
            at(subscription, format!("retried({message}@{position},p{consumer})"))
        }
        Kind::BrokerRestarted => "restarted".into(),
        Kind::Retrievable { message, subscription } => at(subscription, message.to_string()),
        other => panic!("no queue does that: {other:?}"),
    }
}

fn print_reason(reason: RemoveReason) -> &'static str {
    match reason {
        RemoveReason::Settled => "settled",
        RemoveReason::Overflow => "overflow",
        RemoveReason::DeliveryLimit => "limit",
        RemoveReason::Unroutable => "unroutable",
        RemoveReason::BrokerLoss => "loss",
        RemoveReason::Ttl => "ttl",
        RemoveReason::Retention => "retention",
        other => panic!("no queue does that: {other:?}"),
    }
}
