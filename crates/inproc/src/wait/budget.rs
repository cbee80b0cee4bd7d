//! How long an async call may go on without giving its worker back.
//!
//! A call that finds something ready does not wait, so a task whose calls always find something
//! would keep its worker from every other task. After this many such calls one yields, as tokio's
//! own resources do; this crate knows no runtime, so it counts by itself, for each handle.

use std::future::poll_fn;
use std::task::Poll;

/// As many as tokio allows.
const CALLS: u32 = 128;

/// The calls that may still be made without yielding.
pub(crate) struct Budget(u32);

impl Budget {
    pub(crate) fn new() -> Self {
        Self(CALLS)
    }

    /// Spends one call; yields first if there is none left. May be dropped at any time.
    pub(crate) async fn spend(&mut self) {
        if self.0 == 0 {
            poll_fn(|cx| {
                if self.0 > 0 {
                    return Poll::Ready(());
                }
                self.0 = CALLS;
                cx.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
        self.0 -= 1;
    }
}
