//! A consumer group: who its members are, under which generation, and how far the group has come.
//!
//! > **The rule.** Every rebalance ends an assignment and begins the next one under a higher
//! > generation. A fetch or commit under an older generation is refused, and so is one of a client
//! > that is no member. Nothing else is checked: neither who owns the partition nor whether the
//! > offset grows.
//!
//! ```text
//!              first Join                      every member has a Join waiting,
//!                                              or the deadline has passed
//!    ┌───────┐ ───────────▶ ┌────────────────────┐ ───────────▶ ┌────────┐
//!    │ Empty │              │ PreparingRebalance │              │ Stable │
//!    └───────┘ ◀─────────── └────────────────────┘ ◀─────────── └────────┘
//!              nobody is left                      a new Join, a Leave,
//!                                                  an expired session
//! ```
//!
//! This is the classic protocol, rebalancing eagerly: every member gives up everything and joins
//! again [KAFKA-SRC, `GroupCoordinator`, `ClassicGroup`]. A member learns of a rebalance from the
//! answer to its next fetch, may still commit what it has finished (the generation is the current
//! one until the rebalance ends), and joins. Members that have not joined when the rebalance
//! deadline passes are removed.
//!
//! Two holes of the original are kept, since they explain real incidents: a live member commits for
//! a partition that it does not own, and any commit may move the offset backwards.
//!
//! Sessions follow Kafka too: a member whose Join waits is not timed out, and once the rebalance
//! ends its session begins anew.
//!
//! # Simplifications
//!
//! * The coordinator deals the partitions itself; Kafka asks the first member to and needs one more
//!   round (`SyncGroup`, state `CompletingRebalance`).
//! * A Join of a member of a stable group returns its present assignment. In Kafka that is true of
//!   a follower; the group's leader would start a rebalance. A duplicated Join must not do that
//!   here.
//! * A Join whose connection ended counts no longer, so the rebalance waits for that member's
//!   session to time out. In Kafka it still counts and the session is timed out after the
//!   rebalance.

use std::ops::Range;

use entrega_model::log::{Offset, Refusal};
use entrega_model::{
    ClientId, Duration, Event, Generation, Instant, Kind, PartitionId, SubscriptionId,
};

use super::{LogSettings, assignor};

/// One group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    timeouts: Timeouts,
    pub(super) state: State,
    generation: Generation,
    /// Sorted by client.
    pub(super) members: Vec<Member>,
    /// Clients that left while a Join of theirs was waiting: that Join is refused, not taken for
    /// new.
    pub(super) cancelled: Vec<ClientId>,
    /// For each partition the next offset to process after a restart.
    pub(super) committed: Vec<Option<Offset>>,
    pub(super) changed: bool,
}

/// The spans that a group waits.
#[derive(Clone, Copy, Debug)]
struct Timeouts {
    session: Duration,
    rebalance: Duration,
    initial_delay: Duration,
}

/// Where the group stands in the picture above. It is empty exactly when it has no members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Empty,
    /// `initial` waits for its deadline even if everybody is there.
    PreparingRebalance {
        deadline: Instant,
        initial: bool,
    },
    Stable,
}

/// One member.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) client: ClientId,
    pub(super) join_waiting: bool,
    /// The numbers of its partitions.
    pub(super) assigned: Range<u16>,
    /// When its session times out; only a silent member has such a time.
    pub(super) session_deadline: Option<Instant>,
}

/// What becomes of a Join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Joining {
    /// The rebalance goes on.
    Waits,
    /// It is over: the partitions of this member.
    Done(Generation, Range<u16>),
    /// The client has left since it asked.
    Cancelled,
}

/// Requests.
impl Group {
    /// A group without members that has committed nothing.
    pub(super) fn new(settings: &LogSettings) -> Self {
        Self {
            timeouts: Timeouts {
                session: settings.session_timeout,
                rebalance: settings.rebalance_timeout,
                initial_delay: settings.initial_rebalance_delay,
            },
            state: State::Empty,
            generation: Generation(0),
            members: Vec::new(),
            cancelled: Vec::new(),
            committed: vec![None; usize::from(settings.partitions)],
            changed: false,
        }
    }

    /// Forgets its members and all that they have committed.
    pub(super) fn clear(&mut self) {
        let Self { timeouts: _, state, generation, members, cancelled, committed, changed } = self;
        *state = State::Empty;
        *generation = Generation(0);
        members.clear();
        cancelled.clear();
        committed.fill(None);
        *changed = false;
    }

    /// `client` joins, or its waiting Join is offered again. `heard` says whether it sends
    /// heartbeats.
    pub(super) fn join(&mut self, now: Instant, client: ClientId, heard: bool) -> Joining {
        if let Some(index) = self.cancelled.iter().position(|cancelled| *cancelled == client) {
            self.cancelled.swap_remove(index);
            return Joining::Cancelled;
        }
        match self.find(client) {
            Ok(_) if self.state == State::Stable => {}
            Ok(index) => self.members[index].join_waiting = true,
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

    /// Whether a Join of `client` waits, and nothing has happened that would end the rebalance.
    pub(super) fn lets_wait(&self, now: Instant, client: ClientId) -> bool {
        let State::PreparingRebalance { deadline, initial } = self.state else { return false };
        let waits = |member: &Member| member.client == client && member.join_waiting;
        now < deadline
            && self.members.iter().any(waits)
            && (initial || !self.members.iter().all(|member| member.join_waiting))
            && !self.cancelled.contains(&client)
    }

    /// `client` leaves at once; the others rebalance.
    pub(super) fn leave(&mut self, now: Instant, client: ClientId) -> Result<(), Refusal> {
        let index = self.find(client).map_err(|_| Refusal::UnknownMember)?;
        if self.members.remove(index).join_waiting {
            self.cancelled.push(client);
        }
        self.rebalance_without_the_lost(now);
        Ok(())
    }

    /// Whether `client` may fetch under `generation`.
    #[inline]
    pub(super) fn check_fetch(
        &self,
        client: ClientId,
        generation: Generation,
    ) -> Result<(), Refusal> {
        self.check_member(client, generation)?;
        match self.state {
            State::Stable => Ok(()),
            _ => Err(Refusal::RebalanceInProgress),
        }
    }

    /// Whether `client` may commit under `generation`. Without membership (generation 0; Kafka: -1)
    /// one may as long as the group is empty: that is how tools reset offsets.
    #[inline]
    pub(super) fn check_commit(
        &self,
        client: ClientId,
        generation: Generation,
    ) -> Result<(), Refusal> {
        if self.state == State::Empty && generation == Generation(0) {
            return Ok(());
        }
        self.check_member(client, generation)
    }

    /// Records a committed offset and returns the one before. The partition exists.
    #[inline]
    pub(super) fn commit(&mut self, partition: PartitionId, upto: Offset) -> Option<Offset> {
        self.committed[partition.index()].replace(upto)
    }

    /// Everybody is to join again, for a reason outside of the group.
    pub(super) fn rebalance(&mut self, now: Instant) {
        if self.state == State::Stable {
            self.prepare_rebalance(now);
        }
    }

    /// The number of the present assignment, or of the last one.
    pub(super) fn generation(&self) -> Generation {
        self.generation
    }

    /// The committed offset of a partition, if there is one.
    pub(super) fn committed(&self, partition: PartitionId) -> Option<Offset> {
        self.committed.get(partition.index()).copied().flatten()
    }
}

/// Sessions and time.
impl Group {
    /// When time alone will change something.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let rebalance = match self.state {
            State::PreparingRebalance { deadline, .. } => Some(deadline),
            _ => None,
        };
        self.members.iter().filter_map(Member::expires_at).chain(rebalance).min()
    }

    /// Removes the members whose session has timed out, and ends a rebalance that waited long
    /// enough.
    pub(super) fn advance(
        &mut self,
        now: Instant,
        subscription: SubscriptionId,
        ground_truth: &mut Vec<Event>,
    ) {
        let members = self.members.len();
        self.members.retain(|member| {
            let expired = member.expires_at().is_some_and(|deadline| deadline <= now);
            if expired {
                let consumer = member.client.process;
                ground_truth
                    .push(Event { at: now, kind: Kind::SessionExpired { subscription, consumer } });
            }
            !expired
        });
        if self.members.len() < members {
            self.rebalance_without_the_lost(now);
        }
        self.complete_rebalance_if_ready(now);
    }

    /// `client` sends no heartbeats any more: its session begins to run out.
    pub(super) fn silent(&mut self, now: Instant, client: ClientId) {
        if let Ok(index) = self.find(client) {
            self.members[index].session_deadline.get_or_insert(now + self.timeouts.session);
        }
    }

    /// `client` sends heartbeats again; in vain if it has been removed.
    pub(super) fn heard(&mut self, client: ClientId) {
        if let Ok(index) = self.find(client) {
            self.members[index].session_deadline = None;
        }
    }

    /// The connection of `client` ended: it stays a member, silent, and no Join of it waits.
    pub(super) fn disconnected(&mut self, now: Instant, client: ClientId) {
        self.cancelled.retain(|cancelled| *cancelled != client);
        if let Ok(index) = self.find(client) {
            let member = &mut self.members[index];
            if member.join_waiting {
                member.join_waiting = false;
                member.session_deadline = None;
            }
            self.silent(now, client);
        }
    }

    /// The coordinator restarted: it knows generation and committed offsets, and no member.
    pub(super) fn forget_members(&mut self) {
        self.members.clear();
        self.cancelled.clear();
        self.state = State::Empty;
        self.changed = true;
    }

    /// Whether something happened since the last call that could answer a parked request.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
}

/// The steps of a rebalance.
impl Group {
    /// Begins a rebalance unless one is going on.
    fn prepare_rebalance(&mut self, now: Instant) {
        let (span, initial) = match self.state {
            State::PreparingRebalance { .. } => return,
            State::Empty => (self.timeouts.initial_delay, true),
            State::Stable => (self.timeouts.rebalance, false),
        };
        self.state = State::PreparingRebalance { deadline: now + span, initial };
        self.changed = true;
    }

    /// Members have been removed: their requests are to be refused, and the others rebalance.
    fn rebalance_without_the_lost(&mut self, now: Instant) {
        self.prepare_rebalance(now);
        self.complete_rebalance_if_ready(now);
        self.changed = true;
    }

    /// Ends the rebalance if all members have joined, none is left, or the deadline has passed.
    fn complete_rebalance_if_ready(&mut self, now: Instant) {
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
        self.changed = true;
        let (partitions, count) = (self.committed.len() as u16, self.members.len());
        for (index, member) in self.members.iter_mut().enumerate() {
            member.join_waiting = false;
            member.assigned = assignor::range(partitions, index, count);
            if let Some(deadline) = &mut member.session_deadline {
                *deadline = now + self.timeouts.session;
            }
        }
    }

    #[inline]
    fn check_member(&self, client: ClientId, generation: Generation) -> Result<(), Refusal> {
        if !self.members.iter().any(|member| member.client == client) {
            return Err(Refusal::UnknownMember);
        }
        if generation != self.generation {
            return Err(Refusal::IllegalGeneration);
        }
        Ok(())
    }

    /// The index of a member, or where it would be inserted.
    fn find(&self, client: ClientId) -> Result<usize, usize> {
        self.members.binary_search_by_key(&client, |member| member.client)
    }
}

impl Member {
    fn joining(client: ClientId, session_deadline: Option<Instant>) -> Self {
        Self { client, join_waiting: true, assigned: 0..0, session_deadline }
    }

    /// When its session times out; never while its Join waits.
    fn expires_at(&self) -> Option<Instant> {
        self.session_deadline.filter(|_| !self.join_waiting)
    }
}

#[cfg(test)]
mod tests;
