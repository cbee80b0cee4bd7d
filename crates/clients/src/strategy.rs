//! The catalogue of consumer strategies: their names, what they promise, and in one sentence how.

use std::fmt;
use std::str::FromStr;

use entrega_model::{Guarantee, Model};
use serde::{Deserialize, Serialize};

use crate::{AutoSettle, SettleScope};

/// A way to order effect and settle. Each is one file under [`crate::consumers`], in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Settle, make sure of it, then process.
    SettleThenProcess,
    /// Process, then settle each message.
    ProcessThenSettle,
    /// Process, and settle every N messages or after a time limit.
    SettleEveryN,
    /// The plain loop where the hand-over itself settles.
    AutoSettleAtDelivery,
    /// The plain loop where asking for the next message settles the one before.
    AutoSettleAtNextReceive,
    /// Process, then settle; the sink recognises what it has seen.
    DeduplicatingSink,
    /// Process with bounded retries, write failures to the dead letters, then settle.
    DeadLetter,
    /// Collect a batch, write it to the sink at once, then settle all of it.
    MicroBatch,
    /// Process with bounded retries and reject failures, which the queue dead-letters.
    BrokerDeadLetter,
    /// Several workers, each of which settles up to the highest message that is done.
    ParallelNaive,
    /// Several workers; only what has no unfinished message before it is committed.
    Parallel,
    /// The sink stores the progress in the transaction of the effect, if it is the expected one.
    ProgressWithEffect,
    /// The same without looking at what was stored: known bad.
    ProgressWithEffectUnconditional,
    /// The article's first loop: poll and process.
    ArticleBasic,
    /// The article's second loop: a commit by hand every N messages.
    ArticleCommitEveryN,
    /// The article's third loop: failures go to a dead-letter store.
    ArticleDeadLetters,
}

impl Strategy {
    /// Those that a scenario compares unless it names others: one message at a time, on both
    /// models.
    pub const CORE: [Self; 7] = [
        Self::SettleThenProcess,
        Self::ProcessThenSettle,
        Self::SettleEveryN,
        Self::AutoSettleAtDelivery,
        Self::AutoSettleAtNextReceive,
        Self::DeduplicatingSink,
        Self::DeadLetter,
    ];

    /// All of them, in teaching order.
    pub const ALL: [Self; 16] = [
        Self::SettleThenProcess,
        Self::ProcessThenSettle,
        Self::SettleEveryN,
        Self::AutoSettleAtDelivery,
        Self::AutoSettleAtNextReceive,
        Self::DeduplicatingSink,
        Self::DeadLetter,
        Self::MicroBatch,
        Self::BrokerDeadLetter,
        Self::ParallelNaive,
        Self::Parallel,
        Self::ProgressWithEffect,
        Self::ProgressWithEffectUnconditional,
        Self::ArticleBasic,
        Self::ArticleCommitEveryN,
        Self::ArticleDeadLetters,
    ];

    /// Whether there is such a strategy on `model`: a log has no `reject`, and a queue has neither
    /// offsets nor a commit without arguments.
    pub const fn supports(self, model: Model) -> bool {
        match self {
            Self::BrokerDeadLetter => matches!(model, Model::Queue),
            Self::ArticleBasic | Self::ArticleCommitEveryN | Self::ArticleDeadLetters => {
                matches!(model, Model::Log)
            }
            _ => true,
        }
    }

    /// The name used in scenarios, tables and replay strings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SettleThenProcess => "settle-then-process",
            Self::ProcessThenSettle => "process-then-settle",
            Self::SettleEveryN => "settle-every-n",
            Self::AutoSettleAtDelivery => "auto-settle-at-delivery",
            Self::AutoSettleAtNextReceive => "auto-settle-at-next-receive",
            Self::DeduplicatingSink => "deduplicating-sink",
            Self::DeadLetter => "dead-letter",
            Self::MicroBatch => "micro-batch",
            Self::BrokerDeadLetter => "broker-dead-letter",
            Self::ParallelNaive => "parallel-naive",
            Self::Parallel => "parallel",
            Self::ProgressWithEffect => "progress-with-effect",
            Self::ProgressWithEffectUnconditional => "progress-with-effect-unconditional",
            Self::ArticleBasic => "article-basic",
            Self::ArticleCommitEveryN => "article-commit-every-n",
            Self::ArticleDeadLetters => "article-dead-letters",
        }
    }

    /// One sentence for a person who chooses.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::SettleThenProcess => {
                "settle, make sure of it, then process: a crash in between loses"
            }
            Self::ProcessThenSettle => "process, then settle each: a crash in between duplicates",
            Self::SettleEveryN => {
                "process, settle every N or after a time limit: a crash repeats up to N"
            }
            Self::AutoSettleAtDelivery => {
                "the hand-over settles (auto-commit timer, automatic ack)"
            }
            Self::AutoSettleAtNextReceive => "asking for the next message settles the one before",
            Self::DeduplicatingSink => "process, then settle; the sink suppresses what it has seen",
            Self::DeadLetter => "bounded retries, then the dead letters, then settle",
            Self::MicroBatch => "one sink write for a batch, then settle it: a crash repeats all",
            Self::BrokerDeadLetter => "bounded retries, then reject: the queue dead-letters",
            Self::ParallelNaive => "workers settle up to the highest one done: a crash loses",
            Self::Parallel => "workers; nothing is settled before what precedes it is done",
            Self::ProgressWithEffect => {
                "the sink stores the progress with the effect, if it is the expected one"
            }
            Self::ProgressWithEffectUnconditional => {
                "the same without looking at what was stored: a zombie duplicates"
            }
            Self::ArticleBasic => "the article's first loop: poll and process, auto-commit",
            Self::ArticleCommitEveryN => {
                "the article's second loop: a commit by hand every N, auto-commit left on"
            }
            Self::ArticleDeadLetters => {
                "the article's third loop: failures are saved, and the commits go wrong"
            }
        }
    }

    /// What it promises on `model` as long as no message is poison and the broker loses nothing.
    pub const fn guarantee(self, model: Model) -> Guarantee {
        match (self, model) {
            (Self::SettleThenProcess, _) => Guarantee::AtMostOnce,
            (Self::AutoSettleAtDelivery, Model::Log) => Guarantee::None,
            (Self::AutoSettleAtDelivery, Model::Queue) => Guarantee::AtMostOnce,
            (Self::DeduplicatingSink | Self::ProgressWithEffect, _) => Guarantee::ExactlyOnceEffect,
            (Self::ParallelNaive, _)
            | (Self::ArticleBasic | Self::ArticleCommitEveryN | Self::ArticleDeadLetters, _) => {
                Guarantee::None
            }
            _ => Guarantee::AtLeastOnce,
        }
    }

    /// What the client library settles by itself under this strategy, unless the configuration of
    /// the article's loops says otherwise.
    pub const fn auto_settle(self) -> AutoSettle {
        match self {
            Self::AutoSettleAtDelivery
            | Self::ArticleBasic
            | Self::ArticleCommitEveryN
            | Self::ArticleDeadLetters => AutoSettle::AtDelivery,
            Self::AutoSettleAtNextReceive => AutoSettle::AtNextReceive,
            _ => AutoSettle::Off,
        }
    }

    /// What a settle covers on a queue under this strategy.
    pub const fn settle_scope(self) -> SettleScope {
        match self {
            Self::SettleEveryN | Self::ParallelNaive => SettleScope::Cumulative,
            _ => SettleScope::Individual,
        }
    }

    /// Whether a message may end in the dead letters as part of the promise.
    pub const fn declares_dead_letters(self) -> bool {
        matches!(self, Self::DeadLetter | Self::BrokerDeadLetter | Self::ArticleDeadLetters)
    }

    /// Whether its loop keeps nothing from one delivery to the next, so that all its process knows
    /// between two is what the client library knows. Some loops count, collect or share.
    pub const fn keeps_nothing_between_deliveries(self) -> bool {
        matches!(
            self,
            Self::SettleThenProcess
                | Self::ProcessThenSettle
                | Self::AutoSettleAtDelivery
                | Self::AutoSettleAtNextReceive
                | Self::DeduplicatingSink
                | Self::DeadLetter
                | Self::BrokerDeadLetter
        )
    }

    /// Whether its process waits for one thing at a time, as far as the strategy goes. Those with
    /// several workers do not.
    pub const fn waits_for_one_thing(self) -> bool {
        !matches!(self, Self::Parallel | Self::ParallelNaive)
    }

    /// Whether it is one of the article's loops, which alone read `enable_auto_commit` and
    /// `client`.
    pub const fn is_from_the_article(self) -> bool {
        matches!(self, Self::ArticleBasic | Self::ArticleCommitEveryN | Self::ArticleDeadLetters)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Strategy {
    type Err = ();

    fn from_str(name: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|strategy| strategy.name() == name).ok_or(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for strategy in Strategy::ALL {
            assert_eq!(strategy.name().parse(), Ok(strategy));
        }
        assert_eq!("parallell".parse::<Strategy>(), Err(()));
    }

    #[test]
    fn the_core_runs_everywhere_and_what_only_one_model_has_only_there() {
        let on = |model, one: &Strategy| one.supports(model);
        let everywhere = |one: &Strategy| on(Model::Log, one) && on(Model::Queue, one);
        assert!(Strategy::CORE.iter().all(everywhere));
        assert!(Strategy::ALL.starts_with(&Strategy::CORE), "in teaching order");
        let only_on = |model, other| -> Vec<Strategy> {
            let only = |one: &Strategy| on(model, one) && !on(other, one);
            Strategy::ALL.into_iter().filter(only).collect()
        };
        let article = Strategy::ALL.into_iter().filter(|one| one.is_from_the_article());
        assert_eq!(only_on(Model::Queue, Model::Log), [Strategy::BrokerDeadLetter]);
        assert_eq!(only_on(Model::Log, Model::Queue), article.collect::<Vec<_>>());
    }
}
