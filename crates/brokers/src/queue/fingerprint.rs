//! The state of a queue broker, as far as it makes a difference.
//!
//! > **The rule.** What is entered decides a later answer, deadline or event. What is left out
//! > follows from it, or is never looked at again.
//!
//! Tags enter relatively and slots not at all. A copy's place in the queue is entered by the order
//! in which the copies are entered: only which of two comes first is ever asked. Left out, with the
//! reason:
//!
//! * the list of what a client has unsettled: it is what is in flight to it, in order of tags;
//! * the place of the next copy in the queue, unless consumers publish copies: as many copies were
//!   stored before;
//! * leases that are moot;
//! * the first tag of a client whose connection has ended: it may only settle what is in flight;
//! * an end before the first tag of every client that is still connected: no client may settle it
//!   any more. Of the others the word counts only if the client that said it may repeat it; a
//!   client whose connection has ended, or that left and came back, may not;
//! * of an end without a word whose it was and which copy it is about, where a late word is
//!   refused;
//! * everything about tags that will never be named again ([`Context::named_from`]): ends, and
//!   whether the first tag of a client is above them.
//!
//! That ends are kept for a bounded number of deliveries is taken for "for ever": no run that is
//! explored comes to the bound.
//!
//! [`Context::named_from`]: entrega_model::fingerprint::Context::named_from

use entrega_model::queue::DeliveryTag;
use entrega_model::{Fingerprint, Fingerprinted, SubscriptionId};

use super::bound_queue::BoundQueue;
use super::consumers::{Consumer, Consumers, End};
use super::extras::Extras;
use super::features::Features;
use super::in_flight::InFlightDelivery;
use super::ready::Stored;
use super::settings::{LateSettle, Overflow, RequeuePosition, Rules};
use super::{Departed, QueueBroker, QueueSettings, transfers};
use crate::fingerprint::{enter_copies, enter_first_lives};

impl QueueBroker {
    /// Enters the whole state.
    pub(super) fn enter(&self, into: &mut Fingerprint<'_>) {
        let Self { settings, queues, copies, dedup, unflushed, departed, changed } = self;
        let Departed(known) = departed;
        for due in settings.not_before.iter().flat_map(|all| all.iter()) {
            into.time((*due).max(into.now()));
        }
        dedup.iter().for_each(|window| window.fingerprint(into));
        unflushed.iter().for_each(|unflushed| unflushed.fingerprint(queues, into));
        for (subscription, queue) in (0..).map(SubscriptionId).zip(queues) {
            enter_queue(subscription, queue, settings, into);
        }
        enter_copies(into, copies.iter());
        enter_first_lives(into, known.len(), |process| self.departed.connected_from(process));
        into.flag(*changed);
    }
}

fn enter_queue(
    id: SubscriptionId,
    queue: &BoundQueue,
    settings: &QueueSettings,
    into: &mut Fingerprint<'_>,
) {
    let rules = &settings.rules;
    let goes_back = rules.requeue_position == RequeuePosition::Same;
    let all = in_order(queue, goes_back);
    into.count(all.len());
    for &(part, _, stored, delivery) in &all {
        if !goes_back {
            into.flag(part == Part::Fresh);
        }
        enter_copy(id, stored, delivery, settings.features.claim_min_idle.is_some(), into);
        if !rules.limit_counts.deliveries {
            into.word(stored.failures.into());
        }
    }
    queue.in_flight.open().for_each(|tag| {
        into.flag(true);
        into.tag(id, tag);
    });
    into.flag(false);
    queue.in_flight.lease_order().for_each(|tag| {
        into.flag(true);
        into.tag(id, tag);
    });
    into.flag(false);
    if queue.delayed.is_empty() && queue.kept.is_empty() {
        into.flag(false);
        into.count(0);
    } else {
        let places = if goes_back { all.iter().map(|one| one.1).collect() } else { Vec::new() };
        enter_put_aside(id, queue, &places, into);
    }
    let tells_apart = tells_apart(settings);
    if queue.extras.is_some() || tells_apart {
        let delayed = queue.delayed.in_order().into_iter().map(|(_, stored)| stored);
        let present = all.iter().map(|one| *one.2).chain(delayed).chain(queue.kept.iter().copied());
        let aside = queue.extras.iter().flat_map(|extras| extras.put_aside_in_order());
        let copies: Vec<Stored> = present.chain(aside).collect();
        for stored in copies.iter().filter(|_| tells_apart) {
            into.word(queue.next_sequence - stored.sequence);
        }
        if let Some(extras) = &queue.extras {
            enter_extras(id, extras, queue.next_sequence, &copies, into);
        }
    }
    enter_consumers(id, &queue.consumers, rules, into);
    if rules.late_settle == LateSettle::Honoured {
        let stored = all.iter().map(|&(_, _, stored, _)| stored.sequence);
        let delayed = queue.delayed.in_order().into_iter().map(|(_, stored)| stored.sequence);
        let kept = queue.kept.iter().map(|stored| stored.sequence);
        enter_ends_without_a_word(&queue.consumers, stored.chain(delayed).chain(kept), into);
    }
}

/// Whether it matters in which order the copies were stored, and that in which they are entered may
/// be another. A window is about it, a bound may drop the oldest one, and what is due later or is
/// tried again stands behind what was stored after it.
fn tells_apart(settings: &QueueSettings) -> bool {
    let Features { takes_retries, group_lock, .. } = settings.features;
    let drops_oldest = settings.max_length.is_some() && settings.overflow == Overflow::DiscardOld;
    let is_mixed = settings.not_before.is_some() || takes_retries;
    drops_oldest || is_mixed || group_lock || settings.features.has_window()
}

/// Where a copy stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Returned,
    Fresh,
    InFlight,
}

/// A copy with what decides its turn, and the delivery that it is in flight by.
type Standing<'a> = (Part, u64, &'a Stored, Option<&'a InFlightDelivery>);

/// All copies that are ready or in flight, in the order in which they would be delivered. What is
/// in flight stands among those that came back if it would take its original position.
fn in_order(queue: &BoundQueue, goes_back: bool) -> Vec<Standing<'_>> {
    let returned = queue.ready.returned().map(|one| (Part::Returned, one.place, one, None));
    let fresh = queue.ready.fresh().map(|one| (Part::Fresh, one.place, one, None));
    let in_flight = queue.in_flight.iter().map(|delivery| {
        let stored = &delivery.stored;
        let (part, order) =
            if goes_back { (Part::Returned, stored.place) } else { (Part::InFlight, delivery.tag) };
        (part, order, stored, Some(delivery))
    });
    let mut all: Vec<_> = returned.chain(fresh).chain(in_flight).collect();
    all.sort_unstable_by_key(|&(part, order, ..)| (part, order));
    all
}

/// What waits for its time, and what is delivered no more. Of what takes its original place again,
/// which of the others it will precede: `places` are those of the others.
fn enter_put_aside(
    id: SubscriptionId,
    queue: &BoundQueue,
    places: &[u64],
    into: &mut Fingerprint<'_>,
) {
    let delayed = queue.delayed.in_order();
    let before = |place: u64| {
        let waiting = delayed.iter().map(|(_, stored)| stored.place);
        places.iter().copied().chain(waiting).filter(|other| *other < place).count()
    };
    for (until, stored) in &delayed {
        into.flag(true);
        into.count(before(stored.place));
        into.time(*until);
        enter_copy(id, stored, None, false, into);
        into.word(stored.failures.into());
    }
    into.flag(false);
    into.count(queue.kept.len());
    queue.kept.iter().for_each(|stored| stored.record.fingerprint(into));
}

/// The side tables: what is in them, and what they say of each of these copies, which are all that
/// there are. The next end of a retention is a deadline even if the message that it is about has
/// gone.
fn enter_extras(
    id: SubscriptionId,
    extras: &Extras,
    next_sequence: u64,
    copies: &[Stored],
    into: &mut Fingerprint<'_>,
) {
    let Extras {
        features,
        window,
        groups,
        living,
        retained,
        scheduled,
        active,
        is_subscribed,
        redriven,
        retries,
        ids,
        unconfirmed: _,
    } = extras;
    into.flag(*is_subscribed);
    into.flag(active.is_some());
    active.iter().for_each(|client| into.client(*client));
    if features.has_window() {
        window.fingerprint(next_sequence, into);
    }
    into.count(scheduled.len());
    for (until, stored) in scheduled.in_order() {
        into.time(until);
        enter_copy(id, &stored, None, false, into);
    }
    let turns: Vec<_> = groups.turns().collect();
    into.count(turns.len());
    for (key, turn, is_locked) in turns {
        into.word(key.0.into());
        into.word(next_sequence - turn);
        into.flag(is_locked);
    }
    into.count(groups.held().count());
    for stored in groups.held() {
        enter_copy(id, stored, None, false, into);
    }
    into.deadline(extras.retention_end());
    for stored in copies {
        for ages in living.iter().chain(retained) {
            into.deadline(ages.end_of(stored.sequence));
        }
        if features.redrive.is_some() {
            into.word(redriven.times(stored.sequence).into());
        }
        if features.takes_retries {
            into.word(retries.tried(stored.sequence).into());
        }
        if features.remembers_ids {
            into.word(ids.of(stored.sequence));
        }
    }
    if features.takes_retries {
        into.word(next_sequence);
        retries.fingerprint(into);
    }
    enter_dead_letters(id, extras, next_sequence, into);
}

/// Dead letters that go back or are not confirmed, and the ids of what is stored.
fn enter_dead_letters(
    id: SubscriptionId,
    extras: &Extras,
    next_sequence: u64,
    into: &mut Fingerprint<'_>,
) {
    let Extras { features, redriven, ids, unconfirmed, .. } = extras;
    if features.redrive.is_some() {
        redriven.fingerprint(features.remembers_ids, into);
    }
    if features.dead_letter_retry.is_some() {
        transfers::enter(unconfirmed, features.remembers_ids, into);
    }
    if features.remembers_ids {
        into.word(next_sequence);
        into.count(ids.from(into.named_from(id)).count());
        for (tag, stored) in ids.from(into.named_from(id)) {
            into.tag(id, tag);
            into.word(stored);
        }
    }
}

/// Of each end without a word that a late one may still be about: which of these copies it is
/// about.
fn enter_ends_without_a_word(
    consumers: &Consumers,
    copies: impl Iterator<Item = u64> + Clone,
    into: &mut Fingerprint<'_>,
) {
    for end in consumers.ends.iter().filter(|end| end.word.is_none()) {
        let place = copies.clone().position(|sequence| sequence == end.sequence);
        into.maybe(place.map(|place| place as u64));
    }
}

/// A copy, ready or in flight. For how long it may have been claimed already is never asked.
fn enter_copy(
    id: SubscriptionId,
    stored: &Stored,
    delivery: Option<&InFlightDelivery>,
    is_claimed: bool,
    into: &mut Fingerprint<'_>,
) {
    stored.record.fingerprint(into);
    into.word(stored.delivery_count.into());
    into.flag(delivery.is_some());
    if let Some(InFlightDelivery { tag, client, expires, .. }) = delivery {
        into.tag(id, *tag);
        into.client(*client);
        into.time(if is_claimed { (*expires).max(into.now()) } else { *expires });
    }
}

/// Who may settle what, and which settles would be repetitions.
fn enter_consumers(
    id: SubscriptionId,
    consumers: &Consumers,
    rules: &Rules,
    into: &mut Fingerprint<'_>,
) {
    let hears_late = rules.hear_late();
    let connected = || consumers.known.iter().filter(|consumer| !consumer.gone);
    let named_from = into.named_from(id);
    into.count(consumers.known.len());
    for consumer in &consumers.known {
        into.client(consumer.client);
        into.tag(id, consumer.last_tag());
        into.flag(consumer.gone);
        if !consumer.gone {
            enter_first_tag(id, consumer.first_tag, into);
        }
    }
    into.flag(consumers.forgotten > 0);
    if consumers.forgotten > 0 {
        into.tag(id, consumers.forgotten);
    }
    let first = connected().map(|consumer| consumer.first_tag).min().unwrap_or(DeliveryTag::MAX);
    let first = if hears_late { named_from } else { first.max(named_from) };
    for end in consumers.ends.iter().filter(|end| end.tag >= first) {
        into.flag(true);
        into.tag(id, end.tag);
        let word = end.word.filter(|_| connected().any(|consumer| said(consumer, end)));
        into.maybe(word.map(|word| word as u64));
        if word.is_some() || (hears_late && end.word.is_none()) {
            into.client(end.client);
            into.flag(end.by_lease);
        }
    }
    into.flag(false);
}

/// The tag from which on tags may be a client's own. Only tags that may still be named are ever
/// compared with it.
fn enter_first_tag(id: SubscriptionId, first_tag: DeliveryTag, into: &mut Fingerprint<'_>) {
    let is_asked_about = first_tag > into.named_from(id);
    into.flag(is_asked_about);
    if is_asked_about {
        into.tag(id, first_tag);
    }
}

/// Whether an end is one of a client's own deliveries.
fn said(consumer: &Consumer, end: &End) -> bool {
    consumer.client == end.client && consumer.first_tag <= end.tag
}

#[cfg(test)]
mod tests;
