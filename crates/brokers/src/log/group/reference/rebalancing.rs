//! Who belongs to the group, and what a rebalance makes of it.

use super::*;

impl Naive {
    pub(super) fn join(&mut self, from: ClientId, has: u32) -> Option<Answer> {
        self.take_the_place_of_another_life(from);
        if self.find(from).is_none() {
            if has != 0 || self.fences(from) {
                return Some(refused(Refusal::UnknownMember));
            }
            self.admit(from);
        } else {
            self.join_again(from, has);
        }
        self.end_rebalance_if_complete();
        (self.state == State::Stable).then(|| self.joined(from))
    }

    fn joined(&self, from: ClientId) -> Answer {
        let at = self.find(from).expect("a member");
        let assigned = self.members[at].assigned().iter().map(|partition| {
            let at = usize::from(*partition);
            (*partition, self.committed[at], self.ends[at])
        });
        Answer::Joined(self.generation, assigned.collect())
    }

    fn admit(&mut self, client: ClientId) {
        let delay = self.settings.initial_rebalance_delay;
        match self.state {
            State::Empty => {
                let (until, collects) = (self.now + delay, delay > Duration::ZERO);
                self.state = State::Preparing { until, collects };
            }
            State::Preparing { .. } => {}
            State::Stable => self.rebalance(),
        }
        if !self.slips(Slip::ExpiryIgnoresMembers) {
            self.empty_since = None;
        }
        let silent_since = self.silent.contains(&client).then_some(self.now);
        let (given, acts_on) = (Vec::new(), 0);
        self.members.push(Member { client, waits: true, silent_since, given, acts_on });
    }

    fn join_again(&mut self, client: ClientId, has: u32) {
        let at = self.find(client).expect("a member");
        let generation = if self.slips(Slip::OldJoinsGiveUp) { self.generation } else { has };
        self.members[at].takes_over(generation);
        if self.is_anything_free() || self.slips(Slip::RejoinsRebalance) {
            self.rebalance();
        }
        self.members[at].waits = self.state != State::Stable;
    }

    /// Whether there is a partition that nobody has.
    fn is_anything_free(&self) -> bool {
        let count = self.ends.len() as u16;
        let is_held = |partition| self.members.iter().any(|one| one.held().contains(&partition));
        (0..count).any(|partition| !is_held(partition))
    }

    /// With static membership a process is one member in all of its lives, and the life that joined
    /// last is the member: it fences the one before.
    fn take_the_place_of_another_life(&mut self, client: ClientId) {
        let wrong = [Slip::NextLivesAreStrangers, Slip::NewcomersAreFenced];
        if !self.settings.static_membership || wrong.iter().any(|slip| self.slips(*slip)) {
            return;
        }
        let is_other = |one: &Member| one.client.process == client.process && one.client != client;
        let Some(at) = self.members.iter().position(is_other) else { return };
        let silent_since = self.silent.contains(&client).then_some(self.now);
        self.cancel_joins(self.members[at].client);
        let member = &mut self.members[at];
        member.client = client;
        member.waits = false;
        member.silent_since = silent_since;
        member.acts_on = member.given.last().map_or(0, |given| given.generation);
    }

    /// Whether a life is refused because another one is a member.
    fn fences(&self, client: ClientId) -> bool {
        let is_life = |one: &Member| one.client.process == client.process;
        self.slips(Slip::NewcomersAreFenced)
            && self.settings.static_membership
            && self.members.iter().any(is_life)
    }

    /// What a client asked for that is no member any more is refused, and does not make it one.
    fn cancel_joins(&mut self, of: ClientId) {
        for (from, ask) in &mut self.parked {
            if *from == of && matches!(ask, Ask::Join { .. }) {
                *ask = Ask::Cancelled;
            }
        }
    }

    pub(super) fn leave(&mut self, client: ClientId) -> Answer {
        let Some(at) = self.find(client) else { return refused(Refusal::UnknownMember) };
        self.cancel_joins(client);
        self.members.remove(at);
        self.rebalance();
        self.end_rebalance_if_complete();
        Answer::Left
    }

    /// Begins a rebalance of a stable group; of another one that is nothing.
    pub(super) fn rebalance(&mut self) {
        if self.state == State::Stable {
            let until = self.now + self.settings.rebalance_timeout;
            self.state = State::Preparing { until, collects: false };
        }
    }

    fn end_rebalance_if_complete(&mut self) {
        let State::Preparing { collects, .. } = self.state else { return };
        let all_wait = self.members.iter().all(|member| member.waits);
        if self.members.is_empty() || all_wait && !collects {
            self.end_rebalance();
        }
    }

    pub(super) fn end_rebalance_in_time(&mut self) {
        let State::Preparing { until, .. } = self.state else { return };
        if until <= self.now {
            self.end_rebalance();
        }
    }

    /// Removes the members that have not joined, and shares the partitions out.
    fn end_rebalance(&mut self) {
        if !self.slips(Slip::LaggardsStay) {
            self.members.retain(|member| member.waits);
        }
        self.generation += 1;
        self.state = State::Stable;
        if self.members.is_empty() {
            self.state = State::Empty;
            self.empty_since = Some(self.now);
            return;
        }
        self.members.sort_by_key(|member| member.client);
        self.deal();
        for member in &mut self.members {
            member.waits = false;
            let is_silent = self.silent.contains(&member.client);
            member.silent_since = is_silent.then_some(self.now);
        }
    }

    fn deal(&mut self) {
        let held: Vec<Vec<u16>> = self.members.iter().map(Member::held).collect();
        let count = self.ends.len() as u16;
        let owners = if self.slips(Slip::StickyMovesNeedlessly) {
            dealing::in_ranges(count, held.len())
        } else {
            dealing::dealt(self.settings.assignor, count, &held)
        };
        let waits_for_others = self.is_cooperative() && !self.slips(Slip::MovesInOneRound);
        let generation = self.generation;
        for (at, member) in self.members.iter_mut().enumerate() {
            let others = || held.iter().enumerate().filter(|(other, _)| *other != at);
            let is_free = |partition: &u16| !others().any(|(_, held)| held.contains(partition));
            let of_member = (0..count).zip(&owners).filter(|(_, owner)| **owner == at);
            let target = of_member.map(|(partition, _)| partition);
            let given = target.filter(|partition| !waits_for_others || is_free(partition));
            let partitions: Vec<u16> = given.collect();
            let mut asked = held[at].clone();
            asked.retain(|partition| !partitions.contains(partition));
            member.given.push(Given { generation, partitions, asked });
            if !waits_for_others {
                member.acts_on = generation;
            }
        }
    }

    pub(super) fn expire_sessions(&mut self) {
        let span = self.settings.session_timeout;
        let late = if self.slips(Slip::SessionsEndLate) { SECOND } else { Duration::ZERO };
        let waits_on = !self.slips(Slip::WaitingJoinsTimeOut);
        let is_over = |member: &Member| {
            let since = member.silent_since.filter(|_| !(member.waits && waits_on));
            since.is_some_and(|since| since + span + late <= self.now)
        };
        let gone = self.members.iter().filter(|member| is_over(member));
        let mut gone: Vec<ClientId> = gone.map(|member| member.client).collect();
        gone.sort_unstable();
        if gone.is_empty() {
            return;
        }
        self.members.retain(|member| !gone.contains(&member.client));
        let expired = gone.into_iter().map(|client| Happened::SessionExpired(client.process));
        self.happened.extend(expired);
        self.rebalance();
        self.end_rebalance_if_complete();
    }
}
