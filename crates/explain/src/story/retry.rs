//! Copies that a consumer published to be tried later, and what comes of two.

use super::chronicle::{Chronicle, times};
use super::course::Course;
use super::{duplicate, faults};

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
    let Some(copied) = copied(chronicle, 0, later.at) else { return duplicate::tell(chronicle) };
    let twice = format!("{m} takes effect {}", times(effects.len()));
    let told = around(chronicle, copied, later.at);
    if earlier.at < copied {
        let to = chronicle.name(later.consumer);
        return told.part(format!("the copy is delivered to {to}")).and(twice);
    }
    if chronicle.retries().len() > 1 {
        return told.part("more than one copy is processed").and(twice);
    }
    told.part(format!("{m} comes back beside its copy, and both are processed")).part(twice)
}

/// What befell the consumer that published a copy, in the order of time, until it had died.
fn around(chronicle: &Chronicle<'_>, copied: usize, until: usize) -> Course {
    let Some(who) = chronicle.kind(copied).process() else { return clause(chronicle, copied) };
    let deliveries = chronicle.deliveries();
    let held = deliveries.iter().rfind(|one| one.consumer == who && one.at < copied);
    let since = held.map_or(0, |one| one.at);
    let after = chronicle.run.faults_between(copied, until).iter();
    let death = after.copied().find(|one| one.process == who && one.is_crash());
    let until = death.map_or(until, |death| death.at);
    let mut befell = faults::concerning(chronicle, who, since, until);
    befell.extend(death);
    let (before, after): (Vec<_>, Vec<_>) = befell.into_iter().partition(|one| one.at < copied);
    let told = faults::clauses(chronicle, &before).then_of(clause(chronicle, copied));
    told.then_of(faults::clauses(chronicle, &after))
}
