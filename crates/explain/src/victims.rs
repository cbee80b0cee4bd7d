//! The innocent victims of a delivery limit: messages that were given up although no handler ever
//! failed on them, and no process crashed while it worked on them.
//!
//! A limit counts how often a message comes back, not whose fault that is. What waits in the buffer
//! of a consumer that fails on another message, or comes back with the rest of its batch, is
//! counted as well.
//!
//! > **The rule.** They are found while the events pass by, so that a run of any length can be
//! > asked.

use std::collections::{BTreeMap, BTreeSet};

use entrega_model::event::{DeadLetterReason, ProcessingResult, RemoveReason};
use entrega_model::{Event, Kind, MessageId, Observer, ProcessId, SubscriptionId};

/// What a delivery limit has taken in a run, and what handlers failed or crashed on.
#[derive(Clone, Debug, Default)]
pub struct Victims {
    given_up: BTreeMap<SubscriptionId, BTreeSet<MessageId>>,
    failed: BTreeSet<(SubscriptionId, MessageId)>,
    in_work: BTreeMap<ProcessId, BTreeSet<(SubscriptionId, MessageId)>>,
}

impl Victims {
    /// Those of a run.
    pub fn of_run(events: &[Event]) -> Self {
        let mut victims = Self::default();
        victims.observe(events);
        victims
    }

    /// The messages of a subscription that the limit took and no handler failed on.
    pub fn innocent(&self, subscription: SubscriptionId) -> impl Iterator<Item = MessageId> {
        let given_up = self.given_up.get(&subscription).into_iter().flatten().copied();
        given_up.filter(move |&message| !self.failed.contains(&(subscription, message)))
    }

    /// Whether the limit took a message.
    pub fn has(&self, subscription: SubscriptionId, message: MessageId) -> bool {
        self.given_up.get(&subscription).is_some_and(|those| those.contains(&message))
    }
}

impl Observer for Victims {
    fn observe(&mut self, events: &[Event]) {
        for event in events {
            match event.kind {
                Kind::ProcessingStarted { message, subscription, consumer, .. } => {
                    self.in_work.entry(consumer).or_default().insert((subscription, message));
                }
                Kind::ProcessingEnded { message, subscription, consumer, result, .. } => {
                    self.in_work.entry(consumer).or_default().remove(&(subscription, message));
                    if result != ProcessingResult::Ok {
                        self.failed.insert((subscription, message));
                    }
                }
                Kind::Crashed { process, .. } => {
                    self.failed.extend(self.in_work.remove(&process).unwrap_or_default());
                }
                Kind::Removed {
                    message,
                    subscription: Some(of),
                    reason: RemoveReason::DeliveryLimit,
                }
                | Kind::DeadLettered {
                    message,
                    subscription: of,
                    reason: DeadLetterReason::DeliveryLimit,
                    ..
                } => {
                    self.given_up.entry(of).or_default().insert(message);
                }
                _ => {}
            }
        }
    }
}
