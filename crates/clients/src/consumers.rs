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

use std::future::{Future, ready};
use std::pin::Pin;

use crate::application::ProgressInSink;
use crate::workers::Workers;
use crate::{
    Application, LogSubscription, QueueSubscription, Stop, Strategy, StrategyConfig, Subscription,
};

/// A consumer at work. One allocation a life keeps the consumer out of the futures around it, so a
/// poll goes straight to it.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Stop>> + 'a>>;

/// Runs the consumer of a strategy on a log.
///
/// It ends as the consumer itself does; with [`Stop::Unsupported`] if a log does not have what it
/// needs.
pub fn run_on_log<'a>(
    strategy: Strategy,
    inbox: &'a impl LogSubscription,
    app: &'a impl ProgressInSink,
    config: &'a StrategyConfig,
) -> Running<'a> {
    match strategy {
        Strategy::Parallel => {
            Box::pin(async { parallel(inbox, app, &Workers::settling_prefixes(config)).await })
        }
        Strategy::ProgressWithEffect => Box::pin(progress_with_effect_on_log(inbox, app)),
        Strategy::ProgressWithEffectUnconditional => {
            Box::pin(progress_with_effect_unconditional_on_log(inbox, app))
        }
        Strategy::ArticleBasic => Box::pin(article::basic(inbox, app)),
        Strategy::ArticleCommitEveryN => {
            Box::pin(article::commit_every_n(inbox, app, config.settle_every))
        }
        Strategy::ArticleDeadLetters => {
            Box::pin(article::dead_letters(inbox, app, config.settle_every))
        }
        _ => run(strategy, inbox, app, config),
    }
}

/// Runs the consumer of a strategy on a queue.
///
/// It ends as the consumer itself does; with [`Stop::Unsupported`] if a queue does not have what it
/// needs.
pub fn run_on_queue<'a>(
    strategy: Strategy,
    inbox: &'a impl QueueSubscription,
    app: &'a impl ProgressInSink,
    config: &'a StrategyConfig,
) -> Running<'a> {
    match strategy {
        Strategy::BrokerDeadLetter => Box::pin(broker_dead_letter(inbox, app)),
        Strategy::Parallel => {
            Box::pin(async { parallel(inbox, app, &Workers::settling_each(config)).await })
        }
        Strategy::ProgressWithEffect => Box::pin(progress_with_effect_on_queue(inbox, app)),
        Strategy::ProgressWithEffectUnconditional => {
            Box::pin(progress_with_effect_unconditional_on_queue(inbox, app))
        }
        _ => run(strategy, inbox, app, config),
    }
}

/// Runs the consumer of a strategy that needs nothing of one model alone.
///
/// It ends as the consumer itself does; with [`Stop::Unsupported`] if it does need that.
pub fn run<'a>(
    strategy: Strategy,
    inbox: &'a impl Subscription,
    app: &'a impl Application,
    config: &'a StrategyConfig,
) -> Running<'a> {
    match strategy {
        Strategy::SettleThenProcess => Box::pin(settle_then_process(inbox, app)),
        Strategy::ProcessThenSettle => Box::pin(process_then_settle(inbox, app)),
        Strategy::SettleEveryN => {
            let every = config.settle_every as usize;
            Box::pin(settle_every_n(inbox, app, every, config.settle_interval))
        }
        Strategy::AutoSettleAtDelivery | Strategy::AutoSettleAtNextReceive => {
            Box::pin(auto_settle(inbox, app))
        }
        Strategy::DeduplicatingSink => Box::pin(deduplicating_sink(inbox, app)),
        Strategy::DeadLetter => Box::pin(dead_letter(inbox, app)),
        Strategy::MicroBatch => {
            let size = config.batch_size as usize;
            Box::pin(micro_batch(inbox, app, size, config.batch_interval))
        }
        Strategy::ParallelNaive => Box::pin(parallel_naive(inbox, app, config.workers as usize)),
        _ => Box::pin(ready(Err(Stop::Unsupported))),
    }
}
