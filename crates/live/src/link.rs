//! A client's connection to a served broker: the live implementation of the client library's
//! [`Context`] and [`Link`].
//!
//! It stands for one life of a process. A consumer that is just dropped (a crash, an abort, a
//! panic) drops its link, and the broker sees the end of the connection; one that leaves cleanly
//! calls [`LiveLink::leave`] first.
//!
//! A call is answered at once or parked, because the broker is in this program. To lose requests or
//! answers, give the link a function that decides the outcome of each call:
//! [`LiveLink::with_network`].

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{self, Poll, ready};

use entrega_brokers::Broker;
use entrega_clients::{CallId, Context, Link, Unanswered};
use entrega_model::{ClientId, DeliveryId, Duration, Instant, Kind, ProcessId};
use tokio::task::coop;

use crate::{CallOutcome, Served};

/// How long a caller waits for an answer: `request.timeout.ms` of Kafka's clients.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The link of one process in one of its lives. Clones are the same connection, which ends with the
/// last of them.
pub struct LiveLink<B: Broker> {
    connection: Arc<Connection<B>>,
    network: Option<Network<B>>,
    request_timeout: Duration,
}

/// Decides the outcome of each request.
type Network<B> = Arc<dyn Fn(&<B as Broker>::Request) -> CallOutcome + Send + Sync>;

/// What ends once, however many clones of a link there were.
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

    /// The same connection over a network that loses what the function decides.
    #[must_use]
    pub fn with_network(
        self,
        outcome: impl Fn(&B::Request) -> CallOutcome + Send + Sync + 'static,
    ) -> Self {
        Self { network: Some(Arc::new(outcome)), ..self }
    }

    /// The same connection with another timeout for requests that are not answered.
    #[must_use]
    pub fn with_request_timeout(self, request_timeout: Duration) -> Self {
        Self { request_timeout, ..self }
    }

    /// The broker behind it.
    pub fn served(&self) -> &Served<B> {
        &self.connection.served
    }

    /// The connected client.
    pub fn client(&self) -> ClientId {
        self.connection.client
    }

    /// Records that the process ends cleanly, after a failure or at shutdown. Without this its end
    /// is a crash. The connection lasts until the last clone of the link is dropped.
    pub fn leave(&self, failed: bool) {
        if !self.connection.left.swap(true, Ordering::Relaxed) {
            let ClientId { process, incarnation } = self.client();
            self.record(Kind::Exited { process, incarnation, failed });
        }
    }

    /// The process dies in its present poll: until it is dropped, no answer reaches it any more.
    pub fn halt(&self) {
        self.connection.halted.store(true, Ordering::Relaxed);
    }

    /// How long its caller waits for an answer.
    pub fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    /// Stalls the process: it sends no heartbeats. The caller must not poll its futures meanwhile.
    pub fn stall(&self) {
        self.served().with(|core| core.stall(self.client()));
    }

    /// Ends the stall; the process may be a zombie now.
    pub fn resume(&self) {
        self.served().with(|core| core.resume(self.client()));
    }

    /// While the answer lives, the process is busy: the run is not at rest.
    pub(crate) fn occupied(&self) -> Busy<B> {
        self.served().busy()
    }
}

/// Marks a client as busy with something that is not a call. While it lives, the run is not at
/// rest.
pub struct Busy<B: Broker>(Served<B>);

impl<B: Broker> Busy<B> {
    /// Of a broker that counts it already.
    pub(crate) fn of(served: Served<B>) -> Self {
        Self(served)
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
        let outcome =
            self.network.as_ref().map_or(CallOutcome::Answered, |network| network(&request));
        let (client, patience) = (self.client(), self.request_timeout);
        self.served().start(|core| core.start(client, request, outcome, patience))
    }

    fn poll_answer(
        &self,
        call: CallId,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<Self::Response, Unanswered>> {
        if self.connection.halted.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        let budget = ready!(coop::poll_proceed(cx));
        let waker = cx.waker().clone();
        let answer = self.served().poll_answer(call, waker);
        if answer.is_ready() {
            budget.made_progress();
        }
        answer
    }

    fn forget(&self, call: CallId) {
        self.served().with(|core| core.forget(call));
    }
}
