//! When a process dies by time, and how long a stall lasts, as functions of the seed.
//!
//! > **The rule.** The instants of a process are a function of (seed, subscription, number), and of
//! > nothing that it does. So all strategies on both models crash at the same instants, and what
//! > takes twice as long is hit twice as often: crashes that arrive as a Poisson process see time
//! > averages (Wolff, *Poisson Arrivals See Time Averages*, 1982).

use std::sync::Arc;

use entrega_choice::mix;
use entrega_model::{Duration, SubscriptionId};

use super::{Quantiles, stream};
use crate::file::{ServiceTime, Span};

/// The intervals between the crashes of the consumers of one subscription.
#[derive(Clone, Debug)]
pub struct CrashTimes {
    quantiles: Arc<Quantiles>,
    subscription: SubscriptionId,
}

impl CrashTimes {
    /// Crashes with this mean time between them.
    pub fn new(mtbf: Span, subscription: SubscriptionId) -> Self {
        Self { quantiles: Arc::new(Quantiles::exponential(mtbf.nanos() as f64)), subscription }
    }

    /// How long after the crash before (after the start, for the first, which is 0) a consumer dies
    /// under this seed.
    pub fn gap(&self, seed: u64, consumer: u32, crash: u64) -> Duration {
        let whose = [stream::CRASH, u64::from(self.subscription.0), u64::from(consumer), crash];
        self.quantiles.sample(mix(seed, &whose))
    }
}

/// How long stalls last.
#[derive(Clone, Debug)]
pub struct StallTimes {
    quantiles: Arc<Quantiles>,
}

impl StallTimes {
    /// Stalls of this distribution.
    pub fn new(distribution: &ServiceTime) -> Self {
        Self { quantiles: super::service_times::table(distribution) }
    }

    /// How long the stall with this number, the first being 0, of a process lasts.
    pub fn sample(&self, seed: u64, process: u16, stall: u64) -> Duration {
        self.quantiles.sample(mix(seed, &[stream::STALL, u64::from(process), stall]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Span = Span::from_secs(3_600);

    fn gaps(seed: u64, consumer: u32, mtbf: Span) -> Vec<u64> {
        let times = CrashTimes::new(mtbf, SubscriptionId(0));
        (0..4_000).map(|crash| times.gap(seed, consumer, crash).as_nanos()).collect()
    }

    /// An exponential distribution has its mean, and a median of ln 2 of it.
    #[test]
    fn gaps_are_exponential_with_the_mean_between_failures() {
        let mut gaps = gaps(1, 1, HOUR);
        let mean = gaps.iter().sum::<u64>() / gaps.len() as u64;
        gaps.sort_unstable();
        let median = gaps[gaps.len() / 2];
        let hour = HOUR.nanos();
        assert!((hour * 95 / 100..hour * 105 / 100).contains(&mean), "{mean}");
        assert!((hour * 65 / 100..hour * 74 / 100).contains(&median), "{median}");
    }

    #[test]
    fn every_seed_and_process_has_instants_of_its_own() {
        let base = gaps(1, 1, HOUR);
        assert_eq!(base, gaps(1, 1, HOUR));
        assert_ne!(base, gaps(2, 1, HOUR));
        assert_ne!(base, gaps(1, 2, HOUR));
    }

    #[test]
    fn a_stall_lasts_as_its_distribution_says() {
        let constant = ServiceTime::Constant { value: HOUR };
        assert_eq!(StallTimes::new(&constant).sample(1, 1, 0), HOUR.duration());
        let spread = StallTimes::new(&ServiceTime::LogNormal { median: HOUR, sigma: 1.0 });
        let mut lengths: Vec<u64> =
            (0..4_000).map(|stall| spread.sample(1, 1, stall).as_nanos()).collect();
        lengths.sort_unstable();
        let median = lengths[2_000];
        assert!((HOUR.nanos() * 9 / 10..HOUR.nanos() * 11 / 10).contains(&median), "{median}");
        assert!(lengths[3_900] > 5 * HOUR.nanos(), "a long tail");
    }
}
