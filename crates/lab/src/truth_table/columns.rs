//! The columns: what goes wrong, and what else must go wrong for it to show.

use entrega_model::Model;
use entrega_scenario::points::{FaultKind, kind};

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
    /// Whose faults these are.
    side: Side,
    /// On which model only.
    only: Option<Model>,
    /// Exactly one of these happens.
    pub(super) primary: &'static [FaultKind],
    /// At most one of these happens as well.
    pub(super) also: &'static [FaultKind],
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

    /// What its head means, unless the head says it itself. A column with a companion means what
    /// both of its parts mean.
    pub fn meaning(&self) -> Option<(&'static str, &'static str)> {
        let meaning = match (self.companion, self.fault) {
            (Some(_), _) => return None,
            (None, "handler-error") => "handler error",
            (None, "poison") => "poison message",
            (None, "crash-before-effect") => "crash before the effect",
            (None, "crash-after-effect") => "crash after the effect",
            (None, "crash-after-settle") => "crash after the settle",
            (None, "settle-request-lost") => "settle lost",
            (None, "settle-response-lost") => "answer to a settle lost",
            (None, "settle-request-late") => "settle arrives late",
            (None, "zombie") => "stall or slow handler, beyond lease and session too",
            (None, "rebalance") => "the group rebalances",
            (None, "receive-lost") => "receive lost",
            _ => return None,
        };
        Some((self.head, meaning))
    }

    /// Whether it is the column without a fault.
    pub(super) const fn is_baseline(&self) -> bool {
        self.primary.is_empty()
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
    Column { fault, companion: None, head, side, only: None, primary, also: &[] }
}

const CRASH: &[FaultKind] = &[kind("effect.before", "crash")];

const fn with_crash(column: Column) -> Column {
    Column { companion: Some("crash-before-effect"), also: CRASH, ..column }
}

/// Nothing goes wrong.
pub(super) const NONE: Column = column("none", "none", Side::Consumer, &[]);

/// The companion of a lost settle is a crash before the effect of some other message: alone it
/// duplicates nothing that was settled, so what it repeats is what the settle did not record.
const SETTLE_LOST: Column =
    column("settle-request-lost", "QL", Side::Consumer, &[kind("settle.request", "lost")]);
const ANSWER_LOST: Column =
    column("settle-response-lost", "RL", Side::Consumer, &[kind("settle.response", "lost")]);
const SETTLE_LATE: Column =
    column("settle-request-late", "late", Side::Consumer, &[kind("settle.request", "late")]);

/// All columns, in the order of the table.
pub const COLUMNS: [Column; 21] = [
    NONE,
    column("handler-error", "E", Side::Consumer, &[kind("handler.error", "transient")]),
    column("poison", "X", Side::Consumer, &[kind("message.poison", "poison")]),
    Column {
        companion: Some("settle-request-lost"),
        also: &[kind("settle.request", "lost")],
        ..column("poison", "X+QL", Side::Consumer, &[kind("message.poison", "poison")])
    },
    column("crash-before-effect", "C0", Side::Consumer, &[kind("effect.before", "crash")]),
    column("crash-after-effect", "C1", Side::Consumer, &[kind("effect.after", "crash")]),
    column("crash-after-settle", "C2", Side::Consumer, &[kind("settle.after", "crash")]),
    SETTLE_LOST,
    with_crash(SETTLE_LOST_CRASH),
    ANSWER_LOST,
    with_crash(ANSWER_LOST_CRASH),
    SETTLE_LATE,
    column(
        "zombie",
        "Z",
        Side::Consumer,
        &[
            kind("process.stall", "before"),
            kind("process.stall", "after"),
            kind("handler.slow", "slow"),
        ],
    ),
    Column { only: Some(Model::Log), ..REBALANCE },
    Column {
        only: Some(Model::Log),
        companion: Some("handler-slow"),
        also: &[kind("handler.slow", "slow")],
        ..REBALANCE_AND_SLOW
    },
    column(
        "receive-lost",
        "recv",
        Side::Consumer,
        &[kind("receive.request", "lost"), kind("receive.response", "lost")],
    ),
    column("send-request-lost", "send lost", Side::Producer, &[kind("send.request", "lost")]),
    column(
        "send-request-duplicated",
        "send twice",
        Side::Producer,
        &[kind("send.request", "duplicated")],
    ),
    column("send-response-lost", "answer lost", Side::Producer, &[kind("send.response", "lost")]),
    column("send-request-late", "send late", Side::Producer, &[kind("send.request", "late")]),
    column("broker-restart", "restart", Side::Producer, &[kind("broker.restart", "restart")]),
];

const REBALANCES: &[FaultKind] =
    &[kind("group.rebalance", "before"), kind("group.rebalance", "after")];
const REBALANCE: Column = column("rebalance", "RB", Side::Consumer, REBALANCES);
const REBALANCE_AND_SLOW: Column = column("rebalance", "RB+slow", Side::Consumer, REBALANCES);

const SETTLE_LOST_CRASH: Column =
    column("settle-request-lost", "QL+C0", Side::Consumer, &[kind("settle.request", "lost")]);
const ANSWER_LOST_CRASH: Column =
    column("settle-response-lost", "RL+C0", Side::Consumer, &[kind("settle.response", "lost")]);
