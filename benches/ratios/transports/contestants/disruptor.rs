//! `disruptor`: one producer, one event poller on the receiver's thread, busy spinning with a hint
//! to the processor; a batch is published as one, and whatever is there is polled as one.

use std::hint::spin_loop;
use std::time::Duration;

use ::disruptor::{
    BusySpinWithSpinLoopHint, EventPoller, Polling, Producer, SingleProducerBarrier,
    build_single_producer,
};

use super::Job;
use super::body::Body;
use super::exchange::{Receives, Sends, exchange};

pub(super) fn run<B: Body>(job: &Job, _: B) -> Duration {
    let factory = || B::of(0);
    let builder = build_single_producer(job.capacity(), factory, BusySpinWithSpinLoopHint);
    let (poller, builder) = builder.new_event_poller();
    exchange::<B>(job, Publisher(builder.build()), vec![Polled(poller)])
}

struct Publisher<P>(P);

impl<B: Body, P: Producer<B> + Send> Sends<B> for Publisher<P> {
    fn send(&mut self, mut bodies: impl ExactSizeIterator<Item = B>) {
        if bodies.len() == 1 {
            return bodies.for_each(|body| self.0.publish(|event| *event = body));
        }
        self.0.batch_publish(bodies.len(), |events| {
            events.zip(&mut bodies).for_each(|(event, body)| *event = body);
        });
    }
}

struct Polled<B: Body>(EventPoller<B, SingleProducerBarrier>);

impl<B: Body> Receives<B> for Polled<B> {
    fn receive(&mut self, _max: usize, mut read: impl FnMut(&B)) -> usize {
        loop {
            match self.0.poll() {
                Ok(mut events) => {
                    let events = &mut events;
                    let count = ExactSizeIterator::len(&events);
                    events.for_each(&mut read);
                    return count;
                }
                Err(Polling::NoEvents) => spin_loop(),
                Err(Polling::Shutdown) => panic!("the producer is there"),
            }
        }
    }
}
