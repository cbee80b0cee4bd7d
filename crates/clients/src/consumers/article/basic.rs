//! The article's basic loop, "the simplest exactly-once implementation".

use crate::consumers::row::*;
use crate::{Application, LogSubscription, Stop};

/// Polls a message and processes it. Nothing in it commits; the library does.
///
/// The crash window: all of it. librdkafka stores the offset when it delivers the message, so its
/// timer, or `close()` after an error, commits a message that has no effect yet: lost. What the
/// timer has not committed a crash repeats. It is neither at-most-once nor at-least-once
/// (semantics.md C18).
///
/// # Errors
/// [`Stop`] when receiving fails or the handler raises.
// ANCHOR: basic
pub async fn basic(inbox: &impl LogSubscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(message) = inbox.next().await? {
        app.attempt(&message).await?;
    }
    Ok(())
}
// ANCHOR_END: basic

/// The article's first loop: poll and process.
pub(crate) struct ArticleBasic;

impl Row for ArticleBasic {
    const SPEC: Spec = Spec {
        name: "article-basic",
        summary: "the article's first loop: poll and process, auto-commit",
        on_log: Some(Guarantee::None),
        on_queue: None,
        settles: Settles::AsConfigured,
        settle_scope: SettleScope::Individual,
        sink: SinkKind::Plain,
        reads: &["enable_auto_commit", "client", "auto_commit_interval"],
        declares_dead_letters: false,
        keeps_nothing_between_deliveries: false,
        waits_for_one_thing: true,
    };

    fn run_on_log(
        inbox: &impl LogSubscription,
        app: &impl ProgressInSink,
        _: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        basic(inbox, app)
    }
}
