//! What a producer makes of every answer to a send, on both models.
//!
//! Goal: that an answer is missing says nothing about the message, so such a send ends as unknown,
//! never as refused. Method: a link that answers what the test tells it to.

use std::cell::Cell;
use std::fmt::Debug;
use std::pin::pin;
use std::task::Poll;

use entrega_model::event::SendOutcome;
use entrega_model::log::Refusal;
use entrega_model::{Duration, Key, Kind, MessageId, PartitionId, Record, log, queue};

use super::{LogPublisher, Outgoing, PublishError, Publisher, QueuePublisher, Retries, confirmed};
use crate::Unanswered;
use crate::fake_link::{FakeLink, once};

const RECORD: Record = Record { message: MessageId(7), key: Key(3), bytes: 1 };

/// What a broker may answer to a send, or not answer.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Stored,
    Refused,
    Missing,
}

use Answer::{Missing, Refused, Stored};

/// A model's answers, and its publisher.
trait Broker: Sized {
    type Response: Debug;

    fn answer(answer: Answer) -> Result<Self::Response, Unanswered>;

    fn publisher(link: &FakeLink<Self, Self::Response>) -> impl Publisher;
}

impl Broker for log::Request {
    type Response = log::Response;

    fn answer(answer: Answer) -> Result<log::Response, Unanswered> {
        match answer {
            Stored => Ok(log::Response::Produced { base_offset: 0, records: vec![] }),
            Refused => Ok(log::Response::Refused(Refusal::UnknownPartition)),
            Missing => Err(Unanswered),
        }
    }

    fn publisher(link: &FakeLink<Self, log::Response>) -> impl Publisher {
        LogPublisher::new(link, 1, |_, _| PartitionId(0))
    }
}

impl Broker for queue::Request {
    type Response = queue::Response;

    fn answer(answer: Answer) -> Result<queue::Response, Unanswered> {
        match answer {
            Stored => Ok(queue::Response::Published { records: vec![] }),
            Refused => Ok(queue::Response::PublishRefused { records: vec![] }),
            Missing => Err(Unanswered),
        }
    }

    fn publisher(link: &FakeLink<Self, queue::Response>) -> impl Publisher {
        QueuePublisher::new(link)
    }
}

/// One message to send.
struct Single(Cell<Option<Record>>);

impl Outgoing for Single {
    async fn next(&self) -> Option<Record> {
        self.0.take()
    }
}

fn published<Q: Broker>(answer: Answer) -> Result<(), PublishError> {
    let link = FakeLink::<Q, Q::Response>::new();
    let publisher = Q::publisher(&link);
    let mut publish = pin!(publisher.publish(RECORD, 1));
    assert_eq!(once(publish.as_mut()), Poll::Pending);
    let (call, _) = link.asked().expect("a send");
    link.answer(call, Q::answer(answer));
    let Poll::Ready(result) = once(publish) else { panic!("it still waits") };
    result
}

/// How a producer that tries as often as there are answers notes the end of its send.
fn outcome<Q: Broker>(answers: &[Answer]) -> SendOutcome {
    let link = FakeLink::<Q, Q::Response>::new();
    let (publisher, outgoing) = (Q::publisher(&link), Single(Cell::new(Some(RECORD))));
    let retries = Retries { limit: answers.len() as u32 - 1, backoff: Duration::ZERO };
    let mut producer = pin!(confirmed(&publisher, &outgoing, retries));
    for answer in answers {
        assert_eq!(once(producer.as_mut()), Poll::Pending);
        let (call, _) = link.asked().expect("a send");
        link.answer(call, Q::answer(*answer));
    }
    assert_eq!(once(producer), Poll::Ready(()));
    let recorded = link.recorded.borrow();
    let ended = |kind: &Kind| match kind {
        Kind::SendEnded { outcome, .. } => Some(*outcome),
        _ => None,
    };
    let outcomes: Vec<SendOutcome> = recorded.iter().filter_map(ended).collect();
    let [outcome] = outcomes[..] else { panic!("it ended {} times", outcomes.len()) };
    outcome
}

#[test]
fn a_send_without_an_answer_is_not_taken_for_refused() {
    let check = |answer, expect| {
        assert_eq!(published::<log::Request>(answer), expect, "log: {answer:?}");
        assert_eq!(published::<queue::Request>(answer), expect, "queue: {answer:?}");
    };
    check(Stored, Ok(()));
    check(Refused, Err(PublishError::Refused));
    check(Missing, Err(PublishError::Unknown));
}

/// A refused attempt says nothing about an earlier one that went unanswered.
#[test]
fn only_a_confirmation_makes_a_send_certain_that_once_went_unanswered() {
    let check = |answers: &[Answer], expect| {
        assert_eq!(outcome::<log::Request>(answers), expect, "log: {answers:?}");
        assert_eq!(outcome::<queue::Request>(answers), expect, "queue: {answers:?}");
    };
    check(&[Stored], SendOutcome::Ok);
    check(&[Refused], SendOutcome::Fail);
    check(&[Refused, Refused], SendOutcome::Fail);
    check(&[Missing], SendOutcome::Info);
    check(&[Missing, Refused], SendOutcome::Info);
    check(&[Refused, Missing], SendOutcome::Info);
    check(&[Missing, Stored], SendOutcome::Ok);
    check(&[Refused, Stored], SendOutcome::Ok);
}

mod pipelined;
