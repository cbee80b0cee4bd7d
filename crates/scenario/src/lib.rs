//! Scenarios: what to run, as a person writes it and as every kind of run reads it.
//!
//! # Layout
//!
//! * [`Scenario`], with all of `file`: scenario files in TOML, and files of recorded messages.
//! * `profile`: how real systems are set, as data.
//! * [`workload`]: the messages, made from a seed or taken from a file.
//! * [`points`]: every place where something can go wrong, by name.
//! * [`Cast`]: who takes part, in which [`Role`], and what people call them.
//! * [`setup`]: the settings in the terms of brokers and client library.
//!
//! > **The rule.** A scenario is data, and nothing in this crate runs it. Simulated and live runs
//! > translate it by the same functions, so they cannot drift apart in what a setting means.

mod cast;
mod file;
pub mod points;
#[cfg(feature = "toml")]
pub mod profile;
pub mod setup;
pub mod workload;

pub use cast::{Cast, NO_PROCESS, Role};
pub use file::*;
