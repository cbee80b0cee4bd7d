//! Which partition a key belongs to.
//!
//! > **The rule.** A key stays in its partition for as long as the number of partitions stays:
//! > order within a key follows from order within a partition, and from nothing else.
//!
//! Kafka's default partitioner hashes the key's bytes (murmur2) and takes the remainder
//! [KAFKA-SRC]. Here a key is a number: it is mixed by the finalizer of SplitMix64, a bijection
//! that spreads consecutive keys, and mapped by multiplication and shift, which costs no division.
//! The result is the same on every machine.

use entrega_model::{Key, PartitionId};

/// The partition of `key` in a topic of `partitions` partitions; partition 0 if there are none.
#[inline]
pub fn partition_of(key: Key, partitions: u16) -> PartitionId {
    let spread = mix(u64::from(key.0)) >> 32;
    PartitionId(((spread * u64::from(partitions)) >> 32) as u16)
}

/// The finalizer of SplitMix64, started one golden-ratio step away so that key 0 is mixed as well.
#[inline]
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pinned: a changed partitioner changes every replay string.
    #[test]
    fn the_mapping_is_fixed() {
        let partitions: Vec<u16> = (0..12).map(|key| partition_of(Key(key), 4).0).collect();
        assert_eq!(partitions, [3, 2, 2, 0, 1, 1, 2, 1, 2, 2, 0, 1]);
    }

    #[test]
    fn every_partition_exists() {
        let check = |partitions: u16| {
            for key in (0..1_000).chain([u32::MAX]) {
                assert!(partition_of(Key(key), partitions).0 < partitions.max(1));
            }
        };
        [0, 1, 2, 3, 7, u16::MAX].into_iter().for_each(check);
    }

    #[test]
    fn consecutive_keys_spread_evenly() {
        let mut counts = [0_u32; 8];
        for key in 0..8_000 {
            counts[partition_of(Key(key), 8).index()] += 1;
        }
        assert!(counts.iter().all(|count| (900..1_100).contains(count)), "{counts:?}");
    }
}
