//! For tests: a link whose far side is the test, and futures that are polled one step at a time.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{self, Poll, Waker};

use entrega_model::{DeliveryId, Instant, Kind, ProcessId};

use crate::{CallId, Context, Link, Unanswered};

/// Keeps requests until the test answers them.
pub(crate) struct FakeLink<Q, R> {
    calls: RefCell<Vec<Call<Q, R>>>,
    pub(crate) now: Cell<Instant>,
    pub(crate) closing: Cell<bool>,
    pub(crate) recorded: RefCell<Vec<Kind>>,
    deliveries: Cell<u32>,
}

struct Call<Q, R> {
    request: Option<Q>,
    answer: Option<Result<R, Unanswered>>,
    forgotten: bool,
}

impl<Q, R> FakeLink<Q, R> {
    pub(crate) fn new() -> Self {
        Self {
            calls: RefCell::default(),
            now: Cell::new(Instant::START),
            closing: Cell::new(false),
            recorded: RefCell::default(),
            deliveries: Cell::new(0),
        }
    }

    /// The next request that was started and not looked at yet, with its number.
    pub(crate) fn asked(&self) -> Option<(CallId, Q)> {
        self.calls.borrow_mut().iter_mut().enumerate().find_map(|(number, call)| {
            let request = call.request.take()?;
            Some((CallId(number as u32), request))
        })
    }

    pub(crate) fn answer(&self, call: CallId, answer: Result<R, Unanswered>) {
        self.calls.borrow_mut()[call.0 as usize].answer = Some(answer);
    }

    pub(crate) fn is_forgotten(&self, call: CallId) -> bool {
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

/// Polls a future once.
pub(crate) fn once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut task::Context::from_waker(Waker::noop()))
}

/// Polls a future once and expects it to be ready.
pub(crate) fn ready<F: Future>(future: F) -> F::Output {
    match once(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it still waits"),
    }
}
