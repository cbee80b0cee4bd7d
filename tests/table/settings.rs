//! One setting of the plain small world changed at a time: no letter that the table lacks.
//!
//! Settings that a family varies get values beyond those that it tries; times get others than those
//! that the small worlds share. By default a sample of all pairs of a row and a change is made;
//! `ENTREGA_SETTINGS=all cargo test --test table settings` makes them all, which takes minutes.

use std::collections::BTreeSet;
use std::env;

use entrega::Exploration;
use entrega_lab::TablePlan;
use entrega_lab::truth_table::{COLUMNS, Column, Letter, Piece};
use entrega_scenario::points;
use entrega_sim::explore::{Budget, Space};
use rayon::prelude::*;

use crate::small_worlds::{SmallWorld, letters};

/// A change: of a size of the world, or of a setting.
#[derive(Clone, Copy, Debug)]
enum Change {
    Messages(u32),
    Consumers(u32),
    Partitions(u16),
    /// Two keys that come as this seed has them.
    Keys(u64),
    Setting(&'static str, &'static str),
}

use Change::{Consumers, Keys, Messages, Partitions, Setting};

const CHANGES: [Change; 40] = [
    Messages(2),
    Messages(4),
    Consumers(1),
    Partitions(2),
    Keys(1),
    Keys(2),
    Keys(4),
    Setting("workload.arrivals.distribution", "backlog"),
    Setting("consumer.prefetch", "1"),
    Setting("consumer.prefetch", "3"),
    Setting("consumer.prefetch", "4"),
    Setting("consumer.settle_every", "1"),
    Setting("consumer.settle_every", "3"),
    Setting("consumer.settle_every", "4"),
    Setting("consumer.batch_size", "1"),
    Setting("consumer.batch_size", "3"),
    Setting("consumer.batch_size", "4"),
    Setting("consumer.workers", "3"),
    Setting("consumer.workers", "4"),
    Setting("consumer.settle_interval", "10ms"),
    Setting("consumer.settle_interval", "10s"),
    Setting("consumer.batch_interval", "10ms"),
    Setting("consumer.batch_interval", "10s"),
    Setting("consumer.request_timeout", "10ms"),
    Setting("consumer.request_timeout", "10s"),
    Setting("consumer.auto_commit_interval", "500ms"),
    Setting("consumer.auto_commit_interval", "2min"),
    Setting("consumer.max_attempts", "1"),
    Setting("consumer.max_attempts", "3"),
    Setting("consumer.max_poll_interval", "10s"),
    Setting("consumer.retry_backoff", "1s"),
    Setting("producer.request_timeout", "10s"),
    Setting("producer.retry_backoff", "5s"),
    Setting("log.session_timeout", "10s"),
    Setting("log.session_timeout", "10min"),
    Setting("log.rebalance_timeout", "10s"),
    Setting("queue.visibility_timeout", "3s"),
    Setting("queue.visibility_timeout", "10min"),
    Setting("times.restart", "10ms"),
    Setting("times.restart", "100s"),
];

/// Of all pairs of a row and a change, by default one of so many is tried.
const ONE_OF: usize = 97;

impl Change {
    fn made_in(self, world: SmallWorld) -> SmallWorld {
        match self {
            Messages(number) => world
                .with("workload.messages", &number.to_string())
                .sized(|messages, _, _| *messages = number),
            Consumers(number) => world.sized(|_, consumers, _| *consumers = number),
            Partitions(number) => world
                .with("log.partitions", &number.to_string())
                .sized(|_, _, partitions| *partitions = number),
            Keys(seed) => world.with("workload.keys", "2").seeded(seed),
            Setting(path, value) => world.with(path, value),
        }
    }
}

/// The single faults that a row meets, and none, which comes first.
fn columns(piece: &Piece<'_>) -> Vec<&'static Column> {
    let (model, row) = (piece.model(), piece.row());
    let fits = |column: &&Column| column.companion.is_none() && column.fits(model, row);
    COLUMNS.iter().filter(fits).collect()
}

/// What a column shows in a world, with at most one change of order.
fn explore(world: &SmallWorld, column: &Column) -> BTreeSet<Letter> {
    let opened = world.open();
    let is_fault = !column.primary.is_empty();
    let faults = Budget {
        most: u8::from(is_fault),
        required: is_fault,
        choices: column.primary.iter().flat_map(|&kind| points::chosen_in(kind)).collect(),
    };
    let space = Space::new(vec![faults, Budget::preemptions(1)]);
    let experiment = opened.experiment();
    let explored = Exploration { experiment, space, budget: 1_000_000, cuts: true }.run();
    letters(explored.found.into_keys())
}

/// The letters of a row under a change that the table lacks.
fn new_letters(piece: &Piece<'_>, change: Change) -> Vec<String> {
    let world = change.made_in(SmallWorld::of(piece));
    let (model, row) = (piece.model(), piece.row());
    let mut calm = BTreeSet::new();
    let mut new = Vec::new();
    for column in columns(piece) {
        let mut found = explore(&world, column);
        found.retain(|letter| !calm.contains(letter));
        let known = crate::cell(model, row.strategy.name(), row.setting, column.head);
        for letter in found.iter().filter(|letter| !known.outcomes.contains(letter)) {
            new.push(format!(
                "{model} {} ({}), {}: {letter:?} with {change:?}",
                row.strategy, row.setting, column.head
            ));
        }
        if column.primary.is_empty() {
            calm = found;
        }
    }
    new
}

#[test]
fn no_setting_changed_alone_shows_a_letter_that_the_table_lacks() {
    let plan = TablePlan::new(&[], &[], &[], 1, 1).expect("the table");
    let plain: Vec<_> = plan.plain_pieces();
    let pairs: Vec<(&Piece<'_>, Change)> =
        plain.iter().flat_map(|piece| CHANGES.map(|change| (piece, change))).collect();
    let all = env::var("ENTREGA_SETTINGS").is_ok_and(|value| value == "all");
    let step = if all { 1 } else { ONE_OF };
    let chosen: Vec<_> = pairs.into_iter().step_by(step).collect();
    let new: Vec<String> =
        chosen.par_iter().flat_map(|(piece, change)| new_letters(piece, *change)).collect();
    assert!(new.is_empty(), "{} letters:\n{}", new.len(), new.join("\n"));
}
