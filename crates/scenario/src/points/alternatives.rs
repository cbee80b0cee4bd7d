//! The alternatives of a fault point: what each is called, what it does, and how long it delays.
//!
//! > **The rule.** Alternatives are numbered from 1 in the order of their list, and replay strings
//! > use their names: a list only ever grows at its end.

use super::act::{Act, Zone};

/// One thing that can happen at a fault point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alternative {
    /// The stable name.
    pub name: &'static str,
    /// What happens, whatever its delay.
    pub act: Act,
    /// Until when it delays.
    pub zone: Zone,
    /// Of one that can happen by chance or script: what the schema of scenario files says about it.
    pub about: Option<&'static str>,
}

/// What can happen at a fault point besides the harmless answer.
#[derive(Clone, Copy, Debug)]
pub struct Alternatives {
    /// What the schema of scenario files calls the table of their probabilities.
    pub schema: &'static str,
    /// What it says about that table.
    pub about: &'static str,
    /// All of them, from alternative 1 on. Those that can happen by chance or script come first.
    /// The others end in a [`Zone`] that only an exploration or a replay chooses.
    pub all: &'static [Alternative],
    /// Their names.
    pub names: &'static [&'static str],
    /// How many of them can happen by chance or script.
    pub by_chance: usize,
}

const fn chance(name: &'static str, act: Act, zone: Zone, about: &'static str) -> Alternative {
    Alternative { name, act, zone, about: Some(about) }
}

const fn explored(name: &'static str, act: Act, zone: Zone) -> Alternative {
    Alternative { name, act, zone, about: None }
}

const fn order(name: &'static str, place: u8) -> Alternative {
    explored(name, Act::Order(place), Zone::Now)
}

const fn count_by_chance(all: &[Alternative]) -> usize {
    let mut count = 0;
    while count < all.len() && all[count].about.is_some() {
        count += 1;
    }
    count
}

macro_rules! alternatives {
    ($(#[$doc:meta])* $list:ident, $schema:literal, $about:literal, $($alternative:expr),+ $(,)?) => {
        $(#[$doc])*
        pub(super) const $list: Alternatives = {
            const ALL: &[Alternative] = &[$($alternative),+];
            const NAMES: &[&str] = &[$($alternative.name),+];
            let by_chance = count_by_chance(ALL);
            Alternatives { schema: $schema, about: $about, all: ALL, names: NAMES, by_chance }
        };
    };
}

alternatives! {
    /// What can go wrong with one leg (request or response) of a call.
    LEG, "Leg", "What can go wrong with one leg of a call.",
    chance("lost", Act::Lost, Zone::Now, "It never arrives."),
    chance(
        "late",
        Act::Late,
        Zone::Span,
        "It arrives after the additional time `times.late`.",
    ),
    chance("duplicated", Act::Duplicated, Zone::Now, "It arrives twice."),
    explored("late-calm", Act::Late, Zone::Calm),
    explored("late-expiry", Act::Late, Zone::Expiry),
    explored("late-takeover", Act::Late, Zone::Takeover),
}

alternatives! {
    /// A restart of the broker.
    RESTART, "Restart", "The broker goes down and comes back with its disk intact.",
    chance(
        "restart",
        Act::Restart,
        Zone::Now,
        "It forgets what was in flight and is away for `times.broker_restart`.",
    ),
}

alternatives! {
    /// A span in which a sink refuses, or does not answer.
    SINK_OUTAGE, "SinkOutage",
    "The sink is away for `times.outage`, from this request on; nothing that it has had is lost.",
    chance(
        "refuses",
        Act::Refuses,
        Zone::Span,
        "It refuses at once what it is asked: the handler fails, and has had no effect.",
    ),
    chance(
        "silent",
        Act::Silent,
        Zone::Span,
        "It does not answer: the handler waits for `consumer.request_timeout`, and does not know.",
    ),
    explored("refuses-calm", Act::Refuses, Zone::Calm),
    explored("silent-calm", Act::Silent, Zone::Calm),
}

alternatives! {
    /// A span in which the broker cannot be reached.
    BROKER_OUTAGE, "BrokerOutage",
    "Nobody reaches the broker for `times.outage`. It forgets nothing, and its clocks go on: leases
end, and so do the sessions of members that it does not hear.",
    chance("silent", Act::Silent, Zone::Span, "It does not answer what is sent from then on."),
    explored("silent-calm", Act::Silent, Zone::Calm),
}

alternatives! {
    /// Which of several requests or deadlines of one instant comes first.
    ORDER, "", "",
    order("second", 2),
    order("third", 3),
    order("fourth", 4),
    order("fifth", 5),
    order("sixth", 6),
    order("seventh", 7),
    order("eighth", 8),
}

alternatives! {
    /// What goes on last of all that is at work at one instant.
    LAST, "", "",
    explored("last", Act::Last, Zone::Calm),
}

alternatives! {
    /// A message that cannot be processed.
    POISON, "Poison", "A message that cannot be processed.",
    chance("poison", Act::Poison, Zone::Now, "Every attempt to process it fails."),
    chance(
        "kills",
        Act::Kills,
        Zone::Now,
        "Every attempt to process it kills the process that makes it.",
    ),
}

alternatives! {
    /// A handler that fails.
    ERROR, "HandlerError", "An error of the handler before its effect.",
    chance("transient", Act::Transient, Zone::Now, "Another attempt may succeed."),
}

alternatives! {
    /// A handler that is slow, for a span or until a zone.
    SLOW, "Slow", "A handler that takes its time.",
    chance("slow", Act::Slow, Zone::Span, "It takes the additional time `times.slow`."),
    explored("slow-calm", Act::Slow, Zone::Calm),
    explored("slow-expiry", Act::Slow, Zone::Expiry),
    explored("slow-takeover", Act::Slow, Zone::Takeover),
}

alternatives! {
    /// A stall, for a span or until a zone.
    STALL, "Stall",
    "A pause of the whole process for `times.stall`, heartbeats included, as by a garbage collector
or a suspended machine.",
    chance(
        "before",
        Act::StallBefore,
        Zone::Span,
        "It comes before the process asks the sink for the effect.",
    ),
    chance(
        "after",
        Act::StallAfter,
        Zone::Span,
        "It comes after the process has the sink's answer.",
    ),
    explored("before-expiry", Act::StallBefore, Zone::Expiry),
    explored("before-takeover", Act::StallBefore, Zone::Takeover),
    explored("after-expiry", Act::StallAfter, Zone::Expiry),
    explored("after-takeover", Act::StallAfter, Zone::Takeover),
    explored("before-timer", Act::StallBefore, Zone::Timer),
}

alternatives! {
    /// What becomes of a dead letter on its way from a queue to its target.
    TRANSFER, "Transfer", "A dead letter on its way from its queue to the target.",
    chance(
        "lost",
        Act::Lost,
        Zone::Now,
        "The target does not take it: at-most-once it is lost, at-least-once it is tried again.",
    ),
    chance(
        "duplicated",
        Act::Duplicated,
        Zone::Now,
        "At-least-once: the target takes it, its confirmation is lost, and it is sent once more.",
    ),
}

alternatives! {
    /// The end of a connection whose process lives on.
    DISCONNECT, "Disconnect",
    "The connection breaks while the process goes on, which connects again at once. The broker does
what it does at the end of a connection; what the client has in its buffer stays there.",
    chance(
        "before",
        Act::DisconnectBefore,
        Zone::Now,
        "It comes before the process asks the sink for the effect.",
    ),
    chance(
        "after",
        Act::DisconnectAfter,
        Zone::Now,
        "It comes after the process has the sink's answer.",
    ),
}

const DIES: Alternative = chance(
    "crash",
    Act::Crash,
    Zone::Now,
    "The process dies and comes back after `times.restart` with an empty memory.",
);

alternatives! {
    /// A crash, at once or after having been slow until a zone.
    CRASH, "Crash", "The end of a process without a goodbye.",
    DIES,
    explored("crash-calm", Act::Crash, Zone::Calm),
    explored("crash-expiry", Act::Crash, Zone::Expiry),
    explored("crash-takeover", Act::Crash, Zone::Takeover),
}

alternatives! {
    /// A crash at once.
    CRASH_AT_ONCE, "Crash", "The end of a process without a goodbye.",
    DIES,
}

alternatives! {
    /// A crash at an instant that the process has by its `mtbf`.
    CRASH_BY_TIME, "", "",
    explored("crash", Act::Crash, Zone::Now),
}

alternatives! {
    /// A shutdown, with a grace of a span or until a zone.
    SHUTDOWN, "Shutdown",
    "The process is asked to stop (SIGTERM), closes and leaves, or is killed after `times.grace`.
It comes back after `times.restart`.",
    chance(
        "drain",
        Act::Drain,
        Zone::Span,
        "Its library hands out what it has fetched, and then reports the shutdown.",
    ),
    chance(
        "abandon",
        Act::Abandon,
        Zone::Span,
        "Its library reports the shutdown at once, unless it hands out whole batches (Java).",
    ),
    explored("drain-calm", Act::Drain, Zone::Calm),
    explored("drain-takeover", Act::Drain, Zone::Takeover),
    explored("abandon-calm", Act::Abandon, Zone::Calm),
    explored("abandon-takeover", Act::Abandon, Zone::Takeover),
}

alternatives! {
    /// A rebalance before or after an effect.
    REBALANCE, "Rebalance",
    "Everybody joins the group again, as when a member comes or a topic grows.",
    chance(
        "before",
        Act::RebalanceBefore,
        Zone::Now,
        "It comes before a consumer asks the sink for the effect.",
    ),
    chance(
        "after",
        Act::RebalanceAfter,
        Zone::Now,
        "It comes after the consumer has the sink's answer.",
    ),
}

alternatives! {
    /// The failure of a leader, and of its machine or all machines.
    FAILOVER, "Failover",
    "The leader of a log with replicas fails. Another replica leads after `times.broker_restart`,
with what it has; if none may, the same one after `times.replica_away`.",
    chance(
        "crash",
        Act::LeaderCrash,
        Zone::Now,
        "Its process dies; what it has stays.",
    ),
    chance(
        "poweroff",
        Act::LeaderPoweroff,
        Zone::Now,
        "Its machine loses its power, and with it what it has not flushed.",
    ),
    chance(
        "blackout",
        Act::Blackout,
        Zone::Now,
        "The machines of all replicas lose their power, and with it what they have not flushed.",
    ),
}

alternatives! {
    /// Followers that copy nothing for a while.
    LAG, "Lag", "Followers of a log with replicas copy nothing for `times.replica_away`.",
    chance(
        "next",
        Act::NextLags,
        Zone::Now,
        "The first that is not behind yet, in the order in which they would lead.",
    ),
    chance(
        "all",
        Act::AllLag,
        Zone::Now,
        "All of them, as when the network cuts the leader off from them.",
    ),
}
