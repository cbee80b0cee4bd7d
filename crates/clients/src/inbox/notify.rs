//! A one-place bell between two futures of one process.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

/// Remembers one ring until somebody waits for it.
#[derive(Default)]
pub(super) struct Notify {
    rung: Cell<bool>,
    waiting: RefCell<Option<Waker>>,
}

impl Notify {
    /// Rings; the waiting future runs again, or the next one to wait does not wait.
    pub(super) fn ring(&self) {
        self.rung.set(true);
        if let Some(waker) = self.waiting.take() {
            waker.wake();
        }
    }

    /// Waits for the next ring.
    pub(super) async fn rings(&self) {
        poll_fn(|cx| {
            if self.rung.take() {
                return Poll::Ready(());
            }
            *self.waiting.borrow_mut() = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
