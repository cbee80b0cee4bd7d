//! What the fingerprints of both brokers have in common.

use entrega_model::{Fingerprint, Incarnation, MessageId, ProcessId};

#[cfg(test)]
pub(crate) mod twins;

/// Enters for each process which is the first of its lives that still counts.
///
/// Most often it is the present one: earlier ones have ended and the broker knows it. That is left
/// out, so that a process that restarted looks the same as one that never did. What is still on its
/// way from an earlier life is entered by its carrier.
pub(crate) fn enter_first_lives(
    into: &mut Fingerprint<'_>,
    known: usize,
    first: impl Fn(ProcessId) -> Incarnation,
) {
    for process in (0..known.max(into.process_count())).map(|index| ProcessId(index as u16)) {
        let first = first(process);
        if first != into.present(process) {
            into.flag(true);
            into.incarnation(process, first);
        }
    }
    into.flag(false);
}

/// Enters how many copies of each message were stored: none that has none.
pub(crate) fn enter_copies(
    into: &mut Fingerprint<'_>,
    copies: impl Iterator<Item = (MessageId, u16)>,
) {
    for (message, count) in copies {
        into.word(u64::from(message.0) << 16 | u64::from(count));
    }
    into.word(0);
}
