//! Counts by word: an array with a name for every cell.

use std::fmt;
use std::marker::PhantomData;

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// A closed set of words that index a [`Tally`].
pub trait Word: Copy + 'static {
    /// All of them, in the order of their indices.
    const ALL: &'static [Self];

    /// The stable snake_case name.
    fn name(self) -> &'static str;

    /// Where it stands in [`Self::ALL`].
    fn index(self) -> usize;
}

/// How often each word of `W` was seen. It prints as a map from every name to its count, zeros
/// included.
pub struct Tally<W, const N: usize> {
    counts: [u64; N],
    words: PhantomData<fn() -> W>,
}

impl<W: Word, const N: usize> Tally<W, N> {
    /// How often `word` was seen.
    #[inline]
    pub fn get(&self, word: W) -> u64 {
        self.counts.get(word.index()).copied().unwrap_or(0)
    }

    /// Counts `by` more of `word`.
    #[inline]
    pub fn add(&mut self, word: W, by: u64) {
        if let Some(count) = self.counts.get_mut(word.index()) {
            *count += by;
        }
    }

    /// Adds all counts of `other`.
    pub fn merge(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    /// Every word with its count.
    pub fn iter(&self) -> impl Iterator<Item = (W, u64)> {
        W::ALL.iter().copied().zip(self.counts.iter().copied())
    }
}

impl<W, const N: usize> Default for Tally<W, N> {
    fn default() -> Self {
        Self { counts: [0; N], words: PhantomData }
    }
}

impl<W, const N: usize> Clone for Tally<W, N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W, const N: usize> Copy for Tally<W, N> {}

impl<W, const N: usize> PartialEq for Tally<W, N> {
    fn eq(&self, other: &Self) -> bool {
        self.counts == other.counts
    }
}

impl<W, const N: usize> Eq for Tally<W, N> {}

impl<W: Word, const N: usize> fmt::Debug for Tally<W, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = self.iter().filter(|(_, count)| *count > 0);
        f.debug_map().entries(seen.map(|(word, count)| (word.name(), count))).finish()
    }
}

impl<W: Word, const N: usize> Serialize for Tally<W, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(N))?;
        for (word, count) in self.iter() {
            map.serialize_entry(word.name(), &count)?;
        }
        map.end()
    }
}

/// Declares a closed set of words with their names, in one place.
macro_rules! words {
    ($(#[$doc:meta])* $set:ident { $($(#[$word_doc:meta])* $word:ident => $name:literal,)+ }) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize,
        )]
        #[repr(u8)]
        pub enum $set {
            $($(#[$word_doc])* #[serde(rename = $name)] $word,)+
        }

        impl $set {
            /// All of them, in order.
            pub const ALL: &'static [Self] = &[$(Self::$word),+];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The stable snake_case name.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$word => $name,)+
                }
            }
        }

        impl $crate::tally::Word for $set {
            const ALL: &'static [Self] = Self::ALL;

            fn name(self) -> &'static str {
                Self::name(self)
            }

            #[inline]
            fn index(self) -> usize {
                self as usize
            }
        }

        impl std::fmt::Display for $set {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use crate::{Class, Classes};

    fn of(counts: &[(Class, u64)]) -> Classes {
        let mut tally = Classes::default();
        counts.iter().for_each(|(word, count)| tally.add(*word, *count));
        tally
    }

    #[test]
    fn tallies_are_equal_if_every_count_is() {
        let (lost, exact) = (of(&[(Class::Lost, 2)]), of(&[(Class::Exact, 2)]));
        assert!(lost == of(&[(Class::Lost, 1), (Class::Lost, 1)]));
        assert!(lost != exact && lost != Classes::default());
        assert!([lost, exact].iter().cloned().eq([lost, exact]));
        let mut both = lost;
        both.merge(&exact);
        both.merge(&exact);
        assert_eq!(both, of(&[(Class::Exact, 4), (Class::Lost, 2)]));
    }

    /// A person is shown what was seen, and a program every word.
    #[test]
    fn a_tally_prints_words_and_counts() {
        let lost = of(&[(Class::Lost, 2)]);
        assert_eq!(format!("{lost:?}"), r#"{"lost": 2}"#);
        let json = serde_json::to_value(lost).unwrap();
        assert_eq!(json.as_object().unwrap().len(), Class::COUNT);
        assert_eq!([&json["lost"], &json["exact"]], [2, 0]);
    }
}
