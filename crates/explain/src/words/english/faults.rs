//! The words for injected faults, in English.

use entrega_choice::Point;
use entrega_model::Kind;
use entrega_model::event::RemoveReason;
use entrega_scenario::points::{self, Act, Call, Leg, Moment, Site, Zone};

use crate::injected::Injected;
use crate::words::{Scene, Words, name};

/// The words for the event of a fault.
pub(super) fn words(scene: &Scene<'_>) -> Words {
    let Kind::Faulted { point, alternative, .. } = scene.kind else { return Words::default() };
    let (info, _) = points::describe(Point(point));
    let alternative = info.alternative_name(alternative.into()).unwrap_or("?");
    let what = if info.site.is_order() { "change of order" } else { "fault" };
    let prose = format!("{what}: {} = {alternative}", info.name);
    match &scene.fault {
        Some(fault) => {
            Words::new(prose, short(scene, fault)).in_a_story(clause(scene, fault, None))
        }
        None => Words::alike(prose),
    }
}

fn short(scene: &Scene<'_>, fault: &Injected) -> String {
    let until = delay(fault.zone);
    let sign = match fault.point.site {
        Site::Leg(..) | Site::Connection | Site::Transfer => "⇥",
        Site::Group => "⇄",
        Site::Arrivals => return format!("⇄ a request of {} overtakes", scene.who(fault.process)),
        Site::Handlers => return format!("⇄ {} goes on last", scene.who(fault.process)),
        Site::Deadlines => {
            let [first, then] = deadlines(scene, fault);
            return format!("⇄ a deadline of {first} before one of {then}");
        }
        Site::Polls => return format!("⇄ {} gives up last", scene.who(fault.process)),
        Site::Delays => return format!("⇄ {} comes back first", scene.who(fault.process)),
        Site::Crash(_) if until.is_some() => "⏸",
        Site::Crash(_) | Site::Broker | Site::Leader | Site::Service => "✗",
        Site::Followers => "⏸",
        Site::Process => "⏸",
        Site::Handler if fault.holds_up_handler() => "⏸",
        Site::Handler | Site::Message | Site::Shutdown => "!",
    };
    let m = fault.message.map_or_else(String::new, |message| format!(" {}", name(message)));
    let alternative = fault.point.act_name(fault.act).unwrap_or("?");
    let what = match until {
        None => alternative.to_owned(),
        Some(until) if fault.is_shutdown() => format!("{alternative}, may take {until}"),
        Some(until) if fault.is_crash() => format!("slow {until}, then {alternative}"),
        Some(until) => format!("{alternative}, {until}"),
    };
    format!("{sign} {}{m}: {what}", fault.point.name)
}

/// Until when something is delayed that ends in a zone.
const fn delay(zone: Zone) -> Option<&'static str> {
    match zone {
        Zone::Now | Zone::Span => None,
        Zone::Calm => Some("until all is calm"),
        Zone::Expiry => Some("until the next deadline"),
        Zone::Takeover => Some("until somebody could take over"),
        Zone::Timer => Some("after its next timer, until somebody could take over"),
    }
}

/// What happened, as a main clause: `the request to settle m2 is lost`, `mailer 1 stalls before the
/// effect of m2 until its session has ended`.
pub(in crate::words) fn clause(scene: &Scene<'_>, fault: &Injected, until: Option<&str>) -> String {
    let who = scene.who(fault.process);
    let m = fault.message.map_or_else(|| "a message".to_owned(), name);
    let what = match fault.act {
        Act::Lost => format!("{} is lost", leg(scene, fault, &m)),
        Act::Late => format!("{} is late", leg(scene, fault, &m)),
        Act::Duplicated => format!("{} arrives twice", leg(scene, fault, &m)),
        Act::Restart => "the broker restarts".to_owned(),
        Act::LeaderCrash => "the leader of the log crashes".to_owned(),
        Act::LeaderPoweroff => "the machine of the leader loses its power".to_owned(),
        Act::Blackout => "the machines of all replicas lose their power".to_owned(),
        Act::NextLags => "the next leader falls behind".to_owned(),
        Act::AllLag => "all followers fall behind".to_owned(),
        Act::Refuses => format!("the sink begins to refuse, {m} first"),
        Act::Silent if fault.is_of_broker() => "nobody reaches the broker any more".to_owned(),
        Act::Silent => format!("the sink stops answering, at {m}"),
        Act::Order(_) if fault.point.site == Site::Deadlines => {
            let [first, then] = deadlines(scene, fault);
            format!("a deadline of {first} comes just before one of {then}")
        }
        Act::Order(_) => overtaking(scene, fault),
        Act::Poison => format!("{m} is poison, and the handler of {who} fails on it"),
        Act::Kills if fault.of_worker => {
            format!("{m} is poison that kills its worker, and one of {who} works on it")
        }
        Act::Kills => format!("{m} is poison that kills its process, and {who} works on it"),
        Act::Transient => format!("the handler of {who} fails on {m}"),
        Act::Last if fault.point.site == Site::Polls => {
            format!("a poll of {who} gives up only after what is on its way")
        }
        Act::Last if fault.point.site == Site::Delays => {
            format!("{who} comes back before that is over")
        }
        Act::Last => format!("{who} is at work on {m}"),
        Act::Slow => format!("{who} is slow at {m}"),
        Act::StallBefore if fault.zone == Zone::Timer => {
            format!("{who} is slow at {m}, then stalls before its effect")
        }
        Act::StallBefore => format!("{who} stalls before the effect of {m}"),
        Act::StallAfter => format!("{who} stalls after the effect of {m}"),
        Act::Drain | Act::Abandon => format!("{who} is asked to stop"),
        Act::Crash if fault.of_worker => {
            return crash(fault, &format!("the worker of {who}"), &m, until);
        }
        Act::Crash if fault.point.site == Site::Crash(Moment::AfterSend) => {
            return crash(fault, &who, &sent(scene, fault, &m), until);
        }
        Act::Crash => return crash(fault, &who, &m, until),
        Act::DisconnectBefore => format!("{who} loses its connection before the effect of {m}"),
        Act::DisconnectAfter => format!("{who} loses its connection after the effect of {m}"),
        Act::RebalanceBefore | Act::RebalanceAfter => {
            format!("the group rebalances while {who} works on {m}")
        }
    };
    match until {
        Some(until) => format!("{what} {until}"),
        None => what,
    }
}

/// What travels on the leg of a call that a fault befell.
fn leg(scene: &Scene<'_>, fault: &Injected, m: &str) -> String {
    if fault.point.site == Site::Transfer {
        return format!("the dead letter of {m}");
    }
    let Site::Leg(call, leg) = fault.point.site else { return "a message".to_owned() };
    let who = scene.who(fault.process);
    let also = scene.also.map(name);
    match (call, leg) {
        (Call::Send, Leg::Request) => format!("the request to store {}", sent(scene, fault, m)),
        (Call::Send, Leg::Response) => {
            format!("the answer that {} is stored", sent(scene, fault, m))
        }
        (Call::Receive, Leg::Request) => format!("a request of {who} for messages"),
        (Call::Receive, Leg::Response) => format!("an answer with messages for {who}"),
        (Call::Effect, Leg::Request) => format!("the request for the effect of {m}"),
        (Call::Effect, Leg::Response) => format!("the sink's answer about {m}"),
        (Call::Settle, Leg::Request) if fault.extends => {
            format!("the request for more time for {m}")
        }
        (Call::Settle, Leg::Response) if fault.extends => {
            format!("the answer that there is more time for {m}")
        }
        (Call::Settle, Leg::Request) => match also {
            Some(also) => format!("the request to settle {m}, which covers {also},"),
            None => format!("the request to settle {m}"),
        },
        (Call::Settle, Leg::Response) => match also {
            Some(also) => format!("the answer that {m}, and {also} with it, is settled"),
            None => format!("the answer that {m} is settled"),
        },
        (Call::DeadLetter, Leg::Request) => format!("the request to dead-letter {m}"),
        (Call::DeadLetter, Leg::Response) => format!("the answer that {m} is dead-lettered"),
    }
}

/// What is sent: a consumer publishes copies.
fn sent(scene: &Scene<'_>, fault: &Injected, m: &str) -> String {
    if scene.cast.is_producer(fault.process) { m.to_owned() } else { format!("a copy of {m}") }
}

/// A process that crashes, perhaps after having been slow until a zone.
fn crash(fault: &Injected, who: &str, m: &str, until: Option<&str>) -> String {
    let moment = match fault.point.site {
        Site::Crash(Moment::BeforeEffect) => format!("before the effect of {m}"),
        Site::Crash(Moment::AfterEffect) => format!("after the effect of {m}"),
        Site::Crash(Moment::AfterSettle) => format!("right after settling {m}"),
        Site::Crash(Moment::AfterDeadLetter) => format!("after dead-lettering {m}"),
        Site::Crash(Moment::AtAnyTime) => "at a time of its own".to_owned(),
        Site::Crash(Moment::BeforeSend) => format!("before it sends {m}"),
        Site::Crash(Moment::AfterSend) => format!("before it notes that {m} is stored"),
        Site::Leg(..)
        | Site::Broker
        | Site::Service
        | Site::Arrivals
        | Site::Handlers
        | Site::Deadlines
        | Site::Polls
        | Site::Delays
        | Site::Message
        | Site::Handler
        | Site::Process
        | Site::Shutdown
        | Site::Group
        | Site::Connection
        | Site::Transfer
        | Site::Leader
        | Site::Followers => format!("at {m}"),
    };
    match until {
        Some(until) => format!("{who} is slow {until} and then crashes {moment}"),
        None if fault.is_in_zone() => format!("{who} is slow {moment}"),
        None => format!("{who} crashes {moment}"),
    }
}

/// `the request of mailer 2 for the effect of m1 overtakes one that was sent before it`.
fn overtaking(scene: &Scene<'_>, fault: &Injected) -> String {
    let who = scene.who(fault.process);
    let request = match scene.next {
        Some(Kind::Effect { message, consumer, .. }) if consumer == fault.process => {
            format!("the request of {who} for the effect of {}", name(message))
        }
        Some(Kind::Settled { message, consumer, .. }) if consumer == fault.process => {
            format!("the request of {who} to settle {}", name(message))
        }
        Some(Kind::Committed { consumer, .. }) if consumer == fault.process => {
            format!("a commit of {who}")
        }
        Some(Kind::Stored { message, .. }) if scene.cast.is_producer(fault.process) => {
            format!("the request to store {}", name(message))
        }
        _ => format!("a request of {who}"),
    };
    format!("{request} overtakes one that was sent before it")
}

/// Whose deadline comes first of two at one instant, and whose comes then: at its own the broker
/// takes something back or completes a rebalance, which is what happens next.
fn deadlines(scene: &Scene<'_>, fault: &Injected) -> [String; 2] {
    let (who, broker) = (scene.who(fault.process), "the broker".to_owned());
    match scene.next {
        Some(
            Kind::LeaseExpired { .. }
            | Kind::SessionExpired { .. }
            | Kind::Removed { reason: RemoveReason::Ttl | RemoveReason::Retention, .. }
            | Kind::Assigned { .. },
        ) => [broker, who],
        _ => [who, broker],
    }
}
