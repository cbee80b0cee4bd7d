//! What an exploration of your own consumer has found, and what can be asserted of that.

use std::fmt::Write;

use entrega_checker::{Class, Finding, findings};
use entrega_choice::{Choice, format_choices, simplicity};
use entrega_clients::{Consumer, Strategy};
use entrega_explain::Language;
use entrega_model::{MessageId, Model};
use entrega_scenario::{Cast, points};
use entrega_sim::explore::{Explored, Misbehaved, Scope};

use super::{Explorer, explore};
use crate::outcome::stalled;

/// All that was found, model by model.
pub struct Outcomes<C> {
    pub(super) explorer: Explorer<C>,
    pub(super) on: Vec<(Model, Explored<Finding>)>,
}

impl<C: Consumer + Clone> Outcomes<C> {
    /// What was found on a model; none if it was not explored.
    pub fn on(&self, model: Model) -> Option<&Explored<Finding>> {
        self.on.iter().find(|(on, _)| *on == model).map(|(_, explored)| explored)
    }

    /// What time can do on a model without a fault and was not tried, a clause each.
    pub fn not_tried(&self, model: Model) -> Vec<String> {
        let prepared = self.explorer.prepare();
        prepared.map_or_else(|_| Vec::new(), |it| self.explorer.untried(&it, model).not_tried)
    }

    /// That no run shows this.
    ///
    /// # Panics
    /// As [`Explorer::assert_never`].
    #[track_caller]
    pub fn assert_never(self, shows: impl Fn(&Finding) -> bool) -> Self {
        for (model, explored) in &self.on {
            let problem = self
                .invalid(*model, explored)
                .or_else(|| self.shown(*model, explored, &shows, "and must never be"))
                .or_else(|| self.incomplete(*model, explored))
                .or_else(|| self.beyond_time(*model));
            if let Some(problem) = problem {
                panic!("{problem}");
            }
        }
        self
    }

    /// That some run shows this, on every model.
    ///
    /// # Panics
    /// As [`Explorer::assert_sometimes`].
    #[track_caller]
    pub fn assert_sometimes(self, shows: impl Fn(&Finding) -> bool) -> Self {
        for (model, explored) in &self.on {
            let problem =
                self.invalid(*model, explored).or_else(|| self.missing(*model, explored, &shows));
            if let Some(problem) = problem {
                panic!("{problem}");
            }
        }
        self
    }

    /// Why nothing that was found on a model means anything.
    fn invalid(&self, model: Model, explored: &Explored<Finding>) -> Option<String> {
        let allowed = |one: &&Misbehaved| self.explorer.allows(&one.misbehaviour.misdeed);
        if let Some(one) = explored.misbehaved.values().find(|one| !allowed(one)) {
            return Some(self.misbehaved(model, explored, one));
        }
        let harmless = explored.found.get(&Finding::Stalled)?.simplest.is_empty();
        (harmless && !self.explorer.may_stall)
            .then(|| self.shown(model, explored, &stalled, "although nothing goes wrong"))?
    }

    /// The simplest run that shows something.
    fn shown(
        &self,
        model: Model,
        explored: &Explored<Finding>,
        shows: &dyn Fn(&Finding) -> bool,
        why: &str,
    ) -> Option<String> {
        let showing = explored.found.iter().filter(|(finding, _)| shows(finding));
        let (finding, showing) = showing.min_by(|(a, as_in), (b, bs_in)| {
            let simpler = simplicity(&as_in.simplest, &bs_in.simplest);
            simpler.then_with(|| has_cause(b).cmp(&has_cause(a)))
        })?;
        let message = self.first_message(model, *finding, &showing.simplest);
        let what = format!("on the {model}, {}, {why}", in_words(*finding, message));
        Some(self.tell(model, explored, what, showing.runs, &showing.simplest))
    }

    /// The first message that shows it in this run.
    fn first_message(
        &self,
        model: Model,
        finding: Finding,
        choices: &[Choice],
    ) -> Option<MessageId> {
        let report = self.explorer.replay_on(model, &self.text(choices)).ok()?.report;
        let mut of = report.subscriptions.iter();
        of.find_map(|of| findings(of, report.end).get(&finding).copied().flatten())
    }

    fn misbehaved(&self, model: Model, explored: &Explored<Finding>, one: &Misbehaved) -> String {
        let Misbehaved { misbehaviour, showing } = one;
        let who = match self.explorer.prepare() {
            Ok(prepared) => Cast::of(&prepared.scenario).name(misbehaviour.process),
            Err(_) => format!("process {}", misbehaviour.process),
        };
        let what = format!(
            "on the {model}, at {}, {who} misbehaves: it {}",
            misbehaviour.at, misbehaviour.misdeed
        );
        self.tell(model, explored, what, showing.runs, &showing.simplest)
    }

    /// What, in how many runs, how it comes to that, and how to see it again.
    fn tell(
        &self,
        model: Model,
        explored: &Explored<Finding>,
        what: String,
        runs: u64,
        choices: &[Choice],
    ) -> String {
        let choices = self.text(choices);
        let mut text = format!("{what}\n");
        let how = if choices.is_empty() { "no fault at all" } else { choices.as_str() };
        let all = explored.schedules;
        let _ = writeln!(text, "in {runs} of {all} schedules; the simplest has {how}:");
        if let Ok(replayed) = self.explorer.replay_on(model, &choices) {
            let _ = write!(text, "{replayed}");
        }
        let code = self.code(model);
        let _ = write!(text, "print it again: {code}.replay({choices:?})");
        text
    }

    fn missing(
        &self,
        model: Model,
        explored: &Explored<Finding>,
        shows: &dyn Fn(&Finding) -> bool,
    ) -> Option<String> {
        if explored.found.keys().any(shows) {
            return None;
        }
        let found =
            explored.found.iter().filter(|(one, _)| has_cause(one)).map(|(finding, showing)| {
                format!("\n  {} ({})", in_words(*finding, None), self.text(&showing.simplest))
            });
        let found: String = found.collect();
        let found = if found.is_empty() { "nothing".to_owned() } else { found };
        let whole = if explored.complete { "all" } else { "the first" };
        let left_out: String =
            self.not_tried(model).iter().map(|one| format!("\nnot tried: {one}")).collect();
        Some(format!(
            "on the {model}, none of {whole} {} schedules shows what is expected; they show: \
             {found}{left_out}",
            explored.schedules
        ))
    }

    fn incomplete(&self, model: Model, explored: &Explored<Finding>) -> Option<String> {
        (!explored.complete).then(|| {
            format!(
                "on the {model}, {} schedules do not show it, but they are not all; raise the budget, \
                 explore fewer messages or faults, or say `stateless()` if that is so",
                explored.schedules
            )
        })
    }

    /// What time could still do although every run was made.
    fn beyond_time(&self, model: Model) -> Option<String> {
        let not_tried = self.not_tried(model);
        if self.explorer.as_far_as_tried || not_tried.is_empty() {
            return None;
        }
        let not_tried: String =
            not_tried.iter().map(|one| format!("\n  not tried: {one}")).collect();
        Some(format!(
            "on the {model}, no schedule shows it, but time can do more without a fault than was \
             tried:{not_tried}\nchange these settings of the scenario, or say `as_far_as_tried()` if \
             that is enough"
        ))
    }

    fn text(&self, choices: &[Choice]) -> String {
        let Ok(prepared) = self.explorer.prepare() else { return String::new() };
        format_choices(&points::table(&prepared.scenario.subscription_names()), choices)
    }

    /// The explorer as code, without what does not change a run.
    fn code(&self, model: Model) -> String {
        let (own, usual) = (&self.explorer, explore(Nothing));
        let mut code = format!("explore(consumer).on(Model::{model:?})");
        let Scope { messages, consumers, partitions, .. } = own.scope;
        let _ = write!(code, ".messages({messages})");
        if consumers != usual.scope.consumers {
            let _ = write!(code, ".consumers({consumers})");
        }
        if partitions != usual.scope.partitions {
            let _ = write!(code, ".partitions({partitions})");
        }
        if own.scenario.is_some() {
            code.push_str(".scenario(scenario)");
        }
        if own.like != Strategy::PLAIN {
            let _ = write!(code, ".like(Strategy::{:?})", own.like);
        }
        code
    }
}

/// Whether a finding says all that there is to say. A lost or duplicated message is found with its
/// cause and once more without.
fn has_cause(finding: &Finding) -> bool {
    !matches!(finding, Finding::Class(Class::Lost | Class::Duplicated | Class::Split, None))
}

fn in_words(finding: Finding, message: Option<MessageId>) -> String {
    Language::default().finding(finding, message)
}

/// Reads nothing: for the defaults of an explorer.
#[derive(Clone)]
struct Nothing;

impl Consumer for Nothing {}
