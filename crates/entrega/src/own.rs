//! Your own consumer, explored in a test: every run with at most n faults.
//!
//! A consumer that processes, then settles, never loses, wherever it crashes and whichever settle
//! is lost on the way; but it duplicates:
//!
//! ```
//! use entrega::prelude::*;
//!
//! async fn send_mails(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
//!     while let Some(delivery) = inbox.next().await? {
//!         let done = app.process(&delivery).await?;
//!         inbox.settle(done).await.carry_on();
//!     }
//!     Ok(())
//! }
//!
//! explore(consumer!(send_mails)).messages(3).assert_never(lost).assert_sometimes(duplicated);
//! ```
//!
//! One that settles first loses, and the test says how:
//!
//! ```should_panic
//! use entrega::prelude::*;
//!
//! async fn settle_first(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
//!     while let Some(delivery) = inbox.next().await? {
//!         inbox.settle(&[delivery]).await?;
//!         app.process(&delivery).await?;
//!     }
//!     Ok(())
//! }
//!
//! explore(consumer!(settle_first)).on(Model::Queue).messages(3).faults(1).assert_never(lost);
//! ```
//!
//! # What is explored
//!
//! Unless [`Explorer::scenario`] says otherwise: two messages of one key, read by one consumer and
//! by two, on both models. One thing goes wrong in a run: anything that the model has, that is,
//! every row of the [table of fault points](entrega_scenario::points::FAULTS). There are crashes,
//! stalls that make zombies, handlers that fail or are slow, poison, rebalances, restarts of the
//! broker, and requests and answers that are lost, late or doubled. [`Explorer::only`] chooses
//! among them, and [`Outcomes`] says what was tried and what was not. Instead of a fault, one thing
//! may come in another order: a handler goes on only when all others have done what they can, say,
//! so that handlers overlap as they do in production ([`Explorer::preemptions`]).
//!
//! Nothing takes any time but timeouts. A log starts at its beginning (`auto_offset_reset =
//! "earliest"`). The client library does nothing by itself. A request is given up after 1 s, also
//! in a scenario that leaves the request timeouts out: the 30 s of a client would end with the
//! lease of a queue, which then hides what an application makes of a request without an answer.
//! [`Application::process`] tries a message a few times and then writes a dead letter, so that
//! poison does not block what comes after it; [`Application::attempt`] leaves that to the consumer.
//!
//! [`Application::process`]: entrega_clients::Application::process
//! [`Application::attempt`]: entrega_clients::Application::attempt
//!
//! A consumer may poll with a timeout and go on when there is nothing. Two idle answers in a row
//! come at their deadlines; a third only after something else has happened. So such a consumer
//! comes to rest. What it would do after more idle polls in a row is *not tried*; one that does
//! something then is reported.
//!
//! # When an assertion proves something
//!
//! Only if every run was made ([`Explored::complete`]), the run without a fault leaves nothing
//! behind, and the consumer [behaves](entrega_sim::misbehaviour). So each assertion fails if not,
//! and says why.
//!
//! [`Explored::complete`]: entrega_sim::explore::Explored::complete
//!
//! Time is no fault, and an exploration has little of it. If the numbers of a scenario say that a
//! handler may outlast a lease or `max_poll_interval` by itself, up to two handlers of a run do so
//! without a fault. If they say that time can do still more ([`untried`](mod@crate::untried)), the
//! outcome [names it](Outcomes::not_tried), and that something never happens is not proved:
//! [`assert_never`](Explorer::assert_never) fails and says what was not tried. Change the numbers,
//! or say [`Explorer::as_far_as_tried`] if that is enough. By default there is nothing of the kind.
//!
//! A fault may keep a consumer from resting for ever: a message that is poison is tried again and
//! again. Such a run shows [`stalled`](crate::outcome::stalled). A message is lost in it if the
//! broker cannot deliver it, nobody alive holds it, and it has no effect; the others without an
//! effect are [open](Outcomes::open).
//!
//! # What outlives a life
//!
//! Each life of the consumer has a clone of it as it was given, so that what it writes into itself
//! dies with it. What is to survive is one value, which all lives and instances of a run share:
//!
//! ```
//! use std::cell::RefCell;
//! use std::collections::BTreeSet;
//!
//! use entrega::prelude::*;
//! use entrega_model::MessageId;
//!
//! type Seen = BTreeSet<MessageId>;
//!
//! async fn remembers(
//!     inbox: &impl Subscription,
//!     app: &impl Application,
//!     seen: &RefCell<Seen>,
//! ) -> Result<(), Stop> {
//!     while let Some(delivery) = inbox.next().await? {
//!         if seen.borrow_mut().insert(delivery.record.message) {
//!             app.process(&delivery).await?;
//!         }
//!         inbox.settle(&[delivery]).await.carry_on();
//!     }
//!     Ok(())
//! }
//!
//! let explorer = explore(consumer!(keeping Seen: remembers)).keeping(Seen::new());
//! explorer.only(["effect.before"]).assert_never(duplicated).assert_sometimes(lost);
//! ```
//!
//! A consumer that shares anything else between its runs, or reads the clock of the machine,
//! depends on something outside, and no run of it proves anything. Some runs are made twice, and if
//! one of them goes another way, that is the whole result.
//!
//! The explorer does not see what lives share. So by default every run is made to its end. Say
//! [`Explorer::stateless`] of a consumer whose lives share nothing, and runs are cut where they
//! come to a known state: much faster, with the same result.
//!
//! # When a consumer blocks
//!
//! A loop that never awaits ends no poll, and nothing on its thread can end it. Run the exploration
//! on a thread of its own, give it a [`Pulse`] and look at that now and then:
//!
//! ```
//! use std::sync::{Arc, mpsc};
//! use std::time::Duration;
//!
//! use entrega::prelude::*;
//! use entrega::Pulse;
//!
//! # async fn mine(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
//! #     while let Some(delivery) = inbox.next().await? {
//! #         inbox.settle(app.process(&delivery).await?).await.carry_on();
//! #     }
//! #     Ok(())
//! # }
//! let pulse = Arc::new(Pulse::default());
//! let explorer = explore(consumer!(mine)).pulse(Arc::clone(&pulse));
//! let (done, result) = mpsc::channel();
//! std::thread::Builder::new().spawn(move || done.send(explorer.run().is_ok()))?;
//! loop {
//!     let beats = pulse.beats();
//!     match result.recv_timeout(Duration::from_secs(2)) {
//!         Err(mpsc::RecvTimeoutError::Timeout) if pulse.beats() != beats => {}
//!         Err(_) => panic!("it blocks its thread: {:?} {:?}", pulse.inside(), pulse.choices()),
//!         Ok(well) => break assert!(well),
//!     }
//! }
//! # Ok::<(), std::io::Error>(())
//! ```

mod faults;
mod keeping;
mod outcomes;
mod prepared;
mod recorder;
mod replay;
mod runs;
mod settings;
pub(crate) mod unrest;

use std::sync::Arc;

use entrega_choice::{Choice, ParseError};
use entrega_clients::consumer::ConsumerWithStore;
use entrega_clients::{Consumer, Strategy};
use entrega_model::Model;
use entrega_sim::explore::Misbehaved;
use entrega_sim::{Misdeed, Pulse};
use thiserror::Error;

pub use keeping::Keeping;
pub use outcomes::Outcomes;
pub use replay::Replayed;

use self::runs::{Configuration, Tried};
use self::settings::Settings;
use crate::Finding;

/// Explores a consumer of your own. Each life in each run has a clone of it, so that none knows of
/// another: the clone must share nothing with the original, as it would through an `Rc` or an
/// `Arc`.
pub fn explore<C: Clone>(consumer: C) -> Explorer<C> {
    Explorer { consumer, fresh: C::clone, keeps: false, settings: Settings::default() }
}

/// An exploration of your own consumer, before it is run.
#[derive(Clone, Debug)]
#[must_use = "nothing is explored before an assertion or `run`"]
pub struct Explorer<C> {
    consumer: C,
    /// The consumer of another run.
    fresh: fn(&C) -> C,
    /// Its lives share a store.
    keeps: bool,
    settings: Settings,
}

/// Why nothing could be explored or replayed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The scenario cannot be read. It says where and why.
    #[error("{0}")]
    Scenario(entrega_scenario::Problem),
    /// There is no fault point of this name. Write one of those that are listed, or the first word
    /// of some; with `=` and an alternative if only that is meant.
    #[error("there is no fault '{name}'; there are: {}", faults::names())]
    NoSuchFault {
        /// What was written.
        name: String,
    },
    /// The choices cannot be read.
    #[error("the choices to be replayed: {0}")]
    Choices(#[from] ParseError),
    /// The run never came to these choices: they are of another consumer, model or scenario.
    #[error("the run never came to these choices: {0}")]
    NotReached(String),
}

impl<C: ConsumerWithStore + Clone> Explorer<C>
where
    C::Store: Clone,
{
    /// With this store. Each run has a clone of it, which the lives and instances of the consumer
    /// share. No run is cut then, whatever the consumer keeps besides.
    pub fn keeping(self, store: C::Store) -> Explorer<Keeping<C>> {
        let Self { consumer, settings, .. } = self;
        let consumer = Keeping::new(consumer, store);
        Explorer { consumer, fresh: Keeping::fresh, keeps: true, settings }
    }
}

impl<C> Explorer<C> {
    /// On this model only. Default both.
    pub fn on(mut self, model: Model) -> Self {
        self.settings.models = vec![model];
        self
    }

    /// With this number of messages, at least 1. Default 2.
    pub fn messages(mut self, messages: u32) -> Self {
        self.settings.scope.messages = messages.max(1);
        self
    }

    /// With this number of instances of the consumer, at least 1. Default: with one, then with two.
    pub fn consumers(mut self, consumers: u32) -> Self {
        self.settings.consumers = vec![consumers.max(1)];
        self
    }

    /// With this number of partitions on a log, at least 1. Default 1.
    pub fn partitions(mut self, partitions: u16) -> Self {
        self.settings.scope.partitions = partitions.max(1);
        self
    }

    /// With at most this many faults in one run, a [change of order](Self::preemptions) included.
    /// Default 1. With 0 one change of order is still tried.
    pub fn faults(mut self, faults: u8) -> Self {
        self.settings.faults = faults;
        self
    }

    /// With these faults only: `settle.request` is all that can go wrong there,
    /// `settle.request=lost` one of that, `settle` all of both legs and the crash after it.
    /// Default: what the scenario names under `[faults]`, and all that the model has if it names
    /// nothing.
    pub fn only<'n>(mut self, faults: impl IntoIterator<Item = &'n str>) -> Self {
        self.settings.only = Some(faults.into_iter().map(str::to_owned).collect());
        self
    }

    /// With at most this many changes of order in one run, whatever goes wrong in it: a request or
    /// a deadline comes before its turn, or a handler goes on or a poll gives up after all others.
    /// Default: one, which counts as a fault, so that a run has one or the other if at most one
    /// fault may happen.
    pub fn preemptions(mut self, preemptions: u8) -> Self {
        self.settings.preemptions = Some(preemptions);
        self
    }

    /// With at most this many runs on each model. Default 200 000.
    pub fn budget(mut self, schedules: u64) -> Self {
        self.settings.budget = schedules;
        self
    }

    /// With the settings of a scenario (TOML, as `entrega new` writes it) and the faults that it
    /// names, if it names any; their probabilities do not matter. Its first subscription is
    /// explored, with no more consumers and partitions than it has. Request timeouts that it leaves
    /// out are 1 s.
    pub fn scenario(mut self, text: &str) -> Self {
        self.settings.scenario = Some(text.to_owned());
        self
    }

    /// With the client library and the sink set up as for this strategy: `DeduplicatingSink` has a
    /// sink that recognises what it has seen, `AutoSettleAtDelivery` has the library settle by
    /// itself. Default `ProcessThenSettle`: a plain sink, and the application settles.
    pub fn like(mut self, strategy: Strategy) -> Self {
        self.settings.like = strategy;
        self
    }

    /// The lives of the consumer share nothing: runs are cut in known states.
    pub fn stateless(mut self) -> Self {
        self.settings.stateless = true;
        self
    }

    /// The consumer may leave messages behind or never rest although nothing goes wrong: it waits
    /// for a third message before it settles two, say.
    pub fn may_stall(mut self) -> Self {
        self.settings.may_stall = true;
        self
    }

    /// What [`assert_never`](Self::assert_never) says holds as far as was tried, although time
    /// could do [more](Outcomes::not_tried) in the scenario.
    pub fn as_far_as_tried(mut self) -> Self {
        self.settings.as_far_as_tried = true;
        self
    }

    /// Tells a watchdog on another thread where the exploration stands.
    pub fn pulse(mut self, pulse: Arc<Pulse>) -> Self {
        self.settings.pulse = Some(pulse);
        self
    }

    fn allows(&self, misdeed: &Misdeed, choices: &[Choice]) -> bool {
        misdeed.is_unrest() && (self.settings.may_stall || !choices.is_empty())
    }
}

impl<C: Consumer + Clone> Explorer<C> {
    /// Explores on every model, on this thread, until all is known or the consumer misbehaves.
    ///
    /// # Errors
    /// [`Problem::Scenario`], [`Problem::NoSuchFault`].
    pub fn run(self) -> Result<Outcomes<C>, Problem> {
        let mut tried = Vec::new();
        for &model in &self.settings.models {
            tried.extend(self.tried_on(model)?);
        }
        Ok(Outcomes::new(self, tried))
    }

    /// Explores one model with more and more consumers, as far as the scenario has them.
    fn tried_on(&self, model: Model) -> Result<Vec<Tried>, Problem> {
        let mut tried: Vec<Tried> = Vec::new();
        let mut budget = self.settings.budget;
        for &consumers in &self.settings.consumers {
            let prepared = self.prepare(Configuration { model, consumers })?;
            let on = Configuration { model, consumers: prepared.consumers() };
            let is_known = tried.iter().any(|known| known.on == on);
            if is_known || tried.iter().any(|known| self.is_over(known)) {
                continue;
            }
            let more = self.tried(&prepared, on, budget);
            budget -= more.explored.schedules;
            tried.push(more);
        }
        Ok(tried)
    }

    /// Whether nothing that is found after this can mean anything.
    fn is_over(&self, tried: &Tried) -> bool {
        let mut misbehaved = tried.explored.misbehaved.values();
        let is_allowed =
            |one: &Misbehaved| self.allows(&one.misbehaviour.misdeed, &one.showing.simplest);
        tried.differs.is_some() || !misbehaved.all(is_allowed)
    }

    /// That no run shows this. Explores.
    ///
    /// # Panics
    /// If one does, with its story; and if [nothing is proved](crate::own).
    #[track_caller]
    pub fn assert_never(self, shows: impl Fn(&Finding) -> bool) -> Outcomes<C> {
        self.run_or_panic().assert_never(shows)
    }

    /// That some run shows this, on every model. Explores.
    ///
    /// # Panics
    /// If none does; and if [nothing is proved](crate::own).
    #[track_caller]
    pub fn assert_sometimes(self, shows: impl Fn(&Finding) -> bool) -> Outcomes<C> {
        self.run_or_panic().assert_sometimes(shows)
    }

    #[track_caller]
    fn run_or_panic(self) -> Outcomes<C> {
        match self.run() {
            Ok(outcomes) => outcomes,
            Err(problem) => panic!("{problem}"),
        }
    }
}
