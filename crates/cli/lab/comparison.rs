//! What a comparison has found, ready to be printed: rows, examples with their sentences, and
//! whether the scenario's expectations hold.

use entrega_checker::summary::RowSummary;
use entrega_checker::{Counter, Verdict, Word};
use entrega_clients::Strategy;
use entrega_clients::consumers::Settles;
use entrega_explain::{Subject, tell};
use entrega_model::{Guarantee, Model, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::points::{self, Fault};

use super::examples::Example;
use super::files::LoadedScenario;
use super::sweep::{Contest, Plan};
use crate::expect::{self, Expected, Found};

/// A comparison, complete or partial.
pub(crate) struct Comparison<'a> {
    pub(crate) loaded: &'a LoadedScenario,
    pub(crate) seed: u64,
    pub(crate) seeds: u32,
    /// Whether it was interrupted.
    pub(crate) partial: bool,
    pub(crate) rows: Vec<Row>,
    pub(crate) examples: Vec<Told>,
    /// What the scenario expects and did not come out, in words.
    pub(crate) violated: Vec<String>,
}

/// One subscription of one model and strategy, over all seeds.
pub(crate) struct Row {
    pub(crate) model: Model,
    pub(crate) strategy: Strategy,
    pub(crate) subscription: String,
    pub(crate) guarantee: Guarantee,
    /// The checker's verdict, or unknown if nothing was put to the test.
    pub(crate) verdict: Verdict,
    /// The critical windows that the scenario's faults should have hit and did not.
    pub(crate) untouched: Vec<Counter>,
    pub(crate) summary: RowSummary,
}

/// An example in one sentence, with the command that shows it.
pub(crate) struct Told {
    pub(crate) example: Example,
    pub(crate) subscription: String,
    pub(crate) sentence: String,
    pub(crate) command: String,
}

impl<'a> Comparison<'a> {
    /// Puts together what a sweep and the search for examples have found.
    pub(crate) fn new(
        plan: &Plan<'a>,
        contests: Vec<Contest>,
        examples: Vec<Example>,
        partial: bool,
    ) -> Self {
        let loaded = plan.loaded;
        let rows: Vec<Row> =
            contests.into_iter().flat_map(|contest| rows_of(&loaded.scenario, contest)).collect();
        let examples = examples.into_iter().map(|example| told(loaded, example)).collect();
        let violated = if partial { Vec::new() } else { violations(&loaded.scenario, &rows) };
        Self { loaded, seed: plan.seed, seeds: plan.seeds, partial, rows, examples, violated }
    }

    /// The examples of one row.
    pub(crate) fn examples_of<'r>(&'r self, row: &'r Row) -> impl Iterator<Item = &'r Told> {
        self.examples.iter().filter(move |told| {
            let wanted = &told.example.wanted;
            (wanted.model, wanted.strategy) == (row.model, row.strategy)
                && told.subscription == row.subscription
        })
    }
}

fn rows_of(scenario: &Scenario, contest: Contest) -> Vec<Row> {
    let Contest { model, strategy, rows } = contest;
    (0..)
        .map(SubscriptionId)
        .zip(rows)
        .map(|(id, summary)| {
            let untouched = untouched(scenario, id, strategy, &summary);
            Row {
                model,
                strategy,
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
pub(crate) fn verdict(scenario: &Scenario, id: SubscriptionId, summary: &RowSummary) -> Verdict {
    let faults = !scenario.script.is_empty()
        || scenario
            .odds()
            .iter()
            .any(|odds| points::describe(odds.point).1.is_none_or(|whose| whose == id));
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
        .filter(|odds| points::describe(odds.point).1.is_none_or(|whose| whose == id))
        .filter_map(|odds| window(points::describe(odds.point).0.fault, odds.value, strategy))
        .collect();
    required.sort_by_key(|counter| counter.index());
    required.dedup();
    summary.vacuous(&required)
}

/// The window that a fault opens under a strategy.
fn window(fault: Fault, alternative: u32, strategy: Strategy) -> Option<Counter> {
    let settles = strategy.spec().settles;
    let settles_first = settles == Settles::BeforeEffect;
    let settles_itself = matches!(settles, Settles::BeforeEffect | Settles::AfterEffect);
    Some(match fault {
        Fault::EffectBefore if settles_first => Counter::CrashesBetweenSettleAndEffect,
        Fault::EffectBefore if settles_itself => Counter::CrashesBeforeEffect,
        Fault::EffectAfter if settles_first => Counter::CrashesAfterSettle,
        Fault::EffectAfter if settles_itself => Counter::CrashesBetweenEffectAndSettle,
        Fault::SettleAfter if settles_first => Counter::CrashesBetweenSettleAndEffect,
        Fault::SettleRequest | Fault::SettleResponse
            if settles_itself && alternative == points::LOST =>
        {
            Counter::SettlesLost
        }
        Fault::ProcessStall if alternative == points::STALL_BEFORE => Counter::StallsBeforeEffect,
        Fault::ProcessStall if settles_itself && !settles_first => Counter::StallsAfterEffect,
        Fault::HandlerError => Counter::HandlerErrors,
        Fault::MessagePoison => Counter::PoisonMessages,
        Fault::BrokerRestart => Counter::BrokerRestarts,
        _ => return None,
    })
}

fn told(loaded: &LoadedScenario, example: Example) -> Told {
    let subject = Subject {
        subscription: example.wanted.subscription,
        finding: example.finding,
        message: Some(example.message),
    };
    let sentence = tell(&example.events, &example.cast, &subject).sentence;
    let command = format!("entrega replay {} '{}'", loaded.shell_path(), example.replay);
    let subscription = example.cast.subscriptions()[example.wanted.subscription.index()].clone();
    Told { example, subscription, sentence, command }
}

/// What the scenario expects of the rows, and did not come out.
fn violations(scenario: &Scenario, rows: &[Row]) -> Vec<String> {
    let of_row = |row: &Row| -> Vec<String> {
        let Row { model, strategy, .. } = *row;
        let found = Found {
            subscription: &row.subscription,
            verdict: row.verdict,
            classes: &row.summary.classes,
            reordered: row.summary.order.reordered,
            redeliveries: row.summary.redeliveries,
        };
        let checked = expect::checked(scenario, model, strategy, &[found]);
        let violated = checked.into_iter().filter(|one| !one.holds);
        violated
            .map(|Expected { subscription, what, expected, found, .. }| {
                format!(
                    "{model}, {strategy}, {subscription}: expected {what} {expected}, found {found}"
                )
            })
            .collect()
    };
    rows.iter().flat_map(of_row).collect()
}
