//! A histogram of integers with 128 buckets an octave: percentiles within 0.4 %, merging without
//! loss.
//!
//! > **The rule.** Values below 256 are exact. Above, a bucket is one 128th of its octave wide, and
//! > stands for its middle. A percentile is the nearest rank: the smallest recorded value that at
//! > least that share of all values does not exceed.
//!
//! Buckets are counted with integers, so that runs merge in any order to the same bytes. Only the
//! octaves from the smallest to the largest value take memory: the latencies of a run lie close
//! together, and most runs are short.

use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

/// Sub-buckets of an octave, as a power of two.
const PRECISION: u32 = 7;
/// How many of them there are.
const OCTAVE: usize = 1 << PRECISION;

/// Counts of `u64` values by size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    /// The lowest bucket of the smallest value's octave, where the counted ones begin.
    first: usize,
    buckets: Vec<u64>,
    count: u64,
    min: u64,
    max: u64,
}

impl Histogram {
    /// Counts a value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        let bucket = bucket_of(value);
        let place = bucket.wrapping_sub(self.first);
        match self.buckets.get_mut(place) {
            Some(count) => *count += 1,
            None => {
                self.reach(bucket, bucket);
                self.buckets[bucket - self.first] += 1;
            }
        }
        self.min = if self.count == 0 { value } else { self.min.min(value) };
        self.max = self.max.max(value);
        self.count += 1;
    }

    /// Adds everything that `other` has counted.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        self.reach(other.first, other.first + other.buckets.len() - 1);
        let same = &mut self.buckets[other.first - self.first..];
        for (count, more) in same.iter_mut().zip(&other.buckets) {
            *count += more;
        }
        self.min = if self.count == 0 { other.min } else { self.min.min(other.min) };
        self.max = self.max.max(other.max);
        self.count += other.count;
    }

    /// Makes room for the buckets from `low` to `high`, octave by octave.
    #[cold]
    fn reach(&mut self, low: usize, high: usize) {
        let low = low - low % OCTAVE;
        if self.buckets.is_empty() {
            self.first = low;
        }
        if low < self.first {
            self.buckets.splice(..0, std::iter::repeat_n(0, self.first - low));
            self.first = low;
        }
        let len = (high + 1 - self.first).next_multiple_of(OCTAVE).max(self.buckets.len());
        self.buckets.resize(len, 0);
    }

    /// Forgets everything, and keeps its memory.
    pub fn clear(&mut self) {
        let Self { first, buckets, count, min, max } = self;
        *first = 0;
        buckets.clear();
        (*count, *min, *max) = (0, 0, 0);
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The smallest value, exactly.
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// The largest value, exactly.
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The value of the nearest rank for `permille` thousandths, at most 1000; `None` if nothing
    /// was counted.
    pub fn quantile(&self, permille: u64) -> Option<u64> {
        if self.count == 0 {
            return None;
        }
        let product = u128::from(self.count) * u128::from(permille.min(1000));
        let rank = (product.div_ceil(1000) as u64).max(1);
        let mut below = 0;
        for (bucket, count) in (self.first..).zip(&self.buckets) {
            below += count;
            if below >= rank {
                return Some(middle_of(bucket).clamp(self.min, self.max));
            }
        }
        Some(self.max)
    }

    /// The median.
    pub fn p50(&self) -> Option<u64> {
        self.quantile(500)
    }

    /// The value that 99 % do not exceed.
    pub fn p99(&self) -> Option<u64> {
        self.quantile(990)
    }
}

/// Count, bounds and percentiles; the buckets stay private.
impl Serialize for Histogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut summary = serializer.serialize_struct("Histogram", 5)?;
        summary.serialize_field("count", &self.count)?;
        summary.serialize_field("min", &self.min())?;
        summary.serialize_field("p50", &self.p50())?;
        summary.serialize_field("p99", &self.p99())?;
        summary.serialize_field("max", &self.max())?;
        summary.end()
    }
}

/// The bucket of a value: its octave and the leading bits below its top bit.
#[inline]
fn bucket_of(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(PRECISION + 1);
    ((u64::from(shift) << PRECISION) + (value >> shift)) as usize
}

/// The middle of a bucket, rounded down.
fn middle_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    let shift = (bucket >> PRECISION).saturating_sub(1);
    let lowest = (bucket - (shift << PRECISION)) << shift;
    lowest + ((1 << shift) - 1) / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|&value| histogram.record(value));
        histogram
    }

    #[test]
    fn nearest_ranks_of_small_values_are_exact() {
        let check = |values: &[u64], permille, expect| {
            assert_eq!(of(values).quantile(permille), expect, "{values:?} at {permille}");
        };
        check(&[], 500, None);
        check(&[7], 0, Some(7));
        check(&[1, 2, 3, 4], 500, Some(2));
        check(&[1, 2, 3, 4], 501, Some(3));
        check(&[1, 2, 3, 4], 1000, Some(4));
        check(&[200, 100], 990, Some(200));
    }

    /// Rounded down, and never outside of what was counted.
    #[test]
    fn a_bucket_stands_for_its_middle() {
        let check = |values: &[u64], expect| assert_eq!(of(values).p50(), Some(expect));
        check(&[255, 255, 257], 255);
        check(&[256, 257], 256);
        check(&[512, 515], 513);
        check(&[515, 515], 515);
        check(&[512, 512], 512);
        check(&[1 << 20, (2 << 20) - 1], (1 << 20) + (1 << 12) - 1);
    }

    #[test]
    fn the_largest_value_has_a_bucket() {
        assert_eq!(of(&[u64::MAX, 0]).max(), Some(u64::MAX));
        assert_eq!(of(&[u64::MAX]).p50(), Some(u64::MAX));
    }

    #[test]
    fn counts_and_bounds_are_exact_until_all_is_forgotten() {
        let mut histogram = of(&[1_000_003, 70_001, 500_009]);
        let bounds = |histogram: &Histogram| (histogram.count(), histogram.min(), histogram.max());
        assert_eq!(bounds(&histogram), (3, Some(70_001), Some(1_000_003)));
        assert_eq!(histogram.p99(), histogram.max());
        histogram.clear();
        assert_eq!(histogram, Histogram::default());
        assert_eq!(bounds(&histogram), (0, None, None));
        let json = serde_json::json!({"count": 2, "min": 7, "p50": 7, "p99": 9, "max": 9});
        assert_eq!(serde_json::to_value(of(&[7, 9])).unwrap(), json);
    }

    proptest! {
        #[test]
        fn a_percentile_is_within_half_a_bucket(
            mut values in prop::collection::vec((0_u32..64).prop_flat_map(|s| 0..=u64::MAX >> s), 1..50),
            permille in 0_u64..=1000,
        ) {
            let found = of(&values).quantile(permille).unwrap();
            values.sort_unstable();
            let rank = (values.len() as u64 * permille).div_ceil(1000).max(1) as usize;
            let exact = values[rank - 1];
            prop_assert!(u128::from(found.abs_diff(exact)) * 256 <= u128::from(exact));
        }

        #[test]
        fn merging_is_recording(
            left in prop::collection::vec(any::<u64>(), 0..20),
            right in prop::collection::vec(any::<u64>(), 0..20),
        ) {
            let mut merged = of(&left);
            merged.merge(&of(&right));
            let both = of(&[left, right].concat());
            prop_assert_eq!(merged, both);
        }
    }
}
