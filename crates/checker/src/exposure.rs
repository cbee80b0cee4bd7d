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
//! A request to the sink that is on its way takes effect although its sender dies: that is a window
//! of its own, before the effect and unlike the time before the request. What waits in a client's
//! library is not seen; a message is *buffered* if the application was given it and has not begun,
//! or has failed on it.

use std::collections::BTreeMap;

use entrega_model::event::{Phase, ProcessingResult, SettleAct, SettleTrigger};
use entrega_model::{Event, Instant, Kind, MessageId, PartitionId, ProcessId, SubscriptionId};
use serde::Serialize;

/// A process that dies by time, and the fault point of that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedCrashes {
    /// Which one.
    pub process: ProcessId,
    /// The subscription that it reads.
    pub subscription: SubscriptionId,
    /// The point of [`Kind::Faulted`] that says that it dies by time.
    pub point: u16,
    /// Whether it waits for the answer to a settle. If not, it has gone on when that is recorded.
    pub confirms: bool,
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
    /// Its handler works on it.
    BeforeEffect,
    /// The sink is asked for the effect and has not applied it.
    EffectAsked,
    /// The effect is applied, and the next step not yet taken.
    EffectDone,
    /// The settle is asked for and not yet recorded.
    SettleAsked,
    /// The settle is recorded, and the consumer has not gone on.
    Settled,
}

impl Window {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Idle,
        Self::Buffered,
        Self::BeforeEffect,
        Self::EffectAsked,
        Self::EffectDone,
        Self::SettleAsked,
        Self::Settled,
    ];

    /// The stable name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Buffered => "buffered",
            Self::BeforeEffect => "before_effect",
            Self::EffectAsked => "effect_asked",
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
    pub windows: BTreeMap<Window, WindowExposure>,
}

/// One window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WindowExposure {
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
    processes: BTreeMap<ProcessId, Tracked>,
    is_over: bool,
}

/// A process.
#[derive(Clone, Debug)]
struct Tracked {
    of: TimedCrashes,
    found: Exposure,
    /// Since when it has what it has; none while it is down.
    since: Option<Instant>,
    held: BTreeMap<MessageId, Held>,
}

/// A message that it was given.
#[derive(Clone, Copy, Debug)]
struct Held {
    window: Window,
    /// Where it stands on a log, or its tag.
    place: Option<(PartitionId, u64)>,
    /// Its settle is recorded.
    is_settled: bool,
    /// Its handler has ended, with or without success.
    is_over: bool,
}

impl ExposureFold {
    pub(crate) fn new(crashes: &[TimedCrashes]) -> Self {
        let processes = crashes.iter().map(|of| (of.process, Tracked::new(*of))).collect();
        Self { processes, is_over: false }
    }

    pub(crate) fn clear(&mut self) {
        self.is_over = false;
        self.processes.values_mut().for_each(|one| *one = Tracked::new(one.of));
    }

    pub(crate) fn observe(&mut self, events: &[Event]) {
        for event in events.iter().filter(|_| !self.is_over) {
            if event.kind == (Kind::Entered { phase: Phase::Heal }) {
                self.is_over = true;
                return self.processes.values_mut().for_each(|one| one.ends(event.at));
            }
            let process = event.kind.process();
            if let Some(one) = process.and_then(|process| self.processes.get_mut(&process)) {
                one.observe(event);
            }
        }
    }

    /// What was found of a subscription, if any of its consumers dies by time.
    pub(crate) fn of(&self, subscription: SubscriptionId) -> Option<Exposure> {
        let all = self.processes.values().filter(|one| one.of.subscription == subscription);
        all.fold(None, |sum: Option<Exposure>, one| {
            let mut sum = sum.unwrap_or_default();
            sum.merge(&one.found);
            Some(sum)
        })
    }
}

impl Tracked {
    fn new(of: TimedCrashes) -> Self {
        Self { of, found: Exposure::default(), since: None, held: BTreeMap::new() }
    }

    /// Does something for each window in which it is.
    fn each_window(&mut self, mut note: impl FnMut(&mut WindowExposure)) {
        let mask = self.held.values().fold(0_u8, |mask, held| mask | 1 << held.window as u8);
        let mask = if mask == 0 { 1 << Window::Idle as u8 } else { mask };
        for window in Window::ALL.into_iter().filter(|window| mask >> *window as u8 & 1 == 1) {
            note(self.found.windows.entry(window).or_default());
        }
    }

    /// Counts the time until now.
    fn passes(&mut self, now: Instant) {
        let Some(since) = self.since.replace(now) else { return };
        let passed = now.since(since).as_nanos();
        if passed > 0 {
            self.found.lived_ns += passed;
            self.each_window(|window| window.time_ns += passed);
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
        self.each_window(|window| window.hits += 1);
    }

    fn observe(&mut self, event: &Event) {
        match event.kind {
            Kind::Started { .. } => self.since = Some(event.at),
            Kind::Crashed { .. } | Kind::Exited { .. } => self.ends(event.at),
            Kind::Faulted { point, .. } if point == self.of.point => self.is_hit(event.at),
            Kind::Delivered { .. }
            | Kind::ProcessingStarted { .. }
            | Kind::ProcessingEnded { .. }
            | Kind::EffectInvoked { .. }
            | Kind::Effect { .. } => {
                self.passes(event.at);
                self.works(&event.kind);
            }
            Kind::SettleInvoked { .. }
            | Kind::SettleEnded { .. }
            | Kind::Settled { .. }
            | Kind::Committed { .. }
            | Kind::Revoked { .. }
            | Kind::Lost { .. } => {
                self.passes(event.at);
                self.settles(&event.kind);
            }
            _ => {}
        }
    }

    /// A step of the application with a message. Whoever takes it has gone on from what was settled
    /// before. A handler that begins again on what it had settled first has it again.
    fn works(&mut self, kind: &Kind) {
        match *kind {
            Kind::Delivered { message, partition, position, .. } => {
                self.goes_on(message);
                let is_settled = self.held.get(&message).is_some_and(Held::is_ahead);
                let place = Some((partition, position));
                self.held.insert(message, Held { place, is_settled, ..Held::NEW });
            }
            Kind::ProcessingStarted { message, .. } => {
                self.goes_on(message);
                let again = Held { is_settled: true, ..Held::NEW };
                let held = self.held.entry(message).or_insert(again);
                (held.window, held.is_over) = (Window::BeforeEffect, false);
            }
            Kind::EffectInvoked { message, .. } => {
                self.change(message, |held| held.window = Window::EffectAsked);
            }
            Kind::Effect { message, .. } => {
                self.change(message, |held| held.window = Window::EffectDone);
            }
            Kind::ProcessingEnded { message, result, .. } => {
                let is_done = result == ProcessingResult::Ok;
                let window = if is_done { Window::EffectDone } else { Window::Buffered };
                self.change(message, |held| (held.window, held.is_over) = (window, true));
                self.held.retain(|id, held| *id != message || !held.is_settled);
            }
            _ => {}
        }
    }

    /// A step on the way of a settle, of one message or several, and the end of an assignment.
    fn settles(&mut self, kind: &Kind) {
        match *kind {
            Kind::SettleInvoked { partition, position, act: SettleAct::Commit, .. } => {
                self.change_upto(partition, position, |held| held.window = Window::SettleAsked);
            }
            Kind::SettleInvoked { message, act, .. } if act != SettleAct::Extend => {
                self.change(message, |held| held.window = Window::SettleAsked);
            }
            Kind::Settled { message, trigger: SettleTrigger::Delivery, .. } => {
                let ahead = Held { is_settled: true, ..Held::NEW };
                self.held.entry(message).or_insert(ahead);
            }
            Kind::Settled { message, act, .. } if act.is_final() => {
                self.change(message, Held::settled);
                self.goes_on_unanswered(message);
            }
            Kind::Committed { partition, upto, .. } if upto > 0 => {
                self.change_upto(partition, upto - 1, Held::settled);
            }
            Kind::Settled { message, .. } => self.goes_on_unanswered(message),
            Kind::SettleEnded { message, act, .. } if act != SettleAct::Extend => {
                self.held.retain(|id, held| *id != message || held.comes_after_its_settle());
                self.goes_on(message);
            }
            Kind::Revoked { partition, .. } | Kind::Lost { partition, .. } => {
                let is_of_it = |held: &Held| held.place.is_some_and(|(of, _)| of == partition);
                self.held.retain(|_, held| held.window != Window::Buffered || !is_of_it(held));
            }
            _ => {}
        }
    }

    /// A settle is recorded, of any kind, for whose answer nobody waits.
    fn goes_on_unanswered(&mut self, message: MessageId) {
        if !self.of.confirms {
            self.held.retain(|id, held| *id != message || held.comes_after_its_settle());
        }
    }

    fn change(&mut self, message: MessageId, change: impl FnOnce(&mut Held)) {
        if let Some(held) = self.held.get_mut(&message) {
            change(held);
        }
    }

    /// Changes all that it has of a partition up to a position.
    fn change_upto(&mut self, partition: PartitionId, last: u64, change: impl Fn(&mut Held)) {
        let is_before = |held: &&mut Held| {
            held.place.is_some_and(|(of, position)| of == partition && position <= last)
        };
        self.held.values_mut().filter(is_before).for_each(change);
    }

    /// The next step is taken, and what was settled and done before is over.
    fn goes_on(&mut self, with: MessageId) {
        self.held.retain(|id, held| *id == with || !(held.is_settled && held.is_over));
    }
}

impl Held {
    const NEW: Self =
        Self { window: Window::Buffered, place: None, is_settled: false, is_over: false };

    /// Settled by its delivery, which comes next.
    const fn is_ahead(&self) -> bool {
        self.is_settled && self.place.is_none()
    }

    /// Its settle is recorded. One that its handler works on all the same stays where it is.
    fn settled(&mut self) {
        self.is_settled = true;
        if matches!(self.window, Window::SettleAsked | Window::EffectDone) {
            self.window = Window::Settled;
        }
    }

    /// Its consumer has learnt of its settle, and has not processed it yet. What was not settled is
    /// not processed then.
    const fn comes_after_its_settle(&self) -> bool {
        self.is_settled && !self.is_over
    }
}
