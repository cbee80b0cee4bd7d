//! What a stored record takes beside its body, which is a number here.
//!
//! > **The rule.** At most 64 bytes, with all that is noted of its age, flush and replicas. What
//! > transactions note is not counted. Segments and tables grow by doubling, so they have room for
//! > as many again at most.

use entrega_model::Record;

use super::super::{replication, timestamps};

/// A record may take no more.
const MOST: usize = 64;

/// The record in its segment (12 bytes), and the count of its copies (2). What a segment itself
/// takes is shared by all of its records.
fn stored() -> usize {
    size_of::<Record>() + size_of::<u16>()
}

/// With the default settings nothing else is kept.
#[test]
fn a_record_takes_14_bytes() {
    assert_eq!(stored(), 14);
}

/// At worst each record came at an instant of its own: then a reset by duration has a mark of it, a
/// flush interval a note until it is on the disk, and replication another one until followers have
/// copied it.
#[test]
fn rules_add_little() {
    let notes = timestamps::NOTE_BYTES + replication::NOTE_BYTES;
    assert_eq!(stored() + notes, 62);
    assert!(stored() + notes <= MOST);
}
