//! The known-bad twin of progress with effect: the same tables, but the transaction itself does not
//! check them.

use std::slice;

use super::progress_with_effect_on_log;
use super::row::*;
use crate::application::ProgressInSink;
use crate::{CarryOn, LogSubscription, Stop, Subscription};

/// On a log: the same loop as [`progress_with_effect_on_log()`]. The sink stores the offset
/// *whatever was there*.
///
/// The crash window: for crashes there is none. But a consumer that stalls before its transaction
/// and wakes up as a zombie applies its effect a second time, and moves the stored offset back: the
/// next one to read it repeats everything since.
///
/// # Errors
/// [`crate::Stop`] when receiving or the application ends the loop.
pub async fn progress_with_effect_unconditional_on_log(
    inbox: &impl LogSubscription,
    app: &impl ProgressInSink,
) -> Result<(), Stop> {
    progress_with_effect_on_log(inbox, app).await
}

/// On a queue: looks for the message's row in one call and writes it in another, the classic check
/// then act.
///
/// The crash window: for crashes there is none, since the next consumer finds the row. But a
/// consumer that stalls between the two calls wakes up as a zombie and acts on what it saw then.
/// An attempt that got no answer and is repeated in place is not checked again either.
///
/// # Errors
/// [`Stop`] when receiving or the application ends the loop.
pub async fn progress_with_effect_unconditional_on_queue(
    inbox: &impl Subscription,
    app: &impl ProgressInSink,
) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        if app.has_row(&delivery).await {
            inbox.settle(slice::from_ref(&delivery)).await.carry_on();
        } else {
            let done = app.process(&delivery).await?;
            inbox.settle(done).await.carry_on();
        }
    }
    Ok(())
}

/// The same without looking at what was stored: known bad.
pub(crate) struct ProgressWithEffectUnconditional;

impl Row for ProgressWithEffectUnconditional {
    const SPEC: Spec = Spec {
        name: "progress-with-effect-unconditional",
        summary: "the same without looking at what was stored: a zombie duplicates",
        on_log: Some(Guarantee::AtLeastOnce),
        on_queue: Some(Guarantee::AtLeastOnce),
        settles: Settles::AfterEffect,
        settle_scope: SettleScope::Individual,
        sink: SinkKind::Unconditional,
        reads: &["on_error", "retry_backoff"],
        declares_dead_letters: false,
        keeps_nothing_between_deliveries: false,
        waits_for_one_thing: true,
    };

    fn run_on_log(
        inbox: &impl LogSubscription,
        app: &impl ProgressInSink,
        _: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        progress_with_effect_unconditional_on_log(inbox, app)
    }

    fn run_on_queue(
        inbox: &impl QueueSubscription,
        app: &impl ProgressInSink,
        _: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        progress_with_effect_unconditional_on_queue(inbox, app)
    }
}
