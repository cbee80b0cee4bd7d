//! Waiting for an answer, for a point of time and for the end, whichever comes first.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{self, Poll};

use entrega_model::Instant;

use crate::{CallId, Context, Link, Unanswered};

/// When a wait ends at the latest.
#[derive(Clone, Copy)]
pub(super) enum Until {
    /// Here the application is told that nothing has come.
    Idle(Instant),
    /// Here the library has something to do.
    Work(Instant),
}

/// What came first.
pub(super) enum Waited<T> {
    /// What was made of the answer of the call, which is over now.
    Answer(T),
    /// The point of time; the call goes on.
    Time,
    /// The application is asked to stop; the call goes on.
    Closing,
    /// Another future over the same inbox took the answer.
    Overtaken,
}

/// Goes on when the process runs, which one that has just died or stands still does not.
pub(super) fn while_running(context: &impl Context) -> impl Future<Output = ()> {
    poll_fn(|_| if context.is_running() { Poll::Ready(()) } else { Poll::Pending })
}

/// Waits for the answer of `call`, but not beyond `until`, not into a shutdown, and no longer than
/// the call is open: several handlers may wait at one inbox. `take` makes something of the answer.
/// Dropping the future leaves the call as it is.
pub(super) async fn answer_or<L: Link, T>(
    link: &L,
    call: CallId,
    until: Until,
    is_open: impl Fn() -> bool,
    take: impl Fn(Result<L::Response, Unanswered>) -> T,
) -> Waited<T> {
    let (Until::Idle(at) | Until::Work(at)) = until;
    if at == Instant::NEVER {
        return poll_fn(|cx| look(link, call, cx, &is_open, &take)).await;
    }
    let mut sleep = pin!(async {
        match until {
            Until::Idle(at) => link.idle_until(at).await,
            Until::Work(at) => link.sleep_until(at).await,
        }
    });
    poll_fn(|cx| match look(link, call, cx, &is_open, &take) {
        Poll::Pending => sleep.as_mut().poll(cx).map(|()| Waited::Time),
        first => first,
    })
    .await
}

/// What has come, without a look at the time.
#[inline(always)]
fn look<L: Link, T>(
    link: &L,
    call: CallId,
    cx: &mut task::Context<'_>,
    is_open: &impl Fn() -> bool,
    take: &impl Fn(Result<L::Response, Unanswered>) -> T,
) -> Poll<Waited<T>> {
    if !is_open() {
        return Poll::Ready(Waited::Overtaken);
    }
    if let Poll::Ready(answer) = link.poll_answer(call, cx) {
        return Poll::Ready(Waited::Answer(take(answer)));
    }
    if link.is_closing() { Poll::Ready(Waited::Closing) } else { Poll::Pending }
}
