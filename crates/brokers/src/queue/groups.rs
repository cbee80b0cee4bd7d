//! Message groups: the messages of one key, one at a time.
//!
//! > **The rule.** While a message of a key is in flight, or waits to be redelivered, no other one
//! > of that key is delivered; other keys go on. So the order of a key survives a redelivery, and a
//! > message that is stuck blocks its key alone [SQS others, FIFO].
//!
//! What is found at the head of the line while its key is locked is *held* here, in its order, and
//! returns to its place when its turn comes: each message is moved twice at most, however many
//! there are. An SQS FIFO queue may put several messages of one group into one batch; here a
//! receive gets one of each.

use std::collections::{BTreeMap, VecDeque};

use entrega_model::Key;

use super::ready::Stored;

/// The keys that have a message in flight, or some that wait for their turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    by_key: BTreeMap<Key, Group>,
}

#[derive(Clone, Debug, Default)]
struct Group {
    /// Names the message whose turn it is.
    turn: u64,
    /// Whether it is in flight, or waits to be redelivered.
    is_locked: bool,
    held: VecDeque<Stored>,
}

impl Groups {
    /// Holds a message back if its key is locked.
    pub(super) fn hold(&mut self, stored: Stored) -> bool {
        let group = self.by_key.get_mut(&stored.record.key).filter(|group| group.is_locked);
        let Some(group) = group else { return false };
        group.held.push_back(stored);
        true
    }

    /// This message is in flight from now on.
    pub(super) fn lock(&mut self, stored: &Stored) {
        let group = self.by_key.entry(stored.record.key).or_default();
        (group.turn, group.is_locked) = (stored.sequence, true);
    }

    /// This message is in line again.
    pub(super) fn unlock(&mut self, stored: &Stored) {
        let key = stored.record.key;
        let is_its_turn = |group: &&mut Group| group.turn == stored.sequence;
        if let Some(group) = self.by_key.get_mut(&key).filter(is_its_turn) {
            group.is_locked = false;
            if group.held.is_empty() {
                self.by_key.remove(&key);
            }
        }
    }

    /// This message is finished. Returns the next one of its key, if it was its turn and one is
    /// held.
    pub(super) fn finish(&mut self, stored: &Stored) -> Option<Stored> {
        let key = stored.record.key;
        let is_its_turn = |group: &&mut Group| group.turn == stored.sequence;
        let group = self.by_key.get_mut(&key).filter(is_its_turn)?;
        let Some(next) = group.held.pop_front() else {
            self.by_key.remove(&key);
            return None;
        };
        (group.turn, group.is_locked) = (next.sequence, false);
        Some(next)
    }

    /// Takes out what is held and is such a one.
    pub(super) fn take_if(&mut self, is_it: impl Fn(&Stored) -> bool) -> Vec<Stored> {
        let mut taken = Vec::new();
        for group in self.by_key.values_mut() {
            taken.extend(group.held.iter().filter(|stored| is_it(stored)));
            group.held.retain(|stored| !is_it(stored));
        }
        self.by_key.retain(|_, group| group.is_locked || !group.held.is_empty());
        taken
    }

    /// All that is held.
    pub(super) fn held(&self) -> impl Iterator<Item = &Stored> {
        self.by_key.values().flat_map(|group| &group.held)
    }

    /// Each key with the message whose turn it is, and whether that locks it.
    pub(super) fn turns(&self) -> impl Iterator<Item = (Key, u64, bool)> {
        self.by_key.iter().map(|(key, group)| (*key, group.turn, group.is_locked))
    }

    /// No key is locked any more; returns what was held.
    pub(super) fn unlock_all(&mut self) -> Vec<Stored> {
        let held = self.held().copied().collect();
        self.by_key.clear();
        held
    }

    pub(super) fn clear(&mut self) {
        let Self { by_key } = self;
        by_key.clear();
    }
}
