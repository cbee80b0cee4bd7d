//! The points of a scenario, and the number of each, which events and choices carry.
//!
//! > **The rule.** A number depends on the kind and the subscription alone, not on how many kinds
//! > or subscriptions there are, so that a new kind changes no event of a run without it.
//!
//! | Numbers | Points |
//! |---|---|
//! | 0 to 3 | the first four kinds, which all subscriptions share |
//! | 4 to 131 | the next sixteen kinds, sixteen numbers for each of up to eight subscriptions |
//! | from 132 | every later kind, eight numbers each: one for each subscription, or the first |

use std::sync::Arc;

use entrega_choice::{Point, PointSpec};
use entrega_model::SubscriptionId;

use super::{FAULTS, Fault, FaultInfo};

/// How many of the first kinds belong to no subscription.
const SHARED: usize = 4;
/// How many of the kinds after them have their numbers subscription by subscription.
const OWN: usize = 16;
/// The most subscriptions that a scenario has.
pub(crate) const MAX_SUBSCRIPTIONS: usize = 8;
/// Where the numbers of the later kinds begin.
const LATER: usize = SHARED + MAX_SUBSCRIPTIONS * OWN;

/// The number of a point of the kind at a place in the table.
const fn number(kind: usize, subscription: usize) -> Point {
    let number = if kind < SHARED {
        kind
    } else if kind < SHARED + OWN {
        SHARED + subscription * OWN + (kind - SHARED)
    } else {
        LATER + (kind - SHARED - OWN) * MAX_SUBSCRIPTIONS + subscription
    };
    Point(number as u16)
}

/// The place of the kind in the table, and the subscription: the inverse of [`number`].
const fn place(point: Point) -> (usize, usize) {
    let number = point.index();
    if number < SHARED {
        (number, 0)
    } else if number < LATER {
        (SHARED + (number - SHARED) % OWN, (number - SHARED) / OWN)
    } else {
        let later = number - LATER;
        (SHARED + OWN + later / MAX_SUBSCRIPTIONS, later % MAX_SUBSCRIPTIONS)
    }
}

/// The point of a kind that belongs to no subscription.
#[inline]
pub const fn shared_point(fault: Fault) -> Point {
    number(fault as usize, 0)
}

/// A subscription's point of a kind.
#[inline]
pub const fn own_point(fault: Fault, subscription: SubscriptionId) -> Point {
    number(fault as usize, subscription.0 as usize)
}

/// The crashes of a subscription's consumers at instants of their own (`mtbf`).
pub const fn crash_by_time(subscription: SubscriptionId) -> Point {
    own_point(Fault::ProcessCrash, subscription)
}

/// The kind of a point, and the subscription if it belongs to one.
///
/// # Panics
///
/// If no kind has this number.
pub fn describe(point: Point) -> (&'static FaultInfo, Option<SubscriptionId>) {
    let (kind, subscription) = place(point);
    let info = &FAULTS[kind];
    (info, info.per_subscription.then_some(SubscriptionId(subscription as u8)))
}

/// The points of a scenario with these subscriptions, by their numbers.
pub fn table(subscriptions: &[&str]) -> Arc<[PointSpec]> {
    table_of(&FAULTS, subscriptions)
}

/// The points of a scenario with these subscriptions if these were all kinds: [`FAULTS`], perhaps
/// with more of them behind. A number that no point has is left without a name.
pub fn table_of(kinds: &[FaultInfo], subscriptions: &[&str]) -> Arc<[PointSpec]> {
    let later = kinds.len().saturating_sub(SHARED + OWN);
    let count = match later {
        0 => SHARED + subscriptions.len() * OWN,
        _ => LATER + later * MAX_SUBSCRIPTIONS,
    };
    (0..count).map(|number| spec(kinds, subscriptions, Point(number as u16))).collect()
}

fn spec(kinds: &[FaultInfo], subscriptions: &[&str], point: Point) -> PointSpec {
    let (kind, subscription) = place(point);
    let info = &kinds[kind];
    let name = match (info.per_subscription, subscriptions.get(subscription)) {
        (true, Some(owner)) => [owner, info.name].join("."),
        (false, _) if subscription == 0 => info.name.to_owned(),
        _ => return PointSpec { name: String::new(), alternatives: &[] },
    };
    PointSpec { name, alternatives: info.alternatives.names }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUBSCRIPTIONS: [&str; 2] = ["mailer", "analytics"];

    /// The kinds of today, and two that nobody has thought of yet.
    fn with_more_kinds() -> Vec<FaultInfo> {
        let own = FaultInfo { name: "clock.skew", ..FAULTS[SHARED] };
        let shared = FaultInfo { name: "disk.full", ..FAULTS[0] };
        [&FAULTS[..], &[own, shared]].concat()
    }

    #[test]
    fn every_point_is_found_again() {
        for info in &FAULTS {
            let point = info.point(SubscriptionId(1));
            let (found, subscription) = describe(point);
            assert_eq!(found.fault, info.fault);
            assert_eq!(subscription.is_some(), info.per_subscription);
        }
        let numbers = || (0..SHARED + OWN + 9).flat_map(|kind| (0..8).map(move |of| (kind, of)));
        for (kind, subscription) in numbers().filter(|&(kind, of)| kind >= SHARED || of == 0) {
            assert_eq!(place(number(kind, subscription)), (kind, subscription));
        }
    }

    #[test]
    fn names_carry_the_subscription() {
        let table = table(&SUBSCRIPTIONS);
        let point = own_point(Fault::EffectAfter, SubscriptionId(1));
        assert_eq!(table[point.index()].name, "analytics.effect.after");
        assert_eq!(point, Point(4 + 16 + 9));
    }

    /// `crates/sim/tests/kinds.rs` compares whole runs.
    #[test]
    fn more_kinds_renumber_no_point() {
        let kinds = with_more_kinds();
        let (few, many) = (table(&SUBSCRIPTIONS), table_of(&kinds, &SUBSCRIPTIONS));
        assert_eq!(many[..few.len()], few[..]);
        let added: Vec<_> = (0..)
            .zip(&many[few.len()..])
            .filter(|(_, spec)| !spec.name.is_empty())
            .map(|(index, spec)| (few.len() + index, spec.name.as_str()))
            .collect();
        let expect =
            [(252, "mailer.clock.skew"), (253, "analytics.clock.skew"), (260, "disk.full")];
        assert_eq!(added, expect);
    }
}
