//! The loop that all contestants share: send in batches, receive, read, add up. The clock starts
//! when the first messages, which warm up, are sent.

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use super::Job;
use super::body::{Body, sum_of_all};

/// The sending end.
pub(super) trait Sends<B>: Send {
    /// Sends a batch, waiting for room.
    fn send(&mut self, bodies: impl ExactSizeIterator<Item = B>);

    /// Waits for every acknowledgement that is to come.
    fn finish(&mut self) {}
}

/// The receiving end.
pub(super) trait Receives<B>: Send {
    /// Receives at least one body and at most `max`, shows each, acknowledges them, and says how
    /// many there were.
    fn receive(&mut self, max: usize, read: impl FnMut(&B)) -> usize;
}

/// Does the job and says how long it took.
pub(super) fn exchange<B: Body>(
    job: &Job,
    sender: impl Sends<B>,
    receivers: Vec<impl Receives<B>>,
) -> Duration {
    assert_eq!(receivers.len(), job.subscribers, "a receiver for each subscriber");
    match job.threads {
        1 => on_one_thread(job, sender, receivers),
        _ => on_threads(job, sender, receivers),
    }
}

fn on_one_thread<B: Body>(
    job: &Job,
    mut sender: impl Sends<B>,
    mut receivers: Vec<impl Receives<B>>,
) -> Duration {
    let mut sums = vec![0; receivers.len()];
    let mut start = Instant::now();
    for first in (0..job.total()).step_by(job.batch) {
        if first == job.warm {
            start = Instant::now();
        }
        sender.send((first..first + job.batch).map(|number| B::of(number as u64)));
        for (receiver, sum) in receivers.iter_mut().zip(&mut sums) {
            let mut left = job.batch;
            while left > 0 {
                left -=
                    receiver.receive(left, |body| *sum = u64::wrapping_add(*sum, body.checksum()));
            }
        }
    }
    sender.finish();
    let took = start.elapsed();
    sums.iter().for_each(|sum| assert_eq!(*sum, sum_of_all::<B>(job.total()), "what was read"));
    took
}

fn on_threads<B: Body>(
    job: &Job,
    mut sender: impl Sends<B>,
    receivers: Vec<impl Receives<B>>,
) -> Duration {
    let barrier = &Barrier::new(receivers.len() + 1);
    thread::scope(|scope| {
        let receive_all = |mut receiver| {
            scope.spawn(move || {
                barrier.wait();
                let sum = receive_all(job, &mut receiver);
                (sum, Instant::now(), receiver)
            })
        };
        let threads: Vec<_> = receivers.into_iter().map(receive_all).collect();
        barrier.wait();
        let mut start = Instant::now();
        for first in (0..job.total()).step_by(job.batch) {
            if first == job.warm {
                start = Instant::now();
            }
            sender.send((first..first + job.batch).map(|number| B::of(number as u64)));
        }
        sender.finish();
        let mut end = Instant::now();
        for thread in threads {
            let (sum, ended, _) = thread.join().expect("the receiver does not panic");
            assert_eq!(sum, sum_of_all::<B>(job.total()), "what was read");
            end = end.max(ended);
        }
        end - start
    })
}

fn receive_all<B: Body>(job: &Job, receiver: &mut impl Receives<B>) -> u64 {
    let (mut sum, mut left) = (0_u64, job.total());
    while left > 0 {
        left -=
            receiver.receive(left.min(job.batch), |body| sum = sum.wrapping_add(body.checksum()));
    }
    sum
}
