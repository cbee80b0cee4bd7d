//! Idle polls: a consumer that polls with a timeout and goes on when there is nothing.
//!
//! Such a consumer never rests by itself: its next deadline is always due. But an idle answer tells
//! it nothing new after the first ones, so for a user's own consumer they are given only as long as
//! they can matter.
//!
//! ```text
//!  poll(1 s) ─▶ Idle ─▶ poll(1 s) ─▶ Idle ─▶ poll(1 s) ··· asleep ··· Idle ─▶ poll(1 s) ··· asleep
//!     at its deadline      at its deadline          something else      │
//!                                                   happens ────────────┘ at its next deadline
//! ```
//!
//! 1. Two idle answers in a row come at their deadlines. A row ends where the process is handed a
//!    message, or asks for anything but messages.
//! 2. After that the poll *sleeps*: it is not due, so it is no step, no deadline and no state in
//!    which anything could be chosen. If only sleeping polls are left, the world is at rest.
//! 3. When something else happens (an arrival, an answer, a timer of the broker or of a process),
//!    the poll is answered at its first deadline after that, counted in its own timeouts. An idle
//!    answer is nothing else, or two consumers would keep each other awake.
//!
//! > **The rule.** This assumes that a consumer does nothing after the third idle answer that it
//! > did not do after the second. Whoever relies on it lets the world
//! > [be woken](World::wake_polls): then every idle answer is given, and a consumer that asks for
//! > anything but messages, or leaves, is named.

use entrega_brokers::Broker;
use entrega_model::fingerprint::Fingerprint;
use entrega_model::{ClientId, Instant, ProcessId};

use super::{Due, Routed, World};
use crate::misbehaviour::Misdeed;

/// How many idle answers in a row come at their deadlines.
const AT_THEIR_DEADLINES: u8 = 2;

/// Names a poll that has a deadline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PollId(u32);

/// The polls of a world that have a deadline.
#[derive(Default)]
pub(crate) struct Idling {
    /// Polls may sleep; if not, they are timers like all others and none is listed here.
    pub(crate) may_sleep: bool,
    /// Some poll has slept.
    pub(crate) has_slept: bool,
    /// Every idle answer is given.
    woken: bool,
    polls: Vec<Poll>,
    named: u32,
}

/// A poll that waits.
struct Poll {
    id: PollId,
    client: ClientId,
    since: Instant,
    until: Instant,
    state: Waits,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Waits {
    /// For its deadline.
    Awake,
    /// For something else to happen.
    Asleep,
    /// For its process, which is to be given the idle answer.
    Over,
}

impl Idling {
    /// No poll waits.
    pub(super) fn clear(&mut self) {
        let Self { may_sleep, has_slept, woken, polls, named } = self;
        [may_sleep, has_slept, woken].into_iter().for_each(|flag| *flag = false);
        polls.clear();
        *named = 0;
    }

    fn poll(&mut self, id: PollId) -> Option<&mut Poll> {
        self.polls.iter_mut().find(|poll| poll.id == id)
    }

    /// The client whose poll ends when this is due; none if it waits for that no longer.
    pub(super) fn awake(&self, id: PollId) -> Option<ClientId> {
        let poll = self.polls.iter().find(|poll| poll.id == id)?;
        (poll.state == Waits::Awake).then_some(poll.client)
    }
}

impl Poll {
    /// The first deadline after `now` if the poll is made again and again.
    fn deadline_after(&self, now: Instant) -> Instant {
        if self.until > now {
            return self.until;
        }
        let timeout = self.until.since(self.since);
        let missed = now.since(self.until).as_nanos() / timeout.as_nanos().max(1);
        self.until + timeout.saturating_mul(missed + 1)
    }
}

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// A poll begins to wait.
    pub(crate) fn begin_poll(&mut self, client: ClientId, until: Instant) -> PollId {
        let id = PollId(self.idle.named);
        self.idle.named += 1;
        let idles = self.processes[client.process.index()].idles;
        let sleeps = idles >= AT_THEIR_DEADLINES && !self.idle.woken;
        let state = if sleeps { Waits::Asleep } else { Waits::Awake };
        self.idle.polls.push(Poll { id, client, since: self.now, until, state });
        self.idle.has_slept |= sleeps;
        if !sleeps {
            self.timers.schedule(until, Due::Idle(id));
        }
        id
    }

    /// Whether a poll is to be answered as idle. If so, it waits no longer.
    pub(crate) fn ends_idle(&mut self, id: PollId) -> bool {
        let over = self.idle.poll(id).is_some_and(|poll| poll.state == Waits::Over);
        if over {
            self.forget_poll(id);
        }
        over
    }

    /// A poll waits no longer: it was answered, or dropped.
    pub(crate) fn forget_poll(&mut self, id: PollId) {
        self.idle.polls.retain(|poll| poll.id != id);
    }

    /// The deadline of a poll has come.
    pub(super) fn end_poll(&mut self, id: PollId) {
        let Some(poll) = self.idle.poll(id).filter(|poll| poll.state == Waits::Awake) else {
            return;
        };
        poll.state = Waits::Over;
        let client = poll.client;
        let process = &mut self.processes[client.process.index()];
        process.idles = process.idles.saturating_add(1);
        self.wake_life(client);
    }

    /// Something has happened: polls that sleep are answered at their next deadlines, unless it was
    /// the end of another poll.
    #[inline]
    pub(super) fn after(&mut self, due: Due) {
        if !self.idle.polls.is_empty() && !matches!(due, Due::Idle(_)) {
            self.rouse_polls();
        }
    }

    #[cold]
    fn rouse_polls(&mut self) {
        let asleep = self.idle.polls.iter_mut().filter(|poll| poll.state == Waits::Asleep);
        for poll in asleep {
            poll.state = Waits::Awake;
            self.timers.schedule(poll.deadline_after(self.now), Due::Idle(poll.id));
        }
    }

    /// From now on every idle answer is given. `false` if no poll sleeps.
    pub(crate) fn wake_polls(&mut self) -> bool {
        let asleep = self.idle.polls.iter().any(|poll| poll.state == Waits::Asleep);
        self.idle.woken = asleep;
        self.rouse_polls();
        asleep
    }

    /// From now on polls may sleep again.
    pub(crate) fn let_polls_sleep(&mut self) {
        self.idle.woken = false;
    }

    /// A process does something besides polling.
    #[cold]
    pub(super) fn acts(&mut self, process: ProcessId) {
        let process = &mut self.processes[process.index()];
        process.idles = 0;
        let id = process.id;
        if self.idle.woken && !process.role.is_producer() {
            self.misbehaves(id, Misdeed::ActsWhenIdle);
        }
    }

    /// A poll that waits for its deadline, which stands in what is due.
    pub(super) fn fingerprint_awake(&self, id: PollId, into: &mut Fingerprint<'_>) {
        if let Some(poll) = self.idle.polls.iter().find(|poll| poll.id == id) {
            into.client(poll.client);
            into.word(poll.until.since(poll.since).as_nanos());
        }
    }

    /// The other polls.
    pub(super) fn fingerprint_idle(&self, into: &mut Fingerprint<'_>) {
        for poll in self.idle.polls.iter().filter(|poll| poll.state != Waits::Awake) {
            into.client(poll.client);
            into.word(poll.state as u64);
            into.time(poll.deadline_after(self.now));
            into.word(poll.until.since(poll.since).as_nanos());
        }
        into.word(u64::MAX);
    }
}
