//! At most once: settle first, make sure of it, then process.

use std::slice;

use entrega_model::Delivery;

use super::row::*;
use crate::{Application, SettleError, Stop, Subscription};

/// Settles a message and processes it only if the settle is known to be recorded.
///
/// The crash window: a crash after the settle and before the effect loses the message. There is no
/// window that duplicates.
///
/// # Errors
/// [`Stop`] when receiving or the application ends the loop.
// ANCHOR: settle_then_process
pub async fn settle_then_process(
    inbox: &impl Subscription,
    app: &impl Application,
) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        if settled_for_certain(inbox, &delivery).await {
            app.process(&delivery).await?;
        }
    }
    Ok(())
}
// ANCHOR_END: settle_then_process

/// Repeats the settle until its outcome is certain. An unconfirmed settle must count as "do not
/// process": if it was lost, the message will come again, and processing it now would double it.
// ANCHOR: settled_for_certain
async fn settled_for_certain(inbox: &impl Subscription, delivery: &Delivery) -> bool {
    loop {
        match inbox.settle(slice::from_ref(delivery)).await {
            Ok(()) => return true,
            Err(SettleError::Fenced | SettleError::NoOffset) => return false,
            Err(SettleError::Unknown) => {}
        }
    }
}
// ANCHOR_END: settled_for_certain

/// Settle, make sure of it, then process.
pub(crate) struct SettleThenProcess;

impl Row for SettleThenProcess {
    const SPEC: Spec = Spec {
        name: "settle-then-process",
        summary: "settle, make sure of it, then process: a crash in between loses",
        on_log: Some(Guarantee::AtMostOnce),
        on_queue: Some(Guarantee::AtMostOnce),
        settles: Settles::BeforeEffect,
        settle_scope: SettleScope::Individual,
        sink: SinkKind::Plain,
        reads: &["on_error", "retry_backoff"],
        declares_dead_letters: false,
        keeps_nothing_between_deliveries: true,
        waits_for_one_thing: true,
    };

    fn run(
        inbox: &impl Subscription,
        app: &impl Application,
        _: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        settle_then_process(inbox, app)
    }
}
