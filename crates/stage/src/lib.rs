//! A scenario for real: one configuration of it, with its messages, consumers and faults, on a
//! broker that is served live, judged by the same checker as a simulated run.
//!
//! Each process of the scenario is a task with a client library of its own; the broker decides
//! under its lock, on the machine's clock. Faults are chosen by the same streams of choices as in
//! the simulator, by point and occurrence. The scheduler decides which message meets an occurrence,
//! so no two runs are alike.
//!
//! * [`setup`]: what to run, when to give up, and what comes out.
//! * `run`: one run, watched by the checker.
//! * `stage`: the broker, the processes and the phases of a run.
//! * [`faults`]: which faults strike a process, and how.
//! * [`meter`]: what can be seen of a run while it lasts.
//! * [`scale`]: how much faster than the machine's clock a run may go.
//!
//! ```
//! use std::sync::Arc;
//! use std::sync::atomic::AtomicBool;
//! use std::time::Duration;
//!
//! use entrega_clients::Strategy;
//! use entrega_live::Clock;
//! use entrega_model::Model;
//! use entrega_scenario::Scenario;
//! use entrega_scenario::workload::Planner;
//! use entrega_stage::{Ending, Limits, Setup};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let text = "[workload]\nmessages = 20\n";
//! let scenario = Scenario::parse("small", text, &[], &|_| Err(String::new())).unwrap().scenario;
//! let workload = Arc::new(Planner::new(&scenario).plan(None, 1));
//! let (model, strategy) = (Model::Queue, Strategy::ProcessThenSettle);
//! let setup = Setup { scenario: Arc::new(scenario), workload, model, strategy, seed: 1 };
//!
//! let stop = AtomicBool::new(false);
//! let limits = Limits { patience: Duration::from_secs(60), stop: &stop };
//! let choices = setup.experiment().random_choices();
//! let run = setup.run(choices, Clock::faster(100.try_into().unwrap()), limits, ()).await;
//! assert_eq!(run.ending, Ending::AtRest);
//! assert_eq!(run.report.sends.ok, 20);
//! # });
//! ```

pub mod faults;
pub mod meter;
mod run;
pub mod scale;
pub mod setup;
mod stage;

pub use meter::{Meter, Reading};
pub use setup::{Ending, Limits, LiveRun, Setup, has_simulated_sinks};
pub use stage::CLOSING;
