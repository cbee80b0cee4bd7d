//! In which order requests leave a producer that has several on their way at once.
//!
//! Goal: a retry leaves behind whatever was sent meanwhile, which is how a message is overtaken;
//! nothing else changes places, and never are more requests on their way than are allowed. Method:
//! a link that answers what the test tells it to, and the messages of all requests in their order.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

use entrega_model::purpose::Purposeful;

use super::super::pipelined;
use super::*;
use crate::CallId;

/// Messages to send, all of them due.
struct Several(RefCell<VecDeque<Record>>);

impl Several {
    fn of(count: u32) -> Self {
        let record = |id| Record { message: MessageId(id), ..RECORD };
        Self(RefCell::new((0..count).map(record).collect()))
    }
}

impl Outgoing for Several {
    async fn next(&self) -> Option<Record> {
        self.0.borrow_mut().pop_front()
    }
}

type Requests = FakeLink<log::Request, log::Response>;

/// A producer of so many messages over a link.
fn producer(
    link: &Requests,
    count: u32,
    max_in_flight: u32,
) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    Box::pin(async move {
        let publisher = LogPublisher::new(link, 1, |_, _| PartitionId(0));
        let (outgoing, retries) = (Several::of(count), Retries { limit: 3, ..ONCE });
        match max_in_flight {
            1 => confirmed(&publisher, &outgoing, retries).await,
            _ => pipelined(&publisher, &outgoing, retries, max_in_flight).await,
        }
    })
}

const ONCE: Retries = Retries { limit: 1, backoff: Duration::ZERO };

/// The messages of the requests that have left since the last look.
fn left(link: &Requests) -> Vec<(u32, CallId)> {
    let mut left = Vec::new();
    while let Some((call, request)) = link.asked() {
        left.push((request.sends().expect("a send").0, call));
    }
    left
}

/// Sends four messages, of which the first requests of some are not answered, and returns the
/// messages of all requests in their order. Requests are answered one by one, in their order.
fn order(max_in_flight: u32, unanswered: &[u32]) -> Vec<u32> {
    let link = Requests::new();
    let mut producer = producer(&link, 4, max_in_flight);
    let (mut order, mut waiting, mut missed) = (Vec::new(), VecDeque::new(), unanswered.to_vec());
    while once(producer.as_mut()).is_pending() {
        let new = left(&link);
        order.extend(new.iter().map(|(message, _)| *message));
        waiting.extend(new);
        assert!(waiting.len() <= max_in_flight as usize);
        let (message, call) = waiting.pop_front().expect("a request on its way");
        let is_missed = missed.iter().position(|one| *one == message);
        let answer = is_missed.map_or(Stored, |_| Missing);
        is_missed.map(|index| missed.remove(index));
        link.answer(call, log::Request::answer(answer));
    }
    order
}

#[test]
fn a_retry_is_overtaken_by_what_was_sent_meanwhile() {
    let check = |max_in_flight, unanswered: &[u32], expect: &[u32]| {
        assert_eq!(order(max_in_flight, unanswered), expect, "{max_in_flight} {unanswered:?}");
    };
    check(1, &[], &[0, 1, 2, 3]);
    check(5, &[], &[0, 1, 2, 3]);
    check(1, &[0], &[0, 0, 1, 2, 3]);
    check(2, &[0], &[0, 1, 0, 2, 3]);
    check(5, &[0], &[0, 1, 2, 3, 0]);
    check(5, &[1, 1], &[0, 1, 2, 3, 1, 1]);
}

/// Whatever waits for the same moment goes on in the order in which it was sent.
#[test]
fn retries_do_not_overtake_one_another() {
    let link = Requests::new();
    let mut producer = producer(&link, 3, 3);
    assert!(once(producer.as_mut()).is_pending());
    let first = left(&link);
    first.iter().rev().for_each(|(_, call)| link.answer(*call, Err(Unanswered)));
    assert!(once(producer.as_mut()).is_pending());
    let again: Vec<u32> = left(&link).into_iter().map(|(message, _)| message).collect();
    assert_eq!(again, [0, 1, 2]);
}

/// The window: there is room for another request only when an answer has come.
#[test]
fn no_more_requests_are_on_their_way_than_are_allowed() {
    let link = Requests::new();
    let mut producer = producer(&link, 3, 2);
    assert!(once(producer.as_mut()).is_pending());
    let first = left(&link);
    assert_eq!(first.len(), 2);
    link.answer(first[1].1, log::Request::answer(Stored));
    assert!(once(producer.as_mut()).is_pending());
    assert_eq!(left(&link).len(), 1);
}
