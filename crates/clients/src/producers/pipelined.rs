//! Several sends on their way at once (`max.in.flight.requests.per.connection`).

use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use entrega_model::Record;

use super::confirmed::send;
use super::{Outgoing, Publisher, Retries};

/// Sends each message as soon as it is due, and waits for at most `max_in_flight` confirmations at
/// a time. A send that gets none is tried again while the others go on.
///
/// The window: a message whose request is lost is stored only by its retry, and whatever was sent
/// in the meantime has overtaken it. So the messages of a key keep their order only if the broker
/// refuses to store one before its predecessor, as it does for an idempotent producer.
///
/// Sends go on in the order in which they were begun, so retries that fall due at one instant do
/// not overtake one another.
pub async fn pipelined(
    publisher: &impl Publisher,
    outgoing: &impl Outgoing,
    retries: Retries,
    max_in_flight: u32,
) {
    let mut window = Window::of(max_in_flight as usize);
    let mut next = pin!(None);
    let (mut held, mut is_over) = (None::<Record>, false);
    poll_fn(|cx| {
        loop {
            window.go_on(cx);
            if is_over && window.is_empty() {
                return Poll::Ready(());
            }
            if is_over || window.is_full() {
                return Poll::Pending;
            }
            if let Some(record) = held.take_if(|record| publisher.may_send(*record)) {
                window.begin(send(publisher, record, retries));
                continue;
            }
            if held.is_some() {
                return Poll::Pending;
            }
            if next.is_none() {
                next.set(Some(outgoing.next()));
            }
            let Some(Poll::Ready(record)) = next.as_mut().as_pin_mut().map(|one| one.poll(cx))
            else {
                return Poll::Pending;
            };
            next.set(None);
            held = record;
            is_over = record.is_none();
        }
    })
    .await;
}

/// The sends that are on their way, in the order in which they were begun. Their memory is used
/// again.
pub(super) struct Window<F> {
    sends: VecDeque<Pin<Box<Option<F>>>>,
    spare: Vec<Pin<Box<Option<F>>>>,
    room: usize,
}

impl<F: Future<Output = ()>> Window<F> {
    pub(super) fn of(room: usize) -> Self {
        Self { sends: VecDeque::new(), spare: Vec::new(), room }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sends.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.sends.len() >= self.room
    }

    pub(super) fn begin(&mut self, send: F) {
        let mut slot = self.spare.pop().unwrap_or_else(|| Box::pin(None));
        slot.set(Some(send));
        self.sends.push_back(slot);
    }

    /// Lets every send go on. The end of one may be what another waits for, so all have another
    /// turn then.
    pub(super) fn go_on(&mut self, cx: &mut Context<'_>) {
        while self.turn(cx) {}
    }

    /// Whether any send has ended.
    fn turn(&mut self, cx: &mut Context<'_>) -> bool {
        let before = self.sends.len();
        let mut index = 0;
        while let Some(slot) = self.sends.get_mut(index) {
            let send = slot.as_mut().as_pin_mut();
            if send.is_some_and(|send| send.poll(cx).is_pending()) {
                index += 1;
            } else if let Some(mut slot) = self.sends.remove(index) {
                slot.set(None);
                self.spare.push(slot);
            }
        }
        self.sends.len() < before
    }
}
