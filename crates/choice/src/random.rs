//! Answers by chance, drawn by *geometric skipping*: instead of a draw at every pick, one draw
//! tells how many harmless picks come before the next fault.
//!
//! With fault probability p, at least k harmless picks come first with probability (1 − p)ᵏ. So for
//! a uniform u below 1, the number of harmless picks is the greatest k with u < (1 − p)ᵏ. It is
//! found bit by bit from the powers (1 − p)^(2ⁱ), in fixed point and without a logarithm, so that
//! no float decides. A second word then says which of the point's alternatives it is. Every fault
//! costs two words, whatever the odds.
//!
//! Source: Devroye, *Non-uniform random variate generation*, 1986, chapter X.2 (geometric by
//! inversion).

use std::iter;

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::Rng;

use crate::choices::NEVER;
use crate::word::{digest, generator};
use crate::{Point, PointSpec, Ratio};

/// How probable one alternative of one point is, at each of its occurrences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Odds {
    /// Where.
    pub point: Point,
    /// Which answer; not 0.
    pub value: u32,
    /// How often.
    pub ratio: Ratio,
}

/// Why a list of odds cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OddsError {
    /// The point is not in the table. Odds and table belong to different worlds.
    #[error("point {} is not in a table of {points} points", point.0)]
    UnknownPoint {
        /// The point of the odds.
        point: Point,
        /// How many points there are.
        points: usize,
    },
    /// The odds are for the harmless answer 0, which takes what the others leave. Leave them out.
    #[error("{name}: the harmless answer takes what is left and cannot have odds of its own")]
    Harmless {
        /// The point's name.
        name: String,
    },
    /// Two odds are for the same answer. Keep one.
    #[error("{name}: two odds for the same answer {value}")]
    Repeated {
        /// The point's name.
        name: String,
        /// The answer.
        value: u32,
    },
    /// The odds at one point sum to more than 1. Lower one of them.
    #[error("{name}: the probabilities of all answers sum to more than 1")]
    SumAboveOne {
        /// The point's name.
        name: String,
    },
}

/// The random streams of a run, one for each point that has odds, sorted by point.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    streams: Vec<Stream>,
}

#[derive(Clone, Debug)]
struct Stream {
    point: Point,
    /// Stands for the point's name.
    digest: u64,
    distribution: Distribution,
    generator: Xoshiro256PlusPlus,
    /// The occurrence of the next fault.
    next: u32,
    /// Which fault it is.
    value: u32,
}

/// What can happen at one point, and how often.
#[derive(Clone, Debug)]
struct Distribution {
    /// Alternatives and their probabilities, by value.
    alternatives: Vec<(u32, u64)>,
    /// The sum of those probabilities.
    total: u64,
    /// (1 − total)^(2ⁱ) at index i, as far as it is not 0, for occurrences of 32 bits.
    harmless: Vec<u64>,
}

impl Random {
    /// The streams of the run with `seed`. The order of `odds` does not matter.
    pub(crate) fn new(table: &[PointSpec], seed: u64, odds: &[Odds]) -> Result<Self, OddsError> {
        let mut odds = odds.to_vec();
        odds.sort_by_key(|odds| (odds.point, odds.value));
        let mut streams = Vec::new();
        for group in odds.chunk_by(|a, b| a.point == b.point) {
            let point = group[0].point;
            let spec = table
                .get(point.index())
                .ok_or(OddsError::UnknownPoint { point, points: table.len() })?;
            let distribution = Distribution::new(&spec.name, group)?;
            if distribution.total > 0 {
                streams.push(Stream::new(point, digest(&spec.name), distribution, seed));
            }
        }
        Ok(Self { streams })
    }

    /// Starts again with another seed.
    pub(crate) fn reseed(&mut self, seed: u64) {
        self.streams.iter_mut().for_each(|stream| stream.reseed(seed));
    }

    /// The next occurrence at which this point has a fault.
    pub(crate) fn next(&self, point: Point) -> u32 {
        self.find(point).map_or(NEVER, |index| self.streams[index].next)
    }

    /// Calls `note` with each point that has odds, and the next occurrence at which it has a fault.
    pub(crate) fn for_each_next(&self, mut note: impl FnMut(Point, u32)) {
        self.streams.iter().for_each(|stream| note(stream.point, stream.next));
    }

    /// The fault of this occurrence, if it has one; then the next is drawn.
    pub(crate) fn answer(&mut self, point: Point, occurrence: u32) -> Option<u32> {
        let index = self.find(point)?;
        let stream = &mut self.streams[index];
        if stream.next != occurrence {
            return None;
        }
        let value = stream.value;
        stream.advance();
        Some(value)
    }

    fn find(&self, point: Point) -> Option<usize> {
        self.streams.binary_search_by_key(&point, |stream| stream.point).ok()
    }
}

impl Stream {
    fn new(point: Point, digest: u64, distribution: Distribution, seed: u64) -> Self {
        let generator = generator(seed, digest);
        let mut stream = Self { point, digest, distribution, generator, next: 0, value: 0 };
        stream.advance();
        stream
    }

    fn reseed(&mut self, seed: u64) {
        self.generator = generator(seed, self.digest);
        self.next = 0;
        self.advance();
    }

    /// Draws the fault after the present one.
    fn advance(&mut self) {
        let skipped = self.distribution.skipped(self.generator.next_u64());
        self.value = self.distribution.alternative(self.generator.next_u64());
        self.next = self.next.saturating_add(skipped).saturating_add(1);
    }
}

impl Distribution {
    /// The distribution of one point's odds, which are sorted by value.
    fn new(name: &str, odds: &[Odds]) -> Result<Self, OddsError> {
        let name = || name.to_owned();
        if odds.iter().any(|odds| odds.value == 0) {
            return Err(OddsError::Harmless { name: name() });
        }
        if let Some(pair) = odds.windows(2).find(|pair| pair[0].value == pair[1].value) {
            return Err(OddsError::Repeated { name: name(), value: pair[0].value });
        }
        let alternatives: Vec<_> =
            odds.iter().map(|odds| (odds.value, odds.ratio.parts())).collect();
        let total = alternatives
            .iter()
            .try_fold(0_u64, |sum, (_, parts)| sum.checked_add(*parts))
            .filter(|total| *total <= Ratio::PARTS)
            .ok_or_else(|| OddsError::SumAboveOne { name: name() })?;
        let square = |power: &u64| Some(product(*power, *power));
        let powers = iter::successors(Some(Ratio::PARTS - total), square);
        let harmless = powers.take(32).take_while(|power| *power > 0).collect();
        Ok(Self { alternatives, total, harmless })
    }

    /// How many harmless picks come before the next fault.
    fn skipped(&self, word: u64) -> u32 {
        let uniform = word >> 1;
        let mut reached = Ratio::PARTS;
        let mut skipped = 0;
        for (power, harmless) in self.harmless.iter().enumerate().rev() {
            let further = product(reached, *harmless);
            if uniform < further {
                reached = further;
                skipped |= 1 << power;
            }
        }
        skipped
    }

    /// Which alternative a fault is.
    fn alternative(&self, word: u64) -> u32 {
        let mut rest = ((u128::from(word) * u128::from(self.total)) >> 64) as u64;
        for (value, parts) in &self.alternatives {
            if rest < *parts {
                return *value;
            }
            rest -= parts;
        }
        0
    }
}

/// The product of two probabilities in units of 2⁻⁶³, rounded down.
const fn product(a: u64, b: u64) -> u64 {
    ((a as u128 * b as u128) >> 63) as u64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ratio(text: &str) -> Ratio {
        text.parse().expect("a probability")
    }

    fn odds(point: u16, value: u32, text: &str) -> Odds {
        Odds { point: Point(point), value, ratio: ratio(text) }
    }

    fn table() -> [PointSpec; 2] {
        ["a", "b"].map(|name| PointSpec { name: name.to_owned(), alternatives: &["x", "y"] })
    }

    fn distribution(list: &[Odds]) -> Distribution {
        Distribution::new("a", list).expect("a distribution")
    }

    /// How often each of the values 0 to 3 is the answer in `picks` picks.
    fn frequencies(list: &[Odds], seed: u64, picks: u32) -> [u32; 4] {
        let mut random = Random::new(&table(), seed, list).expect("valid odds");
        let mut counts = [0; 4];
        for occurrence in 1..=picks {
            let value = random.answer(Point(0), occurrence).unwrap_or(0);
            counts[value as usize] += 1;
        }
        counts
    }

    /// Exact, because the seeds are fixed; and each within four standard deviations of its mean,
    /// because a wrong distribution would be pinned as readily as the right one.
    #[test]
    fn frequencies_match_the_odds() {
        let check = |texts: &[&str], seed, picks: u32, expect: [u32; 4]| {
            let list: Vec<_> = texts.iter().zip(1..).map(|(t, v)| odds(0, v, t)).collect();
            assert_eq!(frequencies(&list, seed, picks), expect, "{texts:?} {seed}");
            for odds in &list {
                let p = odds.ratio.parts() as f64 / Ratio::PARTS as f64;
                let mean = p * f64::from(picks);
                let off = (f64::from(expect[odds.value as usize]) - mean).abs();
                assert!(off <= 4.0 * (mean * (1.0 - p)).sqrt(), "{texts:?} {seed}: {off}");
            }
        };
        check(&["1/200"], 1, 1_000_000, [994_954, 5046, 0, 0]);
        check(&["1/200"], 2, 1_000_000, [994_934, 5066, 0, 0]);
        check(&["1/2"], 1, 100_000, [49_838, 50_162, 0, 0]);
        check(&["9/10"], 1, 100_000, [10_019, 89_981, 0, 0]);
        check(&["1"], 1, 1_000, [0, 1_000, 0, 0]);
        check(&["0", "1/3"], 1, 90_000, [60_023, 0, 29_977, 0]);
        check(&["1/100", "1/20", "1/10"], 1, 1_000_000, [840_294, 9834, 49_975, 99_897]);
        check(&["1/3", "1/3", "1/3"], 1, 90_000, [0, 29_908, 29_984, 30_108]);
        check(&["1/1000000"], 1, 10_000_000, [9_999_990, 10, 0, 0]);
    }

    /// Faults must also be independent of each other: after a fault the next pick is as dangerous
    /// as any.
    #[test]
    fn a_fault_does_not_attract_or_repel_the_next() {
        let mut random = Random::new(&table(), 1, &[odds(0, 1, "1/10")]).expect("valid odds");
        let faults: Vec<bool> =
            (1..=200_000).map(|occurrence| random.answer(Point(0), occurrence).is_some()).collect();
        let follow = faults.windows(2).filter(|pair| pair[0] && pair[1]).count();
        assert!((1_823..=2_177).contains(&follow), "{follow} is not 2000 within 4 deviations");
        assert_eq!(follow, 2_015);
    }

    #[test]
    fn skips_are_the_inverse_of_the_powers() {
        let half = distribution(&[odds(0, 1, "1/2")]);
        let check = |word: u64, expect| assert_eq!(half.skipped(word), expect, "{word:#x}");
        check(u64::MAX, 0);
        check(1 << 63, 0);
        check((1 << 63) - 1, 1);
        check(1 << 62, 1);
        check((1 << 62) - 1, 2);
        check(2, 62);
        check(0, 63);
        assert_eq!(distribution(&[odds(0, 1, "1")]).skipped(0), 0);
        assert_eq!(distribution(&[odds(0, 1, "1/18446744073709551615")]).skipped(0), u32::MAX);
    }

    #[test]
    fn impossible_odds_are_refused() {
        let check = |list: &[Odds], expect| {
            assert_eq!(Random::new(&table(), 1, list).map(|_| ()), expect, "{list:?}");
        };
        let name = || "a".to_owned();
        check(&[], Ok(()));
        check(&[odds(0, 1, "1/3"), odds(1, 1, "1"), odds(0, 2, "2/3")], Ok(()));
        check(
            &[odds(2, 1, "0")],
            Err(OddsError::UnknownPoint { point: Point(2), points: table().len() }),
        );
        check(&[odds(0, 0, "1/2")], Err(OddsError::Harmless { name: name() }));
        check(
            &[odds(0, 3, "0"), odds(0, 3, "1/2")],
            Err(OddsError::Repeated { name: name(), value: 3 }),
        );
        check(
            &[odds(0, 1, "2/3"), odds(0, 2, "1/2")],
            Err(OddsError::SumAboveOne { name: name() }),
        );
        check(
            &[odds(0, 1, "1"), odds(0, 2, "1"), odds(0, 3, "1/2")],
            Err(OddsError::SumAboveOne { name: name() }),
        );
    }

    proptest! {
        #[test]
        fn the_order_of_odds_does_not_matter(seed: u64) {
            let list = [odds(0, 1, "1/9"), odds(0, 2, "1/5"), odds(1, 1, "1/2")];
            let turned = [list[2], list[1], list[0]];
            prop_assert_eq!(frequencies(&list, seed, 200), frequencies(&turned, seed, 200));
        }

        /// Odds of one point are split differently: its faults stay where they were.
        #[test]
        fn splitting_odds_moves_no_fault(seed: u64) {
            let whole = [odds(0, 1, "1/4")];
            let split = [odds(0, 1, "1/8"), odds(0, 3, "1/8")];
            prop_assert_eq!(frequencies(&whole, seed, 500)[0], frequencies(&split, seed, 500)[0]);
        }

        #[test]
        fn every_word_gives_an_alternative(words: [u64; 2], parts in 1..=Ratio::PARTS) {
            let mut list = [odds(0, 5, "0"), odds(0, 7, "0"), odds(0, 8, "0")];
            list[1].ratio = Ratio::new(parts, Ratio::PARTS).expect("below one");
            let distribution = distribution(&list);
            prop_assert_eq!(distribution.alternative(words[0]), 7);
            distribution.skipped(words[1]);
        }
    }
}
