//! The steps of a rebalance: it begins, waits for the members, and shares the partitions out.
//!
//! > **The rule.** A partition has one owner. In an eager rebalance nobody owns anything when it is
//! > shared out. In a cooperative one (KIP-429) members keep what they have: what is to move is
//! > taken from its owner in a first rebalance, and given to the next owner in a second one, which
//! > begins when the first owner joins again and so says that it has given it up.

use std::mem;

use entrega_model::Instant;

use super::{Group, Member, RebalanceProtocol, State};

impl Group {
    /// Begins a rebalance unless one is going on.
    pub(super) fn prepare_rebalance(&mut self, now: Instant) {
        let (span, initial) = match self.state {
            State::PreparingRebalance { .. } => return,
            State::Empty => (self.timeouts.initial_delay, true),
            State::Stable => (self.timeouts.rebalance, false),
        };
        self.empty_since = None;
        self.state = State::PreparingRebalance { deadline: now + span, initial };
        self.changed = true;
    }

    /// Members have been removed: their requests are to be refused, and the others rebalance.
    pub(super) fn rebalance_without_the_lost(&mut self, now: Instant) {
        self.prepare_rebalance(now);
        self.complete_rebalance_if_ready(now);
        self.changed = true;
    }

    /// Ends the rebalance if all members have joined, none is left, or the deadline has passed.
    pub(super) fn complete_rebalance_if_ready(&mut self, now: Instant) {
        let State::PreparingRebalance { deadline, initial } = self.state else { return };
        let all_joined = self.members.iter().all(|member| member.join_waiting);
        if now >= deadline || self.members.is_empty() || (all_joined && !initial) {
            self.complete_rebalance(now);
        }
    }

    /// Removes the members that have not joined, and assigns the partitions under the next
    /// generation. The generation grows even if no member is left.
    fn complete_rebalance(&mut self, now: Instant) {
        self.members.retain(|member| member.join_waiting);
        self.generation.0 = self.generation.0.saturating_add(1);
        self.state = if self.members.is_empty() { State::Empty } else { State::Stable };
        self.empty_since = self.members.is_empty().then_some(now);
        self.changed = true;
        self.shared_out = self.committed.len() as u16;
        match self.protocol {
            RebalanceProtocol::Eager => {
                self.assignor.share_out(self.shared_out, &mut self.members);
            }
            RebalanceProtocol::Cooperative => self.share_out_what_is_free(),
        }
        for member in &mut self.members {
            member.join_waiting = false;
            if let Some(deadline) = &mut member.session_deadline {
                *deadline = now + self.timeouts.session;
            }
        }
    }

    /// Gives every member what it is to have, except what another one still owns.
    fn share_out_what_is_free(&mut self) {
        let asked: Vec<Vec<u16>> =
            self.members.iter_mut().map(|member| mem::take(&mut member.giving_up)).collect();
        let owned: Vec<Vec<u16>> =
            self.members.iter_mut().zip(&asked).map(|(one, asked)| one.take_back(asked)).collect();
        self.assignor.share_out(self.shared_out, &mut self.members);
        let is_owned = |partition: &u16| owned.iter().any(|one| one.contains(partition));
        for ((member, had), asked) in self.members.iter_mut().zip(&owned).zip(&asked) {
            let lost = had.iter().filter(|partition| !member.assigned.contains(partition));
            member.giving_up = lost.copied().collect();
            if member.giving_up != *asked {
                member.asked_under = self.generation;
            }
            member.assigned.retain(|partition| had.contains(partition) || !is_owned(partition));
        }
    }
}

impl Member {
    /// Everything that it owns: also what it was asked to give up. All of it is assigned for now.
    fn take_back(&mut self, asked: &[u16]) -> Vec<u16> {
        self.assigned.extend(asked);
        self.assigned.sort_unstable();
        self.assigned.clone()
    }
}
