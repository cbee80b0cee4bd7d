//! What a log does when time comes that far: it adds partitions, deletes segments, and forgets the
//! offsets of groups that are empty for too long.
//!
//! > **The rule.** Nobody waits for housekeeping: it is done when time passes for another reason.
//!
//! Source: `semantics.md` 3.1 and 3.5; the modules `retention` and `growth` have the rules.

use entrega_model::event::RemoveReason;
use entrega_model::{Event, Instant, Kind, PartitionId};

use super::transactions::is_marker;
use super::{LogBroker, earliest, is_due};

impl LogBroker {
    /// After an append: a partition that has become too large is due at the next check. By age
    /// nothing is due earlier than what was appended before, so one look at the first record is
    /// enough.
    pub(super) fn watch_retention(&mut self, now: Instant, id: PartitionId) {
        let partition = &self.partitions[id.index()];
        self.retention_check = earliest(self.retention_check, self.retention.due(now, partition));
        self.note_housekeeping();
    }

    /// Adds partitions, deletes segments, and forgets the offsets of groups that are empty for too
    /// long.
    pub(super) fn keep_house(&mut self, now: Instant, ground_truth: &mut Vec<Event>) {
        if is_due(self.growth.due(), now) {
            self.add_partitions();
        }
        if is_due(self.offsets_expire, now) {
            self.groups.iter_mut().for_each(|group| group.expire_offsets(now));
        }
        if is_due(self.retention_check, now) {
            self.apply_retention(now, ground_truth);
        }
        self.note_groups();
        self.note_housekeeping();
    }

    pub(super) fn note_housekeeping(&mut self) {
        let added = self.growth.due();
        self.housekeeping = earliest(earliest(self.retention_check, self.offsets_expire), added);
    }

    fn apply_retention(&mut self, now: Instant, ground_truth: &mut Vec<Event>) {
        self.retention_check = None;
        for partition in &mut self.partitions {
            while self.retention.deletes_oldest(now, partition) {
                let Some(segment) = partition.remove_oldest_segment() else { break };
                let records = segment.records.iter().filter(|record| !is_marker(record));
                ground_truth.extend(records.map(|record| Event {
                    at: now,
                    kind: Kind::Removed {
                        message: record.message,
                        subscription: None,
                        reason: RemoveReason::Retention,
                    },
                }));
                self.changed = true;
            }
            let due = self.retention.due(now, partition);
            self.retention_check = earliest(self.retention_check, due);
        }
    }
}
