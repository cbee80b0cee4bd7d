//! The table of fault points: one row says everything that is known about a kind, and nothing else
//! lists the kinds.
//!
//! > **The rule.** A row is never moved, removed or renamed, and a new one stands at the end: its
//! > place is part of the numbers in events, its name part of replay strings.

use super::act::{Call, Leg, Moment, Site};
use super::alternatives::{
    Alternatives, BROKER_OUTAGE, CRASH, CRASH_AT_ONCE, CRASH_BY_TIME, DISCONNECT, ERROR, FAILOVER,
    LAG, LAST, LEG, ORDER, POISON, REBALANCE, RESTART, SHUTDOWN, SINK_OUTAGE, SLOW, STALL,
    TRANSFER,
};
use super::{Fault, FaultInfo};

/// All kinds, in the order of [`Fault`].
pub const FAULTS: [FaultInfo; 35] = [
    shared(Fault::SendRequest, "send.request", Site::Leg(Call::Send, Leg::Request), LEG)
        .means("the producer's request to store a message")
        .is_about("The request on its way."),
    shared(Fault::SendResponse, "send.response", Site::Leg(Call::Send, Leg::Response), LEG)
        .means("the broker's answer to it")
        .is_about("The answer on its way."),
    shared(Fault::BrokerRestart, "broker.restart", Site::Broker, RESTART)
        .means("the broker restarts and forgets what was in flight")
        .is_about("Picked whenever it handles a request."),
    shared(Fault::ArrivalOrder, "arrival.order", Site::Arrivals, ORDER)
        .means("of requests that arrive at one instant, which comes first"),
    own(Fault::ReceiveRequest, "receive.request", Site::Leg(Call::Receive, Leg::Request), LEG)
        .means("a consumer's request for messages")
        .is_about("The request on its way."),
    own(Fault::ReceiveResponse, "receive.response", Site::Leg(Call::Receive, Leg::Response), LEG)
        .means("the messages on their way to the consumer")
        .is_about("The answer on its way."),
    own(Fault::MessagePoison, "message.poison", Site::Message, POISON)
        .means("every attempt to process this message fails")
        .is_about("Picked once for each message and subscription."),
    own(Fault::HandlerError, "handler.error", Site::Handler, ERROR)
        .means("the handler fails before its effect; another attempt may succeed")
        .is_about("The handler ends with an error."),
    own(Fault::HandlerSlow, "handler.slow", Site::Handler, SLOW)
        .means("the handler takes `times.slow` longer; heartbeats go on")
        .is_about("The handler takes longer; heartbeats and timers of the process go on."),
    own(Fault::ProcessStall, "process.stall", Site::Process, STALL)
        .means("all of the process stops for `times.stall`, before or after the effect")
        .is_about("Picked once for each attempt at an effect."),
    own(Fault::EffectBefore, "effect.before", Site::Crash(Moment::BeforeEffect), CRASH)
        .means("the process dies when it is about to ask for the effect")
        .is_about("When the process is about to ask the sink."),
    own(Fault::EffectRequest, "effect.request", Site::Leg(Call::Effect, Leg::Request), LEG)
        .means("the request to the sink")
        .is_about("The request to the sink."),
    own(Fault::EffectResponse, "effect.response", Site::Leg(Call::Effect, Leg::Response), LEG)
        .means("the sink's answer")
        .is_about("The sink's answer."),
    own(Fault::EffectAfter, "effect.after", Site::Crash(Moment::AfterEffect), CRASH)
        .means("the process dies when it has the sink's answer")
        .is_about("When the process has the sink's answer."),
    own(Fault::SettleRequest, "settle.request", Site::Leg(Call::Settle, Leg::Request), LEG)
        .means("the consumer's request to settle: an ack or a commit")
        .is_about("The request to settle."),
    own(Fault::SettleResponse, "settle.response", Site::Leg(Call::Settle, Leg::Response), LEG)
        .means("the broker's answer to it")
        .is_about("The broker's answer."),
    own(Fault::SettleAfter, "settle.after", Site::Crash(Moment::AfterSettle), CRASH_AT_ONCE)
        .means("the process dies when it has the broker's answer to a settle")
        .is_about(
            "When the process has the broker's answer to a settle that the application asked for.",
        ),
    own(
        Fault::DeadLetterRequest,
        "dead_letter.request",
        Site::Leg(Call::DeadLetter, Leg::Request),
        LEG,
    )
    .means("the consumer's request to write a dead letter")
    .is_about("The request on its way."),
    own(
        Fault::DeadLetterResponse,
        "dead_letter.response",
        Site::Leg(Call::DeadLetter, Leg::Response),
        LEG,
    )
    .means("the answer to it")
    .is_about("The answer on its way."),
    own(Fault::GroupRebalance, "group.rebalance", Site::Group, REBALANCE)
        .means("on a log: the group rebalances, before or after an effect")
        .is_about("Picked once for each attempt at an effect."),
    own(Fault::DeadLetterAfter, "dead_letter.after", Site::Crash(Moment::AfterDeadLetter), CRASH)
        .means("the process dies when it has the answer to a dead letter")
        .is_about("When the process has the answer to a dead letter."),
    own(Fault::ProcessShutdown, "process.shutdown", Site::Shutdown, SHUTDOWN)
        .means("the process is asked to stop; it is killed after `times.grace`")
        .is_about("Picked at every turn of a poll."),
    own(Fault::HandlerOrder, "handler.order", Site::Handlers, LAST)
        .means("of handlers that are at work at one instant, which goes on last"),
    shared(Fault::DeadlineOrder, "deadline.order", Site::Deadlines, ORDER)
        .means("of deadlines of the broker and of processes at one instant, which comes first"),
    own(Fault::PollOrder, "poll.order", Site::Polls, LAST)
        .means("a poll that waits no longer than now, and what is on its way now still comes"),
    shared(Fault::DelayOrder, "delay.order", Site::Delays, LAST)
        .means("a delay would be over, and a process that is down comes back first"),
    own(Fault::ConnectionLost, "connection.lost", Site::Connection, DISCONNECT)
        .means("on a queue: the connection breaks, before or after the effect; the process goes on")
        .is_about("Picked once for each attempt at an effect."),
    shared(Fault::BrokerFailover, "broker.failover", Site::Leader, FAILOVER)
        .means("on a log with replicas: its leader fails, and another replica leads")
        .is_about("Picked whenever it has handled a request."),
    shared(Fault::ReplicaLag, "replica.lag", Site::Followers, LAG)
        .means("on a log with replicas: followers copy nothing for `times.replica_away`")
        .is_about("Picked whenever the leader has handled a request."),
    own(Fault::SinkOutage, "sink.outage", Site::Service, SINK_OUTAGE)
        .means("the sink refuses or does not answer, for `times.outage`")
        .is_about("Picked at every request that reaches the sink while it is there."),
    shared(Fault::BrokerOutage, "broker.outage", Site::Service, BROKER_OUTAGE)
        .means("nobody reaches the broker for `times.outage`; it forgets nothing")
        .is_about("Picked whenever it has handled a request."),
    own(Fault::ProcessCrash, "process.crash", Site::Crash(Moment::AtAnyTime), CRASH_BY_TIME)
        .means("the process dies at an instant of its own, by the `mtbf` of its subscription"),
    shared(Fault::SendBefore, "send.before", Site::Crash(Moment::BeforeSend), CRASH_AT_ONCE)
        .means("the producer dies when it is about to send a message")
        .is_about("When the producer is about to send a message; what its buffer holds is gone."),
    shared(Fault::SendAfter, "send.after", Site::Crash(Moment::AfterSend), CRASH_AT_ONCE)
        .means("the producer dies when it has the broker's answer to a send")
        .is_about("When the producer has the broker's answer, and nobody has noted it."),
    own(Fault::DeadLetterTransfer, "dead_letter.transfer", Site::Transfer, TRANSFER)
        .means("on a queue: the broker's own transfer of a dead letter to its target")
        .is_about("Picked whenever the queue gives a message up for which there are dead letters."),
];

/// A table in `[faults]`: the points whose names begin alike.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    /// How their names begin.
    pub(crate) name: &'static str,
    /// What the schema of scenario files says about it.
    pub(crate) about: &'static str,
    /// What the schema calls its type; some sections have the same.
    pub(crate) schema: &'static str,
    /// What the schema says about the type.
    pub(crate) schema_about: &'static str,
}

/// All sections, in the order in which scenario files list them.
pub(crate) const SECTIONS: [Section; 13] = [
    section(
        "send",
        "The producer's requests to store a message, and the answers. Not for one subscription.",
        ("SendFaults", "Faults around a send."),
    ),
    section(
        "broker",
        "The broker process. Not for one subscription.",
        ("BrokerFaults", "Faults of the broker."),
    ),
    section("receive", "A consumer's requests for messages, and the messages on their way.", LEGS),
    section("message", "The messages themselves.", ("MessageFaults", "Faults of messages.")),
    section("handler", "The application's handler.", ("HandlerFaults", "Faults of the handler.")),
    section(
        "process",
        "The consumer process as a whole.",
        ("ProcessFaults", "Faults of the consumer process."),
    ),
    section(
        "group",
        "The consumer group, on a log.",
        ("GroupFaults", "Faults of a consumer group, which only a log has."),
    ),
    section(
        "effect",
        "Around the effect at the sink.",
        ("EffectFaults", "Faults around the effect."),
    ),
    section(
        "settle",
        "Around settling: acks and commits.",
        ("SettleFaults", "Faults around a settle."),
    ),
    section(
        "dead_letter",
        "Around a dead letter, which a consumer writes or the broker.",
        ("DeadLetterFaults", "Faults around a dead letter."),
    ),
    section(
        "connection",
        "The connection of a consumer, on a queue.",
        ("ConnectionFaults", "Faults of the connection between a consumer and its queue."),
    ),
    section(
        "replica",
        "The replicas of a log. Not for one subscription.",
        ("ReplicaFaults", "Faults of the replicas of a log."),
    ),
    section("sink", "The sink as a whole.", ("SinkFaults", "Faults of the sink.")),
];

const LEGS: (&str, &str) = ("Legs", "Both legs of a remote call.");

const fn section(
    name: &'static str,
    about: &'static str,
    (schema, schema_about): (&'static str, &'static str),
) -> Section {
    Section { name, about, schema, schema_about }
}

const fn shared(
    fault: Fault,
    name: &'static str,
    site: Site,
    alternatives: Alternatives,
) -> FaultInfo {
    let per_subscription = false;
    FaultInfo { fault, name, site, per_subscription, alternatives, meaning: "", about: "" }
}

const fn own(
    fault: Fault,
    name: &'static str,
    site: Site,
    alternatives: Alternatives,
) -> FaultInfo {
    FaultInfo { per_subscription: true, ..shared(fault, name, site, alternatives) }
}

impl Section {
    /// The points in it, in the order of the table.
    pub(crate) fn points(self) -> impl Iterator<Item = &'static FaultInfo> {
        FAULTS.iter().filter(move |info| self.holds(info))
    }

    /// Whether a point is in it.
    pub(crate) fn holds(&self, info: &FaultInfo) -> bool {
        info.can_happen_by_chance() && info.section() == self.name
    }
}

impl FaultInfo {
    /// How the name begins.
    pub(crate) fn section(&self) -> &'static str {
        self.name.split_once('.').map_or(self.name, |(section, _)| section)
    }

    /// How the name ends.
    pub(crate) fn name_in_section(&self) -> &'static str {
        self.name.split_once('.').map_or("", |(_, name)| name)
    }

    const fn means(self, meaning: &'static str) -> Self {
        Self { meaning, ..self }
    }

    const fn is_about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }
}
