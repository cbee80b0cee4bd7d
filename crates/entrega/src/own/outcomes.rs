//! What an exploration of your own consumer has found, and what can be asserted of that.

use std::collections::BTreeSet;
use std::fmt::{self, Write};

use entrega_checker::{Class, Finding, findings};
use entrega_choice::{Choice, format_choices, simplicity};
use entrega_clients::{Consumer, Strategy};
use entrega_explain::Language;
use entrega_model::{MessageId, Model};
use entrega_scenario::{Cast, points};
use entrega_sim::explore::{Explored, Misbehaved, Scope, Showing};

use super::runs::{Configuration, Tried};
use super::settings::Settings;
use super::{Explorer, faults};
use crate::outcome::stalled;

/// All that was found, model by model. It displays what was tried and what was not.
pub struct Outcomes<C> {
    explorer: Explorer<C>,
    /// One model after the other, on each with more and more consumers.
    tried: Vec<Tried>,
    /// What was found on each model, with any number of consumers.
    on: Vec<(Model, Explored<Finding>)>,
}

impl<C> Outcomes<C> {
    pub(super) fn new(explorer: Explorer<C>, tried: Vec<Tried>) -> Self {
        let mut on: Vec<(Model, Explored<Finding>)> = Vec::new();
        for Tried { on: Configuration { model, .. }, explored, .. } in &tried {
            match on.iter_mut().find(|(known, _)| known == model) {
                Some((_, all)) => add(all, explored),
                None => on.push((*model, explored.clone())),
            }
        }
        Self { explorer, tried, on }
    }

    /// What was found on a model, with any number of consumers; none if it was not explored.
    pub fn on(&self, model: Model) -> Option<&Explored<Finding>> {
        self.on.iter().find(|(on, _)| *on == model).map(|(_, explored)| explored)
    }

    /// The faults that some run on a model has had, as `settle.request (lost, late)`.
    pub fn tried(&self, model: Model) -> Vec<String> {
        let of = self.of(model).flat_map(|tried| &tried.faults).copied();
        faults::listed(of.collect::<BTreeSet<_>>())
    }

    /// The changes of order that some run on a model has had, as `handler.order (last)`.
    pub fn orders(&self, model: Model) -> Vec<String> {
        let of = self.of(model).flat_map(|tried| &tried.orders).copied();
        faults::listed(of.collect::<BTreeSet<_>>())
    }

    /// What no run on a model has tried although it could be, and why.
    pub fn not_tried(&self, model: Model) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        for one in self.of(model).flat_map(|tried| self.not_tried_in(tried)) {
            if !all.contains(&one) {
                all.push(one);
            }
        }
        all
    }

    /// How many runs on a model never came to rest and left messages open: they were neither
    /// processed nor lost.
    pub fn open(&self, model: Model) -> u64 {
        self.of(model).map(|tried| tried.open.runs).sum()
    }

    fn of(&self, model: Model) -> impl Iterator<Item = &Tried> {
        self.tried.iter().filter(move |tried| tried.on.model == model)
    }

    /// What one number of consumers never met counts only if no other has met it.
    fn not_tried_in(&self, tried: &Tried) -> Vec<String> {
        let met: Vec<_> = self.of(tried.on.model).flat_map(|one| &one.faults).collect();
        let has_faults = !tried.faults.is_empty() || !tried.never_met.is_empty();
        let beside = self.explorer.settings.not_beside_faults().filter(|_| has_faults);
        beside.into_iter().chain(tried.not_tried(|kind| met.contains(&kind))).collect()
    }
}

impl<C: Consumer + Clone> Outcomes<C> {
    /// That no run shows this.
    ///
    /// # Panics
    /// As [`Explorer::assert_never`].
    #[track_caller]
    pub fn assert_never(self, shows: impl Fn(&Finding) -> bool) -> Self {
        let invalid = self.invalid();
        let shown =
            || self.tried.iter().find_map(|one| self.shown(one, &shows, "and must never be"));
        let incomplete = || self.on.iter().find_map(|(model, of)| self.incomplete(*model, of));
        let beyond = || self.tried.iter().find_map(|one| self.beyond_time(one));
        if let Some(problem) = invalid.or_else(shown).or_else(incomplete).or_else(beyond) {
            panic!("{problem}");
        }
        self
    }

    /// That some run shows this, on every model.
    ///
    /// # Panics
    /// As [`Explorer::assert_sometimes`].
    #[track_caller]
    pub fn assert_sometimes(self, shows: impl Fn(&Finding) -> bool) -> Self {
        let invalid = self.invalid();
        let missing = || self.on.iter().find_map(|(model, of)| self.missing(*model, of, &shows));
        if let Some(problem) = invalid.or_else(missing) {
            panic!("{problem}");
        }
        self
    }

    /// Why nothing that was found means anything.
    fn invalid(&self) -> Option<String> {
        let differing = |tried: &Tried| Some(self.depends(tried.on, tried.differs.as_deref()?));
        let differs = self.tried.iter().find_map(differing);
        differs.or_else(|| self.tried.iter().find_map(|tried| self.invalid_in(tried)))
    }

    fn invalid_in(&self, tried: &Tried) -> Option<String> {
        let Tried { on, explored, .. } = tried;
        let is_allowed = |one: &&Misbehaved| {
            self.explorer.allows(&one.misbehaviour.misdeed, &one.showing.simplest)
        };
        if let Some(one) = explored.misbehaved.values().find(|one| !is_allowed(one)) {
            return Some(self.misbehaved(*on, explored, one));
        }
        let harmless = explored.found.get(&Finding::Stalled)?.simplest.is_empty();
        (harmless && !self.explorer.settings.may_stall)
            .then(|| self.shown(tried, &stalled, "although nothing goes wrong"))?
    }

    /// The same run has gone two ways.
    fn depends(&self, on: Configuration, choices: &[Choice]) -> String {
        let text = self.text(on, choices);
        let which =
            if text.is_empty() { "without a fault".to_owned() } else { format!("with {text}") };
        format!(
            "on the {}, the consumer depends on something outside: two runs {which} go different \
             ways, so nothing is proved. It may read a clock of its own, draw at random, or share \
             state between its clones; what is to outlive a life belongs into `keeping(store)`",
            on.model
        )
    }

    /// The simplest run that shows something.
    fn shown(&self, tried: &Tried, shows: &dyn Fn(&Finding) -> bool, why: &str) -> Option<String> {
        let Tried { on, explored, .. } = tried;
        let showing = explored.found.iter().filter(|(finding, _)| shows(finding));
        let (finding, showing) = showing.min_by(|(a, as_in), (b, bs_in)| {
            let simpler = simplicity(&as_in.simplest, &bs_in.simplest);
            simpler.then_with(|| has_cause(b).cmp(&has_cause(a)))
        })?;
        let message = self.first_message(*on, *finding, &showing.simplest);
        let what = format!("on the {}, {}, {why}", on.model, in_words(*finding, message));
        Some(self.tell(*on, explored, what, showing.runs, &showing.simplest))
    }

    /// The first message that shows it in this run.
    fn first_message(
        &self,
        on: Configuration,
        finding: Finding,
        choices: &[Choice],
    ) -> Option<MessageId> {
        let report = self.explorer.replay_on(on, &self.text(on, choices)).ok()?.report;
        let mut of = report.subscriptions.iter();
        of.find_map(|of| findings(of, report.end).get(&finding).copied().flatten())
    }

    fn misbehaved(
        &self,
        on: Configuration,
        explored: &Explored<Finding>,
        one: &Misbehaved,
    ) -> String {
        let Misbehaved { misbehaviour, showing } = one;
        let who = match self.explorer.prepare(on) {
            Ok(prepared) => Cast::of(&prepared.scenario).name(misbehaviour.process),
            Err(_) => format!("process {}", misbehaviour.process),
        };
        let what = format!(
            "on the {}, at {}, {who} misbehaves: it {}",
            on.model, misbehaviour.at, misbehaviour.misdeed
        );
        self.tell(on, explored, what, showing.runs, &showing.simplest)
    }

    /// What, in how many runs, how it comes to that, and how to see it again.
    fn tell(
        &self,
        on: Configuration,
        explored: &Explored<Finding>,
        what: String,
        runs: u64,
        choices: &[Choice],
    ) -> String {
        let is_order = |choice: &Choice| points::describe(choice.point).0.site.is_order();
        let only_orders = choices.iter().all(is_order);
        let choices = self.text(on, choices);
        let mut text = format!("{what}\n");
        let how = match (choices.is_empty(), only_orders) {
            (true, _) => "no fault at all".to_owned(),
            (false, true) => format!("no fault, but a change of order: {choices}"),
            (false, false) => choices.clone(),
        };
        let all = explored.schedules;
        let _ = writeln!(text, "in {runs} of {all} schedules; the simplest has {how}:");
        if let Ok(replayed) = self.explorer.replay_on(on, &choices) {
            let _ = write!(text, "{replayed}");
        }
        let code = self.code(on);
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
                let choices = self.text(Configuration { model, consumers: 1 }, &showing.simplest);
                format!("\n  {} ({choices})", in_words(*finding, None))
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
    fn beyond_time(&self, tried: &Tried) -> Option<String> {
        let not_tried = &tried.untried.not_tried;
        if self.explorer.settings.as_far_as_tried || not_tried.is_empty() {
            return None;
        }
        let not_tried: String =
            not_tried.iter().map(|one| format!("\n  not tried: {one}")).collect();
        Some(format!(
            "on the {}, no schedule shows it, but time can do more without a fault than was \
             tried:{not_tried}\nchange these settings of the scenario, or say `as_far_as_tried()` if \
             that is enough",
            tried.on.model
        ))
    }

    fn text(&self, on: Configuration, choices: &[Choice]) -> String {
        let Ok(prepared) = self.explorer.prepare(on) else { return String::new() };
        format_choices(&points::table(&prepared.scenario.subscription_names()), choices)
    }

    /// The explorer as code, without what does not change a run.
    fn code(&self, on: Configuration) -> String {
        let Configuration { model, consumers } = on;
        let (own, usual) = (&self.explorer.settings, Settings::default());
        let store = if self.explorer.keeps { ".keeping(store)" } else { "" };
        let mut code = format!("explore(consumer){store}.on(Model::{model:?})");
        let Scope { messages, partitions, .. } = own.scope;
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

/// What was tried and what was not, model by model.
impl<C> fmt::Display for Outcomes<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (model, explored) in &self.on {
            let consumers: Vec<_> =
                self.of(*model).map(|one| one.on.consumers.to_string()).collect();
            let whole = if explored.complete { "all" } else { "the first" };
            let Explored { schedules, .. } = explored;
            let consumers = consumers.join(" and ");
            writeln!(f, "on the {model}, consumers: {consumers}; {whole} {schedules} schedules")?;
            writeln!(f, "  tried: {}", or_nothing(self.tried(*model), ", "))?;
            writeln!(f, "  in another order: {}", or_nothing(self.orders(*model), ", "))?;
            writeln!(f, "  not tried: {}", or_nothing(self.not_tried(*model), "; "))?;
            let most = self.of(*model).map(|one| one.open.messages).max().unwrap_or_default();
            let runs = self.open(*model);
            if runs > 0 {
                writeln!(
                    f,
                    "  open: {runs} of them never rest and leave up to {most} messages open"
                )?;
            }
        }
        Ok(())
    }
}

fn or_nothing(list: Vec<String>, between: &str) -> String {
    if list.is_empty() { "nothing".to_owned() } else { list.join(between) }
}

/// Adds what was found with another number of consumers.
fn add(all: &mut Explored<Finding>, more: &Explored<Finding>) {
    for (&finding, showing) in &more.found {
        let known = all
            .found
            .entry(finding)
            .or_insert_with(|| Showing { runs: 0, simplest: showing.simplest.clone() });
        known.runs += showing.runs;
        if simplicity(&showing.simplest, &known.simplest).is_lt() {
            known.simplest.clone_from(&showing.simplest);
        }
    }
    for (misdeed, one) in &more.misbehaved {
        let known = all.misbehaved.entry(misdeed.clone()).or_insert_with(|| one.clone());
        if simplicity(&one.showing.simplest, &known.showing.simplest).is_lt() {
            *known = one.clone();
        }
    }
    all.schedules += more.schedules;
    all.ended += more.ended;
    all.states += more.states;
    all.limited += more.limited;
    all.complete &= more.complete;
}

/// Whether a finding says all that there is to say. A lost or duplicated message is found with its
/// cause and once more without.
fn has_cause(finding: &Finding) -> bool {
    !matches!(finding, Finding::Class(Class::Lost | Class::Duplicated | Class::Split, None))
}

fn in_words(finding: Finding, message: Option<MessageId>) -> String {
    Language::default().finding(finding, message)
}
