//! The three ways to put futures together. They replace `spawn` and `select!`, so that a whole
//! consumer is one future: a crash is that future being dropped.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use crate::{Stop, Subscription};

/// Runs `main` to its end with `side` at its side: an auto-commit timer, a lease renewal. Whatever
/// `side` is doing when `main` ends is dropped.
pub async fn alongside<T>(main: impl Future<Output = T>, side: impl Future) -> T {
    let mut main = pin!(main);
    let mut side = pin!(side);
    let mut side_runs = true;
    poll_fn(|cx| {
        if let Poll::Ready(value) = main.as_mut().poll(cx) {
            return Poll::Ready(value);
        }
        if side_runs {
            side_runs = side.as_mut().poll(cx).is_pending();
        }
        Poll::Pending
    })
    .await
}

/// Runs `width` handlers over one inbox until all have ended, or one has failed.
///
/// # Errors
/// The first failure; the others are dropped then.
pub async fn together<F>(width: usize, make: impl FnMut(usize) -> F) -> Result<(), Stop>
where
    F: Future<Output = Result<(), Stop>>,
{
    let mut handlers: Vec<Option<Pin<Box<F>>>> =
        (0..width).map(make).map(|handler| Some(Box::pin(handler))).collect();
    poll_fn(|cx| {
        for slot in &mut handlers {
            let Some(handler) = slot else { continue };
            match handler.as_mut().poll(cx) {
                Poll::Ready(Ok(())) => *slot = None,
                Poll::Ready(Err(stop)) => return Poll::Ready(Err(stop)),
                Poll::Pending => {}
            }
        }
        if handlers.iter().all(Option::is_none) { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}

/// The `finally: close()`: closes the subscription on every exit of `body`, except a crash.
///
/// # Errors
/// The body's error, or else what closing met.
#[inline(always)]
pub async fn closing(
    subscription: &impl Subscription,
    body: impl Future<Output = Result<(), Stop>>,
) -> Result<(), Stop> {
    let result = body.await;
    let closed = subscription.close().await;
    result.and_then(|()| Ok(closed?))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::future::{pending, ready};

    use super::*;
    use crate::fake_link::once;

    fn run<T>(future: impl Future<Output = T>) -> Poll<T> {
        once(pin!(future))
    }

    #[test]
    fn main_decides_when_it_is_over() {
        assert_eq!(run(alongside(ready(1), pending::<()>())), Poll::Ready(1));
        assert_eq!(run(alongside(pending::<()>(), ready(1))), Poll::Pending);
    }

    #[test]
    fn together_ends_with_the_last_or_the_first_failure() {
        let seen = Cell::new(0);
        let all = run(together(3, |_| async {
            seen.set(seen.get() + 1);
            Ok(())
        }));
        assert_eq!((all, seen.get()), (Poll::Ready(Ok(())), 3));

        let failed = run(together(2, |number| async move {
            if number == 1 {
                return Err(Stop::Settle(crate::SettleError::Fenced));
            }
            pending().await
        }));
        assert_eq!(failed, Poll::Ready(Err(Stop::Settle(crate::SettleError::Fenced))));
    }
}
