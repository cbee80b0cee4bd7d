//! What the client library needs of a network: calls. The simulator's links and live transports
//! provide them; everything above is written once.
//!
//! A call is started, and its answer is awaited separately. So a receive whose caller stops waiting
//! is not lost: the inbox remembers it, and the next poll takes its answer. A call that gets no
//! answer within the request timeout is [`Unanswered`]: it is unknown whether it was carried out.

use std::future::Future;
use std::pin::Pin;
use std::task::{self, Poll};

use crate::Context;

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

/// A client's connection to its broker, used in its process's [`Context`].
pub trait Link: Context {
    /// What the broker is asked.
    type Request;
    /// What it answers.
    type Response;

    /// Sends a request. Its answer must be awaited with [`Link::poll_answer`] or forgotten.
    fn start(&self, request: Self::Request) -> CallId;

    /// Sends a request whose answer its caller waits for next. A link that has the answer at once
    /// returns it.
    fn ask(&self, request: Self::Request) -> Called<Self::Response> {
        Called::Open(self.start(request))
    }

    /// Takes the answer of a call; after `Ready` the call is over.
    fn poll_answer(
        &self,
        call: CallId,
        cx: &mut task::Context<'_>,
    ) -> Poll<Result<Self::Response, Unanswered>>;

    /// The answer will not be asked for. The request still arrives.
    fn forget(&self, call: CallId);

    /// Sends a request and waits for its answer. Dropped before that, the request still arrives.
    fn call(&self, request: Self::Request) -> OpenCall<'_, Self> {
        self.answer(self.start(request))
    }

    /// Waits for the answer of a call.
    fn answer(&self, call: CallId) -> OpenCall<'_, Self> {
        OpenCall { link: self, id: call, open: true }
    }
}

/// A call under way. Dropping it before the answer is there forgets the call.
pub struct OpenCall<'a, L: Link + ?Sized> {
    link: &'a L,
    id: CallId,
    open: bool,
}

impl<L: Link + ?Sized> Future for OpenCall<'_, L> {
    type Output = Result<L::Response, Unanswered>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
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
