//! The contestants of the benchmark of transports: each way to move messages between threads, with
//! the loop that suits it best.
//!
//! A [`Job`] says what is moved; a [`Transport`] moves it and says how long that took, from the
//! first send to the last acknowledgement (or the last read, if it has none). Setting up and
//! joining threads do not count. Everybody has room for the same number of messages, reads every
//! byte of every body, and must come to the right sum.

use std::time::Duration;

mod acked;
mod async_channel;
mod body;
mod channel;
mod crossbeam;
mod disruptor;
mod exchange;
pub(crate) mod fan_out;
mod flume;
mod kanal;
mod live_log;
mod live_queue;
mod memory;
mod std_mpsc;
mod tokio_broadcast;
mod tokio_mpsc;

/// What is to be moved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Job {
    /// How many messages are timed; a multiple of `batch`.
    pub messages: usize,
    /// How many are moved before that, so that nobody's memory is touched for the first time while
    /// the clock runs; a multiple of `batch`.
    pub warm: usize,
    /// How many bytes a body has: 64 or 1024.
    pub body: usize,
    /// How many messages are handed over together, on both sides: 1, 32 or 1024.
    pub batch: usize,
    /// 1: one thread sends a batch and then receives it. 2: one thread sends, one (or one for each
    /// subscriber) receives.
    pub threads: usize,
    /// How many receivers there are, each of which gets every message. 1 for most contestants.
    pub subscribers: usize,
}

impl Job {
    /// How many messages are moved, timed or not.
    fn total(&self) -> usize {
        self.warm + self.messages
    }

    /// How many messages fit between sender and receiver: 4096, and two batches at least.
    fn capacity(&self) -> usize {
        (2 * self.batch).max(4096)
    }
}

/// One way to move messages.
pub(crate) struct Transport {
    /// How it is called in the table.
    pub name: &'static str,
    /// Whether its sender (or its broker) learns of each message that it was processed.
    pub acks: bool,
    /// Does the job.
    pub run: fn(&Job) -> Duration,
}

/// A contestant whose function is generic over the size of bodies.
macro_rules! contestant {
    ($name:literal, $acks:literal, $run:path) => {
        Transport {
            name: $name,
            acks: $acks,
            run: |job| match job.body {
                64 => $run(job, [0_u8; 64]),
                1024 => $run(job, [0_u8; 1024]),
                other => panic!("no bodies of {other} bytes"),
            },
        }
    };
}

/// All contestants: Entrega's, those without acknowledgements, those with.
pub(crate) const ALL: [Transport; 20] = [
    contestant!("LiveLog", false, live_log::run),
    contestant!("LiveQueue", true, live_queue::run),
    contestant!("LiveQueue, no acks", false, live_queue::run_settled),
    contestant!("memory", false, memory::run),
    contestant!("std::sync::mpsc", false, channel::run::<std_mpsc::Std, _>),
    contestant!("crossbeam-channel", false, channel::run::<crossbeam::Crossbeam, _>),
    contestant!("flume", false, channel::run::<flume::Flume, _>),
    contestant!("kanal", false, channel::run::<kanal::Kanal, _>),
    contestant!("async-channel", false, channel::run::<async_channel::AsyncChannel, _>),
    contestant!("tokio::sync::mpsc", false, channel::run::<tokio_mpsc::Tokio, _>),
    contestant!("tokio::sync::broadcast", false, tokio_broadcast::run),
    contestant!("disruptor", false, disruptor::run),
    contestant!("std::sync::mpsc + acks", true, acked::run::<std_mpsc::Std, _>),
    contestant!("crossbeam-channel + acks", true, acked::run::<crossbeam::Crossbeam, _>),
    contestant!("flume + acks", true, acked::run::<flume::Flume, _>),
    contestant!("kanal + acks", true, acked::run::<kanal::Kanal, _>),
    contestant!("async-channel + acks", true, acked::run::<async_channel::AsyncChannel, _>),
    contestant!("crossbeam + acks, one by one", true, acked::run_singly::<crossbeam::Crossbeam, _>),
    contestant!("flume, one by one", false, channel::run_singly::<flume::Flume, _>),
    contestant!("tokio::sync::mpsc + acks", true, acked::run::<tokio_mpsc::Tokio, _>),
];
