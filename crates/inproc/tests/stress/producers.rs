//! Producers: every way to send, on threads and tasks.

use std::time::{Duration, Instant};

use entrega_inproc::queue::{Producer, Refused};

use crate::Round;
use crate::body::Body;
use crate::config::Random;
use crate::ledger::{Sent, caught};

/// One producer in one round.
pub(crate) struct Producing<'a, B: Body> {
    round: &'a Round<B>,
    number: usize,
    random: Random,
}

impl<'a, B: Body> Producing<'a, B> {
    pub(crate) fn new(round: &'a Round<B>, number: usize, random: Random) -> Self {
        Self { round, number, random }
    }

    /// Sends everything, or until the queue is closed.
    pub(crate) fn run(mut self) {
        let each = self.round.config.each;
        let own = self.round.config.has_sole_producer.then(|| self.round.queue.sole_producer());
        let mut producer = own.flatten().unwrap_or_else(|| self.round.queue.producer());
        let mut next = self.number * each;
        let end = next + each;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime");
        while next < end {
            let count = (1 + self.random.below(40) as usize).min(end - next);
            let is_open = match self.random.below(6) {
                0 => self.send_many(&mut producer, next..next + count, false),
                1 => self.send_many(&mut producer, next..next + count, true),
                2 => self.send_each(next..next + count, |body| producer.send(body)),
                3 => self.send_each(next..next + count, |body| patient(&mut producer, body)),
                4 => self.send_each(next..next + count, |body| {
                    runtime.block_on(cancelled(&mut producer, body))
                }),
                _ => self.build_each(next..next + count, &mut producer),
            };
            if !is_open {
                break;
            }
            next += count;
        }
    }

    fn make(&self, id: usize) -> B {
        B::make(id, &self.round.ledger)
    }

    fn send_each(
        &self,
        ids: std::ops::Range<usize>,
        mut send: impl FnMut(B) -> Result<(), Refused<B>>,
    ) -> bool {
        ids.into_iter().all(|id| {
            let sent = match caught(|| send(self.make(id)).map_err(|refused| refused.into_kind())) {
                Some(Ok(())) => Sent::Yes,
                None | Some(Err(Kind::Unknown)) => Sent::Unknown,
                Some(Err(Kind::Refused)) => Sent::No,
            };
            self.round.ledger.sent(id, sent);
            sent != Sent::No
        })
    }

    fn build_each(&self, mut ids: std::ops::Range<usize>, producer: &mut Producer<B>) -> bool {
        ids.all(|id| {
            let sent = match caught(|| producer.send_with(|| self.make(id))) {
                Some(Ok(())) => Sent::Yes,
                None | Some(Err(Refused::TooLate)) => Sent::Unknown,
                Some(Err(_)) => Sent::No,
            };
            self.round.ledger.sent(id, sent);
            sent != Sent::No
        })
    }

    /// By an iterator, which asks the queue, or as a batch.
    fn send_many(
        &self,
        producer: &mut Producer<B>,
        ids: std::ops::Range<usize>,
        is_batch: bool,
    ) -> bool {
        let asks = |id: usize| {
            assert!(!id.is_multiple_of(7) || self.round.queue.segments() > 0);
            self.make(id)
        };
        let sent = caught(|| {
            if is_batch {
                producer.send_batch(&mut ids.clone().map(asks).collect())
            } else {
                producer.send_all(ids.clone().map(asks))
            }
        });
        let all = if sent == Some(Ok(())) { Sent::Yes } else { Sent::Unknown };
        ids.for_each(|id| self.round.ledger.sent(id, all));
        !matches!(sent, Some(Err(_)))
    }
}

/// Waits for a moment, again and again.
fn patient<B>(producer: &mut Producer<B>, mut body: B) -> Result<(), Refused<B>> {
    loop {
        let deadline = Instant::now() + Duration::from_micros(200);
        match producer.send_until(body, deadline) {
            Err(Refused::Full(back)) => body = back,
            other => return other,
        }
    }
}

/// A task that gives up its wait for room, again and again.
async fn cancelled<B>(producer: &mut Producer<B>, mut body: B) -> Result<(), Refused<B>> {
    loop {
        match producer.try_send(body) {
            Err(Refused::Full(back)) => body = back,
            other => return other,
        }
        let shared = std::cell::RefCell::new(producer.clone());
        let _ = tokio::time::timeout(Duration::from_micros(200), Producer::room(&shared)).await;
    }
}

/// How a send was refused.
enum Kind {
    Refused,
    Unknown,
}

trait IntoKind {
    fn into_kind(self) -> Kind;
}

impl<B> IntoKind for Refused<B> {
    fn into_kind(self) -> Kind {
        if matches!(self, Self::TooLate) { Kind::Unknown } else { Kind::Refused }
    }
}
