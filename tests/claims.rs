//! The claims.

#[path = "claims/bench.rs"]
mod bench;
#[path = "claims/exactly_once.rs"]
mod exactly_once;
#[path = "claims/queue_or_log.rs"]
mod queue_or_log;
#[path = "claims/failures.rs"]
mod failures;
#[path = "claims/loops.rs"]
mod loops;
#[path = "claims/missing_half.rs"]
mod missing_half;
