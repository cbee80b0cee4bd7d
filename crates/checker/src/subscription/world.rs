//! Assignments, and what happens to processes and to the broker.

use entrega_model::Kind;

use super::SubscriptionFold;
use crate::lanes::Lanes;
use crate::{Cause, Counter};

impl SubscriptionFold {
    pub(crate) fn note_assignment(&mut self, kind: Kind, lanes: &Lanes) {
        match kind {
            Kind::Assigned { consumer, lane, generation, .. } => {
                self.owners.assigned(consumer, lane);
                let newer = self.generation.is_some_and(|last| generation > last);
                self.counters.add(Counter::Rebalances, newer.into());
                self.generation = self.generation.max(Some(generation));
            }
            Kind::Revoked { consumer, lane, .. } | Kind::Lost { consumer, lane, .. } => {
                self.owners.gave_up(consumer, lane);
            }
            Kind::SessionExpired { consumer, .. } => {
                let live = self.owners.session_expired(consumer);
                self.counters.add(Counter::SessionsExpiredWithLiveMember, live.into());
            }
            Kind::Sought { consumer, lane, to, .. } => self.owners.sought(consumer, lane, to),
            Kind::OffsetReset { consumer, lane, from, to, .. } => {
                self.owners.position_moved(consumer, lane);
                let progress = self.progress.entry(lane.0.into());
                progress.reset_to = to;
                progress.reset_before = self.owners.tenure_count();
                for id in lanes.between(lane, from.unwrap_or(0).into(), to) {
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
