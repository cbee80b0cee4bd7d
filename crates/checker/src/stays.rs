//! The stays of a message in its queue: the first, and one more for each time that a dead letter of
//! it was moved back.
//!
//! > **The rule** (semantics.md 5.2, 5.4). A delivery belongs to the stay in which it was handed
//! > out, and its tag says which: a consumer may report it from its buffer when the message has
//! > long been dead-lettered and moved back. Two outcomes of two stays have the redrive for their
//! > cause; two of one stay have what took the message from the earlier delivery.
//!
//! A delivery that is reported when its stay is over stands *aside*: it is not the last one of its
//! message, and nothing that befalls the message afterwards concerns it. Where the tag is not
//! recorded, each delivery is of the stay in which it is reported.

use std::collections::BTreeMap;

use entrega_model::{DeliveryId, Fingerprint, MessageId, SubscriptionId};

use crate::Cause;
use crate::duplicate::By;
use crate::message::{Message, NONE};

/// Those of all messages of a subscription that were ever moved back.
#[derive(Clone, Debug, Default)]
pub(crate) struct AllStays {
    messages: BTreeMap<MessageId, Stays>,
}

/// Those of one message.
#[derive(Clone, Debug, Default)]
struct Stays {
    /// The stays that are over, in order.
    over: Vec<Stay>,
    /// Deliveries that stand aside, and the stay of each.
    aside: Vec<(u32, usize)>,
    /// The dead letter that was the first outcome was moved back, and an effect is left, of this
    /// stay or an earlier one. It is not known by which delivery.
    left: Option<usize>,
    /// A copy that was moved back has taken effect in excess. It is counted, and decides nothing.
    has_excess: bool,
}

/// A stay that is over.
#[derive(Clone, Copy, Debug)]
struct Stay {
    /// Deliveries with this tag or a higher one are of a later stay.
    upto: u64,
    /// The first delivery that was reported of a later stay.
    next: u32,
    /// Why a delivery lost the message while it lasted, if one did.
    why: Option<Cause>,
}

/// Those of one message, looked up only by whoever asks for a cause.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StaysOf<'a> {
    all: &'a AllStays,
    message: MessageId,
}

impl StaysOf<'_> {
    /// The cause of a second outcome, if the stays of the message decide it.
    pub(crate) fn why(self, message: &Message, by: By) -> Option<Cause> {
        self.all.messages.get(&self.message)?.why(message, by)
    }
}

impl AllStays {
    pub(crate) fn clear(&mut self) {
        self.messages.clear();
    }

    pub(crate) const fn those_of(&self, message: MessageId) -> StaysOf<'_> {
        StaysOf { all: self, message }
    }

    /// A dead letter was moved back: from this tag on deliveries are of another stay.
    pub(crate) fn end(&mut self, id: MessageId, message: &Message, tag: u64, why: Option<Cause>) {
        let stays = self.messages.entry(id).or_default();
        let stay = stays.over.len();
        let is_left = message.has_outcome() && message.outcome == NONE;
        stays.left = is_left.then(|| stays.left.unwrap_or(stay));
        let last = stays.over.last().map_or(0, |stay| stay.upto);
        stays.over.push(Stay { upto: tag.max(last), next: NONE, why });
    }

    /// A delivery is reported; whether it stands aside.
    pub(crate) fn delivered(&mut self, message: MessageId, delivery: DeliveryId, tag: u64) -> bool {
        let Some(stays) = self.messages.get_mut(&message) else { return false };
        let stay = stays.of_tag(tag);
        if stay < stays.over.len() {
            stays.aside.push((delivery.0, stay));
            return true;
        }
        stays.over.iter_mut().for_each(|stay| stay.next = stay.next.min(delivery.0));
        false
    }

    /// A delivery took effect. If it is of a copy that was moved back, whether this is the first of
    /// those in excess of its message.
    pub(crate) fn took_effect(
        &mut self,
        message: MessageId,
        delivery: DeliveryId,
        is_excess: bool,
    ) -> Option<bool> {
        let stays = self.messages.get_mut(&message)?;
        if stays.of_delivery(delivery.0) == 0 {
            return None;
        }
        let is_first = is_excess && !stays.has_excess;
        stays.has_excess |= is_excess;
        Some(is_first)
    }

    /// Whether a tag is of a stay that is over.
    pub(crate) fn is_over(&self, message: MessageId, tag: u64) -> bool {
        self.messages.get(&message).is_some_and(|stays| stays.of_tag(tag) < stays.over.len())
    }

    /// Enters those of the messages that are `open`: the others are not asked for a cause any more.
    pub(crate) fn fingerprint(
        &self,
        of: SubscriptionId,
        is_open: impl Fn(MessageId) -> bool,
        into: &mut Fingerprint<'_>,
    ) {
        for (message, stays) in self.messages.iter().filter(|(message, _)| is_open(**message)) {
            into.word(u64::from(message.0) + 1);
            stays.fingerprint(of, into);
        }
    }
}

impl Stays {
    fn of_tag(&self, tag: u64) -> usize {
        self.over.partition_point(|stay| stay.upto <= tag)
    }

    fn of_delivery(&self, delivery: u32) -> usize {
        let aside = self.aside.iter().find(|(aside, _)| *aside == delivery);
        aside.map_or_else(
            || self.over.partition_point(|stay| stay.next <= delivery),
            |&(_, stay)| stay,
        )
    }

    /// The cause of a second outcome, if the stays decide it. A dead letter is of the present stay:
    /// those of earlier ones were moved back.
    fn why(&self, message: &Message, by: By) -> Option<Cause> {
        let present = self.over.len();
        let earlier = match message.outcome {
            NONE => self.left.unwrap_or(present),
            outcome => self.of_delivery(outcome),
        };
        let later = match by {
            By::Delivery(delivery) if delivery == message.outcome => return None,
            By::Delivery(delivery) => self.of_delivery(delivery),
            By::Reject | By::Broker => present,
        };
        if earlier == later { self.over.get(later)?.why } else { Some(Cause::Redriven) }
    }

    /// Enters them. A tag that nobody can name any more is asked nothing.
    fn fingerprint(&self, of: SubscriptionId, into: &mut Fingerprint<'_>) {
        into.count(self.over.len());
        for stay in &self.over {
            let is_asked = stay.upto > into.named_from(of);
            into.flags([is_asked, stay.next != NONE]);
            if is_asked {
                into.tag(of, stay.upto);
            }
            if stay.next != NONE {
                into.delivery(DeliveryId(stay.next));
            }
            into.word(stay.why.map_or(0, |cause| cause as u64 + 1));
        }
        into.maybe(self.left.map(|stay| stay as u64));
        into.count(self.aside.len());
        for &(delivery, stay) in &self.aside {
            into.delivery(DeliveryId(delivery));
            into.count(stay);
        }
    }
}
