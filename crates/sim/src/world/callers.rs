//! Answers at their callers: they arrive, are waited for and taken, or time out.

use std::task::Context;

use entrega_brokers::Broker;
use entrega_choice::Point;
use entrega_clients::{CallId, Unanswered};
use entrega_model::{MessageId, ProcessId};
use entrega_scenario::points::{Fault, yes_or_no};

use super::calls::{Answer, Payload};
use super::{Due, Process, Routed, World};

/// How many answers there are to the question whether a process dies of an answer: to a settle, or
/// to a send.
pub(super) const DIES: u32 = yes_or_no(Fault::SettleAfter);
const _: () = assert!(DIES == yes_or_no(Fault::SendAfter));

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// An answer reaches its caller, which may crash at that very moment.
    #[inline(always)]
    pub(super) fn come_back(&mut self, id: CallId) {
        let call = self.calls.get(id);
        call.legs -= 1;
        if let Payload::Answer { arrived, .. } = &mut call.payload {
            *arrived = true;
        }
        if !call.awaited {
            self.calls.release(id);
            return;
        }
        let (client, about) = (call.client, call.about);
        if let Some(point) = call.route.dies_after
            && self.choices.pick(point, DIES) != 0
        {
            return self.crash_at_return(client.process, about, point);
        }
        self.wake_caller(id);
    }

    /// A process crashes at the moment at which it has the answer to its settle or send. Of a
    /// consumer that sends it is known `about` what.
    #[cold]
    pub(super) fn crash_at_return(
        &mut self,
        process: ProcessId,
        about: Option<(MessageId, u16)>,
        point: Point,
    ) {
        let Process { concern, role, .. } = &self.processes[process.index()];
        let about = about.filter(|_| !role.is_producer()).map(|(message, _)| message);
        let message = about.or(*concern);
        self.fault(point, 1, process, message);
        self.crash(process);
    }

    pub(super) fn time_out(&mut self, id: CallId) {
        let call = self.calls.get(id);
        call.legs -= 1;
        let answered = matches!(call.payload, Payload::Answer { arrived: true, .. });
        if !call.awaited || answered {
            self.calls.release(id);
            return;
        }
        call.timed_out = true;
        self.wake_caller(id);
        self.release_expired(|held| matches!(held, Due::Arrive(of) | Due::Return(of) if of == id));
    }

    #[inline]
    fn wake_caller(&mut self, id: CallId) {
        let call = self.calls.get(id);
        let process = call.client.process;
        if let Some(waker) = call.waker.take() {
            waker.wake();
        }
        self.wake(process);
    }

    /// Whether a future of a process has to wait for the answer of its call. If so, it is woken
    /// when there is one.
    #[inline]
    pub(crate) fn waits(&mut self, process: ProcessId, id: CallId, cx: &Context<'_>) -> bool {
        let asks = &self.processes[process.index()];
        if !asks.is_running() {
            return true;
        }
        let call = self.calls.get(id);
        debug_assert!(call.awaited, "a forgotten call has no answer");
        let waits = call.is_open();
        if waits && !cx.waker().will_wake(&asks.waker) {
            call.waker = Some(cx.waker().clone());
        }
        waits
    }

    /// The answer of a call that a future of a process does not wait for any more.
    #[inline]
    pub(crate) fn take_answer(
        &mut self,
        process: ProcessId,
        id: CallId,
    ) -> Result<Answer<B>, Unanswered> {
        if self.times.chooses_order {
            self.remember_answer(process, id);
        }
        self.calls.take(id)
    }

    /// The broker's answer, of a call to the broker.
    #[inline(never)]
    pub(crate) fn take_response(
        &mut self,
        process: ProcessId,
        id: CallId,
    ) -> Result<B::Response, Unanswered> {
        match self.take_answer(process, id)? {
            Answer::Response(response) => Ok(response),
            Answer::Decided(_) | Answer::Progress(_) | Answer::Done | Answer::Refused => {
                Err(Unanswered)
            }
        }
    }

    /// The caller does not want the answer any more.
    pub(crate) fn forget_call(&mut self, id: CallId) {
        self.calls.forget(id);
    }
}
