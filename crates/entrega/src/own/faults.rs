//! Which faults an exploration of your own consumer tries, and what people call them.
//!
//! > **The rule.** Nothing lists them here: they are the rows of the
//! > [table of fault points](entrega_scenario::points::FAULTS), so a new row joins by itself.

use std::collections::BTreeSet;

use entrega_model::Model;
use entrega_scenario::points::{self, Act, FaultKind, Site, info};

/// All that can go wrong by chance on a model.
pub(super) fn all(model: Model) -> impl Iterator<Item = FaultKind> {
    points::kinds().filter(move |&kind| exists(kind, model))
}

/// Whether a model has this fault: only a log has groups, and replicas; and only on a queue does it
/// matter that a connection ends, and are there dead letters of the broker.
pub(super) fn exists((fault, _): FaultKind, model: Model) -> bool {
    let site = info(fault).site;
    match model {
        Model::Log => !matches!(site, Site::Connection | Site::Transfer),
        Model::Queue => site != Site::Group && !site.is_of_replicas(),
    }
}

/// Why this is tried only if somebody names it; none if it is tried anyway.
pub(super) fn why_left_out((fault, act): FaultKind, replicated: bool) -> Option<&'static str> {
    if info(fault).site.is_of_replicas() && !replicated {
        Some("the log has no replicas")
    } else if info(fault).site.is_of_producer() {
        Some("only if it is named, for the producer keeps no outbox and sends nothing again")
    } else if act == Act::Kills {
        Some("only if it is named, for no consumer outlives it")
    } else {
        None
    }
}

/// The faults that a name stands for: those of a point (`settle.request`), one of them
/// (`settle.request=lost`), or those of all points that begin alike (`settle`).
pub(super) fn named(name: &str) -> impl Iterator<Item = FaultKind> {
    let (point, alternative) = match name.split_once('=') {
        Some((point, alternative)) => (point, Some(alternative)),
        None => (name, None),
    };
    let is_meant = move |&(fault, act): &FaultKind| {
        let info = info(fault);
        let is_point = info.name == point;
        let is_section = info.name.split('.').next() == Some(point);
        match alternative {
            None => is_point || is_section,
            alternative => is_point && info.act_name(act) == alternative,
        }
    };
    points::kinds().filter(is_meant)
}

/// Every name of a point, for one who has written another.
pub(super) fn names() -> String {
    let points: BTreeSet<&str> = points::kinds().map(|(fault, _)| info(fault).name).collect();
    points.into_iter().collect::<Vec<_>>().join(", ")
}

/// These faults as a list, point by point: `settle.request (lost, late)`.
pub(super) fn listed(kinds: impl IntoIterator<Item = FaultKind>) -> Vec<String> {
    let mut points: Vec<(FaultKind, Vec<&str>)> = Vec::new();
    for kind in kinds {
        let act = info(kind.0).act_name(kind.1).unwrap_or_default();
        match points.last_mut().filter(|(last, _)| last.0 == kind.0) {
            Some((_, acts)) => acts.push(act),
            None => points.push((kind, vec![act])),
        }
    }
    let written = |((fault, _), acts): (FaultKind, Vec<&str>)| {
        format!("{} ({})", info(fault).name, acts.join(", "))
    };
    points.into_iter().map(written).collect()
}

#[cfg(test)]
mod tests {
    use entrega_scenario::points::FAULTS;

    use super::*;

    #[test]
    fn every_row_of_the_table_is_tried_where_it_exists() {
        let fault = |kind: FaultKind| kind.0;
        let log: BTreeSet<_> = all(Model::Log).map(fault).collect();
        let queue: BTreeSet<_> = all(Model::Queue).map(fault).collect();
        let rows = FAULTS.iter().filter(|info| info.can_happen_by_chance()).count();
        assert_eq!(log.union(&queue).count(), rows);
        let only_queue = listed(points::kinds().filter(|kind| !log.contains(&kind.0)));
        let of_queues =
            ["connection.lost (before, after)", "dead_letter.transfer (lost, duplicated)"];
        assert_eq!(only_queue, of_queues);
        let only_log = listed(points::kinds().filter(|kind| !queue.contains(&kind.0)));
        let of_replicas =
            ["broker.failover (crash, poweroff, blackout)", "replica.lag (next, all)"];
        assert_eq!(only_log, [&["group.rebalance (before, after)"], &of_replicas[..]].concat());
        let found = listed(points::kinds().filter(|kind| why_left_out(*kind, false).is_some()));
        let of_producers = ["send.before (crash)", "send.after (crash)"];
        let expect = [&["message.poison (kills)"], &of_replicas[..], &of_producers].concat();
        assert_eq!(found, expect);
        let found = listed(points::kinds().filter(|kind| why_left_out(*kind, true).is_some()));
        assert_eq!(found, [&["message.poison (kills)"], &of_producers[..]].concat());
    }

    #[test]
    fn a_name_stands_for_its_faults() {
        let check = |name, expect: &[&str]| assert_eq!(listed(named(name)), expect, "{name}");
        check("settle.request=lost", &["settle.request (lost)"]);
        check("process.stall", &["process.stall (before, after)"]);
        check("handler", &["handler.error (transient)", "handler.slow (slow)"]);
        check("handler.error=crash", &[]);
        check("handler=transient", &[]);
        check("", &[]);
        check("set", &[]);
    }
}
