//! The arguments of `entrega live`.

use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args as Arguments;
use entrega_clients::Strategy;
use entrega_model::Model;

use super::values::{self, Format, Set};

/// `entrega live`.
#[derive(Debug, Arguments)]
pub(crate) struct LiveArgs {
    /// The scenario file
    pub(crate) file: PathBuf,
    /// How many messages each configuration sends [default: the scenario's, at most 1000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) messages: Option<u32>,
    /// How many times faster than the machine's clock arrivals, handlers and leases go, at
    /// most 10000 [default: as fast as this machine can keep up with]
    #[arg(long, value_name = "N", value_parser = values::time_scale)]
    pub(crate) time_scale: Option<NonZeroU32>,
    /// The seed of the workload and of what goes wrong; the order of what happens is the machine's
    #[arg(long, value_name = "S", default_value_t = 1, value_parser = values::seed())]
    pub(crate) seed: u64,
    /// Only this model (repeatable)
    #[arg(long, value_parser = values::model())]
    pub(crate) model: Vec<Model>,
    /// Only this strategy (repeatable)
    #[arg(long, value_parser = values::strategy())]
    pub(crate) strategy: Vec<Strategy>,
    /// Change a setting of the scenario, such as `faults.effect.after.crash=1/10` (repeatable)
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
