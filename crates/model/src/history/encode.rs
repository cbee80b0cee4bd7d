//! From an event to the fields of its line.

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::names::Names;
use crate::event::{NO_POSITION, SendOutcome, SettleOutcome};
use crate::{DeliveryId, Event, Key, Kind, MessageId, PartitionId, ProcessId, SubscriptionId};

/// An event as a line of a history.
pub(super) struct EventLine<'a> {
    /// The event.
    pub(super) event: &'a Event,
    /// The names of subscriptions, by id.
    pub(super) subscriptions: &'a [String],
    /// The names of everything else.
    pub(super) names: &'a Names,
}

impl Serialize for EventLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let map = serializer.serialize_map(None)?;
        let mut line = Line { map, subscriptions: self.subscriptions, names: self.names };
        line.field("at", &self.event.at)?.field("event", name_of(&self.event.kind))?;
        line.message_fields(&self.event.kind)?;
        line.map.end()
    }
}

/// An id as its name, or as its number if it has none.
#[derive(Serialize)]
#[serde(untagged)]
enum Id<'a> {
    Name(&'a str),
    Number(u32),
}

struct Line<'a, M> {
    map: M,
    subscriptions: &'a [String],
    names: &'a Names,
}

impl<M: SerializeMap> Line<'_, M> {
    fn message_fields(&mut self, kind: &Kind) -> Result<&mut Self, M::Error> {
        match *kind {
            Kind::SendInvoked { message, key, producer, attempt } => self
                .message(message)?
                .key(key)?
                .process("producer", producer)?
                .field("attempt", &attempt),
            Kind::SendEnded { message, producer, .. } => {
                self.message(message)?.process("producer", producer)
            }
            Kind::Stored { message, subscription, partition, position, copy } => self
                .message(message)?
                .subscriptions(subscription)?
                .place(partition, position)?
                .field("copy", &copy),
            Kind::Removed { message, subscription, reason } => {
                self.message(message)?.subscriptions(subscription)?.field("reason", &reason)
            }
            Kind::DeadLettered { message, subscription, reason } => {
                self.message(message)?.subscription(subscription)?.field("reason", &reason)
            }
            Kind::Redriven { message, subscription, position, tag } => self
                .message(message)?
                .subscription(subscription)?
                .position(position)?
                .field("tag", &tag),
            Kind::Retried { message, subscription, consumer, position } => {
                self.about(message, subscription, consumer)?.position(position)
            }
            Kind::Retrievable { message, subscription }
            | Kind::Kept { message, subscription }
            | Kind::SettleForgotten { message, subscription } => {
                self.message(message)?.subscription(subscription)
            }
            Kind::Delivered { .. }
            | Kind::ProcessingStarted { .. }
            | Kind::ProcessingEnded { .. }
            | Kind::EffectInvoked { .. }
            | Kind::Effect { .. }
            | Kind::Aborted { .. } => self.delivery_fields(kind),
            Kind::SettleInvoked { .. }
            | Kind::SettleEnded { .. }
            | Kind::Settled { .. }
            | Kind::LeaseExpired { .. }
            | Kind::Requeued { .. } => self.settle_fields(kind),
            Kind::Committed { .. }
            | Kind::SessionExpired { .. }
            | Kind::OffsetReset { .. }
            | Kind::Assigned { .. }
            | Kind::Revoked { .. }
            | Kind::Lost { .. }
            | Kind::Sought { .. }
            | Kind::MaxPollExceeded { .. } => self.lane_fields(kind),
            Kind::Crashed { .. }
            | Kind::Exited { .. }
            | Kind::Started { .. }
            | Kind::Stalled { .. }
            | Kind::Resumed { .. }
            | Kind::BrokerRestarted
            | Kind::Faulted { .. }
            | Kind::Entered { .. } => self.world_fields(kind),
        }
    }

    fn delivery_fields(&mut self, kind: &Kind) -> Result<&mut Self, M::Error> {
        match *kind {
            Kind::Delivered {
                delivery,
                message,
                subscription,
                consumer,
                partition,
                position,
                attempt,
                redelivered,
            } => self
                .about(message, subscription, consumer)?
                .delivery(delivery)?
                .place(partition, position)?
                .field("attempt", &attempt)?
                .field("redelivered", &redelivered),
            Kind::ProcessingStarted { delivery, message, subscription, consumer }
            | Kind::EffectInvoked { delivery, message, subscription, consumer } => {
                self.about(message, subscription, consumer)?.delivery(delivery)
            }
            Kind::ProcessingEnded { delivery, message, subscription, consumer, result } => self
                .about(message, subscription, consumer)?
                .delivery(delivery)?
                .field("result", &result),
            Kind::Effect { delivery, message, key, subscription, consumer, verdict } => self
                .about(message, subscription, consumer)?
                .delivery(delivery)?
                .key(key)?
                .field("verdict", &verdict),
            Kind::Aborted { delivery, message, subscription, consumer, seen, reason } => self
                .about(message, subscription, consumer)?
                .delivery(delivery)?
                .field("seen", &seen)?
                .field("reason", &reason),
            _ => Ok(self),
        }
    }

    fn settle_fields(&mut self, kind: &Kind) -> Result<&mut Self, M::Error> {
        match *kind {
            Kind::SettleInvoked {
                message,
                subscription,
                consumer,
                partition,
                position,
                act,
                trigger,
            } => self
                .about(message, subscription, consumer)?
                .place(partition, position)?
                .field("act", &act)?
                .field("trigger", &trigger),
            Kind::SettleEnded { message, subscription, consumer, act, .. } => {
                self.about(message, subscription, consumer)?.field("act", &act)
            }
            Kind::Settled { message, subscription, consumer, act, trigger } => self
                .about(message, subscription, consumer)?
                .field("act", &act)?
                .field("trigger", &trigger),
            Kind::LeaseExpired { message, subscription, consumer }
            | Kind::Requeued { message, subscription, consumer } => {
                self.about(message, subscription, consumer)
            }
            _ => Ok(self),
        }
    }

    fn lane_fields(&mut self, kind: &Kind) -> Result<&mut Self, M::Error> {
        match *kind {
            Kind::Committed { subscription, consumer, partition, upto, previous, trigger } => self
                .member(subscription, consumer)?
                .field("lane", &partition)?
                .field("upto", &upto)?
                .field("previous", &previous)?
                .field("trigger", &trigger),
            Kind::SessionExpired { subscription, consumer }
            | Kind::MaxPollExceeded { subscription, consumer } => {
                self.member(subscription, consumer)
            }
            Kind::OffsetReset { subscription, consumer, partition, from, to } => {
                self.member(subscription, consumer)?.field("lane", &partition)?;
                if let Some(from) = from {
                    self.field("from", &from)?;
                }
                self.field("to", &to)
            }
            Kind::Assigned { subscription, consumer, partition, generation, position } => self
                .member(subscription, consumer)?
                .place(partition, position)?
                .field("generation", &generation),
            Kind::Revoked { subscription, consumer, partition }
            | Kind::Lost { subscription, consumer, partition } => {
                self.member(subscription, consumer)?.field("lane", &partition)
            }
            Kind::Sought { subscription, consumer, partition, from, to } => self
                .member(subscription, consumer)?
                .field("lane", &partition)?
                .field("from", &from)?
                .field("to", &to),
            _ => Ok(self),
        }
    }

    fn world_fields(&mut self, kind: &Kind) -> Result<&mut Self, M::Error> {
        match *kind {
            Kind::Crashed { process, incarnation } | Kind::Started { process, incarnation } => {
                self.process("process", process)?.field("incarnation", &incarnation)
            }
            Kind::Exited { process, incarnation, failed } => self
                .process("process", process)?
                .field("incarnation", &incarnation)?
                .field("failed", &failed),
            Kind::Stalled { process } | Kind::Resumed { process } => {
                self.process("process", process)
            }
            Kind::Faulted { point, alternative, process, message } => {
                self.fault(point, alternative)?.process("process", process)?;
                match message {
                    Some(message) => self.message(message),
                    None => Ok(self),
                }
            }
            Kind::Entered { phase } => self.field("phase", &phase),
            _ => Ok(self),
        }
    }

    fn about(
        &mut self,
        message: MessageId,
        subscription: SubscriptionId,
        consumer: ProcessId,
    ) -> Result<&mut Self, M::Error> {
        self.message(message)?.member(subscription, consumer)
    }

    fn member(
        &mut self,
        subscription: SubscriptionId,
        consumer: ProcessId,
    ) -> Result<&mut Self, M::Error> {
        self.subscription(subscription)?.process("consumer", consumer)
    }

    fn place(&mut self, partition: PartitionId, position: u64) -> Result<&mut Self, M::Error> {
        self.field("lane", &partition)?;
        self.position(position)
    }

    fn position(&mut self, position: u64) -> Result<&mut Self, M::Error> {
        if position == NO_POSITION {
            return Ok(self);
        }
        self.field("position", &position)
    }

    fn message(&mut self, message: MessageId) -> Result<&mut Self, M::Error> {
        self.field("message", &id(&self.names.messages, message.0))
    }

    fn key(&mut self, key: Key) -> Result<&mut Self, M::Error> {
        self.field("key", &id(&self.names.keys, key.0))
    }

    fn process(&mut self, field: &'static str, of: ProcessId) -> Result<&mut Self, M::Error> {
        self.field(field, &id(&self.names.processes, of.0.into()))
    }

    fn delivery(&mut self, delivery: DeliveryId) -> Result<&mut Self, M::Error> {
        self.field("delivery", &delivery)
    }

    fn subscription(&mut self, of: SubscriptionId) -> Result<&mut Self, M::Error> {
        self.field("subscription", &id(self.subscriptions, of.0.into()))
    }

    fn subscriptions(&mut self, of: Option<SubscriptionId>) -> Result<&mut Self, M::Error> {
        match of {
            Some(subscription) => self.subscription(subscription),
            None => Ok(self),
        }
    }

    fn fault(&mut self, point: u16, alternative: u8) -> Result<&mut Self, M::Error> {
        let names = self.names.points.get(usize::from(point));
        let point = names.map_or(Id::Number(point.into()), |point| Id::Name(&point.name));
        let name = names
            .zip(usize::from(alternative).checked_sub(1))
            .and_then(|(point, index)| point.alternatives.get(index))
            .filter(|name| !name.is_empty());
        let alternative = name.map_or(Id::Number(alternative.into()), |name| Id::Name(name));
        self.field("point", &point)?.field("alternative", &alternative)
    }

    fn field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<&mut Self, M::Error> {
        self.map.serialize_entry(name, value)?;
        Ok(self)
    }
}

fn id(names: &[String], number: u32) -> Id<'_> {
    let name = usize::try_from(number).ok().and_then(|index| names.get(index));
    name.map_or(Id::Number(number), |name| Id::Name(name))
}

/// The name under which an event is written.
fn name_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::SendInvoked { .. } => "send.invoke",
        Kind::SendEnded { outcome: SendOutcome::Ok, .. } => "send.ok",
        Kind::SendEnded { outcome: SendOutcome::Fail, .. } => "send.fail",
        Kind::SendEnded { outcome: SendOutcome::Info, .. } => "send.info",
        Kind::Stored { .. } => "store",
        Kind::Removed { .. } => "remove",
        Kind::Delivered { .. } => "deliver",
        Kind::ProcessingStarted { .. } => "process.start",
        Kind::ProcessingEnded { .. } => "process.end",
        Kind::Effect { .. } => "effect",
        Kind::SettleInvoked { .. } => "settle.invoke",
        Kind::SettleEnded { outcome: SettleOutcome::Ok, .. } => "settle.ok",
        Kind::SettleEnded { outcome: SettleOutcome::Fail, .. } => "settle.fail",
        Kind::SettleEnded { outcome: SettleOutcome::Info, .. } => "settle.info",
        Kind::DeadLettered { .. } => "dlq",
        Kind::Settled { .. } => "settled",
        Kind::Committed { .. } => "committed",
        Kind::LeaseExpired { .. } => "lease_expired",
        Kind::Requeued { .. } => "requeued",
        Kind::SessionExpired { .. } => "session_expired",
        Kind::OffsetReset { .. } => "reset",
        Kind::Assigned { .. } => "assign",
        Kind::Revoked { .. } => "revoke",
        Kind::Lost { .. } => "lost",
        Kind::Crashed { .. } => "crash",
        Kind::Exited { .. } => "exit",
        Kind::Started { .. } => "start",
        Kind::Stalled { .. } => "stall",
        Kind::Resumed { .. } => "resume",
        Kind::BrokerRestarted => "broker_restart",
        Kind::Faulted { .. } => "fault",
        Kind::Entered { .. } => "phase",
        Kind::Retrievable { .. } => "retrievable",
        Kind::Sought { .. } => "seek",
        Kind::MaxPollExceeded { .. } => "max_poll_exceeded",
        Kind::Kept { .. } => "kept",
        Kind::SettleForgotten { .. } => "settle_forgotten",
        Kind::Aborted { .. } => "aborted",
        Kind::Redriven { .. } => "redriven",
        Kind::Retried { .. } => "retried",
        Kind::EffectInvoked { .. } => "effect.invoke",
    }
}
