//! A client's connection to a served broker: the live implementation of the client library's
//! [`Context`] and [`Link`].
//!
//! It stands for one life of a process. A consumer that is dropped without a word (a crash, an
//! abort, a panic) drops its link, and the broker sees the end of the connection; one that leaves
//! in order says so with [`LiveLink::leave`].
//!
//! A call is answered at once or parked, for the broker is in this program. A network that loses
//! requests or answers is a function that is asked for the fate of each:
//! [`LiveLink::with_network`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{self, Poll};

use entrega_brokers::Broker;
use entrega_clients::{CallId, Context, Link, Unanswered};
use entrega_model::{ClientId, DeliveryId, Duration, Instant, Kind, ProcessId};

use crate::{Fate, Served};

/// How long a caller waits for an answer that will not come: `request.timeout.ms` of Kafka's
/// clients.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The link of one process in one of its lives. Copies are the same connection, which ends with the
/// last of them.
pub struct LiveLink<B: Broker> {
    connection: Arc<Connection<B>>,
    network: Option<Network<B>>,
    request_timeout: Duration,
}

/// Says what becomes of each request.
type Network<B> = Arc<dyn Fn(&<B as Broker>::Request) -> Fate + Send + Sync>;

/// What ends once, however many copies of a link there were.
struct Connection<B: Broker> {
    served: Served<B>,
    client: ClientId,
    left: AtomicBool,
    halted: AtomicBool,
}

impl<B: Broker> Clone for LiveLink<B> {
    fn clone(&self) -> Self {
        Self {
            connection: Arc::clone(&self.connection),
            network: self.network.clone(),
            request_timeout: self.request_timeout,
        }
    }
}

impl<B: Broker> LiveLink<B> {
    pub(crate) fn new(served: Served<B>, client: ClientId) -> Self {
        let (left, halted) = (AtomicBool::new(false), AtomicBool::new(false));
        let connection = Arc::new(Connection { served, client, left, halted });
        Self { connection, network: None, request_timeout: REQUEST_TIMEOUT }
    }

    /// The same connection over a network that loses what the function says.
    #[must_use]
    pub fn with_network(self, fate: impl Fn(&B::Request) -> Fate + Send + Sync + 'static) -> Self {
        Self { network: Some(Arc::new(fate)), ..self }
    }

    /// The same connection of a caller that waits so long for an answer that does not come.
    #[must_use]
    pub fn with_request_timeout(self, request_timeout: Duration) -> Self {
        Self { request_timeout, ..self }
    }

    /// The broker behind it.
    pub fn served(&self) -> &Served<B> {
        &self.connection.served
    }

    /// Who is connected.
    pub fn client(&self) -> ClientId {
        self.connection.client
    }

    /// The process ends in order, after a failure or at shutdown. Without this its end is a crash.
    /// The connection stands until the last copy of the link is dropped.
    pub fn leave(&self, failed: bool) {
        if !self.connection.left.swap(true, Ordering::Relaxed) {
            let ClientId { process, incarnation } = self.client();
            self.record(Kind::Exited { process, incarnation, failed });
        }
    }

    /// The process dies in its present poll: until it is dropped no answer reaches it any more.
    pub fn halt(&self) {
        self.connection.halted.store(true, Ordering::Relaxed);
    }

    /// How long its caller waits for an answer that does not come.
    pub fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// Nothing in the process moves any more, heartbeats included. Whoever stalls it (by not
    /// polling its futures) says so to the broker.
    pub fn stall(&self) {
        self.served().with(|core| core.stall(self.client()));
    }

    /// It moves again, maybe as a zombie.
    pub fn resume(&self) {
        self.served().with(|core| core.resume(self.client()));
    }

    /// While the answer lives, the process is busy: the run is not at rest.
    pub(crate) fn occupied(&self) -> Busy<B> {
        Busy::of(self.served())
    }
}

/// Says that somebody is busy with something that is no call. While it lives, the run is not at
/// rest.
pub struct Busy<B: Broker>(Served<B>);

impl<B: Broker> Busy<B> {
    pub(crate) fn of(served: &Served<B>) -> Self {
        served.with(|core| core.occupy(true));
        Self(served.clone())
    }
}

impl<B: Broker> Drop for Busy<B> {
    fn drop(&mut self) {
        self.0.with(|core| core.occupy(false));
    }
}

impl<B: Broker> Drop for Connection<B> {
    fn drop(&mut self) {
        let ClientId { process, incarnation } = self.client;
        let left = *self.left.get_mut();
        self.served.with(|core| {
            if !left {
                core.record(Kind::Crashed { process, incarnation });
            }
            core.disconnect(self.client);
        });
    }
}

impl<B: Broker> Context for LiveLink<B> {
    fn process(&self) -> ProcessId {
        self.client().process
    }

    fn now(&self) -> Instant {
        self.served().clock().now()
    }

    /// Needs a tokio runtime with time. Until the time has come, the run is not at rest.
    async fn sleep_until(&self, at: Instant) {
        if at == Instant::NEVER {
            return std::future::pending().await;
        }
        if at > self.now() {
            let _occupied = self.occupied();
            self.served().clock().sleep_until(at).await;
        }
    }

    fn is_closing(&self) -> bool {
        self.served().is_closing()
    }

    fn is_running(&self) -> bool {
        !self.connection.halted.load(Ordering::Relaxed)
    }

    fn record(&self, kind: Kind) {
        self.served().record(kind);
    }

    fn next_delivery(&self) -> DeliveryId {
        self.served().with(|core| core.next_delivery())
    }
}

impl<B: Broker> Link for LiveLink<B> {
    type Request = B::Request;
    type Response = B::Response;

    fn start(&self, request: Self::Request) -> CallId {
        let fate = self.network.as_ref().map_or(Fate::Arrives, |network| network(&request));
        let (client, patience) = (self.client(), self.request_timeout);
        self.served().with(|core| core.start(client, request, fate, patience))
    }

    fn poll_answer(
        &self,
        call: CallId,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<Self::Response, Unanswered>> {
        if self.connection.halted.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        self.served().with(|core| core.poll_answer(call, cx))
    }

    fn forget(&self, call: CallId) {
        self.served().with(|core| core.forget(call));
    }
}
