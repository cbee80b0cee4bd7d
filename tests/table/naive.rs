//! An explorer as anybody would write it first: every list of choices is run, each from the
//! beginning to the end. It knows nothing of states, fingerprints or classes of moments, takes a
//! thousand times as long, and finds the same letters. It follows runs for twice as long as the
//! table does, and none comes to rest after the first half of the steps that the table gives it.

use std::collections::BTreeSet;

use entrega::judge::{Replays, end};
use entrega_checker::findings;
use entrega_choice::{Choice, Point};
use entrega_lab::truth_table::{COLUMNS, Column, Letter, STEPS};
use entrega_lab::{Model, TablePlan};
use entrega_scenario::points;
use entrega_sim::Experiment;
use rayon::prelude::*;

use crate::small_worlds::{SmallWorld, letters};

/// Some cells: a model, a strategy, the name of its setting, and the head of a column.
const CELLS: [(Model, &str, &str, &str); 21] = [
    (Model::Log, "settle-then-process", "default", "C2"),
    (Model::Log, "process-then-settle", "default", "C1"),
    (Model::Log, "process-then-settle", "on error skip", "E"),
    (Model::Log, "settle-every-n", "default", "C0"),
    (Model::Log, "auto-settle-at-delivery", "on error crash", "X"),
    (Model::Log, "auto-settle-at-next-receive", "default", "C1"),
    (Model::Log, "dead-letter", "default", "X"),
    (Model::Log, "progress-with-effect-unconditional", "default", "Z"),
    (Model::Log, "article-commit-every-n", "Java", "E"),
    (Model::Log, "parallel", "default", "C2"),
    (Model::Queue, "settle-then-process", "default", "C0"),
    (Model::Queue, "process-then-settle", "default", "QL"),
    (Model::Queue, "process-then-settle", "delivery limit 2", "X"),
    (Model::Queue, "process-then-settle", "on error requeue", "X"),
    (Model::Queue, "settle-every-n", "default", "recv"),
    (Model::Queue, "auto-settle-at-delivery", "default", "C1"),
    (Model::Queue, "auto-settle-at-next-receive", "default", "C0"),
    (Model::Queue, "broker-dead-letter", "without a target", "X"),
    (Model::Queue, "deduplicating-sink", "default", "C1"),
    (Model::Queue, "micro-batch", "atomic, retry whole", "C1"),
    (Model::Queue, "parallel", "ordered keys", "RL"),
];

/// What can be chosen: a fault or a change of order.
type Alternative = (Point, u32);

/// The letters of all runs with one of the `faults`, or with none if there are none, and at most
/// one of the `orders`.
fn explore(experiment: &Experiment<'_>, faults: &[Alternative]) -> BTreeSet<Letter> {
    let orders: Vec<Alternative> = points::preemptions().collect();
    let replays = Replays::of(experiment.scenario);
    let (mut found, mut known) = (BTreeSet::new(), BTreeSet::new());
    let mut waiting: Vec<Vec<Choice>> = vec![Vec::new()];
    while let Some(list) = waiting.pop() {
        let judged = replays.judge(experiment, &list);
        let (outcome, limit) = (&judged.outcome, STEPS / 2);
        assert!(outcome.end.is_at_a_limit() || outcome.steps < limit, "{} steps", outcome.steps);
        let choices = &outcome.choices;
        if !choices.unused().is_empty() {
            continue;
        }
        let count = |of: &[Alternative]| {
            list.iter().filter(|one| of.contains(&(one.point, one.value))).count()
        };
        let faults_left = usize::from(!faults.is_empty()) - count(faults);
        if faults_left == 0 {
            let how = end(judged.outcome.end);
            let of = &judged.report.subscriptions[0];
            found.extend(letters(findings(of, how).into_keys()));
        }
        let more_faults = faults.iter().filter(|_| faults_left > 0);
        let more_orders = orders.iter().filter(|_| count(&orders) == 0);
        for &(point, value) in more_faults.chain(more_orders) {
            for occurrence in 1..=choices.occurrences(point) {
                let mut longer = list.clone();
                longer.push(Choice { point, occurrence, value });
                longer.sort_unstable();
                if known.insert(longer.clone()) {
                    waiting.push(longer);
                }
            }
        }
    }
    found
}

fn alternatives(column: &Column) -> Vec<Alternative> {
    column.primary.iter().flat_map(|&kind| points::chosen_in(kind)).collect()
}

/// What a cell shows beyond what happens without its fault, in all worlds of its row.
fn cell(model: Model, strategy: &str, setting: &str, head: &str) -> BTreeSet<Letter> {
    let strategy = strategy.parse().expect("a strategy");
    let plan = TablePlan::new(&[model], &[strategy], &[head.to_owned()], 1, 1).expect("a row");
    let column = COLUMNS.iter().find(|column| column.head == head).expect("a column");
    let pieces = plan.pieces();
    let of_row = pieces.par_iter().filter(|piece| piece.row().setting == setting);
    let letters = of_row.map(|piece| {
        let world = SmallWorld::of(piece);
        let opened = world.open();
        let calm = explore(&opened.experiment(), &[]);
        let with_fault = explore(&opened.experiment(), &alternatives(column));
        with_fault.difference(&calm).copied().collect::<BTreeSet<Letter>>()
    });
    letters.reduce(BTreeSet::new, |mut one, other| {
        one.extend(other);
        one
    })
}

#[test]
fn a_naive_explorer_finds_the_same_letters() {
    let mut wrong = Vec::new();
    for (model, strategy, setting, head) in CELLS {
        let found: Vec<Letter> = cell(model, strategy, setting, head).into_iter().collect();
        let expect = crate::cell(model, strategy, setting, head);
        if found != expect.outcomes {
            wrong.push(format!(
                "{model} {strategy} {setting} {head}: found {found:?}, the table has {:?}",
                expect.outcomes
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// And it notices what the table lacks: with no fault to choose it finds less.
#[test]
fn a_table_that_lacks_a_letter_is_caught() {
    let expect = crate::cell(Model::Queue, "process-then-settle", "default", "C1");
    let none = cell(Model::Queue, "process-then-settle", "default", "none");
    assert!(expect.outcomes.contains(&Letter::Duplicate) && !none.contains(&Letter::Duplicate));
}
