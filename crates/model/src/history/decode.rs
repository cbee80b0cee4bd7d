//! From the fields of a line to an event.

use super::error::Mistake;
use super::line::{Object, Slip, Unknown};
use super::shape::{COMMON, EVENTS, Shape};
use super::symbols::{Step, Symbols};
use crate::event::{
    AbortReason, DeadLetterReason, EffectVerdict, NO_POSITION, SendOutcome, SettleAct,
    SettleOutcome, SettleTrigger,
};
use crate::{Generation, Key, Kind, MessageId, PartitionId, ProcessId, SubscriptionId};

const SHORT: &str = "an integer from 0 to 65535";
const NUMBER: &str = "an integer from 0 to 4294967295";
const LONG: &str = "an integer from 0 to 18446744073709551615";

/// What a line says.
pub(super) struct Decoded {
    pub(super) kind: Kind,
    /// Of the outcome of a send, and of a delivery: the attempt that it names.
    pub(super) attempt: Option<u16>,
    /// Of a line about a send: whether it names its producer.
    pub(super) names_producer: bool,
    /// Of a settle that is recorded: whether the line names its trigger.
    pub(super) names_trigger: bool,
    /// Whether the line names the key of its message, or, where a send begins, one before it did.
    pub(super) names_key: bool,
    /// Of a delivery: whether its line says that this copy was not delivered before.
    pub(super) says_first: bool,
    /// Whether the line names the consumer that it is about.
    pub(super) names_consumer: bool,
    /// Whether the line names the delivery that it is about.
    pub(super) names_delivery: bool,
}

impl Decoded {
    const fn of(kind: Kind) -> Self {
        Self {
            kind,
            attempt: None,
            names_producer: false,
            names_trigger: false,
            names_key: false,
            says_first: false,
            names_consumer: false,
            names_delivery: false,
        }
    }
}

/// What happened, by the line's `event` and its fields.
///
/// # Errors
///
/// The first field that is not as [`EVENTS`] or its type wants it.
pub(super) fn decode(
    line: &Object<'_>,
    subscriptions: &[String],
    symbols: &mut Symbols,
    mut unknown: Unknown<'_>,
) -> Result<Decoded, Slip> {
    let name = line.name("event")?.unwrap_or_default();
    let Some(shape) = EVENTS.iter().find(|shape| shape.name == name) else {
        let valid = EVENTS.iter().map(|shape| shape.name.to_owned()).collect();
        let mistake = Mistake::UnknownEvent { name: name.into_owned(), valid };
        return Err(line.slip("event", mistake));
    };
    line.check(shape, COMMON, &mut unknown)?;
    let mut fields = Fields { line, shape, subscriptions, symbols };
    let kind = match name.split_once('.').map_or(&*name, |(family, _)| family) {
        "send" => return fields.send(),
        "store" | "remove" => fields.storage(),
        "deliver" | "process" | "effect" | "aborted" => fields.handling(),
        "settle" | "settled" | "dlq" => fields.settling(),
        "lease_expired" | "requeued" | "retrievable" | "kept" | "settle_forgotten" | "redriven"
        | "retried" => fields.message_state(),
        "session_expired" | "max_poll_exceeded" => fields.membership(),
        "committed" | "reset" | "seek" => fields.progress(),
        "assign" | "revoke" | "lost" => fields.assignment(),
        _ => fields.world(),
    }?;
    let says_first = fields.says_first(&kind)?;
    let names_trigger = line.name("trigger")?.is_some();
    let names_key = shape.name == "effect" && line.name("key")?.is_some();
    let is_delivery = shape.name == "deliver";
    let attempt = if is_delivery { line.integer("attempt", SHORT)? } else { None };
    let names_consumer = line.name("consumer")?.is_some();
    let names_delivery = line.name("delivery")?.is_some();
    let decoded = Decoded { names_trigger, names_key, says_first, ..Decoded::of(kind) };
    Ok(Decoded { attempt, names_consumer, names_delivery, ..decoded })
}

struct Fields<'a, 'l> {
    line: &'a Object<'l>,
    shape: &'static Shape,
    subscriptions: &'a [String],
    symbols: &'a mut Symbols,
}

impl Fields<'_, '_> {
    fn send(&mut self) -> Result<Decoded, Slip> {
        let message = self.message()?;
        let attempt = self.line.integer("attempt", SHORT)?;
        let (producer, names_producer) = self.producer(message)?;
        let outcome = match self.shape.name {
            "send.ok" => SendOutcome::Ok,
            "send.fail" => SendOutcome::Fail,
            "send.info" => SendOutcome::Info,
            _ => {
                let (key, attempt) = (self.key(message)?, attempt.unwrap_or(1));
                let kind = Kind::SendInvoked { message, key, producer, attempt };
                let names_key = self.symbols.has_key(message);
                return Ok(Decoded { names_producer, names_key, ..Decoded::of(kind) });
            }
        };
        let kind = Kind::SendEnded { message, producer, outcome };
        Ok(Decoded { attempt, names_producer, ..Decoded::of(kind) })
    }

    /// The producer of a message, and whether this line names it.
    fn producer(&mut self, message: MessageId) -> Result<(ProcessId, bool), Slip> {
        if let Some(known) = self.symbols.producer(message)
            && self.line.name("producer")?.is_none()
        {
            return Ok((known, false));
        }
        let names_producer = self.line.name("producer")?.is_some();
        let producer = self.process("producer", "producer")?;
        if names_producer {
            self.symbols.set_producer(message, producer);
        }
        Ok((producer, names_producer))
    }

    fn storage(&mut self) -> Result<Kind, Slip> {
        let message = self.message()?;
        let subscription = self.named_subscription()?;
        if self.shape.name == "remove" {
            return Ok(Kind::Removed { message, subscription, reason: self.word("reason")? });
        }
        let (partition, position) = (self.partition()?, self.place()?);
        let copy = self.line.integer("copy", SHORT)?.unwrap_or(1);
        Ok(Kind::Stored { message, subscription, partition, position, copy })
    }

    fn handling(&mut self) -> Result<Kind, Slip> {
        let message = self.message()?;
        let subscription = self.subscription()?;
        let step = match self.shape.name {
            "deliver" => Step::Delivered,
            "process.start" => Step::Started,
            _ => Step::Later,
        };
        let name = self.line.name("delivery")?;
        let named = self.named_consumer()?;
        let of = (subscription, message);
        let delivery = self.symbols.delivery(of, name.as_deref(), named, step);
        let delivery = delivery.map_err(|mistake| self.line.slip("delivery", mistake))?;
        let known = self.symbols.consumer(delivery).filter(|_| step != Step::Delivered);
        let consumer = self.consumer_or(subscription, known)?;
        self.symbols.set_consumer(delivery, consumer);
        Ok(match self.shape.name {
            "deliver" => Kind::Delivered {
                delivery,
                message,
                subscription,
                consumer,
                partition: self.partition()?,
                position: self.place()?,
                attempt: self.line.integer("attempt", SHORT)?.unwrap_or(1),
                redelivered: self.line.flag("redelivered")?.unwrap_or(false),
            },
            "process.start" => {
                Kind::ProcessingStarted { delivery, message, subscription, consumer }
            }
            "effect.invoke" => Kind::EffectInvoked { delivery, message, subscription, consumer },
            "process.end" => {
                let result = self.word("result")?;
                Kind::ProcessingEnded { delivery, message, subscription, consumer, result }
            }
            "aborted" => {
                let seen = self.line.flag("seen")?.unwrap_or(false);
                let reason = self.line.word("reason")?.unwrap_or(AbortReason::Asked);
                Kind::Aborted { delivery, message, subscription, consumer, seen, reason }
            }
            _ => {
                let key = self.key(message)?;
                let verdict = self.line.word("verdict")?.unwrap_or(EffectVerdict::Applied);
                Kind::Effect { delivery, message, key, subscription, consumer, verdict }
            }
        })
    }

    /// Whether the line of a delivery says that it is the first one of its copy: by its number, or
    /// because it is no redelivery. What is left out says nothing.
    fn says_first(&self, kind: &Kind) -> Result<bool, Slip> {
        let Kind::Delivered { attempt, redelivered, .. } = kind else { return Ok(false) };
        let is_first = *attempt <= 1 && !redelivered;
        let says = self.line.integer::<u16>("attempt", SHORT)?.is_some()
            || self.line.flag("redelivered")?.is_some();
        Ok(is_first && says)
    }

    fn settling(&mut self) -> Result<Kind, Slip> {
        let message = self.message()?;
        let subscription = self.subscription()?;
        if self.shape.name == "dlq" {
            let reason = self.line.word("reason")?.unwrap_or(DeadLetterReason::Client);
            return Ok(Kind::DeadLettered { message, subscription, reason });
        }
        let consumer = self.holder(subscription, message)?;
        let act: SettleAct = self.word("act")?;
        let outcome = match self.shape.name {
            "settle.ok" => SettleOutcome::Ok,
            "settle.fail" => SettleOutcome::Fail,
            "settle.info" => SettleOutcome::Info,
            "settled" => {
                let trigger = self.trigger()?;
                return Ok(Kind::Settled { message, subscription, consumer, act, trigger });
            }
            _ => {
                let (partition, position) = (self.partition()?, self.place()?);
                let trigger = self.trigger()?;
                return Ok(Kind::SettleInvoked {
                    message,
                    subscription,
                    consumer,
                    partition,
                    position,
                    act,
                    trigger,
                });
            }
        };
        Ok(Kind::SettleEnded { message, subscription, consumer, act, outcome })
    }

    fn message_state(&mut self) -> Result<Kind, Slip> {
        let message = self.message()?;
        let subscription = self.subscription()?;
        match self.shape.name {
            "retrievable" => return Ok(Kind::Retrievable { message, subscription }),
            "kept" => return Ok(Kind::Kept { message, subscription }),
            "settle_forgotten" => return Ok(Kind::SettleForgotten { message, subscription }),
            "redriven" => {
                let position = self.place()?;
                let tag = self.line.integer("tag", LONG)?.unwrap_or_default();
                return Ok(Kind::Redriven { message, subscription, position, tag });
            }
            _ => {}
        }
        let consumer = self.holder(subscription, message)?;
        Ok(match self.shape.name {
            "lease_expired" => Kind::LeaseExpired { message, subscription, consumer },
            "retried" => {
                let position = self.place()?;
                Kind::Retried { message, subscription, consumer, position }
            }
            _ => Kind::Requeued { message, subscription, consumer },
        })
    }

    fn membership(&mut self) -> Result<Kind, Slip> {
        let subscription = self.subscription()?;
        let consumer = self.consumer(subscription)?;
        Ok(match self.shape.name {
            "session_expired" => Kind::SessionExpired { subscription, consumer },
            _ => Kind::MaxPollExceeded { subscription, consumer },
        })
    }

    fn progress(&mut self) -> Result<Kind, Slip> {
        let subscription = self.subscription()?;
        let consumer = self.consumer(subscription)?;
        let partition = self.partition()?;
        if self.shape.name == "reset" {
            let from = self.line.integer("from", NUMBER)?;
            let to = self.position("to")?;
            return Ok(Kind::OffsetReset { subscription, consumer, partition, from, to });
        }
        if self.shape.name == "seek" {
            let (from, to) = (self.position("from")?, self.position("to")?);
            return Ok(Kind::Sought { subscription, consumer, partition, from, to });
        }
        let (upto, previous) = (self.position("upto")?, self.position("previous")?);
        let trigger = self.trigger()?;
        Ok(Kind::Committed { subscription, consumer, partition, upto, previous, trigger })
    }

    fn assignment(&mut self) -> Result<Kind, Slip> {
        let subscription = self.subscription()?;
        let consumer = self.consumer(subscription)?;
        let partition = self.partition()?;
        Ok(match self.shape.name {
            "revoke" => Kind::Revoked { subscription, consumer, partition },
            "lost" => Kind::Lost { subscription, consumer, partition },
            _ => {
                let number = self.line.integer("generation", NUMBER)?.unwrap_or(0);
                let position = self.place()?;
                let generation = Generation(number);
                Kind::Assigned { subscription, consumer, partition, generation, position }
            }
        })
    }

    fn world(&mut self) -> Result<Kind, Slip> {
        match self.shape.name {
            "broker_restart" => return Ok(Kind::BrokerRestarted),
            "phase" => return Ok(Kind::Entered { phase: self.word("phase")? }),
            "fault" => return self.fault(),
            _ => {}
        }
        let process = self.process("process", "process")?;
        let life = self.line.integer("incarnation", NUMBER)?;
        Ok(match self.shape.name {
            "stall" => Kind::Stalled { process },
            "resume" => Kind::Resumed { process },
            "start" => {
                Kind::Started { process, incarnation: self.symbols.life(process, life, true) }
            }
            "exit" => Kind::Exited {
                process,
                incarnation: self.symbols.life(process, life, false),
                failed: self.line.flag("failed")?.unwrap_or(false),
            },
            _ => Kind::Crashed { process, incarnation: self.symbols.life(process, life, false) },
        })
    }

    fn fault(&mut self) -> Result<Kind, Slip> {
        let name = self.line.name("point")?.unwrap_or_default();
        let point = self.symbols.point(&name);
        let point = point.map_err(|mistake| self.line.slip("point", mistake))?;
        let alternative = if self.line.is_string("alternative") {
            let name = self.line.name("alternative")?.unwrap_or_default();
            let alternative = self.symbols.alternative(point, &name);
            alternative.map_err(|mistake| self.line.slip("alternative", mistake))?
        } else {
            let expected = "a name or an integer from 0 to 255";
            let number = self.line.integer("alternative", expected)?.unwrap_or(0);
            self.symbols.reserve_alternative(point, number);
            number
        };
        let process = self.process("process", "process")?;
        let message = match self.line.name("message")? {
            Some(_) => Some(self.message()?),
            None => None,
        };
        Ok(Kind::Faulted { point, alternative, process, message })
    }

    fn message(&mut self) -> Result<MessageId, Slip> {
        let name = self.line.name("message")?.unwrap_or_default();
        self.symbols.message(&name).map_err(|mistake| self.line.slip("message", mistake))
    }

    fn key(&mut self, message: MessageId) -> Result<Key, Slip> {
        let name = self.line.name("key")?;
        let key = self.symbols.key(message, name.as_deref());
        key.map_err(|mistake| self.line.slip("key", mistake))
    }

    fn process(&mut self, field: &'static str, default: &str) -> Result<ProcessId, Slip> {
        let name = self.line.name(field)?;
        let process = self.symbols.process(name.as_deref().unwrap_or(default));
        process.map_err(|mistake| self.line.slip(field, mistake))
    }

    /// The consumer that this line names, if it names one.
    fn named_consumer(&mut self) -> Result<Option<ProcessId>, Slip> {
        let names = self.line.name("consumer")?.is_some();
        names.then(|| self.process("consumer", "consumer")).transpose()
    }

    fn consumer(&mut self, subscription: SubscriptionId) -> Result<ProcessId, Slip> {
        let subscriptions = self.subscriptions;
        self.process("consumer", &subscriptions[subscription.index()])
    }

    /// The consumer that the line names, else the one that is known, else the subscription's.
    fn consumer_or(
        &mut self,
        subscription: SubscriptionId,
        known: Option<ProcessId>,
    ) -> Result<ProcessId, Slip> {
        match known {
            Some(known) if self.line.name("consumer")?.is_none() => Ok(known),
            _ => self.consumer(subscription),
        }
    }

    /// The consumer that the line names, else that of the message's latest delivery.
    fn holder(
        &mut self,
        subscription: SubscriptionId,
        message: MessageId,
    ) -> Result<ProcessId, Slip> {
        let known = self.symbols.holder((subscription, message));
        self.consumer_or(subscription, known)
    }

    fn subscription(&self) -> Result<SubscriptionId, Slip> {
        match self.named_subscription()? {
            Some(subscription) => Ok(subscription),
            None if self.subscriptions.len() == 1 => Ok(SubscriptionId(0)),
            None => Err(self.line.missing("subscription", self.shape.name)),
        }
    }

    fn named_subscription(&self) -> Result<Option<SubscriptionId>, Slip> {
        let Some(name) = self.line.name("subscription")? else { return Ok(None) };
        let index = self.subscriptions.iter().position(|known| *known == name);
        match index.and_then(|index| u8::try_from(index).ok()) {
            Some(index) => Ok(Some(SubscriptionId(index))),
            None => {
                let valid = self.subscriptions.to_vec();
                let mistake = Mistake::UnknownSubscription { name: name.into_owned(), valid };
                Err(self.line.slip("subscription", mistake))
            }
        }
    }

    fn partition(&self) -> Result<PartitionId, Slip> {
        Ok(PartitionId(self.line.integer("lane", SHORT)?.unwrap_or(0)))
    }

    /// Where a message stands, if the line says it.
    fn place(&self) -> Result<u64, Slip> {
        Ok(self.line.integer("position", LONG)?.unwrap_or(NO_POSITION))
    }

    fn position(&self, field: &'static str) -> Result<u64, Slip> {
        Ok(self.line.integer(field, LONG)?.unwrap_or(0))
    }

    fn trigger(&self) -> Result<SettleTrigger, Slip> {
        Ok(self.line.word("trigger")?.unwrap_or(SettleTrigger::Application))
    }

    /// A word that may not be left out.
    fn word<T: serde::de::DeserializeOwned>(&self, field: &'static str) -> Result<T, Slip> {
        let word = self.line.word(field)?;
        word.ok_or_else(|| self.line.missing(field, self.shape.name))
    }
}
