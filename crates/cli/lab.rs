//! The laboratory behind the commands: scenarios from files, judged runs, sweeps over seeds, and
//! short examples of what a sweep has found.
//!
//! The simulator does not know the checker; here they meet.

pub(crate) mod comparison;
pub(crate) mod examples;
pub(crate) mod exploration;
pub(crate) mod exploring;
pub(crate) mod files;
pub(crate) mod live;
pub(crate) mod live_sweep;
pub(crate) mod property;
pub(crate) mod replay_string;
pub(crate) mod stories;
pub(crate) mod sweep;
pub(crate) mod table;
pub(crate) mod unread;
pub(crate) mod watch;
