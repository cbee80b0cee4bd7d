//! Why a message took effect again although its effects were to be recognised.
//!
//! > **The rule.** No event says what a sink or a process has in its memory; it follows from the
//! > settings of the sink and the effects before. It is told only where it follows: of a key whose
//! > window has closed, of one that others have pushed out, of a consumer that looked before the
//! > other's effect, and of a memory that is another's or gone.

use std::collections::BTreeSet;

use entrega_model::{Kind, MessageId};
use entrega_scenario::Dedup;

use super::chronicle::{Applied, Chronicle};
use super::course::Course;
use crate::run::{first, last};

/// A story of a duplicate, with why the second effect was not recognised.
pub(super) fn told_after(story: Course, chronicle: &Chronicle<'_>) -> Course {
    match why(chronicle) {
        Some(why) => story.part(why),
        None => story,
    }
}

fn why(chronicle: &Chronicle<'_>) -> Option<String> {
    let effects = chronicle.effects();
    let [earlier, later, ..] = effects.as_slice() else { return None };
    match chronicle.run.cast.sink().dedup {
        Dedup::None => None,
        Dedup::Atomic => forgotten(chronicle, "the sink", earlier, later.at),
        Dedup::CheckThenWrite => Some(looked_first(chronicle, earlier, later)),
        Dedup::ProcessMemory => not_in_memory(chronicle, earlier, later),
    }
}

/// What made `who` forget the first effect until a place, if anything did.
fn forgotten(
    chronicle: &Chronicle<'_>,
    who: &str,
    earlier: &Applied,
    until: usize,
) -> Option<String> {
    let (settings, m) = (chronicle.run.cast.sink(), chronicle.message());
    let at = |place: usize| chronicle.run.events[place].at;
    let is_over =
        |window: &entrega_scenario::Span| at(until).since(at(earlier.at)) > window.duration();
    if let Some(window) = settings.dedup_window.filter(is_over) {
        return Some(format!("{who} had forgotten {m}: its window of {window} had closed"));
    }
    let others = newer(chronicle, earlier, until);
    settings.dedup_entries.filter(|entries| others >= *entries as usize).map(|entries| {
        let room =
            if entries == 1 { "one message".to_owned() } else { format!("{entries} messages") };
        format!("{who} had forgotten {m}: it has room for {room}, and newer ones had come")
    })
}

/// How many other messages have had an effect since the first one and until a place.
fn newer(chronicle: &Chronicle<'_>, earlier: &Applied, until: usize) -> usize {
    let between = |at: &&usize| (earlier.at..until).contains(*at);
    let others = chronicle.run.effects().iter().filter(between).filter_map(|&at| match *chronicle
        .kind(at)
    {
        Kind::Effect { message, subscription, .. } if subscription == chronicle.subscription => {
            Some(message)
        }
        _ => None,
    });
    others.filter(|one| *one != chronicle.id).collect::<BTreeSet<MessageId>>().len()
}

/// The second consumer asked for the key and then worked: before the first effect, or after its
/// key was forgotten.
fn looked_first(chronicle: &Chronicle<'_>, earlier: &Applied, later: &Applied) -> String {
    let of_it = chronicle.run.of_message(chronicle.id);
    let began = last(of_it, later.at, |at| {
        matches!(*chronicle.kind(at), Kind::ProcessingStarted { delivery, .. }
            if delivery == later.delivery)
    });
    let began = began.unwrap_or(later.at);
    let forgotten = forgotten(chronicle, "the sink", earlier, began);
    forgotten.filter(|_| began > earlier.at).unwrap_or_else(|| {
        let (who, m) = (chronicle.name(later.consumer), chronicle.message());
        format!("{who} had looked for the key of {m} before it was there, and nobody looks again")
    })
}

/// The second consumer did not know what the first knew, or no longer.
fn not_in_memory(chronicle: &Chronicle<'_>, earlier: &Applied, later: &Applied) -> Option<String> {
    let (one, other) = (chronicle.name(earlier.consumer), chronicle.name(later.consumer));
    let m = chronicle.message();
    if earlier.consumer != later.consumer {
        return Some(format!("only {one} could remember {m}, and {other} did not"));
    }
    let ended = first(chronicle.run.turns(), earlier.at, |at| {
        let (Kind::Crashed { process, .. } | Kind::Exited { process, .. }) = *chronicle.kind(at)
        else {
            return false;
        };
        process == earlier.consumer
    });
    match ended.filter(|at| *at < later.at) {
        Some(_) => Some(format!("what {one} remembered was gone with its process")),
        None => forgotten(chronicle, &one, earlier, later.at),
    }
}
