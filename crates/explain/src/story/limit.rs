//! A delivery limit that takes messages along on which no handler ever failed.

use entrega_model::{Kind, ProcessId};

use super::chronicle::{Chronicle, times};
use super::course::Course;
use super::death::Death;
use super::leaving;
use super::listed;
use crate::possessions::{End, Ending};
use crate::run::first;

/// What brought a message back so often although no handler failed on it, as main clauses: before
/// the event `letter`, and since it was last moved back. None if no delivery limit took it, or if a
/// handler did fail or crash on it.
pub(super) fn innocence(chronicle: &Chronicle<'_>, letter: usize) -> Course {
    let innocent = chronicle.run.victims.innocent(chronicle.subscription);
    if !innocent.into_iter().any(|one| one == chronicle.id) {
        return Course::default();
    }
    let since = chronicle.redrives().into_iter().rfind(|at| *at < letter).unwrap_or_default();
    let counts = |end: &&End| end.how.returns() && (since..letter).contains(&end.place.event);
    let mut told = Course::default();
    let mut returns = 0;
    for possession in chronicle.run.possessions.of(chronicle.subscription, chronicle.id) {
        let Some(end) = possession.ends.iter().find(counts) else { continue };
        returns += 1;
        told = told.then_of(why(chronicle, possession.process, end).unwrap_or_default());
    }
    let m = chronicle.message();
    let count = times(returns);
    told.each_once().then(format!("{m}, on which no handler failed, comes back {count}"))
}

/// How the last holder of the message was killed, if it was, and the message came back with that.
pub(super) fn killed(chronicle: &Chronicle<'_>) -> Option<Course> {
    let possessions = chronicle.run.possessions.of(chronicle.subscription, chronicle.id);
    let last = possessions.rev().find(|one| one.ends.iter().any(|end| end.how.returns()))?;
    let back = last.ends.iter().find(|end| end.how == Ending::Requeued)?;
    let crash = chronicle.crash_before(last.process, back.place.event)?;
    let death = Death::at(chronicle, crash);
    death.request()?;
    let before = death.before(chronicle, last.process, (last.from.event, crash));
    Some(before.then_of(death.course("")))
}

/// Why a message came back from a process, as a main clause.
pub(super) fn why(chronicle: &Chronicle<'_>, holder: ProcessId, end: &End) -> Option<Course> {
    let at = end.place.event;
    if end.how != Ending::Requeued {
        return Some(Course::of(chronicle.words(at).clause()));
    }
    if let Some(crash) = chronicle.crash_before(holder, at) {
        return Some(Death::at(chronicle, crash).told(chronicle));
    }
    let leaves = first(
        chronicle.run.of_process(holder),
        at,
        |at| matches!(*chronicle.kind(at), Kind::Exited { process, .. } if process == holder),
    )?;
    let who = chronicle.name(holder);
    let reason = leaving::reason(chronicle, leaves)?;
    Some(reason.and(format!("{who} leaves")))
}

/// What else the limit took along, as a sentence.
pub(super) fn taken_along(chronicle: &Chronicle<'_>) -> Option<String> {
    let Chronicle { run, subscription, id } = *chronicle;
    if !run.victims.has(subscription, id) {
        return None;
    }
    let others: Vec<_> = run.victims.innocent(subscription).filter(|one| *one != id).collect();
    let messages = if others.len() == 1 { "message" } else { "messages" };
    let (count, names) = (others.len(), listed(&others));
    (count > 0).then(|| {
        format!(
            "The same limit takes {count} {messages} along on which no handler failed: {names}."
        )
    })
}
