//! Copies that a consumer published to be tried later, and what comes of two.

use entrega_scenario::points::Call;

use super::chronicle::{Chronicle, Delivered, times};
use super::course::Course;
use super::{duplicate, faults};
use crate::injected::Injected;

/// Where a copy of the message was last published between two places.
pub(super) fn copied(chronicle: &Chronicle<'_>, from: usize, until: usize) -> Option<usize> {
    chronicle.retries().into_iter().rfind(|at| (from..until).contains(at))
}

/// `mailer 1 publishes a copy of m2 to be tried later`.
pub(super) fn clause(chronicle: &Chronicle<'_>, at: usize) -> Course {
    Course::default().then_at(at, chronicle.words(at).clause().to_owned())
}

/// A second effect, of another copy: what befell the consumer that had published it, and which of
/// the two came back.
pub(super) fn tell(chronicle: &Chronicle<'_>) -> Course {
    let (m, effects) = (chronicle.message(), chronicle.effects());
    let [earlier, later, ..] = effects.as_slice() else { return duplicate::tell(chronicle) };
    let Some(copied) = source(chronicle, later.at) else { return duplicate::tell(chronicle) };
    let twice = format!("{m} takes effect {}", times(effects.len()));
    if earlier.at < copied {
        let to = chronicle.name(later.consumer);
        let told = around(chronicle, copied, later.at);
        return told.part(format!("the copy is delivered to {to}")).and(twice);
    }
    doubling(chronicle, later.at).part(twice)
}

/// An effect of one copy, and a dead letter of another.
pub(super) fn split(chronicle: &Chronicle<'_>) -> Course {
    let m = chronicle.message();
    let Some(copied) = source(chronicle, chronicle.end()) else { return Course::default() };
    if !is_parted(chronicle, copied) {
        return after_unknown(chronicle);
    }
    let told = doubling(chronicle, chronicle.end());
    told.part(format!("one takes effect and the other goes to the dead letters: {m} does both"))
}

/// Whether there were two at a time: one request carried out twice, or an original that came back.
fn is_parted(chronicle: &Chronicle<'_>, copied: usize) -> bool {
    let mut befell = befallen(chronicle, copied, chronicle.end()).into_iter();
    befell.any(|one| one.befalls(Call::Send) || one.at > copied)
}

/// One copy after the other: the first attempts had taken effect, and nobody knew.
fn after_unknown(chronicle: &Chronicle<'_>) -> Course {
    let (m, effects) = (chronicle.message(), chronicle.effects());
    let Some(effect) = effects.first() else { return Course::default() };
    let next = chronicle.retries().into_iter().find(|at| *at > effect.at);
    let until = next.unwrap_or_else(|| chronicle.end());
    let delivery = chronicle.delivery(effect);
    let from = delivery.map_or(effect.at, |delivery| delivery.at);
    let mut found = faults::concerning(chronicle, effect.consumer, from, until);
    found.retain(|fault| fault.befalls(Call::Effect));
    let told = Course::of(format!("{m} takes effect"));
    let told = told.part_of(faults::clauses(chronicle, &found));
    let told = next.map_or(told.clone(), |at| told.part_of(clause(chronicle, at)));
    told.part(format!("its last copy goes to the dead letters: {m} does both"))
}

/// How it came to two copies of the message before a place, and that both are tried.
pub(super) fn doubling(chronicle: &Chronicle<'_>, until: usize) -> Course {
    let m = chronicle.message();
    let Some(copied) = source(chronicle, until) else { return Course::default() };
    let told = around(chronicle, copied, until);
    if copies_of_one_request(chronicle, copied) {
        return told.part("both copies are processed");
    }
    told.part(format!("{m} comes back beside its copy, and both are processed"))
}

/// Whether one request was carried out twice.
fn copies_of_one_request(chronicle: &Chronicle<'_>, copied: usize) -> bool {
    let mut befell = befallen(chronicle, copied, chronicle.end()).into_iter();
    befell.any(|one| one.doubles(Call::Send))
}

/// The place where the copy was published before another that made two of one: something befell
/// its consumer then. If nothing did, the last one.
fn source(chronicle: &Chronicle<'_>, until: usize) -> Option<usize> {
    let mut before = chronicle.retries();
    before.retain(|at| *at < until);
    let parts = |at: &usize| {
        let befell = befallen(chronicle, *at, until);
        befell.iter().any(|one| one.befalls(Call::Send) || one.at > *at)
    };
    before.iter().copied().find(parts).or(before.last().copied())
}

/// What befell the consumer that published a copy, while it had the original.
fn befallen(chronicle: &Chronicle<'_>, copied: usize, until: usize) -> Vec<Injected> {
    let Some(who) = chronicle.kind(copied).process() else { return Vec::new() };
    let deliveries = chronicle.deliveries();
    let is_own = |one: &&Delivered<'_>| one.consumer == who;
    let since = deliveries.iter().filter(is_own).rfind(|one| one.at < copied);
    let next = deliveries.iter().filter(is_own).find(|one| one.at > copied);
    let until = next.map_or(until, |next| next.at.min(until));
    let after = chronicle.run.faults_between(copied, until).iter();
    let death = after.copied().find(|one| one.process == who && one.is_crash());
    let until = death.map_or(until, |death| death.at);
    let mut befell = faults::concerning(chronicle, who, since.map_or(0, |one| one.at), until);
    befell.extend(death);
    befell
}

/// The same as clauses, in the order of time.
fn around(chronicle: &Chronicle<'_>, copied: usize, until: usize) -> Course {
    let befell = befallen(chronicle, copied, until).into_iter();
    let is_before = |one: &Injected| one.at < copied && !one.befalls(Call::Send);
    let (before, after): (Vec<_>, Vec<_>) = befell.partition(is_before);
    let told = faults::clauses(chronicle, &before).then_of(clause(chronicle, copied));
    told.then_of(faults::clauses(chronicle, &after))
}
