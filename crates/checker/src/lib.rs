//! The checker: a pure fold from events to a verdict.
//!
//! > **The rule.** Events in, verdict out. It reads no clock, draws nothing, keeps no history, and
//! > never panics, whatever the events and their order. Loss and duplication are counted on
//! > effects.
//!
//! # How it is used
//!
//! 1. [`Checker::new`] with what each subscription promises.
//! 2. It is an [`entrega_model::Observer`]: give it every event, in order.
//! 3. [`Checker::finish`] says what became of every message and whether the promise was kept.
//! 4. [`Checker::reset`] before the next run.
//!
//! # Layout, in reading order
//!
//! * What goes in: [`Config`]. What comes out: [`Report`], [`Class`], [`Cause`], [`Counter`],
//!   [`Histogram`]; and [`Finding`], the one vocabulary for what went wrong.
//! * `checker` hands each event to the `subscription` that it is about; `finish` makes the report
//!   and `contract` judges it.
//! * What is remembered: `message` (32 bytes each), `sends`, `owners` (who held what), `partitions`
//!   (offsets).
//! * One question a file: `loss`, `duplicate`, `redelivery`, `order`, `lateness`, `windows`.
//! * `fingerprint`: what of all this can still matter, for an exploration of states.
//! * Many runs of one row of a table: [`summary`]. A history from elsewhere: [`RecordChecker`], and
//!   `event_kinds` for what it does not record.
//!
//! Definitions are those of semantics.md section 5, which follows Jepsen's checkers where it can
//! [JEPSEN-CODE]; sends have three outcomes as in [JEPSEN-TUTORIAL].

mod cause;
mod checker;
mod class;
mod config;
mod contract;
mod counter;
mod duplicate;
mod event_kinds;
mod exposure;
mod finding;
mod fingerprint;
mod finish;
mod histogram;
mod lateness;
mod loss;
mod message;
mod numbers;
mod order;
mod owners;
mod partitions;
mod record;
mod redelivery;
mod report;
mod sends;
mod stays;
mod subscription;
pub mod summary;
mod table;
mod tally;
mod windows;

pub use cause::{Cause, Causes};
pub use checker::Checker;
pub use class::{Class, Classes};
pub use config::{Config, SubscriptionConfig};
pub use counter::{Counter, Counters};
pub use entrega_model::history::End;
pub use event_kinds::{EventKind, EventKinds};
pub use exposure::{Exposure, TimedCrashes, Window, WindowExposure};
pub use finding::{Finding, findings, shown};
pub use histogram::Histogram;
pub use lateness::Lateness;
pub use record::{Gap, GapKind, Gaps, Listable, Listed, Lives, RecordChecker, Spoken};
pub use report::{
    Order, OrderEvidence, Reason, Redriven, Report, Sends, SubscriptionReport, Verdict, Waiting,
};
pub use tally::{Tally, Word};
