//! A fault that was injected, read from its event.
//!
//! > **The rule.** What a story asks of a kind of fault is a question here, so that stories name no
//! > fault points.

use std::collections::BTreeMap;

use entrega_choice::Point;
use entrega_model::event::{ProcessingResult, SettleAct};
use entrega_model::{Event, Kind, MessageId, ProcessId};
use entrega_scenario::points::{self, Act, Alternative, Call, FaultInfo, Leg, Moment, Site, Zone};

/// A fault that was injected.
#[derive(Clone, Copy, Debug)]
pub struct Injected {
    /// The index of its event.
    pub at: usize,
    /// The kind of its point.
    pub point: &'static FaultInfo,
    /// What happened there, whatever its delay.
    pub act: Act,
    /// Until when it delays.
    pub zone: Zone,
    /// The process that it befell.
    pub process: ProcessId,
    /// The message that it befell: of a call to a sink for a batch the first, and of one that does
    /// not say, the one that the caller began to work on last.
    pub message: Option<MessageId>,
    /// Whether its process had last asked for more time, and not to settle.
    pub extends: bool,
    /// Whether only the worker dies of it that ran the handler, and its process lives on.
    pub of_worker: bool,
}

impl Injected {
    /// All faults of a run, in the order of the run.
    pub fn all(events: &[Event]) -> Vec<Self> {
        let mut in_work: BTreeMap<ProcessId, MessageId> = BTreeMap::new();
        let mut asked: BTreeMap<ProcessId, SettleAct> = BTreeMap::new();
        let mut found: Vec<Self> = Vec::new();
        for (at, event) in events.iter().enumerate() {
            match event.kind {
                Kind::ProcessingStarted { message, consumer, .. } => {
                    in_work.insert(consumer, message);
                }
                Kind::SettleInvoked { consumer, act, .. } => {
                    asked.insert(consumer, act);
                }
                Kind::Faulted { point, alternative, process, message } => {
                    let (point, _) = points::describe(Point(point));
                    let Some(one) = point.alternative(alternative.into()) else { continue };
                    let Alternative { act, zone, .. } = *one;
                    let extends = asked.get(&process) == Some(&SettleAct::Extend);
                    let of_worker = false;
                    let mut fault =
                        Self { at, point, act, zone, process, message, extends, of_worker };
                    if fault.befalls(Call::Effect) || fault.befalls(Call::DeadLetter) {
                        fault.message = message.or_else(|| in_work.get(&process).copied());
                    }
                    found.push(fault);
                }
                Kind::ProcessingEnded {
                    message,
                    consumer,
                    result: ProcessingResult::WorkerLost,
                    ..
                } => {
                    let kills = |one: &Self| matches!(one.act, Act::Crash | Act::Kills);
                    let is_it =
                        |one: &Self| one.process == consumer && one.message == Some(message);
                    let fault = found.iter_mut().rfind(|one| is_it(one) && kills(one));
                    fault.into_iter().for_each(|one| one.of_worker = true);
                }
                _ => {}
            }
        }
        found
    }

    /// The fault that made a process die at a place: a crash right there, one that made it slow
    /// first, or a request to stop whose grace is over.
    pub(crate) fn behind_crash(events: &[Event], faults: &[Self], crash: usize) -> Option<Self> {
        let Kind::Crashed { process, .. } = events.get(crash)?.kind else { return None };
        let until = faults.partition_point(|one| one.at < crash);
        let own = || faults[..until].iter().rev().filter(|one| one.process == process);
        own().next()?;
        let starts = |event: &Event| matches!(event.kind, Kind::Started { process: of, .. } if of == process);
        let begun = events[..crash].iter().rposition(starts).unwrap_or(0);
        let of_life = |is: &dyn Fn(&Self) -> bool| {
            own().take_while(|one| one.at >= begun).find(|one| is(one)).copied()
        };
        of_life(&|one| one.is_crash() && one.at + 1 == crash)
            .or_else(|| of_life(&|one| one.is_crash() && one.is_in_zone()))
            .or_else(|| of_life(&Self::is_shutdown))
    }

    /// Whether a process dies of it.
    pub(crate) fn is_crash(&self) -> bool {
        self.act == Act::Crash && !self.of_worker
    }

    /// Whether a process is asked to stop.
    pub(crate) fn is_shutdown(&self) -> bool {
        self.act.is_shutdown()
    }

    /// Whether a process dies of it right after settling.
    pub(crate) fn is_crash_after_settling(&self) -> bool {
        self.point.site == Site::Crash(Moment::AfterSettle)
    }

    /// Whether it befell its process at an instant, whatever that did.
    pub(crate) fn is_by_time(&self) -> bool {
        self.point.is_by_time()
    }

    /// Whether a process stands still or its handler is slow.
    pub(crate) fn is_hold_up(&self) -> bool {
        self.holds_up_handler() || self.act.is_stall()
    }

    /// Whether a handler is slow or goes on last, and its process does not stand still.
    pub(crate) fn holds_up_handler(&self) -> bool {
        self.act == Act::Slow || self.point.site == Site::Handlers
    }

    /// Whether a handler fails.
    pub(crate) fn fails_handler(&self) -> bool {
        matches!(self.act, Act::Poison | Act::Transient)
    }

    /// Whether something waits until a zone, as only an exploration or a replay chooses.
    pub(crate) fn is_in_zone(&self) -> bool {
        matches!(self.zone, Zone::Calm | Zone::Expiry | Zone::Takeover | Zone::Timer)
    }

    /// Whether a request or a deadline overtakes another.
    pub(crate) fn is_overtaking(&self) -> bool {
        matches!(self.point.site, Site::Arrivals | Site::Deadlines)
    }

    /// Whether the end of a poll or of a delay comes after what is on its way.
    pub(crate) fn is_late_end(&self) -> bool {
        matches!(self.point.site, Site::Polls | Site::Delays)
    }

    /// Whether a process comes back before a delay is over.
    pub(crate) fn is_return_before_a_delay(&self) -> bool {
        self.point.site == Site::Delays
    }

    /// Whether a connection breaks whose process lives on.
    pub(crate) fn breaks_a_connection(&self) -> bool {
        self.point.site == Site::Connection
    }

    /// Whether it befell the broker and not a sink.
    pub(crate) fn is_of_broker(&self) -> bool {
        !self.point.per_subscription
    }

    /// Whether a group rebalances.
    pub(crate) fn is_rebalance(&self) -> bool {
        self.act.is_rebalance()
    }

    /// Whether it befell a call of this kind or its answer.
    pub(crate) fn befalls(&self, call: Call) -> bool {
        self.leg(call).is_some()
    }

    /// Which leg of a call of this kind it befell, if it befell one.
    pub(crate) fn leg(&self, call: Call) -> Option<Leg> {
        let Site::Leg(of, leg) = self.point.site else { return None };
        (of == call).then_some(leg)
    }

    /// Whether it doubles a request of this kind.
    pub(crate) fn doubles(&self, call: Call) -> bool {
        self.leg(call) == Some(Leg::Request) && self.act == Act::Duplicated
    }

    /// Whether a request of this kind comes late.
    pub(crate) fn is_late_request(&self, call: Call) -> bool {
        self.leg(call) == Some(Leg::Request) && self.act == Act::Late
    }

    /// Whether the answer to a request of this kind comes late.
    pub(crate) fn is_late_answer(&self, call: Call) -> bool {
        self.leg(call) == Some(Leg::Response) && self.act == Act::Late
    }

    /// Whether a group notices that a member is away.
    pub(crate) fn shakes_the_group(&self) -> bool {
        self.is_crash()
            || self.is_shutdown()
            || self.is_hold_up()
            || self.is_rebalance()
            || self.befalls(Call::Receive)
    }

    /// Whether it concerns the broker or its group rather than a client.
    pub(crate) fn is_at_the_broker(&self) -> bool {
        matches!(
            self.point.site,
            Site::Broker
                | Site::Leader
                | Site::Followers
                | Site::Arrivals
                | Site::Deadlines
                | Site::Group
                | Site::Transfer
        ) || (self.point.site == Site::Service && self.is_of_broker())
    }
}

#[cfg(test)]
mod tests {
    use entrega_model::{DeliveryId, Instant, SubscriptionId};
    use entrega_scenario::points::{Fault, own_point};

    use super::*;

    const OURS: SubscriptionId = SubscriptionId(0);
    const READER: ProcessId = ProcessId(1);

    /// The message that a fault befell at the first answer of a point, after work on `m0` and then
    /// on `m1` began.
    fn befallen(fault: Fault, message: Option<MessageId>) -> Option<MessageId> {
        let begun = |message| Kind::ProcessingStarted {
            delivery: DeliveryId(0),
            message: MessageId(message),
            subscription: OURS,
            consumer: READER,
        };
        let point = own_point(fault, OURS).0;
        let faulted = Kind::Faulted { point, alternative: 1, process: READER, message };
        let events =
            [begun(0), begun(1), faulted].map(|kind| Event { at: Instant::from_nanos(0), kind });
        Injected::all(&events)[0].message
    }

    #[test]
    fn a_fault_is_of_the_message_that_its_event_names() {
        let legs = [
            Fault::EffectRequest,
            Fault::EffectResponse,
            Fault::DeadLetterRequest,
            Fault::DeadLetterResponse,
        ];
        for leg in legs {
            assert_eq!(befallen(leg, Some(MessageId(0))), Some(MessageId(0)), "{leg:?}");
            assert_eq!(befallen(leg, None), Some(MessageId(1)), "{leg:?}");
        }
    }

    #[test]
    fn only_a_call_to_a_sink_is_of_what_is_in_work() {
        assert_eq!(befallen(Fault::ReceiveRequest, None), None);
    }
}
