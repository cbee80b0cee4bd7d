//! Assignments, and what happens to processes and to the broker.

use entrega_model::event::Phase;
use entrega_model::{Kind, Model, PartitionId};

use super::SubscriptionFold;
use crate::partitions::Partitions;
use crate::{Cause, Counter};

impl SubscriptionFold {
    pub(crate) fn note_assignment(&mut self, kind: Kind, partitions: &Partitions) {
        match kind {
            Kind::Assigned { consumer, partition, generation, position, .. } => {
                self.owners.assigned(consumer, partition);
                self.goes_back(partition, position, partitions);
                let newer = self.generation.is_some_and(|last| generation > last);
                self.counters.add(Counter::Rebalances, newer.into());
                self.generation = self.generation.max(Some(generation));
            }
            Kind::Revoked { consumer, partition, .. } | Kind::Lost { consumer, partition, .. } => {
                self.owners.gave_up(consumer, partition, self.is_record);
            }
            Kind::SessionExpired { consumer, .. } => {
                let live = self.owners.session_expired(consumer);
                self.counters.add(Counter::SessionsExpiredWithLiveMember, live.into());
            }
            Kind::MaxPollExceeded { consumer, .. } => {
                self.owners.left_group(consumer);
                self.counters.add(Counter::MaxPollIntervalsExceeded, 1);
            }
            Kind::Sought { consumer, partition, to, .. } => {
                self.owners.sought(consumer, partition, to);
                self.goes_back(partition, to, partitions);
            }
            Kind::OffsetReset { consumer, partition, from, to, .. } => {
                self.owners.position_moved(consumer, partition);
                self.goes_back(partition, to, partitions);
                let progress = self.progress.entry(partition.0.into());
                progress.reset_to = to;
                progress.reset_before = self.owners.tenure_count();
                progress.skipped_upto = progress.skipped_upto.max(to);
                for (_, id) in partitions.between(partition, from.unwrap_or(0).into(), to) {
                    self.entry(id).note_loss(Cause::SkippedByReset);
                }
            }
            _ => {}
        }
    }

    /// A consumer goes on at a position: no reset skips what stands behind it any more.
    fn goes_back(&mut self, partition: PartitionId, to: u64, partitions: &Partitions) {
        let Some(progress) = self.progress.get_mut(partition.0.into()) else { return };
        let upto = progress.skipped_upto;
        progress.skipped_upto = upto.min(to);
        for (_, id) in partitions.between(partition, to, upto) {
            self.entry(id).forget_skip();
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
            Kind::Started { process, .. } if self.is_record => {
                self.owners.ended(process, |life| life.ended_unseen = true);
            }
            Kind::Started { process, .. } => self.owners.ended(process, |life| life.crashed = true),
            Kind::Stalled { process } => {
                if let Some(windows) = self.owners.windows_of(process) {
                    windows.count_stall(&mut self.counters);
                }
            }
            Kind::Entered { phase: Phase::Audit } => {
                self.audited = Some(if is_log { Model::Log } else { Model::Queue });
            }
            Kind::BrokerRestarted => {
                self.counters.add(Counter::BrokerRestarts, 1);
                self.owners.broker_restarted(is_log);
            }
            _ => {}
        }
    }
}
