//! The fault points: every place where the world may go wrong, with a stable name.
//!
//! A point belongs to one subscription (`mailer.effect.after`), to the producer (`send.request`) or
//! to the broker (`broker.restart`), so that a fault of the mailer does not shift the faults of
//! analytics. Alternative 0 of every point is the harmless one and has no name; the others are
//! listed here.

use std::sync::Arc;

use entrega_choice::{Point, PointSpec};
use entrega_model::SubscriptionId;

/// What can go wrong with one leg (request or response) of a call: the first three by chance.
const LEG: &[&str] = &["lost", "late", "duplicated", "late-calm", "late-expiry", "late-takeover"];
/// A handler that is slow, for a span or until a zone.
const SLOW: &[&str] = &["slow", "slow-calm", "slow-expiry", "slow-takeover"];
/// A crash, at once or after having been slow until a zone.
const CRASH: &[&str] = &["crash", "crash-calm", "crash-expiry", "crash-takeover"];
/// A stall, for a span or until a zone.
const STALL: &[&str] =
    &["before", "after", "before-expiry", "before-takeover", "after-expiry", "after-takeover"];
/// A rebalance before or after an effect.
const REBALANCE: &[&str] = &["before", "after"];
/// Which of several requests that arrive at one instant comes first.
const ORDER: &[&str] = &["second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"];

/// Alternative of a leg: it never arrives.
pub const LOST: u32 = 1;
/// Alternative of a leg: it arrives after the additional time `times.late`.
pub const LATE: u32 = 2;
/// Alternative of a leg: it arrives twice.
pub const DUPLICATED: u32 = 3;

/// Alternative of [`Fault::ProcessStall`]: before the effect.
pub const STALL_BEFORE: u32 = 1;
/// Alternative of [`Fault::ProcessStall`]: after the effect.
pub const STALL_AFTER: u32 = 2;

/// Alternative of [`Fault::GroupRebalance`]: before the effect.
pub const REBALANCE_BEFORE: u32 = 1;
/// Alternative of [`Fault::GroupRebalance`]: after the effect.
pub const REBALANCE_AFTER: u32 = 2;

/// How long a delay lasts. Chance draws spans; an exploration has no spans and lets a delay end
/// where it makes a difference (`design`: delays are zones, never numbers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Zone {
    /// No delay at all.
    Now,
    /// The span that the scenario's `[times]` give.
    Span,
    /// Until only timers are left: everybody else has done what can be done without waiting.
    Calm,
    /// Until just after the next deadline: a lease or session ends, or the caller's own timeout.
    Expiry,
    /// Until all is calm again after a lease or session has ended: somebody else has taken over.
    Takeover,
}

/// A kind of fault point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Fault {
    /// The producer's request to store a message.
    SendRequest,
    /// The broker's answer to it.
    SendResponse,
    /// The broker handles any request, then restarts and forgets what was in flight.
    BrokerRestart,
    /// Requests of several processes arrive at one instant: another one than the first is handled
    /// first. No fault but an order; only an exploration chooses it.
    ArrivalOrder,
    /// A consumer's request for messages.
    ReceiveRequest,
    /// The messages on their way to the consumer.
    ReceiveResponse,
    /// A message turns out to be poison: every attempt to process it fails. Picked once for each
    /// message and subscription, when it is first processed.
    MessagePoison,
    /// The handler fails before its effect; another attempt may succeed.
    HandlerError,
    /// The handler takes the additional time `times.slow`; heartbeats and timers of the process go
    /// on.
    HandlerSlow,
    /// Everything in the process stops for `times.stall`, heartbeats included: `before` it asks the
    /// sink for the effect, or `after` it has the sink's answer. Picked once for each attempt at an
    /// effect.
    ProcessStall,
    /// The process dies when it is about to ask the sink for the effect.
    EffectBefore,
    /// The request to the sink.
    EffectRequest,
    /// The sink's answer.
    EffectResponse,
    /// The process dies when it has the sink's answer.
    EffectAfter,
    /// The consumer's request to settle.
    SettleRequest,
    /// The broker's answer to it.
    SettleResponse,
    /// The process dies when it has the broker's answer to a settle that the application asked for.
    SettleAfter,
    /// The consumer's request to write a dead letter.
    DeadLetterRequest,
    /// The answer to it.
    DeadLetterResponse,
    /// The group of the subscription rebalances, as when a member joins or a topic grows: `before`
    /// a consumer asks the sink for an effect, or `after` it has the sink's answer. Only a log has
    /// groups. Picked once for each attempt at an effect.
    GroupRebalance,
}

/// How a kind of fault point is named, and what it can do.
#[derive(Clone, Copy, Debug)]
pub struct FaultInfo {
    /// The kind.
    pub fault: Fault,
    /// The stable name, without the subscription.
    pub name: &'static str,
    /// Names of the alternatives from 1 on.
    pub alternatives: &'static [&'static str],
    /// How many of them can happen by chance or script; they come first. The others are delays
    /// until a [`Zone`], which only an exploration or a replay chooses.
    pub by_chance: usize,
    /// Whether each subscription has a point of its own.
    pub per_subscription: bool,
}

/// All kinds, in the order of [`Fault`].
pub const FAULTS: [FaultInfo; 20] = [
    shared(Fault::SendRequest, "send.request", LEG, 3),
    shared(Fault::SendResponse, "send.response", LEG, 3),
    shared(Fault::BrokerRestart, "broker.restart", &["restart"], 1),
    shared(Fault::ArrivalOrder, "arrival.order", ORDER, 0),
    own(Fault::ReceiveRequest, "receive.request", LEG, 3),
    own(Fault::ReceiveResponse, "receive.response", LEG, 3),
    own(Fault::MessagePoison, "message.poison", &["poison"], 1),
    own(Fault::HandlerError, "handler.error", &["transient"], 1),
    own(Fault::HandlerSlow, "handler.slow", SLOW, 1),
    own(Fault::ProcessStall, "process.stall", STALL, 2),
    own(Fault::EffectBefore, "effect.before", CRASH, 1),
    own(Fault::EffectRequest, "effect.request", LEG, 3),
    own(Fault::EffectResponse, "effect.response", LEG, 3),
    own(Fault::EffectAfter, "effect.after", CRASH, 1),
    own(Fault::SettleRequest, "settle.request", LEG, 3),
    own(Fault::SettleResponse, "settle.response", LEG, 3),
    own(Fault::SettleAfter, "settle.after", &["crash"], 1),
    own(Fault::DeadLetterRequest, "dead_letter.request", LEG, 3),
    own(Fault::DeadLetterResponse, "dead_letter.response", LEG, 3),
    own(Fault::GroupRebalance, "group.rebalance", REBALANCE, 2),
];

/// How many kinds belong to no subscription; they come first.
const SHARED: usize = 4;
const OWN: usize = FAULTS.len() - SHARED;

const fn shared(
    fault: Fault,
    name: &'static str,
    alternatives: &'static [&'static str],
    by_chance: usize,
) -> FaultInfo {
    FaultInfo { fault, name, alternatives, by_chance, per_subscription: false }
}

const fn own(
    fault: Fault,
    name: &'static str,
    alternatives: &'static [&'static str],
    by_chance: usize,
) -> FaultInfo {
    FaultInfo { fault, name, alternatives, by_chance, per_subscription: true }
}

impl FaultInfo {
    /// The alternatives that can happen by chance or script.
    pub fn chances(&self) -> &'static [&'static str] {
        &self.alternatives[..self.by_chance]
    }

    /// What an alternative is, whatever its delay, and until when it delays: `late-calm` is
    /// ([`LATE`], [`Zone::Calm`]).
    pub fn decode(&self, alternative: u32) -> (u32, Zone) {
        let name = (alternative as usize).checked_sub(1).and_then(|at| self.alternatives.get(at));
        let Some((base, zone)) = name.and_then(|name| name.split_once('-')) else {
            return (alternative, self.zone_by_chance(alternative));
        };
        let base = self.alternatives.iter().position(|name| *name == base).unwrap_or(0);
        let zone = match zone {
            "calm" => Zone::Calm,
            "expiry" => Zone::Expiry,
            _ => Zone::Takeover,
        };
        (base as u32 + 1, zone)
    }

    /// The alternatives in which an exploration meets `base`: delays end in zones there.
    pub fn explored(&self, base: u32) -> impl Iterator<Item = u32> {
        let all = 1..=self.alternatives.len() as u32;
        all.filter(move |&alternative| {
            let (of, zone) = self.decode(alternative);
            of == base && zone != Zone::Span
        })
    }

    const fn zone_by_chance(&self, alternative: u32) -> Zone {
        match (self.fault, alternative) {
            (_, 0) => Zone::Now,
            (Fault::HandlerSlow | Fault::ProcessStall, _) => Zone::Span,
            (Fault::GroupRebalance, _) => Zone::Now,
            _ if self.by_chance == 3 && alternative == LATE => Zone::Span,
            _ => Zone::Now,
        }
    }
}

/// The kind at this place in the table.
#[inline]
pub const fn info(fault: Fault) -> &'static FaultInfo {
    &FAULTS[fault as usize]
}

/// The dense index of a point that belongs to no subscription.
#[inline]
pub const fn shared_point(fault: Fault) -> Point {
    Point(fault as u16)
}

/// The dense index of a subscription's point.
#[inline]
pub const fn own_point(fault: Fault, subscription: SubscriptionId) -> Point {
    Point((SHARED + subscription.0 as usize * OWN + (fault as usize - SHARED)) as u16)
}

/// What a dense index stands for: the kind, and the subscription if it belongs to one.
pub fn describe(point: Point) -> (&'static FaultInfo, Option<SubscriptionId>) {
    let index = usize::from(point.0);
    if index < SHARED {
        return (&FAULTS[index], None);
    }
    let own = index - SHARED;
    (&FAULTS[SHARED + own % OWN], Some(SubscriptionId((own / OWN) as u8)))
}

/// What can go wrong, whatever its delay: a kind of point, and an alternative by chance.
pub type FaultKind = (Fault, u32);

/// Everything that can go wrong by chance, in the order of the table.
pub fn kinds() -> impl Iterator<Item = FaultKind> {
    FAULTS.iter().flat_map(|info| (1..=info.by_chance as u32).map(|base| (info.fault, base)))
}

/// The choices by which an exploration of one subscription makes a fault of this kind happen.
pub fn chosen_in((fault, base): FaultKind) -> impl Iterator<Item = (Point, u32)> {
    let info = info(fault);
    let point = match info.per_subscription {
        true => own_point(fault, SubscriptionId(0)),
        false => shared_point(fault),
    };
    info.explored(base).map(move |value| (point, value))
}

/// The table of points of a scenario with these subscriptions.
pub fn table(subscriptions: &[&str]) -> Arc<[PointSpec]> {
    let count = SHARED + subscriptions.len() * OWN;
    (0..count)
        .map(|index| {
            let (info, subscription) = describe(Point(index as u16));
            let name = match subscription {
                None => info.name.to_owned(),
                Some(id) => [subscriptions[id.index()], info.name].join("."),
            };
            PointSpec { name, alternatives: info.alternatives }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_is_found_again() {
        for info in &FAULTS {
            let point = if info.per_subscription {
                own_point(info.fault, SubscriptionId(1))
            } else {
                shared_point(info.fault)
            };
            let (found, subscription) = describe(point);
            assert_eq!(found.fault, info.fault);
            assert_eq!(subscription.is_some(), info.per_subscription);
        }
    }

    #[test]
    fn delays_end_in_zones() {
        let check = |fault, alternative, expect| {
            assert_eq!(info(fault).decode(alternative), expect, "{fault:?} {alternative}");
        };
        check(Fault::SettleRequest, LOST, (LOST, Zone::Now));
        check(Fault::SettleRequest, LATE, (LATE, Zone::Span));
        check(Fault::SettleRequest, 5, (LATE, Zone::Expiry));
        check(Fault::ProcessStall, STALL_AFTER, (STALL_AFTER, Zone::Span));
        check(Fault::ProcessStall, 6, (STALL_AFTER, Zone::Takeover));
        check(Fault::EffectAfter, 1, (1, Zone::Now));
        check(Fault::EffectAfter, 2, (1, Zone::Calm));
        check(Fault::HandlerSlow, 1, (1, Zone::Span));
        let explored = |fault, base| info(fault).explored(base).collect::<Vec<_>>();
        assert_eq!(explored(Fault::SettleRequest, LOST), [LOST]);
        assert_eq!(explored(Fault::SettleRequest, LATE), [4, 5, 6]);
        assert_eq!(explored(Fault::EffectAfter, 1), [1, 2, 3, 4]);
        assert_eq!(explored(Fault::ProcessStall, STALL_BEFORE), [3, 4]);
    }

    #[test]
    fn a_kind_of_fault_is_chosen_with_its_zones() {
        assert_eq!(kinds().filter(|&(fault, _)| fault == Fault::ProcessStall).count(), 2);
        let check = |kind, expect: &[u32]| {
            let values: Vec<u32> = chosen_in(kind).map(|(_, value)| value).collect();
            assert_eq!(values, expect, "{kind:?}");
        };
        check((Fault::SettleRequest, LATE), &[4, 5, 6]);
        check((Fault::BrokerRestart, 1), &[1]);
        assert!(kinds().all(|kind| chosen_in(kind).count() > 0));
    }

    #[test]
    fn the_table_is_in_the_order_of_the_kinds() {
        for (index, info) in FAULTS.iter().enumerate() {
            assert_eq!(info.fault as usize, index);
            assert!(info.by_chance <= info.alternatives.len());
        }
    }

    #[test]
    fn names_carry_the_subscription() {
        let table = table(&["mailer", "analytics"]);
        let point = own_point(Fault::EffectAfter, SubscriptionId(1));
        assert_eq!(table[usize::from(point.0)].name, "analytics.effect.after");
    }
}
