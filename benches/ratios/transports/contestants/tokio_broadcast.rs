//! `tokio::sync::broadcast`: every subscriber gets every message; one item a message, or one
//! `Arc<[_]>` a batch.
//!
//! Its sender never waits: it overwrites what slow receivers have not read. So that nothing is lost
//! here, it looks every quarter of the capacity, and yields while more than half is unread.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ::tokio::sync::broadcast::{Receiver, Sender, channel};

use super::Job;
use super::body::Body;
use super::exchange::{Receives, Sends, exchange};

pub(super) fn run<B: Body>(job: &Job, _: B) -> Duration {
    let capacity = job.capacity() / job.batch;
    match job.batch {
        1 => {
            let (sender, receivers) = open::<B>(job, capacity);
            exchange::<B>(job, Paced::new(sender, capacity), receivers)
        }
        _ => {
            let (sender, receivers) = open::<Arc<[B]>>(job, capacity);
            exchange::<B>(job, Paced::new(sender, capacity), receivers)
        }
    }
}

fn open<T: Clone>(job: &Job, capacity: usize) -> (Sender<T>, Vec<Receiver<T>>) {
    let (sender, first) = channel(capacity);
    let more = (1..job.subscribers).map(|_| sender.subscribe());
    let receivers = std::iter::once(first).chain(more).collect();
    (sender, receivers)
}

/// A sender that waits for its receivers.
struct Paced<T> {
    sender: Sender<T>,
    capacity: usize,
    unchecked: usize,
}

impl<T: Clone> Paced<T> {
    fn new(sender: Sender<T>, capacity: usize) -> Self {
        Self { sender, capacity, unchecked: 0 }
    }

    fn send_one(&mut self, item: T) {
        self.unchecked += 1;
        if self.unchecked > self.capacity / 4 {
            self.unchecked = 1;
            while self.sender.len() > self.capacity / 2 {
                thread::yield_now();
            }
        }
        assert!(self.sender.send(item).is_ok(), "the receivers are there");
    }
}

impl<B: Body> Sends<B> for Paced<B> {
    fn send(&mut self, bodies: impl ExactSizeIterator<Item = B>) {
        bodies.for_each(|body| self.send_one(body));
    }
}

impl<B: Body> Sends<B> for Paced<Arc<[B]>> {
    fn send(&mut self, bodies: impl ExactSizeIterator<Item = B>) {
        self.send_one(bodies.collect());
    }
}

impl<B: Body> Receives<B> for Receiver<B> {
    fn receive(&mut self, _max: usize, mut read: impl FnMut(&B)) -> usize {
        read(&self.blocking_recv().expect("the sender is there and waits"));
        1
    }
}

impl<B: Body> Receives<B> for Receiver<Arc<[B]>> {
    fn receive(&mut self, _max: usize, read: impl FnMut(&B)) -> usize {
        let bodies = self.blocking_recv().expect("the sender is there and waits");
        bodies.iter().for_each(read);
        bodies.len()
    }
}
