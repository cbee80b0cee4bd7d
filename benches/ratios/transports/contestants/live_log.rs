//! `LiveLog`: one partition, a reader for each subscriber, records read in place. A record is
//! appended alone, or a batch is made in place and published as one.

use std::time::Duration;

use entrega_inproc::log::{LiveLog, LogOptions, Producer, Reader};
use entrega_model::{PartitionId, SubscriptionId};

use super::Job;
use super::body::Body;
use super::exchange::{Receives, Sends, exchange};

pub(super) fn run<B: Body>(job: &Job, _: B) -> Duration {
    let log = LiveLog::new(LogOptions { capacity: job.capacity(), ..LogOptions::default() });
    let producer = log.producer(PartitionId(0)).expect("nobody has it");
    let group = |number| SubscriptionId(number as u8);
    let readers =
        (0..job.subscribers).filter_map(|n| log.reader(PartitionId(0), group(n))).collect();
    exchange::<B>(job, producer, readers)
}

impl<B: Body> Sends<B> for Producer<B> {
    fn send(&mut self, mut bodies: impl ExactSizeIterator<Item = B>) {
        if bodies.len() == 1 {
            self.append_with(|| bodies.next().expect("there is one")).expect("it is open");
        } else {
            self.append_all(bodies).expect("it is open");
        }
    }
}

impl<B: Body> Receives<B> for Reader<B> {
    fn receive(&mut self, max: usize, read: impl FnMut(&B)) -> usize {
        let bodies = self.fetch(max).expect("it is open");
        bodies.iter().for_each(read);
        bodies.len()
    }
}
