//! Transactions on a log.
//!
//! > **The rule.** A record keeps its number until it is answered, so that to send it again is
//! > recognised. After an abort with a record in doubt a new epoch begins, so that what is still on
//! > its way is refused when it arrives (KIP-360).

use std::cell::{Cell, RefCell};

use entrega_model::event::{Kind, SettleAct, SettleOutcome, SettleTrigger};
use entrega_model::log::{
    Destination, PartitionOffset, Request, Response, TransactionAct, TransactionRefusal,
};
use entrega_model::{Delivery, MessageId, Output, TransactionalId};

use super::{Prepared, TransactionError, TransactionalProducer};
use crate::{Called, Link, TransactionConfig, Unanswered};

/// A transactional producer of one process, named after it.
pub struct LogTransactions<L> {
    link: L,
    config: TransactionConfig,
    epoch: Cell<u32>,
    /// The number of the next record in this epoch.
    next: Cell<u32>,
    /// The record that was sent last in this transaction, with its number.
    sent: Cell<Option<(MessageId, u32)>>,
    /// Whether that has no answer.
    in_doubt: Cell<bool>,
    /// The messages whose offsets were sent, and nobody knows yet what becomes of them.
    settling: RefCell<Vec<MessageId>>,
    records: Cell<Vec<Output>>,
    offsets: Cell<Vec<PartitionOffset>>,
}

impl<L: Link<Request = Request, Response = Response>> LogTransactions<L> {
    /// A producer over `link` that has not begun.
    pub fn new(link: L, config: TransactionConfig) -> Self {
        Self {
            link,
            config,
            epoch: Cell::new(0),
            next: Cell::new(0),
            sent: Cell::new(None),
            in_doubt: Cell::new(false),
            settling: RefCell::default(),
            records: Cell::default(),
            offsets: Cell::default(),
        }
    }

    fn id(&self) -> TransactionalId {
        TransactionalId(self.link.process().0)
    }

    fn request(&self, act: TransactionAct) -> Request {
        let (of, epoch) = (self.config.subscription, self.epoch.get());
        Request::Transact { of, id: self.id(), epoch, act }
    }

    /// Takes a step, and again as often as that is set up while there is no answer.
    async fn step(&self, act: impl Fn() -> TransactionAct) -> Result<(), TransactionError> {
        let mut retries = self.config.retries;
        loop {
            let answer = match self.link.ask(self.request(act())) {
                Called::Answered(answer) => Ok(answer),
                Called::Open(call) => self.link.answer(call).await,
            };
            match self.take(answer) {
                Err(TransactionError::Unknown) if retries > 0 => retries -= 1,
                result => return result,
            }
        }
    }

    /// What an answer says. The buffers that come back are kept.
    fn take(&self, answer: Result<Response, Unanswered>) -> Result<(), TransactionError> {
        match answer {
            Ok(Response::Transacted { epoch, records, offsets, .. }) => {
                if epoch != self.epoch.replace(epoch) {
                    self.next.set(0);
                }
                if records.capacity() > 0 {
                    self.records.set(records);
                }
                if offsets.capacity() > 0 {
                    self.offsets.set(offsets);
                }
                Ok(())
            }
            Ok(Response::TransactionRefused(refusal)) => Err(meaning(refusal)),
            Ok(_) => Err(TransactionError::Fenced),
            Err(Unanswered) => Err(TransactionError::Unknown),
        }
    }

    /// The number of a record: the one that it has, if it was the last one sent.
    fn number(&self, message: MessageId) -> u32 {
        let same = self.sent.get().filter(|(sent, _)| *sent == message);
        same.map_or(self.next.get(), |(_, number)| number)
    }

    fn note_invoked(&self, delivery: &Delivery) {
        let &Delivery { record, partition, position, .. } = delivery;
        self.settling.borrow_mut().push(record.message);
        self.link.record(Kind::SettleInvoked {
            message: record.message,
            subscription: self.config.subscription,
            consumer: self.link.process(),
            partition,
            position,
            act: SettleAct::Commit,
            trigger: SettleTrigger::Application,
        });
    }

    /// Notes what became of the offsets that were sent.
    fn note_ended(&self, outcome: SettleOutcome) {
        let (subscription, consumer) = (self.config.subscription, self.link.process());
        for message in self.settling.borrow_mut().drain(..) {
            let act = SettleAct::Commit;
            self.link.record(Kind::SettleEnded { message, subscription, consumer, act, outcome });
        }
    }

    async fn end(&self, commit: bool) -> Result<(), TransactionError> {
        self.step(|| TransactionAct::End { commit }).await
    }

    /// Takes a step until there is an answer.
    async fn insist(&self, act: impl Fn() -> TransactionAct) -> Result<(), TransactionError> {
        loop {
            match self.step(&act).await {
                Err(TransactionError::Unknown) => {}
                result => return result,
            }
        }
    }
}

impl<L: Link<Request = Request, Response = Response>> TransactionalProducer for LogTransactions<L> {
    fn writes_output(&self) -> bool {
        self.config.writes_output
    }

    async fn init(&self) -> Result<(), TransactionError> {
        let timeout = self.config.timeout;
        self.insist(|| TransactionAct::Init { timeout }).await?;
        self.next.set(0);
        Ok(())
    }

    fn begin(&self) {
        self.sent.set(None);
        self.in_doubt.set(false);
    }

    fn prepared(&self) -> Option<Prepared> {
        self.sent.get().map(|_| Prepared { id: self.id(), epoch: self.epoch.get() })
    }

    async fn commit_prepared(&self, prepared: Prepared) -> Result<(), TransactionError> {
        if prepared.id != self.id() {
            return Err(TransactionError::Fenced);
        }
        self.epoch.set(prepared.epoch);
        self.insist(|| TransactionAct::End { commit: true }).await
    }

    async fn send(&self, delivery: &Delivery) -> Result<(), TransactionError> {
        let Delivery { id, record, .. } = *delivery;
        let first = self.number(record.message);
        self.sent.set(Some((record.message, first)));
        self.in_doubt.set(true);
        let act = || {
            let mut records = self.records.take();
            records.push(Output { record, delivery: id });
            TransactionAct::Produce { to: Destination::Output, first, records }
        };
        self.step(act).await?;
        self.in_doubt.set(false);
        self.next.set(first + 1);
        Ok(())
    }

    async fn send_offsets(&self, deliveries: &[Delivery]) -> Result<(), TransactionError> {
        deliveries.iter().for_each(|delivery| self.note_invoked(delivery));
        let generation = deliveries.last().map(|delivery| delivery.generation);
        let member = generation.filter(|_| self.config.group_metadata);
        let act = || {
            let mut offsets = self.offsets.take();
            offsets.clear();
            offsets.extend(deliveries.iter().map(|delivery| PartitionOffset {
                partition: delivery.partition,
                offset: delivery.position + 1,
            }));
            TransactionAct::AddOffsets { member, offsets }
        };
        self.step(act).await
    }

    async fn commit(&self) -> Result<(), TransactionError> {
        let result = self.end(true).await;
        match result {
            Ok(()) => self.note_ended(SettleOutcome::Ok),
            Err(TransactionError::Unknown) => self.note_ended(SettleOutcome::Info),
            Err(TransactionError::Refused | TransactionError::Fenced) => {
                self.note_ended(SettleOutcome::Fail);
            }
        }
        result
    }

    async fn abort(&self) -> Result<(), TransactionError> {
        let result = if self.in_doubt.get() { self.init().await } else { self.end(false).await };
        self.note_ended(SettleOutcome::Fail);
        result
    }
}

/// What a refusal means to a producer.
const fn meaning(refusal: TransactionRefusal) -> TransactionError {
    match refusal {
        TransactionRefusal::InvalidProducerIdMapping
        | TransactionRefusal::ProducerFenced
        | TransactionRefusal::InvalidProducerEpoch
        | TransactionRefusal::InvalidTxnState => TransactionError::Fenced,
        TransactionRefusal::OutOfOrderSequence
        | TransactionRefusal::UnknownMember
        | TransactionRefusal::IllegalGeneration
        | TransactionRefusal::UnknownPartition => TransactionError::Refused,
    }
}
