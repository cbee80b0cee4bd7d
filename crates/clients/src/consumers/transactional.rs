//! Exactly-once effect inside the broker: what is made of a message, and that it is done, are one
//! transaction (consume, process, produce).

mod checkpoints;

use std::slice;

use entrega_model::Delivery;
use entrega_model::log::PartitionOffset;

use self::checkpoints::with_checkpoints;
use super::row::*;
use crate::application::ProgressInSink;
use crate::{
    CarryOn, LogSubscription, QueueSubscription, Stop, StrategyConfig, TransactionError,
    TransactionOffsets, TransactionalProducer,
};

/// On a log: begins a transaction, processes the message, which writes its effect to the output
/// topic, adds the offset after it, and commits. What fails for certain is aborted, and the
/// consumer goes back to the message itself, because an abort moves no position. What fails in
/// doubt ends the loop: the next life aborts what is open, and begins at the committed offset.
///
/// The crash window: there is none, for whoever reads committed records of the output topic. What
/// the handler does elsewhere is outside of the transaction and happens again.
///
/// # Errors
/// [`Stop`] when receiving, the application or a transaction ends the loop.
pub async fn transactional_on_log(
    inbox: &impl LogSubscription,
    app: &impl ProgressInSink,
    offsets: TransactionOffsets,
) -> Result<(), Stop> {
    let Some(producer) = app.producer() else { return Err(Stop::Unsupported) };
    let Some(settling) = Settling::of(offsets) else {
        return Box::pin(with_checkpoints(inbox, app, producer)).await;
    };
    producer.init().await?;
    while let Some(delivery) = inbox.next().await? {
        producer.begin();
        let is_sent = app.process_with_progress(&delivery).await?;
        if !is_sent || !ends(inbox, producer, &delivery, settling).await? {
            producer.abort().await?;
            let (partition, offset) = (delivery.partition, delivery.position);
            inbox.seek(PartitionOffset { partition, offset });
        }
    }
    Ok(())
}

/// On an ideal queue: the same, and the commit settles and publishes in one step. What fails is
/// given back. Nothing is prepared in one step, so there is nothing to write a checkpoint of.
///
/// # Errors
/// As [`transactional_on_log()`], and [`Stop::Unsupported`] with checkpoints.
pub async fn transactional_on_queue(
    inbox: &impl QueueSubscription,
    app: &impl ProgressInSink,
    offsets: TransactionOffsets,
) -> Result<(), Stop> {
    let Some(producer) = app.producer() else { return Err(Stop::Unsupported) };
    let Some(settling) = Settling::of(offsets) else { return Err(Stop::Unsupported) };
    while let Some(delivery) = inbox.next().await? {
        producer.begin();
        let is_sent = app.process_with_progress(&delivery).await?;
        if !is_sent || !ends(inbox, producer, &delivery, settling).await? {
            producer.abort().await?;
            inbox.requeue(&delivery).await.carry_on();
        }
    }
    Ok(())
}

/// Where the offset of a message goes if its transaction is committed in one step.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Settling {
    InTransaction,
    BeforeCommit,
    AfterCommit,
}

impl Settling {
    /// None if it goes into a checkpoint, and the transaction is committed in two steps.
    const fn of(offsets: TransactionOffsets) -> Option<Self> {
        match offsets {
            TransactionOffsets::InTransaction => Some(Self::InTransaction),
            TransactionOffsets::BeforeCommit => Some(Self::BeforeCommit),
            TransactionOffsets::AfterCommit => Some(Self::AfterCommit),
            TransactionOffsets::Checkpoint => None,
        }
    }
}

/// Ends a transaction, with the offset of its message in it or, as it should not be, before or
/// after it. `false` if it must be aborted.
async fn ends(
    inbox: &impl Subscription,
    producer: &impl TransactionalProducer,
    delivery: &Delivery,
    settling: Settling,
) -> Result<bool, Stop> {
    let done = slice::from_ref(delivery);
    let added = match settling {
        Settling::InTransaction => producer.send_offsets(done).await,
        Settling::BeforeCommit => {
            inbox.settle(done).await.carry_on();
            Ok(())
        }
        Settling::AfterCommit => Ok(()),
    };
    if !is_taken(added)? || !is_taken(producer.commit().await)? {
        return Ok(false);
    }
    if settling == Settling::AfterCommit {
        inbox.settle(done).await.carry_on();
    }
    Ok(true)
}

/// Whether a step was taken; if not, whether the transaction can be aborted.
fn is_taken(step: Result<(), TransactionError>) -> Result<bool, Stop> {
    match step {
        Ok(()) => Ok(true),
        Err(TransactionError::Refused) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Consume, process and produce in one transaction.
pub(crate) struct Transactional;

impl Row for Transactional {
    const SPEC: Spec = Spec {
        name: "transactional",
        summary: "one transaction of a log for effect and offset; no real queue can do that",
        on_log: Some(Guarantee::ExactlyOnceEffect),
        on_queue: Some(Guarantee::ExactlyOnceEffect),
        settles: Settles::AfterEffect,
        settle_scope: SettleScope::Individual,
        sink: SinkKind::Broker,
        reads: &[
            "on_error",
            "retry_backoff",
            "isolation_level",
            "transaction_timeout",
            "transaction_offsets",
            "group_metadata",
            "output",
        ],
        declares_dead_letters: false,
        keeps_nothing_between_deliveries: false,
        waits_for_one_thing: true,
    };

    fn run_on_log(
        inbox: &impl LogSubscription,
        app: &impl ProgressInSink,
        config: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        transactional_on_log(inbox, app, config.transaction_offsets)
    }

    fn run_on_queue(
        inbox: &impl QueueSubscription,
        app: &impl ProgressInSink,
        config: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        transactional_on_queue(inbox, app, config.transaction_offsets)
    }
}
