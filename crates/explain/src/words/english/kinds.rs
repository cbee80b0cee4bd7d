//! The words for kinds of faults, of which any number may happen, in English.

use entrega_scenario::points::{Act, Call, FaultKind, Leg, Mishap, Moment, Site, info};

/// What a kind of fault is called: what it has in common with others, and what sets it apart.
pub(in crate::words) fn words((fault, act): FaultKind) -> (String, &'static str) {
    let plain = |what: &str| (what.to_owned(), "");
    match info(fault).site {
        Site::Leg(call, leg) => {
            (format!("{} that is", travels(call, leg)), act.on_leg().map_or("", travel))
        }
        Site::Broker => plain("a restart of the broker"),
        Site::Service if info(fault).is_broker_outage() => plain("an outage of the broker"),
        Site::Service => ("an outage of the sink".to_owned(), outage(act)),
        Site::Arrivals => plain("a request that comes before its turn"),
        Site::Handlers => plain("a handler that goes on after the others"),
        Site::Deadlines => plain("a deadline that comes before its turn"),
        Site::Polls => plain("a poll that gives up after what is on its way"),
        Site::Delays => plain("a delay that is over only when a process is back"),
        Site::Message => plain("a poison message"),
        Site::Handler if act == Act::Slow => plain("a handler that is slow"),
        Site::Handler => plain("a handler that fails"),
        Site::Process => ("a stall".to_owned(), side(act == Act::StallBefore)),
        Site::Crash(Moment::BeforeEffect) => ("a crash".to_owned(), side(true)),
        Site::Crash(Moment::AfterEffect) => ("a crash".to_owned(), side(false)),
        Site::Crash(Moment::AfterSettle) => ("a crash".to_owned(), "after the settle"),
        Site::Crash(Moment::AtAnyTime) => ("a crash".to_owned(), "at a time of its own"),
        Site::Crash(Moment::AfterDeadLetter) => ("a crash".to_owned(), "after the dead letter"),
        Site::Crash(Moment::BeforeSend) => ("a crash".to_owned(), "before a send"),
        Site::Crash(Moment::AfterSend) => ("a crash".to_owned(), "after a send"),
        Site::Shutdown if act == Act::Drain => ("a shutdown".to_owned(), "that drains"),
        Site::Shutdown => ("a shutdown".to_owned(), "that abandons"),
        Site::Leader if act == Act::LeaderCrash => {
            ("a failure of the leader".to_owned(), "that crashes")
        }
        Site::Leader if act == Act::Blackout => {
            ("a failure of the leader".to_owned(), "in a blackout")
        }
        Site::Leader => ("a failure of the leader".to_owned(), "that loses its power"),
        Site::Followers if act == Act::AllLag => plain("a lag of all followers"),
        Site::Followers => plain("a lag of the next leader"),
        Site::Group => ("a rebalance".to_owned(), side(act == Act::RebalanceBefore)),
        Site::Transfer if act == Act::Lost => plain("a dead letter that is lost on its way"),
        Site::Transfer => plain("a dead letter that is transferred twice"),
        Site::Connection => ("a lost connection".to_owned(), side(act == Act::DisconnectBefore)),
    }
}

/// What a call or its answer is called.
fn travels(call: Call, leg: Leg) -> &'static str {
    match (call, leg) {
        (Call::Send, Leg::Request) => "a request to store",
        (Call::Send, Leg::Response) => "an answer to one",
        (Call::Receive, Leg::Request) => "a request for messages",
        (Call::Receive, Leg::Response) => "an answer with messages",
        (Call::Effect, Leg::Request) => "a request for the effect",
        (Call::Effect, Leg::Response) => "the sink's answer",
        (Call::Settle, Leg::Request) => "a request to settle",
        (Call::Settle, Leg::Response) => "an answer to a settle",
        (Call::DeadLetter, Leg::Request) => "a request to dead-letter",
        (Call::DeadLetter, Leg::Response) => "an answer about a dead letter",
    }
}

/// What happens to it on its way.
fn travel(mishap: Mishap) -> &'static str {
    match mishap {
        Mishap::Lost => "lost",
        Mishap::Late => "late",
        Mishap::Duplicated => "doubled",
    }
}

/// What a sink does that is away.
fn outage(act: Act) -> &'static str {
    if act == Act::Silent { "that does not answer" } else { "that refuses" }
}

/// On which side of an effect something happens.
fn side(before: bool) -> &'static str {
    if before { "before the effect" } else { "after the effect" }
}
