//! Live runs: the strategies of the catalogue on served brokers, judged by the same checker.

#[path = "live/catalogue.rs"]
mod catalogue;
#[path = "live/conformance.rs"]
mod conformance;
#[path = "live/database.rs"]
mod database;
#[path = "live/direct.rs"]
mod direct;
#[path = "live/direct_faults.rs"]
mod direct_faults;
#[path = "live/faults.rs"]
mod faults;
#[path = "live/harness.rs"]
mod harness;
#[path = "live/pressure.rs"]
mod pressure;
#[path = "live/processes.rs"]
mod processes;
/// What `entrega live` runs. The command shows more of it than these tests look at.
#[allow(dead_code)]
#[path = "../crates/cli/lab/live/mod.rs"]
mod run;
#[path = "live/stage.rs"]
mod stage;
#[path = "live/threads.rs"]
mod threads;
