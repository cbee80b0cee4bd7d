//! The threads of the program. The libraries divide their work into pieces; here several workers do
//! them.
//!
//! * [`pool`]: a sweep and its examples, on all cores.
//! * [`watch`]: which run each worker makes, so that one that never ends is noticed.
//! * [`explorations`], [`truth_table`]: explorations under that watch.
//! * [`live_sweep`]: live runs, some at a time.

pub(crate) mod explorations;
pub(crate) mod live_sweep;
pub(crate) mod pool;
pub(crate) mod truth_table;
pub(crate) mod watch;
