//! A model of a consumer group and its committed offsets that is written down from `semantics.md`
//! 3.1 and `docs/groups.md` alone, and naively: it keeps lists, searches them, has no timer, and
//! looks at everything again in every second.
//!
//! Each of its rules can be turned wrong ([`Slip`]), so that the comparison with the broker can be
//! seen to notice it.

use std::mem;

use entrega_model::log::{Offset, Refusal};
use entrega_model::{ClientId, Duration, Instant, ProcessId};

use crate::log::{LogSettings, RebalanceProtocol};

mod committing;
mod dealing;
mod rebalancing;
mod slip;

pub(super) use slip::Slip;

const SECOND: Duration = Duration::from_secs(1);

/// What a client asks.
#[derive(Clone, Debug)]
pub(super) enum Ask {
    Join {
        has: u32,
    },
    Leave,
    Fetch {
        generation: u32,
        partition: u16,
        offset: Offset,
        until: Instant,
    },
    Commit {
        generation: u32,
        offsets: Vec<(u16, Offset)>,
    },
    /// A Join whose sender has left meanwhile.
    Cancelled,
}

/// What it is answered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Answer {
    /// The generation, and each partition with the committed offset and the end.
    Joined(u32, Vec<(u16, Option<Offset>, Offset)>),
    Left,
    /// The offsets that were read.
    Fetched(Vec<Offset>),
    OutOfRange,
    Committed,
    Refused(String),
}

/// What happens without being asked, or besides the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Happened {
    SessionExpired(ProcessId),
    Committed { by: ProcessId, partition: u16, upto: Offset, previous: Offset },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Empty,
    /// A rebalance waits until then; one that `collects` waits for members that nobody knows yet.
    Preparing {
        until: Instant,
        collects: bool,
    },
    Stable,
}

/// What a rebalance gave to a member, and what it is to give up of what it had.
#[derive(Clone, Debug)]
struct Given {
    generation: u32,
    partitions: Vec<u16>,
    asked: Vec<u16>,
}

#[derive(Clone, Debug)]
struct Member {
    client: ClientId,
    /// It has a Join that waits.
    waits: bool,
    silent_since: Option<Instant>,
    /// Everything that it was ever assigned.
    given: Vec<Given>,
    /// The assignment that it acts on at least: what it had before that it has given up.
    acts_on: u32,
}

impl Member {
    /// What the last rebalance gave it.
    fn assigned(&self) -> &[u16] {
        self.given.last().map_or(&[], |given| &given.partitions)
    }

    fn given_since(&self, generation: u32) -> impl Iterator<Item = &Given> {
        self.given.iter().filter(move |given| given.generation >= generation)
    }

    /// It says that it has taken over this assignment. That counts if every one since has asked for
    /// the same.
    fn takes_over(&mut self, generation: u32) {
        let asked = self.given.last().map(|given| &given.asked);
        if self.given_since(generation).all(|given| Some(&given.asked) == asked) {
            self.acts_on = self.acts_on.max(generation);
        }
    }

    /// What it may still be reading.
    fn held(&self) -> Vec<u16> {
        let of = self.given_since(self.acts_on);
        let mut held: Vec<u16> = of.flat_map(|given| given.partitions.clone()).collect();
        held.sort_unstable();
        held.dedup();
        held
    }
}

/// A log with one group.
#[derive(Clone, Debug)]
pub(super) struct Naive {
    settings: LogSettings,
    slip: Option<Slip>,
    now: Instant,
    /// How many records each partition has.
    ends: Vec<Offset>,
    committed: Vec<Option<Offset>>,
    generation: u32,
    state: State,
    members: Vec<Member>,
    /// The clients that send no heartbeats.
    silent: Vec<ClientId>,
    /// Since when there is no member; or since the first commit, if there were no offsets.
    empty_since: Option<Instant>,
    parked: Vec<(ClientId, Ask)>,
    answers: Vec<(ClientId, Answer)>,
    happened: Vec<Happened>,
}

impl Naive {
    pub(super) fn new(settings: LogSettings, slip: Option<Slip>) -> Self {
        let partitions = usize::from(settings.partitions);
        Self {
            settings,
            slip,
            now: Instant::START,
            ends: vec![0; partitions],
            committed: vec![None; partitions],
            generation: 0,
            state: State::Empty,
            members: Vec::new(),
            silent: Vec::new(),
            empty_since: None,
            parked: Vec::new(),
            answers: Vec::new(),
            happened: Vec::new(),
        }
    }

    fn slips(&self, slip: Slip) -> bool {
        self.slip == Some(slip)
    }

    fn is_cooperative(&self) -> bool {
        self.settings.rebalance_protocol == RebalanceProtocol::Cooperative
    }

    pub(super) fn generation(&self) -> u32 {
        self.generation
    }

    pub(super) fn committed(&self) -> &[Option<Offset>] {
        &self.committed
    }

    /// Whether a client belongs to the group.
    pub(super) fn is_member(&self, client: ClientId) -> bool {
        self.find(client).is_some()
    }

    /// How many Joins of a client wait.
    pub(super) fn waiting_joins(&self, of: ClientId) -> usize {
        let is_join = |ask: &Ask| matches!(ask, Ask::Join { .. });
        self.parked.iter().filter(|(from, ask)| *from == of && is_join(ask)).count()
    }

    /// The answers since the last time, and what else happened.
    pub(super) fn take(&mut self) -> (Vec<(ClientId, Answer)>, Vec<Happened>) {
        (mem::take(&mut self.answers), mem::take(&mut self.happened))
    }

    pub(super) fn ask(&mut self, from: ClientId, ask: Ask) {
        self.offer(from, ask);
        self.offer_again();
    }

    /// Offers every parked request again until none is answered.
    fn offer_again(&mut self) {
        loop {
            let before = self.answers.len();
            for _ in 0..self.parked.len() {
                let (from, ask) = self.parked.remove(0);
                self.offer(from, ask);
            }
            if self.answers.len() == before {
                return;
            }
        }
    }

    fn offer(&mut self, from: ClientId, ask: Ask) {
        let answer = match ask {
            Ask::Join { has } => self.join(from, has),
            Ask::Leave => Some(self.leave(from)),
            Ask::Fetch { generation, partition, offset, until } => {
                self.fetch(from, generation, (partition, offset), until)
            }
            Ask::Commit { generation, ref offsets } => Some(self.commit(from, generation, offsets)),
            Ask::Cancelled => Some(refused(Refusal::UnknownMember)),
        };
        match answer {
            Some(answer) => self.answers.push((from, answer)),
            None => self.parked.push((from, ask)),
        }
    }

    fn fetch(
        &self,
        from: ClientId,
        generation: u32,
        (partition, offset): (u16, Offset),
        until: Instant,
    ) -> Option<Answer> {
        if let Err(refusal) = self.may_fetch(from, generation) {
            return Some(refused(refusal));
        }
        let Some(end) = self.ends.get(usize::from(partition)) else {
            return Some(refused(Refusal::UnknownPartition));
        };
        if offset > *end {
            return Some(Answer::OutOfRange);
        }
        let is_over = offset < *end || until <= self.now;
        is_over.then(|| Answer::Fetched((offset..*end).collect()))
    }

    fn may_fetch(&self, from: ClientId, generation: u32) -> Result<(), Refusal> {
        if !self.is_member(from) {
            return Err(Refusal::UnknownMember);
        }
        if generation != self.generation {
            return Err(Refusal::IllegalGeneration);
        }
        let is_stable = self.state == State::Stable || self.slips(Slip::FetchesGoOn);
        if is_stable { Ok(()) } else { Err(Refusal::RebalanceInProgress) }
    }

    pub(super) fn store(&mut self, partition: u16) {
        if let Some(end) = self.ends.get_mut(usize::from(partition)) {
            *end += 1;
        }
        self.offer_again();
    }

    pub(super) fn silent(&mut self, client: ClientId) {
        self.silent.push(client);
        let now = self.now;
        if let Some(at) = self.find(client) {
            self.members[at].silent_since.get_or_insert(now);
        }
    }

    pub(super) fn heard(&mut self, client: ClientId) {
        self.silent.retain(|one| *one != client);
        if let Some(at) = self.find(client)
            && !self.slips(Slip::SessionsGoOnWhileHeard)
        {
            self.members[at].silent_since = None;
        }
    }

    /// Its connection ends, and what it has asked for counts no longer. A session that did not run
    /// because its Join waited begins.
    pub(super) fn disconnect(&mut self, client: ClientId) {
        self.parked.retain(|(from, _)| *from != client);
        if let Some(at) = self.find(client)
            && mem::take(&mut self.members[at].waits)
        {
            self.members[at].silent_since = None;
        }
        self.silent(client);
        self.offer_again();
    }

    pub(super) fn restart(&mut self) {
        if self.slips(Slip::RestartKeepsMembers) {
            return;
        }
        if !self.members.is_empty() {
            self.empty_since = Some(self.now);
        }
        self.members.clear();
        self.state = State::Empty;
        if self.slips(Slip::RestartResetsTheGeneration) {
            self.generation = 0;
        }
        self.offer_again();
    }

    /// Somebody from outside asks for a rebalance.
    pub(super) fn rebalance_from_outside(&mut self) {
        self.rebalance();
        self.offer_again();
    }

    pub(super) fn pass(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += SECOND;
            self.expire_sessions();
            self.end_rebalance_in_time();
            self.expire_offsets();
            self.add_partitions();
            self.offer_again();
        }
    }

    fn expire_offsets(&mut self) {
        let Some(retention) = self.settings.offsets_retention else { return };
        let is_over = self.empty_since.is_some_and(|since| since + retention <= self.now);
        if is_over && !self.slips(Slip::OffsetsNeverExpire) {
            self.committed.fill(None);
        }
    }

    fn add_partitions(&mut self) {
        let Some(added) = self.settings.partitions_added else { return };
        if Instant::START + added.at == self.now {
            let count = usize::from(added.to).max(self.ends.len());
            self.ends.resize(count, 0);
            self.committed.resize(count, None);
            if self.slips(Slip::GrowthRebalances) {
                self.rebalance();
            }
        }
    }

    fn find(&self, client: ClientId) -> Option<usize> {
        self.members.iter().position(|member| member.client == client)
    }
}

fn refused(refusal: Refusal) -> Answer {
    Answer::Refused(format!("{refusal:?}"))
}
