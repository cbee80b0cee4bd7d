//! The article's second loop: a synchronous commit every `MIN_COMMIT_COUNT` messages.

use crate::consumers::row::*;
use crate::{Application, LogSubscription, Stop};

/// Polls a message, processes and counts it, and commits whenever the count is a multiple of
/// `min_commit_count`. The commit has no arguments: it records what the library has stored in
/// *every* partition (semantics.md C35).
///
/// The crash window: a crash repeats up to `min_commit_count` effects, with 1 too (C21). With
/// auto-commit on, the windows of [`super::basic()`] come on top, and a timer that was faster makes
/// the commit raise `_NO_OFFSET`. There is no time limit, so the tail of an idle topic is never
/// committed by this loop.
///
/// # Errors
/// [`Stop`] when receiving fails, the handler raises or a commit fails.
// ANCHOR: commit_every_n
pub async fn commit_every_n(
    inbox: &impl LogSubscription,
    app: &impl Application,
    min_commit_count: u32,
) -> Result<(), Stop> {
    let mut count = 0;
    while let Some(message) = inbox.next().await? {
        app.attempt(&message).await?;
        count += 1;
        if count % min_commit_count == 0 {
            inbox.commit_stored().await?;
        }
    }
    Ok(())
}
// ANCHOR_END: commit_every_n

/// The article's second loop: a commit by hand every N messages.
pub(crate) struct ArticleCommitEveryN;

impl Row for ArticleCommitEveryN {
    const SPEC: Spec = Spec {
        name: "article-commit-every-n",
        summary: "the article's second loop: a commit by hand every N, auto-commit left on",
        on_log: Some(Guarantee::None),
        on_queue: None,
        settles: Settles::AsConfigured,
        settle_scope: SettleScope::Individual,
        sink: SinkKind::Plain,
        reads: &["settle_every", "enable_auto_commit", "client", "auto_commit_interval"],
        declares_dead_letters: false,
        keeps_nothing_between_deliveries: false,
        waits_for_one_thing: true,
    };

    fn run_on_log(
        inbox: &impl LogSubscription,
        app: &impl ProgressInSink,
        config: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        commit_every_n(inbox, app, config.settle_every)
    }
}
