//! Looking for the simplest list in every smaller scope, smallest first.

use std::collections::{BTreeMap, BTreeSet};

use entrega_checker::Finding;
use entrega_choice::{Choice, simplicity};
use entrega_scenario::points::{Act, FaultKind, chosen_in, describe, info, kind_of};
use entrega_sim::explore::{Budget, Frontier, Scope, Showing, Space};

use super::{Shrinker, Story};
use crate::exploration::Judge;

/// Up to this many choices, every list is run to its end, so that the simplest is found for
/// certain. Longer ones are cut where a state was seen before, which costs some simplicity.
const WHOLE: usize = 2;

/// How many choices are enough: faults, and changes of order, of which neither makes up for the
/// other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Most {
    faults: usize,
    orders: usize,
}

impl Most {
    /// As many as are in a list.
    pub(super) fn of(choices: &[Choice]) -> Self {
        let is_order = |choice: &&Choice| describe(choice.point).0.site.is_order();
        let orders = choices.iter().filter(is_order).count();
        Self { faults: choices.len() - orders, orders }
    }
}

impl Shrinker<'_> {
    /// The simplest list of at most so many choices of these kinds that shows what is wanted.
    pub(super) fn search(
        &self,
        scope: Scope,
        kinds: &BTreeSet<FaultKind>,
        most: Most,
        wanted: &dyn Fn(&Finding) -> bool,
    ) -> Option<Story> {
        let small = self.small(scope);
        let experiment = self.experiment(&small);
        let mut judge = Judge::new(&experiment);
        let mut frontier = Frontier::new(space(kinds, most), self.budget);
        if most.faults + most.orders <= WHOLE {
            frontier = frontier.without_cuts();
        }
        while let Some(batch) = frontier.batch(1) {
            let simplest = simplest(frontier.found(), wanted);
            if simplest.is_some_and(|best| batch[0].choices.len() > best.len()) {
                break;
            }
            let walks = batch.iter().map(|task| {
                let goes_on = (self.before)(scope, &task.choices);
                goes_on.then(|| {
                    let seen = frontier.seen();
                    judge.in_arena(|arena, judge| experiment.walk_in(arena, task, seen, judge))
                })
            });
            let walked = walks.collect::<Option<Vec<_>>>()?;
            frontier.absorb(batch, walked);
        }
        let choices = simplest(frontier.found(), wanted)?.to_vec();
        Some(Story { scope, choices })
    }
}

/// The simplest list that shows one of the wanted findings.
fn simplest<'f>(
    found: &'f BTreeMap<Finding, Showing>,
    wanted: &dyn Fn(&Finding) -> bool,
) -> Option<&'f [Choice]> {
    let showing = found.iter().filter(|(finding, _)| wanted(finding));
    let lists = showing.map(|(_, showing)| showing.simplest.as_slice());
    lists.min_by(|one, other| simplicity(one, other))
}

/// The kinds of the choices in a list; of orders also the simpler ones.
pub(super) fn kinds(choices: &[Choice]) -> BTreeSet<FaultKind> {
    let mut kinds = BTreeSet::new();
    for choice in choices {
        match kind_of(choice.point, choice.value) {
            Some((fault, Act::Order(place))) => {
                kinds.extend((2..=place).map(|place| (fault, Act::Order(place))));
            }
            Some(kind) => kinds.extend([kind]),
            None => {}
        }
    }
    kinds
}

fn space(kinds: &BTreeSet<FaultKind>, most: Most) -> Space {
    let budget = |orders: bool, most: usize| {
        let of = kinds.iter().filter(|(fault, _)| info(*fault).site.is_order() == orders);
        let choices = of.flat_map(|&kind| chosen_in(kind)).collect();
        Budget { most: u8::try_from(most).unwrap_or(u8::MAX), required: false, choices }
    };
    Space::new(vec![budget(false, most.faults), budget(true, most.orders)])
}

/// All scopes up to this one: fewest messages first, then fewest consumers, then fewest partitions.
pub(super) fn scopes(most: Scope) -> impl Iterator<Item = Scope> {
    let Scope { messages, consumers, partitions, .. } = most;
    (1..=messages).flat_map(move |messages| {
        (1..=consumers).flat_map(move |consumers| {
            (1..=partitions).map(move |partitions| Scope {
                messages,
                consumers,
                partitions,
                ..most
            })
        })
    })
}

#[cfg(test)]
mod tests {
    use entrega_model::SubscriptionId;
    use entrega_scenario::points::{Fault, own_point, shared_point};

    use super::*;

    #[test]
    fn scopes_come_smallest_first() {
        let most =
            Scope { subscription: SubscriptionId(0), messages: 2, consumers: 2, partitions: 2 };
        let all: Vec<_> =
            scopes(most).map(|one| (one.messages, one.consumers, one.partitions)).collect();
        assert_eq!(all[..3], [(1, 1, 1), (1, 1, 2), (1, 2, 1)]);
        assert_eq!((all.len(), all.last()), (8, Some(&(2, 2, 2))));
    }

    #[test]
    fn kinds_forget_occurrences_and_zones() {
        let own = |fault, occurrence, value| {
            let point = own_point(fault, SubscriptionId(0));
            Choice { point, occurrence, value }
        };
        let order = Choice { point: shared_point(Fault::ArrivalOrder), occurrence: 4, value: 2 };
        let list = [own(Fault::EffectAfter, 2, 3), own(Fault::EffectAfter, 9, 1), order];
        let expect = [
            (Fault::ArrivalOrder, Act::Order(2)),
            (Fault::ArrivalOrder, Act::Order(3)),
            (Fault::EffectAfter, Act::Crash),
        ];
        assert_eq!(kinds(&list).into_iter().collect::<Vec<_>>(), expect);
    }

    #[test]
    fn neither_faults_nor_orders_make_up_for_the_other() {
        let crash = Choice {
            point: own_point(Fault::EffectBefore, SubscriptionId(0)),
            occurrence: 1,
            value: 1,
        };
        let order = Choice { point: shared_point(Fault::ArrivalOrder), occurrence: 4, value: 1 };
        let check = |list: &[Choice], expect: [u8; 2]| {
            let space = space(&kinds(list), Most::of(list));
            let most: Vec<_> = space.budgets().iter().map(|budget| budget.most).collect();
            assert_eq!(most, expect, "{list:?}");
            let [faults, orders] = space.budgets() else { panic!("two budgets") };
            let all = |of: &Budget, are: bool| {
                of.choices.iter().all(|(point, _)| describe(*point).0.site.is_order() == are)
            };
            assert!(all(faults, false) && all(orders, true), "{list:?}");
        };
        check(&[crash], [1, 0]);
        check(&[order], [0, 1]);
        check(&[crash, order, order], [1, 2]);
        check(&[crash, crash], [2, 0]);
    }
}
