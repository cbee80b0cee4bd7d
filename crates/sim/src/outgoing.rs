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

/// What is to be sent next.
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
        let message = if self.link.world.borrow().outbox.is_kept() {
            self.next_of_outbox().await?
        } else {
            self.next_of_workload().await?
        };
        let planned = &self.workload.planned[message.index()];
        let record = Record { message, key: planned.key, bytes: planned.bytes };
        if self.link.world.borrow_mut().dies_before_send(self.link.client, record) {
            pending::<()>().await;
        }
        Some(record)
    }
}

impl<B: Broker> Planned<'_, B>
where
    B::Request: Routed,
{
    /// Without an outbox: one message after the other.
    #[inline]
    async fn next_of_workload(&self) -> Option<MessageId> {
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
        Some(MessageId(number as u32))
    }

    /// With one: whatever is to be sent first.
    async fn next_of_outbox(&self) -> Option<MessageId> {
        let mut armed = None;
        poll_fn(|cx| {
            let client = self.link.client;
            if !self.link.world.borrow().is_running(client) {
                self.link.watch(cx);
                return Poll::Pending;
            }
            match self.decide() {
                Next::Send(message) => Poll::Ready(Some(message)),
                Next::Over => Poll::Ready(None),
                Next::Nothing(until) => {
                    if let Some(at) = until.filter(|_| until != armed) {
                        armed = until;
                        self.link.world.borrow_mut().wake_at(at, client);
                    }
                    self.link.watch(cx);
                    Poll::Pending
                }
            }
        })
        .await
    }

    fn decide(&self) -> Next {
        let now = self.link.now();
        let outbox = &mut self.link.world.borrow_mut().outbox;
        if let Some(message) = outbox.take_due(now) {
            return Next::Send(message);
        }
        let number = outbox.next();
        let planned = self.workload.planned.get(number).map(|planned| planned.at);
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
