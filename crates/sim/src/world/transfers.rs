//! The way of dead letters from a queue to its target, within the broker.
//!
//! > **The rule.** What becomes of a dead letter is chosen in the step in which its queue gives the
//! > message up. If nothing goes wrong, nothing is to be seen of it.

use entrega_brokers::{Broker, Transfer, Transferred};
use entrega_model::event::RemoveReason;
use entrega_model::{Event, Kind};
use entrega_scenario::NO_PROCESS;
use entrega_scenario::points::{Act, Fault, info, own_point};

use super::{Routed, World};

/// How many answers there are to the question what becomes of a dead letter.
const FATES: u32 = info(Fault::DeadLetterTransfer).bound();

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// After whatever may have made a queue give something up.
    #[inline]
    pub(super) fn after_giving_up(&mut self) {
        if self.times.transfers {
            self.end_transfers();
        }
    }

    #[cold]
    fn end_transfers(&mut self) {
        let mut shift = 0;
        while let Some(transfer) = self.broker.next_transfer() {
            let before = self.events.len();
            self.transferred(Transfer { place: transfer.place + shift, ..transfer });
            shift = (shift + self.events.len()).saturating_sub(before);
        }
    }

    /// A dead letter arrives, or does not. Its event is there, and is put right.
    fn transferred(&mut self, transfer: Transfer) {
        let Transfer { subscription, message, place } = transfer;
        let point = own_point(Fault::DeadLetterTransfer, subscription);
        let choice = self.choices.pick(point, FATES);
        let act = info(Fault::DeadLetterTransfer).alternative(choice).map(|one| one.act);
        let how = match act {
            Some(Act::Lost) => Transferred::Lost,
            Some(Act::Duplicated) if self.times.confirms_dead_letters => Transferred::Twice,
            _ => Transferred::Arrived,
        };
        let stays = self.broker.end_transfer(self.now, how);
        if how == Transferred::Arrived {
            return;
        }
        let (at, letter) = (self.now, self.events[place]);
        let alternative = choice as u8;
        let kind = Kind::Faulted {
            point: point.0,
            alternative,
            process: NO_PROCESS,
            message: Some(message),
        };
        self.events[place] = Event { at, kind };
        let (subscription, reason) = (Some(subscription), RemoveReason::DeadLettering);
        let lost = Event { at, kind: Kind::Removed { message, subscription, reason } };
        let then: &[Event] = match how {
            Transferred::Twice => &[letter, letter],
            _ if stays => &[],
            _ => &[lost],
        };
        self.events.splice(place + 1..place + 1, then.iter().copied());
    }
}
