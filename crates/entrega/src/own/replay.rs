//! One run of your own consumer, made again from its choices.

use std::fmt;

use entrega_checker::Report;
use entrega_choice::{Choices, format_choices, parse_choices};
use entrega_clients::Consumer;
use entrega_explain::prose;
use entrega_model::Event;
use entrega_scenario::{Cast, points};
use entrega_sim::Misbehaviour;

use super::runs::Configuration;
use super::{Explorer, Problem};
use crate::judge::Judged;

/// A run that was made again. It is displayed line by line.
pub struct Replayed {
    /// What happened.
    pub events: Vec<Event>,
    /// What became of every message.
    pub report: Report,
    /// What the consumer did and must not do.
    pub misbehaviour: Option<Misbehaviour>,
    pub(super) cast: Cast,
}

impl<C: Consumer + Clone> Explorer<C> {
    /// Makes one run again, on the first of the models and with the fewest consumers:
    /// `reader.effect.after#1=crash`, several joined by `+`, or nothing for a run without a fault.
    ///
    /// # Errors
    /// All of [`Problem`].
    pub fn replay(&self, choices: &str) -> Result<Replayed, Problem> {
        let on =
            Configuration { model: self.settings.models[0], consumers: self.settings.consumers[0] };
        self.replay_on(on, choices)
    }

    pub(super) fn replay_on(&self, on: Configuration, choices: &str) -> Result<Replayed, Problem> {
        let prepared = self.prepare(on)?;
        let table = points::table(&prepared.scenario.subscription_names());
        let list = match choices {
            "" => Vec::new(),
            text => parse_choices(&table, text)?,
        };
        let experiment = prepared.experiment(on.model, self.settings.like);
        let (judged, events) = self.judged(&experiment, Choices::explicit(table, list), true);
        let Judged { report, outcome } = judged;
        let unused = outcome.choices.unused();
        if !unused.is_empty() {
            return Err(Problem::NotReached(format_choices(outcome.choices.table(), &unused)));
        }
        let misbehaviour = outcome.misbehaviour;
        Ok(Replayed { events, report, misbehaviour, cast: Cast::of(&prepared.scenario) })
    }
}

impl fmt::Display for Replayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        prose::lines(&self.events, &self.cast).iter().try_for_each(|line| writeln!(f, "  {line}"))
    }
}
