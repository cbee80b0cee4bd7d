//! The lines about sends: when each began, and what its producer knows of it.

use entrega_model::event::SendOutcome;
use entrega_model::history::Origin;
use entrega_model::{Event, Kind, MessageId, Observer};

use super::attempts::Known;
use super::gaps::{Gap, GapKind};
use super::order::Place;
use super::{NO_KEY, NO_TIME, RecordChecker};

impl RecordChecker {
    pub(super) fn is_sent(&self, message: MessageId) -> bool {
        let place = self.sends.get(message.0.into());
        place.is_some_and(|place| place.known != Known::Nothing)
    }

    /// A producer begins to send, or tries again.
    pub(super) fn invoked(
        &mut self,
        event: &Event,
        message: MessageId,
        place: Place,
        attempt: u16,
        origin: Origin,
    ) {
        let Origin { line, has_time, .. } = origin;
        self.gaps.sent(message, event.at, line);
        if attempt > 1 && self.sends.entry(message.0.into()).known == Known::Nothing {
            self.begun_unseen(message, place, line);
        }
        self.attempts.told_by(place.producer);
        let known = self.sends.entry(message.0.into());
        let was_answered = self.attempts.begin(message, attempt, known);
        match known.known {
            Known::Nothing => *known = place,
            _ => known.name_again(&place),
        }
        if was_answered {
            self.gaps.answered(message, line);
        }
        let at = if has_time { event.at } else { NO_TIME };
        self.pass(&Event { at, kind: event.kind });
    }

    /// The first line of a send is that of a later attempt: nobody knows when the first began, and
    /// what became of it.
    fn begun_unseen(&mut self, message: MessageId, place: Place, line: u64) {
        self.gaps.add(
            GapKind::RetryWithoutFirstAttempt,
            1,
            Gap { line, message: Some(message), before: None },
        );
        let producer = place.producer;
        *self.sends.entry(message.0.into()) = place.without_place();
        let invoked = Kind::SendInvoked { message, key: NO_KEY, producer, attempt: 1 };
        let ended = Kind::SendEnded { message, producer, outcome: SendOutcome::Info };
        self.checker.observe(&[invoked, ended].map(|kind| Event { at: NO_TIME, kind }));
    }

    /// Attempts of a send are over.
    pub(super) fn ended(
        &mut self,
        event: &Event,
        message: MessageId,
        outcome: SendOutcome,
        origin: Origin,
    ) {
        self.gaps.sent(message, event.at, origin.line);
        let Kind::SendEnded { producer, .. } = event.kind else { return };
        self.attempts.told_by(producer);
        let known = self.sends.entry(message.0.into());
        let named = Place::sent(self.now, NO_KEY, producer, 1, origin);
        if known.known == Known::Nothing {
            *known = named.without_place();
            let (key, attempt) = (NO_KEY, 1);
            let kind = Kind::SendInvoked { message, key, producer, attempt };
            self.checker.observe(&[Event { at: NO_TIME, kind }]);
        } else {
            known.name_again(&named);
        }
        if outcome == SendOutcome::Ok {
            known.acknowledged_at(if self.program_order { known.sent_at() } else { self.now });
        }
        let ended = self.attempts.end(message, origin.attempt, outcome, known);
        if !ended.was_invoked {
            self.gaps.unanswered(message, origin.line);
        }
        if ended.speaks {
            self.pass(event);
        }
    }
}
