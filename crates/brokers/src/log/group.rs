//! A consumer group: who its members are, under which generation, and how far the group has come.
//!
//! > **The rule.** Every rebalance ends an assignment and begins the next one under a higher
//! > generation. A fetch or commit under an older generation is refused, and so is one of a client
//! > that is no member. Nothing else is checked unless `commit_checks` asks for it: neither who
//! > owns the partition nor whether the offset grows.
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
//! This is the classic protocol, rebalancing eagerly by default: every member gives up everything
//! and joins again [KAFKA-SRC, `GroupCoordinator`, `ClassicGroup`]. A member learns of a rebalance
//! from the answer to its next fetch, may still commit what it has finished (the generation is the
//! current one until the rebalance ends), and joins. Members that have not joined when the
//! rebalance deadline passes are removed.
//!
//! Two holes of the original are kept, since they explain real incidents: a live member commits for
//! a partition that it does not own, and any commit may move the offset backwards. The module
//! `commit_checks` can close them.
//!
//! A group without members keeps its committed offsets for `offsets.retention.minutes`, counted
//! from when it became empty; then it is as if it had never committed, and the reset policy decides
//! where its next members begin. As long as it has a member nothing expires.
//!
//! Sessions follow Kafka too: a member whose Join waits is not timed out, and once the rebalance
//! ends its session begins anew.
//!
//! With static membership (KIP-345) a member is known by its process, not by its life: the next
//! life of a process takes the place of the one before, with its partitions and without a
//! rebalance, and the earlier life is no member any more. As nobody leaves by closing, an absence
//! that is longer than the session timeout is a rebalance after exactly that time.
//!
//! # Simplifications
//!
//! * The coordinator deals the partitions itself; Kafka asks the first member to and needs one more
//!   round (`SyncGroup`, state `CompletingRebalance`).
//! * A Join of a member of a stable group returns its present assignment, unless there are
//!   partitions that nobody has yet. In Kafka that is true of a follower; the group's leader would
//!   start a rebalance. A duplicated Join must not do that here.
//! * A Join whose connection ended counts no longer, so the rebalance waits for that member's
//!   session to time out. In Kafka it still counts and the session is timed out after the
//!   rebalance.

use entrega_model::log::{Offset, Refusal};
use entrega_model::{
    ClientId, Duration, Event, Generation, Instant, Kind, PartitionId, SubscriptionId,
};

use super::{Assignor, LogSettings, RebalanceProtocol};

mod joining;
mod rebalance;

/// One group.
#[derive(Clone, Debug)]
pub(super) struct Group {
    timeouts: Timeouts,
    is_static: bool,
    assignor: Assignor,
    protocol: RebalanceProtocol,
    pub(super) state: State,
    /// Since when it has no member, or since its first commit if it never had one.
    pub(super) empty_since: Option<Instant>,
    generation: Generation,
    /// Sorted by client.
    pub(super) members: Vec<Member>,
    /// Clients that left while a Join of theirs was waiting: that Join is refused, not taken for
    /// new.
    pub(super) cancelled: Vec<ClientId>,
    /// How many partitions the last rebalance shared out.
    pub(super) shared_out: u16,
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
    /// None if offsets never expire.
    offsets: Option<Duration>,
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
    /// The numbers of its partitions, ascending.
    pub(super) assigned: Vec<u16>,
    /// Those that it had before and is to give up, until it says that it has.
    pub(super) giving_up: Vec<u16>,
    /// The assignment that asked for it.
    pub(super) asked_under: Generation,
    /// When its session times out; only a silent member has such a time.
    pub(super) session_deadline: Option<Instant>,
}

/// What becomes of a Join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Joining {
    /// The rebalance goes on.
    Waits,
    /// It is over: the partitions of this member.
    Done(Generation, Vec<u16>),
    /// The client has left since it asked, or it was removed and does not know it.
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
                offsets: settings.offsets_retention,
            },
            is_static: settings.static_membership,
            assignor: settings.assignor,
            protocol: settings.rebalance_protocol,
            state: State::Empty,
            empty_since: None,
            generation: Generation(0),
            members: Vec::new(),
            cancelled: Vec::new(),
            shared_out: 0,
            committed: vec![None; usize::from(settings.partitions)],
            changed: false,
        }
    }

    /// Forgets its members and all that they have committed. There are this many partitions.
    pub(super) fn clear(&mut self, count: u16) {
        let Self {
            timeouts: _,
            is_static: _,
            assignor: _,
            protocol: _,
            state,
            empty_since,
            generation,
            members,
            cancelled,
            shared_out,
            committed,
            changed,
        } = self;
        *state = State::Empty;
        *empty_since = None;
        *generation = Generation(0);
        members.clear();
        cancelled.clear();
        *shared_out = 0;
        committed.truncate(usize::from(count));
        committed.fill(None);
        *changed = false;
    }

    /// There are this many partitions now. They are nobody's until the next rebalance.
    pub(super) fn add_partitions(&mut self, count: u16) {
        self.committed.resize(usize::from(count), None);
    }

    /// Whether what its members have decides what they will have.
    pub(super) fn looks_back(&self) -> bool {
        self.assignor == Assignor::Sticky || self.protocol == RebalanceProtocol::Cooperative
    }

    /// Whether there are partitions that the last rebalance did not know.
    pub(super) fn is_outgrown(&self) -> bool {
        usize::from(self.shared_out) < self.committed.len()
    }

    /// Whether a Join of `client` waits, and nothing has happened that would end the rebalance.
    pub(super) fn lets_wait(&self, now: Instant, client: ClientId) -> bool {
        let State::PreparingRebalance { deadline, initial } = self.state else { return false };
        let waits = |member: &Member| {
            member.client == client && member.join_waiting && member.giving_up.is_empty()
        };
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
    /// one may as long as the group is empty: that is how tools reset offsets. A member that waits
    /// for its first assignment, in a group that has had none, may not.
    #[inline]
    pub(super) fn check_commit(
        &self,
        client: ClientId,
        generation: Generation,
    ) -> Result<(), Refusal> {
        let is_without = generation == Generation(0);
        if is_without && self.state == State::Empty {
            return Ok(());
        }
        self.check_member(client, generation)?;
        if is_without { Err(Refusal::IllegalGeneration) } else { Ok(()) }
    }

    /// Records a committed offset and returns the one before. The partition exists.
    #[inline]
    pub(super) fn commit(&mut self, partition: PartitionId, upto: Offset) -> Option<Offset> {
        self.committed[partition.index()].replace(upto)
    }

    /// Whether a partition was `client`'s when the last rebalance ended. It still is while the next
    /// one goes on.
    pub(super) fn owns(&self, client: ClientId, partition: PartitionId) -> bool {
        self.find(client).is_ok_and(|index| self.members[index].owns(partition.0))
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
    pub(super) fn forget_members(&mut self, now: Instant) {
        if self.state != State::Empty {
            self.empty_since = Some(now);
        }
        self.members.clear();
        self.cancelled.clear();
        self.state = State::Empty;
        self.changed = true;
    }

    /// Somebody commits who is no member. Without any offset the group was as good as gone, so this
    /// begins a span of its own.
    #[cold]
    pub(super) fn commits_from_outside(&mut self, now: Instant) {
        if self.committed.iter().all(Option::is_none) {
            self.empty_since = Some(now);
        }
        self.empty_since.get_or_insert(now);
    }

    /// When its committed offsets expire, if it has any and no member comes before.
    pub(super) fn offsets_expire_at(&self) -> Option<Instant> {
        let (since, retention) = (self.empty_since?, self.timeouts.offsets?);
        self.committed.iter().any(Option::is_some).then(|| since + retention)
    }

    /// Forgets the committed offsets if they have expired.
    pub(super) fn expire_offsets(&mut self, now: Instant) {
        if self.offsets_expire_at().is_some_and(|at| at <= now) {
            self.committed.fill(None);
        }
    }

    /// The records in `end..ended` of a partition are gone; a commit that points into them is void.
    #[cold]
    pub(super) fn void_commit(&mut self, partition: PartitionId, end: Offset, ended: Offset) {
        let committed = &mut self.committed[partition.index()];
        *committed = committed.filter(|offset| *offset <= end || *offset > ended);
    }

    /// The last commit of a partition is gone.
    #[cold]
    pub(super) fn take_back(&mut self, partition: PartitionId, previous: Option<Offset>) {
        self.committed[partition.index()] = previous;
    }

    /// Since when it has no member, if offsets expire.
    pub(super) fn ages_since(&self) -> Option<Instant> {
        self.empty_since.filter(|_| self.timeouts.offsets.is_some())
    }

    /// Whether something happened since the last call that could answer a parked request.
    pub(super) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }
}

/// Looking up.
impl Group {
    #[inline]
    pub(super) fn check_member(
        &self,
        client: ClientId,
        generation: Generation,
    ) -> Result<(), Refusal> {
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
        let (assigned, giving_up, asked_under) = (Vec::new(), Vec::new(), Generation(0));
        Self { client, join_waiting: true, assigned, giving_up, asked_under, session_deadline }
    }

    /// Whether a partition is its own, or still is.
    fn owns(&self, partition: u16) -> bool {
        self.assigned.contains(&partition) || self.giving_up.contains(&partition)
    }

    /// When its session times out; never while its Join waits.
    fn expires_at(&self) -> Option<Instant> {
        self.session_deadline.filter(|_| !self.join_waiting)
    }
}

#[cfg(test)]
mod differences;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
