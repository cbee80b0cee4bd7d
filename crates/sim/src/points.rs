//! The fault points: every place where the world may go wrong, with a stable name.
//!
//! A point belongs to one subscription (`mailer.effect.after`), to the producer (`send.request`) or
//! to the broker (`broker.restart`), so that a fault of the mailer does not shift the faults of
//! analytics. Alternative 0 of every point is the harmless one and has no name; the others are
//! listed here.

use std::sync::Arc;

use entrega_choice::{Point, PointSpec};
use entrega_model::SubscriptionId;

/// What can go wrong with one leg (request or response) of a call.
pub const LEG: &[&str] = &["lost", "late", "duplicated"];

/// Alternative of [`LEG`]: it never arrives.
pub const LOST: u32 = 1;
/// Alternative of [`LEG`]: it arrives after the additional time `times.late`.
pub const LATE: u32 = 2;
/// Alternative of [`LEG`]: it arrives twice.
pub const DUPLICATED: u32 = 3;

/// Alternative of [`Fault::ProcessStall`]: before the effect.
pub const STALL_BEFORE: u32 = 1;
/// Alternative of [`Fault::ProcessStall`]: after the effect.
pub const STALL_AFTER: u32 = 2;

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
    /// Whether each subscription has a point of its own.
    pub per_subscription: bool,
}

/// All kinds, in the order of [`Fault`].
pub const FAULTS: [FaultInfo; 18] = [
    shared(Fault::SendRequest, "send.request", LEG),
    shared(Fault::SendResponse, "send.response", LEG),
    shared(Fault::BrokerRestart, "broker.restart", &["restart"]),
    own(Fault::ReceiveRequest, "receive.request", LEG),
    own(Fault::ReceiveResponse, "receive.response", LEG),
    own(Fault::MessagePoison, "message.poison", &["poison"]),
    own(Fault::HandlerError, "handler.error", &["transient"]),
    own(Fault::HandlerSlow, "handler.slow", &["slow"]),
    own(Fault::ProcessStall, "process.stall", &["before", "after"]),
    own(Fault::EffectBefore, "effect.before", &["crash"]),
    own(Fault::EffectRequest, "effect.request", LEG),
    own(Fault::EffectResponse, "effect.response", LEG),
    own(Fault::EffectAfter, "effect.after", &["crash"]),
    own(Fault::SettleRequest, "settle.request", LEG),
    own(Fault::SettleResponse, "settle.response", LEG),
    own(Fault::SettleAfter, "settle.after", &["crash"]),
    own(Fault::DeadLetterRequest, "dead_letter.request", LEG),
    own(Fault::DeadLetterResponse, "dead_letter.response", LEG),
];

/// How many kinds belong to no subscription; they come first.
const SHARED: usize = 3;
const OWN: usize = FAULTS.len() - SHARED;

const fn shared(
    fault: Fault,
    name: &'static str,
    alternatives: &'static [&'static str],
) -> FaultInfo {
    FaultInfo { fault, name, alternatives, per_subscription: false }
}

const fn own(fault: Fault, name: &'static str, alternatives: &'static [&'static str]) -> FaultInfo {
    FaultInfo { fault, name, alternatives, per_subscription: true }
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

/// The table of points of a scenario with these subscriptions.
pub fn table(subscriptions: &[&str]) -> Arc<[PointSpec]> {
    let count = SHARED + subscriptions.len() * OWN;
    (0..count)
        .map(|index| {
            let (info, subscription) = describe(Point(index as u16));
            let name = match subscription {
                None => info.name.to_owned(),
                Some(id) => format!("{}.{}", subscriptions[id.index()], info.name),
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
    fn names_carry_the_subscription() {
        let table = table(&["mailer", "analytics"]);
        let point = own_point(Fault::EffectAfter, SubscriptionId(1));
        assert_eq!(table[usize::from(point.0)].name, "analytics.effect.after");
    }
}
