//! The producer and the consumers of a hosted world: the same code as in the simulator, with sleeps
//! of the runtime for the handler, and a crash that drops the consumer's future.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;

use entrega_clients::combinators::closing;
use entrega_clients::consumers::process_then_settle;
use entrega_clients::producers::{Outgoing, Retries, confirmed};
use entrega_clients::{
    BatchError, BatchFailure, BatchRules, BatchSink, Context, DeadLetters, ErrorPolicy, Handler,
    HandlerError, Supervised, Unanswered,
};
use entrega_model::event::{EffectVerdict, ProcessingResult};
use entrega_model::{
    ClientId, Delivery, Duration, Incarnation, Kind, MessageId, ProcessId, Record,
};
use tokio::sync::Notify;
use tokio::time;

use super::super::workload::{Job, LATENCY, READER, RESTART, SERVICE_TIME, crashes};
use super::{Hosted, HostedLink, Net, Side};

/// The producer: sends every message when it is due.
pub(crate) async fn produce<S: Side, N: Net<S>>(hosted: Rc<Hosted<S>>, net: N, job: &Job) {
    let client = ClientId { process: ProcessId(0), incarnation: Incarnation(1) };
    let ClientId { process, incarnation } = client;
    hosted.world.borrow_mut().record(Kind::Started { process, incarnation });
    let link = HostedLink { hosted, net, client };
    let planned = Planned { job, link: link.clone(), next: Cell::new(0) };
    let retries = Retries { limit: 0, backoff: Duration::ZERO };
    confirmed(&S::publisher(link), &planned, retries).await;
}

struct Planned<'a, S: Side, N> {
    job: &'a Job,
    link: HostedLink<S, N>,
    next: Cell<u32>,
}

impl<S: Side, N: Net<S>> Outgoing for Planned<'_, S, N> {
    async fn next(&self) -> Option<Record> {
        let number = self.next.replace(self.next.get() + 1);
        let planned = self.job.workload.planned.get(number as usize)?;
        if planned.at > self.link.now() {
            self.link.sleep_until(planned.at).await;
        }
        Some(Record { message: MessageId(number), key: planned.key, bytes: planned.bytes })
    }
}

/// A consumer with its lives, for ever. `send` empties the outbox after a crash.
pub(crate) async fn consume<S: Side, N: Net<S>>(
    hosted: Rc<Hosted<S>>,
    net: N,
    process: ProcessId,
    send: impl Fn(),
) {
    for incarnation in (1..).map(Incarnation) {
        let client = ClientId { process, incarnation };
        hosted.world.borrow_mut().record(Kind::Started { process, incarnation });
        let link = HostedLink { hosted: Rc::clone(&hosted), net: net.clone(), client };
        let crash = Notify::new();
        tokio::select! {
            biased;
            () = crash.notified() => {}
            () = life(link, &crash) => {}
        }
        hosted.crashed(client);
        send();
        time::sleep(std::time::Duration::from_nanos(RESTART.as_nanos())).await;
    }
}

async fn life<S: Side, N: Net<S>>(link: HostedLink<S, N>, crash: &Notify) {
    let inbox = S::inbox(link.clone());
    let handler = HostedHandler { link, crash };
    let app = Supervised {
        inbox: &inbox,
        handler: &handler,
        dead_letters: &handler,
        policy: ErrorPolicy::Retry,
        max_attempts: 1,
        retry_backoff: Duration::ZERO,
        batch: BatchRules { sink: BatchSink::Atomic, on_failure: BatchFailure::RetryWhole },
    };
    let _ = closing(&inbox, process_then_settle(&inbox, &app)).await;
    pending().await
}

struct HostedHandler<'a, S: Side, N> {
    link: HostedLink<S, N>,
    crash: &'a Notify,
}

impl<S: Side, N: Net<S>> Handler for HostedHandler<'_, S, N> {
    async fn process(&self, delivery: &Delivery) -> Result<(), HandlerError> {
        let (consumer, subscription) = (self.link.process(), READER);
        let (message, key) = (delivery.record.message, delivery.record.key);
        let id = delivery.id;
        self.link.record(Kind::ProcessingStarted { delivery: id, message, subscription, consumer });
        self.pause(SERVICE_TIME).await;
        self.pause(LATENCY).await;
        let verdict = EffectVerdict::Applied;
        let effect = Kind::Effect { delivery: id, message, key, subscription, consumer, verdict };
        self.link.record(effect);
        self.note_effect(message);
        self.pause(LATENCY).await;
        if crashes(delivery) {
            self.crash.notify_one();
            pending::<()>().await;
        }
        let result = ProcessingResult::Ok;
        let ended = Kind::ProcessingEnded { delivery: id, message, subscription, consumer, result };
        self.link.record(ended);
        Ok(())
    }

    async fn process_batch(&self, _batch: &[Delivery]) -> Result<(), BatchError> {
        Err(BatchError::Unknown)
    }

    async fn pause(&self, span: Duration) {
        time::sleep(std::time::Duration::from_nanos(span.as_nanos())).await;
    }
}

impl<S: Side, N> HostedHandler<'_, S, N> {
    fn note_effect(&self, message: MessageId) {
        let mut world = self.link.hosted.world.borrow_mut();
        if !std::mem::replace(&mut world.affected[message.index()], true) {
            world.missing -= 1;
            if world.missing == 0 {
                self.link.hosted.done.notify_one();
            }
        }
    }
}

impl<S: Side, N> DeadLetters for HostedHandler<'_, S, N> {
    async fn store(&self, _delivery: &Delivery) -> Result<(), Unanswered> {
        Err(Unanswered)
    }
}
