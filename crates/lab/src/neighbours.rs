//! Small versions beside the one that is explored: what they show and it does not was not tried.
//!
//! A small version fixes what the scenario leaves open: its messages are asked for one by one, as
//! long as consumers are idle, and their keys are those of one seed. A row that would say *never*
//! or *always* explores it once more with a backlog, and, where keys decide, with those of the next
//! seeds. Each clause names what to change in the scenario to explore it.

use entrega_brokers::log::partition_of;
use entrega_checker::Finding;
use entrega_model::{Key, Model};
use entrega_scenario::Arrivals;
use entrega_scenario::workload::Workload;
use entrega_sim::explore::Explored;

use crate::exploration_plan::Prepared;
use crate::loaded::Version;
use crate::property::{Occurs, Property};

/// The most runs of each.
const RUNS: u64 = 10_000;
/// How many further seeds are looked at for their keys.
const SEEDS: u64 = 2;

impl Prepared<'_> {
    /// What small versions beside this one contradict of what is said of its properties, a clause
    /// each. `before` hears the seed of each, and says whether to go on.
    pub(crate) fn shown_nearby(
        &self,
        said: &[(Property, Occurs)],
        before: &dyn Fn(u64) -> bool,
    ) -> Vec<String> {
        let mut clauses = Vec::new();
        for near in self.backlog().into_iter().chain(self.other_keys(said)) {
            if !before(near.seed) {
                break;
            }
            let explored = self.explored_with(&near.version, &near.workload, near.seed, RUNS);
            clauses.extend(said.iter().filter_map(|&(property, occurs)| {
                let shows = contradicts(property, occurs, &explored)?;
                let Neighbour { what, how, .. } = &near;
                Some(format!("{what}: {} {shows} ({how})", property.name().replace('_', " ")))
            }));
        }
        clauses
    }

    /// All messages are stored before anybody asks for one; none if that is so anyhow.
    fn backlog(&self) -> Option<Neighbour<'_>> {
        let loaded = &self.plan.loaded;
        if loaded.scenario.workload.arrivals == Some(Arrivals::Backlog) {
            return None;
        }
        let mut version = loaded.explored(self.space.scope);
        version.scenario.workload.arrivals = Some(Arrivals::Backlog);
        let seed = self.plan.bounds.seed;
        Some(Neighbour {
            what: "messages that are stored before anybody asks for one".to_owned(),
            how: match loaded.scenario.workload.from {
                Some(_) => "a backlog in place of workload.from".to_owned(),
                None => "--set 'workload.arrivals={ distribution = \"backlog\" }'".to_owned(),
            },
            workload: version.workload(seed),
            version,
            seed,
        })
    }

    /// The keys of the next seeds, where other messages share a key or a partition: for what is
    /// said to come always out of order, for handlers that run side by side by key, and for
    /// partitions.
    fn other_keys(&self, said: &[(Property, Occurs)]) -> Vec<Neighbour<'_>> {
        let (space, scenario) = (self.space, &self.plan.loaded.scenario);
        let by_key =
            space.configuration.strategy.reads("key_ordered") && scenario.consumer.key_ordered;
        let partitions = match space.configuration.model {
            Model::Log => scenario.log.partitions.min(space.scope.partitions),
            Model::Queue => 1,
        };
        let is_ordered = said.contains(&(Property::Reordered, Occurs::Always));
        if !(by_key || partitions > 1 || is_ordered) {
            return Vec::new();
        }
        let first = self.plan.bounds.seed;
        let mut known = vec![Sharing::of(&self.workload, partitions)];
        let mut found = Vec::new();
        for seed in (1..=SEEDS).map(|more| first.wrapping_add(more)) {
            let version = self.plan.loaded.explored(space.scope);
            let workload = version.workload(seed);
            let sharing = Sharing::of(&workload, partitions);
            if !known.contains(&sharing) {
                known.push(sharing);
                let (what, how) = ("messages with other keys".to_owned(), format!("--seed {seed}"));
                found.push(Neighbour { what, how, version, workload, seed });
            }
        }
        found
    }
}

/// A small version beside the one that is explored.
struct Neighbour<'p> {
    /// What is different, as in `not tried: …`.
    what: String,
    /// How to explore it.
    how: String,
    version: Version<'p>,
    workload: Workload,
    seed: u64,
}

/// Which messages share a key, and which a partition: for each the first one that has the same.
#[derive(PartialEq, Eq)]
struct Sharing {
    keys: Vec<Option<usize>>,
    partitions: Vec<Option<usize>>,
}

impl Sharing {
    fn of(workload: &Workload, partitions: u16) -> Self {
        let keys: Vec<Key> = workload.planned.iter().map(|message| message.key).collect();
        Self::of_keys(&keys, partitions)
    }

    fn of_keys(keys: &[Key], partitions: u16) -> Self {
        let in_partitions: Vec<_> = keys.iter().map(|&key| partition_of(key, partitions)).collect();
        Self { partitions: firsts(&in_partitions), keys: firsts(keys) }
    }
}

/// For each of these the place of the first one that is equal to it.
fn firsts<T: PartialEq>(all: &[T]) -> Vec<Option<usize>> {
    all.iter().map(|one| all.iter().position(|other| other == one)).collect()
}

/// How an exploration contradicts what another says of a property, if it does.
fn contradicts(
    property: Property,
    said: Occurs,
    explored: &Explored<Finding>,
) -> Option<&'static str> {
    let runs = property.runs(explored);
    match said {
        Occurs::Never => (runs > 0).then_some("is found among them"),
        Occurs::Always => (runs < explored.ended).then_some("is not always found among them"),
        Occurs::Sometimes | Occurs::NotFound => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two keys of one partition are not two keys of two.
    #[test]
    fn keys_that_share_a_partition_are_told_apart_from_others() {
        let keys: Vec<Key> = (0..20).map(Key).collect();
        let first = partition_of(keys[0], 2);
        let beside = keys[1..].iter().find(|key| partition_of(**key, 2) == first);
        let apart = keys[1..].iter().find(|key| partition_of(**key, 2) != first);
        let (beside, apart) = (*beside.expect("a key"), *apart.expect("a key"));
        let of = |second, partitions| Sharing::of_keys(&[keys[0], second], partitions);
        assert!(of(beside, 2) != of(apart, 2));
        assert!(of(beside, 1) == of(apart, 1));
        assert!(of(keys[0], 2) != of(beside, 2));
    }
}
