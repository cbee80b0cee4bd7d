//! Waiting for the answer of a call that is not answered at once.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use entrega_brokers::Broker;
use entrega_clients::{CallId, Link, Unanswered};

use crate::link::SimLink;
use crate::world::{Answer, Routed};

/// The answer of a call. Dropped before there is one, it has the world forget the call.
pub(super) struct OpenCall<'a, B: Broker>
where
    B::Request: Routed,
{
    link: &'a SimLink<B>,
    id: CallId,
    open: bool,
}

impl<'a, B: Broker> OpenCall<'a, B>
where
    B::Request: Routed,
{
    /// Waits for the answer of this call.
    pub(super) fn new(link: &'a SimLink<B>, id: CallId) -> Self {
        Self { link, id, open: true }
    }
}

impl<B: Broker> Future for OpenCall<'_, B>
where
    B::Request: Routed,
{
    type Output = Result<Answer<B>, Unanswered>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let SimLink { world, client, .. } = self.link;
        let mut world = world.borrow_mut();
        if world.waits(client.process, self.id, cx) {
            return Poll::Pending;
        }
        self.open = false;
        Poll::Ready(world.take_answer(client.process, self.id))
    }
}

impl<B: Broker> Drop for OpenCall<'_, B>
where
    B::Request: Routed,
{
    fn drop(&mut self) {
        if self.open {
            self.link.forget(self.id);
        }
    }
}
