//! Producers: they publish alone and in batches, give up in the middle, die, and come back.

use std::time::Duration;

use entrega_brokers::QueueBroker;
use entrega_clients::{Link, Unanswered};
use entrega_live::LiveLink;
use entrega_model::event::SendOutcome;
use entrega_model::queue::{Request, Response};
use entrega_model::{Key, Kind, MessageId, ProcessId, Record};
use tokio::runtime::Runtime;

use crate::Round;
use crate::config::Random;
use crate::observer::caught;

/// The patience of who gives up a call, in microseconds.
pub(crate) const MICROS: u64 = 400;

pub(crate) fn publish(messages: impl IntoIterator<Item = MessageId>, confirm: bool) -> Request {
    let record = |message| Record { message, key: Key(0), bytes: 1 };
    Request::Publish { records: messages.into_iter().map(record).collect(), confirm, id: 0 }
}

pub(crate) fn invoked(message: MessageId, producer: ProcessId) -> Kind {
    Kind::SendInvoked { message, key: Key(0), producer, attempt: 1 }
}

/// What a producer learnt; `None` if it gave up, or the observer panicked.
pub(crate) fn outcome_of(answer: Option<Result<Response, Unanswered>>) -> SendOutcome {
    match answer {
        Some(Ok(Response::Published { .. })) => SendOutcome::Ok,
        Some(Ok(Response::PublishRefused { .. })) => SendOutcome::Fail,
        Some(Ok(other)) => panic!("{other:?} answers a publish"),
        None | Some(Err(Unanswered)) => SendOutcome::Info,
    }
}

/// One producer in one round, through all its lives.
pub(crate) struct Producing<'a> {
    round: &'a Round,
    number: usize,
    process: ProcessId,
    random: Random,
    runtime: Runtime,
}

impl<'a> Producing<'a> {
    pub(crate) fn new(round: &'a Round, number: usize) -> Self {
        let process = ProcessId(number as u16);
        let (random, runtime) = (round.random(process), crate::runtime());
        Self { round, number, process, random, runtime }
    }

    /// Publishes everything, or until the broker is closed.
    pub(crate) fn run(mut self) {
        let each = self.round.config.each;
        let mut left = self.number * each..(self.number + 1) * each;
        while !left.is_empty() && !self.round.served.is_closing() {
            let Some(link) = self.round.connect(self.process, &mut self.random) else { continue };
            for _ in 0..=self.random.below(100) {
                let count = (1 + self.random.below(12) as usize).min(left.len());
                let messages = (&mut left).take(count).map(|id| MessageId(id as u32));
                self.publish(&link, &messages.collect::<Vec<_>>());
            }
            if self.random.once_in(2) {
                caught(|| link.leave(self.random.once_in(2)));
            }
            caught(|| drop(link));
        }
    }

    fn publish(&mut self, link: &LiveLink<QueueBroker>, messages: &[MessageId]) {
        let (round, producer) = (self.round, self.process);
        for &message in messages {
            round.seen.note(&round.served, producer, invoked(message, producer));
        }
        let outcome = outcome_of(self.call(link, messages));
        for &message in messages {
            let ended = Kind::SendEnded { message, producer, outcome };
            round.seen.note(&round.served, producer, ended);
        }
    }

    fn call(
        &mut self,
        link: &LiveLink<QueueBroker>,
        messages: &[MessageId],
    ) -> Option<Result<Response, Unanswered>> {
        let request = publish(messages.iter().copied(), true);
        let patience = Duration::from_micros(self.random.below(MICROS));
        let gives_up = self.round.config.cancels && self.random.once_in(4);
        let runtime = &self.runtime;
        caught(|| {
            if gives_up {
                let patient = async { tokio::time::timeout(patience, link.call(request)).await };
                return runtime.block_on(patient).ok();
            }
            Some(runtime.block_on(link.call(request)))
        })?
    }
}
