//! What is sent, and how long it takes to process: the tables `[workload]` and `[[subscriptions]]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ConsumerChange, Faults, RollingRestart, Span, or_none};
use crate::workload::ORDER_BYTES;

/// The messages that the producer sends, the same for every model and strategy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct WorkloadSettings {
    /// How many messages to make up. Default 1000. Not together with `from`.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<u32>")]
    pub messages: Option<u32>,
    /// A file of recorded messages, relative to the scenario: `.csv` with a header, or `.jsonl`,
    /// with the columns `at` and `key`, and if you like `id`, `bytes`, `service_time`,
    /// `not_before`. Times are seconds, durations or dates as `2026-03-01T09:00:00Z`. Then keys
    /// and arrivals come from the file.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<String>")]
    pub from: Option<String>,
    /// What a message contains. Default `order`.
    pub body: Body,
    /// How large an opaque body is. Default 256. Orders have the size of their text.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<u32>")]
    pub bytes: Option<u32>,
    /// How many different keys there are. Default 100.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<u32>")]
    pub keys: Option<u32>,
    /// How often each key occurs. Default uniform.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<KeyDistribution>")]
    pub key_distribution: Option<KeyDistribution>,
    /// When messages are sent. Default poisson with 20 a second.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<Arrivals>")]
    pub arrivals: Option<Arrivals>,
    /// How long after its arrival at the producer a message is due: nobody is to process it
    /// before, as with a countdown of Celery. Who holds it until then is `queue.due_time`. Default:
    /// it is due at once. Not together with `from`, whose column `not_before` says it.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<Span>")]
    pub due_after: Option<Span>,
    /// The longest that a recorded message waits until it is due, for versions of the scenario in
    /// which messages are made up.
    #[serde(skip)]
    pub recorded_wait: Option<Span>,
}

impl WorkloadSettings {
    /// How large an opaque body is, in bytes.
    pub fn opaque_bytes(&self) -> u32 {
        self.bytes.unwrap_or(256)
    }

    /// No message that is made up has more bytes.
    pub fn most_bytes(&self) -> u32 {
        match self.body {
            Body::Order => ORDER_BYTES,
            Body::Opaque => self.opaque_bytes(),
        }
    }

    /// How long after its arrival a message that is made up is due.
    pub fn wait(&self) -> Option<Span> {
        self.due_after.or(self.recorded_wait)
    }

    /// How many different keys there are.
    pub fn key_count(&self) -> u32 {
        self.keys.unwrap_or(100)
    }

    /// How many messages to make up; with a file, how many of its rows at most.
    pub fn message_count(&self) -> u32 {
        self.messages.unwrap_or(if self.from.is_some() { u32::MAX } else { 1_000 })
    }
}

/// What a message contains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Body {
    /// An order in JSON: message, client (the key), products, address.
    #[default]
    Order,
    /// Bytes without a meaning; only their number matters.
    Opaque,
}

/// How often each key occurs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "distribution", rename_all = "kebab-case", deny_unknown_fields)]
pub enum KeyDistribution {
    /// All equally often.
    #[default]
    Uniform,
    /// A few often and many seldom: the k-th key in proportion to 1 / k to the power of the
    /// exponent.
    Zipf {
        /// How unequal: 0 is uniform, 1 is the frequency of words in a text.
        exponent: f64,
    },
}

/// When messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "distribution", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Arrivals {
    /// Independently of each other, as from many clients: exponential intervals.
    Poisson {
        /// How many messages a second on average. Default 20.
        #[serde(default = "twenty")]
        rate_per_second: f64,
    },
    /// At equal intervals.
    Constant {
        /// How many messages a second. Default 20.
        #[serde(default = "twenty")]
        rate_per_second: f64,
    },
    /// Many at one instant, then none for a while.
    Burst {
        /// How many at one instant.
        burst_size: u32,
        /// From one burst to the next.
        every: Span,
    },
    /// All at one instant, and no consumer starts before everything is sent: what waits for those
    /// that were away.
    Backlog,
}

const fn twenty() -> f64 {
    20.0
}

impl Default for Arrivals {
    fn default() -> Self {
        Self::Poisson { rate_per_second: twenty() }
    }
}

/// An independent reader of all messages: a consumer group on a log, a queue of its own on a queue
/// broker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionSettings {
    /// A unique name: a lower-case letter, then letters, digits and hyphens. Names of fault points
    /// begin with it.
    pub name: String,
    /// How many consumers share the work. Default 1.
    #[serde(default = "one")]
    pub consumers: u32,
    /// How long the handler needs for a message. Default log-normal with median 10ms and sigma 0.5.
    #[serde(default)]
    pub service_time: ServiceTime,
    /// Probabilities that replace those of `[faults]` for this subscription, point by point.
    #[serde(
        default,
        deserialize_with = "or_none::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "super::faults::of_subscription")]
    pub faults: Option<Faults>,
    /// Consumers that come and go at a time. Default none: all are there from the start to the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ConsumerChange>,
    /// A deployment that restarts the consumers one after another. Left out, there is none.
    #[serde(
        default,
        deserialize_with = "or_none::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "or_none::schema::<RollingRestart>")]
    pub rolling_restart: Option<RollingRestart>,
    /// The mean time between two crashes of a consumer, whatever it does: each one dies at instants
    /// of its own, which depend on the seed and on nothing else. Left out, none dies by time.
    #[serde(
        default,
        deserialize_with = "or_none::deserialize",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(schema_with = "or_none::schema::<Span>")]
    pub mtbf: Option<Span>,
}

const fn one() -> u32 {
    1
}

impl Default for SubscriptionSettings {
    fn default() -> Self {
        let (consumers, service_time) = (one(), ServiceTime::default());
        Self {
            name: "reader".to_owned(),
            consumers,
            service_time,
            faults: None,
            changes: Vec::new(),
            rolling_restart: None,
            mtbf: None,
        }
    }
}

/// How long a handler needs for a message.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "distribution", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ServiceTime {
    /// Always the same.
    Constant {
        /// How long.
        value: Span,
    },
    /// Evenly spread between two bounds.
    Uniform {
        /// The shortest.
        min: Span,
        /// The longest.
        max: Span,
    },
    /// Mostly short, sometimes long, without memory.
    Exponential {
        /// The mean.
        mean: Span,
    },
    /// Near the median, with a long tail, as response times of real services are.
    LogNormal {
        /// Half of all are shorter.
        median: Span,
        /// The standard deviation of the logarithm: 0 is constant, 1 has a long tail.
        sigma: f64,
    },
}

impl Default for ServiceTime {
    fn default() -> Self {
        Self::LogNormal { median: Span::from_millis(10), sigma: 0.5 }
    }
}

/// Nanoseconds between two messages at this rate, at least 1.
pub(crate) fn interval_nanos(rate_per_second: f64) -> u64 {
    (libm::round(1e9 / rate_per_second) as u64).max(1)
}
