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
#[path = "live/leases.rs"]
mod leases;
#[path = "live/pressure.rs"]
mod pressure;
#[path = "live/processes.rs"]
mod processes;
#[path = "live/stage.rs"]
mod stage;
#[path = "live/threads.rs"]
mod threads;
