//! A bell for those futures of one process that wait for a change.

use std::cell::RefCell;
use std::task::{Context, Waker};

/// Wakes every waiting future. It remembers no ring: a woken future checks what has changed.
#[derive(Default)]
pub(super) struct Bell {
    waiting: RefCell<Vec<Waker>>,
}

impl Bell {
    /// Has the task woken by the next ring.
    pub(super) fn wakes(&self, cx: &Context<'_>) {
        let mut waiting = self.waiting.borrow_mut();
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
    }

    /// Rings.
    pub(super) fn ring(&self) {
        self.waiting.borrow_mut().drain(..).for_each(Waker::wake);
    }
}
