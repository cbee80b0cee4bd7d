//! Distributions as tables of their quantiles.
//!
//! A table is computed once from the distribution's inverse (Wichura's AS 241 for the normal one),
//! and sampled in integers: the upper bits of a random word choose a segment, the next ones a point
//! on it. The tails end at the probabilities 1/8194 and 8193/8194.

use entrega_model::Duration;

use crate::file::Span;

const SEGMENTS: usize = 4096;
const SEGMENT_BITS: u32 = 12;
const FRACTION_BITS: u32 = 32;

/// The quantiles of a distribution, in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Quantiles {
    table: Box<[u64]>,
}

impl Quantiles {
    /// Evenly spread from `min` to `max`; constant if they are equal.
    pub(crate) fn uniform(min: u64, max: u64) -> Self {
        let width = u128::from(max.saturating_sub(min));
        let point = |index: usize| min + (width * index as u128 / SEGMENTS as u128) as u64;
        Self { table: (0..=SEGMENTS).map(point).collect() }
    }

    /// Without memory: the intervals between independent events.
    pub(crate) fn exponential(mean: f64) -> Self {
        Self::from_inverse(|probability| -mean * libm::log(1.0 - probability))
    }

    /// The exponential of a normal distribution with standard deviation `sigma`.
    pub(crate) fn log_normal(median: f64, sigma: f64) -> Self {
        Self::from_inverse(|probability| median * libm::exp(sigma * inverse_normal(probability)))
    }

    fn from_inverse(inverse: impl Fn(f64) -> f64) -> Self {
        let points = (SEGMENTS + 1) as f64;
        let point = |index: usize| {
            let nanos = libm::round(inverse((index as f64 + 0.5) / points)) as u64;
            nanos.min(Span::MAX.nanos())
        };
        Self { table: (0..=SEGMENTS).map(point).collect() }
    }

    /// No sample is longer.
    pub(crate) fn longest(&self) -> Duration {
        Duration::from_nanos(self.table[SEGMENTS])
    }

    /// Half of all samples are longer.
    pub(crate) fn median(&self) -> Duration {
        Duration::from_nanos(self.table[SEGMENTS / 2])
    }

    /// The value that belongs to a random word.
    #[inline]
    pub(crate) fn sample(&self, word: u64) -> Duration {
        let segment = (word >> (64 - SEGMENT_BITS)) as usize;
        let fraction = word << SEGMENT_BITS >> (64 - FRACTION_BITS);
        let (low, high) = (self.table[segment], self.table[segment + 1]);
        let part = (u128::from(high - low) * u128::from(fraction)) >> FRACTION_BITS;
        Duration::from_nanos(low + part as u64)
    }
}

/// The inverse of the standard normal distribution to seven digits: PPND7 of Wichura, *Algorithm AS
/// 241: The Percentage Points of the Normal Distribution*, 1988.
fn inverse_normal(probability: f64) -> f64 {
    let from_middle = probability - 0.5;
    if libm::fabs(from_middle) <= 0.425 {
        let r = 0.180_625 - from_middle * from_middle;
        let above = [3.387_132_717_9, 50.434_271_938, 159.291_132_02, 59.109_374_720];
        let below = [1.0, 17.895_169_469, 78.757_757_664, 67.187_563_600];
        return from_middle * polynomial(above, r) / polynomial(below, r);
    }
    let tail = if from_middle < 0.0 { probability } else { 1.0 - probability };
    let r = libm::sqrt(-libm::log(tail));
    let magnitude = if r <= 5.0 {
        let above = [1.423_437_277_7, 2.756_815_390_0, 1.306_728_481_6, 0.170_238_211_03];
        let below = [1.0, 0.737_001_642_50, 0.120_211_329_75, 0.0];
        polynomial(above, r - 1.6) / polynomial(below, r - 1.6)
    } else {
        let above = [6.657_905_115_0, 3.081_226_386_0, 0.428_682_943_37, 0.017_337_203_997];
        let below = [1.0, 0.241_978_942_25, 0.012_258_202_635, 0.0];
        polynomial(above, r - 5.0) / polynomial(below, r - 5.0)
    };
    if from_middle < 0.0 { -magnitude } else { magnitude }
}

fn polynomial(coefficients: [f64; 4], x: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * x + coefficient)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the published percentage points of the normal distribution.
    #[test]
    fn the_inverse_normal_is_the_published_one() {
        let check = |probability: f64, expect: f64| {
            let found = inverse_normal(probability);
            assert!(libm::fabs(found - expect) < 1e-6, "{probability}: {found}");
        };
        check(0.5, 0.0);
        check(0.841_344_746_068_543, 1.0);
        check(0.975, 1.959_963_985);
        check(0.025, -1.959_963_985);
        check(0.999, 3.090_232_306);
        check(1e-12, -7.034_483_7);
    }

    #[test]
    fn samples_stay_between_the_ends_and_grow() {
        let table = Quantiles::uniform(1_000, 2_000);
        let check = |word, expect| assert_eq!(table.sample(word).as_nanos(), expect);
        check(0, 1_000);
        check(u64::MAX, 1_999);
        check(1 << 63, 1_500);
        check((1 << 63) + (1 << 61), 1_625);
        assert_eq!(Quantiles::uniform(7, 7).sample(12_345).as_nanos(), 7);
    }
}
