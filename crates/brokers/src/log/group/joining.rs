//! A member joins: for the first time, again, or in the place of an earlier life.

use std::mem;

use entrega_model::{ClientId, Generation, Instant};

use super::{Group, Joining, Member, State};

impl Group {
    /// `client` joins, or its waiting Join is offered again. It acts on the assignment `has`
    /// meanwhile. `heard` says whether it sends heartbeats.
    pub(in crate::log) fn join(
        &mut self,
        now: Instant,
        client: ClientId,
        has: Generation,
        heard: bool,
    ) -> Joining {
        if let Some(index) = self.cancelled.iter().position(|cancelled| *cancelled == client) {
            self.cancelled.swap_remove(index);
            return Joining::Cancelled;
        }
        if self.is_static {
            self.take_place(now, client, heard);
        }
        match self.find(client) {
            Ok(index) => self.join_again(now, index, has),
            Err(_) if has != Generation(0) => return Joining::Cancelled,
            Err(index) => {
                let session_deadline = (!heard).then(|| now + self.timeouts.session);
                self.members.insert(index, Member::joining(client, session_deadline));
                self.prepare_rebalance(now);
            }
        }
        self.complete_rebalance_if_ready(now);
        match self.find(client) {
            Ok(index) if self.state == State::Stable => {
                Joining::Done(self.generation, self.members[index].assigned.clone())
            }
            _ => Joining::Waits,
        }
    }

    /// A member that has taken over the assignment that asked for it has given up what it was to.
    /// In a stable group that, or a partition that nobody has yet, begins a rebalance; else there
    /// is nothing new.
    fn join_again(&mut self, now: Instant, index: usize, has: Generation) {
        let (is_stable, is_outgrown) = (self.state == State::Stable, self.is_outgrown());
        let member = &mut self.members[index];
        let gave_up = has >= member.asked_under && !member.giving_up.is_empty();
        if gave_up {
            member.giving_up.clear();
        }
        if !is_stable || is_outgrown || gave_up {
            member.join_waiting = true;
            self.prepare_rebalance(now);
        }
    }

    /// Another life of a process takes the place of the one that is a member, whichever of them is
    /// older: the broker sees only that the instance joins again [KAFKA-SRC,
    /// `updateStaticMemberAndRebalance`]. It has nothing to give up; what the earlier life was to
    /// give up is shared out anew. A Join of the earlier one that waits is refused: offered again,
    /// it would take the place back, and so on without end.
    #[cold]
    fn take_place(&mut self, now: Instant, client: ClientId, heard: bool) {
        let is_instance = |member: &&mut Member| member.client.process == client.process;
        let Some(member) = self.members.iter_mut().find(is_instance) else { return };
        if member.client == client {
            return;
        }
        let replaced = mem::replace(&mut member.client, client);
        if mem::take(&mut member.join_waiting) {
            self.cancelled.push(replaced);
        }
        member.session_deadline = (!heard).then(|| now + self.timeouts.session);
        let left_over = !member.giving_up.is_empty();
        member.giving_up.clear();
        self.changed = true;
        if left_over {
            self.prepare_rebalance(now);
        }
    }
}
