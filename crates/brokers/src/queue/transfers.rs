//! Dead letters on their way from a queue to its target.
//!
//! > **The rule** [RMQ-DLX]. *At most once*: a message is sent and gone, and what the target does
//! > not take is lost. *At least once*: it stays in its queue until the target has confirmed it,
//! > and is sent again until then. So the target may get it twice, and it takes up room meanwhile.
//!
//! A confirmation that is lost makes a second dead letter. It arrives at the instant of the first;
//! the wait for the confirmation is not simulated.
//!
//! A broker of its own accord lets all arrive. If its driver decides, each transfer waits here
//! until it has: within the step in which the message was given up.

use std::collections::VecDeque;

use entrega_model::{Fingerprint, Fingerprinted, Instant};

use super::bound_queue::{BoundQueue, Step};
use super::dead_letter::GivenUp;
use super::ready::Stored;
use super::redrive::Letter;
use super::{QueueBroker, SubscriptionId};
use crate::{Transfer, Transferred};

/// A message that was given up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leaving {
    pub(super) stored: Stored,
    why: GivenUp,
    /// As it will go back, if it will.
    letter: Option<Letter>,
}

/// A transfer about which nothing is decided yet, and the place of its event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    place: usize,
    leaving: Leaving,
}

/// What is to be sent again, and when.
pub(super) type Unconfirmed = VecDeque<(Instant, Leaving)>;

impl BoundQueue {
    /// Gives a message up.
    pub(super) fn give_up(&mut self, stored: Stored, why: GivenUp, step: &mut Step<'_>) {
        let letter = self.letter_of(&stored, step);
        self.transfer(Leaving { stored, why, letter }, step);
        self.finish(&stored, step);
    }

    /// Sends a message to the dead letters, or drops it if there are none.
    fn transfer(&mut self, leaving: Leaving, step: &mut Step<'_>) {
        let Leaving { stored, why, letter } = leaving;
        let place = step.recorded();
        step.tell(why.event(stored.record.message, self.id, step.settings.dead_letter));
        if step.settings.dead_letter && step.settings.reports_transfers {
            self.transfers.push_back(Begun { place, leaving });
        } else {
            self.note_letter(letter, step.now);
        }
    }

    /// Sends again what has not been confirmed for so long.
    pub(super) fn transfer_again(&mut self, step: &mut Step<'_>) {
        while let Some(extras) = &mut self.extras
            && extras.unconfirmed.front().is_some_and(|(due, _)| *due <= step.now)
            && let Some((_, leaving)) = extras.unconfirmed.pop_front()
        {
            self.transfer(leaving, step);
        }
    }

    fn end_transfer(&mut self, now: Instant, how: Transferred) -> bool {
        let Some(Begun { leaving, .. }) = self.transfers.pop_front() else { return false };
        let extras = self.extras.as_mut();
        let retry = extras.and_then(|extras| Some((extras.features.dead_letter_retry?, extras)));
        match (how, retry) {
            (Transferred::Lost, Some((wait, extras))) => {
                extras.unconfirmed.push_back((now + wait, leaving));
                return true;
            }
            (Transferred::Lost, None) => {}
            (Transferred::Twice, Some(_)) => {
                self.note_letter(leaving.letter, now);
                self.note_letter(leaving.letter, now);
            }
            (Transferred::Arrived | Transferred::Twice, _) => {
                self.note_letter(leaving.letter, now);
            }
        }
        false
    }
}

impl QueueBroker {
    fn leading(&self) -> Option<(SubscriptionId, &Begun)> {
        let queues = (0..).map(SubscriptionId).zip(&self.queues);
        let begun = queues.filter_map(|(id, queue)| Some((id, queue.transfers.front()?)));
        begun.min_by_key(|(_, begun)| begun.place)
    }

    pub(super) fn first_transfer(&self) -> Option<Transfer> {
        let (subscription, begun) = self.leading()?;
        let message = begun.leaving.stored.record.message;
        Some(Transfer { subscription, message, place: begun.place })
    }

    pub(super) fn end_first_transfer(&mut self, now: Instant, how: Transferred) -> bool {
        let Some((id, _)) = self.leading() else { return false };
        self.changed = true;
        self.queues[id.index()].end_transfer(now, how)
    }
}

/// Enters what is not confirmed; with ids where they matter.
pub(super) fn enter(unconfirmed: &Unconfirmed, with_ids: bool, into: &mut Fingerprint<'_>) {
    into.count(unconfirmed.len());
    for (due, Leaving { stored, why, letter }) in unconfirmed {
        into.time(*due);
        stored.record.fingerprint(into);
        into.word(*why as u64);
        into.flag(letter.is_some());
        letter.iter().for_each(|letter| letter.enter(with_ids, into));
    }
}
