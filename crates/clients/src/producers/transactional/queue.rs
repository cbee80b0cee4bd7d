//! Transactions on an ideal queue, which settles a message and publishes what was made of it in one
//! step. Until then nothing has left the process.

use std::cell::Cell;

use entrega_model::event::{Kind, SettleAct, SettleOutcome, SettleTrigger};
use entrega_model::queue::{Request, Response};
use entrega_model::{Delivery, Output};

use super::{Prepared, TransactionError, TransactionalProducer};
use crate::{Called, Link, TransactionConfig, Unanswered};

/// A transactional producer of one process.
pub struct QueueTransactions<L> {
    link: L,
    config: TransactionConfig,
    output: Cell<Option<Output>>,
    settling: Cell<Option<Delivery>>,
}

impl<L: Link<Request = Request, Response = Response>> QueueTransactions<L> {
    /// A producer over `link`.
    pub fn new(link: L, config: TransactionConfig) -> Self {
        Self { link, config, output: Cell::new(None), settling: Cell::new(None) }
    }

    /// Settles and publishes, and again as often as that is set up while there is no answer. What
    /// is stale at a repetition was settled by the first attempt, or is somebody else's.
    async fn settle_and_publish(&self, tag: Option<u64>) -> Result<(), TransactionError> {
        let (queue, output) = (self.config.subscription, self.output.take());
        let mut retries = self.config.retries;
        loop {
            let request = Request::SettleAndPublish { queue, tag, output };
            let answer = match self.link.ask(request) {
                Called::Answered(answer) => Ok(answer),
                Called::Open(call) => self.link.answer(call).await,
            };
            match answer {
                Ok(Response::Settled { .. }) => return Ok(()),
                Ok(Response::Stale { .. }) => return Err(TransactionError::Refused),
                Ok(_) => return Err(TransactionError::Fenced),
                Err(Unanswered) if retries > 0 => retries -= 1,
                Err(Unanswered) => return Err(TransactionError::Unknown),
            }
        }
    }
}

impl<L: Link<Request = Request, Response = Response>> TransactionalProducer
    for QueueTransactions<L>
{
    fn writes_output(&self) -> bool {
        self.config.writes_output
    }

    async fn init(&self) -> Result<(), TransactionError> {
        Ok(())
    }

    fn begin(&self) {
        self.output.set(None);
        self.settling.set(None);
    }

    fn prepared(&self) -> Option<Prepared> {
        None
    }

    async fn commit_prepared(&self, _prepared: Prepared) -> Result<(), TransactionError> {
        Err(TransactionError::Fenced)
    }

    async fn send(&self, delivery: &Delivery) -> Result<(), TransactionError> {
        self.output.set(Some(Output { record: delivery.record, delivery: delivery.id }));
        Ok(())
    }

    async fn send_offsets(&self, deliveries: &[Delivery]) -> Result<(), TransactionError> {
        self.settling.set(deliveries.last().copied());
        Ok(())
    }

    async fn commit(&self) -> Result<(), TransactionError> {
        let Some(delivery) = self.settling.take() else {
            return self.settle_and_publish(None).await;
        };
        let (message, consumer) = (delivery.record.message, self.link.process());
        let (subscription, act) = (self.config.subscription, SettleAct::Ack);
        self.link.record(Kind::SettleInvoked {
            message,
            subscription,
            consumer,
            partition: delivery.partition,
            position: delivery.position,
            act,
            trigger: SettleTrigger::Application,
        });
        let result = self.settle_and_publish(Some(delivery.position)).await;
        let outcome = match result {
            Ok(()) => SettleOutcome::Ok,
            Err(TransactionError::Unknown) => SettleOutcome::Info,
            Err(TransactionError::Refused | TransactionError::Fenced) => SettleOutcome::Fail,
        };
        self.link.record(Kind::SettleEnded { message, subscription, consumer, act, outcome });
        result
    }

    async fn abort(&self) -> Result<(), TransactionError> {
        self.begin();
        Ok(())
    }
}
