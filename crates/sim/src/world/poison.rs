//! Which messages are poison to a subscription: decided once, when one is first processed.

use entrega_model::MessageId;

/// What an attempt to process a message comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Poison {
    /// It may succeed.
    None,
    /// It fails.
    Fails,
    /// It kills its process.
    Kills,
}

/// Two bits a message, in words of 32: not decided, or which poison it is.
#[derive(Clone, Default)]
pub(super) struct PoisonTable(Vec<u64>);

const NONE: u64 = 1;
const FAILS: u64 = 2;
const KILLS: u64 = 3;

impl PoisonTable {
    /// Which poison a message is, if that is decided.
    #[inline]
    pub(super) fn get(&self, message: MessageId) -> Option<Poison> {
        let (word, shift) = place(message);
        match self.0.get(word)? >> shift & KILLS {
            NONE => Some(Poison::None),
            FAILS => Some(Poison::Fails),
            KILLS => Some(Poison::Kills),
            _ => None,
        }
    }

    /// Decides it, once.
    #[inline]
    pub(super) fn decide(&mut self, message: MessageId, poison: Poison) {
        let (word, shift) = place(message);
        if word >= self.0.len() {
            self.grow(word);
        }
        let bits = match poison {
            Poison::None => NONE,
            Poison::Fails => FAILS,
            Poison::Kills => KILLS,
        };
        self.0[word] |= bits << shift;
    }

    #[cold]
    fn grow(&mut self, word: usize) {
        self.0.resize(word + 1, 0);
    }

    /// Nothing is decided.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// What is decided, as words.
    pub(super) fn words(&self) -> impl Iterator<Item = u64> {
        self.0.iter().copied()
    }
}

/// The word of a message, and how far its bits are from the end of it.
fn place(message: MessageId) -> (usize, usize) {
    (message.index() / 32, 2 * (message.index() % 32))
}
