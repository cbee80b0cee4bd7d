//! What a stored message takes beside its body, which is a number here.
//!
//! > **The rule.** At most 64 bytes for a message that waits, by default and with one rule that
//! > notes something of it, or with a time to live and a dedup window. All rules at once take more.
//! > Rings and tables grow by doubling, so they have room for as many again at most.

use entrega_model::Instant;

use super::super::delayed;
use super::super::in_flight::{InFlightDelivery, Slot};
use super::super::lease::Lease;
use super::super::ready::Stored;
use super::super::{Copies, dedup};
use super::*;

/// A message that waits may take no more.
const MOST: usize = 64;

/// The copy in the ring of what is ready (32 bytes), and the count of its copies (2).
fn waiting() -> usize {
    let Copies(counts) = Copies::default();
    size_of::<Stored>() + count_bytes(&counts)
}

/// What one entry of a table takes.
fn count_bytes<T>(_table: &[T]) -> usize {
    size_of::<T>()
}

/// With the default settings nothing else is kept.
#[test]
fn a_message_that_waits_takes_34_bytes() {
    assert_eq!(waiting(), 34);
}

/// A time to live and retention keep the instant at which a message was stored, one each; the dedup
/// window its id and when that is forgotten, and a bit. What waits for a delay stands in a heap
/// instead of the ring. A message of a group that is held back moves from one ring to another.
#[test]
fn rules_add_little() {
    let ages = 2 * size_of::<Instant>();
    let bits = 1;
    assert_eq!(waiting() + ages, 50);
    assert_eq!(waiting() + dedup::NOTE_BYTES + bits, 51);
    assert!(waiting() + size_of::<Instant>() + dedup::NOTE_BYTES + bits <= MOST);
    let delayed = waiting() - size_of::<Stored>() + delayed::NOTE_BYTES;
    assert_eq!(delayed, 50);
}

/// What is in flight is no backlog: it has its place in the slab, in the order of tags and in that
/// of leases as well. Prefetch bounds how much that is.
#[test]
fn a_delivery_in_flight_takes_104_bytes() {
    let index = size_of::<(DeliveryTag, Slot)>() + size_of::<Lease>();
    assert_eq!(size_of::<InFlightDelivery>() + index, 104);
}
