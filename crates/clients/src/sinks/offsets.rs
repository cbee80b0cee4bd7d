//! How far the consumers of a log have come, as a table of a database.
//!
//! > **The rule.** `update progress set offset = o + 1 where offset = o`. A partition begins
//! > without a row, and the first one may stand anywhere.

use entrega_model::PartitionId;
use entrega_model::log::Offset;

/// The stored offset of each partition.
#[derive(Clone, Debug, Default)]
pub(super) struct StoredOffsets(Vec<Option<Offset>>);

impl StoredOffsets {
    /// Where the consumer of a partition goes on; none if nothing is stored.
    pub(super) fn of(&self, partition: PartitionId) -> Option<Offset> {
        self.0.get(usize::from(partition.0)).copied().flatten()
    }

    /// Stores the progress past `offset` if it stands there, or nowhere. Returns whether it did.
    pub(super) fn advance(&mut self, partition: PartitionId, offset: Offset) -> bool {
        let stands = self.of(partition).is_none_or(|stored| stored == offset);
        if stands {
            self.overwrite(partition, offset);
        }
        stands
    }

    /// Stores the progress past `offset`, whatever was there.
    pub(super) fn overwrite(&mut self, partition: PartitionId, offset: Offset) {
        let row = usize::from(partition.0);
        if row >= self.0.len() {
            self.0.resize(row + 1, None);
        }
        self.0[row] = Some(offset + 1);
    }

    /// By partition.
    pub(super) fn all(&self) -> &[Option<Offset>] {
        &self.0
    }
}
