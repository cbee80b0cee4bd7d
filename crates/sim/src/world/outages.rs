//! Outages: spans in which a sink refuses or does not answer, and in which nobody reaches the
//! broker.
//!
//! ```text
//!  a request arrives ──▶ sink.outage ──▶ away ──▶ there again
//!                          refuses: an answer, at once      after the span, when all is
//!                          silent: none, and a timeout      calm, or when the run heals
//! ```
//!
//! > **The rule.** An outage takes nothing back: what a sink has applied and what a broker has
//! > stored stays. A broker that nobody reaches is there: its clocks go on, so leases end, and so
//! > do the sessions of those that it does not hear. That is what tells it from a restart.
//!
//! One that a scenario puts at a time ends when that says, whenever the first request met it; so
//! every strategy and both models have the same one.

use entrega_brokers::Broker;
use entrega_choice::Point;
use entrega_clients::CallId;
use entrega_model::fingerprint::Fingerprint;
use entrega_model::{Instant, MessageId, ProcessId, SubscriptionId};
use entrega_scenario::NO_PROCESS;
use entrega_scenario::points::{Act, Fault, Zone, info, own_point, shared_point};

use super::calls::{Answer, Caller, Payload};
use super::{Due, Routed, World};

/// How many answers there are to the question whether a sink is away from here on.
const OF_SINK: u32 = info(Fault::SinkOutage).bound();
/// How many there are to the question whether the broker is.
const OF_BROKER: u32 = info(Fault::BrokerOutage).bound();

/// Who is away.
pub(super) struct Outages {
    /// No sink is away from here on.
    sinks_back_at: Instant,
    sinks: Vec<Away>,
    /// The broker is there and cannot be reached.
    broker: bool,
}

/// A sink that is away.
#[derive(Clone, Copy)]
struct Away {
    subscription: SubscriptionId,
    until: Instant,
    how: Act,
}

impl Default for Outages {
    fn default() -> Self {
        Self { sinks_back_at: Instant::START, sinks: Vec::new(), broker: false }
    }
}

impl Outages {
    /// Everybody is there.
    pub(super) fn clear(&mut self) {
        let Self { sinks_back_at, sinks, broker } = self;
        *sinks_back_at = Instant::START;
        sinks.clear();
        *broker = false;
    }

    /// Who is away, and until when.
    pub(super) fn fingerprint(&self, now: Instant, into: &mut Fingerprint<'_>) {
        let away = || self.sinks.iter().filter(|away| away.until > now);
        into.count(away().count());
        for away in away() {
            into.word(away.subscription.0.into());
            into.flag(away.how == Act::Silent);
            into.deadline((away.until < Instant::NEVER).then_some(away.until));
        }
        into.flag(self.broker);
    }
}

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// A request reaches a sink: how it is away, if it is.
    #[inline(always)]
    pub(super) fn sink_is_away(
        &mut self,
        subscription: SubscriptionId,
        consumer: ProcessId,
        message: Option<MessageId>,
    ) -> Option<Act> {
        if self.now < self.outages.sinks_back_at
            && let Some(how) = self.how_away(subscription)
        {
            return Some(how);
        }
        match self.choices.pick(own_point(Fault::SinkOutage, subscription), OF_SINK) {
            0 => None,
            choice => self.sink_goes_away(subscription, choice, consumer, message),
        }
    }

    #[cold]
    fn how_away(&self, subscription: SubscriptionId) -> Option<Act> {
        let mut sinks = self.outages.sinks.iter();
        let away = sinks.find(|away| away.subscription == subscription && self.now < away.until);
        away.map(|away| away.how)
    }

    #[cold]
    fn sink_goes_away(
        &mut self,
        subscription: SubscriptionId,
        choice: u32,
        consumer: ProcessId,
        message: Option<MessageId>,
    ) -> Option<Act> {
        let point = own_point(Fault::SinkOutage, subscription);
        let chosen = info(Fault::SinkOutage).alternative(choice)?;
        let until = self.outage_until(point, chosen.zone)?;
        self.fault(point, choice, consumer, message);
        if chosen.zone != Zone::Span {
            self.hold(Due::SinkBack(subscription), chosen.zone);
        }
        self.outages.sinks.retain(|away| away.subscription != subscription);
        self.outages.sinks.push(Away { subscription, until, how: chosen.act });
        self.outages.sinks_back_at = self.outages.sinks_back_at.max(until);
        Some(chosen.act)
    }

    /// A sink is there again.
    pub(super) fn sink_comes_back(&mut self, subscription: SubscriptionId) {
        self.outages.sinks.retain(|away| away.subscription != subscription);
        let last = self.outages.sinks.iter().map(|away| away.until).max();
        self.outages.sinks_back_at = last.unwrap_or(Instant::START);
    }

    /// Until when an outage lasts that begins now; none if the scenario put it at a time that is
    /// over.
    fn outage_until(&self, point: Point, zone: Zone) -> Option<Instant> {
        if zone != Zone::Span {
            return Some(Instant::NEVER);
        }
        let begun =
            self.times.outages.iter().filter(|one| one.point == point && one.at <= self.now);
        match begun.max_by_key(|one| one.at) {
            None => Some(self.now + self.times.outage),
            Some(put) => Some(put.until).filter(|&until| until > self.now),
        }
    }

    /// A sink that is away has been asked: it refuses, or no answer will come.
    #[cold]
    pub(super) fn turn_away(&mut self, id: CallId, how: Act) {
        if how == Act::Silent {
            self.lose(id);
        } else {
            self.answer(id, Answer::Refused);
        }
    }

    /// The same of a call that has no place in the table yet.
    #[cold]
    pub(super) fn turned_away(&mut self, caller: &Caller, how: Act) -> CallId {
        let id = self.admit(caller, Payload::Gone);
        self.turn_away(id, how);
        id
    }

    /// After a request has reached the broker: it may be out of reach from here on.
    #[inline]
    pub(super) fn maybe_lose_broker(&mut self) {
        let point = shared_point(Fault::BrokerOutage);
        let choice = self.choices.pick(point, OF_BROKER);
        if choice != 0 {
            self.lose_broker(point, choice);
        }
    }

    #[cold]
    fn lose_broker(&mut self, point: Point, choice: u32) {
        let Some(chosen) = info(Fault::BrokerOutage).alternative(choice) else { return };
        let Some(until) = self.outage_until(point, chosen.zone) else { return };
        self.fault(point, choice, NO_PROCESS, None);
        self.undisturbed = false;
        self.outages.broker = true;
        self.broker_up_at = self.broker_up_at.max(until);
        if chosen.zone == Zone::Span {
            self.timers.schedule(until, Due::BrokerBack);
        } else {
            self.hold(Due::BrokerBack, chosen.zone);
        }
        for id in std::mem::take(&mut self.parked) {
            self.calls.get(id).parked = false;
            self.lose(id);
        }
        for number in 0..self.processes.len() {
            if self.processes[number].is_running() {
                self.broker.silent(self.now, self.processes[number].client());
            }
        }
        self.arm_broker();
    }

    /// The broker can be reached again, and hears those that run.
    pub(super) fn broker_comes_back(&mut self) {
        if !std::mem::take(&mut self.outages.broker) {
            return;
        }
        self.broker_up_at = self.broker_up_at.min(self.now);
        for number in 0..self.processes.len() {
            if self.processes[number].is_running() {
                self.broker.heard(self.now, self.processes[number].client());
            }
        }
        self.after_broker();
    }

    /// Whether the broker is there and cannot be reached, so that it hears nobody.
    pub(super) fn is_broker_out_of_reach(&self) -> bool {
        self.outages.broker
    }

    /// Every outage ends, as all faults do.
    pub(super) fn end_outages(&mut self) {
        self.outages.sinks.clear();
        self.outages.sinks_back_at = Instant::START;
        self.broker_comes_back();
    }
}
