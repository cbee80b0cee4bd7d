//! What crashes by time hit, beside what they could have hit.
//!
//! A process that dies at instants of its own hits a window as often as it is in it. So the share
//! of time that it spends there says how often a window is hit in the long run, and the hits say
//! how much of that a run has seen.
//!
//! > **The rule.** A message that a process was given is in one window at a time, by the last step
//! > that was taken with it. A process is in every window in which it has a message, and idle if
//! > it has none: with several messages the shares come to more than one. Time counts while the
//! > process lives, stalls included, and until the heal, after which nobody dies by time.
//!
//! A request to the sink that is on its way belongs to the time before the effect: no event says
//! when it was sent. What waits in a client's library is not seen either; a message is *buffered*
//! if the application was given it and has not begun.

use std::collections::BTreeMap;

use entrega_model::event::{Phase, ProcessingResult, SettleAct, SettleTrigger};
use entrega_model::{Event, Instant, Kind, MessageId, PartitionId, ProcessId, SubscriptionId};
use serde::Serialize;

/// A process that dies by time, and the fault point of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mortal {
    /// Which one.
    pub process: ProcessId,
    /// The subscription that it reads.
    pub subscription: SubscriptionId,
    /// The point of [`Kind::Faulted`] that says that it dies by time.
    pub point: u16,
}

/// Where a message, and so its process, can be when the process dies; in the order of a message
/// that is processed and then settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// No message.
    Idle,
    /// The application was given it and has not begun, or its handler failed.
    Buffered,
    /// Its handler works on it, or waits for the sink.
    BeforeEffect,
    /// The effect is applied, and the next step not yet taken.
    EffectDone,
    /// The settle is asked for and not yet recorded.
    SettleAsked,
    /// The settle is recorded, and the consumer has not gone on.
    Settled,
}

impl Window {
    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Buffered => "buffered",
            Self::BeforeEffect => "before_effect",
            Self::EffectDone => "effect_done",
            Self::SettleAsked => "settle_asked",
            Self::Settled => "settled",
        }
    }
}

/// The crashes by time of the consumers of a subscription. Many runs add up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exposure {
    /// How many there were.
    pub crashes: u64,
    /// How long the consumers lived while they could die by time, all together, in nanoseconds.
    pub lived_ns: u64,
    /// Each window that a consumer was ever in.
    pub windows: BTreeMap<Window, Exposed>,
}

/// A window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Exposed {
    /// How many crashes found their process in it.
    pub hits: u64,
    /// How long processes were in it, all together, in nanoseconds.
    pub time_ns: u64,
}

impl Exposure {
    /// Adds those of another run.
    pub fn merge(&mut self, other: &Self) {
        self.crashes += other.crashes;
        self.lived_ns += other.lived_ns;
        for (window, of) in &other.windows {
            let sum = self.windows.entry(*window).or_default();
            sum.hits += of.hits;
            sum.time_ns += of.time_ns;
        }
    }
}

/// The fold: what each process that dies by time has, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct ExposureFold {
    seats: BTreeMap<ProcessId, Seat>,
    is_over: bool,
}

/// A process.
#[derive(Clone, Debug)]
struct Seat {
    mortal: Mortal,
    found: Exposure,
    /// Since when it has what it has; none while it is down.
    since: Option<Instant>,
    held: BTreeMap<MessageId, Held>,
}

/// A message that it was given.
#[derive(Clone, Copy, Debug)]
struct Held {
    window: Window,
    partition: PartitionId,
    position: u64,
    is_settled: bool,
    is_done: bool,
}

impl ExposureFold {
    pub(crate) fn new(mortal: &[Mortal]) -> Self {
        Self {
            seats: mortal.iter().map(|of| (of.process, Seat::new(*of))).collect(),
            is_over: false,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.is_over = false;
        self.seats.values_mut().for_each(|seat| *seat = Seat::new(seat.mortal));
    }

    pub(crate) fn observe(&mut self, events: &[Event]) {
        for event in events.iter().filter(|_| !self.is_over) {
            if event.kind == (Kind::Entered { phase: Phase::Heal }) {
                self.is_over = true;
                return self.seats.values_mut().for_each(|seat| seat.ends(event.at));
            }
            let process = event.kind.process();
            if let Some(seat) = process.and_then(|process| self.seats.get_mut(&process)) {
                seat.observe(event);
            }
        }
    }

    /// What was found of a subscription, if any of its consumers dies by time.
    pub(crate) fn of(&self, subscription: SubscriptionId) -> Option<Exposure> {
        let seats = self.seats.values().filter(|seat| seat.mortal.subscription == subscription);
        seats.fold(None, |sum: Option<Exposure>, seat| {
            let mut sum = sum.unwrap_or_default();
            sum.merge(&seat.found);
            Some(sum)
        })
    }
}

impl Seat {
    fn new(mortal: Mortal) -> Self {
        Self { mortal, found: Exposure::default(), since: None, held: BTreeMap::new() }
    }

    /// The windows in which it is.
    fn windows(&self) -> Vec<Window> {
        let mut windows: Vec<Window> = self.held.values().map(|held| held.window).collect();
        windows.sort_unstable();
        windows.dedup();
        if windows.is_empty() {
            windows.push(Window::Idle);
        }
        windows
    }

    /// Counts the time until now.
    fn passes(&mut self, now: Instant) {
        let Some(since) = self.since.replace(now) else { return };
        let passed = now.since(since).as_nanos();
        if passed > 0 {
            self.found.lived_ns += passed;
            for window in self.windows() {
                self.found.windows.entry(window).or_default().time_ns += passed;
            }
        }
    }

    /// It is down from now on, or nothing is counted any more.
    fn ends(&mut self, now: Instant) {
        self.passes(now);
        self.since = None;
        self.held.clear();
    }

    fn is_hit(&mut self, now: Instant) {
        self.passes(now);
        self.found.crashes += 1;
        for window in self.windows() {
            self.found.windows.entry(window).or_default().hits += 1;
        }
    }

    fn observe(&mut self, event: &Event) {
        match event.kind {
            Kind::Started { .. } => self.since = Some(event.at),
            Kind::Crashed { .. } | Kind::Exited { .. } => self.ends(event.at),
            Kind::Faulted { point, .. } if point == self.mortal.point => self.is_hit(event.at),
            Kind::Delivered { .. }
            | Kind::ProcessingStarted { .. }
            | Kind::ProcessingEnded { .. }
            | Kind::Effect { .. }
            | Kind::SettleInvoked { .. }
            | Kind::SettleEnded { .. }
            | Kind::Settled { .. }
            | Kind::Committed { .. }
            | Kind::Revoked { .. }
            | Kind::Lost { .. } => {
                self.passes(event.at);
                self.step(&event.kind);
            }
            _ => {}
        }
    }

    /// A step with one message or several. Whoever takes the next step has gone on from what was
    /// settled before.
    fn step(&mut self, kind: &Kind) {
        match *kind {
            Kind::Delivered { message, partition, position, .. } => {
                self.goes_on(message);
                let held = self.held.entry(message).or_insert(Held::at(partition, position));
                let is_settled = held.is_settled && !held.is_done;
                *held = Held { is_settled, ..Held::at(partition, position) };
            }
            Kind::ProcessingStarted { message, .. } => {
                self.goes_on(message);
                self.change(message, |held| held.window = Window::BeforeEffect);
            }
            Kind::Effect { message, .. } => self.change(message, |held| {
                (held.window, held.is_done) = (Window::EffectDone, true);
            }),
            Kind::ProcessingEnded { message, result, .. } => {
                let failed = result != ProcessingResult::Ok;
                self.change(message, |held| {
                    held.is_done |= !failed;
                    held.window = if failed { Window::Buffered } else { Window::EffectDone };
                });
                self.held.retain(|id, held| *id != message || !(held.is_settled && held.is_done));
            }
            Kind::SettleInvoked { message, partition, position, act, .. } => match act {
                SettleAct::Extend => {}
                SettleAct::Commit => self.commit_asked(partition, position),
                _ => self.change(message, |held| held.window = Window::SettleAsked),
            },
            Kind::Settled { message, act, trigger, .. } if act.is_final() => {
                let ahead = (trigger == SettleTrigger::Delivery)
                    .then(|| Held::at(PartitionId(0), u64::MAX));
                if let Some(held) = ahead {
                    self.held.entry(message).or_insert(held).is_settled = true;
                }
                self.change(message, |held| held.settled());
            }
            Kind::Committed { partition, upto, .. } => {
                let all = self.held.values_mut().filter(|held| held.partition == partition);
                all.filter(|held| held.position < upto).for_each(Held::settled);
            }
            Kind::SettleEnded { message, act, .. } if act != SettleAct::Extend => {
                self.held.retain(|id, held| *id != message || held.goes_on_after_its_settle());
                self.goes_on(message);
            }
            Kind::Revoked { partition, .. } | Kind::Lost { partition, .. } => {
                let is_gone =
                    |held: &Held| held.partition == partition && held.window == Window::Buffered;
                self.held.retain(|_, held| !is_gone(held));
            }
            _ => {}
        }
    }

    fn change(&mut self, message: MessageId, change: impl FnOnce(&mut Held)) {
        if let Some(held) = self.held.get_mut(&message) {
            change(held);
        }
    }

    /// A commit asks for all that is done before it.
    fn commit_asked(&mut self, partition: PartitionId, position: u64) {
        let all = self.held.values_mut().filter(|held| held.partition == partition);
        for held in all.filter(|held| held.position <= position) {
            held.window = Window::SettleAsked;
        }
    }

    /// The next step is taken, and what was settled and done before is over.
    fn goes_on(&mut self, with: MessageId) {
        self.held
            .retain(|id, held| *id == with || !(held.window == Window::Settled && held.is_done));
    }
}

impl Held {
    const fn at(partition: PartitionId, position: u64) -> Self {
        let (is_settled, is_done) = (false, false);
        Self { window: Window::Buffered, partition, position, is_settled, is_done }
    }

    /// Its settle is recorded. What is settled before its handler has begun is as good as buffered
    /// when the settle is its delivery.
    fn settled(&mut self) {
        self.is_settled = true;
        if matches!(self.window, Window::SettleAsked | Window::EffectDone) {
            self.window = Window::Settled;
        }
    }

    /// Its consumer has learnt of its settle. What is settled first is processed after that.
    fn goes_on_after_its_settle(&self) -> bool {
        !self.is_done && self.is_settled
    }
}
