//! The values of arguments: what is valid, and what to say about what is not.

use std::num::NonZeroU32;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use entrega_checker::Listable;
use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_stage::scale::FASTEST;

/// What `--set` changes: a path in the scenario, and its value.
pub(crate) type Set = (String, String);

/// How to print a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// The name of a model.
pub(super) fn model() -> impl TypedValueParser<Value = Model> {
    PossibleValuesParser::new(["log", "queue"]).map(|name| match name.as_str() {
        "log" => Model::Log,
        _ => Model::Queue,
    })
}

/// The name of a strategy.
pub(super) fn strategy() -> impl TypedValueParser<Value = Strategy> {
    PossibleValuesParser::new(Strategy::ALL.map(Strategy::name))
        .try_map(|name| name.parse::<Strategy>().map_err(|()| format!("no strategy {name}")))
}

/// What messages of a record can be listed by.
pub(super) fn listable() -> impl TypedValueParser<Value = Listable> {
    let find = |name: String| Listable::all().find(|one| one.name() == name);
    PossibleValuesParser::new(Listable::all().map(Listable::name))
        .try_map(move |name| find(name.clone()).ok_or_else(|| format!("nothing is called {name}")))
}

/// A seed that leaves room for the seeds that follow it.
pub(super) fn seed() -> impl TypedValueParser<Value = u64> {
    clap::value_parser!(u64).range(..=u64::MAX >> 1)
}

/// A small number.
pub(super) fn small(least: i64, most: i64) -> impl TypedValueParser<Value = u8> {
    clap::value_parser!(u8).range(least..=most)
}

/// How many times faster than the machine's clock.
pub(super) fn time_scale(text: &str) -> Result<NonZeroU32, String> {
    match text.parse::<NonZeroU32>() {
        Ok(factor) if factor.get() <= FASTEST => Ok(factor),
        _ => Err(format!("write a whole number from 1 to {FASTEST}")),
    }
}

/// `path=value`.
pub(super) fn set(text: &str) -> Result<Set, String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() => {
            Ok((path.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("write path=value, for example workload.messages=100".to_owned()),
    }
}

/// More threads than any machine has cores would only cost.
const MAX_THREADS: usize = 512;

/// A number of threads.
pub(super) fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads @ 1..=MAX_THREADS) => Ok(threads),
        _ => Err(format!("write a number of threads from 1 to {MAX_THREADS}")),
    }
}
