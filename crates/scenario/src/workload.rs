//! The messages of a run, planned before it begins.
//!
//! > **The rule.** A workload is a pure function of the scenario and the seed. Every sample is a
//! > function of (seed, stream, message id) and keeps no state, so all models and strategies see
//! > the same messages at the same times, whatever happens to them.
//!
//! This module plans arrival times, keys and sizes; [`ServiceTimes`] gives the time that a handler
//! needs; [`Workload::body`] writes a message out for display. Distributions are sampled from
//! tables of quantiles in integers ([`libm`] computes the tables): no float takes part in a
//! decision.

use std::sync::Arc;

use entrega_choice::Mixed;
use entrega_model::{Duration, Instant, Key, MessageId, SubscriptionId};

use crate::file::{Arrivals, Body, Row, Rows, Scenario, Span, interval_nanos};

mod body;
mod crash_times;
mod keys;
mod quantiles;
mod service_times;

pub use crash_times::{CrashTimes, StallTimes};
use keys::Keys;
use quantiles::Quantiles;
pub use service_times::ServiceTimes;

pub(crate) use body::MOST_BYTES as ORDER_BYTES;
use body::Orders;

/// The streams of samples: one word for each purpose, which keeps their samples independent.
mod stream {
    pub(super) const ARRIVAL: u64 = 1;
    pub(super) const KEY: u64 = 2;
    pub(super) const BODY: u64 = 3;
    pub(super) const SERVICE_TIME: u64 = 4;
    pub(super) const CRASH: u64 = 5;
    pub(super) const STALL: u64 = 6;
}

/// What will be sent, and when, and how long its handlers need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// The messages, by their ids; never decreasing in time.
    pub planned: Vec<Planned>,
    /// When each of them is due, by their ids, if any is due later than it is sent: nobody is to
    /// process it before.
    pub not_before: Option<Arc<[Instant]>>,
    seed: u64,
    body: Body,
    service_times: Vec<ServiceTimes>,
}

/// Makes the workloads of a scenario. Its tables do not depend on the seed, so one planner serves
/// many seeds.
pub struct Planner {
    pace: Pace,
    keys: Keys,
    service_times: Vec<Arc<Quantiles>>,
    /// The messages come from a file.
    is_recorded: bool,
    /// At most this many.
    messages: u32,
    body: Body,
    opaque_bytes: u32,
    /// How long after its arrival a message that is made up is due.
    wait: Option<Duration>,
}

/// One message before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Planned {
    /// When the producer sends it.
    pub at: Instant,
    /// What it is about.
    pub key: Key,
    /// The size of its body.
    pub bytes: u32,
    /// How long its handler needs, if the workload is recorded with it; else [`ServiceTimes`]
    /// tells.
    pub service_time: Option<Duration>,
}

/// What a plan comes to as a whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// How many messages are sent.
    pub messages: u64,
    /// From the first send to the last.
    pub span: Duration,
    /// From the beginning of the run to the last send.
    pub until: Duration,
    /// The service times that are recorded: their sum in nanoseconds, and how many they are.
    pub recorded: (u128, u64),
    /// The longest of them.
    pub longest_recorded: Duration,
    /// The largest size that is recorded.
    pub most_recorded_bytes: u64,
}

impl Planner {
    /// Prepares the tables of a scenario.
    pub fn new(scenario: &Scenario) -> Self {
        let settings = &scenario.workload;
        let subscriptions = scenario.subscriptions.iter();
        Self {
            pace: Pace::new(settings.arrivals.unwrap_or_default()),
            keys: Keys::new(settings.key_distribution.unwrap_or_default(), settings.key_count()),
            service_times: subscriptions
                .map(|one| service_times::table(&one.service_time))
                .collect(),
            is_recorded: settings.from.is_some(),
            messages: settings.message_count(),
            body: settings.body,
            opaque_bytes: settings.opaque_bytes(),
            wait: settings.wait().map(Span::duration),
        }
    }

    /// Plans the messages for a seed: those of `rows` if there are any, else generated ones. A
    /// recorded workload without its rows has no messages.
    pub fn plan(&self, rows: Option<&Rows>, seed: u64) -> Workload {
        let planned = match rows {
            Some(rows) => self.recorded(rows, seed),
            None if self.is_recorded => Vec::new(),
            None => self.made_up(seed),
        };
        let service_times = (0..)
            .map(SubscriptionId)
            .zip(&self.service_times)
            .map(|(id, table)| ServiceTimes::from_table(Arc::clone(table), seed, id))
            .collect();
        let not_before = self.due_times(rows, &planned);
        Workload { planned, not_before, seed, body: self.body, service_times }
    }

    fn due_times(&self, rows: Option<&Rows>, planned: &[Planned]) -> Option<Arc<[Instant]>> {
        match rows {
            Some(rows) => {
                rows.longest_wait()?;
                let due = rows.rows.iter().map(|row| row.not_before.unwrap_or_default());
                Some(due.take(planned.len()).collect())
            }
            None => {
                let wait = self.wait?;
                Some(planned.iter().map(|planned| planned.at + wait).collect())
            }
        }
    }

    /// What [`plan`](Self::plan) comes to; no message is planned for that.
    pub fn extent(&self, rows: Option<&Rows>, seed: u64) -> Extent {
        match rows {
            Some(rows) => {
                let first = rows.rows.iter().take(self.messages as usize);
                Extent::of(first.map(|row| (row.at, row.service_time, row.bytes)))
            }
            None if self.is_recorded => Extent::default(),
            None => {
                let mut clock = Clock::new(seed, &self.pace);
                Extent::of((0..self.messages).map(|id| (clock.next(MessageId(id)), None, None)))
            }
        }
    }

    fn recorded(&self, rows: &Rows, seed: u64) -> Vec<Planned> {
        let first = rows.rows.iter().take(self.messages as usize);
        let orders = Orders::of(seed);
        let plan = |(id, row): (MessageId, &Row)| Planned {
            at: row.at,
            key: row.key,
            bytes: row.bytes.unwrap_or_else(|| self.size(orders, id, row.key)),
            service_time: row.service_time,
        };
        (0..).map(MessageId).zip(first).map(plan).collect()
    }

    fn made_up(&self, seed: u64) -> Vec<Planned> {
        let mut clock = Clock::new(seed, &self.pace);
        let (keys, orders) = (Mixed::from(seed).with(stream::KEY), Orders::of(seed));
        let plan = |id: MessageId| {
            let key = self.keys.sample(keys.with(id.0.into()).word());
            let bytes = self.size(orders, id, key);
            Planned { at: clock.next(id), key, bytes, service_time: None }
        };
        (0..self.messages).map(MessageId).map(plan).collect()
    }

    fn size(&self, orders: Orders, id: MessageId, key: Key) -> u32 {
        match self.body {
            Body::Order => orders.bytes(id, key),
            Body::Opaque => self.opaque_bytes,
        }
    }
}

impl Extent {
    fn of(sends: impl Iterator<Item = (Instant, Option<Duration>, Option<u32>)>) -> Self {
        let (mut extent, mut first) = (Self::default(), None);
        for (at, service_time, bytes) in sends {
            extent.messages += 1;
            extent.span = at.since(*first.get_or_insert(at));
            extent.until = at.since(Instant::START);
            extent.most_recorded_bytes = extent.most_recorded_bytes.max(bytes.unwrap_or(0).into());
            if let Some(time) = service_time {
                let (sum, count) = extent.recorded;
                extent.recorded = (sum + u128::from(time.as_nanos()), count + 1);
                extent.longest_recorded = extent.longest_recorded.max(time);
            }
        }
        extent
    }
}

impl Workload {
    /// Plans the messages of a scenario for a single seed; [`Planner`] is for many.
    pub fn generate(scenario: &Scenario, rows: Option<&Rows>, seed: u64) -> Self {
        Planner::new(scenario).plan(rows, seed)
    }

    /// How long the handler of a subscription needs for an attempt at a message, as recorded or
    /// sampled.
    #[inline]
    pub fn service_time(
        &self,
        subscription: SubscriptionId,
        message: MessageId,
        attempt: u16,
    ) -> Duration {
        let recorded = self.planned.get(message.index()).and_then(|planned| planned.service_time);
        recorded
            .unwrap_or_else(|| self.service_times[subscription.index()].sample(message, attempt))
    }

    /// When a message is due: the start of time if it may be processed whenever it is delivered.
    pub fn due_time(&self, message: MessageId) -> Instant {
        let due = self.not_before.as_ref().and_then(|all| all.get(message.index()).copied());
        due.unwrap_or(Instant::START)
    }

    /// The text of a message: an order, or filler of the planned size. Empty if there is no such
    /// message. Its length in bytes is the planned one.
    pub fn body(&self, id: MessageId) -> String {
        let Some(planned) = self.planned.get(id.index()) else { return String::new() };
        let size = planned.bytes as usize;
        if self.body == Body::Order {
            let order = Orders::of(self.seed).text(id, planned.key);
            if order.len() == size {
                return order;
            }
        }
        ".".repeat(size)
    }
}

/// Plans when each message is sent, in the order of their ids.
struct Clock<'a> {
    arrivals: Mixed,
    at: Instant,
    pace: &'a Pace,
}

enum Pace {
    Poisson(Box<Quantiles>),
    Constant(Duration),
    Burst { size: u32, every: Duration },
    AtOnce,
}

impl Pace {
    fn new(arrivals: Arrivals) -> Self {
        match arrivals {
            Arrivals::Poisson { rate_per_second } => {
                let mean = interval_nanos(rate_per_second) as f64;
                Self::Poisson(Box::new(Quantiles::exponential(mean)))
            }
            Arrivals::Constant { rate_per_second } => {
                Self::Constant(Duration::from_nanos(interval_nanos(rate_per_second)))
            }
            Arrivals::Burst { burst_size, every } => {
                Self::Burst { size: burst_size.max(1), every: every.duration() }
            }
            Arrivals::Backlog => Self::AtOnce,
        }
    }
}

impl<'a> Clock<'a> {
    fn new(seed: u64, pace: &'a Pace) -> Self {
        Self { arrivals: Mixed::from(seed).with(stream::ARRIVAL), at: Instant::START, pace }
    }

    fn next(&mut self, id: MessageId) -> Instant {
        let first = id.0 == 0;
        let interval = match self.pace {
            Pace::Poisson(intervals) => intervals.sample(self.arrivals.with(id.0.into()).word()),
            Pace::Constant(interval) if !first => *interval,
            Pace::Burst { size, every } if !first && id.0.is_multiple_of(*size) => *every,
            _ => Duration::ZERO,
        };
        self.at += interval;
        self.at
    }
}

#[cfg(test)]
mod tests;
