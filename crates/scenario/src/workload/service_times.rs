//! How long a handler needs for a message.

use std::sync::Arc;

use entrega_choice::{Mixed, mix};
use entrega_model::{Duration, MessageId, SubscriptionId};

use super::{Quantiles, stream};
use crate::file::ServiceTime;

/// The service times of one subscription, as a function of message and attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceTimes {
    quantiles: Arc<Quantiles>,
    stream: Mixed,
}

impl ServiceTimes {
    /// The service times of a subscription under a seed.
    pub fn new(distribution: &ServiceTime, seed: u64, subscription: SubscriptionId) -> Self {
        Self::from_table(table(distribution), seed, subscription)
    }

    /// The same with a prepared table.
    pub(super) fn from_table(
        quantiles: Arc<Quantiles>,
        seed: u64,
        subscription: SubscriptionId,
    ) -> Self {
        let stream = mix(seed, &[stream::SERVICE_TIME, u64::from(subscription.0)]);
        Self { quantiles, stream: Mixed::from(stream) }
    }

    /// How long the handler needs for this attempt at this message: a function of its arguments.
    #[inline]
    pub fn sample(&self, message: MessageId, attempt: u16) -> Duration {
        let word = (u64::from(message.0) << 16) | u64::from(attempt);
        self.quantiles.sample(self.stream.with(word).word())
    }
}

/// Prepares the table of a distribution.
pub(super) fn table(distribution: &ServiceTime) -> Arc<Quantiles> {
    Arc::new(match *distribution {
        ServiceTime::Constant { value } => Quantiles::uniform(value.nanos(), value.nanos()),
        ServiceTime::Uniform { min, max } => Quantiles::uniform(min.nanos(), max.nanos()),
        ServiceTime::Exponential { mean } => Quantiles::exponential(mean.nanos() as f64),
        ServiceTime::LogNormal { median, sigma } => {
            Quantiles::log_normal(median.nanos() as f64, sigma)
        }
    })
}

impl ServiceTime {
    /// The longest that is ever drawn: the bound of the distribution, or the end of its table if it
    /// [has none](Self::is_bounded).
    pub fn longest(&self) -> Duration {
        table(self).longest()
    }

    /// Half of all are longer.
    pub fn median(&self) -> Duration {
        table(self).median()
    }

    /// Whether the distribution itself has an end, and not only its table.
    pub const fn is_bounded(&self) -> bool {
        matches!(self, Self::Constant { .. } | Self::Uniform { .. })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::file::Span;

    fn samples(distribution: &ServiceTime) -> Vec<u64> {
        let times = ServiceTimes::new(distribution, 7, SubscriptionId(0));
        (0..100_000).map(|id| times.sample(MessageId(id), 1).as_nanos()).collect()
    }

    /// Mean and median in microseconds, at seed 7 and 100 000 messages. In theory: 5 000 and 5 000,
    /// 10 000 and 6 931, 11 331 and 10 000.
    #[test]
    fn distributions_have_their_mean_and_median() {
        let check = |distribution: &ServiceTime, mean, median| {
            let mut all = samples(distribution);
            all.sort_unstable();
            let sum: u64 = all.iter().sum();
            assert_eq!((sum / 100_000 / 1_000, all[50_000] / 1_000), (mean, median));
        };
        let ten = Span::from_millis(10);
        check(&ServiceTime::Constant { value: ten }, 10_000, 10_000);
        check(&ServiceTime::Uniform { min: Span::default(), max: ten }, 5_013, 5_029);
        check(&ServiceTime::Exponential { mean: ten }, 10_030, 6_989);
        check(&ServiceTime::LogNormal { median: ten, sigma: 0.5 }, 11_351, 10_036);
        check(&ServiceTime::LogNormal { median: ten, sigma: 0.0 }, 10_000, 10_000);
    }

    /// The longest and the median in microseconds: of what is bounded its bound, else the end of
    /// the table, to which a hundred thousand messages come near.
    #[test]
    fn nothing_takes_longer_than_the_longest() {
        let check = |distribution: &ServiceTime, longest, median| {
            let micros = |span: Duration| span.as_nanos() / 1_000;
            let found = (micros(distribution.longest()), micros(distribution.median()));
            assert_eq!(found, (longest, median), "{distribution:?}");
            let drawn = samples(distribution).into_iter().max().unwrap_or_default() / 1_000;
            assert!(drawn <= longest && drawn > longest / 10 * 9, "{distribution:?}: {drawn}");
        };
        let ten = Span::from_millis(10);
        check(&ServiceTime::Constant { value: ten }, 10_000, 10_000);
        check(&ServiceTime::Uniform { min: Span::default(), max: ten }, 10_000, 5_000);
        check(&ServiceTime::Exponential { mean: ten }, 90_111, 6_931);
        check(&ServiceTime::LogNormal { median: ten, sigma: 0.5 }, 62_600, 10_000);
        assert!(!ServiceTime::default().is_bounded());
        assert!(ServiceTime::Constant { value: ten }.is_bounded());
    }

    #[test]
    fn samples_are_pinned() {
        let times = ServiceTimes::new(&ServiceTime::default(), 1, SubscriptionId(0));
        let check = |message, attempt, expect| {
            assert_eq!(times.sample(MessageId(message), attempt).as_nanos(), expect);
        };
        check(0, 1, 16_620_596);
        check(0, 2, 7_624_356);
        check(1, 1, 16_738_218);
        check(99_999_999, u16::MAX, 21_056_517);
    }

    #[test]
    fn subscriptions_and_seeds_differ() {
        let sample = |seed, subscription| {
            let times =
                ServiceTimes::new(&ServiceTime::default(), seed, SubscriptionId(subscription));
            times.sample(MessageId(0), 1)
        };
        assert_ne!(sample(1, 0), sample(1, 1));
        assert_ne!(sample(1, 0), sample(2, 0));
    }
}
