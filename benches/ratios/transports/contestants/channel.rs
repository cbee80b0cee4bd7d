//! Channels: one item a message, or one `Vec` a batch, which is faster for each of them than a send
//! for every message.

use std::time::Duration;

use super::Job;
use super::body::Body;
use super::exchange::{Receives, Sends, exchange};

/// A bounded channel of whatever kind.
pub(super) trait Channel {
    /// The sending end.
    type Sender<T: Send>: Send;
    /// The receiving end.
    type Receiver<T: Send>: Send;

    /// A channel with room for `capacity` items.
    fn bounded<T: Send>(capacity: usize) -> (Self::Sender<T>, Self::Receiver<T>);

    /// Sends, waiting for room.
    fn send<T: Send>(sender: &Self::Sender<T>, item: T);

    /// Receives, waiting for an item.
    fn receive<T: Send>(receiver: &mut Self::Receiver<T>) -> T;

    /// Receives an item that is there.
    fn try_receive<T: Send>(receiver: &mut Self::Receiver<T>) -> Option<T>;
}

/// Runs a channel that carries an item for each message, whatever the batch is.
pub(super) fn run_singly<C: Channel, B: Body>(job: &Job, _: B) -> Duration {
    let (sender, receiver) = C::bounded::<B>(job.capacity());
    exchange::<B>(job, Singly::<C, B>(sender), vec![SinglyReceived::<C, B>(receiver)])
}

/// Runs a channel without acknowledgements.
pub(super) fn run<C: Channel, B: Body>(job: &Job, body: B) -> Duration {
    match job.batch {
        1 => run_singly::<C, B>(job, body),
        batch => {
            let (sender, receiver) = C::bounded::<Vec<B>>(job.capacity() / batch);
            exchange::<B>(job, Batched::<C, B>(sender), vec![BatchReceived::<C, B>(receiver)])
        }
    }
}

struct Singly<C: Channel, B: Body>(C::Sender<B>);
struct SinglyReceived<C: Channel, B: Body>(C::Receiver<B>);
struct Batched<C: Channel, B: Body>(C::Sender<Vec<B>>);
struct BatchReceived<C: Channel, B: Body>(C::Receiver<Vec<B>>);

impl<C: Channel, B: Body> Sends<B> for Singly<C, B> {
    fn send(&mut self, bodies: impl ExactSizeIterator<Item = B>) {
        bodies.for_each(|body| C::send(&self.0, body));
    }
}

impl<C: Channel, B: Body> Receives<B> for SinglyReceived<C, B> {
    fn receive(&mut self, _max: usize, mut read: impl FnMut(&B)) -> usize {
        read(&C::receive(&mut self.0));
        1
    }
}

impl<C: Channel, B: Body> Sends<B> for Batched<C, B> {
    fn send(&mut self, bodies: impl ExactSizeIterator<Item = B>) {
        C::send(&self.0, bodies.collect());
    }
}

impl<C: Channel, B: Body> Receives<B> for BatchReceived<C, B> {
    fn receive(&mut self, _max: usize, read: impl FnMut(&B)) -> usize {
        let bodies = C::receive(&mut self.0);
        bodies.iter().for_each(read);
        bodies.len()
    }
}
