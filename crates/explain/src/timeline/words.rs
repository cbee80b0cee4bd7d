//! The words of a timeline: what each event is called, and in which column.

mod broker;

use std::collections::BTreeSet;

use entrega_model::event::{
    EffectVerdict, ProcessingResult, SendOutcome, SettleAct, SettleOutcome, SettleTrigger,
};
use entrega_model::{Event, Kind, MessageId, ProcessId, SubscriptionId};
use entrega_scenario::Cast;
use entrega_scenario::points::{self, Act, Call, Site, Zone};

use crate::story::{Injected, name};

/// An event in words.
pub(super) struct Line {
    pub(super) place: Place,
    pub(super) text: String,
    /// Something went wrong here.
    pub(super) fault: bool,
}

/// Where an event is shown.
pub(super) enum Place {
    /// In a column.
    At(usize),
    /// Across all of them.
    Everywhere,
}

const PRODUCER: usize = 0;
const BROKER: usize = 1;
const CONSUMER: usize = 2;
const SINK: usize = 3;

/// A line for every event; none for what the line before has said already.
pub(super) fn lines(events: &[Event], cast: &Cast) -> Vec<Option<Line>> {
    let mut teller = Teller { events, cast, seen: BTreeSet::new(), done: BTreeSet::new() };
    (0..events.len()).map(|at| teller.line(at)).collect()
}

struct Teller<'a> {
    events: &'a [Event],
    cast: &'a Cast,
    /// What was handed over before.
    seen: BTreeSet<(SubscriptionId, MessageId)>,
    /// What took effect before.
    done: BTreeSet<(SubscriptionId, MessageId)>,
}

impl Teller<'_> {
    fn line(&mut self, at: usize) -> Option<Line> {
        let kind = self.events[at].kind;
        match kind {
            Kind::SendInvoked { .. } | Kind::SendEnded { .. } => sending(&kind),
            Kind::Stored { .. } | Kind::Removed { .. } | Kind::Retrievable { .. } => {
                self.storage(&kind)
            }
            Kind::Delivered { .. }
            | Kind::ProcessingStarted { .. }
            | Kind::ProcessingEnded { .. }
            | Kind::SettleInvoked { .. }
            | Kind::SettleEnded { .. } => self.consuming(&kind),
            Kind::Effect { .. } | Kind::DeadLettered { .. } => self.sink(&kind),
            Kind::Settled { .. }
            | Kind::Committed { .. }
            | Kind::LeaseExpired { .. }
            | Kind::Requeued { .. }
            | Kind::SessionExpired { .. }
            | Kind::OffsetReset { .. }
            | Kind::Assigned { .. }
            | Kind::Revoked { .. }
            | Kind::Lost { .. }
            | Kind::Sought { .. } => self.progress(&kind),
            Kind::Faulted { point, .. } => self.fault(at, point),
            _ => self.world(&kind),
        }
    }

    fn who(&self, process: ProcessId) -> String {
        self.cast.name(process)
    }

    fn whose(&self, subscription: SubscriptionId) -> &str {
        self.cast.subscriptions().get(subscription.index()).map_or("?", String::as_str)
    }

    fn consuming(&mut self, kind: &Kind) -> Option<Line> {
        match *kind {
            Kind::Delivered { message, subscription, consumer, redelivered, .. } => {
                let again = !self.seen.insert((subscription, message)) || redelivered;
                let again = if again { "↻ " } else { "" };
                line(CONSUMER, format!("{again}{} ← {}", self.who(consumer), name(message)))
            }
            Kind::ProcessingStarted { message, consumer, .. } => {
                line(CONSUMER, format!("{} works on {}", self.who(consumer), name(message)))
            }
            Kind::ProcessingEnded { message, consumer, result, .. } => {
                let (who, m) = (self.who(consumer), name(message));
                match result {
                    ProcessingResult::Ok => line(CONSUMER, format!("{who} is done with {m}")),
                    ProcessingResult::Transient => fault(CONSUMER, format!("! {who} fails on {m}")),
                    ProcessingResult::Poison => {
                        fault(CONSUMER, format!("! {who} fails on {m}, as ever"))
                    }
                    ProcessingResult::Unknown => {
                        fault(CONSUMER, format!("! {who} has no answer about {m}"))
                    }
                }
            }
            Kind::SettleInvoked { message, consumer, act, trigger, .. } => {
                let (who, m) = (self.who(consumer), name(message));
                line(CONSUMER, format!("{who} → {}{} {m}", by(trigger), verb(act)))
            }
            Kind::SettleEnded { message, consumer, act, outcome, .. } => {
                let (who, m, act) = (self.who(consumer), name(message), verb(act));
                match outcome {
                    SettleOutcome::Ok => line(CONSUMER, format!("{who} ✓ {act} {m}")),
                    SettleOutcome::Fail => fault(CONSUMER, format!("! {who}: {act} {m} refused")),
                    SettleOutcome::Info => {
                        fault(CONSUMER, format!("! {who}: {act} {m} unanswered"))
                    }
                }
            }
            _ => None,
        }
    }

    fn sink(&mut self, kind: &Kind) -> Option<Line> {
        match *kind {
            Kind::Effect { message, subscription, consumer, verdict, .. } => {
                let (who, m) = (self.who(consumer), name(message));
                match verdict {
                    EffectVerdict::Applied if self.done.insert((subscription, message)) => {
                        line(SINK, format!("★ {m} by {who}"))
                    }
                    EffectVerdict::Applied => fault(SINK, format!("★ {m} AGAIN by {who}")),
                    EffectVerdict::Suppressed => line(SINK, format!("{m} by {who} suppressed")),
                    EffectVerdict::Rejected => line(SINK, format!("{m} by {who} rejected")),
                }
            }
            Kind::DeadLettered { message, subscription, .. } => {
                line(SINK, format!("☠ {} of {}", name(message), self.whose(subscription)))
            }
            _ => None,
        }
    }

    fn world(&self, kind: &Kind) -> Option<Line> {
        let column =
            |process: ProcessId| if self.cast.is_producer(process) { PRODUCER } else { CONSUMER };
        match *kind {
            Kind::Crashed { process, .. } => {
                fault(column(process), format!("✗ {} crashes", self.who(process)))
            }
            Kind::Exited { process, failed, .. } => {
                let how = if failed { "leaves after an error" } else { "leaves" };
                line(column(process), format!("{} {how}", self.who(process)))
            }
            Kind::Started { process, incarnation } => {
                let again = if incarnation.0 > 0 { " again" } else { "" };
                line(column(process), format!("{} starts{again}", self.who(process)))
            }
            Kind::Stalled { process } => {
                fault(column(process), format!("⏸ {} stalls", self.who(process)))
            }
            Kind::Resumed { process } => {
                line(column(process), format!("{} goes on", self.who(process)))
            }
            Kind::BrokerRestarted => fault(BROKER, "✗ the broker restarts".to_owned()),
            Kind::Entered { phase } => Some(Line {
                place: Place::Everywhere,
                text: format!("{phase:?}").to_lowercase(),
                fault: false,
            }),
            _ => None,
        }
    }

    fn fault(&self, at: usize, point: u16) -> Option<Line> {
        let injected = Injected::at(self.events, at)?;
        let (info, _) = points::describe(entrega_choice::Point(point));
        let (sign, column) = match injected.site {
            Site::Leg(Call::Send, _) => ("⇥", PRODUCER),
            Site::Leg(_, _) => ("⇥", CONSUMER),
            Site::Broker => ("✗", BROKER),
            Site::Group => ("⇄", BROKER),
            Site::Arrivals => {
                let who = self.who(injected.process);
                return fault(BROKER, format!("⇄ a request of {who} overtakes"));
            }
            Site::Crash(_) if delay(injected.zone).is_none() => ("✗", CONSUMER),
            Site::Crash(_) | Site::Process => ("⏸", CONSUMER),
            Site::Handler if injected.act == Act::Slow => ("⏸", CONSUMER),
            Site::Handler | Site::Message => ("!", CONSUMER),
        };
        let m = injected.message.map_or_else(String::new, |message| format!(" {}", name(message)));
        let alternative = info.act_name(injected.act).unwrap_or("?");
        let what = match delay(injected.zone) {
            None => alternative.to_owned(),
            Some(until) if injected.is_crash() => format!("slow {until}, then {alternative}"),
            Some(until) => format!("{alternative}, {until}"),
        };
        fault(column, format!("{sign} {}{m}: {what}", info.name))
    }
}

/// Until when something is delayed that ends in a zone.
const fn delay(zone: Zone) -> Option<&'static str> {
    match zone {
        Zone::Now | Zone::Span => None,
        Zone::Calm => Some("until all is calm"),
        Zone::Expiry => Some("until the next deadline"),
        Zone::Takeover => Some("until somebody could take over"),
    }
}

fn sending(kind: &Kind) -> Option<Line> {
    match *kind {
        Kind::SendInvoked { message, key, attempt: 1, .. } => {
            line(PRODUCER, format!("→ {} key {key}", name(message)))
        }
        Kind::SendInvoked { message, attempt, .. } => {
            line(PRODUCER, format!("→ {} attempt {attempt}", name(message)))
        }
        Kind::SendEnded { message, outcome, .. } => match outcome {
            SendOutcome::Ok => line(PRODUCER, format!("✓ {}", name(message))),
            SendOutcome::Fail => fault(PRODUCER, format!("! {} refused", name(message))),
            SendOutcome::Info => fault(PRODUCER, format!("! {} indeterminate", name(message))),
        },
        _ => None,
    }
}

fn line(column: usize, text: String) -> Option<Line> {
    Some(Line { place: Place::At(column), text, fault: false })
}

fn fault(column: usize, text: String) -> Option<Line> {
    Some(Line { place: Place::At(column), text, fault: true })
}

/// Who asks for a settle, unless it is the application.
fn by(trigger: SettleTrigger) -> &'static str {
    match trigger {
        SettleTrigger::Application => "",
        SettleTrigger::Timer => "timer: ",
        SettleTrigger::Delivery => "hand-over: ",
        SettleTrigger::NextReceive => "next receive: ",
        SettleTrigger::Close => "close: ",
        SettleTrigger::Revoke => "revoke: ",
    }
}

fn verb(act: SettleAct) -> &'static str {
    match act {
        SettleAct::Ack => "ack",
        SettleAct::Requeue => "give back",
        SettleAct::Reject => "reject",
        SettleAct::Extend => "extend",
        SettleAct::Commit => "commit",
    }
}
