//! The pass over the events of a run that finds its possessions.
//!
//! * `queue`, `log`: what each of the brokers records about them.

mod log;
mod queue;

use std::collections::BTreeMap;

use entrega_model::event::{EffectVerdict, ProcessingResult, SettleTrigger};
use entrega_model::{Event, Kind, MessageId, PartitionId, ProcessId, SubscriptionId};

use super::{Delivery, End, Ending, Place, Possession, Possessions, Settle};

pub(super) fn read(events: &[Event]) -> Possessions {
    let mut reader = Reader::default();
    for (event, Event { at, kind }) in events.iter().enumerate() {
        reader.here = Place { event, at: *at };
        reader.event(kind);
    }
    reader.found
}

/// What is known at a place in the run.
#[derive(Default)]
struct Reader {
    found: Possessions,
    here: Place,
    /// The possessions that each process works on or may yet work on, if only as a zombie.
    held: BTreeMap<ProcessId, Vec<usize>>,
    /// The possessions of each message that the broker knows of or that are not delivered yet.
    open: BTreeMap<(SubscriptionId, MessageId), Vec<usize>>,
    /// How many possessions of each message the broker has recorded the ends of.
    released: BTreeMap<(SubscriptionId, MessageId), u16>,
    /// The processes that are not running, and how they ended.
    down: BTreeMap<ProcessId, End>,
    /// Where a message last became available to consumers.
    available: BTreeMap<(Option<SubscriptionId>, MessageId), Place>,
    /// The messages of a log.
    messages: BTreeMap<(PartitionId, u64), MessageId>,
    /// What a group has committed of a partition.
    committed: BTreeMap<(SubscriptionId, PartitionId), Committed>,
    /// The partitions that each process owns or owned in this life, and what took them.
    owned: BTreeMap<(ProcessId, PartitionId), Owned>,
}

#[derive(Clone, Copy)]
struct Committed {
    /// The committed offset.
    upto: u64,
    /// Where it was committed.
    place: Place,
    /// The highest offset that was ever committed.
    highest: u64,
}

#[derive(Clone, Copy)]
struct Owned {
    subscription: SubscriptionId,
    /// Where it began to read from its position.
    since: Place,
    end: Option<End>,
    /// Whether the broker has known of it ever since.
    is_known: bool,
}

impl Reader {
    fn event(&mut self, kind: &Kind) {
        match *kind {
            Kind::Stored { .. } => self.stored(kind),
            Kind::Delivered { .. } => self.delivered(kind),
            Kind::Effect { .. } | Kind::ProcessingEnded { .. } => self.worked(kind),
            Kind::Settled { .. } | Kind::LeaseExpired { .. } | Kind::Requeued { .. } => {
                self.queue(kind);
            }
            Kind::Committed { .. } => self.committed(kind),
            Kind::Assigned { .. }
            | Kind::SessionExpired { .. }
            | Kind::MaxPollExceeded { .. }
            | Kind::Revoked { .. }
            | Kind::Lost { .. }
            | Kind::Sought { .. } => self.log(kind),
            Kind::Started { process, .. } => {
                self.down.remove(&process);
            }
            Kind::Crashed { process, .. } => self.gone(process, Ending::Crashed),
            Kind::Exited { process, .. } => self.gone(process, Ending::Exited),
            Kind::SettleForgotten { message, subscription } => {
                self.available.insert((Some(subscription), message), self.here);
            }
            Kind::Redriven { message, subscription, .. } => self.redriven(subscription, message),
            Kind::Retried { message, subscription, .. } => {
                self.available.insert((Some(subscription), message), self.here);
            }
            Kind::BrokerRestarted => {
                self.broker_restarted();
                self.members_forgotten();
            }
            _ => {}
        }
    }

    /// A dead letter is in its queue again: its deliveries are counted anew, and no settle of it is
    /// the last word.
    fn redriven(&mut self, subscription: SubscriptionId, message: MessageId) {
        self.available.insert((Some(subscription), message), self.here);
        self.released.remove(&(subscription, message));
        self.found.settles.remove(&(subscription, message));
    }

    fn stored(&mut self, kind: &Kind) {
        let Kind::Stored { message, subscription, partition, position, .. } = *kind else { return };
        self.available.entry((subscription, message)).or_insert(self.here);
        if subscription.is_none() {
            self.messages.insert((partition, position), message);
            self.found.positions.entry(message).or_insert((partition, position));
        }
    }

    fn delivered(&mut self, kind: &Kind) {
        let Kind::Delivered {
            delivery,
            message,
            subscription,
            consumer,
            partition,
            position,
            attempt,
            redelivered,
        } = *kind
        else {
            return;
        };
        let place = self.here;
        let begun = Delivery { id: delivery, place, partition, position, redelivered };
        let buffered = self.find(subscription, message, |one| {
            one.process == consumer
                && one.delivery.is_none()
                && !one.is_gone()
                && attempt <= one.attempt
        });
        let index = buffered.unwrap_or_else(|| {
            let index = self.begin(subscription, message, consumer, place);
            self.found.all[index].ends = self.ends_before(subscription, consumer, &begun);
            if !self.found.all[index].ends.is_empty() {
                let owned = self.owned.get(&(consumer, partition));
                let since = owned.map_or(self.available(None, message), |owned| owned.since);
                self.found.all[index].from = since.max(self.available(None, message));
            }
            index
        });
        self.found.all[index].delivery = Some(begun);
        self.found.all[index].attempt = attempt;
        self.found.by_delivery.insert(delivery, index);
        self.close(index);
    }

    fn worked(&mut self, kind: &Kind) {
        match *kind {
            Kind::Effect { delivery, verdict: EffectVerdict::Applied, .. } => {
                if let Some(&index) = self.found.by_delivery.get(&delivery) {
                    self.found.all[index].effects.push(self.here);
                }
            }
            Kind::ProcessingEnded { delivery, result: ProcessingResult::Ok, .. } => {
                if let Some(&index) = self.found.by_delivery.get(&delivery) {
                    self.found.all[index].processed = Some(self.here);
                    self.let_go(index);
                }
            }
            _ => {}
        }
    }

    /// A process has ended, and nothing is left in its memory.
    fn gone(&mut self, process: ProcessId, how: Ending) {
        for index in self.held.remove(&process).unwrap_or_default() {
            if how == Ending::Exited {
                self.left_in_time(index);
            }
            self.end(index, how);
        }
        self.owned.retain(|(of, _), _| *of != process);
        self.down.insert(process, End { place: self.here, how });
    }

    /// A process that leaves without having learnt that it lost a partition may have told its group
    /// before that it leaves.
    fn left_in_time(&mut self, index: usize) {
        let ends = &mut self.found.all[index].ends;
        if !ends.iter().any(|end| end.how == Ending::PartitionLost) {
            ends.retain(|end| end.how != Ending::NotRejoined);
        }
    }

    fn begin(
        &mut self,
        subscription: SubscriptionId,
        message: MessageId,
        process: ProcessId,
        from: Place,
    ) -> usize {
        let index = self.found.all.len();
        let key = (subscription, message);
        self.found.of.entry(key).or_default().push(index);
        self.open.entry(key).or_default().push(index);
        let released = self.released.get(&key).copied().unwrap_or(0);
        let down = self.down.get(&process).copied();
        if down.is_none() {
            self.held.entry(process).or_default().push(index);
        }
        self.found.all.push(Possession {
            message,
            subscription,
            process,
            from,
            delivery: None,
            attempt: released.saturating_add(1),
            ends: down.into_iter().collect(),
            effects: Vec::new(),
            processed: None,
        });
        index
    }

    fn end(&mut self, index: usize, how: Ending) {
        let end = End { place: self.here, how };
        let possession = &mut self.found.all[index];
        if how.releases() && !possession.is_released() {
            let key = (possession.subscription, possession.message);
            let released = self.released.entry(key).or_insert(0);
            *released = released.saturating_add(1);
        }
        possession.ends.push(end);
        self.close(index);
        self.let_go(index);
    }

    /// Closes a possession that no later event can be about: the broker has recorded its end, and
    /// the message was delivered or its process is gone.
    fn close(&mut self, index: usize) {
        let possession = &self.found.all[index];
        let delivered = possession.delivery.is_some() || possession.is_gone();
        if possession.is_released() && delivered {
            let key = (possession.subscription, possession.message);
            self.open.entry(key).or_default().retain(|open| *open != index);
        }
    }

    /// Takes a message that is settled and processed off its process's list.
    fn let_go(&mut self, index: usize) {
        let possession = &self.found.all[index];
        let settled = possession.ends.iter().any(|end| end.how.is_final());
        if settled
            && possession.processed.is_some()
            && let Some(held) = self.held.get_mut(&possession.process)
        {
            held.retain(|held| *held != index);
        }
    }

    fn settle(
        &mut self,
        subscription: SubscriptionId,
        message: MessageId,
        process: ProcessId,
        trigger: SettleTrigger,
    ) {
        let settle = Settle { place: self.here, process, trigger };
        self.found.settles.entry((subscription, message)).or_insert(settle);
    }

    /// Where a message last became available, as far as events say so.
    fn available(&self, subscription: Option<SubscriptionId>, message: MessageId) -> Place {
        self.available.get(&(subscription, message)).copied().unwrap_or(self.here)
    }

    /// The first open possession of a message like this.
    fn find(
        &self,
        subscription: SubscriptionId,
        message: MessageId,
        is: impl Fn(&Possession) -> bool,
    ) -> Option<usize> {
        let open = self.open.get(&(subscription, message))?;
        open.iter().copied().find(|index| is(&self.found.all[*index]))
    }

    /// The last possession of a message like this.
    fn find_last(
        &self,
        subscription: SubscriptionId,
        message: MessageId,
        is: impl Fn(&Possession) -> bool,
    ) -> Option<usize> {
        let of = self.found.of.get(&(subscription, message))?;
        of.iter().copied().rfind(|index| is(&self.found.all[*index]))
    }
}
