//! The consumers: one delivery semantic a file, in teaching order.
//!
//! Each is a loop over a [`Subscription`] that a learner reads like pseudocode. It runs in the
//! simulator and live, on a log and on a queue. The prose above each function names its crash
//! window: the moment in which a crash loses or duplicates.

mod auto_settle;
mod dead_letter;
mod deduplicating_sink;
mod process_then_settle;
mod settle_every_n;
mod settle_then_process;

pub use auto_settle::auto_settle;
pub use dead_letter::dead_letter;
pub use deduplicating_sink::deduplicating_sink;
pub use process_then_settle::process_then_settle;
pub use settle_every_n::settle_every_n;
pub use settle_then_process::settle_then_process;

use crate::{Application, Stop, Strategy, StrategyConfig, Subscription};

/// Runs the consumer of a strategy.
///
/// # Errors
/// As the consumer itself.
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
    }
}
