//! Assignments, and what happens to processes and to the broker.

use entrega_model::Kind;

use super::SubscriptionFold;
use crate::partitions::Partitions;
use crate::{Cause, Counter};

impl SubscriptionFold {
    pub(crate) fn note_assignment(&mut self, kind: Kind, partitions: &Partitions) {
        match kind {
            Kind::Assigned { consumer, partition, generation, .. } => {
                self.owners.assigned(consumer, partition);
                let newer = self.generation.is_some_and(|last| generation > last);
                self.counters.add(Counter::Rebalances, newer.into());
                self.generation = self.generation.max(Some(generation));
            }
            Kind::Revoked { consumer, partition, .. } | Kind::Lost { consumer, partition, .. } => {
                self.owners.gave_up(consumer, partition);
            }
            Kind::SessionExpired { consumer, .. } => {
                let live = self.owners.session_expired(consumer);
                self.counters.add(Counter::SessionsExpiredWithLiveMember, live.into());
            }
            Kind::Sought { consumer, partition, to, .. } => {
                self.owners.sought(consumer, partition, to)
            }
            Kind::OffsetReset { consumer, partition, from, to, .. } => {
                self.owners.position_moved(consumer, partition);
                let progress = self.progress.entry(partition.0.into());
                progress.reset_to = to;
                progress.reset_before = self.owners.tenure_count();
                for id in partitions.between(partition, from.unwrap_or(0).into(), to) {
                    self.entry(id).note_loss(Cause::SkippedByReset);
                }
            }
            _ => {}
        }
    }

    pub(crate) fn note_world(&mut self, kind: Kind, is_log: bool) {
        match kind {
            Kind::Crashed { process, .. } => {
                if let Some(windows) = self.owners.windows_of(process) {
                    windows.count_crash(&mut self.counters);
                }
                self.owners.ended(process, |life| life.crashed = true);
            }
            Kind::Exited { process, .. } => self.owners.ended(process, |life| life.exited = true),
            Kind::Started { process, .. } => self.owners.ended(process, |life| life.crashed = true),
            Kind::Stalled { process } => {
                if let Some(windows) = self.owners.windows_of(process) {
                    windows.count_stall(&mut self.counters);
                }
            }
            Kind::BrokerRestarted => {
                self.counters.add(Counter::BrokerRestarts, 1);
                self.owners.broker_restarted(is_log);
            }
            _ => {}
        }
    }
}
