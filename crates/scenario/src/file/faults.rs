//! What may go wrong, and how likely it is: the table `[faults]`.
//!
//! The tables follow the names of the fault points (see [`crate::points`]): `effect.before` is the
//! table `before` in the table `effect`, and each of its keys is an alternative with its
//! probability, as in `effect.before = { crash = "1/1000" }`. A point that is not named never
//! fires.

use entrega_choice::Ratio;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Probability;
use crate::points::{self, Fault};

/// Probabilities for every fault point. What a subscription says in its own `faults` replaces what
/// stands here, point by point.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// The producer's requests to store a message, and the answers. Not for one subscription.
    pub send: Legs,
    /// The broker process. Not for one subscription.
    pub broker: BrokerFaults,
    /// A consumer's requests for messages, and the messages on their way.
    pub receive: Legs,
    /// The messages themselves.
    pub message: MessageFaults,
    /// The application's handler.
    pub handler: HandlerFaults,
    /// The consumer process as a whole.
    pub process: ProcessFaults,
    /// The consumer group, on a log.
    pub group: GroupFaults,
    /// Around the effect at the sink.
    pub effect: EffectFaults,
    /// Around settling: acks and commits.
    pub settle: SettleFaults,
    /// A consumer's writes to the dead letters, and the answers.
    pub dead_letter: Legs,
}

/// Both legs of a remote call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Legs {
    /// The request on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Leg>,
    /// The answer on its way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Leg>,
}

/// What can go wrong with one leg of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Leg {
    /// It never arrives.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<Probability>,
    /// It arrives after the additional time `times.late`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub late: Option<Probability>,
    /// It arrives twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duplicated: Option<Probability>,
}

/// Faults of the broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BrokerFaults {
    /// Picked whenever it handles a request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<Restart>,
}

/// The broker goes down and comes back with its disk intact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Restart {
    /// It forgets what was in flight and is away for `times.broker_restart`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restart: Option<Probability>,
}

/// Faults of messages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MessageFaults {
    /// Picked once for each message and subscription.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poison: Option<Poison>,
}

/// A message that cannot be processed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Poison {
    /// Every attempt to process it fails.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub poison: Option<Probability>,
}

/// Faults of the handler.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HandlerFaults {
    /// The handler ends with an error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<HandlerError>,
    /// The handler takes longer; heartbeats and timers of the process go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow: Option<Slow>,
}

/// An error of the handler before its effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HandlerError {
    /// Another attempt may succeed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transient: Option<Probability>,
}

/// A handler that takes its time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Slow {
    /// It takes the additional time `times.slow`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slow: Option<Probability>,
}

/// Faults of the consumer process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProcessFaults {
    /// Picked once for each attempt at an effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stall: Option<Stall>,
}

/// Faults of a consumer group, which only a log has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GroupFaults {
    /// Picked once for each attempt at an effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rebalance: Option<Rebalance>,
}

/// Everybody joins the group again, as when a member comes or a topic grows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rebalance {
    /// It comes before a consumer asks the sink for the effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Probability>,
    /// It comes after the consumer has the sink's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Probability>,
}

/// A pause of the whole process for `times.stall`, heartbeats included, as by a garbage collector
/// or a suspended machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Stall {
    /// It comes before the process asks the sink for the effect.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Probability>,
    /// It comes after the process has the sink's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Probability>,
}

/// Faults around the effect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EffectFaults {
    /// When the process is about to ask the sink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Crash>,
    /// The request to the sink.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Leg>,
    /// The sink's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Leg>,
    /// When the process has the sink's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Crash>,
}

/// Faults around a settle.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SettleFaults {
    /// The request to settle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<Leg>,
    /// The broker's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Leg>,
    /// When the process has the broker's answer to a settle that the application asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Crash>,
}

/// The end of a process without a goodbye.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Crash {
    /// The process dies and comes back after `times.restart` with an empty memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crash: Option<Probability>,
}

/// The probabilities of one point's alternatives, from alternative 1 on; nothing if it is not
/// named.
pub(crate) type PointOdds = Option<[Option<Probability>; 3]>;

impl Faults {
    /// What is said about one point: the probabilities of its alternatives in the order of
    /// [`crate::points::FAULTS`].
    pub(crate) fn point(&self, fault: Fault) -> PointOdds {
        match fault {
            Fault::SendRequest => leg(&self.send.request),
            Fault::SendResponse => leg(&self.send.response),
            Fault::BrokerRestart => single(&self.broker.restart, |point| point.restart),
            Fault::ArrivalOrder => None,
            Fault::ReceiveRequest => leg(&self.receive.request),
            Fault::ReceiveResponse => leg(&self.receive.response),
            Fault::MessagePoison => single(&self.message.poison, |point| point.poison),
            Fault::HandlerError => single(&self.handler.error, |point| point.transient),
            Fault::HandlerSlow => single(&self.handler.slow, |point| point.slow),
            Fault::ProcessStall => stall(&self.process.stall),
            Fault::EffectBefore => single(&self.effect.before, |point| point.crash),
            Fault::EffectRequest => leg(&self.effect.request),
            Fault::EffectResponse => leg(&self.effect.response),
            Fault::EffectAfter => single(&self.effect.after, |point| point.crash),
            Fault::SettleRequest => leg(&self.settle.request),
            Fault::SettleResponse => leg(&self.settle.response),
            Fault::SettleAfter => single(&self.settle.after, |point| point.crash),
            Fault::DeadLetterRequest => leg(&self.dead_letter.request),
            Fault::DeadLetterResponse => leg(&self.dead_letter.response),
            Fault::GroupRebalance => {
                self.group.rebalance.as_ref().map(|point| [point.before, point.after, None])
            }
        }
    }

    /// Every alternative that can happen, as (point, alternative, probability), in the order of the
    /// points. `overriding` is a subscription's own table: then the points of a subscription are
    /// listed, with its own odds where it gives any; without one, the points that all share.
    pub fn odds<'f>(
        &'f self,
        overriding: Option<&'f Self>,
    ) -> impl Iterator<Item = (Fault, u32, Ratio)> + 'f {
        let wanted = overriding.is_some();
        points::FAULTS.iter().filter(move |info| info.per_subscription == wanted).flat_map(
            move |info| {
                let own = overriding.and_then(|own| own.point(info.fault));
                let odds = own.or_else(|| self.point(info.fault)).unwrap_or_default();
                (1..).zip(odds).filter_map(move |(alternative, probability)| {
                    let ratio = probability?.0;
                    (!ratio.is_zero()).then_some((info.fault, alternative, ratio))
                })
            },
        )
    }
}

fn leg(leg: &Option<Leg>) -> PointOdds {
    leg.as_ref().map(|leg| [leg.lost, leg.late, leg.duplicated])
}

fn stall(stall: &Option<Stall>) -> PointOdds {
    stall.as_ref().map(|stall| [stall.before, stall.after, None])
}

fn single<T>(point: &Option<T>, alternative: impl Fn(&T) -> Option<Probability>) -> PointOdds {
    point.as_ref().map(|point| [alternative(point), None, None])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Faults {
        toml::from_str(text).expect("faults")
    }

    fn shown(odds: impl Iterator<Item = (Fault, u32, Ratio)>) -> Vec<String> {
        odds.map(|(fault, value, ratio)| format!("{fault:?} {value} {ratio}")).collect()
    }

    /// Every point and alternative of the table can be named, and lands on itself.
    #[test]
    fn the_tables_follow_the_points() {
        for info in &points::FAULTS {
            for (value, alternative) in (1..).zip(info.chances()) {
                let all = faults(&format!("{} = {{ {alternative} = '1/7' }}", info.name));
                let own = info.per_subscription.then(Faults::default);
                let expect = format!("{:?} {value} 1/7", info.fault);
                assert_eq!(shown(all.odds(own.as_ref())), [expect]);
            }
        }
    }

    #[test]
    fn a_subscription_replaces_whole_points() {
        let shared = faults(
            "send.request = { lost = 0.5 }\n\
             effect.before = { crash = 0.25 }\n\
             settle.request = { lost = 0.5, late = 0.25, duplicated = 0 }",
        );
        let own = faults("settle.request = { duplicated = '1%' }");
        assert_eq!(shown(shared.odds(None)), ["SendRequest 1 1/2"]);
        let inherited = ["EffectBefore 1 1/4", "SettleRequest 1 1/2", "SettleRequest 2 1/4"];
        assert_eq!(shown(shared.odds(Some(&Faults::default()))), inherited);
        let replaced = ["EffectBefore 1 1/4", "SettleRequest 3 1/100"];
        assert_eq!(shown(shared.odds(Some(&own))), replaced);
    }
}
