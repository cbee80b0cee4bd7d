//! `LiveQueue`: one queue, messages read in place and acked one by one or a batch at once; or, for
//! several subscribers, a queue for each, each message shared by handle. It is also run with
//! automatic ack, beside the channels that have none.
//!
//! Leases are off, as they are in RabbitMQ; a lease costs a look at the clock for each take.

use std::sync::Arc;
use std::time::Duration;

use entrega_brokers::queue::QueueSettings;
use entrega_inproc::queue::{Consumer, LiveQueue, Producer, QueueOptions};

use super::Job;
use super::body::Body;
use super::exchange::{Receives, Sends, exchange};

pub(super) fn run<B: Body>(job: &Job, _: B) -> Duration {
    start::<B>(job, true)
}

pub(super) fn run_settled<B: Body>(job: &Job, _: B) -> Duration {
    start::<B>(job, false)
}

fn start<B: Body>(job: &Job, acks: bool) -> Duration {
    if job.subscribers == 1 {
        let (producers, consumers) = open::<B>(job, acks);
        let producer = producers.into_iter().next().expect("a producer for each queue");
        return exchange::<B>(job, producer, consumers);
    }
    let (producers, consumers) = open::<Arc<B>>(job, acks);
    exchange::<B>(job, FanOut(producers), consumers)
}

fn open<T: Send + Sync>(job: &Job, acks: bool) -> (Vec<Producer<T>>, Vec<Acking<T>>) {
    let lease = entrega_model::Duration::MAX;
    let settings = QueueSettings { visibility_timeout: lease, ..QueueSettings::default() };
    let capacity = job.capacity();
    let options = QueueOptions { capacity, settings, ..QueueOptions::default() };
    let queue = |_| LiveQueue::new(options.clone());
    let queues: Vec<LiveQueue<T>> = (0..job.subscribers).map(queue).collect();
    let consumer = |queue: &LiveQueue<T>| match acks {
        true => Acking { consumer: queue.consumer(), acks },
        false => Acking { consumer: queue.consumer_settled_at_delivery(), acks },
    };
    (
        queues.iter().filter_map(LiveQueue::sole_producer).collect(),
        queues.iter().map(consumer).collect(),
    )
}

impl<B: Body> Sends<B> for Producer<B> {
    fn send(&mut self, mut bodies: impl ExactSizeIterator<Item = B>) {
        if bodies.len() == 1 {
            self.send_with(|| bodies.next().expect("there is one")).expect("it is open");
        } else {
            self.send_all(bodies).expect("it is open");
        }
    }
}

/// One producer, a queue for each subscriber.
struct FanOut<B>(Vec<Producer<Arc<B>>>);

impl<B: Body> Sends<B> for FanOut<B> {
    fn send(&mut self, bodies: impl ExactSizeIterator<Item = B>) {
        let handles: Vec<Arc<B>> = bodies.map(Arc::new).collect();
        for producer in &mut self.0 {
            producer.send_all(handles.iter().map(Arc::clone)).expect("it is open");
        }
    }
}

struct Acking<T> {
    consumer: Consumer<T>,
    acks: bool,
}

impl<T> Acking<T> {
    fn receive_each(&mut self, max: usize, mut read: impl FnMut(&T)) -> usize {
        if max == 1 {
            let delivery = self.consumer.take().expect("it is open");
            read(&delivery);
            if self.acks {
                delivery.ack().expect("there is no lease");
            }
            return 1;
        }
        let batch = self.consumer.take_batch(max).expect("it is open");
        batch.iter().for_each(read);
        let count = batch.len();
        if self.acks {
            batch.ack().expect("there is no lease");
        }
        count
    }
}

impl<B: Body> Receives<B> for Acking<B> {
    fn receive(&mut self, max: usize, read: impl FnMut(&B)) -> usize {
        self.receive_each(max, read)
    }
}

impl<B: Body> Receives<B> for Acking<Arc<B>> {
    fn receive(&mut self, max: usize, mut read: impl FnMut(&B)) -> usize {
        self.receive_each(max, |handle| read(handle))
    }
}
