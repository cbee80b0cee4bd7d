//! The floor: brokers and checker alone, in a loop, without an event queue, a network or futures.
//!
//! No simulator with these brokers and this checker can be faster. Every message is published,
//! received, processed and settled before the next one; what the client library would record is
//! recorded by hand.

use entrega_brokers::Broker;
use entrega_brokers::log::{LogBroker, LogSettings, partition_of};
use entrega_brokers::queue::{QueueBroker, QueueSettings};
use entrega_checker::{Checker, Report};
use entrega_model::event::{
    EffectVerdict, Phase, ProcessingResult, SendOutcome, SettleAct, SettleOutcome, SettleTrigger,
};
use entrega_model::log::{self, Acks, PartitionOffset};
use entrega_model::{
    ClientId, Delivery, DeliveryId, Event, Generation, Incarnation, Instant, Kind, MessageId,
    Model, Observer, PartitionId, ProcessId, Record, queue,
};

use super::workload::{Job, LATENCY, READER, crashes};

const PRODUCER: ClientId = ClientId { process: ProcessId(0), incarnation: Incarnation(1) };
/// Events are handed to the checker in batches of about this many.
const BATCH: usize = 256;

pub(crate) fn run(job: &Job) -> Report {
    match job.model {
        Model::Log => Floor::new(job, OneLog::new()).run(job),
        Model::Queue => Floor::new(job, OneQueue::new()).run(job),
    }
}

/// A broker and its one consumer, without a client library.
trait Side {
    fn publish(&mut self, now: Instant, record: Record, ground_truth: &mut Vec<Event>);
    /// The next delivery; its id is left to the caller.
    fn receive(&mut self, now: Instant, ground_truth: &mut Vec<Event>) -> Delivery;
    fn settle(&mut self, now: Instant, delivery: &Delivery, ground_truth: &mut Vec<Event>);
    /// The consumer dies and begins its next life.
    fn crash(&mut self, now: Instant, ground_truth: &mut Vec<Event>);
    fn consumer(&self) -> ClientId;
    fn audit(&self, now: Instant, ground_truth: &mut Vec<Event>);
    const ACT: SettleAct;
}

struct Floor<S> {
    side: S,
    now: Instant,
    events: Vec<Event>,
    checker: Checker,
    deliveries: u32,
}

impl<S: Side> Floor<S> {
    fn new(job: &Job, side: S) -> Self {
        let events = Vec::with_capacity(2 * BATCH);
        Self { side, now: Instant::START, events, checker: job.checker(), deliveries: 0 }
    }

    fn run(mut self, job: &Job) -> Report {
        self.record(Kind::Entered { phase: Phase::Workload });
        let processes = [PRODUCER.process, self.side.consumer().process];
        let incarnation = Incarnation(1);
        for process in processes {
            self.record(Kind::Started { process, incarnation });
        }
        for (message, planned) in (0..).map(MessageId).zip(&job.workload.planned) {
            self.now = planned.at.max(self.now);
            self.send(Record { message, key: planned.key, bytes: planned.bytes });
            while !self.process() {}
        }
        for phase in [Phase::Heal, Phase::Drain, Phase::Quiescent, Phase::Audit] {
            self.record(Kind::Entered { phase });
        }
        self.side.audit(self.now, &mut self.events);
        self.checker.observe(&self.events);
        job.judge(self.checker)
    }

    fn send(&mut self, record: Record) {
        let (message, producer) = (record.message, PRODUCER.process);
        self.record(Kind::SendInvoked { message, key: record.key, producer, attempt: 1 });
        self.side.publish(self.now, record, &mut self.events);
        self.record(Kind::SendEnded { message, producer, outcome: SendOutcome::Ok });
    }

    /// Receives a message and processes and settles it; `false` if the consumer crashes before the
    /// settle.
    fn process(&mut self) -> bool {
        let mut delivery = self.side.receive(self.now, &mut self.events);
        delivery.id = DeliveryId(self.deliveries);
        self.deliveries += 1;
        self.deliver(&delivery);
        self.now += LATENCY;
        if crashes(&delivery) {
            self.crash();
            return false;
        }
        let consumer = self.side.consumer().process;
        let (message, subscription, partition) =
            (delivery.record.message, READER, delivery.partition);
        let (position, act, trigger) = (delivery.position, S::ACT, SettleTrigger::Application);
        self.record(Kind::SettleInvoked {
            message,
            subscription,
            consumer,
            partition,
            position,
            act,
            trigger,
        });
        self.side.settle(self.now, &delivery, &mut self.events);
        let outcome = SettleOutcome::Ok;
        self.record(Kind::SettleEnded { message, subscription, consumer, act, outcome });
        self.flush();
        true
    }

    fn deliver(&mut self, delivery: &Delivery) {
        let &Delivery { id: delivery, record, partition, position, attempt, redelivered, .. } =
            delivery;
        let (message, subscription) = (record.message, READER);
        let consumer = self.side.consumer().process;
        self.record(Kind::Delivered {
            delivery,
            message,
            subscription,
            consumer,
            partition,
            position,
            attempt,
            redelivered,
        });
        self.record(Kind::ProcessingStarted { delivery, message, subscription, consumer });
        let (key, verdict) = (record.key, EffectVerdict::Applied);
        self.record(Kind::Effect { delivery, message, key, subscription, consumer, verdict });
        let result = ProcessingResult::Ok;
        self.record(Kind::ProcessingEnded { delivery, message, subscription, consumer, result });
    }

    fn crash(&mut self) {
        let ClientId { process, incarnation } = self.side.consumer();
        self.record(Kind::Crashed { process, incarnation });
        self.side.crash(self.now, &mut self.events);
        let ClientId { process, incarnation } = self.side.consumer();
        self.record(Kind::Started { process, incarnation });
    }

    fn record(&mut self, kind: Kind) {
        self.events.push(Event { at: self.now, kind });
    }

    fn flush(&mut self) {
        if self.events.len() >= BATCH {
            self.checker.observe(&self.events);
            self.events.clear();
        }
    }
}

fn first_life() -> ClientId {
    ClientId { process: ProcessId(1), incarnation: Incarnation(1) }
}

struct OneQueue {
    broker: QueueBroker,
    consumer: ClientId,
    records: Vec<Record>,
    buffer: Vec<queue::Received>,
    tags: Vec<queue::DeliveryTag>,
}

impl OneQueue {
    fn new() -> Self {
        Self {
            broker: QueueBroker::new(QueueSettings::default()),
            consumer: first_life(),
            records: Vec::new(),
            buffer: Vec::new(),
            tags: Vec::new(),
        }
    }
}

impl Side for OneQueue {
    const ACT: SettleAct = SettleAct::Ack;

    fn publish(&mut self, now: Instant, record: Record, ground_truth: &mut Vec<Event>) {
        let mut records = std::mem::take(&mut self.records);
        records.push(record);
        let mut request = queue::Request::Publish { records, confirm: true, id: 0 };
        match self.broker.handle(now, PRODUCER, &mut request, ground_truth) {
            Some(queue::Response::Published { records }) => self.records = records,
            other => panic!("{other:?}"),
        }
    }

    fn receive(&mut self, now: Instant, ground_truth: &mut Vec<Event>) -> Delivery {
        let buffer = std::mem::take(&mut self.buffer);
        let mut request = queue::Request::Receive {
            queue: READER,
            max: 1,
            settle_at_delivery: false,
            buffer,
            deadline: Instant::NEVER,
        };
        match self.broker.handle(now, self.consumer, &mut request, ground_truth) {
            Some(queue::Response::Received { mut deliveries }) => {
                let received = deliveries.pop().expect("one is ready");
                self.buffer = deliveries;
                Delivery {
                    id: DeliveryId::default(),
                    record: received.record,
                    partition: PartitionId(0),
                    position: received.tag,
                    attempt: received.delivery_count,
                    redelivered: received.redelivered,
                    generation: Generation::default(),
                    at: now,
                }
            }
            other => panic!("{other:?}"),
        }
    }

    fn settle(&mut self, now: Instant, delivery: &Delivery, ground_truth: &mut Vec<Event>) {
        let mut tags = std::mem::take(&mut self.tags);
        tags.push(delivery.position);
        let mut request = queue::Request::Settle {
            queue: READER,
            tags,
            settlement: queue::Settlement::Ack,
            multiple: false,
            trigger: SettleTrigger::Application,
        };
        match self.broker.handle(now, self.consumer, &mut request, ground_truth) {
            Some(queue::Response::Settled { tags }) => self.tags = tags,
            other => panic!("{other:?}"),
        }
    }

    fn crash(&mut self, now: Instant, ground_truth: &mut Vec<Event>) {
        self.broker.disconnected(now, self.consumer, ground_truth);
        self.consumer.incarnation.0 += 1;
    }

    fn consumer(&self) -> ClientId {
        self.consumer
    }

    fn audit(&self, now: Instant, ground_truth: &mut Vec<Event>) {
        self.broker.audit(now, ground_truth);
    }
}

struct OneLog {
    broker: LogBroker,
    consumer: ClientId,
    generation: Generation,
    position: u64,
    records: Vec<Record>,
    buffer: Vec<log::Fetched>,
    offsets: Vec<PartitionOffset>,
}

impl OneLog {
    fn new() -> Self {
        let mut one = Self {
            broker: LogBroker::new(LogSettings::default()),
            consumer: first_life(),
            generation: Generation::default(),
            position: 0,
            records: Vec::new(),
            buffer: Vec::new(),
            offsets: Vec::new(),
        };
        one.join(Instant::START);
        one
    }

    fn join(&mut self, now: Instant) {
        let mut request = log::Request::Join { group: READER, has: Generation(0) };
        match self.broker.handle(now, self.consumer, &mut request, &mut Vec::new()) {
            Some(log::Response::Joined { generation, assigned }) => {
                self.generation = generation;
                self.position = assigned[0].committed.unwrap_or(0);
            }
            other => panic!("{other:?}"),
        }
    }

    fn at(&mut self, offset: u64) -> Vec<PartitionOffset> {
        let mut offsets = std::mem::take(&mut self.offsets);
        offsets.clear();
        offsets.push(PartitionOffset { partition: PartitionId(0), offset });
        offsets
    }
}

impl Side for OneLog {
    const ACT: SettleAct = SettleAct::Commit;

    fn publish(&mut self, now: Instant, record: Record, ground_truth: &mut Vec<Event>) {
        let mut records = std::mem::take(&mut self.records);
        records.push(record);
        let partition = partition_of(record.key, 1);
        let mut request =
            log::Request::Produce { partition, records, acks: Acks::All, sequence: None };
        match self.broker.handle(now, PRODUCER, &mut request, ground_truth) {
            Some(log::Response::Produced { records, .. }) => self.records = records,
            other => panic!("{other:?}"),
        }
    }

    fn receive(&mut self, now: Instant, ground_truth: &mut Vec<Event>) -> Delivery {
        let positions = self.at(self.position);
        let mut request = log::Request::Fetch {
            group: READER,
            generation: self.generation,
            positions,
            max_records: 1,
            buffer: std::mem::take(&mut self.buffer),
            deadline: Instant::NEVER,
        };
        match self.broker.handle(now, self.consumer, &mut request, ground_truth) {
            Some(log::Response::Fetched { mut records, positions }) => {
                let fetched = records.pop().expect("one is there");
                (self.buffer, self.offsets) = (records, positions);
                self.position = fetched.offset + 1;
                Delivery {
                    id: DeliveryId::default(),
                    record: fetched.record,
                    partition: fetched.partition,
                    position: fetched.offset,
                    attempt: self.consumer.incarnation.0 as u16,
                    redelivered: false,
                    generation: self.generation,
                    at: now,
                }
            }
            other => panic!("{other:?}"),
        }
    }

    fn settle(&mut self, now: Instant, delivery: &Delivery, ground_truth: &mut Vec<Event>) {
        let offsets = self.at(delivery.position + 1);
        let mut request = log::Request::Commit {
            group: READER,
            generation: self.generation,
            offsets,
            trigger: SettleTrigger::Application,
        };
        match self.broker.handle(now, self.consumer, &mut request, ground_truth) {
            Some(log::Response::Committed { offsets }) => self.offsets = offsets,
            other => panic!("{other:?}"),
        }
    }

    /// The dead member's session is over before its next life joins.
    fn crash(&mut self, now: Instant, ground_truth: &mut Vec<Event>) {
        self.broker.disconnected(now, self.consumer, ground_truth);
        if let Some(deadline) = self.broker.next_deadline() {
            self.broker.advance(deadline.max(now), ground_truth);
        }
        self.consumer.incarnation.0 += 1;
        self.join(now);
    }

    fn consumer(&self) -> ClientId {
        self.consumer
    }

    fn audit(&self, now: Instant, ground_truth: &mut Vec<Event>) {
        self.broker.audit(now, ground_truth);
    }
}
