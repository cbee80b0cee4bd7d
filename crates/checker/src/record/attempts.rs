//! What became of a send that has several attempts.
//!
//! > **The rule.** An outcome that names an attempt speaks for that one, and one that names none
//! > for every attempt that began since the outcome before it; none speaks for what begins later.
//! > Once an attempt has begun in another life of the producer, what an earlier life left open is
//! > spoken for by no outcome that does not name it.
//! > A send is acknowledged if any outcome is, refused only if every outcome is a refusal and no
//! > attempt is open, and else indeterminate.
//!
//! The checker holds to the last sentence by itself, except that it does not know which attempts
//! are open. So a refusal is kept from it while one is. Most sends have one attempt and one
//! outcome: they are not kept here.

use std::collections::{BTreeMap, BTreeSet};

use entrega_model::event::SendOutcome;
use entrega_model::{MessageId, ProcessId};

use super::order::Place;
use crate::table::Table;

/// What the lines of a send have told so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Known {
    /// There was none.
    #[default]
    Nothing,
    /// One attempt began, this one, and there was no outcome.
    Open(u16),
    /// One attempt began, this one, and the outcome spoke for it: it is no refusal.
    Closed(u16),
    /// The same, and it was refused.
    Refused(u16),
    /// The first line was an outcome: nobody knows when it was sent.
    Unplaced,
    /// More than that: look into [`Attempts`].
    Several,
}

/// The sends that have more than one attempt, or an outcome of another attempt.
#[derive(Clone, Debug, Default)]
pub(super) struct Attempts {
    several: BTreeMap<MessageId, Several>,
    /// Who has sent anything.
    producers: BTreeSet<ProcessId>,
}

/// The attempts of one send.
#[derive(Clone, Debug, Default)]
struct Several {
    /// Whether each attempt that has begun is open.
    begun: BTreeMap<u16, bool>,
    /// How many are.
    open: usize,
    /// How many times an attempt began.
    times: usize,
    /// How many of those were refused, so that they stored nothing.
    refused: usize,
    /// The highest number that a line names.
    highest: u16,
    /// Those that began after the latest outcome.
    new: Vec<u16>,
    /// The life in which they began is over.
    is_of_the_past: bool,
    /// How many outcomes came before their attempt began; none stands for the next one.
    early: BTreeMap<Option<u16>, u64>,
}

/// What an outcome says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ended {
    /// The attempt that it speaks for had begun.
    pub(super) was_invoked: bool,
    /// It is what its producer knows now: not a refusal while another attempt is open.
    pub(super) speaks: bool,
}

impl Attempts {
    /// A line about a send is of this producer.
    pub(super) fn told_by(&mut self, producer: ProcessId) {
        self.producers.insert(producer);
    }

    /// A life of a process has ended, and with it what it knew of its sends.
    #[cold]
    pub(super) fn life_ended(&mut self, process: ProcessId, sends: &mut Table<Place>) {
        if !self.producers.contains(&process) {
            return;
        }
        for (id, place) in sends.iter_mut().filter(|(_, place)| place.producer == process) {
            if matches!(place.known, Known::Open(_) | Known::Several | Known::Unplaced) {
                self.several(MessageId(id as u32), place).is_of_the_past = true;
            }
        }
    }

    /// An attempt begins. Returns whether an outcome of it came before.
    pub(super) fn begin(&mut self, message: MessageId, number: u16, place: &mut Place) -> bool {
        if place.known == Known::Nothing {
            return false;
        }
        self.several(message, place).begin(number)
    }

    /// An outcome, of the attempt that it names or of all that are new.
    pub(super) fn end(
        &mut self,
        message: MessageId,
        attempt: Option<u16>,
        outcome: SendOutcome,
        place: &mut Place,
    ) -> Ended {
        if let Known::Open(number) = place.known
            && attempt.is_none_or(|attempt| attempt == number)
        {
            let is_refused = outcome == SendOutcome::Fail;
            place.known = if is_refused { Known::Refused(number) } else { Known::Closed(number) };
            return Ended { was_invoked: true, speaks: true };
        }
        let several = self.several(message, place);
        let was_invoked = several.end(attempt, outcome);
        let speaks = outcome != SendOutcome::Fail || several.open == 0;
        Ended { was_invoked, speaks }
    }

    /// Whether more than one of the attempts that have begun may have stored the message.
    pub(super) fn may_be_stored_twice(&self, message: MessageId) -> bool {
        self.several.get(&message).is_some_and(|several| several.times - several.refused > 1)
    }

    /// How many copies of a message may be stored, as far as lines show its attempts.
    pub(super) fn most_copies(&self, message: MessageId) -> usize {
        let Some(several) = self.several.get(&message) else { return 1 };
        several.times.max(several.highest.into()).saturating_sub(several.refused).max(1)
    }

    fn several(&mut self, message: MessageId, place: &mut Place) -> &mut Several {
        let known = std::mem::replace(&mut place.known, Known::Several);
        if known == Known::Unplaced {
            place.known = Known::Unplaced;
        }
        self.several.entry(message).or_insert_with(|| {
            let mut several = Several::default();
            match known {
                Known::Open(number) => _ = several.begin(number),
                Known::Closed(number) => several.begin_and_end(number, SendOutcome::Info),
                Known::Refused(number) => several.begin_and_end(number, SendOutcome::Fail),
                Known::Nothing | Known::Unplaced | Known::Several => {}
            }
            several
        })
    }
}

impl Several {
    fn begin_and_end(&mut self, number: u16, outcome: SendOutcome) {
        self.begin(number);
        self.end(None, outcome);
    }

    /// Returns whether an outcome of the attempt came before.
    fn begin(&mut self, number: u16) -> bool {
        if std::mem::take(&mut self.is_of_the_past) {
            self.new.clear();
        }
        if self.begun.insert(number, true) != Some(true) {
            self.open += 1;
        }
        self.times += 1;
        self.highest = self.highest.max(number);
        self.new.push(number);
        let of_it = [None, Some(number)].into_iter().find(|early| self.early.contains_key(early));
        let Some(early) = of_it else { return false };
        let count = self.early.entry(early).or_default();
        *count -= 1;
        if *count == 0 {
            self.early.remove(&early);
        }
        true
    }

    /// Returns whether an attempt had begun that the outcome speaks for.
    fn end(&mut self, attempt: Option<u16>, outcome: SendOutcome) -> bool {
        self.highest = self.highest.max(attempt.unwrap_or(0));
        let before = self.open;
        let new = std::mem::take(&mut self.new);
        let was_invoked = match attempt {
            Some(number) => self.close(number),
            None => {
                new.into_iter().for_each(|number| _ = self.close(number));
                !self.begun.is_empty()
            }
        };
        if outcome == SendOutcome::Fail {
            self.refused += before - self.open;
        }
        if !was_invoked {
            *self.early.entry(attempt).or_default() += 1;
        }
        was_invoked
    }

    /// Returns whether the attempt had begun.
    fn close(&mut self, number: u16) -> bool {
        let Some(is_open) = self.begun.get_mut(&number) else { return false };
        self.open -= usize::from(std::mem::take(is_open));
        true
    }
}

#[cfg(test)]
mod tests {
    use entrega_model::history::{Batch, Origin};
    use entrega_model::{Event, Incarnation, Instant, Key, Kind, Model, ProcessId};

    use super::*;
    use crate::{Config, End, RecordChecker};

    /// An outcome that came early belongs to one attempt.
    #[test]
    fn an_early_outcome_is_used_up() {
        let mut several = Several::default();
        assert!(!several.end(None, SendOutcome::Info));
        assert!(several.begin(1) && !several.begin(2));
        assert!(!several.end(Some(4), SendOutcome::Ok) && !several.end(Some(4), SendOutcome::Ok));
        assert!(!several.begin(3) && several.begin(4) && several.begin(4) && !several.begin(4));
    }

    /// Attempts begin (`.`) and end (ok, fail, info), by number where one follows, and lives of the
    /// producer end (`x`) or of somebody else (`y`); what the producer knows in the end, and how
    /// many outcomes come without or before their attempt.
    #[test]
    fn outcomes_speak_for_the_attempts_that_they_name_or_that_are_new() {
        let check = |steps: &str, expect: SendOutcome, early: u64| {
            let mut checker = RecordChecker::new(Config::default(), Model::Queue);
            let (message, producer, key) = (MessageId(0), ProcessId(0), Key(0));
            for step in steps.split_whitespace() {
                let attempt = step[1..].parse().ok();
                let ended = |outcome| Kind::SendEnded { message, producer, outcome };
                let kind = match &step[..1] {
                    "." => {
                        let attempt = attempt.unwrap_or(1);
                        Kind::SendInvoked { message, key, producer, attempt }
                    }
                    "x" => Kind::Crashed { process: producer, incarnation: Incarnation(0) },
                    "y" => Kind::Crashed { process: ProcessId(1), incarnation: Incarnation(0) },
                    "o" => ended(SendOutcome::Ok),
                    "f" => ended(SendOutcome::Fail),
                    _ => ended(SendOutcome::Info),
                };
                let events = [Event { at: Instant::START, kind }];
                let origins = [Origin { line: 1, attempt, ..Origin::default() }];
                checker.observe(Batch { events: &events, origins: &origins });
            }
            let (report, gaps) = checker.finish(End::Quiescent);
            let sends = report.sends;
            let counts = (sends.ok, sends.info, sends.fail);
            let expect = match expect {
                SendOutcome::Ok => (1, 0, 0),
                SendOutcome::Info => (0, 1, 0),
                SendOutcome::Fail => (0, 0, 1),
            };
            assert_eq!(counts, expect, "{steps}");
            assert_eq!(gaps.found.values().map(|(count, _)| count).sum::<u64>(), early, "{steps}");
        };
        for steps in [".1 .2 f1 f2", ".1 .2 f", ".1 f .2 f2", ".1 f .2 f", ".1 f f", ".1 x f"] {
            check(steps, SendOutcome::Fail, 0);
        }
        for steps in [".1 .2 f1", ".1 .2 f2", ".1 .2 f2 f", ".1 f .2 f1", ".1 i1 f1", ".1 f1 .1"] {
            check(steps, SendOutcome::Info, 0);
        }
        for steps in [".1 f x .2 f", ".1 y .2 f", ".1 x .2 f1 f2"] {
            check(steps, SendOutcome::Fail, 0);
        }
        for steps in [".1 x .2 f", ".1 x .2 f f", ".1 .2 x .3 f"] {
            check(steps, SendOutcome::Info, 0);
        }
        for steps in [".1 .2 o2 f1", ".1 .2 i2 o1", ".1 i1 .2 o2", ".1 i o", ".1 f o", ".1 o f"] {
            check(steps, SendOutcome::Ok, 0);
        }
        for steps in ["f", "f .2 f", ".1 f2 f1"] {
            check(steps, SendOutcome::Fail, 1);
        }
        for steps in ["f .1", "f .1 .2", ".1 f2 f1 .2", ".1 f2 .2", ".1 f2", "i .1 f", "i .1"] {
            check(steps, SendOutcome::Info, 1);
        }
        for steps in ["o", "o .1 f", ".1 o2", ".1 f1 o2"] {
            check(steps, SendOutcome::Ok, 1);
        }
    }
}
