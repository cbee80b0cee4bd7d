//! Which id a queue knows a send by, where each send has one of its own.
//!
//! > **The rule.** All attempts of one send have one id. What a job sends again after it, or a
//! > later life of the producer, is another send.

use std::cell::RefCell;

use entrega_model::MessageId;

/// The ids that a producer makes in one of its lives.
pub(super) struct IdsOfSends {
    /// The id of a first send: another one in each life. In the first it is the message's own,
    /// which nobody else has.
    first: u32,
    /// Messages whose sends ended without a confirmation, and how many did.
    repeated: RefCell<Vec<(MessageId, u32)>>,
}

/// How many bits of an id say which life it is of.
const BITS_OF_A_LIFE: u32 = 16;

impl IdsOfSends {
    pub(super) fn of_life(life: u32) -> Self {
        Self { first: life << BITS_OF_A_LIFE, repeated: RefCell::default() }
    }

    /// The id of the present send of a message.
    pub(super) fn of(&self, message: MessageId) -> u32 {
        let repeated = self.repeated.borrow();
        let sends = repeated.iter().find(|(one, _)| *one == message).map_or(0, |&(_, sends)| sends);
        self.first | sends
    }

    /// The send of a message has ended without a confirmation: the next one has another id.
    pub(super) fn ended_without_success(&self, message: MessageId) {
        let mut repeated = self.repeated.borrow_mut();
        match repeated.iter_mut().find(|(one, _)| *one == message) {
            Some((_, sends)) => *sends += 1,
            None => repeated.push((message, 1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_has_an_id_of_its_own_and_its_retries_have_the_same() {
        let (one, other) = (MessageId(1), MessageId(2));
        let lives = [0, 1].map(IdsOfSends::of_life);
        assert_eq!([lives[0].of(one), lives[0].of(one), lives[0].of(other)], [0, 0, 0]);
        lives[0].ended_without_success(one);
        assert_eq!([lives[0].of(one), lives[0].of(other)], [1, 0]);
        lives[0].ended_without_success(one);
        assert_eq!(lives[0].of(one), 2);
        assert_eq!(lives[1].of(one), 1 << 16, "another life has others");
    }
}
