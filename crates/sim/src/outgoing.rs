//! What a producer sends in one of its lives: the messages of the workload, each when it is due,
//! and before them what its outbox says is to be sent again.

use std::future::{pending, poll_fn};
use std::task::Poll;

use entrega_brokers::Broker;
use entrega_clients::Context;
use entrega_clients::producers::Outgoing;
use entrega_model::{Instant, MessageId, Record};
use entrega_scenario::workload::Workload;

use crate::link::{SimLink, Wake};
use crate::world::Routed;

/// The workload's messages, each when it is due.
pub(crate) struct Planned<'a, B: Broker> {
    pub(crate) link: SimLink<B>,
    pub(crate) workload: &'a Workload,
}

/// The same, of a producer with an outbox: before them comes what that says is to be sent again.
pub(crate) struct FromOutbox<'a, B: Broker>(pub(crate) Planned<'a, B>);

/// What an outbox says is to be sent next.
enum Next {
    /// This message, now.
    Send(MessageId),
    /// Nothing before this time, or before a send that is under way has ended.
    Nothing(Option<Instant>),
    /// Nothing any more.
    Over,
}

impl<B: Broker> Outgoing for Planned<'_, B>
where
    B::Request: Routed,
{
    async fn next(&self) -> Option<Record> {
        let SimLink { ref world, client, alone, .. } = self.link;
        let number = world.borrow().outbox.next();
        let planned = self.workload.planned.get(number)?;
        if planned.at > self.link.now() {
            if !alone {
                self.link.sleep(planned.at, Wake::Alone).await;
            } else if !world.borrow_mut().sleep_through(client, planned.at) {
                self.link.sleep(planned.at, Wake::Armed).await;
            }
        }
        world.borrow_mut().outbox.takes_next();
        let record = self.record(MessageId(number as u32));
        if world.borrow_mut().dies_before_send(client, record) {
            pending::<()>().await;
        }
        Some(record)
    }
}

impl<B: Broker> Outgoing for FromOutbox<'_, B>
where
    B::Request: Routed,
{
    async fn next(&self) -> Option<Record> {
        let record = self.0.record(self.next_message().await?);
        let SimLink { world, client, .. } = &self.0.link;
        if world.borrow_mut().dies_before_send(*client, record) {
            pending::<()>().await;
        }
        Some(record)
    }
}

impl<B: Broker> Planned<'_, B> {
    #[inline]
    fn record(&self, message: MessageId) -> Record {
        let planned = &self.workload.planned[message.index()];
        Record { message, key: planned.key, bytes: planned.bytes }
    }
}

impl<B: Broker> FromOutbox<'_, B>
where
    B::Request: Routed,
{
    /// Whatever is to be sent first.
    async fn next_message(&self) -> Option<MessageId> {
        let mut armed = None;
        let link = &self.0.link;
        poll_fn(|cx| {
            if !link.world.borrow().is_running(link.client) {
                link.watch(cx);
                return Poll::Pending;
            }
            match self.decide() {
                Next::Send(message) => Poll::Ready(Some(message)),
                Next::Over => Poll::Ready(None),
                Next::Nothing(until) => {
                    if let Some(at) = until.filter(|_| until != armed) {
                        armed = until;
                        link.world.borrow_mut().wake_at(at, link.client);
                    }
                    link.watch(cx);
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn decide(&self) -> Next {
        let Planned { link, workload } = &self.0;
        let now = link.now();
        let outbox = &mut link.world.borrow_mut().outbox;
        if let Some(message) = outbox.take_due(now) {
            return Next::Send(message);
        }
        let number = outbox.next();
        let planned = workload.planned.get(number).map(|planned| planned.at);
        if planned.is_some_and(|at| at <= now) {
            outbox.takes_next();
            return Next::Send(MessageId(number as u32));
        }
        match planned.into_iter().chain(outbox.next_due()).min() {
            None if !outbox.may_have_more() => Next::Over,
            until => Next::Nothing(until),
        }
    }
}
