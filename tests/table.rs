//! The truth table: what the program prints is what is expected, every difference from the
//! reference has its reason, and every replay shows what it is there for.
//!
//! `tests/table/expected.md` is the whole table. After a change that is meant,
//! `TABLE=write cargo test --test table` writes it anew; read the difference.

#[path = "table/naive.rs"]
mod naive;
#[path = "table/reference.rs"]
mod reference;
#[path = "table/settings.rs"]
mod settings;
#[path = "table/small_worlds.rs"]
mod small_worlds;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use entrega_lab::truth_table::{COLUMNS, Cell, Family};
use entrega_lab::{Model, TablePlan, TruthTable};
use entrega_report::truth_table;
use rayon::prelude::*;
use serde_json::Value;

/// The whole table, made once for all tests.
static TABLE: LazyLock<TruthTable> = LazyLock::new(|| {
    let plan = TablePlan::new(&[], &[], &[], 1, 1_000_000).expect("the whole table");
    let explored = plan.pieces().par_iter().map(|piece| Some(piece.explore())).collect();
    plan.table(explored)
});

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/table").join(name)
}

fn entrega(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_entrega")).args(args).output().expect("it runs");
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "entrega {args:?}: {errors}");
    String::from_utf8(output.stdout).expect("text")
}

/// The cells of the table, as programs read them.
fn cells() -> Vec<Value> {
    let table = serde_json::to_value(truth_table::document(&TABLE)).expect("JSON");
    table["cells"].as_array().expect("a list of cells").clone()
}

/// The cell of a row in the column with this head.
pub(crate) fn cell(model: Model, strategy: &str, setting: &str, head: &str) -> &'static Cell {
    let column = COLUMNS.iter().find(|column| column.head == head).expect("a column");
    let is_it = |cell: &&Cell| {
        (cell.model, cell.strategy.name(), cell.setting) == (model, strategy, setting)
            && column.is_of_cell(cell)
    };
    let cell = TABLE.cells.iter().find(is_it);
    cell.unwrap_or_else(|| panic!("there is no cell {model} {strategy} {setting} {head}"))
}

#[test]
fn the_table_is_the_expected_one() {
    let found = truth_table::markdown(&TABLE);
    let file = path("expected.md");
    if std::env::var_os("TABLE").is_some_and(|value| value == "write") {
        std::fs::write(&file, &found).expect("it can be written");
    }
    let expected = std::fs::read_to_string(&file).expect("the expected table");
    let differing = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(
        found == expected,
        "the truth table has changed, first here:\n  found    {}\n  expected {}\nif that is meant: \
         TABLE=write cargo test --test table",
        differing.map_or("another length", |(found, _)| found),
        differing.map_or("", |(_, expected)| expected),
    );
}

/// What the program prints is the table that the tests look at.
#[test]
fn the_program_prints_this_table_on_any_number_of_threads() {
    let printed = |threads| -> Value {
        let part = ["--strategy", "settle-every-n", "--fault", "none", "--fault", "zombie"];
        let how = ["--quiet", "--format", "json", "--threads", threads];
        let text = entrega(&[&["table"], &part[..], &how[..]].concat());
        serde_json::from_str(&text).expect("JSON")
    };
    let (alone, by_two) = (printed("1"), printed("2"));
    assert_eq!(alone, by_two);
    let is_part = |cell: &Value| {
        cell["strategy"] == "settle-every-n"
            && ["none", "zombie"].contains(&cell["fault"].as_str().expect("a name"))
    };
    let part: Vec<Value> = cells().into_iter().filter(is_part).collect();
    assert_eq!(alone["cells"].as_array().expect("cells"), &part);
}

/// With all combinations of values a row shows what it shows with the selection.
#[test]
fn all_worlds_of_a_row_show_the_same_letters_as_the_selection() {
    let strategy = "auto-settle-at-next-receive".parse().expect("a strategy");
    let faults = ["none", "C0", "C1"].map(str::to_owned);
    let plan = TablePlan::new(&[Model::Queue], &[strategy], &faults, 1, 1_000_000);
    let plan = plan.and_then(|plan| plan.of_family(Family::All)).expect("a row");
    let pieces = plan.pieces();
    let all = plan.table(pieces.par_iter().map(|piece| Some(piece.explore())).collect());
    assert_eq!(all.cells.len(), 6);
    for one in all.cells {
        let is_it = |cell: &&Cell| {
            (cell.model, cell.strategy, cell.setting, cell.fault)
                == (one.model, one.strategy, one.setting, one.fault)
        };
        let selected = TABLE.cells.iter().find(is_it).expect("the same cell");
        assert!(one.worlds > 2 * selected.worlds);
        assert_eq!(one.outcomes, selected.outcomes, "{} {}", one.setting, one.fault);
    }
}

/// A budget that is spent too early proves nothing, and the table says so.
#[test]
fn a_small_budget_leaves_cells_incomplete() {
    let args = ["table", "--quiet", "--strategy", "process-then-settle", "--fault", "zombie"];
    let output = Command::new(env!("CARGO_BIN_EXE_entrega"))
        .args(args)
        .args(["--budget", "5"])
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).expect("text");
    assert!(text.contains('?') && text.contains("23 cells, 0 of 23 complete"), "{text}");
}

/// A part of the table, as people see it.
fn part(faults: &[&str]) -> String {
    let strategy = "settle-then-process".parse().expect("a strategy");
    let faults: Vec<String> = faults.iter().map(|&fault| fault.to_owned()).collect();
    let plan = TablePlan::new(&[Model::Queue], &[strategy], &faults, 0, 1_000_000);
    truth_table::text(&plan.expect("a part of the table").run(), None, "entrega")
}

/// What is taken away from the columns is said, also where it is not shown.
#[test]
fn head_and_legend_say_what_is_taken_away() {
    let check = |faults: &[&str], says: &[&str], never: &[&str]| {
        let text = part(faults).replace('\n', " ");
        says.iter().for_each(|one| assert!(text.contains(one), "{one}\n{text}"));
        never.iter().for_each(|one| assert!(!text.contains(one), "{one}\n{text}"));
    };
    let (away, alone) = ("is taken away from what it shows with one", "`--fault none` does");
    let nothing = "– none of these is possible";
    check(
        &["C1"],
        &[away, alone, "– none of these but what is possible without a fault"],
        &[nothing],
    );
    check(&["none"], &[nothing, "none: without any fault"], &[away, alone]);
    let both = "– none of these; with a fault: none but what is possible without one";
    check(&["none", "C1"], &[away, both, "(the column none)"], &[nothing, alone]);
}

/// A range of one number is that number.
#[test]
fn as_many_worlds_for_all_rows_are_no_range() {
    let text = part(&["C1"]);
    let words: Vec<&str> = text.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "worlds:").expect("how many");
    assert_eq!(words[at - 3], "in", "{text}");
    let several = TABLE.cells.iter().map(|cell| cell.worlds);
    assert_ne!(several.clone().min(), several.max());
    assert!(truth_table::markdown(&TABLE).contains(" to "));
}

/// A world that takes too long ends the table: what was explored is printed, and what is unknown is
/// named with the reason, for people and for programs. Time changes nothing in a table that is
/// whole.
#[test]
fn a_table_that_runs_out_of_time_says_what_is_unknown() {
    let run = |part: &[&str], patience: &str, format: &str| {
        let all = ["table", "--quiet", "--model", "log", "--strategy", "parallel"];
        let how = ["--patience", patience, "--format", format];
        let mut command = Command::new(env!("CARGO_BIN_EXE_entrega"));
        let output = command.args(all).args(part).args(how).output().expect("it runs");
        (output.status.code(), String::from_utf8(output.stdout).expect("text"))
    };
    let (code, text) = run(&["--preemptions", "3"], "1", "text");
    assert_eq!(code, Some(1), "{text}");
    let text = text.replace('\n', " ");
    for said in ["ENDED EARLY: ", " took more than 1 s of real time", "- log, parallel, "] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    let (code, json) = run(&["--preemptions", "3"], "1", "json");
    let table: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!((code, &table["partial"]), (Some(1), &Value::Bool(true)));
    assert_eq!(table["ended"]["why"], "patience");
    assert_eq!(table["ended"]["seconds"], 1);
    let row = &table["unknown"][0];
    assert!(row["tried"].as_u64() < row["worlds"].as_u64(), "{row}");
    let cells = table["cells"].as_array().expect("a list").iter();
    let mut of_row = cells.filter(|cell| cell["setting"] == row["setting"]);
    assert!(of_row.all(|cell| cell["complete"] == false), "{json}");
    let part = ["--preemptions", "0", "--fault", "C1"];
    let whole = run(&part, "600", "json");
    assert_eq!((whole.0, &whole), (Some(0), &run(&part, "86400", "json")));
    let table: Value = serde_json::from_str(&whole.1).expect("JSON");
    assert_eq!((&table["ended"], &table["unknown"]), (&Value::Null, &Value::Array(Vec::new())));
}

/// Every cell that can happen was tried to its end, and there is something to tell.
#[test]
fn every_cell_is_complete_and_many_have_an_outcome() {
    let cells = cells();
    let is = |cell: &Value, what: &str| cell[what].as_bool().expect(what);
    assert!(cells.iter().all(|cell| is(cell, "complete") || !is(cell, "applicable")));
    let outcomes = |cell: &Value| cell["outcomes"].as_array().expect("a list").len();
    let with_outcome = cells.iter().filter(|cell| outcomes(cell) > 0).count();
    assert!(with_outcome >= 60, "only {with_outcome} cells have an outcome");
    for cell in &cells {
        let replays = cell["replay"].as_object().expect("an object");
        assert_eq!(replays.len(), outcomes(cell), "{cell}");
        assert!(cell["schedules"].as_u64() > Some(0) && cell["states"].as_u64() > Some(0));
    }
}

/// Docs/semantics.md 2.2 and 2.3 against the proof.
#[test]
fn every_difference_from_the_reference_has_a_reason() {
    let text = std::fs::read_to_string(path("reference.toml")).expect("the reference");
    let complaints = reference::complaints(&text, &cells());
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

/// The comparison itself can fail: in both directions.
#[test]
fn a_wrong_reference_is_caught() {
    let row = |cells: &str, differs: &str| {
        format!(
            "[[row]]\nmodel = 'log'\nstrategy = 'process-then-settle'\nsetting = 'default'\n\
             id = 'S3'\ncells = {{ {cells} }}\n{differs}"
        )
    };
    let cells = cells();
    let check = |reference: String, expect: usize| {
        let complaints = reference::complaints(&reference, &cells);
        assert_eq!(complaints.len(), expect, "{complaints:?}");
    };
    check(row("C1 = 'D', C0 = ''", ""), 0);
    check(row("C1 = ''", ""), 1);
    check(row("C1 = 'LD'", ""), 1);
    check(row("C1 = 'LD'", "differs = { C1 = 'a reason' }"), 0);
    check(row("C1 = 'D'", "differs = { C1 = 'no reason is needed' }"), 1);
    check(row("C1 = 'L/D', Z = 'D(S)', E = '-/Q'", ""), 0);
    check(row("C0 = 'L/D'", ""), 1);
}

#[test]
fn every_replay_shows_its_outcome() {
    let cells = cells();
    let replays: Vec<(&Value, &String, &str)> = cells
        .iter()
        .flat_map(|cell| {
            let replays = cell["replay"].as_object().expect("an object");
            replays.iter().map(move |(outcome, text)| (cell, outcome, text.as_str().expect("text")))
        })
        .collect();
    assert!(replays.len() > 500, "{}", replays.len());
    replays.par_iter().for_each(|(cell, outcome, replay)| {
        let shown = entrega(&["replay", "truth-table", replay, "--format", "json"]);
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        assert!(shows(&shown["report"], outcome), "{outcome} of {cell}: {shown}");
        let story = told(&shown["anomalies"], outcome);
        let story = story.unwrap_or_else(|| panic!("{outcome} of {cell} is not told: {replay}"));
        let calm = cell["fault"] == "none";
        let fault = cell["fault"].as_str().unwrap_or_default();
        let is_told = begins_with_a_fault(&story) || begins_with_what_it_makes(fault, &story);
        assert!(calm || is_told, "{replay}: {story}");
    });
}

/// The sentence of an outcome, if there is one.
fn told(anomalies: &Value, outcome: &str) -> Option<String> {
    let names: &[&str] = match outcome {
        "loss" => &["lost"],
        "duplicate" => &["duplicated", "split", "dead_lettered_twice"],
        "reorder" => &["reordered"],
        "stall" => &["stalled"],
        "dead_letter" => &["dead_lettered"],
        other => &[other],
    };
    let mut anomalies = anomalies.as_array().expect("a list").iter();
    let found = anomalies.find(|one| names.iter().any(|name| one["anomaly"] == *name))?;
    found["story"].as_str().map(str::to_owned)
}

/// Whether the first part of a sentence says what went wrong, and not only what came of it. Where a
/// fault only makes room for what decides, that is told: two who work at once, what was fetched and
/// never handed over, or what waited in a buffer for too long.
fn begins_with_a_fault(story: &str) -> bool {
    const DECIDES: [&str; 7] = [
        "and is faster",
        "is at work on m",
        " before m",
        "is fetched and not handed over",
        "never reaches reader",
        "the lease of",
        "until its lease expires",
    ];
    const FAULTS: [&str; 22] = [
        "the handler of",
        "handlers fail",
        "crashes",
        "is asked to stop",
        "stalls",
        "is slow",
        "is lost",
        "is late",
        "arrives twice",
        "is poison",
        "the broker restarts",
        "rebalances",
        "overtakes",
        "been delivered too often",
        "rejects",
        "is full",
        "loses its connection",
        "loses its power",
        "begins to refuse",
        "stops answering",
        "reaches the broker any more",
        "behind",
    ];
    let first = story.split(';').next().unwrap_or(story);
    FAULTS.iter().chain(&DECIDES).any(|said| first.contains(said))
}

/// Of a service that is away, of a log whose leader fails, and of a producer that dies while
/// another message is on its way, stories tell what that makes: an answer that is not there, a
/// settle that is not possible, a message that is sent again.
fn begins_with_what_it_makes(fault: &str, story: &str) -> bool {
    const MADE: [&str; 4] =
        ["has no answer about m", "cannot settle m", "has worked on m", "is stored twice"];
    let first = story.split(';').next().unwrap_or(story);
    let is_told_so =
        ["sink-outage", "broker-outage", "failover", "producer-crash"].contains(&fault);
    is_told_so && MADE.iter().any(|said| first.contains(said))
}

#[test]
fn a_story_that_begins_elsewhere_is_caught() {
    let check = |story, expect| assert_eq!(begins_with_a_fault(story), expect, "{story}");
    check("reader 1 leaves without settling m0; m0 is delivered again.", false);
    check("reader 2 loses the partition of m2; reader 1 crashes.", false);
    check("the handler of reader 1 fails on m1, and reader 1 leaves; m0 is delivered.", true);
}

/// It fits a terminal: no line is longer than 100 columns.
#[test]
fn the_table_for_people_is_narrow() {
    let text = truth_table::text(&TABLE, None, "entrega");
    let wide: Vec<&str> = text.lines().filter(|line| line.chars().count() > 100).collect();
    assert!(wide.is_empty() && text.lines().count() > 100, "{}", wide.join("\n"));
}

/// Whether a report shows an outcome.
fn shows(report: &Value, outcome: &str) -> bool {
    let of = &report["subscriptions"][0];
    let class = |name: &str| of["classes"][name].as_u64().expect(name) > 0;
    match outcome {
        "loss" => class("lost"),
        "duplicate" => class("duplicated") || class("split") || of["dlq_excess"].as_u64() > Some(0),
        "reorder" => of["order"]["reordered"].as_u64() > Some(0),
        "stall" => report["end"] == "unfinished" || class("pending"),
        "dead_letter" => class("dead_lettered"),
        "phantom" => class("phantom"),
        _ => false,
    }
}
