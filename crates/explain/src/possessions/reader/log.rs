//! What a log records about the owners of its partitions, who hold the messages in them.

use entrega_model::{Kind, MessageId, PartitionId, ProcessId, SubscriptionId};

use super::{Committed, Owned, Reader};
use crate::possessions::{Delivery, End, Ending, Possession};

impl Reader {
    /// A commit settles what lies between the previous offset and its own. A commit that goes back
    /// undoes the settle of what lies between.
    pub(super) fn committed(&mut self, kind: &Kind) {
        let Kind::Committed { subscription, consumer, partition, upto, previous, trigger } = *kind
        else {
            return;
        };
        let key = (subscription, partition);
        let before = self.committed.get(&key).map_or(0, |committed| committed.highest);
        let highest = before.max(upto);
        self.committed.insert(key, Committed { upto, place: self.here, highest });
        for (position, message) in self.between(partition, before, upto) {
            if self.found.positions.get(&message) == Some(&(partition, position)) {
                self.settle(subscription, message, consumer, trigger);
            }
        }
        let held = self.held.get(&consumer).cloned().unwrap_or_default();
        for index in held {
            let possession = &self.found.all[index];
            let covers = possession.subscription == subscription
                && possession
                    .delivery
                    .is_some_and(|one| one.partition == partition && one.position < upto);
            if covers && !possession.is_released() {
                self.end(index, Ending::Settled);
            }
        }
        for (_, message) in self.between(partition, upto, previous) {
            let places = self.found.of.get(&(subscription, message));
            for &index in places.into_iter().flatten() {
                let possession = &mut self.found.all[index];
                possession.ends.retain(|end| !end.how.is_final());
                let held = self.held.entry(possession.process).or_default();
                if !possession.is_gone() && !held.contains(&index) {
                    held.push(index);
                }
            }
        }
    }

    /// What happens to the owner of a partition.
    pub(super) fn log(&mut self, kind: &Kind) {
        match *kind {
            Kind::Assigned { subscription, consumer, partition, .. } => {
                self.goes_on_without(subscription, consumer, partition);
                let owned = Owned { subscription, since: self.here, end: None, is_known: true };
                self.owned.insert((consumer, partition), owned);
            }
            Kind::SessionExpired { subscription, consumer } => {
                self.taken(consumer, Ending::SessionExpired, |of, _| of == subscription);
            }
            Kind::MaxPollExceeded { subscription, consumer } => {
                self.taken(consumer, Ending::MaxPollExceeded, |of, _| of == subscription);
            }
            Kind::Revoked { consumer, partition, .. } => {
                self.taken(consumer, Ending::Revoked, |_, of| of == partition);
            }
            Kind::Lost { consumer, partition, .. } => {
                self.taken(consumer, Ending::PartitionLost, |_, of| of == partition);
            }
            Kind::Sought { subscription, consumer, partition, from, to } => {
                for (_, message) in self.between(partition, to, from) {
                    let holds = |one: &Possession| {
                        one.is_released() || (one.process == consumer && !one.is_gone())
                    };
                    if let Some(index) = self.find_last(subscription, message, holds) {
                        self.end(index, Ending::SoughtBack);
                    }
                }
                if let Some(owned) = self.owned.get_mut(&(consumer, partition)) {
                    owned.since = self.here;
                }
            }
            _ => {}
        }
    }

    /// A consumer is assigned a partition: whoever has owned it until now, as far as its group
    /// knows, is no member any more.
    fn goes_on_without(
        &mut self,
        subscription: SubscriptionId,
        successor: ProcessId,
        partition: PartitionId,
    ) {
        let is_left = |(of, number): (ProcessId, PartitionId), owned: &Owned| {
            let is_other = of != successor && number == partition;
            is_other && owned.subscription == subscription && owned.is_known && owned.end.is_none()
        };
        let left = self.owned.iter().filter(|(key, owned)| is_left(**key, owned));
        let left: Vec<ProcessId> = left.map(|((of, _), _)| *of).collect();
        for process in left {
            self.taken(process, Ending::NotRejoined, |_, of| of == partition);
        }
    }

    /// A broker that restarts does not know its members any more, so nothing follows from what it
    /// does without them.
    pub(super) fn members_forgotten(&mut self) {
        self.owned.values_mut().for_each(|owned| owned.is_known = false);
    }

    /// A process loses partitions, and what it holds of their messages.
    fn taken(
        &mut self,
        process: ProcessId,
        how: Ending,
        is: impl Fn(SubscriptionId, PartitionId) -> bool,
    ) {
        let end = End { place: self.here, how };
        let of_it = (process, PartitionId(0))..=(process, PartitionId(u16::MAX));
        for ((_, partition), owned) in self.owned.range_mut(of_it) {
            if is(owned.subscription, *partition) && owned.end.is_none() {
                owned.end = Some(end);
            }
        }
        for &index in self.held.get(&process).into_iter().flatten() {
            let possession = &mut self.found.all[index];
            let partition = possession.delivery.map(|delivery| delivery.partition);
            if partition.is_some_and(|partition| is(possession.subscription, partition)) {
                possession.ends.push(end);
            }
        }
    }

    /// What ends the possession of a message of a log before it is delivered: its consumer no
    /// longer owns the partition, or the group has committed an offset behind the message since it
    /// reads from this position.
    pub(super) fn ends_before(
        &self,
        subscription: SubscriptionId,
        process: ProcessId,
        delivery: &Delivery,
    ) -> Vec<End> {
        let owned = self.owned.get(&(process, delivery.partition));
        let lapsed = owned.and_then(|owned| owned.end);
        let since = owned.map(|owned| owned.since).unwrap_or_default();
        let committed = self.committed.get(&(subscription, delivery.partition));
        let committed = committed
            .filter(|committed| delivery.position < committed.upto && committed.place >= since);
        let settled = committed.map(|by| End { place: by.place, how: Ending::Settled });
        let mut ends: Vec<End> = lapsed.into_iter().chain(settled).collect();
        ends.sort_unstable_by_key(|end| end.place);
        ends
    }

    /// The messages of a log from an offset up to another.
    fn between(&self, partition: PartitionId, from: u64, upto: u64) -> Vec<(u64, MessageId)> {
        if upto <= from {
            return Vec::new();
        }
        let range = self.messages.range((partition, from)..(partition, upto));
        range.map(|((_, position), message)| (*position, *message)).collect()
    }
}
