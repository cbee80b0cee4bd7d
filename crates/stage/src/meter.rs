//! What can be seen of a live run while it runs: how much was sent, how much of it has its effect,
//! and what has happened twice. What is lost is known only at the end.

use entrega_model::event::{EffectVerdict, SendOutcome};
use entrega_model::{Event, Kind, MessageId, Observer, SubscriptionId};

/// Counts what happens.
#[derive(Debug, Default)]
pub struct Meter {
    acknowledged: u64,
    effects: u64,
    repeated: u64,
    deaths: u64,
    stalls: u64,
    faults: u64,
    /// For each subscription, which messages have an effect.
    seen: Vec<Vec<bool>>,
}

/// A reading of a meter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Acknowledged sends.
    pub acknowledged: u64,
    /// Effects.
    pub effects: u64,
    /// Effects that acknowledged messages still lack, over all subscriptions.
    pub lag: u64,
    /// Effects beyond the first of a message.
    pub repeated: u64,
    /// Crashes and stalls of processes.
    pub harmed: u64,
    /// Faults that struck, without those that were chosen and cannot be injected live.
    pub faults: u64,
}

impl Meter {
    /// A meter for this many subscriptions and messages.
    pub fn new(subscriptions: usize, messages: usize) -> Self {
        Self { seen: vec![vec![false; messages]; subscriptions], ..Self::default() }
    }

    /// Its current reading.
    pub fn read(&self) -> Reading {
        let wanted = self.acknowledged * self.seen.len() as u64;
        Reading {
            acknowledged: self.acknowledged,
            effects: self.effects,
            lag: wanted.saturating_sub(self.effects - self.repeated),
            repeated: self.repeated,
            harmed: self.deaths + self.stalls,
            faults: self.faults,
        }
    }

    fn effect(&mut self, subscription: SubscriptionId, message: MessageId) {
        self.effects += 1;
        let of = self.seen.get_mut(subscription.index());
        let Some(seen) = of.and_then(|of| of.get_mut(message.index())) else { return };
        if std::mem::replace(seen, true) {
            self.repeated += 1;
        }
    }
}

impl Observer for Meter {
    fn observe(&mut self, events: &[Event]) {
        for event in events {
            match event.kind {
                Kind::SendEnded { outcome: SendOutcome::Ok, .. } => self.acknowledged += 1,
                Kind::Effect { message, subscription, verdict: EffectVerdict::Applied, .. } => {
                    self.effect(subscription, message);
                }
                Kind::Crashed { .. } => self.deaths += 1,
                Kind::Stalled { .. } => self.stalls += 1,
                Kind::Faulted { .. } => self.faults += 1,
                _ => {}
            }
        }
    }
}
