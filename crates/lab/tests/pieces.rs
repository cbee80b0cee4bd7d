//! Work is handed out in pieces, and results do not depend on who does which piece, or when.
//!
//! Method: the pieces are done by several workers, last first, and given back in their order; the
//! result is that of the sequential runner. Given back in another order, it is not.

use entrega::exploration::Batch;
use entrega_checker::Report;
use entrega_checker::summary::RowSummary;
use entrega_lab::exploration_plan::Prepared;
use entrega_lab::sweep::{Runs, Swept};
use entrega_lab::{
    Bounds, ExplorationPlan, LoadedScenario, Model, Part, Strategy, Sweep, TablePlan,
};
use entrega_sim::explore::{Seen, Task};

const SCENARIO: &str = "\
seeds = 3
workload = { messages = 20, keys = 2 }
log = { auto_offset_reset = 'earliest' }
faults = { effect.after.crash = '1/5', settle.request.lost = '1/5' }
";

fn loaded() -> LoadedScenario {
    LoadedScenario::parse("pieces.toml", SCENARIO).expect("a scenario")
}

const STRATEGIES: [Strategy; 2] = [Strategy::ProcessThenSettle, Strategy::SettleThenProcess];

/// All runs by two workers in turn, last first, in their order.
fn by_two(runs: &Runs<'_>) -> Vec<Option<Report>> {
    let mut workers = [runs.worker(), runs.worker()];
    let backwards = runs.numbers().rev().map(|number| Some(workers[number % 2].run(number)));
    let mut reports: Vec<_> = backwards.collect();
    reports.reverse();
    reports
}

fn rows(swept: Vec<Swept>) -> Vec<Vec<RowSummary>> {
    swept.into_iter().map(|one| one.rows).collect()
}

#[test]
fn a_sweep_does_not_depend_on_its_workers() {
    let loaded = loaded();
    let sweep = Sweep::of(&loaded, &STRATEGIES).expect("a sweep");
    let alone = rows(sweep.run());
    assert_eq!(rows(sweep.run_with(by_two)), alone);
    let backwards = sweep.run_with(|runs| by_two(runs).into_iter().rev().collect());
    assert_ne!(rows(backwards), alone, "the order of the reports says whose they are");
}

#[test]
fn what_was_not_run_is_left_out() {
    let loaded = loaded();
    let sweep = Sweep::of(&loaded, &STRATEGIES).expect("a sweep");
    let first_only = sweep.run_with(|runs| {
        let mut worker = runs.worker();
        runs.numbers().map(|number| (number == 0).then(|| worker.run(number))).collect()
    });
    let counts: Vec<u64> = first_only.iter().map(|one| one.rows[0].runs).collect();
    assert_eq!(counts, [1, 0, 0, 0]);
}

#[test]
fn an_exploration_does_not_depend_on_its_workers() {
    let part = Part { strategies: &STRATEGIES, ..Part::default() };
    let bounds = Bounds { messages: 2, consumers: 1, ..Bounds::default() };
    let plan = ExplorationPlan::new(loaded(), part, bounds).expect("a plan");
    let rows = plan.run().rows;
    assert!(rows.iter().any(|row| !row.stories.is_empty()), "something is found");
    for row in rows {
        let prepared = plan.prepare(&row.space);
        let (found, runs) = backwards(&prepared);
        let alone: Vec<_> = row.explored.found.keys().copied().collect();
        assert_eq!((found, runs), (alone, row.explored.schedules), "{}", row.space.configuration);
        assert!(row.explored.complete);
    }
}

/// Explores with the runs of each batch made last first.
fn backwards(prepared: &Prepared<'_>) -> (Vec<entrega_checker::Finding>, u64) {
    let exploration = prepared.exploration();
    let mut judge = exploration.judge();
    let walk = |tasks: &[Task], seen: &Seen| -> Batch {
        let backwards = tasks.iter().rev().map(|task| exploration.walk(task, seen, &mut judge));
        let mut walked: Batch = backwards.collect();
        walked.reverse();
        walked
    };
    let explored = exploration.run_with(walk);
    (explored.found.into_keys().collect(), explored.schedules)
}

#[test]
fn the_truth_table_does_not_depend_on_the_order_of_its_pieces() {
    let faults = ["none", "C0", "C1"].map(str::to_owned);
    let strategies = [Strategy::DeadLetter, Strategy::BrokerDeadLetter];
    let plan = TablePlan::new(&[Model::Queue], &strategies, &faults, 0, 10_000);
    let plan = plan.expect("a part of the table");
    let backwards = plan.pieces().into_iter().rev().map(|piece| Some(piece.explore()));
    let mut cells: Vec<_> = backwards.collect();
    cells.reverse();
    let letters = |table: &entrega_lab::TruthTable| -> Vec<(&str, &str, String)> {
        table.cells.iter().map(|cell| (cell.setting, cell.fault, cell.letters())).collect()
    };
    let (put_together, alone) = (plan.table(cells), plan.run());
    assert_eq!(letters(&put_together), letters(&alone));
    assert_eq!(alone.cells.len(), 9);
}
