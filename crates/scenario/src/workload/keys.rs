//! Which key a message is about.

use entrega_choice::bounded;
use entrega_model::Key;

use crate::file::KeyDistribution;

/// The keys of a workload, by how often they occur; key 0 is the most frequent one.
pub(crate) enum Keys {
    /// This many keys, all equally often.
    Uniform(u32),
    /// For each key the sum of the frequencies up to it, in parts of 2^53.
    Zipf(Vec<u64>),
}

const WHOLE: f64 = (1_u64 << 53) as f64;

impl Keys {
    pub(crate) fn new(distribution: KeyDistribution, count: u32) -> Self {
        match distribution {
            KeyDistribution::Uniform => Self::Uniform(count),
            KeyDistribution::Zipf { exponent } => Self::Zipf(zipf(exponent, count)),
        }
    }

    /// The key that belongs to a random word.
    pub(crate) fn sample(&self, word: u64) -> Key {
        match self {
            Self::Uniform(count) => Key(bounded(word, *count)),
            Self::Zipf(sums) => {
                let point = word >> 11;
                let key = sums.partition_point(|sum| *sum <= point);
                Key(key.min(sums.len().saturating_sub(1)) as u32)
            }
        }
    }
}

fn zipf(exponent: f64, count: u32) -> Vec<u64> {
    let weight = |rank: u32| libm::pow(f64::from(rank), -exponent);
    let total: f64 = (1..=count).map(weight).sum();
    let sums = (1..=count).scan(0.0, |sum, rank| {
        *sum += weight(rank);
        Some(*sum)
    });
    sums.map(|sum| libm::floor(sum / total * WHOLE) as u64).collect()
}

#[cfg(test)]
mod tests {
    use entrega_choice::mix;

    use super::*;

    /// How often the first five of ten keys occur among 10 000.
    /// In theory with exponent 1: 3 414, 1 707, 1 138, 854, 683.
    #[test]
    fn keys_occur_as_often_as_they_should() {
        let check = |distribution, expect: [u32; 5]| {
            let keys = Keys::new(distribution, 10);
            let mut counts = [0; 10];
            for id in 0..10_000 {
                counts[keys.sample(mix(3, &[id])).index()] += 1;
            }
            assert_eq!(counts[..5], expect);
        };
        check(KeyDistribution::Uniform, [1_031, 1_018, 982, 999, 974]);
        check(KeyDistribution::Zipf { exponent: 0.0 }, [1_031, 1_018, 982, 999, 974]);
        check(KeyDistribution::Zipf { exponent: 1.0 }, [3_441, 1_680, 1_183, 849, 645]);
        check(KeyDistribution::Zipf { exponent: 10.0 }, [9_990, 10, 0, 0, 0]);
    }

    #[test]
    fn the_ends_are_keys() {
        let keys = Keys::new(KeyDistribution::Zipf { exponent: 1.0 }, 3);
        assert_eq!((keys.sample(0), keys.sample(u64::MAX)), (Key(0), Key(2)));
        let one = Keys::new(KeyDistribution::Zipf { exponent: 1.0 }, 1);
        assert_eq!((one.sample(0), one.sample(u64::MAX)), (Key(0), Key(0)));
    }
}
