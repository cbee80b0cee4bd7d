//! The consumers: one delivery semantic a file, in teaching order.
//!
//! Each is a loop over a [`Subscription`] that a learner reads like pseudocode. It runs in the
//! simulator and live, on a log and on a queue; what only one model can do is written for that one,
//! and has its place in [`run_on_log`] or [`run_on_queue`]. The prose above each function names its
//! crash window: the moment in which a crash loses or duplicates.

pub mod article;
mod auto_settle;
mod broker_dead_letter;
mod dead_letter;
mod deduplicating_sink;
mod micro_batch;
mod parallel;
mod parallel_naive;
mod process_then_settle;
mod progress_with_effect;
mod progress_with_effect_unconditional;
mod settle_every_n;
mod settle_then_process;

pub use auto_settle::auto_settle;
pub use broker_dead_letter::broker_dead_letter;
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
pub use settle_every_n::settle_every_n;
pub use settle_then_process::settle_then_process;

use crate::application::ProgressInSink;
use crate::workers::Workers;
use crate::{
    Application, LogSubscription, QueueSubscription, Stop, Strategy, StrategyConfig, Subscription,
};

/// Runs the consumer of a strategy on a log.
///
/// # Errors
/// As the consumer itself; [`Stop::Unsupported`] if a log does not have what it needs.
pub async fn run_on_log(
    strategy: Strategy,
    inbox: &impl LogSubscription,
    app: &impl ProgressInSink,
    config: &StrategyConfig,
) -> Result<(), Stop> {
    match strategy {
        Strategy::Parallel => parallel(inbox, app, &Workers::settling_prefixes(config)).await,
        Strategy::ProgressWithEffect => progress_with_effect_on_log(inbox, app).await,
        Strategy::ProgressWithEffectUnconditional => {
            progress_with_effect_unconditional_on_log(inbox, app).await
        }
        Strategy::ArticleBasic => article::basic(inbox, app).await,
        Strategy::ArticleCommitEveryN => {
            article::commit_every_n(inbox, app, config.settle_every).await
        }
        Strategy::ArticleDeadLetters => {
            article::dead_letters(inbox, app, config.settle_every).await
        }
        _ => run(strategy, inbox, app, config).await,
    }
}

/// Runs the consumer of a strategy on a queue.
///
/// # Errors
/// As the consumer itself; [`Stop::Unsupported`] if a queue does not have what it needs.
pub async fn run_on_queue(
    strategy: Strategy,
    inbox: &impl QueueSubscription,
    app: &impl ProgressInSink,
    config: &StrategyConfig,
) -> Result<(), Stop> {
    match strategy {
        Strategy::BrokerDeadLetter => broker_dead_letter(inbox, app).await,
        Strategy::Parallel => parallel(inbox, app, &Workers::settling_each(config)).await,
        Strategy::ProgressWithEffect => progress_with_effect_on_queue(inbox, app).await,
        Strategy::ProgressWithEffectUnconditional => {
            progress_with_effect_unconditional_on_queue(inbox, app).await
        }
        _ => run(strategy, inbox, app, config).await,
    }
}

/// Runs the consumer of a strategy that needs nothing of one model alone.
///
/// # Errors
/// As the consumer itself; [`Stop::Unsupported`] if it does need that.
pub async fn run(
    strategy: Strategy,
    inbox: &impl Subscription,
    app: &impl Application,
    config: &StrategyConfig,
) -> Result<(), Stop> {
    match strategy {
        Strategy::SettleThenProcess => settle_then_process(inbox, app).await,
        Strategy::ProcessThenSettle => process_then_settle(inbox, app).await,
        Strategy::SettleEveryN => {
            settle_every_n(inbox, app, config.settle_every as usize, config.settle_interval).await
        }
        Strategy::AutoSettleAtDelivery | Strategy::AutoSettleAtNextReceive => {
            auto_settle(inbox, app).await
        }
        Strategy::DeduplicatingSink => deduplicating_sink(inbox, app).await,
        Strategy::DeadLetter => dead_letter(inbox, app).await,
        Strategy::MicroBatch => {
            micro_batch(inbox, app, config.batch_size as usize, config.batch_interval).await
        }
        Strategy::ParallelNaive => parallel_naive(inbox, app, config.workers as usize).await,
        _ => Err(Stop::Unsupported),
    }
}
