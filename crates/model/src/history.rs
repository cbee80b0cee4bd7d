//! Histories as JSON Lines: what a run recorded, or what a real system's users wrote down.
//!
//! A history is a text file, one JSON object a line: a *header*, any number of *events* in the
//! order in which they happened, and a *closing line*. A real system that logs three things (a send
//! began, how it ended, an effect was applied) can be judged by the checker that judges the
//! simulator. Names and fields follow semantics.md 5.1; the outcomes `ok`, `fail` and `info` are
//! those of Jepsen histories [JEPSEN-TUTORIAL].
//!
//! ```
//! let text = r#"
//! {"entrega_history":1,"model":"queue","subscriptions":[{"name":"mail","guarantee":"at-least-once"}]}
//! {"event":"send.invoke","message":"order-1"}
//! {"event":"send.ok","message":"order-1"}
//! {"event":"crash","process":"mail"}
//! {"event":"effect","message":"order-1"}
//! {"end":"quiescent"}
//! "#;
//! let history = entrega_model::history::read(text.as_bytes(), "orders.jsonl")?;
//! assert_eq!(history.events.len(), 4);
//! assert_eq!(history.names.messages, ["order-1"]);
//! # Ok::<(), entrega_model::history::HistoryError>(())
//! ```
//!
//! # Lines
//!
//! Lines are UTF-8, of at most 1 MiB each, and end like those of Unix or of Windows. A byte order
//! mark at the beginning and blank lines are passed over.
//!
//! # Header and closing line
//!
//! ```text
//! {"entrega_history":1,"model":"log","subscriptions":[
//!     {"name":"mail","guarantee":"at-least-once","dead_letters":true,"ordered":false}]}
//! {"end":"quiescent"}
//! ```
//!
//! The header stands on one line; here it is broken for the page. `model` is `log` or `queue`.
//! `guarantee` is what the subscription promises: `none`, `at-most-once`, `at-least-once` or
//! `exactly-once-effect`; `dead_letters` and `ordered` (default `false`) say whether a dead letter
//! and order within each key are part of the promise. With `program_order` (default `false`) a send
//! precedes every later one of its key and producer; without, only those that began after it was
//! acknowledged. With `complete` (default `false`) a kind of event of which there is no line did
//! not happen; without, perhaps it was not recorded. `end` is `quiescent` if the system was drained
//! until nothing more could happen; what is missing then is lost. It is `unfinished` otherwise;
//! then only what a log has passed by is lost, or a queue has removed unread. A file without a
//! closing line was cut short, and is refused.
//!
//! # Fields of every event
//!
//! * `event`: its name, from the table below.
//! * `at`: nanoseconds, from any origin, or a timestamp with its offset (RFC 3339, from 1970 to
//!   July 2554), like `"2024-05-01T12:00:00.123456789Z"`; a file has either. It never goes
//!   backwards, unless [`Reading`] allows it. Left out: that of the line before.
//!
//! # Events
//!
//! A field that may be left out may also be `null`.
//!
//! | Event | Fields | May be left out | What happened |
//! |---|---|---|---|
//! | `send.invoke` | `message` | `key` `producer` `attempt` | a producer begins to send, or retries |
//! | `send.ok` | `message` | `producer` `attempt` | the broker acknowledged |
//! | `send.fail` | `message` | `producer` `attempt` | certainly not stored |
//! | `send.info` | `message` | `producer` `attempt` | indeterminate: a timeout or a cut connection |
//! | `store` | `message` | `subscription` `lane` `position` `copy` | a copy was stored |
//! | `remove` | `message` `reason` | `subscription` | a copy is gone |
//! | `deliver` | `message` | `subscription` `consumer` `delivery` `lane` `position` `attempt` `redelivered` | handed to a consumer |
//! | `process.start` | `message` | `subscription` `consumer` `delivery` | its handler began |
//! | `process.end` | `message` `result` | `subscription` `consumer` `delivery` | its handler ended |
//! | `effect` | `message` | `key` `subscription` `consumer` `delivery` `verdict` | the sink decided about an effect |
//! | `settle.invoke` | `message` `act` | `subscription` `consumer` `lane` `position` `trigger` | a consumer asks to settle |
//! | `settle.ok` | `message` `act` | `subscription` `consumer` | it learnt: recorded |
//! | `settle.fail` | `message` `act` | `subscription` `consumer` | it learnt: refused |
//! | `settle.info` | `message` `act` | `subscription` `consumer` | it learnt nothing |
//! | `settled` | `message` `act` | `subscription` `consumer` `trigger` | a queue recorded the final word |
//! | `committed` | `upto` | `subscription` `consumer` `lane` `previous` `trigger` | a log recorded a committed offset |
//! | `dlq` | `message` | `subscription` `reason` | a copy reached the dead-letter sink |
//! | `lease_expired` | `message` | `subscription` `consumer` | its lease ran out, it is ready again |
//! | `requeued` | `message` | `subscription` `consumer` | back in the queue, the connection ended |
//! | `session_expired` | | `subscription` `consumer` | the group removed a silent member |
//! | `reset` | `to` | `subscription` `consumer` `lane` `from` | the reset policy moved a position |
//! | `assign` | | `subscription` `consumer` `lane` `generation` `position` | a member got a partition |
//! | `revoke` | | `subscription` `consumer` `lane` | a member gave a partition up |
//! | `lost` | | `subscription` `consumer` `lane` | a member learnt that it had lost one |
//! | `crash` | `process` | `incarnation` | a process died |
//! | `exit` | `process` | `incarnation` `failed` | a process closed and left |
//! | `start` | `process` | `incarnation` | a process began a life |
//! | `stall` | `process` | | nothing in the process runs |
//! | `resume` | `process` | | it runs again |
//! | `broker_restart` | | | the broker forgot what was in flight |
//! | `fault` | `point` `alternative` `process` | `message` | a fault was injected |
//! | `phase` | `phase` | | the run entered a phase |
//! | `retrievable` | `message` | `subscription` | audit: still there at the end |
//! | `seek` | `to` | `subscription` `consumer` `lane` `from` | a consumer moved its position |
//! | `max_poll_exceeded` | | `subscription` `consumer` | a member left its group, having polled too late |
//! | `kept` | `message` | `subscription` | a queue delivers it no more, and keeps it |
//! | `settle_forgotten` | `message` | `subscription` | a queue has restarted and has it again |
//! | `aborted` | `message` | `subscription` `consumer` `delivery` `seen` `reason` | the transaction with its effect was aborted |
//! | `redriven` | `message` | `subscription` `position` `tag` | a dead letter is back in its queue, and is none any more; deliveries at a position below `tag` were handed out before |
//! | `retried` | `message` | `subscription` `consumer` `position` | a copy was published to be tried later |
//! | `effect.invoke` | `message` | `subscription` `consumer` `delivery` | its handler asks the sink; noted where consumers die by time |
//!
//! # Values
//!
//! * `message`, `key`, `delivery`, `producer`, `consumer`, `process`, `point`: a string or an
//!   integer; `7` and `"7"` are the same name. Ids are given out densely in the order in which the
//!   file first names something, which for messages is the order of first sends.
//! * `subscription`: a name from the header. Left out: the only one; on `store` and `remove`, all.
//! * `key`: left out, it is the key that the message is known by, else one of its own, so that no
//!   order is asked of it. If the send does not name it, that of an `effect` counts, which is
//!   otherwise not looked at.
//! * `producer`: left out, the one that a line of the message's send has named, else `producer`.
//!   `consumer`: left out, the one that the delivery has named, else the name of the subscription.
//! * `delivery`: left out on `deliver`, a new one; elsewhere the message's latest to the
//!   subscription, or to the consumer that the line names. Where no `deliver` is recorded, each
//!   `process.start` is a delivery, else each `effect`.
//! * `attempt`, `copy`: from 1, which is the default, but for the outcome of a send: without
//!   `attempt` it speaks for every attempt that began since the outcome before it. `redelivered`,
//!   `failed`: default `false`.
//! * `position` (offset or tag): left out, it is not known. `lane` (the partition; 0 on a queue),
//!   `previous`, `generation`: integers, default 0. `upto` (exclusive), `from` (by default none on
//!   `reset`, 0 on `seek`), `to`: offsets.
//! * `incarnation`: left out, the current life of the process; `start` after an end begins the
//!   next.
//! * `alternative`: a name, or an integer from 0 to 255.
//! * `reason` of `remove`: `settled`, `ttl`, `overflow`, `retention`, `compaction`,
//!   `delivery_limit`, `truncation`, `purge`, `broker_loss`, `unroutable`, `dead_lettering`.
//! * `reason` of `dlq`: `rejected`, `delivery_limit`, `ttl`, `overflow`, `client` (default).
//! * `result`: `ok`, `transient`, `poison`, `unknown`, `worker_lost`.
//! * `verdict`: `applied` (default), `suppressed`, `rejected`.
//! * `act`: `ack`, `requeue`, `reject`, `extend`, `commit`.
//! * `trigger`: `application` (default), `timer`, `delivery`, `next_receive`, `close`, `revoke`,
//!   `worker_lost`. Left out on `settled` and `committed`, the one that the consumer's latest
//!   `settle.invoke` names.
//! * `phase`: `workload`, `heal`, `drain`, `quiescent`, `audit`.

use std::io::BufRead;

use serde::{Deserialize, Serialize};

use crate::{Event, Guarantee, Model};

mod clock;
mod decode;
mod encode;
mod error;
mod line;
mod lines;
mod names;
mod origin;
mod read;
mod reading;
mod shape;
mod sort;
mod symbols;
mod write;

pub use error::{HistoryError, Mistake};
pub use names::{Names, PointNames};
pub use origin::{Batch, Origin};
pub use read::Reader;
pub use reading::{Backwards, Misplaced, Notes, Reading, TimeOrder};
pub use write::Writer;

#[cfg(test)]
mod tests;

/// The version of the format that this module writes, and the only one that it reads.
pub const VERSION: u64 = 1;

/// A history as a whole. For one that does not fit in memory see [`Reader`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// What the first line says.
    pub header: Header,
    /// What happened, in order.
    pub events: Vec<Event>,
    /// What the ids in the events stand for.
    pub names: Names,
    /// What the last line says.
    pub end: End,
}

/// The first line: who read the messages, and what that should have guaranteed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// How the broker keeps messages.
    pub model: Model,
    /// The independent readers; the index is the [`crate::SubscriptionId`]. 1 to 256 of them.
    pub subscriptions: Vec<SubscriptionHeader>,
    /// Whether producers promise the order of their program although they do not wait for one
    /// acknowledgement before the next send.
    pub program_order: bool,
    /// Whether everything that happened is recorded, of every kind of event that this format has:
    /// a kind of which there is no line did not happen.
    pub complete: bool,
}

/// What the header says of one subscription.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SubscriptionHeader {
    /// Its name, unique in the header.
    pub name: String,
    /// What it promises about effects.
    pub guarantee: Guarantee,
    /// Whether a message may end in the dead letters as part of the promise.
    pub dead_letters: bool,
    /// Whether order within each key is part of the promise.
    pub ordered: bool,
}

/// How far a run came: the last line of its history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The system was drained until nothing more could happen: what is missing now is lost.
    Quiescent,
    /// The recording stopped before: what is missing may still come.
    Unfinished,
}

/// Reads a history as a whole. `file` is how errors name it.
///
/// # Errors
///
/// The first line that is not as this format wants it, or that cannot be read.
pub fn read(input: impl BufRead, file: &str) -> Result<History, HistoryError> {
    let mut reader = Reader::new(input, file)?;
    let mut events = Vec::new();
    let end = reader.observe(&mut events)?;
    let (header, names) = reader.into_parts();
    Ok(History { header, events, names, end })
}
