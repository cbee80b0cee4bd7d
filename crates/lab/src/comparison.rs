//! What a comparison has found, ready to be printed: rows, examples with their sentences, and
//! whether the scenario's expectations hold.

use entrega_checker::summary::RowSummary;
use entrega_checker::{Counter, Verdict, Word};
use entrega_choice::Odds;
use entrega_clients::Strategy;
use entrega_clients::consumers::Settles;
use entrega_explain::{Run, Subject};
use entrega_model::{Guarantee, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::points::{self, Act, Call, Moment, Site};

use crate::configuration::Configuration;
use crate::examples::Example;
use crate::expect::{self, Found};
use crate::loaded::LoadedScenario;
use crate::sweep::{Sweep, Swept};

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
    /// What the row shows, for its expectations.
    pub fn found(&self) -> Found<'_> {
        Found::in_runs(&self.subscription, self.verdict, &self.summary)
    }
}

fn rows_of(scenario: &Scenario, swept: Swept) -> Vec<ComparisonRow> {
    let Swept { configuration, rows, .. } = swept;
    let Configuration { model, strategy } = configuration;
    (0..)
        .map(SubscriptionId)
        .zip(rows)
        .map(|(id, summary)| {
            let untouched = untouched(scenario, id, strategy, &summary);
            ComparisonRow {
                configuration,
                subscription: scenario.subscriptions[id.index()].name.clone(),
                guarantee: strategy.guarantee(model),
                verdict: verdict(scenario, id, &summary),
                untouched,
                summary,
            }
        })
        .collect()
}

/// A promise that was kept while nothing happened is no evidence.
pub fn verdict(scenario: &Scenario, id: SubscriptionId, summary: &RowSummary) -> Verdict {
    let faults = !scenario.script.is_empty()
        || scenario.odds().iter().any(|odds| points::befalls(odds.point, id));
    let tested = Counter::ALL.iter().any(|&counter| summary.counters.get(counter) > 0);
    match summary.verdict() {
        Verdict::Valid if faults && !tested => Verdict::Unknown,
        verdict => verdict,
    }
}

/// The windows that the faults of a subscription should hit, and never did.
fn untouched(
    scenario: &Scenario,
    id: SubscriptionId,
    strategy: Strategy,
    summary: &RowSummary,
) -> Vec<Counter> {
    let mut required: Vec<Counter> = scenario
        .odds()
        .iter()
        .filter(|odds| points::befalls(odds.point, id))
        .filter_map(|odds| window(odds, strategy))
        .collect();
    required.sort_by_key(|counter| counter.index());
    required.dedup();
    summary.vacuous(&required)
}

/// The window that a fault opens under a strategy.
fn window(odds: &Odds, strategy: Strategy) -> Option<Counter> {
    let settles = strategy.spec().settles;
    let settles_first = settles == Settles::BeforeEffect;
    let settles_itself = matches!(settles, Settles::BeforeEffect | Settles::AfterEffect);
    let (info, _) = points::describe(odds.point);
    let act = info.alternative(odds.value)?.act;
    Some(match info.site {
        Site::Crash(Moment::BeforeEffect) if settles_first => {
            Counter::CrashesBetweenSettleAndEffect
        }
        Site::Crash(Moment::BeforeEffect) if settles_itself => Counter::CrashesBeforeEffect,
        Site::Crash(Moment::AfterEffect) if settles_first => Counter::CrashesAfterSettle,
        Site::Crash(Moment::AfterEffect) if settles_itself => {
            Counter::CrashesBetweenEffectAndSettle
        }
        Site::Crash(Moment::AfterSettle) if settles_first => Counter::CrashesBetweenSettleAndEffect,
        Site::Leg(Call::Settle, _) if settles_itself && act == Act::Lost => Counter::SettlesLost,
        Site::Process if act == Act::StallBefore => Counter::StallsBeforeEffect,
        Site::Process if settles_itself && !settles_first => Counter::StallsAfterEffect,
        Site::Handler if act == Act::Transient => Counter::HandlerErrors,
        Site::Message => Counter::PoisonMessages,
        Site::Broker => Counter::BrokerRestarts,
        Site::Crash(_) | Site::Process | Site::Handler => return None,
        Site::Leg(_, _) | Site::Arrivals | Site::Group => return None,
    })
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
