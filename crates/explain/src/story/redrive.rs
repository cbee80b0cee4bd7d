//! What comes of a dead letter that is moved back to its queue.

use entrega_scenario::Span;

use super::chronicle::{Chronicle, times};
use super::course::Course;
use super::giving_up;
use super::split::{self, ALONE};

/// How a dead letter that was moved back ends as one.
pub(super) const AGAIN: &str = "goes to the dead letters again";

/// A second effect of a message that had taken effect before it was dead-lettered.
pub(super) fn tell(chronicle: &Chronicle<'_>) -> Course {
    let (m, effects) = (chronicle.message(), chronicle.effects());
    let twice = format!("takes effect {}", times(effects.len()));
    let redrives = chronicle.redrives();
    let later = effects.get(1);
    let back = later.and_then(|later| redrives.into_iter().rfind(|at| *at < later.at));
    let (Some(later), Some(back)) = (later, back) else { return split::tell(chronicle) };
    let to = chronicle.name(later.consumer);
    let story = split::beside_until(chronicle, back).part_of(moved_back(chronicle, back));
    story.part(format!("{m} is delivered again to {to} and {twice}"))
}

/// How a message became the dead letter that is moved back at a place, and that it is.
pub(super) fn moved_back_from(chronicle: &Chronicle<'_>, back: usize) -> Course {
    let letters = giving_up::all(chronicle);
    let letter = letters.iter().rfind(|given_up| given_up.letter < back);
    let dead = letter.map(|given_up| given_up.course(chronicle, ALONE)).unwrap_or_default();
    dead.part_of(moved_back(chronicle, back))
}

/// A message that was moved back and became a dead letter again.
pub(super) fn dead_again(chronicle: &Chronicle<'_>) -> Course {
    let letters = giving_up::all(chronicle);
    let (Some(first), Some(last)) = (letters.first(), letters.last()) else {
        return Course::default();
    };
    let back = chronicle.redrives().into_iter().next();
    let back = back.map(|at| moved_back(chronicle, at)).unwrap_or_default();
    let again = last.course(chronicle, AGAIN);
    let why = first.without_answer(chronicle);
    why.part_of(first.course(chronicle, ALONE)).part_of(back).part_of(again)
}

/// `1h later m2 is moved back to its queue under a new id`.
pub(super) fn moved_back(chronicle: &Chronicle<'_>, at: usize) -> Course {
    let (m, run) = (chronicle.message(), chronicle.run);
    let letter = chronicle.dead_letters().into_iter().rfind(|letter| *letter < at);
    let later = letter.map(|letter| run.events[at].at.since(run.events[letter].at));
    let later = later
        .map_or_else(String::new, |span| format!("{} later ", Span::from_nanos(span.as_nanos())));
    let under = if run.cast.redrives_under_new_ids() { " under a new id" } else { "" };
    Course::default().then_at(at, format!("{later}{m} is moved back to its queue{under}"))
}
