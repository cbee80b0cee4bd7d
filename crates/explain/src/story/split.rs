//! How a message came into the dead letters, alone or in addition to its effect.

use std::collections::BTreeSet;

use entrega_model::{Kind, MessageId};
use entrega_scenario::points::Call;

use super::chronicle::{Applied, Chronicle, Delivered, times};
use super::course::Course;
use super::duplicate::{are_two_copies, doubling};
use super::faults;
use super::giving_up::{self, GivenUp};
use super::interruption::{Interruption, held_it_first};
use super::limit;
use super::redrive;
use super::retry;

/// How it goes to the dead letters.
pub(super) const ALONE: &str = "goes to the dead letters";
/// The same after its effect.
const AS_WELL: &str = "goes to the dead letters as well";

/// A dead letter and no effect.
pub(super) fn dead_lettered(chronicle: &Chronicle<'_>) -> Course {
    match giving_up::all(chronicle).first() {
        Some(_) if !chronicle.redrives().is_empty() => redrive::dead_again(chronicle),
        Some(given_up) => {
            let why = given_up.without_answer(chronicle);
            why.part_of(given_up.course(chronicle, ALONE))
        }
        None => Course::of(format!("{} {ALONE}", chronicle.message())),
    }
}

/// A dead letter and an effect; of a message that was moved back, the last dead letter.
pub(super) fn tell(chronicle: &Chronicle<'_>) -> Course {
    let (effects, letters) = (chronicle.effects(), giving_up::all(chronicle));
    let Some(back) = chronicle.redrives().last().copied() else {
        return beside(chronicle, letters.first());
    };
    if effects.first().is_some_and(|effect| effect.at > back) {
        let before = redrive::moved_back_from(chronicle, back);
        return before.part_of(beside(chronicle, letters.last()));
    }
    let before = beside_until(chronicle, back).part_of(redrive::moved_back(chronicle, back));
    let again = letters.last().filter(|given_up| given_up.letter > back);
    let again = again.map(|given_up| given_up.course(chronicle, redrive::AGAIN));
    before.part_of(again.unwrap_or_default())
}

/// The first effect, and the last dead letter before a place.
pub(super) fn beside_until(chronicle: &Chronicle<'_>, until: usize) -> Course {
    let letters = giving_up::all(chronicle);
    beside(chronicle, letters.iter().rfind(|given_up| given_up.letter < until))
}

/// The first effect, and this dead letter.
fn beside(chronicle: &Chronicle<'_>, given_up: Option<&GivenUp<'_>>) -> Course {
    let as_well =
        Course::of(format!("{} takes effect and is dead-lettered as well", chronicle.message()));
    let effects = chronicle.effects();
    let (Some(effect), Some(given_up)) = (effects.first(), given_up) else {
        return as_well;
    };
    match (given_up.delivery, chronicle.delivery(effect)) {
        (Some(dead), Some(done)) if dead.id == done.id && given_up.is_by_broker() => {
            by_broker(chronicle, given_up, effect, &done)
        }
        (Some(dead), Some(done)) if dead.id == done.id => {
            without_answer(chronicle, &done, given_up.letter)
        }
        (Some(dead), Some(done)) if are_two_copies(chronicle, &dead, &done) => {
            one_copy_each(chronicle, given_up)
        }
        (Some(dead), Some(done)) if effect.at < given_up.letter => {
            effect_first(chronicle, given_up, (effect, &done), &dead)
        }
        (Some(dead), Some(done)) => letter_first(chronicle, given_up, (effect, &done), &dead),
        (None, Some(_)) if chronicle.stored().len() > 1 => one_copy_each(chronicle, given_up),
        (None, Some(done)) => {
            let (m, to) = (chronicle.message(), chronicle.name(done.consumer));
            let all_the_same = format!("{m} is delivered to {to} all the same");
            let first = given_up.course(chronicle, ALONE).part(all_the_same);
            first.and(format!("{m} takes effect as well"))
        }
        (_, None) => as_well,
    }
}

/// One stored copy takes effect, and another one is given up.
fn one_copy_each(chronicle: &Chronicle<'_>, given_up: &GivenUp<'_>) -> Course {
    let end = given_up.course(chronicle, AS_WELL);
    doubling(chronicle).part("one copy takes effect").and_of(end)
}

/// The broker gives up what its consumer has done, or does later.
fn by_broker(
    chronicle: &Chronicle<'_>,
    given_up: &GivenUp<'_>,
    effect: &Applied,
    done: &Delivered<'_>,
) -> Course {
    let m = chronicle.message();
    let taken = done.possession.ends.iter().find(|end| end.how.returns());
    let why = taken.filter(|_| limit::innocence(chronicle, given_up.letter).is_empty());
    let why = why.and_then(|end| limit::why(chronicle, done.consumer, end)).unwrap_or_default();
    if effect.at < given_up.letter {
        let why = given_up.without_answer(chronicle).then_of(why);
        let end = given_up.course(chronicle, AS_WELL);
        return Course::of(format!("{m} takes effect")).part_of(why).part_of(end);
    }
    let who = chronicle.name(done.consumer);
    let end = why.part_of(given_up.course(chronicle, ALONE));
    if given_up.is_asked_for() {
        let why = given_up.without_answer(chronicle);
        return why.part_of(end).part(format!("{m} takes effect after that as well"));
    }
    let goes_on = if done.at > given_up.letter {
        end.part(format!("{m} is delivered to {who} all the same"))
    } else {
        end.part(format!("{who} goes on as a zombie"))
    };
    goes_on.and(format!("{m} takes effect as well"))
}

/// The effect of one delivery, and then the dead letter of another one.
fn effect_first(
    chronicle: &Chronicle<'_>,
    given_up: &GivenUp<'_>,
    (effect, done): (&Applied, &Delivered<'_>),
    dead: &Delivered<'_>,
) -> Course {
    let m = chronicle.message();
    let end = given_up.course(chronicle, AS_WELL);
    if held_it_first(dead, done) {
        let why = Interruption::of(dead, done, None).of_given_up().course(chronicle);
        let (zombie, to) = (chronicle.name(dead.consumer), chronicle.name(done.consumer));
        let done = why.part(format!("{m} is delivered again to {to} and takes effect"));
        return done.part(format!("{zombie} goes on as a zombie")).and_of(end);
    }
    let why = Interruption::of(done, dead, Some(effect.at)).course(chronicle);
    let end = end.without_told(&why);
    why.part(format!("{m} is delivered again")).and_of(end)
}

/// The dead letter of one delivery, and then the effect of another one.
fn letter_first(
    chronicle: &Chronicle<'_>,
    given_up: &GivenUp<'_>,
    (effect, done): (&Applied, &Delivered<'_>),
    dead: &Delivered<'_>,
) -> Course {
    let m = chronicle.message();
    if held_it_first(done, dead) {
        let why = Interruption::of(done, dead, Some(effect.at)).course(chronicle);
        let again = why.part(format!("{m} is delivered again"));
        let zombie = chronicle.name(done.consumer);
        let first = again.and_of(given_up.course(chronicle, ALONE));
        let goes_on = first.part(format!("{zombie} goes on as a zombie"));
        return goes_on.and(format!("{m} takes effect as well"));
    }
    let to = chronicle.name(done.consumer);
    let again = format!("{m} is delivered again to {to} and takes effect as well");
    and_again(chronicle, given_up, (dead, done)).part(again)
}

/// A dead letter and why the message came again, in the order of time: what took it from its
/// consumer may come before the dead letter.
fn and_again(
    chronicle: &Chronicle<'_>,
    given_up: &GivenUp<'_>,
    (dead, next): (&Delivered<'_>, &Delivered<'_>),
) -> Course {
    let why = Interruption::after(given_up.letter, dead, next).course(chronicle);
    let (before, after) = why.split_at(given_up.letter);
    before.part_of(given_up.course(chronicle, ALONE)).part_of(after)
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
        Kind::Redriven { message, .. } => {
            seen.remove(&message);
            None
        }
        _ => None,
    })
}

/// Two dead letters or more.
pub(super) fn dead_lettered_twice(chronicle: &Chronicle<'_>) -> Course {
    let m = chronicle.message();
    let letters = giving_up::all(chronicle);
    let [first, second, ..] = letters.as_slice() else {
        return dead_lettered(chronicle);
    };
    let twice = format!("goes to the dead letters {}", times(letters.len()));
    if first.is_asked_for() && !chronicle.retries().is_empty() {
        return retry::doubling(chronicle, second.letter).part(format!("{m} {twice}"));
    }
    let (Some(one), Some(other)) = (first.delivery, second.delivery) else {
        let letters = first.course(chronicle, &twice);
        let copies = chronicle.stored().len() > 1;
        return if copies { doubling(chronicle).part_of(letters) } else { letters };
    };
    if are_two_copies(chronicle, &one, &other) && first.is_asked_for() {
        return doubling(chronicle).part("both copies fail").and(format!("{m} {twice}"));
    }
    if are_two_copies(chronicle, &one, &other) {
        return doubling(chronicle).part_of(first.course(chronicle, &twice));
    }
    if one.id == other.id && first.is_by_broker() {
        let zombie = format!("{} goes on as a zombie", chronicle.name(one.consumer));
        let again = second.course(chronicle, AS_WELL);
        return first.course(chronicle, ALONE).part(zombie).and_of(again);
    }
    if one.id == other.id {
        let who = chronicle.name(one.consumer);
        let mut found = faults::concerning(chronicle, one.consumer, one.at, second.letter);
        found.retain(|fault| fault.befalls(Call::DeadLetter));
        let why = faults::clauses(chronicle, &found);
        let again = if why.is_empty() { Course::of(format!("{who} writes it again")) } else { why };
        let beginning = first.course(chronicle, ALONE);
        return beginning.part_of(again).and(format!("{m} {twice}"));
    }
    let (one, other) = if held_it_first(&one, &other) { (one, other) } else { (other, one) };
    let to = chronicle.name(other.consumer);
    let again = format!("{m} is delivered again to {to} and {twice}");
    and_again(chronicle, first, (&one, &other)).part(again)
}

/// The consumer never learnt of the effect and gave the message up.
fn without_answer(chronicle: &Chronicle<'_>, done: &Delivered<'_>, letter: usize) -> Course {
    let (who, m) = (chronicle.name(done.consumer), chronicle.message());
    let found = faults::concerning(chronicle, done.consumer, done.at, letter);
    let what = faults::clauses(chronicle, &found);
    let what = match (what.is_empty(), what.is_one_clause() && found.len() > 1) {
        (true, _) => Course::of(format!("{who} has no answer from the sink")),
        (false, true) => what.ended(&format!(" ({})", times(found.len()))),
        (false, false) => what,
    };
    let effects = chronicle.effects();
    let before = effects.iter().filter(|effect| effect.at < letter).count();
    let effects = match (before, effects.len() - before) {
        (before, 0) => format!("has taken effect {}", times(before)),
        (0, later) => format!("takes effect {} after that", times(later)),
        (before, later) => {
            format!("has taken effect {} and takes effect {} more", times(before), times(later))
        }
    };
    what.part(format!("{who} gives up and dead-letters {m}, which {effects}"))
}
