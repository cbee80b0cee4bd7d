//! One sink write for many messages, and what to do when an item of it fails.
//!
//! Two settings decide (semantics.md 1.5, M2 and M3). The *sink* is atomic, so that a batch happens
//! or does not; or it takes item by item, so that a failure in the middle leaves a prefix. The
//! *failure policy* says how far one bad item reaches:
//!
//! * **Retry the whole.** One poison item stalls everything. On a sink that is not atomic each
//!   attempt repeats the effects before it.
//! * **Bisect.** Halve what failed until the bad item is alone, in log2 N rounds; then the error
//!   policy for single messages decides about it. Each round repeats the prefix on a sink that is
//!   not atomic.
//! * **Per item.** The others have their effect and are settled; the bad item is left alone. On a
//!   queue it comes back when its lease ends. On a log it cannot be left, for the one offset covers
//!   it: there the error policy for single messages decides about it before anything is settled.
//! * **Dead-letter the item.** The others have their effect; the bad item is tried alone, as often
//!   as single messages are, and becomes a dead letter.
//! * **Abandon.** Nothing of the batch is settled. On a queue all of it comes back when its lease
//!   ends, good items and bad, and each return counts as a delivery: a bad item drags the others
//!   with it to the delivery limit. A log has no such thing, for the next batch's offset covers it.

use entrega_model::Delivery;
use thiserror::Error;

use super::{Application, DeadLetters, GiveBack, Handler, Supervised};
use crate::{Stop, Subscription};

/// How a batch is written, and what to do when that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchRules {
    /// What the sink takes at once.
    pub sink: BatchSink,
    /// How far a bad item reaches.
    pub on_failure: BatchFailure,
}

/// What a sink takes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchSink {
    /// The whole batch: all effects in one instant, or none.
    Atomic,
    /// One message after another: a failure in the middle leaves a prefix.
    ItemByItem,
}

/// How far a bad item reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchFailure {
    /// Write the whole batch again, for as long as it takes.
    RetryWhole,
    /// Halve what failed until the bad item is alone.
    Bisect,
    /// Write the others, and leave the bad item as far as the model can.
    PerItem,
    /// Write the others, and the bad item to the dead letters.
    DeadLetterItem,
    /// Leave the whole batch unsettled.
    Abandon,
}

/// How the write of a whole batch fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BatchError {
    /// This item failed, the first being 0; no effect has happened.
    #[error("item {0} of the batch failed; there was no effect")]
    Item(usize),
    /// The sink refused the whole batch, because it is away; no effect has happened.
    #[error("the sink refused the batch; there was no effect")]
    Refused,
    /// The sink did not answer: all effects may have happened, or none.
    #[error("the sink did not answer; the whole batch may or may not have happened")]
    Unknown,
}

/// What is left of a batch after a failed write.
struct Failed {
    /// How many items, from the first on, have had their effect.
    applied: usize,
    /// The item to blame; none if it is unknown.
    item: Option<usize>,
}

impl<S, H, D> Supervised<'_, S, H, D>
where
    S: Subscription + GiveBack,
    H: Handler,
    D: DeadLetters,
{
    /// Writes the batch until it succeeds.
    pub(super) async fn retry_whole(&self, batch: &[Delivery]) {
        while self.write(batch).await.is_err() {
            self.handler.pause(self.retry_backoff).await;
        }
    }

    /// Writes the batch once. If that fails, all of it is left as it is, and nothing is to be
    /// settled.
    pub(super) async fn write_or_abandon(&self, batch: &mut Vec<Delivery>) {
        if self.write(batch).await.is_err() {
            batch.drain(..).for_each(|delivery| self.inbox.let_go(&delivery));
        }
    }

    /// Writes the batch part by part. `ends` are the ends of the parts that are still to be
    /// written, the next one last; a part that fails is halved, and one that cannot be halved is
    /// processed as a single message.
    pub(super) async fn bisect(&self, batch: &mut Vec<Delivery>) -> Result<(), Stop> {
        let mut start = 0;
        let mut ends = vec![batch.len()];
        while let Some(end) = ends.pop() {
            if self.write(&batch[start..end]).await.is_ok() {
                start = end;
            } else if end - start > 1 {
                ends.extend([end, start + (end - start) / 2]);
            } else if self.process(&batch[start]).await?.is_empty() {
                batch.remove(start);
                ends.iter_mut().for_each(|end| *end -= 1);
            } else {
                start = end;
            }
        }
        Ok(())
    }

    /// Writes the batch without the items that fail, and then sees what to do with these.
    pub(super) async fn set_failed_aside(&self, batch: &mut Vec<Delivery>) -> Result<(), Stop> {
        let mut aside = Vec::new();
        let mut written = 0;
        while let Err(failed) = self.write(&batch[written..]).await {
            match failed.item {
                Some(item) => aside.push(batch.remove(written + item)),
                None => self.handler.pause(self.retry_backoff).await,
            }
            written += failed.applied;
        }
        for bad in &aside {
            batch.extend_from_slice(self.resolve(bad).await?);
        }
        Ok(())
    }

    /// What becomes of an item that failed in its batch; returns what may be settled of it.
    async fn resolve<'d>(&self, bad: &'d Delivery) -> Result<&'d [Delivery], Stop> {
        match self.batch.on_failure {
            BatchFailure::DeadLetterItem => self.process_or_dead_letter(bad).await,
            BatchFailure::PerItem if self.inbox.keeps_unsettled() => {
                self.inbox.let_go(bad);
                Ok(&[])
            }
            _ => self.process(bad).await,
        }
    }

    /// Writes messages to the sink in its own manner.
    async fn write(&self, batch: &[Delivery]) -> Result<(), Failed> {
        match self.batch.sink {
            BatchSink::Atomic => {
                self.handler.process_batch(batch).await.map_err(|error| match error {
                    BatchError::Item(item) => Failed { applied: 0, item: Some(item) },
                    BatchError::Refused | BatchError::Unknown => Failed { applied: 0, item: None },
                })
            }
            BatchSink::ItemByItem => {
                for (item, delivery) in batch.iter().enumerate() {
                    if self.handler.process(delivery).await.is_err() {
                        return Err(Failed { applied: item, item: Some(item) });
                    }
                }
                Ok(())
            }
        }
    }
}
