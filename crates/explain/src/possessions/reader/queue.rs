//! What a queue records about the holders of its messages.

use entrega_model::Kind;
use entrega_model::event::SettleAct;

use super::Reader;
use crate::possessions::{Ending, Possession};

impl Reader {
    /// What a queue records about one message and its holder.
    pub(super) fn queue(&mut self, kind: &Kind) {
        let (message, subscription, process, how) = match *kind {
            Kind::Settled { message, subscription, consumer, act, trigger } => {
                let how = match act {
                    SettleAct::Ack | SettleAct::Reject | SettleAct::Commit => Ending::Settled,
                    SettleAct::Requeue => Ending::GivenBack,
                    SettleAct::Extend => return,
                };
                if how.is_final() {
                    self.settle(subscription, message, consumer, trigger);
                }
                (message, subscription, consumer, how)
            }
            Kind::LeaseExpired { message, subscription, consumer } => {
                (message, subscription, consumer, Ending::LeaseExpired)
            }
            Kind::Requeued { message, subscription, consumer } => {
                (message, subscription, consumer, Ending::Requeued)
            }
            _ => return,
        };
        let holds = |one: &Possession| one.process == process && !one.is_released();
        let index = self.find(subscription, message, holds).unwrap_or_else(|| {
            let from = self.available(Some(subscription), message);
            self.begin(subscription, message, process, from)
        });
        self.end(index, how);
        if !how.is_final() {
            self.available.insert((Some(subscription), message), self.here);
        }
    }

    /// A queue forgets what is in flight; a log has nothing in flight.
    pub(super) fn broker_restarted(&mut self) {
        let held: Vec<usize> = self.held.values().flatten().copied().collect();
        for index in held {
            let possession = &self.found.all[index];
            let key = (Some(possession.subscription), possession.message);
            if self.available.contains_key(&key) && !possession.is_released() {
                self.end(index, Ending::BrokerRestarted);
                self.available.insert(key, self.here);
            }
        }
    }
}
