//! What befalls the replicas of a log: followers that fall behind, and a leader that fails.
//!
//! > **The rule.** Both are chosen when the leader has handled a request: its answer is on its way
//! > by then, and no follower has what was appended just now. Until somebody leads, the broker is
//! > away as one that restarts.

use entrega_brokers::{Broker, Failure, Followers};
use entrega_scenario::NO_PROCESS;
use entrega_scenario::points::{Act, Fault, info, shared_point};

use super::{Routed, World};

/// How many answers there are to the question whether followers fall behind.
const LAGS: u32 = info(Fault::ReplicaLag).bound();
/// How many there are to the question whether the leader fails.
const FAILURES: u32 = info(Fault::BrokerFailover).bound();

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// After a request has reached a broker with replicas.
    #[inline(never)]
    pub(super) fn maybe_fail_over(&mut self) {
        if self.now < self.broker_up_at {
            return;
        }
        if let Some(act) = self.chosen(Fault::ReplicaLag, LAGS) {
            let followers = if act == Act::AllLag { Followers::All } else { Followers::Next };
            self.broker.fall_behind(self.now, followers, self.now + self.times.replica_away);
        }
        match self.chosen(Fault::BrokerFailover, FAILURES) {
            Some(Act::LeaderCrash) => self.fail_over(Failure::Crash),
            Some(Act::LeaderPoweroff) => self.fail_over(Failure::PowerLoss),
            Some(Act::Blackout) => self.fail_over(Failure::Blackout),
            _ => {}
        }
    }

    fn chosen(&mut self, fault: Fault, bound: u32) -> Option<Act> {
        let point = shared_point(fault);
        let choice = self.choices.pick(point, bound);
        let chosen = info(fault).alternative(choice)?;
        self.fault(point, choice, NO_PROCESS, None);
        Some(chosen.act)
    }

    /// The leader fails with everything in flight.
    fn fail_over(&mut self, failure: Failure) {
        let back_at = self.now + self.times.replica_away;
        let is_led = self.broker.fail_over(self.now, failure, back_at, &mut self.events);
        self.broker_up_at = if is_led { self.now + self.times.broker_restart } else { back_at };
        self.drop_parked();
    }
}
