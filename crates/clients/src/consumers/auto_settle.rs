//! The plain loop: the application never settles, its client library does.

use super::row::*;
use crate::{Application, Stop, Subscription};

/// Processes message after message. What settles them is configuration:
///
/// * `auto-settle-at-delivery`. On a log the offset is stored at the delivery, and a timer commits
///   it, finished or not: a crash before the effect loses it if the timer came first, and repeats
///   its predecessors if it did not. Neither at-most-once nor at-least-once, and the default of
///   librdkafka. On a queue the delivery itself acks: a crash loses every delivered message without
///   an effect.
/// * `auto-settle-at-next-receive`. Asking for the next message settles the ones before it, which
///   are done by then: a crash repeats them, and loses nothing.
///
/// # Errors
/// [`Stop`] when receiving or the application ends the loop.
// ANCHOR: auto_settle
pub async fn auto_settle(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        app.process(&delivery).await?;
    }
    Ok(())
}
// ANCHOR_END: auto_settle

/// The plain loop where the delivery itself settles.
pub(crate) struct AutoSettleAtDelivery;

impl Row for AutoSettleAtDelivery {
    const SPEC: Spec = Spec {
        name: "auto-settle-at-delivery",
        summary: "the hand-over settles (auto-commit timer, automatic ack)",
        on_log: Some(Guarantee::None),
        on_queue: Some(Guarantee::AtMostOnce),
        settles: Settles::AtDelivery,
        settle_scope: SettleScope::Individual,
        sink: SinkKind::Plain,
        reads: &["auto_commit_interval", "on_error", "retry_backoff"],
        declares_dead_letters: false,
        keeps_nothing_between_deliveries: true,
        waits_for_one_thing: true,
    };

    fn run(
        inbox: &impl Subscription,
        app: &impl Application,
        _: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        auto_settle(inbox, app)
    }
}

/// The plain loop where asking for the next message settles the one before.
pub(crate) struct AutoSettleAtNextReceive;

impl Row for AutoSettleAtNextReceive {
    const SPEC: Spec = Spec {
        name: "auto-settle-at-next-receive",
        summary: "asking for the next message settles the one before",
        on_log: Some(Guarantee::AtLeastOnce),
        on_queue: Some(Guarantee::AtLeastOnce),
        settles: Settles::AtNextReceive,
        settle_scope: SettleScope::Individual,
        sink: SinkKind::Plain,
        reads: &["auto_commit_interval", "on_error", "retry_backoff"],
        declares_dead_letters: false,
        keeps_nothing_between_deliveries: true,
        waits_for_one_thing: true,
    };

    fn run(
        inbox: &impl Subscription,
        app: &impl Application,
        _: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        auto_settle(inbox, app)
    }
}
