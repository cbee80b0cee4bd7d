//! Which messages are poison to a subscription: decided once, when one is first processed.

use entrega_model::MessageId;

/// Two bits a message: whether it is decided, and whether it is poison.
#[derive(Clone, Default)]
pub(super) struct PoisonTable {
    decided: Vec<u64>,
    poison: Vec<u64>,
}

impl PoisonTable {
    /// Whether a message is poison, if that is decided.
    pub(super) fn get(&self, message: MessageId) -> Option<bool> {
        let (word, bit) = place(message);
        let decided = self.decided.get(word)? & bit != 0;
        decided.then(|| self.poison[word] & bit != 0)
    }

    /// Decides it.
    pub(super) fn decide(&mut self, message: MessageId, poison: bool) {
        let (word, bit) = place(message);
        if word >= self.decided.len() {
            self.decided.resize(word + 1, 0);
            self.poison.resize(word + 1, 0);
        }
        self.decided[word] |= bit;
        if poison {
            self.poison[word] |= bit;
        }
    }

    /// Nothing is decided.
    pub(super) fn clear(&mut self) {
        let Self { decided, poison } = self;
        decided.clear();
        poison.clear();
    }

    /// What is decided, as words.
    pub(super) fn words(&self) -> impl Iterator<Item = u64> {
        self.decided.iter().chain(&self.poison).copied()
    }
}

fn place(message: MessageId) -> (usize, u64) {
    (message.index() / 64, 1 << (message.index() % 64))
}
