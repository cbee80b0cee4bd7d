//! A call that is made again while there is no answer, as often as the configuration says.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::{Link, OpenCall, Unanswered};

/// Calls with `items`, which `request` makes a request of, and up to `retries` times more.
pub(super) fn retried<L: Link, T: Clone + Unpin>(
    link: &L,
    items: Vec<T>,
    retries: u32,
    request: impl Fn(Vec<T>) -> L::Request + Unpin,
) -> impl Future<Output = Result<L::Response, Unanswered>> {
    let again = if retries > 0 { items.clone() } else { Vec::new() };
    let call = link.call(request(items));
    Retried { link, call, again, retries, request }
}

struct Retried<'a, L: Link, T, R> {
    link: &'a L,
    call: OpenCall<'a, L>,
    /// What the next call is to ask.
    again: Vec<T>,
    /// How many calls may follow.
    retries: u32,
    request: R,
}

impl<L, T, R> Future for Retried<'_, L, T, R>
where
    L: Link,
    T: Clone + Unpin,
    R: Fn(Vec<T>) -> L::Request + Unpin,
{
    type Output = Result<L::Response, Unanswered>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match Pin::new(&mut self.call).poll(cx) {
                Poll::Ready(Err(Unanswered)) if self.retries > 0 => self.call_again(),
                answer => return answer,
            }
        }
    }
}

impl<L, T, R> Retried<'_, L, T, R>
where
    L: Link,
    T: Clone,
    R: Fn(Vec<T>) -> L::Request,
{
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
