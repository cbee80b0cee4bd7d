//! At least once with fewer settles: process, and settle every N messages or after a time limit.

use entrega_model::{Duration, Instant};

use super::row::*;
use crate::{Application, CarryOn, Stop, Subscription, Turn};

/// Processes messages and settles them N at a time, or when the oldest has waited for `limit`,
/// whichever comes first; and before a rebalance or a shutdown.
///
/// The crash window: a crash repeats the up to N effects since the last settle. Without the time
/// limit the tail of an idle topic would wait for its settle for ever. On a queue one ack covers
/// all before it (`multiple`), so a delivery that the network lost on its way here is acked unseen.
///
/// # Errors
/// [`Stop`] when receiving or the application ends the loop.
// ANCHOR: settle_every_n
pub async fn settle_every_n(
    inbox: &impl Subscription,
    app: &impl Application,
    n: usize,
    limit: Duration,
) -> Result<(), Stop> {
    let mut unsettled = Vec::with_capacity(n);
    let mut settle_at = Instant::NEVER;
    loop {
        let turn = inbox.poll(settle_at).await?;
        match turn {
            Turn::Delivery(delivery) => {
                unsettled.extend_from_slice(app.process(&delivery).await?);
                settle_at = settle_at.min(inbox.now() + limit);
                if unsettled.len() < n && inbox.now() < settle_at {
                    continue;
                }
            }
            Turn::Assigned(_) => continue,
            Turn::Lost => unsettled.clear(),
            Turn::Idle | Turn::Revoking | Turn::Shutdown => {}
        }
        inbox.settle(&unsettled).await.carry_on();
        unsettled.clear();
        settle_at = Instant::NEVER;
        if turn == Turn::Shutdown {
            return Ok(());
        }
    }
}
// ANCHOR_END: settle_every_n

/// Process, and settle every N messages or after a time limit.
pub(crate) struct SettleEveryN;

impl Row for SettleEveryN {
    const SPEC: Spec = Spec {
        name: "settle-every-n",
        summary: "process, settle every N or after a time limit: a crash repeats up to N",
        on_log: Some(Guarantee::AtLeastOnce),
        on_queue: Some(Guarantee::AtLeastOnce),
        settles: Settles::AfterEffect,
        settle_scope: SettleScope::Cumulative,
        sink: SinkKind::Plain,
        reads: &["settle_every", "settle_interval", "on_error", "retry_backoff", "worker_lost"],
        declares_dead_letters: false,
        keeps_nothing_between_deliveries: false,
        waits_for_one_thing: true,
    };

    fn run(
        inbox: &impl Subscription,
        app: &impl Application,
        config: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        settle_every_n(inbox, app, config.settle_every as usize, config.settle_interval)
    }
}
