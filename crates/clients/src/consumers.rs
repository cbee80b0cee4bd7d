//! The consumers: one delivery semantic a file, in teaching order.
//!
//! Each is a loop over a [`Subscription`](crate::Subscription) that a learner reads like
//! pseudocode. It runs in the simulator and live, on a log and on a queue; what only one model can
//! do is written for that one. The prose above each function names its crash window: the moment in
//! which a crash loses or duplicates. Below it stands the strategy's [row](Spec), with everything
//! else that is known of it; the [catalogue](Strategy) lists the rows.

pub mod article;
mod auto_settle;
mod broker_dead_letter;
mod catalogue;
mod catalogued;
mod dead_letter;
mod deduplicating_sink;
mod micro_batch;
mod parallel;
mod parallel_naive;
mod process_then_settle;
mod progress_with_effect;
mod progress_with_effect_unconditional;
mod row;
mod settle_every_n;
mod settle_then_process;
mod transactional;

pub use auto_settle::auto_settle;
pub use broker_dead_letter::broker_dead_letter;
pub use catalogue::{Running, Strategy, run, run_on_log, run_on_queue};
pub use catalogued::Catalogued;
pub use dead_letter::dead_letter;
pub use deduplicating_sink::deduplicating_sink;
pub use micro_batch::micro_batch;
pub use parallel::parallel;
pub use parallel_naive::parallel_naive;
pub use process_then_settle::process_then_settle;
pub use progress_with_effect::{progress_with_effect_on_log, progress_with_effect_on_queue};
pub use progress_with_effect_unconditional::{
    progress_with_effect_unconditional_on_log, progress_with_effect_unconditional_on_queue,
};
pub use row::{Settles, Spec};
pub use settle_every_n::settle_every_n;
pub use settle_then_process::settle_then_process;
pub use transactional::{transactional_on_log, transactional_on_queue};
