//! The arguments of `entrega explore`.

use std::path::PathBuf;

use clap::Args as Arguments;
use entrega_clients::Strategy;
use entrega_model::Model;

use super::values::{self, Format, Set};

/// `entrega explore`.
#[derive(Debug, Arguments)]
pub(crate) struct ExploreArgs {
    /// The scenario file
    pub(crate) file: PathBuf,
    /// At most this many faults in one run
    #[arg(long, value_name = "K", default_value_t = 1, value_parser = values::small(0, 9))]
    pub(crate) faults: u8,
    /// At most this many changes of order in one run: a request or a deadline comes before its
    /// turn, or a handler goes on or a poll gives up after all others; 0 switches scheduling
    /// choices off
    #[arg(long, value_name = "P", default_value_t = 1, value_parser = values::small(0, 9))]
    pub(crate) preemptions: u8,
    /// At most this many messages, and no more than the scenario has [default: 3]
    #[arg(long, value_name = "N", value_parser = values::small(1, 99))]
    pub(crate) messages: Option<u8>,
    /// At most this many consumers of a subscription, and no more than it has [default: 2]
    #[arg(long, value_name = "N", value_parser = values::small(1, 9))]
    pub(crate) consumers: Option<u8>,
    /// At most this many partitions of the log, and no more than it has [default: 1]
    #[arg(long, value_name = "N", value_parser = values::small(1, 9))]
    pub(crate) partitions: Option<u8>,
    /// Try every fault point, whatever the scenario names
    #[arg(long)]
    pub(crate) all_faults: bool,
    /// Only this model (repeatable)
    #[arg(long, value_parser = values::model())]
    pub(crate) model: Vec<Model>,
    /// Only this strategy (repeatable)
    #[arg(long, value_parser = values::strategy())]
    pub(crate) strategy: Vec<Strategy>,
    /// Only this subscription (repeatable) [default: each in turn]
    #[arg(long, value_name = "NAME")]
    pub(crate) subscription: Vec<String>,
    /// At most this many schedules for each model, strategy and subscription; if there are more,
    /// the result is incomplete
    #[arg(long, value_name = "N", default_value_t = 1_000_000,
          value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) budget: u64,
    /// The seed of the messages
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = values::seed())]
    pub(crate) seed: u64,
    /// Run every schedule to its end, even from states that were seen before
    #[arg(long)]
    pub(crate) no_cut: bool,
    /// A single run that takes longer than this in real time is reported as stuck
    #[arg(long, value_name = "SECONDS", default_value_t = 10,
          value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) patience: u64,
    /// How many threads to use; the result does not depend on it [default: one for each core]
    #[arg(long, value_name = "N", value_parser = values::threads)]
    pub(crate) threads: Option<usize>,
    /// Change a setting of the scenario, such as `consumer.prefetch=1` (repeatable)
    #[arg(long, value_name = "PATH=VALUE", value_parser = values::set)]
    pub(crate) set: Vec<Set>,
    /// Print the timelines of all stories in full, and not only the lines that decide
    #[arg(long)]
    pub(crate) timelines: bool,
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
