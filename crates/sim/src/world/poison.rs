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

/// Three bits a message: whether it is decided, whether it is poison, and whether it kills.
#[derive(Clone, Default)]
pub(super) struct PoisonTable {
    decided: Vec<u64>,
    poison: Vec<u64>,
    kills: Vec<u64>,
}

impl PoisonTable {
    /// Which poison a message is, if that is decided.
    pub(super) fn get(&self, message: MessageId) -> Option<Poison> {
        let (word, bit) = place(message);
        let decided = self.decided.get(word)? & bit != 0;
        decided.then(|| match self.poison[word] & bit {
            0 => Poison::None,
            _ if self.kills.get(word).is_some_and(|kills| kills & bit != 0) => Poison::Kills,
            _ => Poison::Fails,
        })
    }

    /// Decides it.
    pub(super) fn decide(&mut self, message: MessageId, poison: Poison) {
        let (word, bit) = place(message);
        if word >= self.decided.len() {
            self.decided.resize(word + 1, 0);
            self.poison.resize(word + 1, 0);
        }
        self.decided[word] |= bit;
        if poison != Poison::None {
            self.poison[word] |= bit;
        }
        if poison == Poison::Kills {
            self.kills.resize(self.kills.len().max(word + 1), 0);
            self.kills[word] |= bit;
        }
    }

    /// Nothing is decided.
    pub(super) fn clear(&mut self) {
        let Self { decided, poison, kills } = self;
        decided.clear();
        poison.clear();
        kills.clear();
    }

    /// What is decided, as words.
    pub(super) fn words(&self) -> impl Iterator<Item = u64> {
        self.decided.iter().chain(&self.poison).chain(&self.kills).copied()
    }
}

fn place(message: MessageId) -> (usize, u64) {
    (message.index() / 64, 1 << (message.index() % 64))
}
