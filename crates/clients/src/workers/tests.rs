//! Who polls, what waits for its key, and what a rebalance waits for.
//!
//! Goal: the rules of the module hold whatever the inbox says. Method: an inbox that says what the
//! test tells it to, and one poll at a time.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::pending;
use std::pin::pin;
use std::task::Poll;

use entrega_model::{
    Delivery, DeliveryId, Duration, Generation, Instant, Key, MessageId, PartitionId, Record,
};

use super::Workers;
use crate::fake_link::once;
use crate::{ReceiveError, SettleError, StrategyConfig, Subscription, Turn};

/// Says its turns one after another, and then nothing.
struct Script(RefCell<VecDeque<Turn>>);

impl Script {
    fn of(turns: impl IntoIterator<Item = Turn>) -> Self {
        Self(RefCell::new(turns.into_iter().collect()))
    }

    fn left(&self) -> usize {
        self.0.borrow().len()
    }
}

impl Subscription for Script {
    fn now(&self) -> Instant {
        Instant::START
    }

    async fn poll(&self, _until: Instant) -> Result<Turn, ReceiveError> {
        let turn = self.0.borrow_mut().pop_front();
        match turn {
            Some(turn) => Ok(turn),
            None => pending().await,
        }
    }

    async fn settle(&self, _deliveries: &[Delivery]) -> Result<(), SettleError> {
        Ok(())
    }

    async fn close(&self) -> Result<(), SettleError> {
        Ok(())
    }
}

fn config(key_ordered: bool) -> StrategyConfig {
    StrategyConfig {
        settle_every: 1,
        settle_interval: Duration::from_secs(1),
        batch_size: 1,
        batch_interval: Duration::from_secs(1),
        workers: 2,
        key_ordered,
        ..StrategyConfig::default()
    }
}

fn delivery(id: u32, key: u32) -> Delivery {
    Delivery {
        id: DeliveryId(id),
        record: Record { message: MessageId(id), key: Key(key), bytes: 1 },
        partition: PartitionId(0),
        position: u64::from(id),
        attempt: 1,
        redelivered: false,
        generation: Generation(0),
        at: Instant::START,
    }
}

fn turns(deliveries: &[(u32, u32)]) -> Script {
    Script::of(deliveries.iter().map(|&(id, key)| Turn::Delivery(delivery(id, key))))
}

/// The id of what a worker gets at once.
fn gets(workers: &Workers, inbox: &Script) -> Option<u32> {
    match once(pin!(workers.next(inbox))) {
        Poll::Ready(Ok(Some(delivery))) => Some(delivery.id.0),
        _ => None,
    }
}

#[test]
fn one_polls_at_a_time() {
    let (workers, inbox) = (Workers::settling_each(&config(false)), Script::of([]));
    let mut first = pin!(workers.next(&inbox));
    assert!(once(first.as_mut()).is_pending());
    inbox.0.borrow_mut().push_back(Turn::Shutdown);
    let mut second = pin!(workers.next(&inbox));
    assert!(once(second.as_mut()).is_pending(), "it is not its turn");
    assert_eq!(inbox.left(), 1);
}

#[test]
fn a_worker_that_is_dropped_gives_its_turn_back() {
    let (workers, inbox) = (Workers::settling_each(&config(false)), Script::of([]));
    {
        let mut first = pin!(workers.next(&inbox));
        assert!(once(first.as_mut()).is_pending());
    }
    inbox.0.borrow_mut().push_back(Turn::Delivery(delivery(1, 0)));
    assert_eq!(gets(&workers, &inbox), Some(1));
}

#[test]
fn a_key_in_work_keeps_its_messages_waiting() {
    let workers = Workers::settling_each(&config(true));
    let inbox = turns(&[(1, 7), (2, 7), (3, 7), (4, 8)]);
    assert_eq!(gets(&workers, &inbox), Some(1));
    assert_eq!(gets(&workers, &inbox), Some(4), "another key overtakes");
    workers.release(&delivery(4, 8));
    assert_eq!(gets(&workers, &inbox), None);
    workers.release(&delivery(1, 7));
    assert_eq!(gets(&workers, &inbox), Some(2), "in order");
    assert_eq!(gets(&workers, &inbox), None);
}

/// The known-bad twin: without the order of keys the second one does not wait.
#[test]
fn without_ordered_keys_nothing_waits() {
    let workers = Workers::settling_each(&config(false));
    let inbox = turns(&[(1, 7), (2, 7)]);
    assert_eq!((gets(&workers, &inbox), gets(&workers, &inbox)), (Some(1), Some(2)));
}

#[test]
fn a_hot_key_stops_the_polling() {
    let workers = Workers::settling_each(&config(true));
    let hot: Vec<(u32, u32)> = (0..100).map(|id| (id, 7)).collect();
    let inbox = turns(&hot);
    assert_eq!(gets(&workers, &inbox), Some(0));
    assert_eq!(gets(&workers, &inbox), None);
    assert_eq!(inbox.left(), 100 - 1 - 2 * super::WAITING_PER_WORKER);
}

#[test]
fn a_message_that_waits_for_its_key_holds_the_mark() {
    let workers = Workers::settling_prefixes(&config(true));
    let inbox = turns(&[(1, 7), (2, 7), (3, 8)]);
    assert_eq!((gets(&workers, &inbox), gets(&workers, &inbox)), (Some(1), Some(3)));
    assert_eq!(workers.completed(&[delivery(3, 8)]), None);
    let settled = workers.completed(&[delivery(1, 7)]);
    assert_eq!(settled.map(|last| last.id.0), Some(1), "message 2 has not even begun");
}

/// The next poll gives the partitions up, so it has to wait for what is in work.
#[test]
fn a_rebalance_waits_for_the_work_in_flight() {
    let workers = Workers::settling_prefixes(&config(true));
    let one = Turn::Delivery(delivery(1, 7));
    let waits = Turn::Delivery(delivery(2, 7));
    let inbox = Script::of([one, waits, Turn::Revoking, Turn::Delivery(delivery(3, 7))]);
    assert_eq!(gets(&workers, &inbox), Some(1));
    let mut drains = pin!(workers.next(&inbox));
    assert!(once(drains.as_mut()).is_pending());
    assert_eq!(gets(&workers, &inbox), None, "nobody polls meanwhile");
    assert_eq!(inbox.left(), 1);
    workers.release(&delivery(1, 7));
    let next = once(drains.as_mut()).map(|next| next.map(|next| next.map(|one| one.id.0)));
    assert_eq!(next, Poll::Ready(Ok(Some(3))), "what only waited is given up");
}

#[test]
fn after_a_loss_the_mark_begins_anew() {
    let workers = Workers::settling_prefixes(&config(false));
    let old = Turn::Delivery(delivery(1, 7));
    let new = Turn::Delivery(delivery(2, 7));
    let inbox = Script::of([old, Turn::Lost, Turn::Assigned(PartitionId(0)), new]);
    assert_eq!((gets(&workers, &inbox), gets(&workers, &inbox)), (Some(1), Some(2)));
    assert_eq!(workers.completed(&[delivery(1, 7)]), None, "it is somebody else's now");
    assert_eq!(workers.completed(&[delivery(2, 7)]), Some(delivery(2, 7)));
}
