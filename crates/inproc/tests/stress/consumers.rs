//! Consumers: every way to take and to settle, and every way to end.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use entrega_inproc::queue::{Batch, Consumer, Ended, Tag};
use entrega_model::queue::Settlement;

use crate::Round;
use crate::body::Body;
use crate::config::{AtDelivery, Random};
use crate::ledger::caught;

/// How many deliveries a consumer holds at most, but for one batch.
const HELD: usize = 8;
/// How many it takes at once.
const BATCH: u64 = 12;

/// One consumer in one round, through all its lives.
pub(crate) struct Consuming<'a, B: Body> {
    round: &'a Round<B>,
    /// It settles at delivery.
    at_delivery: bool,
    random: Random,
    /// For each producer, the last message of which it was given the first delivery.
    last: Vec<Option<usize>>,
}

/// What was taken: names and messages, or why not.
type Taken = Result<Vec<(Tag, Option<usize>)>, Ended>;

impl<'a, B: Body> Consuming<'a, B> {
    pub(crate) fn new(round: &'a Round<B>, number: usize, random: Random) -> Self {
        let last = vec![None; round.config.producers];
        let at_delivery = round.config.at_delivery.is_for(number);
        Self { round, at_delivery, random, last }
    }

    /// Takes to the end; dies now and then.
    pub(crate) fn run(mut self) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime");
        loop {
            let mut consumer = if self.at_delivery {
                self.round.queue.consumer_settled_at_delivery()
            } else {
                self.round.queue.consumer()
            };
            let lives = self.random.below(400);
            let is_over = self.live(&mut consumer, &runtime, lives);
            let is_clean = self.random.once_in(2);
            caught(|| if is_clean { consumer.close() } else { drop(consumer) });
            if is_over {
                return;
            }
        }
    }

    /// Returns whether the queue has ended.
    fn live(
        &mut self,
        consumer: &mut Consumer<B>,
        on: &tokio::runtime::Runtime,
        turns: u64,
    ) -> bool {
        let mut held = Vec::new();
        let dies = !self.at_delivery;
        for turn in 0.. {
            if dies && turn > turns {
                return false;
            }
            let most = self.round.config.most_segments(HELD + BATCH as usize);
            let segments = self.round.queue.segments();
            assert!(segments <= most, "{segments} segments, and {most} are allowed");
            let before = self.round.ledger.now();
            let may_wait = held.is_empty();
            match caught(|| self.take(consumer, on, before, may_wait)).unwrap_or(Ok(Vec::new())) {
                Ok(taken) => held.extend(taken),
                Err(Ended::Unsettled | Ended::PrefetchUsedUp) => {
                    self.settle(consumer, &mut held, 0);
                }
                Err(Ended::Closed | Ended::Stopped) => return true,
            }
            if self.random.once_in(500) {
                thread::sleep(Duration::from_millis(3));
            }
            let keeps = self.random.below(HELD as u64) as usize;
            self.settle(consumer, &mut held, keeps);
        }
        true
    }

    /// Waits without a limit only if it holds nothing: producers may wait for what it holds.
    fn take(
        &mut self,
        consumer: &mut Consumer<B>,
        on: &tokio::runtime::Runtime,
        before: u64,
        may_wait: bool,
    ) -> Taken {
        let max = 1 + self.random.below(BATCH) as usize;
        match self.random.below(5) {
            0 => consumer.try_take_batch(max).map(|batch| self.note(batch, before)),
            1 => {
                let deadline = Instant::now() + Duration::from_micros(self.random.below(300));
                consumer.take_batch_until(max, deadline).map(|batch| self.note(batch, before))
            }
            2 => {
                let timer = |at: Instant| tokio::time::sleep_until(at.into());
                let patience = Duration::from_micros(self.random.below(300));
                let waits = async {
                    tokio::time::timeout(patience, consumer.take_batch_async(max, timer)).await
                };
                on.block_on(waits)
                    .map_or(Ok(Vec::new()), |batch| batch.map(|one| self.note(Some(one), before)))
            }
            3 if may_wait => consumer.take_batch(1).map(|batch| self.note(Some(batch), before)),
            _ => consumer.try_take_batch(1).map(|batch| self.note(batch, before)),
        }
    }

    /// Notes what was taken by a call that began `before`.
    fn note(&mut self, batch: Option<Batch<'_, B>>, before: u64) -> Vec<(Tag, Option<usize>)> {
        let Some(batch) = batch else { return Vec::new() };
        let count = batch.delivery_count();
        let mut all = Vec::new();
        for (nth, body) in batch.iter().enumerate() {
            let id = body.id();
            self.round.ledger.given(id, count, before);
            if let Some(id) = id.filter(|_| count == 1) {
                self.check_order(id);
            }
            all.push((batch.tag(nth), id));
        }
        if self.at_delivery {
            all.drain(..).for_each(|(_, id)| self.round.ledger.settled(id));
        }
        all
    }

    /// One consumer alone is given first deliveries in the order of their producer.
    fn check_order(&mut self, id: usize) {
        if self.round.config.consumers == 1 {
            let last = &mut self.last[id / self.round.config.each];
            assert!(last.is_none_or(|last| last < id), "{id} comes after {last:?}");
            *last = Some(id);
        }
    }

    /// Settles what it holds, in any order, down to `keeps`.
    fn settle(
        &mut self,
        consumer: &mut Consumer<B>,
        held: &mut Vec<(Tag, Option<usize>)>,
        keeps: usize,
    ) {
        while held.len() > keeps {
            let (tag, id) = held.swap_remove(self.random.below(held.len() as u64) as usize);
            let word = match self.random.below(20) {
                0 => Settlement::Requeue,
                1 => Settlement::Reject,
                2 => Settlement::Extend,
                _ => Settlement::Ack,
            };
            let settled = caught(|| consumer.settle(tag, word));
            match (word, settled) {
                (Settlement::Extend, Some(Ok(()))) => held.push((tag, id)),
                (Settlement::Ack | Settlement::Reject, Some(Ok(()))) => {
                    self.round.ledger.settled(id);
                }
                (_, None) => self.round.ledger.unsure(id),
                _ => {}
            }
        }
    }
}

/// Drops what is dead-lettered: until then it takes up room.
pub(crate) fn drop_letters<B: Body>(round: &Round<B>) {
    while let Some(letter) = round.queue.dead_letter() {
        caught(|| drop(letter));
    }
}

/// After the end: what is left was sent too late, or is a dead letter, or the queue was stopped.
pub(crate) fn drain<B: Body>(round: &Round<B>) {
    let settings = &round.config.settings;
    let (limit, knows_ids) = (settings.delivery_limit, size_of::<B>() > 0);
    let mut consumer = round.queue.consumer();
    loop {
        let before = round.ledger.now();
        let taken = caught(|| match consumer.try_take() {
            Ok(Some(one)) => Ok(Some((one.tag(), one.id(), one.delivery_count()))),
            Ok(None) => Ok(None),
            Err(ended) => Err(ended),
        });
        match taken {
            Some(Ok(Some((tag, id, count)))) => {
                round.ledger.given(id, count, before);
                match caught(|| consumer.settle(tag, Settlement::Ack)) {
                    Some(Ok(())) => round.ledger.settled(id),
                    Some(Err(_)) => {}
                    None => round.ledger.unsure(id),
                }
            }
            Some(Ok(None)) => thread::yield_now(),
            None | Some(Err(Ended::PrefetchUsedUp | Ended::Unsettled)) => {}
            Some(Err(Ended::Closed)) => break,
            Some(Err(Ended::Stopped)) => {
                assert!(round.config.ending.may_stop());
                caught(|| drop(consumer));
                drop_letters(round);
                let keeps_all = round.config.at_delivery == AtDelivery::Never;
                let (now, then) = (round.queue.unsettled(), round.counted.load(Ordering::SeqCst));
                round.ledger.check_stopped(now, limit, knows_ids, keeps_all);
                round.ledger.check_stayed(then, now);
                return;
            }
        }
    }
    caught(|| drop(consumer));
    drop_letters(round);
    assert_eq!(round.queue.unsettled(), 0, "everything is settled");
    round.ledger.check_settled(limit, knows_ids);
}
