//! The truth table for people and for programs.

mod terminal;

use std::fmt::Write;

use entrega_lab::truth_table::{
    COLUMNS, Cell, Column, EndedEarly, Family, NAME, ROWS, Side, TableRow, UnknownRow,
};
use entrega_lab::{TruthTable, replay_string};
use entrega_model::Model;
use serde::Serialize;

use crate::prose::wrapped;

/// The rows and columns of one model that belong together.
struct Part {
    title: String,
    heads: Vec<String>,
    rows: Vec<PartRow>,
}

/// A strategy under a setting.
struct PartRow {
    strategy: &'static str,
    setting: &'static str,
    /// As many as there are heads.
    cells: Vec<String>,
}

/// What the letters mean, in a document; between the two parts stands what a dash means.
const LETTERS: [&str; 2] = [
    "L loss · D duplicate (also of a dead letter) · R reorder · S stall (not at rest after all its \
     steps) · Q dead letter · P phantom · ",
    " · blank: cannot happen here · ? not everything was tried · ⁴ only four messages show it",
];

/// What the heads mean, in a document.
const HEADS: &str = "\
handlers take no time, but one may go on after all others · E handler error · X poison message · K a message kills each process that works on it · \
C0 crash before the effect · C1 after it · C2 after the settle · CQ a message fails, and a crash after its dead letter · QL, RL request or answer of a settle lost · \
late: a settle arrives late · Z stall or slow handler, beyond lease and session too · SD a consumer is asked to stop, is killed if it takes too long, and comes back · recv: a receive is lost · SO, BO the sink or the broker is away for a while \
· RB the group rebalances · dies: the producer does, before a send or after one · failover: the \
leader of a log with replicas crashes or loses its power · +C0, +QL, +slow, +lag: and that as well, \
which may show something alone";

/// Which columns are shown: it decides what a dash means, and what must be said of what is taken
/// away from the columns of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Columns {
    /// Only the one without a fault.
    Baseline,
    /// Only those of faults.
    Faults,
    /// Both.
    Both,
}

impl Columns {
    fn of(table: &TruthTable) -> Self {
        let is_baseline = |cell: &Cell| cell.fault == BASELINE;
        match (table.cells.iter().any(is_baseline), table.cells.iter().all(is_baseline)) {
            (true, true) => Self::Baseline,
            (true, false) => Self::Both,
            (false, _) => Self::Faults,
        }
    }

    /// What a dash means.
    const fn dash(self) -> &'static str {
        match self {
            Self::Baseline => "– none of these is possible",
            Self::Faults => "– none of these but what is possible without a fault",
            Self::Both => "– none of these; with a fault: none but what is possible without one",
        }
    }

    /// What the column without a fault is, and what the others say.
    const fn baseline(self) -> &'static str {
        match self {
            Self::Baseline => "none: without any fault",
            Self::Faults => "what is possible without a fault is left out (--fault none shows it)",
            Self::Both => "none: without any fault; the other columns say what the fault adds",
        }
    }

    /// What is taken away, for the head; begins with a space.
    const fn taken_away(self) -> &'static str {
        match self {
            Self::Baseline => "",
            Self::Faults => {
                " What a world shows without a fault is taken away from what it shows with one; \
                 these columns do not show that, `--fault none` does."
            }
            Self::Both => {
                " What a world shows without a fault (the column none) is taken away from what it \
                 shows with one."
            }
        }
    }
}

/// The fault of the column without one.
const BASELINE: &str = "none";

/// The table for programs.
#[derive(Serialize)]
pub struct Document<'a> {
    schema: &'static str,
    scenario: &'static str,
    family: &'static str,
    preemptions: u8,
    partial: bool,
    /// Why the table is not whole.
    ended: Option<&'a EndedEarly>,
    /// The rows of which not every world was tried.
    unknown: &'a [UnknownRow],
    /// The fault of the column that is taken away from all others.
    taken_away: &'static str,
    cells: &'a [Cell],
}

/// The table for a terminal of at most so many columns; of 100, if nothing is said. `program` is
/// what commands begin with.
pub fn text(table: &TruthTable, columns: Option<usize>, program: &str) -> String {
    let columns = columns.unwrap_or(terminal::WIDTH);
    let mut text = String::from("Truth table: what can happen, by trying everything\n");
    let shown = Shown { table };
    text.push_str(&wrapped(&shown.head(), columns));
    for part in shown.parts() {
        text.push_str(&terminal::part(&part, columns));
    }
    let cells = &table.cells;
    let has = |column: &&Column| cells.iter().any(|cell| cell.fault == column.fault);
    let faults: Vec<_> =
        COLUMNS.iter().filter(has).filter_map(|one| Some((one.head, one.meaning?))).collect();
    let pairs = cells.iter().any(|cell| cell.companion.is_some());
    let _ = write!(text, "\n{}\n", terminal::legend(shown.columns(), &faults, pairs, columns));
    for line in shown.footer(&shown.impossible(), program).lines() {
        match line.split_once(" '") {
            Some((command, string)) => {
                let _ = writeln!(text, "{command} \\\n    '{string}");
            }
            None => text.push_str(&wrapped(line, columns)),
        }
    }
    text
}

/// The table for a document.
pub fn markdown(table: &TruthTable) -> String {
    let shown = Shown { table };
    let mut text = format!("{}\n", shown.head());
    for Part { title, heads, rows } in shown.parts() {
        let names = heads.join(" | ");
        let _ = write!(text, "**{title}**\n\n| strategy | setting | {names} |\n");
        let _ = writeln!(text, "|{}", "---|".repeat(heads.len() + 2));
        for PartRow { strategy, setting, cells } in rows {
            let _ = writeln!(text, "| {strategy} | {setting} | {} |", cells.join(" | "));
        }
        text.push('\n');
    }
    let (columns, [letters, marks]) = (shown.columns(), LETTERS);
    let _ = write!(text, "{letters}{}{marks}  \n{}; ", columns.dash(), columns.baseline());
    let _ = write!(text, "{HEADS}\n\n{}", shown.footer("", "entrega"));
    text
}

/// The table as a document for programs.
pub fn document(table: &TruthTable) -> Document<'_> {
    Document {
        schema: "entrega.table.v1",
        scenario: NAME,
        family: table.family.name(),
        preemptions: table.preemptions,
        partial: table.is_partial(),
        ended: table.ended.as_ref(),
        unknown: &table.unknown,
        taken_away: BASELINE,
        cells: &table.cells,
    }
}

/// A table as people see it.
#[derive(Clone, Copy)]
struct Shown<'a> {
    table: &'a TruthTable,
}

impl Shown<'_> {
    fn columns(&self) -> Columns {
        Columns::of(self.table)
    }

    /// Each model and side that has cells.
    fn parts(&self) -> Vec<Part> {
        let sides = [Side::Consumer, Side::Producer].into_iter();
        let parts = sides.flat_map(|side| [Model::Log, Model::Queue].map(|model| (model, side)));
        parts.filter_map(|(model, side)| self.part(model, side)).collect()
    }

    fn part(&self, model: Model, side: Side) -> Option<Part> {
        let columns: Vec<&Column> = COLUMNS
            .iter()
            .filter(|column| column.is_of(side) && self.has_column(model, side, column))
            .collect();
        let rows: Vec<PartRow> = ROWS
            .iter()
            .filter(|row| row.side == side && row.fits(model))
            .filter_map(|row| self.row(model, row, &columns))
            .collect();
        let whose = match side {
            Side::Consumer => "faults of consumers",
            Side::Producer => "faults of producers and brokers",
        };
        let name = match model {
            Model::Log => "Log",
            Model::Queue => "Queue",
        };
        let heads = columns.iter().map(|column| column.head.to_owned()).collect();
        (!rows.is_empty()).then(|| Part { title: format!("{name}, {whose}"), heads, rows })
    }

    fn has_column(&self, model: Model, side: Side, column: &Column) -> bool {
        let rows = ROWS.iter().filter(|row| row.side == side);
        rows.into_iter()
            .any(|row| self.find(model, row, column).is_some_and(|cell| cell.applicable))
    }

    fn row(&self, model: Model, row: &TableRow, columns: &[&Column]) -> Option<PartRow> {
        let cells: Vec<Option<&Cell>> =
            columns.iter().map(|column| self.find(model, row, column)).collect();
        cells.iter().any(Option::is_some).then(|| {
            let letters = cells.iter().zip(columns).map(|(cell, column)| match cell {
                Some(cell) => cell.letters(),
                None if self.table.is_partial() && column.fits(model, row) => "?".to_owned(),
                None => String::new(),
            });
            let strategy = row.strategy.name();
            PartRow { strategy, setting: row.setting, cells: letters.collect() }
        })
    }

    fn find(&self, model: Model, row: &TableRow, column: &Column) -> Option<&Cell> {
        self.table.cells.iter().find(|cell| {
            (cell.model, cell.strategy, cell.setting) == (model, row.strategy, row.setting)
                && column.is_of_cell(cell)
                && column.fits(model, row)
        })
    }

    /// `, 53 cannot happen`: the cells that stay blank.
    fn impossible(&self) -> String {
        match self.table.cells.iter().filter(|cell| cell.is_impossible()).count() {
            0 => String::new(),
            count => format!(", {count} cannot happen"),
        }
    }

    /// What the small worlds are, and what is tried in each.
    fn head(&self) -> String {
        let &TruthTable { family, preemptions, .. } = self.table;
        let worlds = || self.table.cells.iter().map(|cell| cell.worlds);
        let (fewest, most) = (worlds().min().unwrap_or(0), worlds().max().unwrap_or(0));
        let count = match (fewest, most) {
            (1, 1) => "one small world".to_owned(),
            (fewest, most) if fewest == most => format!("{most} small worlds"),
            (fewest, most) => format!("{fewest} to {most} small worlds"),
        };
        let which = match family {
            Family::Triples => "every three of these values occur together in one of them",
            Family::All => "all combinations of these values",
        };
        format!(
            "Each row is tried in {count}: 2 to 4 messages, of one key or \
             of two that take turns, stored while consumers ask or before; one or two consumers \
             and, on a log, partitions; prefetch, N and batch 1 to 3, workers 2 or 3, as far as \
             the row reads them and does not fix them; {which}. There is one extra world each with one \
             attempt, a backoff of 10s and a request timeout of 10s and of 30s, which is as long as \
             the lease (also with a prefetch of 3 and everything stored before), where the row \
             reads them. Each fault strikes once (and its companion at most once), at every place \
             where it can, with at most {preemptions} \
             {} of order: a request or a deadline comes before its turn, or a handler goes on or \
             a poll gives up after all others. With a companion there is one change less in \
             worlds that differ in more than one value from the plain one; with a poison message, \
             which may be tried for ever, only requests change places outside of the plain world, \
             and with a message that kills nothing does.{}\n",
            if preemptions == 1 { "change" } else { "changes" },
            self.columns().taken_away(),
        )
    }

    /// Why the table is not whole, and which rows are unknown; nothing if it is.
    fn unknown(&self) -> String {
        let why = match &self.table.ended {
            None => return String::new(),
            Some(EndedEarly::Interrupted) => "INTERRUPTED: the table is not whole.".to_owned(),
            Some(EndedEarly::Patience { world, seconds }) => format!(
                "ENDED EARLY: the table is not whole. The small world {world} took more than \
                 {seconds} s of real time; --patience gives it more."
            ),
        };
        let mut text = format!("{why}\nUnknown, because not every small world was tried:\n");
        for row in &self.table.unknown {
            let UnknownRow { model, strategy, setting, tried, worlds } = row;
            let _ = writeln!(text, "- {model}, {strategy}, {setting}: {tried} of {worlds} worlds");
        }
        text
    }

    /// How much was tried; `also` follows the number of complete cells.
    fn footer(&self, also: &str, program: &str) -> String {
        let applicable = || self.table.cells.iter().filter(|cell| cell.applicable);
        let schedules: u64 = self.table.cells.iter().map(|cell| cell.schedules).sum();
        let states: u64 = self.table.cells.iter().map(|cell| cell.states).sum();
        let complete = applicable().filter(|cell| cell.complete).count();
        let mut text = format!(
            "{} cells, {complete} of {} complete{also}; {schedules} schedules, {states} states.\n",
            self.table.cells.len(),
            applicable().count(),
        );
        text.push_str(&self.unknown());
        let example = applicable().find_map(|cell| Some((cell, cell.replay.first_key_value()?)));
        if let Some((cell, (_, replay))) = example {
            let _ = writeln!(
                text,
                "Every letter has a shortest run; `--format json` has them all. For example {} on a \
                 {}, {}:\n  {}",
                cell.strategy,
                cell.model,
                cell.fault,
                replay_string::command(program, NAME, replay)
            );
        }
        text
    }
}
