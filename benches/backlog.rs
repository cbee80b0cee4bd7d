//! Something to count instructions of: a broker alone, with a backlog before it and deliveries in
//! flight, and one message after the other that is stored, delivered and settled.
//!
//! `benches/instructions.sh` runs this under callgrind. What an operation costs should depend
//! neither on how many messages are stored nor on how many leases run.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::env;
use std::hint::black_box;

use entrega_brokers::Broker;
use entrega_brokers::log::{LogBroker, LogSettings};
use entrega_brokers::queue::{QueueBroker, QueueSettings};
use entrega_model::event::SettleTrigger;
use entrega_model::log::{self, Acks, PartitionOffset};
use entrega_model::queue::{self, Settlement};
use entrega_model::{
    ClientId, Generation, Incarnation, Instant, Key, MessageId, Model, PartitionId, ProcessId,
    Record, SubscriptionId,
};

const NOW: Instant = Instant::START;
const PRODUCER: ClientId = client(0);
const READER: ClientId = client(1);
/// Has everything that is in flight.
const HOLDER: ClientId = client(2);
const READERS: SubscriptionId = SubscriptionId(0);

const fn client(process: u16) -> ClientId {
    ClientId { process: ProcessId(process), incarnation: Incarnation(0) }
}

/// What is to be done.
struct Asked {
    model: Model,
    /// Messages that stay stored.
    backlog: u32,
    /// Deliveries that stay in flight, on a queue.
    leases: u32,
    /// Messages that are stored, delivered and settled.
    operations: u32,
}

fn main() {
    let asked = asked(env::args().skip(1));
    match asked.model {
        Model::Log => on_a_log(&asked),
        Model::Queue => on_a_queue(&asked),
    }
    let Asked { model, backlog, leases, operations } = asked;
    println!("{model}: {operations} operations beside {backlog} stored and {leases} in flight");
}

fn record(message: u32) -> Record {
    Record { message: MessageId(message), key: Key(message % 100), bytes: 100 }
}

fn on_a_queue(asked: &Asked) {
    let mut broker = QueueBroker::new(QueueSettings::default());
    let mut handle = |from, mut request| {
        let answer = broker.handle(NOW, from, &mut request, &mut Vec::new());
        black_box(answer)
    };
    let mut publish = |message| {
        handle(
            PRODUCER,
            queue::Request::Publish { records: vec![record(message)], confirm: true, id: 0 },
        );
    };
    let standing = asked.backlog + asked.leases;
    (0..standing).for_each(&mut publish);
    let receive = |max| queue::Request::Receive {
        queue: READERS,
        max,
        settle_at_delivery: false,
        buffer: Vec::new(),
        deadline: NOW,
    };
    handle(HOLDER, receive(asked.leases));
    for number in 0..asked.operations {
        let message = record(standing + number);
        handle(PRODUCER, queue::Request::Publish { records: vec![message], confirm: true, id: 0 });
        let Some(queue::Response::Received { deliveries }) = handle(READER, receive(1)) else {
            panic!("a message is ready");
        };
        let settle = queue::Request::Settle {
            queue: READERS,
            tags: deliveries.iter().map(|one| one.tag).collect(),
            settlement: Settlement::Ack,
            multiple: false,
            trigger: SettleTrigger::Application,
        };
        handle(READER, settle);
    }
}

fn on_a_log(asked: &Asked) {
    let mut broker = LogBroker::new(LogSettings::default());
    let mut handle = |from, mut request| {
        let answer = broker.handle(NOW, from, &mut request, &mut Vec::new());
        black_box(answer)
    };
    let produce = |message| log::Request::Produce {
        partition: PartitionId(0),
        records: vec![record(message)],
        acks: Acks::All,
        sequence: None,
    };
    for message in 0..asked.backlog {
        handle(PRODUCER, produce(message));
    }
    let join = log::Request::Join { group: READERS, has: Generation(0) };
    let Some(log::Response::Joined { generation, .. }) = handle(READER, join) else {
        panic!("the only member joins at once");
    };
    for number in 0..asked.operations {
        handle(PRODUCER, produce(asked.backlog + number));
        let at = PartitionOffset { partition: PartitionId(0), offset: u64::from(number) };
        let fetch = log::Request::Fetch {
            group: READERS,
            generation,
            positions: vec![at],
            max_records: 1,
            buffer: Vec::new(),
            deadline: NOW,
        };
        handle(READER, fetch);
        let next = PartitionOffset { offset: at.offset + 1, ..at };
        let commit = log::Request::Commit {
            group: READERS,
            generation,
            offsets: vec![next],
            trigger: SettleTrigger::Application,
        };
        handle(READER, commit);
    }
}

/// Reads `--model log|queue --backlog N --leases N --operations N`, in any order; what is unknown
/// is left out, because `cargo bench` adds words of its own.
fn asked(mut words: impl Iterator<Item = String>) -> Asked {
    let mut asked = Asked { model: Model::Queue, backlog: 1_000, leases: 0, operations: 1_000 };
    while let Some(word) = words.next() {
        match word.as_str() {
            "--backlog" => asked.backlog = number(words.next()),
            "--leases" => asked.leases = number(words.next()),
            "--operations" => asked.operations = number(words.next()),
            "--model" if words.next().as_deref() == Some("log") => asked.model = Model::Log,
            _ => {}
        }
    }
    asked
}

fn number(word: Option<String>) -> u32 {
    word.and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("a number is missing"))
}
