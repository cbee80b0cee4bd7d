//! Which commits are accepted, naively: every rule is asked of every offset, in words.

use super::*;

impl Naive {
    pub(super) fn commit(
        &mut self,
        from: ClientId,
        generation: u32,
        offsets: &[(u16, Offset)],
    ) -> Answer {
        let allowed = self.may_commit(from, generation);
        let allowed = allowed.and_then(|()| self.may_record(from, offsets));
        if let Err(refusal) = allowed {
            if self.slips(Slip::RefusedCommitsCountInPart)
                && let [first, _] = offsets
                && self.may_commit(from, generation).is_ok()
                && self.may_record(from, &[*first]).is_ok()
            {
                self.record(from, &[*first]);
            }
            return refused(refusal);
        }
        self.record(from, offsets);
        Answer::Committed
    }

    /// Whether somebody may commit at all.
    fn may_commit(&self, from: ClientId, generation: u32) -> Result<(), Refusal> {
        let is_tool = generation == 0;
        if is_tool && (self.members.is_empty() || self.slips(Slip::ToolsCommitAnyTime)) {
            return Ok(());
        }
        if !self.is_member(from) && !self.slips(Slip::StrangersCommit) {
            return Err(Refusal::UnknownMember);
        }
        let is_present = generation == self.generation && !is_tool;
        if !is_present && !self.slips(Slip::OldGenerationsCommit) {
            return Err(Refusal::IllegalGeneration);
        }
        let waits = self.slips(Slip::CommitsWaitForTheRebalance) && self.state != State::Stable;
        if waits { Err(Refusal::RebalanceInProgress) } else { Ok(()) }
    }

    /// Whether these offsets may be recorded.
    fn may_record(&self, from: ClientId, offsets: &[(u16, Offset)]) -> Result<(), Refusal> {
        if offsets.iter().any(|(partition, _)| usize::from(*partition) >= self.ends.len()) {
            return Err(Refusal::UnknownPartition);
        }
        if self.members.is_empty() {
            return Ok(());
        }
        let checks = self.settings.commit_checks;
        if checks.ownership && !offsets.iter().all(|(partition, _)| self.owns(from, *partition)) {
            return Err(Refusal::NotOwner);
        }
        let is_back = offsets.iter().any(|(partition, offset)| self.goes_back(*partition, *offset));
        if checks.forward && is_back { Err(Refusal::BackwardCommit) } else { Ok(()) }
    }

    fn owns(&self, from: ClientId, partition: u16) -> bool {
        let Some(at) = self.find(from) else { return false };
        let member = &self.members[at];
        let gone = self.slips(Slip::OwnershipEndsWithTheRejoin) && member.waits;
        self.slips(Slip::OwnershipIsNotAsked) || !gone && member.held().contains(&partition)
    }

    fn goes_back(&self, partition: u16, offset: Offset) -> bool {
        let committed = self.committed[usize::from(partition)];
        committed.is_some_and(|committed| offset < committed)
            && !self.slips(Slip::BackwardIsForward)
    }

    fn record(&mut self, from: ClientId, offsets: &[(u16, Offset)]) {
        let is_gone = self.members.is_empty() && self.committed.iter().all(Option::is_none);
        if is_gone && !self.slips(Slip::SpansAreNotBegunAnew) {
            self.empty_since = Some(self.now);
        }
        for (partition, upto) in offsets.iter().copied() {
            let committed = &mut self.committed[usize::from(partition)];
            let previous = committed.replace(upto).unwrap_or_default();
            let by = from.process;
            self.happened.push(Happened::Committed { by, partition, upto, previous });
        }
    }
}
