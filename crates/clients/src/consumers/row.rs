//! The row of a strategy: everything that is known of it apart from its code, and how it is run.
//!
//! > **The rule.** A row stands in the strategy's own file, below its function, and has no default
//! > for anything: a new column is a question that every strategy must answer. Code elsewhere asks
//! > for a column; it never asks which strategy it is.
//!
//! A file that holds a row imports all of this module.

use std::future::{Future, ready};

use entrega_model::Model;

pub(super) use entrega_model::Guarantee;

pub(super) use crate::application::ProgressInSink;
pub(super) use crate::sinks::SinkKind;
pub(super) use crate::{
    Application, LogSubscription, QueueSubscription, SettleScope, Stop, StrategyConfig,
    Subscription,
};

use crate::{AutoSettle, Library};

/// What is known of a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The name used in scenarios, tables and replay strings.
    pub name: &'static str,
    /// One sentence for a person who chooses.
    pub summary: &'static str,
    /// What it promises on a log as long as no message is poison and the broker loses nothing; none
    /// if it does not run there, as what needs a queue's `reject` does not.
    pub on_log: Option<Guarantee>,
    /// The same on a queue, which has neither offsets nor a commit without arguments.
    pub on_queue: Option<Guarantee>,
    /// Who settles, and when.
    pub settles: Settles,
    /// What a settle covers on a queue.
    pub settle_scope: SettleScope,
    /// The sink that it is made for.
    pub sink: SinkKind,
    /// The settings of a scenario's table `[consumer]` that it reads and not every strategy does.
    pub reads: &'static [&'static str],
    /// Whether a message may end in the dead letters as part of the promise.
    pub declares_dead_letters: bool,
    /// Whether its loop is known to keep nothing from one delivery to the next, so that all its
    /// process knows between two is what the client library knows. Some loops count, collect or
    /// share.
    pub keeps_nothing_between_deliveries: bool,
    /// Whether its process waits for one thing at a time, as far as the strategy goes. One with
    /// several workers does not.
    pub waits_for_one_thing: bool,
}

/// Who settles a message, and when. The critical windows follow from this: what a crash loses or
/// repeats depends on which side of the settle it strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settles {
    /// The application, before the effect.
    BeforeEffect,
    /// The application, after the effect.
    AfterEffect,
    /// The client library, when it delivers the message.
    AtDelivery,
    /// The client library, when it is asked for the next message.
    AtNextReceive,
    /// The client library, when its configuration says so, or not at all: the article's loops.
    AsConfigured,
}

impl Spec {
    /// What the strategy promises on a model; none if it does not run there.
    pub const fn guarantee(&self, model: Model) -> Option<Guarantee> {
        match model {
            Model::Log => self.on_log,
            Model::Queue => self.on_queue,
        }
    }

    /// What the client library does by itself. What is left to the configuration has the default of
    /// librdkafka.
    pub const fn library(&self) -> Library {
        Library::settling(match self.settles {
            Settles::BeforeEffect | Settles::AfterEffect => AutoSettle::Off,
            Settles::AtDelivery | Settles::AsConfigured => AutoSettle::AtDelivery,
            Settles::AtNextReceive => AutoSettle::AtNextReceive,
        })
    }
}

/// A row of the catalogue. Implement [`run`](Row::run) for a strategy that needs nothing of one
/// model alone, the others for one that does.
///
/// The futures are returned as they are: a layer around them would cost something at every poll.
pub(crate) trait Row {
    /// What is known of the strategy.
    const SPEC: Spec;

    /// Runs it on either model.
    fn run(
        _inbox: &impl Subscription,
        _app: &impl Application,
        _config: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        ready(Err(Stop::Unsupported))
    }

    /// Runs it on a log.
    fn run_on_log(
        inbox: &impl LogSubscription,
        app: &impl ProgressInSink,
        config: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        Self::run(inbox, app, config)
    }

    /// Runs it on a queue.
    fn run_on_queue(
        inbox: &impl QueueSubscription,
        app: &impl ProgressInSink,
        config: &StrategyConfig,
    ) -> impl Future<Output = Result<(), Stop>> {
        Self::run(inbox, app, config)
    }
}
