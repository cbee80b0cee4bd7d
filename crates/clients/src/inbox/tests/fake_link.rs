//! A link whose far side is the test.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::task::{self, Poll};

use entrega_model::{DeliveryId, Instant, Kind, ProcessId};

use crate::{CallId, Context, Link, Unanswered};

/// Keeps requests until the test answers them.
pub(super) struct FakeLink<Q, R> {
    calls: RefCell<Vec<Call<Q, R>>>,
    pub(super) now: Cell<Instant>,
    pub(super) closing: Cell<bool>,
    pub(super) recorded: RefCell<Vec<Kind>>,
    deliveries: Cell<u32>,
}

struct Call<Q, R> {
    request: Option<Q>,
    answer: Option<Result<R, Unanswered>>,
    forgotten: bool,
}

impl<Q, R> FakeLink<Q, R> {
    pub(super) fn new() -> Self {
        Self {
            calls: RefCell::default(),
            now: Cell::new(Instant::START),
            closing: Cell::new(false),
            recorded: RefCell::default(),
            deliveries: Cell::new(0),
        }
    }

    /// The next request that was started and not looked at yet, with its number.
    pub(super) fn asked(&self) -> Option<(CallId, Q)> {
        self.calls.borrow_mut().iter_mut().enumerate().find_map(|(number, call)| {
            let request = call.request.take()?;
            Some((CallId(number as u32), request))
        })
    }

    pub(super) fn answer(&self, call: CallId, answer: Result<R, Unanswered>) {
        self.calls.borrow_mut()[call.0 as usize].answer = Some(answer);
    }

    pub(super) fn is_forgotten(&self, call: CallId) -> bool {
        self.calls.borrow()[call.0 as usize].forgotten
    }
}

impl<Q, R> Context for &FakeLink<Q, R> {
    fn process(&self) -> ProcessId {
        ProcessId(1)
    }

    fn now(&self) -> Instant {
        self.now.get()
    }

    fn sleep_until(&self, at: Instant) -> impl Future<Output = ()> {
        poll_fn(move |_| if self.now.get() >= at { Poll::Ready(()) } else { Poll::Pending })
    }

    fn is_closing(&self) -> bool {
        self.closing.get()
    }

    fn record(&self, kind: Kind) {
        self.recorded.borrow_mut().push(kind);
    }

    fn next_delivery(&self) -> DeliveryId {
        self.deliveries.set(self.deliveries.get() + 1);
        DeliveryId(self.deliveries.get())
    }
}

impl<Q, R> Link for &FakeLink<Q, R> {
    type Request = Q;
    type Response = R;

    fn start(&self, request: Q) -> CallId {
        let mut calls = self.calls.borrow_mut();
        calls.push(Call { request: Some(request), answer: None, forgotten: false });
        CallId(calls.len() as u32 - 1)
    }

    fn poll_answer(
        &self,
        call: CallId,
        _cx: &mut task::Context<'_>,
    ) -> Poll<Result<R, Unanswered>> {
        match self.calls.borrow_mut()[call.0 as usize].answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        }
    }

    fn forget(&self, call: CallId) {
        self.calls.borrow_mut()[call.0 as usize].forgotten = true;
    }
}
