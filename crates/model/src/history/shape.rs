//! Which fields each kind of line has. A test checks the table in [`super`] against this one.

/// A kind of line and its fields.
#[derive(Debug)]
pub(super) struct Shape {
    /// The name of the event, or what else the line is.
    pub(super) name: &'static str,
    /// Fields that must be there.
    pub(super) required: &'static [&'static str],
    /// Fields that may be left out.
    pub(super) optional: &'static [&'static str],
}

/// The first line.
pub(super) const HEADER: Shape =
    shape("header", &["entrega_history", "model", "subscriptions"], &["program_order", "complete"]);

/// An element of the header's `subscriptions`.
pub(super) const SUBSCRIPTION: Shape =
    shape("subscription", &["name", "guarantee"], &["dead_letters", "ordered"]);

/// The last line.
pub(super) const CLOSING: Shape = shape("closing line", &["end"], &[]);

/// An event before its name is known.
pub(super) const EVENT: Shape = shape("an event", &["event"], COMMON);

/// Fields that every event has besides its own.
pub(super) const COMMON: &[&str] = &["event", "at"];

/// All events, in the order of [`crate::Kind`].
pub(super) const EVENTS: [Shape; 41] = [
    shape("send.invoke", &["message"], &["key", "producer", "attempt"]),
    shape("send.ok", &["message"], &["producer", "attempt"]),
    shape("send.fail", &["message"], &["producer", "attempt"]),
    shape("send.info", &["message"], &["producer", "attempt"]),
    shape("store", &["message"], &["subscription", "lane", "position", "copy"]),
    shape("remove", &["message", "reason"], &["subscription"]),
    shape(
        "deliver",
        &["message"],
        &["subscription", "consumer", "delivery", "lane", "position", "attempt", "redelivered"],
    ),
    shape("process.start", &["message"], &["subscription", "consumer", "delivery"]),
    shape("process.end", &["message", "result"], &["subscription", "consumer", "delivery"]),
    shape("effect", &["message"], &["key", "subscription", "consumer", "delivery", "verdict"]),
    shape(
        "settle.invoke",
        &["message", "act"],
        &["subscription", "consumer", "lane", "position", "trigger"],
    ),
    shape("settle.ok", &["message", "act"], &["subscription", "consumer"]),
    shape("settle.fail", &["message", "act"], &["subscription", "consumer"]),
    shape("settle.info", &["message", "act"], &["subscription", "consumer"]),
    shape("settled", &["message", "act"], &["subscription", "consumer", "trigger"]),
    shape("committed", &["upto"], &["subscription", "consumer", "lane", "previous", "trigger"]),
    shape("dlq", &["message"], &["subscription", "reason"]),
    shape("lease_expired", &["message"], &["subscription", "consumer"]),
    shape("requeued", &["message"], &["subscription", "consumer"]),
    shape("session_expired", &[], &["subscription", "consumer"]),
    shape("reset", &["to"], &["subscription", "consumer", "lane", "from"]),
    shape("assign", &[], &["subscription", "consumer", "lane", "generation", "position"]),
    shape("revoke", &[], &["subscription", "consumer", "lane"]),
    shape("lost", &[], &["subscription", "consumer", "lane"]),
    shape("crash", &["process"], &["incarnation"]),
    shape("exit", &["process"], &["incarnation", "failed"]),
    shape("start", &["process"], &["incarnation"]),
    shape("stall", &["process"], &[]),
    shape("resume", &["process"], &[]),
    shape("broker_restart", &[], &[]),
    shape("fault", &["point", "alternative", "process"], &["message"]),
    shape("phase", &["phase"], &[]),
    shape("retrievable", &["message"], &["subscription"]),
    shape("seek", &["to"], &["subscription", "consumer", "lane", "from"]),
    shape("max_poll_exceeded", &[], &["subscription", "consumer"]),
    shape("kept", &["message"], &["subscription"]),
    shape("settle_forgotten", &["message"], &["subscription"]),
    shape("aborted", &["message"], &["subscription", "consumer", "delivery", "seen", "reason"]),
    shape("redriven", &["message"], &["subscription", "position", "tag"]),
    shape("retried", &["message"], &["subscription", "consumer", "position"]),
    shape("effect.invoke", &["message"], &["subscription", "consumer", "delivery"]),
];

const fn shape(
    name: &'static str,
    required: &'static [&'static str],
    optional: &'static [&'static str],
) -> Shape {
    Shape { name, required, optional }
}
