//! What it costs a producer that there are subscribers: on a log the records are there once, in
//! queues there is a copy (here a handle) for each.
//!
//! One thread: the producer fills what there is room for, which is timed, and then every subscriber
//! takes all of it, which is not. So what is measured is the producer's work and nobody's waiting.

use std::sync::Arc;
use std::time::{Duration, Instant};

use entrega_brokers::queue::QueueSettings;
use entrega_inproc::log::{LiveLog, LogOptions};
use entrega_inproc::queue::{LiveQueue, QueueOptions};
use entrega_model::{PartitionId, SubscriptionId};

use super::body::Body;

/// So many messages are sent before they are taken.
const ROUND: usize = 2_048;
const CAPACITY: usize = 2 * ROUND;
type Message = [u8; 64];

/// A log: the time that the producer takes for `messages` while so many read.
pub(crate) fn log(subscribers: usize, messages: usize) -> Duration {
    let log = LiveLog::new(LogOptions { capacity: CAPACITY, ..LogOptions::default() });
    let mut producer = log.producer(PartitionId(0)).expect("nobody has it");
    let group = |number| SubscriptionId(number as u8);
    let mut readers: Vec<_> =
        (0..subscribers).filter_map(|number| log.reader(PartitionId(0), group(number))).collect();
    let mut spent = Duration::ZERO;
    for round in 0..messages / ROUND {
        let start = Instant::now();
        for number in 0..ROUND {
            let message = Message::of((round * ROUND + number) as u64);
            producer.append_with(|| message).expect("there is room");
        }
        spent += start.elapsed();
        for reader in &mut readers {
            let mut left = ROUND;
            while left > 0 {
                left -= reader.fetch(left).expect("it is open").len();
            }
        }
    }
    spent
}

/// A queue for each subscriber, and a handle to each message in all of them.
pub(crate) fn queues(subscribers: usize, messages: usize) -> Duration {
    let lease = entrega_model::Duration::MAX;
    let settings = QueueSettings { visibility_timeout: lease, ..QueueSettings::default() };
    let options = QueueOptions { capacity: CAPACITY, settings, ..QueueOptions::default() };
    let queues: Vec<LiveQueue<Arc<Message>>> =
        (0..subscribers).map(|_| LiveQueue::new(options.clone())).collect();
    let mut producers: Vec<_> = queues.iter().filter_map(LiveQueue::sole_producer).collect();
    let mut consumers: Vec<_> = queues.iter().map(LiveQueue::consumer).collect();
    let mut spent = Duration::ZERO;
    for round in 0..messages / ROUND {
        let start = Instant::now();
        for number in 0..ROUND {
            let message = Arc::new(Message::of((round * ROUND + number) as u64));
            for producer in &mut producers {
                producer.send(Arc::clone(&message)).ok().expect("there is room");
            }
        }
        spent += start.elapsed();
        for consumer in &mut consumers {
            let mut left = ROUND;
            while left > 0 {
                let batch = consumer.take_batch(left).expect("it is open");
                left -= batch.len();
                batch.ack().expect("there is no lease");
            }
        }
    }
    spent
}
