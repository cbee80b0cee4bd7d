//! An independent account of every copy, kept from what the broker tells and answers.
//!
//! It knows nothing of slabs, leases in a ring or notes about ends: sets and maps, searched from
//! end to end, so slow and plain that it can be believed.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use entrega_model::event::SettleAct;

use super::*;

/// Who holds a message, and until when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder {
    pub(super) client: ClientId,
    pub(super) tag: DeliveryTag,
    expires: Instant,
}

/// What must be true of one queue.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    stored: usize,
    gone: usize,
    pub(super) ready: BTreeSet<u32>,
    pub(super) held: BTreeMap<u32, Holder>,
    delivered: BTreeSet<u32>,
    /// For each tag that counts: whose it is, and the client's last word about it.
    given: BTreeMap<DeliveryTag, (ClientId, Option<Settlement>)>,
    pub(super) last_tag: DeliveryTag,
}

impl Ledger {
    /// Moves a message back from its holder.
    fn release(&mut self, message: u32, process: ProcessId) -> Result<Holder, String> {
        let holder = self.held.remove(&message).ok_or(format!("{message} is not in flight"))?;
        self.ready.insert(message);
        if holder.client.process != process {
            return Err(format!("{message} is in flight to {holder:?}, not to {process}"));
        }
        Ok(holder)
    }

    /// Takes a message out of the queue for good.
    fn remove(&mut self, message: u32) -> Result<(), String> {
        self.gone += 1;
        let places = usize::from(self.ready.remove(&message))
            + usize::from(self.held.remove(&message).is_some());
        if places != 1 {
            return Err(format!("{message} was removed from {places} places"));
        }
        Ok(())
    }

    pub(super) fn unsettled(&self, client: ClientId) -> usize {
        self.held.values().filter(|holder| holder.client == client).count()
    }
}

/// An independent account of all queues. Every message is published once, so ids are in queue
/// order.
pub(super) struct Account {
    pub(super) settings: QueueSettings,
    pub(super) ledgers: Vec<Ledger>,
}

impl Account {
    pub(super) fn new(settings: &QueueSettings) -> Self {
        let ledgers = (0..settings.queues).map(|_| Ledger::default()).collect();
        Self { settings: settings.clone(), ledgers }
    }

    pub(super) fn observe(&mut self, events: &[Event]) -> Result<(), String> {
        events.iter().try_for_each(|event| self.observe_one(event))
    }

    fn observe_one(&mut self, event: &Event) -> Result<(), String> {
        match event.kind {
            Kind::Stored { message, subscription: Some(queue), .. } => {
                let ledger = &mut self.ledgers[queue.index()];
                ledger.stored += 1;
                ledger.ready.insert(message.0);
                Ok(())
            }
            Kind::Removed { message, subscription: Some(queue), .. }
            | Kind::DeadLettered { message, subscription: queue, .. } => {
                self.ledgers[queue.index()].remove(message.0)
            }
            Kind::Settled { message, subscription, consumer, act, trigger } => {
                self.settled(event.at, message.0, subscription, consumer, act, trigger)
            }
            Kind::LeaseExpired { message, subscription, consumer } => {
                let holder = self.ledgers[subscription.index()].release(message.0, consumer)?;
                if event.at < holder.expires {
                    return Err(format!("the lease of {message} expired too early"));
                }
                Ok(())
            }
            Kind::Requeued { message, subscription, consumer } => {
                self.ledgers[subscription.index()].release(message.0, consumer).map(drop)
            }
            Kind::BrokerRestarted => {
                for ledger in &mut self.ledgers {
                    ledger.ready.extend(ledger.held.keys());
                    ledger.held.clear();
                    ledger.given.clear();
                }
                Ok(())
            }
            other => Err(format!("no queue says {other:?}")),
        }
    }

    fn settled(
        &mut self,
        at: Instant,
        message: u32,
        queue: SubscriptionId,
        consumer: ProcessId,
        act: SettleAct,
        trigger: SettleTrigger,
    ) -> Result<(), String> {
        let ledger = &mut self.ledgers[queue.index()];
        if trigger == SettleTrigger::Delivery {
            return ledger.ready.contains(&message).then_some(()).ok_or("it was not ready".into());
        }
        let holder = *ledger.held.get(&message).ok_or("a settle of what is not in flight")?;
        let word = match act {
            SettleAct::Ack => Settlement::Ack,
            SettleAct::Reject => Settlement::Reject,
            SettleAct::Requeue => Settlement::Requeue,
            SettleAct::Extend => Settlement::Extend,
            SettleAct::Commit => return Err("no queue commits".into()),
        };
        if let Some(given) = ledger.given.get_mut(&holder.tag) {
            given.1 = Some(word);
        }
        match word {
            Settlement::Requeue | Settlement::RejectAndRequeue => {
                ledger.release(message, consumer).map(drop)
            }
            Settlement::Extend => {
                let expires = at + self.settings.visibility_timeout;
                ledger.held.insert(message, Holder { expires, ..holder });
                Ok(())
            }
            Settlement::Ack | Settlement::Reject => Ok(()),
        }
    }

    /// What the client got must be held by no other client, in the right order, and correctly
    /// marked.
    pub(super) fn delivered(
        &mut self,
        now: Instant,
        client: ClientId,
        queue: usize,
        settle_at_delivery: bool,
        deliveries: &[Received],
    ) -> Result<(), String> {
        let expires = now + self.settings.visibility_timeout;
        let ledger = &mut self.ledgers[queue];
        for &Received { tag, record, redelivered, .. } in deliveries {
            let message = record.message.0;
            if tag <= ledger.last_tag {
                return Err(format!("tag {tag} after {}", ledger.last_tag));
            }
            ledger.last_tag = tag;
            let word = settle_at_delivery.then_some(Settlement::Ack);
            ledger.given.insert(tag, (client, word));
            if redelivered == ledger.delivered.insert(message) {
                return Err(format!("{message} is marked redelivered: {redelivered}"));
            }
            if settle_at_delivery {
                continue;
            }
            if ledger.ready.pop_first() != Some(message) {
                return Err(format!("{message} was not the first that is ready"));
            }
            ledger.held.insert(message, Holder { client, tag, expires });
        }
        let (held, prefetch) = (ledger.unsettled(client), self.settings.prefetch as usize);
        if prefetch != 0 && held > prefetch {
            return Err(format!("{held} in flight with a prefetch of {prefetch}"));
        }
        Ok(())
    }

    /// Whether a settle must succeed; `None` where the module documentation leaves it open.
    pub(super) fn expect_settled(
        &self,
        client: ClientId,
        queue: usize,
        tag: DeliveryTag,
        word: Settlement,
    ) -> Option<bool> {
        let ledger = &self.ledgers[queue];
        if let Some(holder) = ledger.held.values().find(|holder| holder.tag == tag) {
            return Some(holder.client == client);
        }
        let own = |tag: &DeliveryTag| ledger.given.get(tag).is_some_and(|given| given.0 == client);
        if own(&tag) {
            return Some(word != Settlement::Extend && ledger.given[&tag].1 == Some(word));
        }
        let amid = ledger.given.range(..tag).any(|(tag, _)| own(tag))
            && ledger.given.range(tag..).any(|(tag, _)| own(tag));
        if amid && word == Settlement::Ack { None } else { Some(false) }
    }

    /// A client's tags count no more, except while they are in flight.
    pub(super) fn forget(&mut self, client: ClientId, queues: Range<usize>) {
        for ledger in &mut self.ledgers[queues] {
            ledger.given.retain(|_, given| given.0 != client);
        }
    }

    /// The account and the broker must agree.
    pub(super) fn compare(&self, broker: &QueueBroker) -> Result<(), String> {
        let mut audited = vec![Vec::new(); self.ledgers.len()];
        let mut ground_truth = Vec::new();
        broker.audit(Instant::START, &mut ground_truth);
        for event in ground_truth {
            if let Kind::Retrievable { message, subscription } = event.kind {
                audited[subscription.index()].push(message.0);
            }
        }
        for (ledger, (audited, queue)) in
            self.ledgers.iter().zip(audited.iter().zip((0..).map(SubscriptionId)))
        {
            let counts = (broker.ready_count(queue), broker.in_flight_count(queue));
            if counts != (ledger.ready.len(), ledger.held.len()) {
                return Err(format!("{counts:?} ready and in flight, but {ledger:?}"));
            }
            let here: BTreeSet<_> =
                ledger.ready.iter().chain(ledger.held.keys()).copied().collect();
            if !here.iter().eq(audited) {
                return Err(format!("the audit finds {audited:?}, but {ledger:?}"));
            }
            if ledger.stored != ledger.gone + here.len() {
                return Err(format!("a copy is in two places or in none: {ledger:?}"));
            }
        }
        let held = self.ledgers.iter().flat_map(|ledger| ledger.held.values());
        let deadline = held.map(|holder| holder.expires).min().filter(|at| *at != Instant::NEVER);
        if broker.next_deadline() != deadline {
            return Err(format!("{:?} is not {deadline:?}", broker.next_deadline()));
        }
        Ok(())
    }
}
