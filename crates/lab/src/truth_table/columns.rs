//! The columns: what goes wrong, and what else must go wrong for it to show.

use entrega_model::Model;
use entrega_scenario::points::{Act, FaultKind, kind};

use super::cell::Cell;
use super::rows::{Side, TableRow};

/// A kind of fault with its companion, if it needs one to be seen.
#[derive(Debug)]
pub struct Column {
    /// The name of the fault in documents.
    pub fault: &'static str,
    /// The name of the companion.
    pub companion: Option<&'static str>,
    /// What stands at the head of the column.
    pub head: &'static str,
    /// What the head means, unless it says so itself. A column with a companion means what both of
    /// its parts mean.
    pub meaning: Option<&'static str>,
    /// Whose faults these are.
    side: Side,
    /// On which model only.
    only: Option<Model>,
    /// Exactly one of these happens.
    pub primary: &'static [FaultKind],
    /// At most one of these happens as well.
    pub also: &'static [FaultKind],
}

impl Column {
    /// Whether a row has this column.
    pub fn fits(&self, model: Model, row: &TableRow) -> bool {
        let side = self.is_baseline() || self.side == row.side;
        side && self.only.is_none_or(|only| only == model)
    }

    /// Whether `wanted` names it: by its fault or by its head.
    pub fn is_called(&self, wanted: &str) -> bool {
        wanted.eq_ignore_ascii_case(self.fault) || wanted.eq_ignore_ascii_case(self.head)
    }

    /// Whether a cell stands in it.
    pub fn is_of_cell(&self, cell: &Cell) -> bool {
        (cell.fault, cell.companion) == (self.fault, self.companion)
    }

    /// Whether it is the column without a fault.
    pub(super) const fn is_baseline(&self) -> bool {
        self.primary.is_empty()
    }

    /// Whether a message is poison in all its runs.
    pub(super) fn is_of_poison(&self) -> bool {
        self.primary.iter().any(|&(_, act)| act == Act::Poison)
    }

    /// Whether a message kills whoever works on it in all its runs.
    pub(super) fn kills(&self) -> bool {
        self.primary.iter().any(|&(_, act)| act == Act::Kills)
    }

    /// Whether it belongs to this side. The baseline belongs to both.
    pub fn is_of(&self, side: Side) -> bool {
        self.is_baseline() || self.side == side
    }
}

const fn column(
    fault: &'static str,
    head: &'static str,
    side: Side,
    primary: &'static [FaultKind],
) -> Column {
    let (companion, meaning, only) = (None, None, None);
    Column { fault, companion, head, meaning, side, only, primary, also: &[] }
}

impl Column {
    const fn means(self, meaning: &'static str) -> Self {
        Self { meaning: Some(meaning), ..self }
    }

    const fn with(self, companion: &'static str, also: &'static [FaultKind]) -> Self {
        Self { companion: Some(companion), also, ..self }
    }

    const fn only(self, model: Model) -> Self {
        Self { only: Some(model), ..self }
    }
}

const CRASH: &[FaultKind] = &[kind("effect.before", "crash")];
const SETTLE_LOST: &[FaultKind] = &[kind("settle.request", "lost")];
const ANSWER_LOST: &[FaultKind] = &[kind("settle.response", "lost")];
const FAILURES: &[FaultKind] =
    &[kind("handler.error", "transient"), kind("message.poison", "poison")];
const PRODUCER_DIES: &[FaultKind] = &[kind("send.before", "crash"), kind("send.after", "crash")];
const FAILOVER: &[FaultKind] =
    &[kind("broker.failover", "crash"), kind("broker.failover", "poweroff")];
const REBALANCES: &[FaultKind] =
    &[kind("group.rebalance", "before"), kind("group.rebalance", "after")];

/// Nothing goes wrong.
pub(super) const NONE: Column = column("none", "none", Side::Consumer, &[]);

/// All columns, in the order of the table.
///
/// The companion of a lost settle is a crash before the effect of some other message: alone it
/// duplicates nothing that was settled, so what it repeats is what the settle did not record. A
/// dead letter needs a message that fails.
pub const COLUMNS: [Column; 30] = [
    NONE,
    column("handler-error", "E", Side::Consumer, &[kind("handler.error", "transient")])
        .means("handler error"),
    column("poison", "X", Side::Consumer, &[kind("message.poison", "poison")])
        .means("poison message"),
    column("poison", "X+QL", Side::Consumer, &[kind("message.poison", "poison")])
        .with("settle-request-lost", SETTLE_LOST),
    column("kills", "K", Side::Consumer, &[kind("message.poison", "kills")])
        .means("a message kills each process that works on it"),
    column("crash-before-effect", "C0", Side::Consumer, CRASH).means("crash before the effect"),
    column("crash-after-effect", "C1", Side::Consumer, &[kind("effect.after", "crash")])
        .means("crash after the effect"),
    column("crash-after-settle", "C2", Side::Consumer, &[kind("settle.after", "crash")])
        .means("crash after the settle"),
    column("crash-after-dead-letter", "CQ", Side::Consumer, &[kind("dead_letter.after", "crash")])
        .means("a message fails, and a crash after its dead letter")
        .with("failure", FAILURES),
    column("settle-request-lost", "QL", Side::Consumer, SETTLE_LOST).means("settle lost"),
    column("settle-request-lost", "QL+C0", Side::Consumer, SETTLE_LOST)
        .with("crash-before-effect", CRASH),
    column("settle-response-lost", "RL", Side::Consumer, ANSWER_LOST)
        .means("answer to a settle lost"),
    column("settle-response-lost", "RL+C0", Side::Consumer, ANSWER_LOST)
        .with("crash-before-effect", CRASH),
    column("settle-request-late", "late", Side::Consumer, &[kind("settle.request", "late")])
        .means("settle arrives late"),
    column(
        "zombie",
        "Z",
        Side::Consumer,
        &[
            kind("process.stall", "before"),
            kind("process.stall", "after"),
            kind("handler.slow", "slow"),
        ],
    )
    .means("stall or slow handler, beyond lease and session too"),
    column(
        "shutdown",
        "SD",
        Side::Consumer,
        &[kind("process.shutdown", "drain"), kind("process.shutdown", "abandon")],
    )
    .means("a consumer is asked to stop, is killed if it takes too long, and comes back"),
    column("rebalance", "RB", Side::Consumer, REBALANCES)
        .means("the group rebalances")
        .only(Model::Log),
    column("rebalance", "RB+slow", Side::Consumer, REBALANCES)
        .with("handler-slow", &[kind("handler.slow", "slow")])
        .only(Model::Log),
    column(
        "connection-lost",
        "CL",
        Side::Consumer,
        &[kind("connection.lost", "before"), kind("connection.lost", "after")],
    )
    .means("a connection breaks and its process lives on")
    .only(Model::Queue),
    column(
        "receive-lost",
        "recv",
        Side::Consumer,
        &[kind("receive.request", "lost"), kind("receive.response", "lost")],
    )
    .means("receive lost"),
    column(
        "sink-outage",
        "SO",
        Side::Consumer,
        &[kind("sink.outage", "refuses"), kind("sink.outage", "silent")],
    )
    .means("the sink refuses or does not answer for a while"),
    column("broker-outage", "BO", Side::Consumer, &[kind("broker.outage", "silent")])
        .means("nobody reaches the broker for a while"),
    column("send-request-lost", "send lost", Side::Producer, &[kind("send.request", "lost")]),
    column(
        "send-request-duplicated",
        "send twice",
        Side::Producer,
        &[kind("send.request", "duplicated")],
    ),
    column("send-response-lost", "answer lost", Side::Producer, &[kind("send.response", "lost")]),
    column("send-request-late", "send late", Side::Producer, &[kind("send.request", "late")]),
    column("producer-crash", "dies", Side::Producer, PRODUCER_DIES)
        .means("the producer dies before a send or after one, and comes back"),
    column("broker-restart", "restart", Side::Producer, &[kind("broker.restart", "restart")]),
    column("failover", "failover", Side::Producer, FAILOVER)
        .means("the leader of a log with replicas crashes or loses its power")
        .only(Model::Log),
    column("failover", "failover+lag", Side::Producer, FAILOVER)
        .with("replica-lag", &[kind("replica.lag", "next"), kind("replica.lag", "all")])
        .only(Model::Log),
];
