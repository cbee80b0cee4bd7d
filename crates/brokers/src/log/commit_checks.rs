//! Checks that a commit can be put through beyond Kafka's own.
//!
//! > **The rule.** A commit of a member passes only if every offset in it does, and one that is
//! > refused changes nothing. Kafka checks member and generation alone: a live member may commit
//! > for a partition that it does not own, and any commit may move the offset backwards.
//!
//! Both holes are open by default, because real incidents come through them. Who closes them
//! should know what they are good for: an operator resets a group by moving its offsets back. A
//! group without members is therefore exempt, as it is from the check of the generation.
//!
//! Source: [KAFKA-SRC] `ClassicGroup.validateOffsetCommit`; `semantics.md` 3.1.

use entrega_model::ClientId;
use entrega_model::log::{PartitionOffset, Refusal};

use super::group::{Group, State};

/// Which checks a commit of a member has to pass, in addition to the one of its generation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CommitChecks {
    /// The member owns the partition.
    pub ownership: bool,
    /// The offset is not lower than the one that is committed.
    pub forward: bool,
}

impl CommitChecks {
    /// Whether there is anything to check.
    #[inline]
    pub(super) fn any(self) -> bool {
        self.ownership || self.forward
    }

    /// Whether `group` takes these offsets, of partitions that exist, from a member that may
    /// commit.
    #[cold]
    pub(super) fn check(
        self,
        group: &Group,
        from: ClientId,
        offsets: &[PartitionOffset],
    ) -> Result<(), Refusal> {
        if group.state == State::Empty {
            return Ok(());
        }
        if self.ownership && !offsets.iter().all(|offset| group.owns(from, offset.partition)) {
            return Err(Refusal::NotOwner);
        }
        let goes_back = |offset: &PartitionOffset| {
            group.committed(offset.partition).is_some_and(|committed| offset.offset < committed)
        };
        if self.forward && offsets.iter().any(goes_back) {
            return Err(Refusal::BackwardCommit);
        }
        Ok(())
    }
}
