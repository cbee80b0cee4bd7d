//! The three loops of the article that this project began with, exactly as published.
//!
//! "Como ler Kafka?" shows three consumers in Python, over confluent-kafka, which is librdkafka.
//! Each stands in `try: … finally: consumer.close()`, and none shows its configuration, so the
//! defaults hold: auto-commit is *on* in all three, also in the two that commit by hand. Most of
//! what goes wrong with them (semantics.md 1.3) follows from that and from the `finally`.
//!
//! * `basic`: poll, process. The library commits what it delivered.
//! * `commit_every_n`: the same, and a commit by hand every N messages.
//! * `dead_letters`: the same, and failures go to a dead-letter store.
//!
//! # What decides
//!
//! An error of the handler raises: it leaves the loop through `close()`, and the process is
//! restarted. `on_error` does not matter here. What does: `enable_auto_commit`, `client`
//! (`librdkafka`, or the same loop in Java, which commits by batch), `auto_commit_interval`,
//! `settle_every` (the article's `MIN_COMMIT_COUNT`) and, in Java, `prefetch` (`max.poll.records`).
//!
//! # Simplification
//!
//! The article polls with a timeout of a second and skips the empty answer. Here a poll waits as
//! long as it takes: nothing happens in between that the loop would notice, and a run comes to
//! rest.

pub(super) mod basic;
pub(super) mod commit_every_n;
pub(super) mod dead_letters;

pub use basic::basic;
pub use commit_every_n::commit_every_n;
pub use dead_letters::dead_letters;
