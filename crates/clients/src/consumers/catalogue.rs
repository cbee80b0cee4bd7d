//! The catalogue: one line a strategy, in teaching order.
//!
//! A line names the strategy and the module that holds its function and its [row](Spec). Everything
//! else follows from the row: adding a strategy is its file, its line here, its tests and its row
//! in the documentation.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;

use entrega_model::{Guarantee, Model};
use serde::{Deserialize, Serialize};

use super::row::{Row, Spec};
use crate::application::ProgressInSink;
use crate::{Application, LogSubscription, QueueSubscription, Stop, StrategyConfig, Subscription};

catalogue! {
    SettleThenProcess in settle_then_process,
    ProcessThenSettle in process_then_settle,
    SettleEveryN in settle_every_n,
    AutoSettleAtDelivery in auto_settle,
    AutoSettleAtNextReceive in auto_settle,
    DeduplicatingSink in deduplicating_sink,
    DeadLetter in dead_letter,
    MicroBatch in micro_batch,
    BrokerDeadLetter in broker_dead_letter,
    ParallelNaive in parallel_naive,
    Parallel in parallel,
    ProgressWithEffect in progress_with_effect,
    ProgressWithEffectUnconditional in progress_with_effect_unconditional,
    Transactional in transactional,
    ArticleBasic in article::basic,
    ArticleCommitEveryN in article::commit_every_n,
    ArticleDeadLetters in article::dead_letters,
}

impl Strategy {
    /// Those that a scenario compares unless it names others: one message at a time, on both
    /// models. They come first.
    pub const CORE: &'static [Self] = Self::ALL.split_at(7).0;

    /// The one that asks nothing special of its surroundings: the library settles nothing by
    /// itself, a settle covers one message, and the sink is plain.
    pub const PLAIN: Self = Self::ProcessThenSettle;

    /// The name used in scenarios, tables and replay strings.
    pub const fn name(self) -> &'static str {
        self.spec().name
    }

    /// One sentence for a person who chooses.
    pub const fn summary(self) -> &'static str {
        self.spec().summary
    }

    /// What it promises on `model` as long as no message is poison and the broker loses nothing;
    /// nothing where it does not run.
    pub const fn guarantee(self, model: Model) -> Guarantee {
        match self.spec().guarantee(model) {
            Some(guarantee) => guarantee,
            None => Guarantee::None,
        }
    }

    /// Whether there is such a strategy on `model`: a log has no `reject`, and a queue has neither
    /// offsets nor a commit without arguments.
    pub const fn supports(self, model: Model) -> bool {
        self.spec().guarantee(model).is_some()
    }

    /// Whether a served broker can be used with it too. What writes its effects to the broker is
    /// simulated only.
    pub const fn runs_live(self) -> bool {
        !self.spec().sink.is_broker()
    }

    /// Whether it reads a setting of `[consumer]` that not every strategy reads.
    pub fn reads(self, setting: &str) -> bool {
        self.spec().reads.contains(&setting)
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

/// A consumer at work. One allocation a life keeps the consumer out of the futures around it, so a
/// poll goes straight to it.
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<(), Stop>> + 'a>>;

/// Makes of the lines above: the enum, the list of all, the way to a row, and the three ways to run
/// it.
macro_rules! catalogue {
    ($($strategy:ident in $($module:ident)::+,)+) => {
        /// A way to order effect and settle. Each stands in a file under
        /// [`consumers`](crate::consumers), in this order.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum Strategy {
            $(
                #[doc = concat!("See `consumers", $("/", stringify!($module),)+ ".rs`.")]
                $strategy,
            )+
        }

        impl Strategy {
            /// All of them, in teaching order.
            pub const ALL: [Self; [$(stringify!($strategy)),+].len()] = [$(Self::$strategy),+];

            /// What is known of it.
            pub const fn spec(self) -> &'static Spec {
                match self {
                    $(Self::$strategy => &<super::$($module)::+::$strategy as Row>::SPEC,)+
                }
            }
        }

        /// Runs the consumer of a strategy on a log.
        ///
        /// It ends as the consumer itself does; with [`Stop::Unsupported`] if a log does not have
        /// what it needs.
        pub fn run_on_log<'a>(
            strategy: Strategy,
            inbox: &'a impl LogSubscription,
            app: &'a impl ProgressInSink,
            config: &'a StrategyConfig,
        ) -> Running<'a> {
            match strategy {
                $(Strategy::$strategy => {
                    Box::pin(super::$($module)::+::$strategy::run_on_log(inbox, app, config))
                })+
            }
        }

        /// Runs the consumer of a strategy on a queue.
        ///
        /// It ends as the consumer itself does; with [`Stop::Unsupported`] if a queue does not have
        /// what it needs.
        pub fn run_on_queue<'a>(
            strategy: Strategy,
            inbox: &'a impl QueueSubscription,
            app: &'a impl ProgressInSink,
            config: &'a StrategyConfig,
        ) -> Running<'a> {
            match strategy {
                $(Strategy::$strategy => {
                    Box::pin(super::$($module)::+::$strategy::run_on_queue(inbox, app, config))
                })+
            }
        }

        /// Runs the consumer of a strategy that needs nothing of one model alone.
        ///
        /// It ends as the consumer itself does; with [`Stop::Unsupported`] if it does need that.
        pub fn run<'a>(
            strategy: Strategy,
            inbox: &'a impl Subscription,
            app: &'a impl Application,
            config: &'a StrategyConfig,
        ) -> Running<'a> {
            match strategy {
                $(Strategy::$strategy => {
                    Box::pin(super::$($module)::+::$strategy::run(inbox, app, config))
                })+
            }
        }
    };
}
use catalogue;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consumers::Settles;

    #[test]
    fn names_are_read_back() {
        for strategy in Strategy::ALL {
            assert_eq!(strategy.name().parse(), Ok(strategy));
        }
        assert_eq!("parallell".parse::<Strategy>(), Err(()));
    }

    /// The name in a row is the variant's, in the form in which serde writes it.
    #[test]
    fn a_row_has_the_name_of_its_strategy() {
        let kebab = |strategy: &Strategy| {
            format!("{strategy:?}").chars().fold(String::new(), |name, letter| {
                let dash = if letter.is_uppercase() && !name.is_empty() { "-" } else { "" };
                format!("{name}{dash}{}", letter.to_ascii_lowercase())
            })
        };
        assert_eq!(Strategy::ALL.map(Strategy::name), Strategy::ALL.each_ref().map(kebab));
    }

    #[test]
    fn the_core_runs_everywhere_and_what_only_one_model_has_only_there() {
        let on = |model, one: &Strategy| one.supports(model);
        let everywhere = |one: &Strategy| on(Model::Log, one) && on(Model::Queue, one);
        assert!(Strategy::CORE.iter().all(everywhere));
        assert!(Strategy::ALL.starts_with(Strategy::CORE), "in teaching order");
        let only_on = |model, other| -> Vec<Strategy> {
            let only = |one: &Strategy| on(model, one) && !on(other, one);
            Strategy::ALL.into_iter().filter(only).collect()
        };
        let article =
            Strategy::ALL.into_iter().filter(|one| one.spec().settles == Settles::AsConfigured);
        assert_eq!(only_on(Model::Queue, Model::Log), [Strategy::BrokerDeadLetter]);
        assert_eq!(only_on(Model::Log, Model::Queue), article.collect::<Vec<_>>());
    }
}
