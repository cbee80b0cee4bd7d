//! A message by what can still matter of it.
//!
//! > **The rule.** What no rule will ever look at again is reset to its initial value.
//!
//! * A message with an *outcome* is never lost: the cause of a loss and the audit do not matter.
//! * A cause that is *decided* stays: the second outcome has its cause, or there are two copies,
//!   and then that is the cause. No evidence about deliveries matters any more. The tenure does,
//!   because a consumer that asks for a commit of this message asks for all before it.
//!   That a settle was lost is no cause yet while its consumer may learn that it came too late.
//! * What is known of the last delivery matters only if there was one.
//! * If the consumer of the last delivery has *crashed* before it had settled, that is the cause of
//!   the next one, unless a settle is recorded; whether it asked for one, or gave it back, is not
//!   asked. Whether the broker took the message back *at all* tells what a later lease means.
//! * If a dead letter may be moved back, a message that has one may lose that outcome again, and
//!   the cause with it: then nothing is decided before the second effect.
//! * The handler's state, poison and removals are for counters.

use std::ops::Deref;

use entrega_model::{DeliveryId, Fingerprint};

use super::Holds;
use crate::Cause;
use crate::message::{ABOUT_LAST, Flag, Message, NONE};
use crate::owners::Owners;

/// Two stands for two or more.
const MORE: u8 = 2;

/// The bits that decide nothing but counters.
const ONLY_COUNTED: [Flag; 5] =
    [Flag::Removed, Flag::Poison, Flag::Replayed, Flag::HadEffect, Flag::Failed];

/// A message without what does not matter any more.
pub(super) struct Normal(Message);

impl Deref for Normal {
    type Target = Message;

    fn deref(&self) -> &Message {
        &self.0
    }
}

impl Normal {
    pub(super) fn of(message: &Message, owners: &Owners, may_redrive: bool) -> Self {
        let mut normal = *message;
        normal.surplus = 0;
        for count in [&mut normal.copies, &mut normal.effects] {
            *count = MORE.min(*count);
        }
        if !may_redrive {
            normal.dead_letters = MORE.min(normal.dead_letters);
        }
        ONLY_COUNTED.into_iter().for_each(|flag| normal.unset(flag));
        if normal.has_outcome() {
            normal.loss = None;
            normal.unset(Flag::Retrievable);
        }
        if !normal.was_delivered() {
            normal.flags &= !ABOUT_LAST;
        } else if !normal.has(Flag::SettledInTime)
            && owners.get(normal.tenure).is_some_and(|(_, life)| life.crashed)
        {
            forget_what_a_crash_hides(&mut normal);
        }
        if is_decided(&normal, may_redrive) {
            normal = decided(&normal);
        }
        Self(normal)
    }

    pub(super) fn enter(&self, holds: &Holds<'_>, into: &mut Fingerprint<'_>) {
        let Self(message) = self;
        let counts = [message.copies, message.effects, message.dead_letters];
        let counts = bytes(counts.into_iter().chain([message.numbers.byte()]));
        into.word(counts << 32 | u64::from(message.flags));
        let Message { why_last, why_previous, why_outcome, duplicate, loss, .. } = *message;
        let causes = [why_last, why_previous, why_outcome, duplicate, loss].map(byte);
        into.word(bytes(causes.into_iter().chain([message.moved_back, there(message)])));
        if message.was_delivered() {
            into.count(holds.count_before(message.tenure));
        }
        for name in names(message).into_iter().filter(|name| *name != NONE) {
            into.delivery(DeliveryId(name));
        }
    }
}

/// Whether the cause of a second outcome is known, whatever follows.
pub(super) const fn is_decided(message: &Message, may_redrive: bool) -> bool {
    let may_be_undone = may_redrive && message.effects < MORE;
    let may_be_late = message.has(Flag::SettleUnheard);
    message.copies >= MORE || (message.duplicate.is_some() && !may_be_undone && !may_be_late)
}

fn forget_what_a_crash_hides(message: &mut Message) {
    let was_returned = message.was_returned();
    let settled = message.has(Flag::Settled);
    let redriven = message.has(Flag::Redriven);
    let asks_beside_another = message.has(Flag::SettleInvoked) && message.has(Flag::SettleUnheard);
    message.forget_last();
    if was_returned {
        message.set(Flag::LeaseRanOut);
    }
    if settled {
        message.set(Flag::Settled);
    }
    if redriven {
        message.set(Flag::Redriven);
    }
    if asks_beside_another {
        message.set(Flag::SettleInvoked);
    }
}

/// A message for whose duplicate no evidence is needed any more.
fn decided(message: &Message) -> Message {
    let Message { tenure, copies, effects, dead_letters, loss, .. } = *message;
    let duplicate = message.duplicate.filter(|_| copies < MORE);
    let flags = message.flags & (Flag::Retrievable as u32 | Flag::Copied as u32);
    let known = Message { tenure, copies, effects, dead_letters, loss, ..Message::default() };
    Message { duplicate, flags, ..known }
}

/// Which of what is entered after this there is.
fn there(message: &Message) -> u8 {
    let names = names(message).map(|name| name != NONE);
    let there = names.into_iter().chain([message.was_delivered()]);
    there.fold(0, |all, is_there| all << 1 | u8::from(is_there))
}

fn names(message: &Message) -> [u32; 3] {
    [message.last, message.previous, message.outcome]
}

fn bytes(bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(0, |all, byte| all << 8 | u64::from(byte))
}

fn byte(cause: Option<Cause>) -> u8 {
    cause.map_or(0, |cause| cause as u8 + 1)
}
