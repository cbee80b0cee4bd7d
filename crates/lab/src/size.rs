//! How much of a scenario is run: all of it, or a smaller version.
//!
//! > **The rule.** A size is a bound: no version has more of anything than its scenario, and none
//! > has nothing of it.

use std::collections::BTreeMap;
use std::fmt;

use entrega_scenario::Scenario;
use entrega_sim::explore::Scope;

/// How much of a scenario is run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Size {
    /// All of it.
    #[default]
    Full,
    /// At most this many messages, of two keys: `messages=5`.
    Short(u32),
    /// One subscription without spans of time: `explored=mailer.3.2.1`.
    Explored {
        /// The subscription.
        subscription: String,
        /// At most this many messages.
        messages: u32,
        /// At most this many consumers.
        consumers: u32,
        /// At most this many partitions of the log.
        partitions: u16,
    },
    /// Less of some things, all else as it is: `first=20&consumers=1`.
    Reduced(Reduction),
}

/// What there is less of, and at most how much.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reduction(BTreeMap<Dimension, u32>);

/// What a scenario can have less of, in the order in which a person would leave it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dimension {
    /// The first messages alone are sent.
    Messages,
    /// Consumers of each subscription.
    Consumers,
    /// Partitions of the log.
    Partitions,
    /// Workers of a consumer.
    Workers,
    /// Messages of a batch.
    BatchSize,
    /// Messages that a consumer fetches ahead.
    Prefetch,
    /// Messages for which a consumer settles once.
    SettleEvery,
}

impl Size {
    /// The scope of an exploration, with the name of its subscription.
    pub fn of(subscription: &str, scope: Scope) -> Self {
        let Scope { messages, consumers, partitions, .. } = scope;
        Self::Explored { subscription: subscription.to_owned(), messages, consumers, partitions }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Full => Ok(()),
            Self::Short(messages) => write!(f, "messages={messages}"),
            Self::Explored { subscription, messages, consumers, partitions } => {
                write!(f, "explored={subscription}.{messages}.{consumers}.{partitions}")
            }
            Self::Reduced(reduction) => {
                let entries = reduction.0.iter();
                let entries: Vec<String> =
                    entries.map(|(what, most)| format!("{}={most}", what.name())).collect();
                f.write_str(&entries.join("&"))
            }
        }
    }
}

impl Reduction {
    /// At most this much of one more thing.
    #[must_use]
    pub fn with(&self, dimension: Dimension, most: u32) -> Self {
        let mut reduction = self.clone();
        reduction.0.insert(dimension, most.max(1));
        reduction
    }

    /// Whether there is a bound for this already.
    pub fn bounds(&self, dimension: Dimension) -> bool {
        self.0.contains_key(&dimension)
    }

    /// Whether it reduces nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes away what a scenario has too much of.
    pub fn reduce(&self, scenario: &mut Scenario) {
        for (dimension, most) in &self.0 {
            dimension.bound(scenario, *most);
        }
    }
}

impl Dimension {
    /// All of them, in order.
    pub const ALL: [Self; 7] = [
        Self::Messages,
        Self::Consumers,
        Self::Partitions,
        Self::Workers,
        Self::BatchSize,
        Self::Prefetch,
        Self::SettleEvery,
    ];

    /// The name in replay strings, which never changes. None is the name of a table or setting at
    /// the top of a scenario, so none can be taken for an override.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Messages => "first",
            Self::Consumers => "consumers",
            Self::Partitions => "partitions",
            Self::Workers => "workers",
            Self::BatchSize => "batch",
            Self::Prefetch => "prefetch",
            Self::SettleEvery => "settle-every",
        }
    }

    /// The dimension of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// How much of it a scenario has.
    pub fn of(self, scenario: &Scenario) -> u32 {
        let consumer = &scenario.consumer;
        match self {
            Self::Messages => scenario.workload.message_count(),
            Self::Consumers => {
                scenario.subscriptions.iter().map(|one| one.consumers).max().unwrap_or(1)
            }
            Self::Partitions => scenario.log.partitions.into(),
            Self::Workers => consumer.workers,
            Self::BatchSize => consumer.batch_size,
            Self::Prefetch => consumer.prefetch,
            Self::SettleEvery => consumer.settle_every,
        }
    }

    fn bound(self, scenario: &mut Scenario, most: u32) {
        let consumer = &mut scenario.consumer;
        match self {
            Self::Messages => {
                let messages = scenario.workload.message_count().min(most);
                scenario.workload.messages = Some(messages);
            }
            Self::Consumers => {
                for one in &mut scenario.subscriptions {
                    one.consumers = one.consumers.min(most);
                }
            }
            Self::Partitions => {
                let most = u16::try_from(most).unwrap_or(u16::MAX);
                scenario.log.partitions = scenario.log.partitions.min(most);
            }
            Self::Workers => consumer.workers = consumer.workers.min(most),
            Self::BatchSize => consumer.batch_size = consumer.batch_size.min(most),
            Self::Prefetch => consumer.prefetch = consumer.prefetch.min(most),
            Self::SettleEvery => consumer.settle_every = consumer.settle_every.min(most),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reduction_takes_from_what_it_names_and_leaves_the_rest() {
        let full = Scenario::default();
        for dimension in Dimension::ALL {
            assert_eq!(Dimension::named(dimension.name()), Some(dimension));
            let mut reduced = full.clone();
            Reduction::default().with(dimension, 0).reduce(&mut reduced);
            for other in Dimension::ALL {
                let expect = if other == dimension { 1 } else { other.of(&full) };
                assert_eq!(other.of(&reduced), expect, "{dimension:?} {other:?}");
            }
            let mut same = full.clone();
            Reduction::default().with(dimension, u32::MAX).reduce(&mut same);
            assert_eq!(dimension.of(&same), dimension.of(&full), "no more than there is");
        }
    }
}
