//! How 64 random bits are made and become a decision. Both mappings are our own and pinned by tests
//! of literal values, so that a seed means the same run after every upgrade of a library.
//!
//! Sources: SplitMix64 (Steele, Lea, Flood: *Fast splittable pseudorandom number generators*, 2014)
//! for the finaliser; multiply-shift (Lemire: *Fast random integer generation in an interval*,
//! 2019) without its rejection step.

use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::SeedableRng;

/// A well-mixed word that depends on nothing but `seed` and `words`, in their order.
///
/// This is SplitMix64 that takes in one word a step: no state is kept, so a workload sample can be
/// a function of (seed, stream, message id, attempt), whatever else was asked before. Not for
/// secrets.
#[inline]
pub fn mix(seed: u64, words: &[u64]) -> u64 {
    words.iter().fold(Mixed::from(seed), |mixed, &word| mixed.with(word)).word()
}

/// A [`mix`] that is not over: what many have in common is mixed once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mixed(u64);

impl Mixed {
    /// What `mix` makes of a seed, before any word.
    #[inline]
    pub const fn from(seed: u64) -> Self {
        Self(finalise(seed.wrapping_add(GOLDEN)))
    }

    /// With one more word.
    #[inline]
    #[must_use]
    pub const fn with(self, word: u64) -> Self {
        Self(finalise((self.0 ^ word).wrapping_add(GOLDEN)))
    }

    /// The word that comes of it.
    #[inline]
    pub const fn word(self) -> u64 {
        self.0
    }
}

/// Maps a random `word` to `0..bound`: the high half of `word × bound`. A bound of 0 gives 0.
///
/// Without rejection an answer's probability is off by less than 2⁻⁶⁴, in exchange for one word an
/// answer always.
#[inline]
pub fn bounded(word: u64, bound: u32) -> u32 {
    ((u128::from(word) * u128::from(bound)) >> 64) as u32
}

/// A word that stands for `name`.
pub(crate) fn digest(name: &str) -> u64 {
    name.as_bytes().chunks(8).fold(mix(0, &[name.len() as u64]), |state, chunk| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        mix(state, &[u64::from_le_bytes(word)])
    })
}

/// The generator of the stream that belongs to the name with this [`digest`] in the run with
/// `seed`.
pub(crate) fn generator(seed: u64, digest: u64) -> Xoshiro256PlusPlus {
    let origin = mix(seed, &[digest]);
    let mut state = [0; 32];
    for (step, part) in (0_u64..).zip(state.chunks_exact_mut(8)) {
        let word = finalise(origin.wrapping_add(GOLDEN.wrapping_mul(step + 1)));
        part.copy_from_slice(&word.to_le_bytes());
    }
    Xoshiro256PlusPlus::from_seed(state)
}

/// 2⁶⁴ divided by the golden ratio, as in SplitMix64.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

const fn finalise(mut word: u64) -> u64 {
    word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_xoshiro::rand_core::Rng;

    use super::*;

    /// Without words, `mix` is the first output of the reference SplitMix64 for this seed.
    #[test]
    fn mix_is_pinned() {
        let check = |seed, words: &[u64], expect| assert_eq!(mix(seed, words), expect, "{words:?}");
        check(1_234_567, &[], 6_457_827_717_110_365_317);
        check(0, &[], 16_294_208_416_658_607_535);
        check(0, &[0], 12_035_550_249_420_947_055);
        check(1, &[2, 3], 15_020_427_595_393_229_491);
        check(1, &[3, 2], 10_321_919_645_218_037_433);
        check(u64::MAX, &[u64::MAX, 0, 7], 15_436_757_293_139_647_523);
    }

    #[test]
    fn bounded_is_pinned() {
        let check =
            |word, bound, expect| assert_eq!(bounded(word, bound), expect, "{word} {bound}");
        check(u64::MAX, 0, 0);
        check(u64::MAX, 1, 0);
        check(u64::MAX, 6, 5);
        check(u64::MAX, u32::MAX, u32::MAX - 1);
        check(0, u32::MAX, 0);
        check(1 << 63, 6, 3);
        check((1 << 63) - 1, 6, 2);
        check(6_457_827_717_110_365_317, 1000, 350);
    }

    #[test]
    fn generators_are_pinned() {
        let check = |seed, name, expect: [u64; 2]| {
            let mut generator = generator(seed, digest(name));
            assert_eq!([generator.next_u64(), generator.next_u64()], expect, "{seed} {name}");
        };
        check(0, "", [16_432_349_255_316_789_595, 15_884_151_219_289_221_890]);
        check(1, "mailer.effect.after", [14_816_705_418_185_566_776, 16_038_936_532_789_921_958]);
        check(2, "mailer.effect.after", [1_544_895_227_651_989_252, 10_290_944_998_548_488_661]);
        check(1, "mailer.effect.before", [7_979_942_441_830_685_123, 16_853_429_109_102_701_232]);
    }

    /// The library's generator against the published first outputs of xoshiro256++ for state 1, 2,
    /// 3, 4.
    #[test]
    fn the_library_is_the_generator_it_says() {
        let mut seed = [0; 32];
        for (part, value) in seed.chunks_exact_mut(8).zip(1_u8..) {
            part[0] = value;
        }
        let mut generator = Xoshiro256PlusPlus::from_seed(seed);
        let expect = [41_943_041, 58_720_359, 3_588_806_011_781_223, 3_591_011_842_654_386];
        assert_eq!(expect.map(|_| generator.next_u64()), expect);
    }

    proptest! {
        #[test]
        fn an_answer_is_within_its_bound(word: u64, bound in 1_u32..) {
            prop_assert!(bounded(word, bound) < bound);
        }

        #[test]
        fn one_changed_word_changes_the_mix(seed: u64, a: u64, b: u64, other: u64) {
            prop_assume!(a != other);
            prop_assert_ne!(mix(seed, &[a, b]), mix(seed, &[other, b]));
            prop_assert_ne!(mix(a, &[seed, b]), mix(other, &[seed, b]));
        }
    }
}
