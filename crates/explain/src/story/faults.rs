//! The words for faults, and which faults concern a message.

use entrega_choice::Point;
use entrega_model::{Event, Kind, MessageId, ProcessId};
use entrega_scenario::points::{self, Act, Call, Fault, Leg, Moment, Site, Zone};

use super::chronicle::Chronicle;
use super::delays;

/// A fault that was injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Injected {
    /// The index of its event.
    pub(crate) at: usize,
    pub(crate) fault: Fault,
    /// Where it struck.
    pub(crate) site: Site,
    /// What happened there, whatever its delay.
    pub(crate) act: Act,
    /// Until when it delays.
    pub(crate) zone: Zone,
    pub(crate) process: ProcessId,
    /// The message that it befell.
    pub(crate) message: Option<MessageId>,
}

impl Injected {
    /// The fault at a place in the run, if there is one.
    pub(crate) fn at(events: &[Event], at: usize) -> Option<Self> {
        let Kind::Faulted { point, alternative, process, message } = events.get(at)?.kind else {
            return None;
        };
        let (info, _) = points::describe(Point(point));
        let &points::FaultInfo { fault, site, .. } = info;
        let &points::Alternative { act, zone, .. } = info.alternative(alternative.into())?;
        let in_handler = matches!(site, Site::Leg(Call::Effect | Call::DeadLetter, _));
        let message = if in_handler { in_work(events, process, at) } else { message };
        Some(Self { at, fault, site, act, zone, process, message })
    }

    /// The fault that made a process crash at a place.
    pub(super) fn behind_crash(chronicle: &Chronicle<'_>, crash: usize) -> Option<Self> {
        let adjacent = Self::at(chronicle.events, crash.checked_sub(1)?).filter(Self::is_crash);
        adjacent.or_else(|| delays::behind_crash(chronicle, crash))
    }

    pub(crate) fn is_crash(&self) -> bool {
        self.act == Act::Crash
    }

    /// Whether it holds a process up and lets it live.
    pub(super) fn holds_up(&self) -> bool {
        self.act.is_stall() || self.act == Act::Slow
    }

    /// Whether a message arrives twice because of it.
    pub(super) fn doubles(&self, call: Call) -> bool {
        self.site == Site::Leg(call, Leg::Request) && self.act == Act::Duplicated
    }

    /// Whether something waits until a zone, as only an exploration or a replay chooses.
    pub(super) fn is_in_zone(&self) -> bool {
        matches!(self.zone, Zone::Calm | Zone::Expiry | Zone::Takeover)
    }

    /// Whether a group notices that a member is away.
    fn shakes_the_group(&self) -> bool {
        self.is_crash()
            || self.holds_up()
            || matches!(self.site, Site::Group | Site::Leg(Call::Receive, _))
    }

    /// What happened, as a main clause: `the request to settle m2 is lost`, `mailer 1 stalls before
    /// the effect of m2 until its session has ended`.
    pub(super) fn clause(&self, chronicle: &Chronicle<'_>) -> String {
        let what = self.brief(chronicle);
        match (delays::until(self, chronicle), self.is_crash()) {
            (None, _) => what,
            (Some(until), false) => format!("{what} {until}"),
            (Some(until), true) => {
                let who = chronicle.name(self.process);
                format!("{who} is slow {until} and then crashes {}", self.moment())
            }
        }
    }

    /// The same without its end: of a delay, because what follows tells it.
    pub(super) fn brief(&self, chronicle: &Chronicle<'_>) -> String {
        let who = chronicle.name(self.process);
        let m = self.message.map_or_else(|| "a message".to_owned(), super::name);
        let leg = |what: String| format!("{what} {}", travel(self.act));
        match self.fault {
            Fault::SendRequest => leg(format!("the request to store {m}")),
            Fault::SendResponse => leg(format!("the answer that {m} is stored")),
            Fault::BrokerRestart => "the broker restarts".to_owned(),
            Fault::ArrivalOrder => delays::overtaking(self, chronicle),
            Fault::ReceiveRequest => leg(format!("a request of {who} for messages")),
            Fault::ReceiveResponse => leg(format!("an answer with messages for {who}")),
            Fault::MessagePoison => format!("{m} is poison, and the handler of {who} fails on it"),
            Fault::HandlerError => format!("the handler of {who} fails on {m}"),
            Fault::HandlerSlow => format!("{who} is slow at {m}"),
            Fault::ProcessStall if self.act == Act::StallBefore => {
                format!("{who} stalls before the effect of {m}")
            }
            Fault::ProcessStall => format!("{who} stalls after the effect of {m}"),
            Fault::EffectRequest => leg(format!("the request for the effect of {m}")),
            Fault::EffectResponse => leg(format!("the sink's answer about {m}")),
            Fault::SettleRequest => leg(format!("the request to settle {m}")),
            Fault::SettleResponse => leg(format!("the answer that {m} is settled")),
            Fault::DeadLetterRequest => leg(format!("the request to dead-letter {m}")),
            Fault::DeadLetterResponse => leg(format!("the answer that {m} is dead-lettered")),
            Fault::GroupRebalance => format!("the group rebalances while {who} works on {m}"),
            Fault::EffectBefore | Fault::EffectAfter if self.is_in_zone() => {
                format!("{who} is slow {}", self.moment())
            }
            Fault::EffectBefore | Fault::EffectAfter | Fault::SettleAfter => {
                format!("{who} crashes {}", self.moment())
            }
        }
    }

    /// When a process crashes: `after the effect of m2`.
    fn moment(&self) -> String {
        let m = self.message.map_or_else(|| "a message".to_owned(), super::name);
        match self.site {
            Site::Crash(Moment::BeforeEffect) => format!("before the effect of {m}"),
            Site::Crash(Moment::AfterEffect) => format!("after the effect of {m}"),
            _ => format!("right after settling {m}"),
        }
    }

    /// Whether it concerns the message of the chronicle: it befell it, or a settle that covers it.
    fn concerns(&self, chronicle: &Chronicle<'_>) -> bool {
        if self.message == Some(chronicle.id) {
            return true;
        }
        let Site::Leg(Call::Settle, leg) = self.site else { return false };
        let now = chronicle.events[self.at].at;
        let with_it = |kind: &Kind| {
            matches!(*kind, Kind::SettleInvoked { message, consumer, .. }
                if (message, consumer) == (chronicle.id, self.process))
        };
        let asked = chronicle.last(self.at, with_it);
        asked.is_some_and(|asked| leg == Leg::Response || chronicle.events[asked].at == now)
    }
}

/// The message that a consumer works on at a place.
fn in_work(events: &[Event], consumer: ProcessId, at: usize) -> Option<MessageId> {
    events[..at].iter().rev().find_map(|event| match event.kind {
        Kind::ProcessingStarted { message, consumer: by, .. } if by == consumer => Some(message),
        _ => None,
    })
}

/// What a leg of a call does.
fn travel(act: Act) -> &'static str {
    match act {
        Act::Lost => "is lost",
        Act::Late => "is late",
        Act::Duplicated => "arrives twice",
        _ => "goes wrong",
    }
}

/// The faults of `process` between two places that concern the message and do not make it crash
/// until then; with `delays`, also those that held the process up at another message.
pub(super) fn concerning(
    chronicle: &Chronicle<'_>,
    process: ProcessId,
    between: (usize, usize),
    delays: bool,
) -> Vec<Injected> {
    concerning_of(chronicle, |one| one == process, between, delays)
}

/// The faults of producers before a place that concern the message.
pub(super) fn while_sending(chronicle: &Chronicle<'_>, until: usize) -> Vec<Injected> {
    concerning_of(chronicle, |one| chronicle.is_producer(one), (0, until), false)
}

fn concerning_of(
    chronicle: &Chronicle<'_>,
    is_of: impl Fn(ProcessId) -> bool,
    (from, until): (usize, usize),
    delays: bool,
) -> Vec<Injected> {
    (from..until.min(chronicle.events.len()))
        .filter_map(|at| Injected::at(chronicle.events, at))
        .filter(|fault| is_of(fault.process))
        .filter(|fault| !fault.is_crash() || delays::outlasts(fault, chronicle, until))
        .filter(|fault| {
            let delay = fault.is_crash() || fault.holds_up();
            fault.concerns(chronicle) || (delays && delay)
        })
        .collect()
}

/// What kept the message from being handed over before a place: the last fault since it was stored
/// that befell a request for messages or its answer.
pub(super) fn before_delivery(chronicle: &Chronicle<'_>, until: usize) -> Option<Injected> {
    let stored = chronicle.stored().first().copied()?;
    let mut faults = (stored..until)
        .rev()
        .filter_map(|at| Injected::at(chronicle.events, at))
        .filter(|fault| matches!(fault.site, Site::Leg(Call::Receive, _)));
    faults.next()
}

/// The faults between two places that can make a group rebalance, or that keep a consumer from
/// settling what it holds, for a story that nothing nearer explains. None if they are too many:
/// then most have nothing to do with it.
pub(super) fn behind_the_clock(
    chronicle: &Chronicle<'_>,
    holder: Option<ProcessId>,
    (from, until): (usize, usize),
) -> Vec<Injected> {
    let mut faults = all(chronicle);
    faults.retain(|one| {
        let concerns = match holder {
            Some(holder) => one.process == holder && !one.is_crash(),
            None => {
                let whose = chronicle.subscription_of(one.process);
                whose == Some(chronicle.subscription) && one.shakes_the_group()
            }
        };
        concerns && one.site != Site::Arrivals && (from..until).contains(&one.at)
    });
    if faults.len() > MANY { Vec::new() } else { faults }
}

/// More faults than this say nothing in a sentence.
pub(super) const MANY: usize = 3;

/// All faults of a run.
pub(super) fn all(chronicle: &Chronicle<'_>) -> Vec<Injected> {
    (0..chronicle.events.len()).filter_map(|at| Injected::at(chronicle.events, at)).collect()
}

/// The clauses of faults, each once.
pub(super) fn clauses(chronicle: &Chronicle<'_>, faults: &[Injected]) -> Vec<String> {
    each_once(faults.iter().map(|fault| fault.clause(chronicle)))
}

/// The same without the ends of delays, which the clause that follows tells.
pub(super) fn brief_clauses(chronicle: &Chronicle<'_>, faults: &[Injected]) -> Vec<String> {
    each_once(faults.iter().map(|fault| fault.brief(chronicle)))
}

fn each_once(all: impl Iterator<Item = String>) -> Vec<String> {
    let mut clauses: Vec<String> = Vec::new();
    for clause in all {
        if !clauses.contains(&clause) {
            clauses.push(clause);
        }
    }
    clauses
}
