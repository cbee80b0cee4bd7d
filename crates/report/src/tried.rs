//! What an exploration has tried, in one sentence for readers who do not know fault points, and
//! what it has not.

use entrega_explain::digits::{counted, thousands};
use entrega_explain::words::Language;
use entrega_lab::Configuration;
use entrega_lab::exploration_plan::{Bounds, ConfigurationSpace, ExplorationPlan, ExploredSpace};
use entrega_model::Model;
use entrega_scenario::points::FaultKind;

use crate::prose::listed;

/// What was tried of one space, and how far that got.
pub(crate) fn tried_in(plan: &ExplorationPlan, row: &ExploredSpace) -> String {
    let runs = runs_of(plan, &row.space);
    let explored = &row.explored;
    let mut text = if explored.complete {
        format!("{} of {runs}", all(explored.limited))
    } else {
        format!("{}, not all, of {runs}", first(explored.schedules))
    };
    if let Some(slow) = row.space.untried.tried() {
        text.push_str(&format!("; {slow}"));
    }
    text
}

/// What was tried for one subscription, whose rows these are, and how far that got. Every run was
/// only if that is so in each of them.
pub(crate) fn tried(plan: &ExplorationPlan, rows: &[&ExploredSpace]) -> String {
    let Some(row) = rows.first() else { return String::new() };
    let runs = runs_of(plan, &row.space);
    let of_it =
        |space: &&ConfigurationSpace| space.scope.subscription == row.space.scope.subscription;
    let missing = plan.spaces.iter().filter(of_it).count() - rows.len();
    let complete = rows.iter().filter(|row| row.explored.complete).count();
    let limited: u64 = rows.iter().map(|row| row.explored.limited).sum();
    if missing == 0 && complete == rows.len() {
        return format!("{} of {runs}", all(limited));
    }
    let begun = match complete {
        0 => "as many schedules as the table says".to_owned(),
        _ => format!("all in {} below, else as many as it says", counted(complete as u64, "row")),
    };
    let left = match missing {
        0 => String::new(),
        missing => format!("; nothing in {} more", counted(missing as u64, "row")),
    };
    format!("not every run, but {begun}{left}, of {runs}")
}

/// `the first 200 runs`.
fn first(schedules: u64) -> String {
    match schedules {
        1 => "the first run".to_owned(),
        many => format!("the first {}", counted(many, "run")),
    }
}

/// All runs, of which a limit has ended so many.
fn all(limited: u64) -> String {
    match limited {
        0 => "every run".to_owned(),
        1 => "all runs, 1 of them only as far as the limits let it go,".to_owned(),
        many => {
            let many = thousands(many);
            format!("all runs, {many} of them only as far as the limits let them go,")
        }
    }
}

/// `3 messages and 2 consumers with at most 1 fault; a fault is a crash before …`.
fn runs_of(plan: &ExplorationPlan, space: &ConfigurationSpace) -> String {
    let ConfigurationSpace { scope, kinds, .. } = space;
    let Bounds { faults, preemptions, .. } = plan.bounds;
    let mut parts = vec![counted(scope.messages, "message"), counted(scope.consumers, "consumer")];
    if plan.spaces.iter().any(|one| one.configuration.model == Model::Log) {
        parts.push(counted(scope.partitions, "partition of the log"));
    }
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let mut text = listed(&parts, "and");
    let faults = if kinds.is_empty() { 0 } else { u32::from(faults) };
    if faults == 0 {
        text.push_str(" without faults");
    } else {
        text.push_str(&format!(" with at most {}", counted(faults, "fault")));
    }
    if preemptions > 0 {
        text.push_str(&format!(" and at most {} of order", counted(preemptions, "change")));
    }
    if faults > 0 {
        text.push_str(&format!("; a fault is {}", faults_in_words(kinds)));
    }
    text
}

/// Clauses about rows, each once, with the rows that it is about if these are not all: `more than 2
/// handlers (queue: process-then-settle, dead-letter)`.
pub(crate) fn clauses<'r>(
    rows: &[&'r ExploredSpace],
    said: impl Fn(&'r ExploredSpace) -> Vec<String>,
) -> Vec<String> {
    let mut about: Vec<(String, Vec<Configuration>)> = Vec::new();
    for row in rows {
        for clause in said(row) {
            let configuration = row.space.configuration;
            match about.iter_mut().find(|(known, _)| *known == clause) {
                Some((_, of)) => of.push(configuration),
                None => about.push((clause, vec![configuration])),
            }
        }
    }
    let all: Vec<Configuration> = rows.iter().map(|row| row.space.configuration).collect();
    about.into_iter().map(|(clause, of)| format!("{clause}{}", among(&of, &all))).collect()
}

/// Which of all these are: nothing if it is all of them, and just the model if it is all of that.
fn among(these: &[Configuration], all: &[Configuration]) -> String {
    if these.len() == all.len() {
        return String::new();
    }
    let mut models: Vec<Model> = these.iter().map(|one| one.model).collect();
    models.dedup();
    let of_model = models.into_iter().map(|model| {
        let on = |of: &[Configuration]| {
            let on_it = of.iter().filter(|one| one.model == model);
            on_it.map(|one| one.strategy.name()).collect::<Vec<_>>()
        };
        let (some, every) = (on(these), on(all));
        if some == every { model.to_string() } else { format!("{model}: {}", some.join(", ")) }
    });
    format!(" ({})", of_model.collect::<Vec<_>>().join("; "))
}

/// The kinds, those of one fault together.
fn faults_in_words(kinds: &[FaultKind]) -> String {
    let mut groups: Vec<(String, Vec<&'static str>)> = Vec::new();
    for &(fault, act) in kinds {
        let (what, how) = Language::default().kind((fault, act));
        match groups.iter_mut().find(|(known, _)| *known == what) {
            Some((_, hows)) => hows.push(how),
            None => groups.push((what, vec![how])),
        }
    }
    let groups = groups.into_iter().map(|(what, hows)| {
        if hows.concat().is_empty() { what } else { format!("{what} {}", listed(&hows, "or")) }
    });
    groups.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use entrega_scenario::points::{Act, Fault, kind};

    use super::*;

    #[test]
    fn rows_are_named_as_briefly_as_they_can_be() {
        use entrega_lab::Strategy as S;
        let of = |model, strategy| Configuration { model, strategy };
        let [log, queue] = [Model::Log, Model::Queue]
            .map(|model| [S::ProcessThenSettle, S::DeadLetter].map(|strategy| of(model, strategy)));
        let all = [log, queue].concat();
        assert_eq!(among(&all, &all), "");
        assert_eq!(among(&queue, &all), " (queue)");
        assert_eq!(among(&queue[1..], &all), " (queue: dead-letter)");
        let some = [&log[..1], &queue].concat();
        assert_eq!(among(&some, &all), " (log: process-then-settle; queue)");
    }

    #[test]
    fn kinds_of_one_fault_are_said_together() {
        let check = |kinds: &[FaultKind], expect: &str| assert_eq!(faults_in_words(kinds), expect);
        check(&[(Fault::MessagePoison, Act::Poison)], "a poison message");
        let crashes = [
            kind("effect.before", "crash"),
            kind("settle.request", "lost"),
            kind("effect.after", "crash"),
        ];
        check(
            &crashes,
            "a crash before the effect or after the effect; a request to settle that is lost",
        );
        let legs = [Act::Lost, Act::Late, Act::Duplicated].map(|act| (Fault::SettleResponse, act));
        check(&legs, "an answer to a settle that is lost, late or doubled");
    }
}
