//! The messages of a run, planned before it begins.
//!
//! > **The rule.** A workload is a pure function of the scenario and the seed. Every sample is made
//! > from (seed, stream, message id) without any state, so that all models and strategies see the
//! > same messages at the same times, whatever happens to them.
//!
//! Arrival times, keys and sizes are planned here; [`ServiceTimes`] says how long a handler needs;
//! [`Workload::body`] writes a message out when somebody wants to see it. Distributions are sampled
//! from tables of quantiles in integers ([`libm`] for the tables), never with floats in a decision.

use entrega_choice::mix;
use entrega_model::{Duration, Instant, Key, MessageId};

use crate::scenario::{Arrivals, Body, Scenario};

mod body;
mod keys;
mod quantiles;
mod rows;
mod service_times;

use keys::Keys;
use quantiles::Quantiles;
pub use rows::{Row, Rows};
pub use service_times::ServiceTimes;

/// The streams of samples: words that keep the samples of one purpose apart from the others.
mod stream {
    pub(super) const ARRIVAL: u64 = 1;
    pub(super) const KEY: u64 = 2;
    pub(super) const BODY: u64 = 3;
    pub(super) const SERVICE_TIME: u64 = 4;
}

/// What will be sent, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// The messages, by their ids; never decreasing in time.
    pub planned: Vec<Planned>,
    seed: u64,
    body: Body,
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
    /// How long its handler needs, if a recorded workload says so; else [`ServiceTimes`] decides.
    pub service_time: Option<Duration>,
}

impl Workload {
    /// Plans the messages of a scenario: as `rows` say if there are any, else made up from the
    /// seed. A scenario whose workload is `from` a file has no messages without its rows.
    pub fn generate(scenario: &Scenario, rows: Option<&Rows>, seed: u64) -> Self {
        let settings = &scenario.workload;
        let mut workload = Self { planned: Vec::new(), seed, body: settings.body };
        let size = |id, key| match settings.body {
            Body::Order => body::order_bytes(seed, id, key),
            Body::Opaque => settings.opaque_bytes(),
        };
        if rows.is_some() || settings.from.is_some() {
            let rows = rows.map_or(&[][..], |rows| &rows.rows);
            let first = rows.iter().take(settings.message_count() as usize);
            workload.planned.extend((0..).map(MessageId).zip(first).map(|(id, row)| Planned {
                at: row.at,
                key: row.key,
                bytes: row.bytes.unwrap_or_else(|| size(id, row.key)),
                service_time: row.service_time,
            }));
            return workload;
        }
        let keys = Keys::new(settings.key_distribution.unwrap_or_default(), settings.key_count());
        let mut clock = Clock::new(settings.arrivals.unwrap_or_default(), seed);
        let ids = (0..settings.message_count()).map(MessageId);
        workload.planned.extend(ids.map(|id| {
            let key = keys.sample(mix(seed, &[stream::KEY, id.0.into()]));
            Planned { at: clock.next(id), key, bytes: size(id, key), service_time: None }
        }));
        workload
    }

    /// The text of a message: an order, or filler of the planned size. Empty if there is no such
    /// message. Its length in bytes is the planned one.
    pub fn body(&self, id: MessageId) -> String {
        let Some(planned) = self.planned.get(id.index()) else { return String::new() };
        let size = planned.bytes as usize;
        if self.body == Body::Order {
            let order = body::order(self.seed, id, planned.key);
            if order.len() == size {
                return order;
            }
        }
        ".".repeat(size)
    }
}

/// Nanoseconds between two messages at this rate, at least 1.
pub(crate) fn interval_nanos(rate_per_second: f64) -> u64 {
    (libm::round(1e9 / rate_per_second) as u64).max(1)
}

/// Says when each message is sent, in the order of their ids.
struct Clock {
    seed: u64,
    at: Instant,
    pace: Pace,
}

enum Pace {
    Poisson(Box<Quantiles>),
    Constant(Duration),
    Burst { size: u32, every: Duration },
}

impl Clock {
    fn new(arrivals: Arrivals, seed: u64) -> Self {
        let pace = match arrivals {
            Arrivals::Poisson { rate_per_second } => {
                let mean = interval_nanos(rate_per_second) as f64;
                Pace::Poisson(Box::new(Quantiles::exponential(mean)))
            }
            Arrivals::Constant { rate_per_second } => {
                Pace::Constant(Duration::from_nanos(interval_nanos(rate_per_second)))
            }
            Arrivals::Burst { burst_size, every } => {
                Pace::Burst { size: burst_size.max(1), every: every.duration() }
            }
        };
        Self { seed, at: Instant::START, pace }
    }

    fn next(&mut self, id: MessageId) -> Instant {
        let first = id.0 == 0;
        let interval = match &self.pace {
            Pace::Poisson(intervals) => {
                intervals.sample(mix(self.seed, &[stream::ARRIVAL, id.0.into()]))
            }
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
