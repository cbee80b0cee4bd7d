//! How a message came into the dead letters, alone or in addition to its effect.

use std::collections::BTreeSet;

use entrega_model::event::DeadLetterReason;
use entrega_model::{Kind, MessageId, ProcessId};
use entrega_scenario::points::Call;

use super::chronicle::{Chronicle, Delivered, times};
use super::course::Course;
use super::duplicate::{are_two_copies, doubling};
use super::faults;
use super::interruption::{Interruption, held_it_first};
use super::limit;

/// A dead letter and no effect.
pub(super) fn dead_lettered(chronicle: &Chronicle<'_>) -> Course {
    match chronicle.dead_letters().first() {
        Some(&at) => giving_up(chronicle, at, "goes to the dead letters"),
        None => Course::of(format!("{} goes to the dead letters", chronicle.message())),
    }
}

/// A dead letter and an effect.
pub(super) fn tell(chronicle: &Chronicle<'_>) -> Course {
    let m = chronicle.message();
    let (effects, letters) = (chronicle.effects(), chronicle.dead_letters());
    let as_well = || Course::of(format!("{m} takes effect and is dead-lettered as well"));
    let (Some(effect), Some(&letter)) = (effects.first(), letters.first()) else {
        return as_well();
    };
    let (dead, done) = (delivery_before(chronicle, letter), chronicle.delivery(effect));
    let (Some(dead), Some(done)) = (dead, done) else {
        return as_well();
    };
    if dead.id == done.id && is_given_up_by_broker(chronicle, letter) {
        let taken = done.possession.ends.iter().find(|end| end.how.returns());
        let why = taken.and_then(|end| limit::why(chronicle, done.consumer, end));
        let end = giving_up(chronicle, letter, "goes to the dead letters as well");
        let done = Course::of(format!("{m} takes effect"));
        return done.part_of(why.unwrap_or_default()).part_of(end);
    }
    if dead.id == done.id {
        return without_answer(chronicle, &done, letter);
    }
    if are_two_copies(chronicle, &dead, &done) {
        let end = giving_up(chronicle, letter, "goes to the dead letters as well");
        return doubling(chronicle).part("one copy takes effect").and_of(end);
    }
    if effect.at < letter {
        let end = giving_up(chronicle, letter, "goes to the dead letters as well");
        if held_it_first(&dead, &done) {
            let why = Interruption::of(&dead, &done, None).course(chronicle);
            let (zombie, to) = (chronicle.name(dead.consumer), chronicle.name(done.consumer));
            let done = why.part(format!("{m} is delivered again to {to} and takes effect"));
            return done.part(format!("{zombie} goes on as a zombie")).and_of(end);
        }
        let why = Interruption::of(&done, &dead, Some(effect.at)).course(chronicle);
        return why.part(format!("{m} is delivered again")).and_of(end);
    }
    let first = giving_up(chronicle, letter, "goes to the dead letters");
    if held_it_first(&done, &dead) {
        let why = Interruption::of(&done, &dead, Some(effect.at)).course(chronicle);
        let zombie = chronicle.name(done.consumer);
        let given_up = why.part(format!("{m} is delivered again")).and_of(first);
        let goes_on = given_up.part(format!("{zombie} goes on as a zombie"));
        return goes_on.and(format!("{m} takes effect as well"));
    }
    let why = Interruption::after(letter, &dead, &done).course(chronicle);
    let to = chronicle.name(done.consumer);
    let again = format!("{m} is delivered again to {to} and takes effect as well");
    first.part_of(why).part(again)
}

/// The message of the subscription that went to the dead letters a second time.
pub(super) fn twice_dead(chronicle: &Chronicle<'_>) -> Option<MessageId> {
    let mut seen = BTreeSet::new();
    chronicle.run.endings().iter().find_map(|&at| match *chronicle.kind(at) {
        Kind::DeadLettered { message, subscription, .. }
            if subscription == chronicle.subscription && !seen.insert(message) =>
        {
            Some(message)
        }
        _ => None,
    })
}

/// Two dead letters or more.
pub(super) fn dead_lettered_twice(chronicle: &Chronicle<'_>) -> Course {
    let m = chronicle.message();
    let letters = chronicle.dead_letters();
    let [first, second, ..] = letters.as_slice() else {
        return dead_lettered(chronicle);
    };
    let twice = format!("goes to the dead letters {}", times(letters.len()));
    let before = |letter: usize| delivery_before(chronicle, letter);
    let (Some(one), Some(other)) = (before(*first), before(*second)) else {
        return Course::of(format!("{m} {twice}"));
    };
    if are_two_copies(chronicle, &one, &other) {
        return doubling(chronicle).part("both copies fail").and(format!("{m} {twice}"));
    }
    let beginning = giving_up(chronicle, *first, "goes to the dead letters");
    if one.id == other.id {
        let who = chronicle.name(one.consumer);
        let mut found = faults::concerning(chronicle, one.consumer, one.at, *second);
        found.retain(|fault| fault.befalls(Call::DeadLetter));
        let why = faults::clauses(chronicle, &found);
        let again = if why.is_empty() { Course::of(format!("{who} writes it again")) } else { why };
        return beginning.part_of(again).and(format!("{m} {twice}"));
    }
    let why = Interruption::after(*first, &one, &other).course(chronicle);
    let to = chronicle.name(other.consumer);
    beginning.part_of(why).part(format!("{m} is delivered again to {to} and {twice}"))
}

/// The consumer never learnt of the effect and gave the message up.
fn without_answer(chronicle: &Chronicle<'_>, done: &Delivered<'_>, letter: usize) -> Course {
    let (who, m) = (chronicle.name(done.consumer), chronicle.message());
    let found = faults::concerning(chronicle, done.consumer, done.at, letter);
    let count = found.len();
    let what = faults::clauses(chronicle, &found);
    let what = match count {
        0 => Course::of(format!("{who} has no answer from the sink")),
        1 => what,
        _ => what.ended(&format!(" ({})", times(count))),
    };
    let effects = times(chronicle.effects().len());
    what.part(format!("{who} gives up and dead-letters {m}, which has taken effect {effects}"))
}

/// Whether no consumer wrote a dead letter.
fn is_given_up_by_broker(chronicle: &Chronicle<'_>, letter: usize) -> bool {
    matches!(*chronicle.kind(letter), Kind::DeadLettered { reason, .. }
        if reason != DeadLetterReason::Client)
}

/// The last delivery before a place.
fn delivery_before<'a>(chronicle: &Chronicle<'a>, at: usize) -> Option<Delivered<'a>> {
    chronicle.deliveries().into_iter().rfind(|one| one.at < at)
}

/// Why a message was given up, and what `ending` says of it.
fn giving_up(chronicle: &Chronicle<'_>, letter: usize, ending: &str) -> Course {
    let m = chronicle.message();
    let Kind::DeadLettered { reason, .. } = *chronicle.kind(letter) else {
        return Course::of(format!("{m} {ending}"));
    };
    let clause = match reason {
        DeadLetterReason::DeliveryLimit => {
            let often = format!("{m} has been delivered too often and {ending}");
            return limit::innocence(chronicle).then(often);
        }
        DeadLetterReason::Ttl => format!("the time to live of {m} ends and it {ending}"),
        DeadLetterReason::Overflow => format!("the queue is full and {m} {ending}"),
        DeadLetterReason::Rejected => format!("its consumer rejects {m} and it {ending}"),
        DeadLetterReason::Client => match failures(chronicle, letter) {
            (Some(by), count) => {
                let by = chronicle.name(by);
                format!("the handler of {by} fails {} on {m}, which {ending}", times(count))
            }
            (None, _) => format!("{m} {ending}"),
        },
    };
    Course::of(clause)
}

/// Whose handler failed on the message before it was given up, and how often.
fn failures(chronicle: &Chronicle<'_>, letter: usize) -> (Option<ProcessId>, usize) {
    let from = delivery_before(chronicle, letter).map_or(0, |one| one.at);
    let mut by = None;
    let mut count = 0;
    for &at in chronicle.run.failures().iter().filter(|at| (from..letter).contains(*at)) {
        if let Kind::ProcessingEnded { message, subscription, consumer, .. } = *chronicle.kind(at)
            && (message, subscription) == (chronicle.id, chronicle.subscription)
        {
            by = Some(consumer);
            count += 1;
        }
    }
    (by, count)
}
