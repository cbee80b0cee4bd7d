//! How a message came to take effect more than once.

use entrega_model::Kind;
use entrega_model::event::ProcessingResult;
use entrega_scenario::Span;
use entrega_scenario::points::Call;

use super::chronicle::{Applied, Chronicle, Delivered, times};
use super::course::Course;
use super::faults;
use super::interruption::{Interruption, held_it_first};
use crate::possessions::Ending;
use crate::run::first;
use crate::words;

pub(super) fn tell(chronicle: &Chronicle<'_>) -> Course {
    let m = chronicle.message();
    let effects = chronicle.effects();
    let twice = format!("takes effect {}", times(effects.len()));
    let [earlier, later, ..] = effects.as_slice() else {
        return Course::of(format!("{m} {twice}"));
    };
    if earlier.delivery == later.delivery {
        let told = within_one_delivery(chronicle, earlier, later, &twice);
        return match lost_meanwhile(chronicle, earlier, later) {
            Some(lost) => told.part(lost),
            None => told,
        };
    }
    let (Some(one), Some(other)) = (chronicle.delivery(earlier), chronicle.delivery(later)) else {
        return Course::of(format!("{m} {twice}"));
    };
    if are_two_copies(chronicle, &one, &other) {
        return stored_twice(chronicle);
    }
    let (holder, successor, effect) =
        if held_it_first(&one, &other) { (one, other, earlier) } else { (other, one, later) };
    let why = Interruption::of(&holder, &successor, Some(effect.at)).course(chronicle);
    let to = chronicle.name(successor.consumer);
    if effect.at > successor.at && holder.consumer != successor.consumer {
        let zombie = chronicle.name(holder.consumer);
        return why.part(format!(
            "{m} is delivered again to {to}, {zombie} goes on as a zombie, and {m} {twice}"
        ));
    }
    if was_aborted(chronicle, earlier) {
        return why.part(format!(
            "the transaction of its effect is aborted, which a reader of uncommitted records has \
             seen by then; {m} is delivered again to {to} and {twice}"
        ));
    }
    why.part(format!("{m} is delivered again to {to} and {twice}"))
}

/// Whether the transaction of an effect was aborted that had been seen.
fn was_aborted(chronicle: &Chronicle<'_>, effect: &Applied) -> bool {
    let mut of_message = chronicle.run.of_message(chronicle.id).iter();
    of_message.any(|&at| {
        matches!(*chronicle.kind(at), Kind::Aborted { delivery, seen: true, .. }
            if delivery == effect.delivery)
    })
}

fn within_one_delivery(
    chronicle: &Chronicle<'_>,
    earlier: &Applied,
    later: &Applied,
    twice: &str,
) -> Course {
    let m = chronicle.message();
    let started = chronicle.delivery(earlier).map_or(0, |one| one.at);
    let faults = faults::concerning(chronicle, earlier.consumer, started, later.at);
    let what = faults::clauses(chronicle, &faults);
    if faults.iter().any(|fault| fault.doubles(Call::Effect)) {
        return what.and(format!("{m} {twice}"));
    }
    let who = chronicle.name(earlier.consumer);
    let again = format!("{who} tries again and {m} {twice}");
    if !what.is_empty() {
        return what.part(again);
    }
    match failed_item(chronicle, earlier, later) {
        Some(item) => {
            let whole = format!("{who} writes the whole batch again");
            Course::of(item).part(whole).and(format!("{m} {twice}"))
        }
        None => Course::of(format!("{who} has no answer from the sink")).part(again),
    }
}

/// What took the message from its holder between two effects of one delivery: the second would have
/// come all the same, and others may have had the message by then.
fn lost_meanwhile(chronicle: &Chronicle<'_>, earlier: &Applied, later: &Applied) -> Option<String> {
    let mut all = chronicle.run.possessions.of(chronicle.subscription, chronicle.id);
    let own = all.find(|one| one.delivery.is_some_and(|of| of.id == earlier.delivery))?;
    let between = earlier.at..later.at;
    let end = own.ends.iter().find(|end| between.contains(&end.place.event))?;
    let (who, m) = (chronicle.name(earlier.consumer), chronicle.message());
    let what = match end.how {
        Ending::LeaseExpired => format!("the lease of {who} on {m} has run out"),
        Ending::SessionExpired => format!("the session of {who} has run out"),
        Ending::MaxPollExceeded => format!("{who} has left its group, as it had not polled"),
        Ending::Requeued => format!("the connection of {who} has ended, and {m} has gone back"),
        Ending::NotRejoined | Ending::Revoked | Ending::PartitionLost => {
            format!("{who} has lost the partition of {m}")
        }
        Ending::BrokerRestarted => "the broker has restarted".to_owned(),
        Ending::Settled
        | Ending::GivenBack
        | Ending::SoughtBack
        | Ending::Crashed
        | Ending::Exited => return None,
    };
    Some(format!("before the second effect, {what}"))
}

/// Another message on which the handler failed between two effects of one delivery: an item of the
/// same batch.
fn failed_item(chronicle: &Chronicle<'_>, earlier: &Applied, later: &Applied) -> Option<String> {
    let failure = first(chronicle.run.failures(), earlier.at, |at| {
        matches!(*chronicle.kind(at), Kind::ProcessingEnded { message, consumer, result, .. }
            if consumer == earlier.consumer
                && message != chronicle.id
                && matches!(result, ProcessingResult::Transient | ProcessingResult::Poison))
    });
    let failure = failure.filter(|at| *at < later.at)?;
    let Kind::ProcessingEnded { message, result, .. } = *chronicle.kind(failure) else {
        return None;
    };
    let (who, item) = (chronicle.name(earlier.consumer), words::name(message));
    let poison = if result == ProcessingResult::Poison { ", which is poison," } else { "" };
    Some(format!(
        "the handler of {who} fails on {item}{poison} of the same batch as {}",
        chronicle.message()
    ))
}

/// Whether the two deliveries are of two stored copies: other offsets on a log; on a queue, neither
/// is a redelivery, or nothing took the message away from its first holder.
pub(super) fn are_two_copies(
    chronicle: &Chronicle<'_>,
    one: &Delivered<'_>,
    other: &Delivered<'_>,
) -> bool {
    if chronicle.stored().len() < 2 {
        return false;
    }
    if chronicle.partition().is_some() {
        return one.position != other.position;
    }
    let (earlier, later) = if one.at < other.at { (one, other) } else { (other, one) };
    let taken = Interruption::of(earlier, later, None).taken(earlier.at);
    (!one.redelivered && !other.redelivered) || taken.is_none()
}

/// A message of which the broker has two copies.
pub(super) fn stored_twice(chronicle: &Chronicle<'_>) -> Course {
    let m = chronicle.message();
    let twice = format!("takes effect {}", times(chronicle.effects().len()));
    doubling(chronicle).part("both copies are processed").and(format!("{m} {twice}"))
}

/// How the broker came to have two copies.
pub(super) fn doubling(chronicle: &Chronicle<'_>) -> Course {
    let m = chronicle.message();
    let until = chronicle.stored().last().copied().unwrap_or(0);
    let faults = faults::while_sending(chronicle, until);
    let what = faults::clauses(chronicle, &faults);
    if what.is_empty() {
        Course::of(format!("{m} is stored twice"))
    } else if faults.iter().any(|fault| fault.doubles(Call::Send)) {
        what.and(format!("{m} is stored twice"))
    } else if let Some(window) = closed_window(chronicle) {
        let again =
            format!("the producer sends {m} again when the dedup window of {window} is over");
        what.part(again).and("it is stored twice")
    } else {
        what.part(format!("the producer sends {m} again")).and("it is stored twice")
    }
}

/// How long the dedup window of a queue is, if it had closed when the second copy was stored.
fn closed_window(chronicle: &Chronicle<'_>) -> Option<String> {
    let window = chronicle.run.cast.dedup_window()?;
    if chronicle.partition().is_some() {
        return None;
    }
    let [first, second, ..] = chronicle.stored()[..] else { return None };
    let at = |place: usize| chronicle.run.events[place].at;
    (at(second).since(at(first)) >= window).then(|| Span::from_nanos(window.as_nanos()).to_string())
}
