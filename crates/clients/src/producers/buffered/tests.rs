//! What leaves the buffer of a producer, and when.
//!
//! Goal: a message counts as sent before it leaves, so what is in the buffer when the process ends
//! was never sent; a flush leaves nothing behind. Method: a link that answers what the test tells
//! it to, and a clock that the test sets.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;

use entrega_model::{Key, Kind, MessageId, log};

use super::super::LogPublisher;
use super::*;
use crate::Unanswered;
use crate::fake_link::{FakeLink, once};

type Requests = FakeLink<log::Request, log::Response>;
type Producer<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

const LINGER: Duration = Duration::from_millis(5);
const SETTINGS: Buffering = Buffering {
    linger: LINGER,
    batch_bytes: 30,
    flushes: true,
    confirms: true,
    retries: Retries { limit: 2, backoff: Duration::ZERO },
    max_in_flight: 1,
};

/// Messages of ten bytes by their keys, each a number of milliseconds after the start.
struct Timed<'a> {
    link: &'a Requests,
    messages: RefCell<VecDeque<(u64, u32)>>,
    next: std::cell::Cell<u32>,
}

impl Outgoing for Timed<'_> {
    async fn next(&self) -> Option<Record> {
        let (millis, key) = self.messages.borrow_mut().pop_front()?;
        crate::Context::sleep_until(&self.link, at(millis)).await;
        let message = MessageId(self.next.replace(self.next.get() + 1));
        Some(Record { message, key: Key(key), bytes: 10 })
    }
}

fn at(millis: u64) -> Instant {
    Instant::START + Duration::from_millis(millis)
}

/// A producer of these messages to a log with a partition for each key.
fn producer<'a>(
    link: &'a Requests,
    settings: Buffering,
    messages: &'a [(u64, u32)],
) -> Producer<'a> {
    let messages = RefCell::new(messages.iter().copied().collect());
    Box::pin(async move {
        let publisher = LogPublisher::new(link, 4, |key, _| PartitionId(key.0 as u16));
        let outgoing = Timed { link, messages, next: std::cell::Cell::new(0) };
        buffered(&publisher, &outgoing, settings).await;
    })
}

/// The messages of the next request, and a name for its answer.
fn request(link: &Requests) -> Option<(Vec<u32>, crate::CallId)> {
    let (call, request) = link.asked()?;
    let log::Request::Produce { records, .. } = request else { panic!("{request:?}") };
    Some((records.iter().map(|record| record.message.0).collect(), call))
}

/// Every batch with the time at which it left, and what of the sends was noted as ok, when the
/// producer has ended. All batches are stored.
fn batches(settings: Buffering, messages: &[(u64, u32)]) -> (Vec<(u64, Vec<u32>)>, Vec<u32>) {
    let link = Requests::new();
    let mut producer = producer(&link, settings, messages);
    let mut left = Vec::new();
    for millis in 0..100 {
        link.now.set(at(millis));
        loop {
            let has_ended = once(producer.as_mut()).is_ready();
            let asked = request(&link);
            let is_idle = asked.is_none();
            if let Some((batch, call)) = asked {
                left.push((millis, batch));
                link.answer(call, Ok(log::Response::Produced { base_offset: 0, records: vec![] }));
            }
            if has_ended {
                return (left, believed(&link));
            }
            if is_idle {
                break;
            }
        }
    }
    panic!("it goes on");
}

/// The messages whose send was noted as ok.
fn believed(link: &Requests) -> Vec<u32> {
    let recorded = link.recorded.borrow();
    let ok = recorded.iter().filter_map(|kind| match kind {
        Kind::SendEnded { message, outcome: SendOutcome::Ok, .. } => Some(message.0),
        _ => None,
    });
    ok.collect()
}

#[test]
fn a_batch_leaves_when_it_is_full_or_its_first_message_has_waited() {
    let check = |messages: &[(u64, u32)], expect: &[(u64, &[u32])]| {
        let expect: Vec<_> = expect.iter().map(|(at, batch)| (*at, batch.to_vec())).collect();
        assert_eq!(batches(SETTINGS, messages).0, expect, "{messages:?}");
    };
    check(&[(0, 0), (1, 0), (20, 0)], &[(5, &[0, 1]), (20, &[2])]);
    check(&[(0, 0), (1, 0), (2, 0), (3, 0), (30, 0)], &[(2, &[0, 1, 2]), (8, &[3]), (30, &[4])]);
    check(&[(0, 0), (1, 1), (2, 0), (30, 0)], &[(5, &[0, 2]), (6, &[1]), (30, &[3])]);
}

/// The last message goes when it comes, for no other follows. The opposite: without a flush it
/// stays behind.
#[test]
fn what_is_left_is_flushed_or_thrown_away() {
    let messages = [(0, 0), (10, 0), (11, 0)];
    let check = |flushes, confirms, left: usize, ok: &[u32]| {
        let settings = Buffering { flushes, confirms, ..SETTINGS };
        let (batches, believed) = batches(settings, &messages);
        assert_eq!((batches.len(), believed.as_slice()), (left, ok), "{flushes} {confirms}");
    };
    check(true, true, 2, &[0, 1, 2]);
    check(true, false, 2, &[0, 1, 2]);
    check(false, true, 1, &[0]);
    check(false, false, 1, &[0, 1, 2]);
}

/// A crash: the process is gone, and with it what the application believes to be sent.
#[test]
fn a_crash_takes_the_buffer() {
    let link = Requests::new();
    let settings = Buffering { confirms: false, ..SETTINGS };
    let mut producer = producer(&link, settings, &[(0, 0), (1, 0), (50, 0)]);
    link.now.set(at(1));
    assert!(once(producer.as_mut()).is_pending());
    drop(producer);
    assert_eq!(believed(&link), [0, 1]);
    assert!(link.asked().is_none(), "nothing has left");
}

/// A batch is sent again as a whole.
#[test]
fn a_batch_is_sent_again_as_a_whole() {
    let link = Requests::new();
    let mut producer = producer(&link, SETTINGS, &[(0, 0), (0, 0), (0, 0)]);
    assert!(once(producer.as_mut()).is_pending());
    let (batch, call) = request(&link).expect("a full batch");
    assert_eq!(batch, [0, 1, 2]);
    link.answer(call, Err(Unanswered));
    assert!(once(producer.as_mut()).is_pending());
    let (batch, call) = request(&link).expect("the same again");
    assert_eq!(batch, [0, 1, 2]);
    link.answer(call, Ok(log::Response::Produced { base_offset: 0, records: vec![] }));
    assert!(once(producer.as_mut()).is_ready());
    assert_eq!(believed(&link), [0, 1, 2]);
}
