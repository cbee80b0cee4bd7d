//! The claims of `docs/semantics.md`, each as a small test that carries its number: what is
//! claimed, and the opposite that shows that the test could fail.
//!
//! Most of them explore: *every* run of three messages with at most one fault, or two, each at any
//! of its occurrences and with any delay (see [`bench`]). So "never" here means none of these runs,
//! and a count of runs is exact.
//!
//! | Claim | Where |
//! |---|---|
//! | C1, C3 to C7, C31, C33, C34 | nowhere: about producers, opinion, or nothing that is simulated |
//! | C2, C8 to C12 | [`queue_or_log`] |
//! | C13 to C17, C20, C25, C29, C30, C32 | [`exactly_once`] |
//! | C18, C19, C21, C23, C35 | [`loops`]; row by row in `crates/sim/tests/article_loops.rs` |
//! | C23, the commit cadence with exact counts | `crates/sim/tests/article_loops/dead_letters.rs` |
//! | C22, C24, C26 to C28 | [`failures`] |
//! | C36 | `crates/brokers/src/log/tests.rs` |
//! | B2, B5, B6, M1, M2, M6, A1, A2, A4, A8 | [`missing_half`] |
//! | M3, M4 | `crates/sim/tests/strategies.rs` |
//! | M5 | [`loops`], with C35 |
//! | B1, B3, B4, B7, B8, A3, A5 to A7, A9 | nowhere yet: no strategy shows them |
//!
//! What a strategy promises in general, under random workloads and settings, is in
//! `tests/semantics.rs`.

#[path = "claims/bench.rs"]
mod bench;
#[path = "claims/exactly_once.rs"]
mod exactly_once;
#[path = "claims/failures.rs"]
mod failures;
#[path = "claims/loops.rs"]
mod loops;
#[path = "claims/missing_half.rs"]
mod missing_half;
#[path = "claims/queue_or_log.rs"]
mod queue_or_log;
