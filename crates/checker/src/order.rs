//! Order within one key and one producer.
//!
//! > **The rule** (semantics.md 5.5). m is *reordered* if some m2 with m ≺ m2 had its first effect
//! > before m had; *replayed* if m had an effect again after one of such an m2; stored *inverted*
//! > if such an m2 was stored before it in the same partition.
//!
//! Since m ≺ m2 depends on the id of m2 alone ([`crate::sends`]), the highest id seen so far
//! decides: if any m2 counts, that one does. A few bytes for each chain are enough.
//!
//! Where the order of a program is promised, m may be acknowledged after all that. What would count
//! then waits for the acknowledgement.

use std::collections::BTreeMap;

use entrega_model::{Fingerprint, MessageId, PartitionId};

use crate::Order;
use crate::sends::Send;

/// How far each chain has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyOrder {
    fronts: Vec<Front>,
    pub(crate) found: Order,
    program_order: bool,
    /// What counts of a message once it is acknowledged.
    waiting: BTreeMap<MessageId, Waiting>,
}

/// What is out of order about a message of which its producer does not know that it is stored.
#[derive(Clone, Copy, Debug, Default)]
struct Waiting {
    reordered: bool,
    replayed: bool,
    inversions: u64,
}

/// The highest ids of one chain.
#[derive(Clone, Copy, Debug, Default)]
struct Front {
    /// With an effect.
    effect: Option<u32>,
    /// Stored, in the partition that was used last.
    stored: Option<(PartitionId, u32)>,
}

impl KeyOrder {
    /// Nothing was seen; whether the order of a producer's program is promised.
    pub(crate) fn new(program_order: bool) -> Self {
        Self { program_order, ..Self::default() }
    }

    pub(crate) fn clear(&mut self) {
        let Self { fronts, found, program_order: _, waiting } = self;
        fronts.clear();
        *found = Order::default();
        waiting.clear();
    }

    /// A message was acknowledged: what was out of order about it counts. Returns whether it was
    /// replayed.
    pub(crate) fn acknowledged(&mut self, message: MessageId) -> bool {
        let waiting = self.waiting.remove(&message).unwrap_or_default();
        self.found.write_inversions += waiting.inversions;
        if waiting.reordered {
            self.reordered(message);
        }
        if waiting.replayed {
            self.replayed(message);
        }
        waiting.replayed
    }

    /// What waits for an acknowledgement of a message, if it would come after the one with id
    /// `other` then.
    #[inline(always)]
    fn waiting(&mut self, message: MessageId, send: &Send, other: u32) -> Option<&mut Waiting> {
        let waits = self.program_order && !send.is_acknowledged() && other > message.0;
        waits.then(|| self.waits(message))
    }

    #[cold]
    fn waits(&mut self, message: MessageId) -> &mut Waiting {
        self.waiting.entry(message).or_default()
    }

    /// A message was stored in a log.
    #[inline]
    pub(crate) fn stored(&mut self, message: MessageId, send: &Send, partition: PartitionId) {
        let front = self.front(send);
        let Some((last, highest)) = front.stored.filter(|(last, _)| *last == partition) else {
            front.stored = Some((partition, message.0));
            return;
        };
        front.stored = Some((last, highest.max(message.0)));
        if send.precedes(highest) {
            self.found.write_inversions += 1;
        } else if let Some(waiting) = self.waiting(message, send, highest) {
            waiting.inversions += 1;
        }
    }

    /// A message had its first effect.
    #[inline]
    pub(crate) fn first_effect(&mut self, message: MessageId, send: &Send) {
        let front = self.front(send);
        let Some(highest) = front.effect else {
            front.effect = Some(message.0);
            return;
        };
        front.effect = Some(highest.max(message.0));
        self.found.adjacent_pairs += 1;
        if send.precedes(highest) {
            self.reordered(message);
        } else if let Some(waiting) = self.waiting(message, send, highest) {
            waiting.reordered = true;
        }
    }

    #[cold]
    fn reordered(&mut self, message: MessageId) {
        self.found.reordered += 1;
        lower(&mut self.found.reordered_example, message);
    }

    /// A message had an effect again. Returns whether a later one had had its effect in between or
    /// before.
    #[inline]
    pub(crate) fn is_replay(&mut self, message: MessageId, send: &Send) -> bool {
        let Some(highest) = self.front(send).effect else { return false };
        if let Some(waiting) = self.waiting(message, send, highest) {
            waiting.replayed = true;
        }
        send.precedes(highest)
    }

    /// Enters what waits for acknowledgements.
    pub(crate) fn enter_waiting(&self, into: &mut Fingerprint<'_>) {
        into.count(self.waiting.len());
        for (message, Waiting { reordered, replayed, inversions: _ }) in &self.waiting {
            into.word(message.0.into());
            into.flags([*reordered, *replayed]);
        }
    }

    /// The highest id with an effect in each chain that has one.
    pub(crate) fn effect_fronts(&self) -> impl Iterator<Item = (usize, u32)> {
        let fronts = self.fronts.iter().enumerate();
        fronts.filter_map(|(chain, front)| Some((chain, front.effect?)))
    }

    /// Counts a replayed message.
    pub(crate) fn replayed(&mut self, message: MessageId) {
        self.found.replayed += 1;
        lower(&mut self.found.replayed_example, message);
    }

    #[inline]
    fn front(&mut self, send: &Send) -> &mut Front {
        let chain = send.chain();
        if chain >= self.fronts.len() {
            self.reach(chain);
        }
        &mut self.fronts[chain]
    }

    #[cold]
    fn reach(&mut self, chain: usize) {
        self.fronts.resize(chain + 1, Front::default());
    }
}

/// Keeps the lower id.
fn lower(example: &mut Option<MessageId>, message: MessageId) {
    *example = Some(example.map_or(message, |known| known.min(message)));
}
