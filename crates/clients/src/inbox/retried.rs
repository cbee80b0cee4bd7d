//! A call that is repeated while there is no answer, as often as the configuration says.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::{Called, Link, OpenCall, Unanswered};

/// Calls with items, from which `request` makes a request, and repeats the call if there is no
/// answer. `take` interprets the answer; it is called as soon as the answer is there, which may be
/// before the future is polled.
pub(super) enum Retried<'a, L: Link, T, R, A, O> {
    /// This came of it.
    Over(Option<O>),
    /// A call is under way.
    Open(Waiting<'a, L, T, R, A>),
}

/// What is needed to call again.
pub(super) struct Waiting<'a, L: Link, T, R, A> {
    link: &'a L,
    call: OpenCall<'a, L>,
    /// What the next call is to ask.
    again: Vec<T>,
    /// How many calls may follow.
    retries: u32,
    request: R,
    take: A,
}

impl<'a, L, T, R, A, O> Retried<'a, L, T, R, A, O>
where
    L: Link,
    T: Clone,
    R: Fn(Vec<T>) -> L::Request,
    A: Fn(Result<L::Response, Unanswered>) -> O,
{
    /// Calls, and again up to `retries` times.
    #[inline]
    pub(super) fn new(link: &'a L, items: Vec<T>, retries: u32, request: R, take: A) -> Self {
        let again = if retries > 0 { items.clone() } else { Vec::new() };
        match link.ask(request(items)) {
            Called::Answered(answer) => Self::Over(Some(take(Ok(answer)))),
            Called::Open(call) => {
                let call = link.answer(call);
                Self::Open(Waiting { link, call, again, retries, request, take })
            }
        }
    }

    /// Nothing to wait for.
    pub(super) fn over(outcome: O) -> Self {
        Self::Over(Some(outcome))
    }
}

impl<L, T, R, A, O> Future for Retried<'_, L, T, R, A, O>
where
    L: Link,
    T: Clone + Unpin,
    R: Fn(Vec<T>) -> L::Request + Unpin,
    A: Fn(Result<L::Response, Unanswered>) -> O + Unpin,
    O: Unpin,
{
    type Output = O;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.get_mut() {
            Self::Over(outcome) => outcome.take().map_or(Poll::Pending, Poll::Ready),
            Self::Open(waiting) => waiting.poll(cx),
        }
    }
}

impl<L, T, R, A, O> Waiting<'_, L, T, R, A>
where
    L: Link,
    T: Clone,
    R: Fn(Vec<T>) -> L::Request,
    A: Fn(Result<L::Response, Unanswered>) -> O,
{
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<O> {
        loop {
            match Pin::new(&mut self.call).poll(cx) {
                Poll::Ready(Err(Unanswered)) if self.retries > 0 => self.call_again(),
                answer => return answer.map(&self.take),
            }
        }
    }

    #[cold]
    fn call_again(&mut self) {
        self.retries -= 1;
        let items = mem::take(&mut self.again);
        if self.retries > 0 {
            self.again.clone_from(&items);
        }
        self.call = self.link.call((self.request)(items));
    }
}
