//! One run of your own consumer, made again from its choices.

use std::fmt;

use entrega_checker::Report;
use entrega_choice::{Choices, format_choices, parse_choices};
use entrega_clients::Consumer;
use entrega_explain::prose;
use entrega_model::{Event, Model};
use entrega_scenario::{Cast, points};
use entrega_sim::Misbehaviour;

use super::{Explorer, Problem};
use crate::judge::{Judged, judge_own};

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
    /// Makes one run again, on the first of the models: `reader.effect.after#1=crash`, several
    /// joined by `+`, or nothing for a run without a fault.
    ///
    /// # Errors
    /// All of [`Problem`].
    pub fn replay(&self, choices: &str) -> Result<Replayed, Problem> {
        self.replay_on(self.models[0], choices)
    }

    pub(super) fn replay_on(&self, model: Model, choices: &str) -> Result<Replayed, Problem> {
        let prepared = self.prepare()?;
        let table = points::table(&prepared.scenario.subscription_names());
        let list = match choices {
            "" => Vec::new(),
            text => parse_choices(&table, text)?,
        };
        let mut events = Vec::new();
        let experiment = prepared.experiment(model, self.like);
        let choices = Choices::explicit(table, list);
        let own = self.consumer.clone();
        let Judged { report, outcome } =
            judge_own(&experiment, self.own(&own), choices, &mut events);
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
