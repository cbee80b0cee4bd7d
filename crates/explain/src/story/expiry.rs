//! A group whose committed offset is gone: it had no member for longer than `offsets_retention`, or
//! its log lost the record that it pointed at.
//!
//! > **The rule.** Nothing else takes a committed offset away. So where a reset finds none although
//! > the group had committed in the partition, it has expired, unless the end of the log was lost
//! > since.

use entrega_model::Kind;
use entrega_model::event::RemoveReason;

use super::chronicle::Chronicle;
use crate::run::{first, last};

/// Whether the group has committed in the message's partition before a place.
pub(super) fn had_committed(chronicle: &Chronicle<'_>, before: usize) -> bool {
    let partition = chronicle.partition();
    let kinds = chronicle.run.events.get(..before).unwrap_or_default().iter();
    kinds.map(|event| event.kind).any(|kind| {
        matches!(kind, Kind::Committed { subscription, partition: of, .. }
            if subscription == chronicle.subscription && Some(of) == partition)
    })
}

/// What has become of it before a place, as a clause.
pub(super) fn clause(chronicle: &Chronicle<'_>, before: usize) -> String {
    let group = chronicle.subscription_name();
    if is_cut_off(chronicle, before) {
        return format!("the committed offset of {group} points at what the log has lost");
    }
    format!("the committed offset of {group} has expired (offsets_retention)")
}

/// Whether the log has lost its end before a place.
pub(super) fn is_cut_off(chronicle: &Chronicle<'_>, before: usize) -> bool {
    let kinds = chronicle.run.events.get(..before).unwrap_or_default().iter();
    kinds.map(|event| event.kind).any(|kind| {
        let reason = if let Kind::Removed { reason, .. } = kind { Some(reason) } else { None };
        matches!(reason, Some(RemoveReason::Truncation | RemoveReason::BrokerLoss))
    })
}

/// Where a reset went back over the message between two places, because a commit that covered it
/// had expired.
pub(super) fn reset_over(chronicle: &Chronicle<'_>, from: usize, until: usize) -> Option<usize> {
    let (partition, position) = chronicle.run.possessions.position(chronicle.id)?;
    let reset = first(chronicle.run.turns(), from, |at| {
        matches!(*chronicle.kind(at), Kind::OffsetReset { subscription, partition: of, from: None, to, .. }
            if subscription == chronicle.subscription && of == partition && to <= position)
    })?;
    let events = chronicle.run.events.get(..reset)?.iter().map(|event| event.kind);
    let mut committed = events.filter_map(|kind| match kind {
        Kind::Committed { subscription, partition: of, upto, .. }
            if subscription == chronicle.subscription && of == partition =>
        {
            Some(upto)
        }
        _ => None,
    });
    (reset < until && committed.next_back().is_some_and(|upto| upto > position)).then_some(reset)
}

/// The last process of the group that died before a place, if one did.
pub(super) fn last_death(chronicle: &Chronicle<'_>, before: usize) -> Option<usize> {
    last(chronicle.run.turns(), before, |at| match *chronicle.kind(at) {
        Kind::Crashed { process, .. } => {
            chronicle.subscription_of(process) == Some(chronicle.subscription)
        }
        _ => false,
    })
}
