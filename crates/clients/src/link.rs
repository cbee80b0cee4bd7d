//! What the client library needs of a network. The simulator's links and live transports provide
//! it; everything above is written once.
//!
//! A call is started, and its answer is awaited apart from that. So a receive that nobody waits for
//! any more is not lost: the inbox remembers it and the next poll takes its answer. A call that
//! gets no answer within the request timeout is [`Unanswered`]: whether it was carried out is
//! unknown.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use entrega_model::fingerprint::Fingerprinted;
use entrega_model::{DeliveryId, Instant, Kind, ProcessId};

/// Names a call between its start and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CallId(pub u32);

/// No answer came within the request timeout. The outcome is indeterminate: the request may have
/// been lost, or carried out and its answer lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no answer within the request timeout; the outcome is unknown")]
pub struct Unanswered;

/// How a call stands just after it was made.
pub enum Called<R> {
    /// It is over, and this is the answer.
    Answered(R),
    /// It is on its way: its answer must be awaited or forgotten.
    Open(CallId),
}

/// A client's connection to its broker, its clock and its place in the history.
pub trait Link {
    /// What the broker is asked.
    type Request;
    /// What it answers.
    type Response;

    /// The process that this link belongs to.
    fn process(&self) -> ProcessId;

    /// What time it is.
    fn now(&self) -> Instant;

    /// Waits until `at`; for ever if that is [`Instant::NEVER`].
    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()>;

    /// Sends a request. Its answer must be awaited with [`Link::poll_answer`] or forgotten.
    fn start(&self, request: Self::Request) -> CallId;

    /// Sends a request whose answer its caller waits for next. A link that can have it at once
    /// gives it back at once.
    fn ask(&self, request: Self::Request) -> Called<Self::Response> {
        Called::Open(self.start(request))
    }

    /// Takes the answer of a call; after `Ready` the call is over.
    fn poll_answer(
        &self,
        call: CallId,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Self::Response, Unanswered>>;

    /// Nobody will ask for the answer. The request still arrives.
    fn forget(&self, call: CallId);

    /// Whether the application is asked to shut down. Wakes its process when that changes.
    fn is_closing(&self) -> bool;

    /// Whether the process runs. One that has just died or stands still does nothing more, even if
    /// several futures of it are being polled in turn.
    fn is_running(&self) -> bool {
        true
    }

    /// Says all that the library above this link remembers at the beginning of a poll. If the
    /// application keeps nothing from one poll to the next, nothing else of what its process was
    /// told before can matter any more. An exploration recognises states by this.
    fn remembers(&self, _all: &dyn Fingerprinted) {}

    /// Notes an event in the history, now.
    fn record(&self, kind: Kind);

    /// A new name for a hand-over.
    fn next_delivery(&self) -> DeliveryId;

    /// Sends a request and waits for its answer. Dropped before that, the request still arrives.
    fn call(&self, request: Self::Request) -> OpenCall<'_, Self> {
        self.answer(self.start(request))
    }

    /// Waits for the answer of a call.
    fn answer(&self, call: CallId) -> OpenCall<'_, Self> {
        OpenCall { link: self, id: call, open: true }
    }
}

/// A call under way, and its answer to come. It is forgotten when nobody waits for it any more.
pub struct OpenCall<'a, L: Link + ?Sized> {
    link: &'a L,
    id: CallId,
    open: bool,
}

impl<L: Link + ?Sized> Future for OpenCall<'_, L> {
    type Output = Result<L::Response, Unanswered>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = self.link.poll_answer(self.id, cx);
        self.open = answer.is_pending();
        answer
    }
}

impl<L: Link + ?Sized> Drop for OpenCall<'_, L> {
    fn drop(&mut self) {
        if self.open {
            self.link.forget(self.id);
        }
    }
}
