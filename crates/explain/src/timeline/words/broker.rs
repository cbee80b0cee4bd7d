//! The words for what a broker stores and records.

use entrega_model::Kind;
use entrega_model::event::{RemoveReason, SettleAct};

use super::{BROKER, CONSUMER, Line, Teller, by, fault, line, verb};
use crate::story::name;

impl Teller<'_> {
    pub(super) fn storage(&self, kind: &Kind) -> Option<Line> {
        match *kind {
            Kind::Stored { message, subscription, partition, position, copy } => {
                let place = match subscription {
                    None => format!("at {partition}/{position}"),
                    Some(of) => format!("for {}", self.whose(of)),
                };
                let copy = if copy > 1 { format!(", copy {copy}") } else { String::new() };
                line(BROKER, format!("{} stored {place}{copy}", name(message)))
            }
            Kind::Removed { reason: RemoveReason::Settled, .. } => None,
            Kind::Removed { message, subscription, reason } => {
                let of =
                    subscription.map_or_else(String::new, |of| format!(" for {}", self.whose(of)));
                fault(BROKER, format!("! {} removed{of}: {reason:?}", name(message)).to_lowercase())
            }
            Kind::Retrievable { message, subscription } => line(
                BROKER,
                format!("{} still there for {}", name(message), self.whose(subscription)),
            ),
            _ => None,
        }
    }

    pub(super) fn progress(&self, kind: &Kind) -> Option<Line> {
        match *kind {
            Kind::Settled { message, consumer, act, trigger, .. } => {
                let sign = if act == SettleAct::Requeue { "↻" } else { "✓" };
                let (who, m) = (self.who(consumer), name(message));
                line(BROKER, format!("{sign} {}{} {m} of {who}", by(trigger), verb(act)))
            }
            Kind::Committed { consumer, partition, upto, previous, trigger, .. } => {
                let who = self.who(consumer);
                let text = format!("{}commit {partition}/{upto} of {who}", by(trigger));
                match upto < previous {
                    true => fault(BROKER, format!("! {text}, back from {previous}")),
                    false => line(BROKER, format!("✓ {text}")),
                }
            }
            Kind::LeaseExpired { message, consumer, .. } => {
                let (who, m) = (self.who(consumer), name(message));
                fault(BROKER, format!("! lease of {who} on {m} expires"))
            }
            Kind::Requeued { message, consumer, .. } => {
                line(BROKER, format!("↻ {} back from {}", name(message), self.who(consumer)))
            }
            Kind::SessionExpired { consumer, .. } => {
                fault(BROKER, format!("! session of {} expires", self.who(consumer)))
            }
            Kind::OffsetReset { consumer, partition, to, .. } => {
                line(BROKER, format!("{} resets to {partition}/{to}", self.who(consumer)))
            }
            Kind::Assigned { consumer, partition, position, .. } => line(
                CONSUMER,
                format!("{} gets partition {partition} at {position}", self.who(consumer)),
            ),
            Kind::Revoked { consumer, partition, .. } => {
                line(CONSUMER, format!("{} gives up partition {partition}", self.who(consumer)))
            }
            Kind::Sought { consumer, partition, from, to, .. } => {
                let text = format!("{} seeks {partition}/{to} from {from}", self.who(consumer));
                line(CONSUMER, text)
            }
            Kind::Lost { consumer, partition, .. } => {
                let who = self.who(consumer);
                fault(CONSUMER, format!("! {who} has lost partition {partition}"))
            }
            _ => None,
        }
    }
}
