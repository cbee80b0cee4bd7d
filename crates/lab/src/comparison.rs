//! What a comparison has found, ready to be printed: rows, examples with their sentences, and
//! whether the scenario's expectations hold.

use std::collections::BTreeMap;

use entrega_checker::summary::RowSummary;
use entrega_checker::{Counter, Reason, Verdict};
use entrega_explain::{Run, Subject};
use entrega_model::{Guarantee, SubscriptionId};
use entrega_scenario::Scenario;

use crate::configuration::Configuration;
use crate::examples::Example;
use crate::expect::{self, Found};
use crate::hints;
use crate::loaded::LoadedScenario;
use crate::sweep::{Sweep, Swept};
use crate::verdict::{self, Judgement};

/// A comparison, complete or partial.
pub struct Comparison<'a> {
    /// The scenario.
    pub loaded: &'a LoadedScenario,
    /// The first seed.
    pub seed: u64,
    /// How many seeds.
    pub seeds: u32,
    /// Whether it was interrupted.
    pub partial: bool,
    /// A row for each configuration and subscription.
    pub rows: Vec<ComparisonRow>,
    /// An example of each anomaly, as short as one was found.
    pub examples: Vec<ToldExample>,
    /// Expectations of the scenario that do not hold, in words.
    pub violated: Vec<String>,
}

/// One subscription of one configuration, over all seeds.
pub struct ComparisonRow {
    /// The configuration.
    pub configuration: Configuration,
    /// What the subscription is called.
    pub subscription: String,
    /// What the strategy promises.
    pub guarantee: Guarantee,
    /// The checker's verdict, or unknown if nothing was put to the test.
    pub verdict: Verdict,
    /// The critical windows that the scenario's faults should have hit and did not.
    pub untouched: Vec<Counter>,
    /// Why the verdict is unknown, a clause each; empty if it is not.
    pub why: Vec<String>,
    /// What to write in the scenario, if the row fails in one way only.
    pub hint: Option<&'static str>,
    /// All runs together.
    pub summary: RowSummary,
}

/// An example in one sentence, with the command that shows it.
pub struct ToldExample {
    /// The run and what it shows.
    pub example: Example,
    /// What the subscription is called.
    pub subscription: String,
    /// How it comes to that.
    pub sentence: String,
    /// The command that prints the run.
    pub command: String,
}

impl<'a> Comparison<'a> {
    /// Puts together what a sweep and the search for examples have found.
    pub fn new(
        sweep: &Sweep<'a>,
        swept: Vec<Swept>,
        examples: Vec<Example>,
        partial: bool,
    ) -> Self {
        let loaded = sweep.loaded;
        let rows: Vec<ComparisonRow> =
            swept.into_iter().flat_map(|swept| rows_of(&loaded.scenario, swept)).collect();
        let examples = examples.into_iter().map(|example| told(loaded, example)).collect();
        let violated = if partial { Vec::new() } else { violations(&loaded.scenario, &rows) };
        Self { loaded, seed: sweep.seed, seeds: sweep.seeds, partial, rows, examples, violated }
    }

    /// The examples of one row.
    pub fn examples_of<'r>(
        &'r self,
        row: &'r ComparisonRow,
    ) -> impl Iterator<Item = &'r ToldExample> {
        self.examples.iter().filter(move |told| {
            told.example.wanted.configuration == row.configuration
                && told.subscription == row.subscription
        })
    }
}

impl ComparisonRow {
    /// How many runs had a reason for a verdict that is not valid; that nothing was put to the test
    /// is one of all runs.
    pub fn reasons(&self) -> BTreeMap<Reason, u64> {
        let mut reasons = self.summary.reasons.clone();
        if self.verdict == Verdict::Unknown && self.summary.verdict() == Verdict::Valid {
            reasons.insert(Reason::NothingPutToTheTest, self.summary.runs);
        }
        reasons
    }

    /// What the row shows, for its expectations.
    pub fn found(&self) -> Found<'_> {
        let why = self.why.join("; ");
        Found::in_runs(&self.subscription, self.verdict, &self.summary).because(why)
    }
}

fn rows_of(scenario: &Scenario, swept: Swept) -> Vec<ComparisonRow> {
    let Swept { configuration, rows, .. } = swept;
    let Configuration { model, strategy } = configuration;
    (0..)
        .map(SubscriptionId)
        .zip(rows)
        .map(|(id, summary)| {
            let Judgement { verdict, untouched, why } =
                verdict::of_row(scenario, strategy, id, &summary);
            ComparisonRow {
                configuration,
                subscription: scenario.subscriptions[id.index()].name.clone(),
                guarantee: strategy.guarantee(model),
                verdict,
                untouched,
                why,
                hint: hints::of_losses(
                    scenario,
                    model,
                    verdict,
                    summary.reasons.keys().copied(),
                    &summary.examples,
                ),
                summary,
            }
        })
        .collect()
}

fn told(loaded: &LoadedScenario, example: Example) -> ToldExample {
    let (subscription, finding) = (example.wanted.subscription, example.finding);
    let subject = Subject { subscription, finding, message: Some(example.message) };
    let sentence = Run::new(&example.events, &example.cast).tell(&subject).sentence;
    let command = loaded.replay_command(&example.replay);
    let subscription = example.cast.subscriptions()[subscription.index()].clone();
    ToldExample { example, subscription, sentence, command }
}

/// What the scenario expects of the rows and does not hold.
fn violations(scenario: &Scenario, rows: &[ComparisonRow]) -> Vec<String> {
    let of_row = |row: &ComparisonRow| -> Vec<String> {
        let checked = expect::checked(scenario, row.configuration, &[row.found()]);
        let violated = checked.iter().filter(|one| !one.holds);
        violated.map(|one| one.violation(row.configuration)).collect()
    };
    rows.iter().flat_map(of_row).collect()
}
