//! The client library's way to a hosted broker.

use std::future::{Future, pending};
use std::rc::Rc;
use std::task::{self, Poll};

use entrega_brokers::Broker;
use entrega_clients::{CallId, Context, Link, Unanswered};
use entrega_model::{ClientId, DeliveryId, Instant, Kind, ProcessId};
use tokio::time;

use super::{Hosted, Net, Side};

/// The link of one life of a process.
pub(crate) struct HostedLink<S: Side, N> {
    pub(super) hosted: Rc<Hosted<S>>,
    pub(super) net: N,
    pub(super) client: ClientId,
}

impl<S: Side, N: Clone> Clone for HostedLink<S, N> {
    fn clone(&self) -> Self {
        Self { hosted: Rc::clone(&self.hosted), net: self.net.clone(), client: self.client }
    }
}

impl<S: Side, N: Net<S>> Context for HostedLink<S, N> {
    fn process(&self) -> ProcessId {
        self.client.process
    }

    fn now(&self) -> Instant {
        self.hosted.world.borrow().now()
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> {
        let began = self.hosted.world.borrow().began;
        async move {
            match at {
                Instant::NEVER => pending().await,
                at => {
                    time::sleep_until(began + std::time::Duration::from_nanos(at.as_nanos())).await;
                }
            }
        }
    }

    fn is_closing(&self) -> bool {
        false
    }

    fn record(&self, kind: Kind) {
        self.hosted.world.borrow_mut().record(kind);
    }

    fn next_delivery(&self) -> DeliveryId {
        let mut world = self.hosted.world.borrow_mut();
        world.deliveries += 1;
        DeliveryId(world.deliveries - 1)
    }
}

impl<S: Side, N: Net<S>> Link for HostedLink<S, N> {
    type Request = <S::Broker as Broker>::Request;
    type Response = <S::Broker as Broker>::Response;

    fn start(&self, request: Self::Request) -> CallId {
        let call = self.hosted.world.borrow_mut().insert(self.client, request);
        self.net.request(call);
        CallId(call)
    }

    fn poll_answer(
        &self,
        call: CallId,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<Self::Response, Unanswered>> {
        let mut world = self.hosted.world.borrow_mut();
        let one = &mut world.calls[call.0 as usize];
        if !one.arrived {
            one.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let answer = one.answer.take();
        world.release(call.0);
        Poll::Ready(answer.ok_or(Unanswered))
    }

    fn forget(&self, call: CallId) {
        let mut world = self.hosted.world.borrow_mut();
        let one = &mut world.calls[call.0 as usize];
        if one.arrived {
            world.release(call.0);
        } else {
            one.forgotten = true;
        }
    }
}
