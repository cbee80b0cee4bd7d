//! Redrive: what was dead-lettered goes back to its queue.
//!
//! > **The rule.** A message is moved back `after` it was dead-lettered, at most `times` times. It
//! > is stored as a new message: at the end of the queue, with a new age and a delivery count of 0.
//! > It leaves the dead letters.
//!
//! Who moves it is an operator or a service: SQS `StartMessageMoveTask`, a shovel of RabbitMQ, the
//! resubmission of Service Bus. A queue that is full takes it all the same. What a consumer has
//! written to dead letters of its own is not the queue's, which cannot move it.
//!
//! Whether it keeps the broker's id is up to who moves it (`ids.rs`): SQS gives it a new one and a
//! new time [SQS others].

use std::collections::{BTreeMap, VecDeque};

use entrega_model::{Duration, Fingerprint, Fingerprinted, Instant, Kind, Record};

use super::bound_queue::{BoundQueue, Step};
use super::ready::Stored;

/// When a message that was dead-lettered goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redrive {
    /// How long after it was dead-lettered.
    pub after: Duration,
    /// Whether it has a new id then, or the one that the broker gave it first.
    pub new_ids: bool,
    /// How often the same message goes back at most.
    pub times: u16,
}

/// The dead letters that will go back, and which of the copies that are here have come back.
#[derive(Clone, Debug, Default)]
pub(super) struct Redriven {
    /// The oldest first; all wait equally long.
    letters: VecDeque<Letter>,
    /// How often the message of a copy has gone back, if it ever has.
    times: BTreeMap<u64, u16>,
}

/// A dead letter that will go back.
#[derive(Clone, Copy, Debug)]
pub(super) struct Letter {
    /// When: so long after it was given up, or when it arrives if that is later.
    due: Instant,
    record: Record,
    /// The broker's id for it.
    id: u64,
    /// How often it has gone back.
    times: u16,
}

impl Redriven {
    /// When the next dead letter goes back.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.letters.front().map(|letter| letter.due)
    }

    /// A copy is finished, whatever becomes of its message.
    pub(super) fn finish(&mut self, sequence: u64) {
        self.times.remove(&sequence);
    }

    /// Whether a copy was moved back, and not published.
    pub(super) fn has(&self, sequence: u64) -> bool {
        self.times.contains_key(&sequence)
    }

    /// How often the message of a copy has gone back.
    pub(super) fn times(&self, sequence: u64) -> u16 {
        self.times.get(&sequence).copied().unwrap_or(0)
    }

    fn take_due(&mut self, now: Instant) -> Option<Letter> {
        self.next_due().filter(|due| *due <= now)?;
        self.letters.pop_front()
    }

    pub(super) fn clear(&mut self) {
        let Self { letters, times } = self;
        letters.clear();
        times.clear();
    }

    /// Enters what will go back, with its id where ids matter.
    pub(super) fn fingerprint(&self, with_ids: bool, into: &mut Fingerprint<'_>) {
        into.count(self.letters.len());
        for letter in &self.letters {
            letter.enter(with_ids, into);
        }
    }
}

impl Letter {
    /// Enters it, with its id where ids matter.
    pub(super) fn enter(&self, with_ids: bool, into: &mut Fingerprint<'_>) {
        into.time(self.due);
        self.record.fingerprint(into);
        into.word(self.times.into());
        if with_ids {
            into.word(self.id);
        }
    }
}

impl BoundQueue {
    /// The dead letter of a message that is given up now, if it will go back.
    pub(super) fn letter_of(&self, stored: &Stored, step: &Step<'_>) -> Option<Letter> {
        let extras = self.extras.as_ref()?;
        let redrive = extras.features.redrive.filter(|_| step.settings.dead_letter)?;
        let times = extras.redriven.times(stored.sequence);
        let (due, record) = (step.now + redrive.after, stored.record);
        let id = extras.ids.of(stored.sequence);
        (times < redrive.times).then_some(Letter { due, record, id, times })
    }

    /// A dead letter has arrived. One that was sent again goes back as if it had arrived at once,
    /// but in its turn, and not before it is there.
    pub(super) fn note_letter(&mut self, letter: Option<Letter>, now: Instant) {
        if let (Some(mut letter), Some(extras)) = (letter, &mut self.extras) {
            letter.due = letter.due.max(now);
            let letters = &mut extras.redriven.letters;
            let place = letters.partition_point(|other| other.due <= letter.due);
            letters.insert(place, letter);
        }
    }

    /// Moves back what is due.
    pub(super) fn redrive(&mut self, step: &mut Step<'_>) {
        while let Some(extras) = &mut self.extras
            && let Some(redrive) = extras.features.redrive
            && let Some(letter) = extras.redriven.take_due(step.now)
        {
            let (position, subscription) = (self.next_sequence, self.id);
            self.next_sequence += 1;
            extras.redriven.times.insert(position, letter.times + 1);
            if !redrive.new_ids {
                extras.ids.keep(position, letter.id);
            }
            let message = letter.record.message;
            let tag = self.next_tag();
            step.tell(Kind::Redriven { message, subscription, position, tag });
            self.keep(Stored::delivered(position, letter.record, 0), step);
            step.note_stored(subscription, position);
            *step.changed = true;
            self.trim(step);
        }
    }
}
