//! The command line as data: every verb, its arguments and its help.

mod explore;
mod help;
mod live;
mod values;

use std::path::PathBuf;

use clap::{Args as Arguments, Parser, Subcommand};
use entrega_checker::Listable;
use entrega_clients::Strategy;
use entrega_lab::truth_table::Family;
use entrega_model::Model;
use entrega_scenario::Span;

pub(crate) use explore::ExploreArgs;
pub(crate) use live::LiveArgs;
pub(crate) use values::{Format, Set};

/// A laboratory for message-delivery semantics: what is lost, what is duplicated, and why.
#[derive(Debug, Parser)]
#[command(name = "entrega", version, about, long_about = help::ABOUT, after_long_help = help::CODES)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run one configuration of a scenario and report what became of every message
    #[command(after_long_help = help::RUN)]
    Run(RunArgs),
    /// Run every model and strategy of a scenario over many seeds and compare them in one table
    #[command(after_long_help = help::COMPARE)]
    Compare(CompareArgs),
    /// Try everything that can go wrong in a small version of a scenario: what is impossible?
    #[command(after_long_help = help::EXPLORE)]
    Explore(ExploreArgs),
    /// Run a scenario for real: the same brokers and consumers on the machine's clock
    #[command(after_long_help = help::LIVE)]
    Live(LiveArgs),
    /// Show one run step by step, from its replay string
    #[command(after_long_help = help::REPLAY)]
    Replay(ReplayArgs),
    /// Print the truth table: what can happen to each strategy under each fault, by trying
    /// everything
    #[command(after_long_help = help::TABLE)]
    Table(TableArgs),
    /// Judge a recorded history, of the simulator or of a real system
    #[command(after_long_help = help::CHECK)]
    Check(CheckArgs),
    /// List scenarios, strategies, fault points, profiles and settings
    #[command(after_long_help = help::LIST)]
    List(ListArgs),
    /// Write a commented scenario to start from
    #[command(after_long_help = help::NEW)]
    New(NewArgs),
    /// Print the JSON Schema of scenario files, for editors
    #[command(after_long_help = help::SCHEMA)]
    Schema(SchemaArgs),
    /// Print a completion script for a shell
    #[command(after_long_help = help::COMPLETIONS)]
    Completions(CompletionsArgs),
}

/// `entrega run`.
#[derive(Debug, Arguments)]
pub(crate) struct RunArgs {
    /// The scenario file
    pub(crate) file: PathBuf,
    /// On which broker [default: the scenario's first]
    #[arg(long, value_parser = values::model())]
    pub(crate) model: Option<Model>,
    /// With which consumer strategy [default: the scenario's first]
    #[arg(long, value_parser = values::strategy())]
    pub(crate) strategy: Option<Strategy>,
    /// The seed of everything that is left to chance
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Change a setting of the scenario, such as `workload.messages=100` (repeatable)
    #[arg(long, value_name = "PATH=VALUE", value_parser = values::set)]
    pub(crate) set: Vec<Set>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// On a terminal too, lines as long as they are
    #[arg(long)]
    pub(crate) wide: bool,
    /// Write the result to a file instead of the standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Record the whole history as JSON Lines, for `entrega check`
    #[arg(long, value_name = "FILE.jsonl")]
    pub(crate) history: Option<PathBuf>,
    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// `entrega compare`.
#[derive(Debug, Arguments)]
pub(crate) struct CompareArgs {
    /// The scenario file
    pub(crate) file: PathBuf,
    /// Tell every story, and not only one for each anomaly and cause
    #[arg(long)]
    pub(crate) all_stories: bool,
    /// How many runs each row of the table is made of [default: the scenario's `seeds`]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) seeds: Option<u32>,
    /// The seed of the first run; the others follow
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = values::seed())]
    pub(crate) seed: u64,
    /// How many threads to use; the result does not depend on it [default: one for each core]
    #[arg(long, value_name = "N", value_parser = values::threads)]
    pub(crate) threads: Option<usize>,
    /// Only this model (repeatable)
    #[arg(long, value_parser = values::model())]
    pub(crate) model: Vec<Model>,
    /// Only this strategy (repeatable)
    #[arg(long, value_parser = values::strategy())]
    pub(crate) strategy: Vec<Strategy>,
    /// As this real system is set (repeatable, or separated by commas); `all` for each that comes
    /// with the program, a path for a file of your own. The rows are then profile × strategy
    #[arg(long, value_name = "PROFILE", value_delimiter = ',')]
    pub(crate) profile: Vec<String>,
    /// Change a setting of the scenario, such as `workload.messages=100` (repeatable)
    #[arg(long, value_name = "PATH=VALUE", value_parser = values::set)]
    pub(crate) set: Vec<Set>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// On a terminal too, lines as long as they are
    #[arg(long)]
    pub(crate) wide: bool,
    /// Write the result to a file instead of the standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// `entrega replay`.
#[derive(Debug, Arguments)]
pub(crate) struct ReplayArgs {
    /// The scenario file that the run belongs to
    pub(crate) file: PathBuf,
    /// The replay string, as `run`, `compare`, `explore` and `table` print it; `@FILE` reads it
    /// from a file, `-` from the standard input
    #[arg(value_name = "STRING")]
    pub(crate) replay: String,
    /// What was changed for the run, if its string is too short to say so (repeatable)
    #[arg(long, value_name = "PATH=VALUE", value_parser = values::set)]
    pub(crate) set: Vec<Set>,
    /// Show every event, however many there are
    #[arg(long)]
    pub(crate) all: bool,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// On a terminal too, lines as long as they are
    #[arg(long)]
    pub(crate) wide: bool,
    /// Write the result to a file instead of the standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `entrega table`.
#[derive(Debug, Arguments)]
pub(crate) struct TableArgs {
    /// Only this model (repeatable)
    #[arg(long, value_parser = values::model())]
    pub(crate) model: Vec<Model>,
    /// Only this strategy (repeatable)
    #[arg(long, value_parser = values::strategy())]
    pub(crate) strategy: Vec<Strategy>,
    /// Only this fault, by name or by the head of a column: `crash-after-effect` or `C1`
    /// (repeatable)
    #[arg(long, value_name = "FAULT")]
    pub(crate) fault: Vec<String>,
    /// In which small worlds each row is tried
    #[arg(long, value_enum, default_value_t)]
    pub(crate) family: TableFamily,
    /// How often in one run the order of what happens at one instant may change: a request or a
    /// deadline comes before its turn, or a handler goes on or a poll gives up after all others
    #[arg(long, value_name = "P", default_value_t = 1, value_parser = clap::value_parser!(u8).range(..=3))]
    pub(crate) preemptions: u8,
    /// How many runs each exploration may take before it is called incomplete
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) budget: u64,
    /// A single small world that takes longer than this in real time ends the table: what was
    /// explored until then is printed, and the rest is unknown
    #[arg(long, value_name = "SECONDS", default_value_t = 600,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) patience: u64,
    /// How many threads to use; the result does not depend on it [default: one for each core]
    #[arg(long, value_name = "N", value_parser = values::threads)]
    pub(crate) threads: Option<usize>,
    /// How to print the table
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: TableFormat,
    /// On a terminal too, lines as long as they are
    #[arg(long)]
    pub(crate) wide: bool,
    /// Write the table to a file instead of the standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// The small worlds of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TableFamily {
    /// Some thirty for each row, in which every three values of its settings occur together
    #[default]
    Triples,
    /// Every combination of values
    All,
}

impl TableFamily {
    /// What the library calls it.
    pub(crate) const fn family(self) -> Family {
        match self {
            Self::Triples => Family::Triples,
            Self::All => Family::All,
        }
    }
}

/// How a table is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum TableFormat {
    /// For a terminal
    #[default]
    Text,
    /// For a document
    Markdown,
    /// For programs, with a replay string for every outcome
    Json,
}

/// `entrega check`.
#[derive(Debug, Arguments)]
pub(crate) struct CheckArgs {
    /// The history, one JSON object a line; - reads the standard input
    pub(crate) history: PathBuf,
    /// Sort the events by time, as far as they lie within --skew
    #[arg(long)]
    pub(crate) sort: bool,
    /// By how much time may go backwards, such as `50ms` [default: not at all]
    #[arg(long, value_name = "SPAN")]
    pub(crate) skew: Option<Span>,
    /// Pass over fields that the format does not know, and say which
    #[arg(long)]
    pub(crate) lenient: bool,
    /// List all messages that show one of these, with their lines, such as `lost,duplicated`
    #[arg(long, value_name = "KINDS", value_delimiter = ',', value_parser = values::listable())]
    pub(crate) list: Vec<Listable>,
    /// How to print the result
    #[arg(long, value_enum, default_value_t)]
    pub(crate) format: Format,
    /// On a terminal too, lines as long as they are
    #[arg(long)]
    pub(crate) wide: bool,
    /// Write the result to a file instead of the standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `entrega list`.
#[derive(Debug, Arguments)]
pub(crate) struct ListArgs {
    /// Where the scenarios are; or `profiles`, for all that is known of the real systems; or
    /// `settings`, for what a scenario may say
    #[arg(default_value = "simulations")]
    pub(crate) dir: PathBuf,
    /// Of the settings, those of one section, as `queue`, or one alone, as `queue.redrive`
    pub(crate) section: Option<String>,
}

/// `entrega new`.
#[derive(Debug, Arguments)]
pub(crate) struct NewArgs {
    /// The file to write
    pub(crate) file: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    pub(crate) force: bool,
}

/// `entrega schema`.
#[derive(Debug, Arguments)]
pub(crate) struct SchemaArgs {
    /// Write the schema to a file instead of the standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// `entrega completions`.
#[derive(Debug, Arguments)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
