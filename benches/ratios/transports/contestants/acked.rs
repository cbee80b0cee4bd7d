//! Channels with an acknowledgement: a second channel of the same kind, by which the receiver says
//! how many messages it has read; one item a message, or one a batch.

use std::time::Duration;

use super::Job;
use super::body::Body;
use super::channel::Channel;
use super::exchange::{Receives, Sends, exchange};

/// Runs a pair of channels that carry an item and an acknowledgement for each message, whatever the
/// batch is.
pub(super) fn run_singly<C: Channel, B: Body>(job: &Job, _: B) -> Duration {
    let items = job.capacity();
    let (ack, acks) = C::bounded::<u32>(2 * items);
    let (sender, bodies) = C::bounded::<B>(items);
    let sender = Singly::<C, B> { sender, acks, unacked: 0 };
    exchange::<B>(job, sender, vec![SinglyReceived::<C, B> { bodies, ack }])
}

/// Runs a pair of channels.
pub(super) fn run<C: Channel, B: Body>(job: &Job, body: B) -> Duration {
    let items = job.capacity() / job.batch;
    let (ack, acks) = C::bounded::<u32>(2 * items);
    let unacked = 0;
    match job.batch {
        1 => run_singly::<C, B>(job, body),
        _ => {
            let (sender, bodies) = C::bounded::<Vec<B>>(items);
            let sender = Batched::<C, B> { sender, acks, unacked };
            exchange::<B>(job, sender, vec![BatchReceived::<C, B> { bodies, ack }])
        }
    }
}

struct Singly<C: Channel, B: Body> {
    sender: C::Sender<B>,
    acks: C::Receiver<u32>,
    unacked: usize,
}

struct SinglyReceived<C: Channel, B: Body> {
    bodies: C::Receiver<B>,
    ack: C::Sender<u32>,
}

struct Batched<C: Channel, B: Body> {
    sender: C::Sender<Vec<B>>,
    acks: C::Receiver<u32>,
    unacked: usize,
}

struct BatchReceived<C: Channel, B: Body> {
    bodies: C::Receiver<Vec<B>>,
    ack: C::Sender<u32>,
}

impl<C: Channel, B: Body> Sends<B> for Singly<C, B> {
    fn send(&mut self, bodies: impl ExactSizeIterator<Item = B>) {
        for body in bodies {
            C::send(&self.sender, body);
            self.unacked += 1;
            take_acks::<C>(&mut self.acks, &mut self.unacked);
        }
    }

    fn finish(&mut self) {
        wait_for_acks::<C>(&mut self.acks, &mut self.unacked);
    }
}

impl<C: Channel, B: Body> Receives<B> for SinglyReceived<C, B> {
    fn receive(&mut self, _max: usize, mut read: impl FnMut(&B)) -> usize {
        read(&C::receive(&mut self.bodies));
        C::send(&self.ack, 1);
        1
    }
}

impl<C: Channel, B: Body> Sends<B> for Batched<C, B> {
    fn send(&mut self, bodies: impl ExactSizeIterator<Item = B>) {
        self.unacked += bodies.len();
        C::send(&self.sender, bodies.collect());
        take_acks::<C>(&mut self.acks, &mut self.unacked);
    }

    fn finish(&mut self) {
        wait_for_acks::<C>(&mut self.acks, &mut self.unacked);
    }
}

impl<C: Channel, B: Body> Receives<B> for BatchReceived<C, B> {
    fn receive(&mut self, _max: usize, read: impl FnMut(&B)) -> usize {
        let bodies = C::receive(&mut self.bodies);
        bodies.iter().for_each(read);
        C::send(&self.ack, bodies.len() as u32);
        bodies.len()
    }
}

/// Takes the acknowledgements that are there.
fn take_acks<C: Channel>(acks: &mut C::Receiver<u32>, unacked: &mut usize) {
    while let Some(count) = C::try_receive(acks) {
        *unacked -= count as usize;
    }
}

fn wait_for_acks<C: Channel>(acks: &mut C::Receiver<u32>, unacked: &mut usize) {
    while *unacked > 0 {
        *unacked -= C::receive(acks) as usize;
    }
}
