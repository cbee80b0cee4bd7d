//! The article's third loop: what cannot be processed goes to a dead-letter store.

use crate::consumers::row::*;
use crate::{Application, LogSubscription, Stop};

/// Polls a message and processes it, once. If that returns false it saves a dead letter, whatever
/// the failure was; if it *raises* (the error policy is to crash), the loop ends as the other two
/// do. Only what was processed is counted, but the count is looked at for *every* message.
///
/// The crash window: a crash after the effect or the dead letter and before the commit repeats it.
/// How far back that reaches depends on the count: while it is a multiple of `min_commit_count`, 0
/// included, every dead letter commits; while it is not, no run of failures ever does (semantics.md
/// C23). An error of the dead-letter store raises, and with auto-commit on `close()` then loses the
/// message.
///
/// # Errors
/// [`Stop`] when receiving, saving a dead letter or a commit fails.
// ANCHOR: dead_letters
pub async fn dead_letters(
    inbox: &impl LogSubscription,
    app: &impl Application,
    min_commit_count: u32,
) -> Result<(), Stop> {
    let mut count = 0;
    while let Some(message) = inbox.next().await? {
        if app.succeeds(&message).await? {
            count += 1;
        } else {
            app.dead_letter(&message).await?;
        }
        if count % min_commit_count == 0 {
            inbox.commit_stored().await?;
        }
    }
    Ok(())
}
// ANCHOR_END: dead_letters

/// The article's third loop: failures go to a dead-letter store.
pub(crate) struct ArticleDeadLetters;

impl Row for ArticleDeadLetters {
    const SPEC: Spec = Spec {
        name: "article-dead-letters",
        summary: "the article's third loop: failures are saved, and the commits go wrong",
        on_log: Some(Guarantee::None),
        on_queue: None,
        settles: Settles::AsConfigured,
        settle_scope: SettleScope::Individual,
        sink: SinkKind::Plain,
        reads: &[
            "settle_every",
            "enable_auto_commit",
            "client",
            "auto_commit_interval",
            "on_error",
        ],
        declares_dead_letters: true,
        keeps_nothing_between_deliveries: false,
        waits_for_one_thing: true,
    };

    fn run_on_log(
        inbox: &impl LogSubscription,
        app: &impl ProgressInSink,
        config: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        dead_letters(inbox, app, config.settle_every)
    }
}
