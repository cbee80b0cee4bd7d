//! What several workers over one inbox share: whose turn it is to poll, which keys are in work, and
//! how far they have come.
//!
//! > **The rule.** One worker polls at a time; the others wait for their turn or work. So a worker
//! > that learns of a revocation can first wait for the work in flight. No other worker polls
//! > meanwhile, and only the next poll gives the partitions up.
//!
//! * [`LowWaterMark`]: on a log, what may be committed.
//! * [`HighestCompleted`]: its known-bad twin.
//! * `bell`: waking those that wait.

mod bell;
mod highest_completed;
mod low_water_mark;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};

use entrega_model::{Delivery, Instant};

pub use highest_completed::HighestCompleted;
pub use low_water_mark::LowWaterMark;

use self::bell::Bell;
use crate::{ReceiveError, StrategyConfig, Subscription, Turn};

/// With ordered keys, how many deliveries for each worker may wait for their key. At this limit no
/// worker polls until some are done: the backlog of a hot key belongs in the broker.
const WAITING_PER_WORKER: usize = 16;

/// What the workers of one consumer share.
pub struct Workers {
    count: usize,
    key_ordered: bool,
    state: RefCell<State>,
    changed: Bell,
}

struct State {
    /// A worker polls the inbox, or drains after a poll.
    polling: bool,
    /// What is being processed or settled.
    in_work: Vec<Delivery>,
    /// What waits for its key, in order.
    waiting: VecDeque<Delivery>,
    /// On a log, what may be committed.
    mark: Option<LowWaterMark>,
}

/// What a worker can do now.
enum Task<'a> {
    Work(Delivery),
    Poll(Turnstile<'a>),
}

/// The right to poll, until it is dropped.
struct Turnstile<'a>(&'a Workers);

impl Drop for Turnstile<'_> {
    fn drop(&mut self) {
        self.0.state.borrow_mut().polling = false;
        self.0.changed.ring();
    }
}

impl Workers {
    /// Workers on a queue, where each delivery is settled on its own.
    pub fn settling_each(config: &StrategyConfig) -> Self {
        Self::new(config, None)
    }

    /// Workers on a log, where a settle covers everything before it.
    pub fn settling_prefixes(config: &StrategyConfig) -> Self {
        Self::new(config, Some(LowWaterMark::default()))
    }

    fn new(config: &StrategyConfig, mark: Option<LowWaterMark>) -> Self {
        let count = config.workers as usize;
        let state = State {
            polling: false,
            in_work: Vec::with_capacity(count),
            waiting: VecDeque::new(),
            mark,
        };
        let (state, changed) = (RefCell::new(state), Bell::default());
        Self { count, key_ordered: config.key_ordered, state, changed }
    }

    /// How many they are.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The next delivery for a worker; `None` at shutdown. It counts as in work until it is
    /// [released](Self::release). When the partitions will be given up, waits for all that is in
    /// work, so that it is settled in time.
    ///
    /// # Errors
    /// As [`Subscription::poll`].
    pub async fn next(&self, inbox: &impl Subscription) -> Result<Option<Delivery>, ReceiveError> {
        loop {
            let _turnstile = match poll_fn(|cx| self.task(cx)).await {
                Task::Work(delivery) => return Ok(Some(delivery)),
                Task::Poll(turnstile) => turnstile,
            };
            match inbox.poll(Instant::NEVER).await? {
                Turn::Delivery(delivery) if self.accept(delivery) => return Ok(Some(delivery)),
                Turn::Delivery(_) | Turn::Idle => {}
                Turn::Shutdown => return Ok(None),
                Turn::Revoking => {
                    self.state.borrow_mut().waiting.clear();
                    poll_fn(|cx| self.nothing_in_work(cx)).await;
                }
                Turn::Lost | Turn::Assigned(_) => self.state.borrow_mut().begin_anew(),
            }
        }
    }

    /// What may be settled now that these are done.
    pub fn completed(&self, done: &[Delivery]) -> Option<Delivery> {
        let done = done.first()?;
        match &mut self.state.borrow_mut().mark {
            None => Some(*done),
            Some(mark) => mark.complete(done),
        }
    }

    /// The worker is through with a delivery, and its key is free.
    pub fn release(&self, delivery: &Delivery) {
        self.state.borrow_mut().in_work.retain(|one| one.id != delivery.id);
        self.changed.ring();
    }

    /// Takes note of a delivery. `false` if it has to wait for its key.
    fn accept(&self, delivery: Delivery) -> bool {
        let mut state = self.state.borrow_mut();
        if let Some(mark) = &mut state.mark {
            mark.begin(&delivery);
        }
        if self.key_ordered && !state.is_free(&delivery) {
            state.waiting.push_back(delivery);
            return false;
        }
        state.in_work.push(delivery);
        true
    }

    fn task(&self, cx: &Context<'_>) -> Poll<Task<'_>> {
        let mut state = self.state.borrow_mut();
        if let Some(delivery) = state.take_waiting() {
            return Poll::Ready(Task::Work(delivery));
        }
        if !state.polling && state.waiting.len() < self.count * WAITING_PER_WORKER {
            state.polling = true;
            return Poll::Ready(Task::Poll(Turnstile(self)));
        }
        self.changed.wakes(cx);
        Poll::Pending
    }

    fn nothing_in_work(&self, cx: &Context<'_>) -> Poll<()> {
        if self.state.borrow().in_work.is_empty() {
            return Poll::Ready(());
        }
        self.changed.wakes(cx);
        Poll::Pending
    }
}

impl State {
    /// Nothing of this key is in work, and nothing waits for it.
    fn is_free(&self, delivery: &Delivery) -> bool {
        let key = delivery.record.key;
        let same = |other: &Delivery| other.record.key == key;
        !self.in_work.iter().any(same) && !self.waiting.iter().any(same)
    }

    /// The first waiting delivery whose key is not in work, which is in work now.
    fn take_waiting(&mut self) -> Option<Delivery> {
        let Self { in_work, waiting, .. } = self;
        let busy = |key| in_work.iter().any(|other| other.record.key == key);
        let first = waiting.iter().position(|delivery| !busy(delivery.record.key))?;
        let delivery = waiting.remove(first)?;
        in_work.push(delivery);
        Some(delivery)
    }

    /// Another assignment: what was delivered under the one before can no longer be settled.
    fn begin_anew(&mut self) {
        self.waiting.clear();
        if let Some(mark) = &mut self.mark {
            mark.clear();
        }
    }
}

#[cfg(test)]
mod tests;
