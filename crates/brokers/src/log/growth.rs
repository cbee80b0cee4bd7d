//! Partitions that are added while the log runs.
//!
//! > **The rule.** From one instant on there are more partitions, empty ones. Nobody is told: a
//! > client learns of them when it asks for the topic's metadata. A group shares them out in its
//! > next rebalance, and a member that joins because it has learnt of them makes it have one.
//!
//! A topic never shrinks. The key of a message belongs to another partition than before for all but
//! a part of the keys, so order within a key breaks at the change.
//!
//! Two simplifications: whatever begins a rebalance, it shares out every partition that exists, and
//! any member that learns of more begins one. In Kafka it shares out those that the leader of the
//! group has learnt of, and only the leader looks.
//!
//! Source: [KAFKA-SRC] `CreatePartitions`, `ConsumerCoordinator.rejoinNeededOrPending`.

use entrega_model::{Duration, Instant};

use super::partition::Partition;
use super::{LogBroker, LogSettings};

/// How the number of partitions grows (`kafka-topics --alter --partitions`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PartitionsAdded {
    /// How long after the start.
    pub at: Duration,
    /// To how many in all.
    pub to: u16,
}

/// The number of partitions now, and what is still to come.
#[derive(Clone, Copy, Debug)]
pub(super) struct Growth {
    initial: u16,
    added: Option<PartitionsAdded>,
    is_over: bool,
}

impl Growth {
    pub(super) fn new(settings: &LogSettings) -> Self {
        let (initial, added) = (settings.partitions, settings.partitions_added);
        Self { initial, added: added.filter(|added| added.to > initial), is_over: false }
    }

    /// As many partitions as at the start.
    pub(super) fn clear(&mut self) {
        let Self { initial: _, added: _, is_over } = self;
        *is_over = false;
    }

    /// How many partitions there are.
    pub(super) fn partitions(self) -> u16 {
        self.added.filter(|_| self.is_over).map_or(self.initial, |added| added.to)
    }

    /// When there will be more.
    pub(super) fn due(self) -> Option<Instant> {
        self.added.filter(|_| !self.is_over).map(|added| Instant::START + added.at)
    }
}

impl LogBroker {
    /// The topic has its new partitions from now on.
    pub(super) fn add_partitions(&mut self) {
        self.growth.is_over = true;
        let count = self.growth.partitions();
        self.partitions.resize_with(usize::from(count), Partition::default);
        self.groups.iter_mut().for_each(|group| group.add_partitions(count));
        self.timestamps.iter_mut().for_each(|timestamps| timestamps.add_partitions(count));
        self.replicas.iter_mut().for_each(|replicas| replicas.add_partitions(count));
    }
}
