//! The delivery numbers of a queue: which delivery had been taken back before its consumer had it.
//!
//! > **The rule** (semantics.md 5.4). A delivery whose number was taken back already, or is below
//! > one that is known, was stale when its consumer received it.
//!
//! Nearly every message is delivered less than fifteen times, so a byte holds both numbers of one:
//! how often it was taken back, and the highest number that a consumer has reported. Of the few
//! messages that come again and again a list holds them in full.

use std::collections::BTreeMap;

use entrega_model::{Fingerprint, MessageId};

/// Those of one message; four bits each, saturating.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers(u8);

/// Those of the messages that were taken back, or delivered, as often as a [`Numbers`] can count.
#[derive(Clone, Debug, Default)]
pub(crate) struct HighNumbers {
    messages: BTreeMap<MessageId, High>,
}

/// Those of one message in full. What is not so high is zero here.
#[derive(Clone, Copy, Debug, Default)]
struct High {
    returns: u32,
    highest: u16,
}

impl Numbers {
    const MOST: u8 = 15;

    const fn returns(self) -> u8 {
        self.0 & Self::MOST
    }

    const fn highest(self) -> u8 {
        self.0 >> 4
    }

    /// The queue took the message back.
    #[inline]
    pub(crate) fn returned(&mut self, message: MessageId, high: &mut HighNumbers) {
        if self.returns() < Self::MOST {
            self.0 += 1;
        }
        if self.returns() == Self::MOST {
            high.returned(message);
        }
    }

    /// A consumer reported the delivery with this number.
    #[inline]
    pub(crate) fn delivered(&mut self, attempt: u16, message: MessageId, high: &mut HighNumbers) {
        let saturated = saturated(attempt);
        self.0 = saturated.max(self.highest()) << 4 | self.returns();
        if saturated == Self::MOST {
            high.delivered(attempt, message);
        }
    }

    /// Whether the delivery with this number had been taken back. A number of 0 is not known.
    #[inline]
    pub(crate) fn is_stale(self, attempt: u16, message: MessageId, high: &HighNumbers) -> bool {
        let few = saturated(attempt);
        if few == Self::MOST {
            return high.is_stale(attempt, message);
        }
        few > 0 && (few <= self.returns() || few < self.highest())
    }

    /// Whether a later delivery has come before the one with this number.
    pub(crate) fn is_below(self, attempt: u16, message: MessageId, high: &HighNumbers) -> bool {
        let few = saturated(attempt);
        if few == Self::MOST {
            return high.of(message).is_some_and(|of| attempt < of.highest);
        }
        few > 0 && few < self.highest()
    }

    /// Whether the queue has taken the message back at all.
    pub(crate) const fn has_returned(self) -> bool {
        self.returns() > 0
    }

    /// Both in one byte.
    pub(crate) const fn byte(self) -> u8 {
        self.0
    }
}

fn saturated(attempt: u16) -> u8 {
    attempt.min(Numbers::MOST.into()) as u8
}

impl HighNumbers {
    /// None yet, and what follows is about other messages.
    pub(crate) fn clear(&mut self) {
        self.messages.clear();
    }

    /// The deliveries of a message begin anew.
    pub(crate) fn forget(&mut self, message: MessageId) {
        self.messages.remove(&message);
    }

    fn of(&self, message: MessageId) -> Option<&High> {
        self.messages.get(&message)
    }

    /// A message was taken back whose [`Numbers`] cannot count that.
    #[cold]
    fn returned(&mut self, message: MessageId) {
        let of = self.messages.entry(message).or_default();
        of.returns = of.returns.max(u32::from(Numbers::MOST) - 1) + 1;
    }

    #[cold]
    fn delivered(&mut self, attempt: u16, message: MessageId) {
        let of = self.messages.entry(message).or_default();
        of.highest = of.highest.max(attempt);
    }

    #[cold]
    fn is_stale(&self, attempt: u16, message: MessageId) -> bool {
        let is_of = |of: &High| u32::from(attempt) <= of.returns || attempt < of.highest;
        self.of(message).is_some_and(is_of)
    }

    /// Enters those of the messages that are `open`: the others are not asked for a cause any more.
    pub(crate) fn fingerprint(
        &self,
        is_open: impl Fn(MessageId) -> bool,
        into: &mut Fingerprint<'_>,
    ) {
        for (message, of) in self.messages.iter().filter(|(message, _)| is_open(**message)) {
            into.word(u64::from(message.0) + 1);
            into.word(u64::from(of.returns) << 16 | u64::from(of.highest));
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: MessageId = MessageId(7);

    /// A message that is looked at alone.
    #[derive(Default)]
    struct Alone(Numbers, HighNumbers);

    impl Alone {
        fn returned(&mut self, times: usize) {
            let Self(numbers, high) = self;
            (0..times).for_each(|_| numbers.returned(ONE, high));
        }

        fn delivered(&mut self, attempt: u16) {
            let Self(numbers, high) = self;
            numbers.delivered(attempt, ONE, high);
        }

        fn stale(&self) -> Vec<u16> {
            let Self(numbers, high) = self;
            (0..50).filter(|attempt| numbers.is_stale(*attempt, ONE, high)).collect()
        }

        fn below(&self) -> Vec<u16> {
            let Self(numbers, high) = self;
            (0..50).filter(|attempt| numbers.is_below(*attempt, ONE, high)).collect()
        }
    }

    fn all(upto: u16) -> Vec<u16> {
        (1..=upto).collect()
    }

    /// What was taken back, and what is older than a number that is known, is stale, however often
    /// that was.
    #[test]
    fn numbers_are_stale_below_those_that_are_known() {
        for least in 0..40 {
            let mut alone = Alone::default();
            alone.delivered(least + 2);
            assert_eq!((alone.stale(), alone.below()), (all(least + 1), all(least + 1)));
            alone.returned(usize::from(least) + 1);
            assert_eq!(alone.stale(), all(least + 1));
            alone.returned(1);
            assert_eq!(alone.stale(), all(least + 2));
            alone.delivered(1);
            assert_eq!((alone.stale(), alone.below()), (all(least + 2), all(least + 1)));
        }
    }

    /// Of another message nothing is known, and of one that begins anew nothing any more.
    #[test]
    fn each_message_has_its_own() {
        let Alone(mut numbers, mut high) = Alone::default();
        (0..40).for_each(|_| numbers.returned(ONE, &mut high));
        assert!(numbers.is_stale(40, ONE, &high) && !numbers.is_stale(41, ONE, &high));
        assert!(!numbers.is_stale(40, MessageId(8), &high));
        high.forget(ONE);
        assert!(high.is_empty() && !Numbers::default().is_stale(40, ONE, &high));
    }
}
