//! A settle and a publish in one step.

use entrega_model::queue::{Received, Request, Response};
use entrega_model::{
    ClientId, DeliveryId, Event, Incarnation, Instant, Key, Kind, MessageId, Output, ProcessId,
    Record, SubscriptionId,
};

use crate::Broker;
use crate::queue::{QueueBroker, QueueSettings};

const QUEUE: SubscriptionId = SubscriptionId(0);

fn client(process: u16) -> ClientId {
    ClientId { process: ProcessId(process), incarnation: Incarnation(0) }
}

fn record() -> Record {
    Record { message: MessageId(7), key: Key(0), bytes: 1 }
}

/// A queue whose only message is delivered to client 1, with its tag.
fn delivered(atomic_publish: bool) -> (QueueBroker, u64) {
    let mut broker = QueueBroker::new(QueueSettings { atomic_publish, ..QueueSettings::default() });
    let (now, mut truth) = (Instant::START, Vec::new());
    let records = vec![record()];
    broker.handle(
        now,
        client(0),
        &mut Request::Publish { records, confirm: true, id: 0 },
        &mut truth,
    );
    let (settle_at_delivery, buffer) = (false, Vec::new());
    let mut receive =
        Request::Receive { queue: QUEUE, max: 1, settle_at_delivery, buffer, deadline: now };
    let answer = broker.handle(now, client(1), &mut receive, &mut truth);
    let Some(Response::Received { deliveries }) = answer else { panic!("{answer:?}") };
    let [Received { tag, .. }] = deliveries[..] else { panic!("{deliveries:?}") };
    (broker, tag)
}

/// Both take place, or neither does.
#[test]
fn an_ack_and_a_publish_are_one() {
    let check = |atomic, from, ago, expect: &str, effects, left| {
        let (mut broker, tag) = delivered(atomic);
        let output = Some(Output { record: record(), delivery: DeliveryId(0) });
        let mut truth: Vec<Event> = Vec::new();
        let tag = Some(tag.wrapping_add(ago));
        let mut request = Request::SettleAndPublish { queue: QUEUE, tag, output };
        let answer = broker.handle(Instant::START, client(from), &mut request, &mut truth);
        assert!(format!("{answer:?}").starts_with(expect), "{answer:?}");
        let is_effect = |event: &&Event| matches!(event.kind, Kind::Effect { .. });
        assert_eq!(truth.iter().filter(is_effect).count(), effects, "{expect}");
        assert_eq!(broker.in_flight_count(QUEUE), left, "{expect}");
    };
    check(true, 1, 0, "Some(Settled", 1, 0);
    check(true, 2, 0, "Some(Stale", 0, 1);
    check(true, 1, 5, "Some(Stale", 0, 1);
    check(false, 1, 0, "Some(NotAtomic", 0, 1);
}

/// What is settled already is stale, and has no second effect.
#[test]
fn a_repetition_publishes_nothing() {
    let (mut broker, tag) = delivered(true);
    let output = Some(Output { record: record(), delivery: DeliveryId(0) });
    let mut truth = Vec::new();
    for _ in 0..2 {
        let mut request = Request::SettleAndPublish { queue: QUEUE, tag: Some(tag), output };
        broker.handle(Instant::START, client(1), &mut request, &mut truth);
    }
    let is_effect = |event: &&Event| matches!(event.kind, Kind::Effect { .. });
    assert_eq!(truth.iter().filter(is_effect).count(), 1);
}
