//! What a queue keeps for its [`Features`], beside the messages and never in them.
//!
//! > **The rule.** A message that is finished, comes back or is delivered passes here once. A queue
//! > without features has no such table, and asks one question for it.

use entrega_model::event::RemoveReason;
use entrega_model::{ClientId, Instant, Kind, SubscriptionId};

use super::QueueBroker;
use super::ages::Ages;
use super::bound_queue::{BoundQueue, Step};
use super::dead_letter::GivenUp;
use super::delayed::Delayed;
use super::features::{Features, Scope};
use super::groups::Groups;
use super::ids::Ids;
use super::ready::Stored;
use super::redrive::Redriven;
use super::retries::Retries;
use super::settings::QueueSettings;
use super::transfers::{Leaving, Unconfirmed};
use super::window::Window;

/// The window of a queue over what was ever stored in it, by position; see the module `window`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShareWindow {
    /// The first message that retention has left (log start offset).
    pub log_start: u64,
    /// The first one that is not finished (SPSO).
    pub start: u64,
    /// The first one that was never delivered (SPEO).
    pub end: u64,
}

impl QueueBroker {
    /// The window of a queue; none if it keeps none, or there is no such queue.
    pub fn window(&self, queue: SubscriptionId) -> Option<ShareWindow> {
        let extras = self.queues.get(queue.index())?.extras.as_ref()?;
        let log_start = extras.retained.as_ref().map_or(0, Ages::first);
        let (start, end) = (extras.window.start(), extras.window.end());
        extras.features.has_window().then_some(ShareWindow { log_start, start, end })
    }
}

/// The side tables of a queue.
#[derive(Clone, Debug)]
pub(super) struct Extras {
    pub(super) features: Features,
    pub(super) window: Window,
    pub(super) groups: Groups,
    /// For the time to live.
    pub(super) living: Option<Ages>,
    /// For retention.
    pub(super) retained: Option<Ages>,
    /// What waits for its first delivery, and until when.
    pub(super) scheduled: Delayed,
    /// The consumer that is served alone.
    pub(super) active: Option<ClientId>,
    /// Whether a consumer has asked since the queue exists.
    pub(super) is_subscribed: bool,
    /// What goes back to the queue, and what has.
    pub(super) redriven: Redriven,
    /// What its consumers published to be tried again.
    pub(super) retries: Retries,
    pub(super) ids: Ids,
    /// The dead letters that their target has not confirmed.
    pub(super) unconfirmed: Unconfirmed,
}

impl Extras {
    /// The side tables that the features ask for, if they ask for any.
    pub(super) fn of(settings: &QueueSettings) -> Option<Box<Self>> {
        let features = settings.features;
        (features.is_any() || settings.not_before.is_some()).then(|| {
            Box::new(Self {
                features,
                window: Window::default(),
                groups: Groups::default(),
                living: features.message_ttl.map(Ages::new),
                retained: features.retention_time.map(Ages::new),
                scheduled: Delayed::default(),
                active: None,
                is_subscribed: false,
                redriven: Redriven::default(),
                retries: Retries::default(),
                ids: Ids::default(),
                unconfirmed: Unconfirmed::new(),
            })
        })
    }

    pub(super) fn clear(&mut self) {
        let Self {
            features: _,
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
            unconfirmed,
        } = self;
        window.clear();
        groups.clear();
        living.iter_mut().chain(retained).for_each(Ages::clear);
        scheduled.clear();
        *active = None;
        *is_subscribed = false;
        redriven.clear();
        retries.clear();
        ids.clear();
        unconfirmed.clear();
    }

    /// Takes one out of what waits and is not ready.
    pub(super) fn take_aside(&mut self, sequence: u64) -> Option<Stored> {
        let is_it = |stored: &Stored| stored.sequence == sequence;
        let aside = self.scheduled.remove(sequence);
        let aside = aside.or_else(|| self.groups.take_if(is_it).pop());
        aside.or_else(|| self.retries.waiting.remove(sequence))
    }

    /// Takes one out of what is on its way to the dead letters.
    pub(super) fn take_unconfirmed(&mut self, sequence: u64) -> Option<Stored> {
        let is_it = |leaving: &Leaving| leaving.stored.sequence == sequence;
        let place = self.unconfirmed.iter().position(|(_, leaving)| is_it(leaving))?;
        self.unconfirmed.remove(place).map(|(_, leaving)| leaving.stored)
    }

    /// A copy is gone: what is known of it beside its place is of no use any more.
    pub(super) fn forget_copy(&mut self, sequence: u64) {
        self.redriven.finish(sequence);
        self.retries.finish(sequence);
        self.ids.finish(sequence);
    }

    /// A copy more is stored: its age begins now.
    pub(super) fn note_age(&mut self, now: Instant) {
        self.living.iter_mut().chain(&mut self.retained).for_each(|ages| ages.store(now));
    }

    /// What waits and is not ready.
    pub(super) fn put_aside(&self) -> impl Iterator<Item = &Stored> {
        let unconfirmed = self.unconfirmed.iter().map(|(_, leaving)| &leaving.stored);
        let waiting = self.scheduled.iter().chain(self.retries.waiting.iter());
        self.groups.held().chain(unconfirmed).chain(waiting)
    }

    /// The same, in an order that follows from what is in each table.
    pub(super) fn put_aside_in_order(&self) -> impl Iterator<Item = Stored> {
        let unconfirmed = self.unconfirmed.iter().map(|(_, leaving)| leaving.stored);
        let waiting = [&self.scheduled, &self.retries.waiting].map(Delayed::in_order);
        let waiting = waiting.into_iter().flatten().map(|(_, stored)| stored);
        self.groups.held().copied().chain(unconfirmed).chain(waiting)
    }
}

impl Extras {
    /// When the next message is too old to be kept.
    pub(super) fn retention_end(&self) -> Option<Instant> {
        self.retained.as_ref()?.next_end()
    }
}

impl BoundQueue {
    /// Keeps a message that was stored just now.
    #[cold]
    pub(super) fn keep(&mut self, stored: Stored, step: &mut Step<'_>) {
        let Some(extras) = &mut self.extras else { return };
        extras.note_age(step.now);
        if extras.features.drops_for_nobody && !extras.is_subscribed {
            if extras.features.has_window() {
                extras.window.finish(stored.sequence);
            }
            extras.forget_copy(stored.sequence);
            return self.tell_removed(&stored, RemoveReason::Unroutable, step);
        }
        match step.settings.held_until(stored.record.message, step.now) {
            Some(until) => extras.scheduled.push(until, stored),
            None => self.ready.append(stored),
        }
    }

    /// How many are ready or on their way to the dead letters.
    pub(super) fn occupied_count(&self) -> usize {
        let unconfirmed = self.extras.as_ref().map_or(0, |extras| extras.unconfirmed.len());
        self.ready_count() + unconfirmed
    }

    /// How many copies there are, wherever they are.
    pub(super) fn stored_count(&self) -> usize {
        let aside = |extras: &Extras| {
            extras.scheduled.len() + extras.unconfirmed.len() + extras.retries.waiting.len()
        };
        let scheduled = self.extras.as_deref().map_or(0, aside);
        let waiting = self.delayed.len() + self.kept.len() + scheduled;
        self.ready_count() + self.in_flight_count() + waiting
    }

    /// A consumer asks: from now on messages are stored for somebody.
    pub(super) fn subscribe(&mut self) {
        if let Some(extras) = &mut self.extras {
            extras.is_subscribed = true;
        }
    }

    /// A message will not be delivered again.
    #[inline]
    pub(super) fn finish(&mut self, stored: &Stored, step: &mut Step<'_>) {
        if self.extras.is_some() {
            self.pass_by(stored, step);
        }
        if let Some(extras) = &mut self.extras {
            extras.forget_copy(stored.sequence);
        }
    }

    /// A message holds up no other any more.
    #[cold]
    pub(super) fn pass_by(&mut self, stored: &Stored, step: &mut Step<'_>) {
        let Some(extras) = &mut self.extras else { return };
        *step.changed = true;
        if extras.features.has_window() {
            extras.window.finish(stored.sequence);
        }
        if let Some(next) = extras.groups.finish(stored) {
            self.ready.put_back(next, step.settings.rules.requeue_position);
        }
    }

    /// A message is in line again.
    #[inline]
    pub(super) fn note_return(&mut self, stored: &Stored) {
        if let Some(extras) = &mut self.extras {
            extras.groups.unlock(stored);
        }
    }

    /// A message is in flight to `client`.
    pub(super) fn note_delivery(&mut self, stored: &Stored, client: ClientId) {
        let Some(extras) = &mut self.extras else { return };
        if extras.features.has_window() {
            extras.window.acquire(stored.sequence);
        }
        if extras.features.group_lock {
            extras.groups.lock(stored);
        }
        if extras.features.single_active_consumer {
            extras.active = Some(client);
        }
        if extras.features.remembers_ids {
            extras.ids.deliver(stored.sequence);
        }
    }

    /// A consumer has left.
    pub(super) fn note_leaving(&mut self, client: ClientId, step: &mut Step<'_>) {
        if let Some(extras) = &mut self.extras
            && extras.active == Some(client)
        {
            extras.active = None;
            *step.changed = true;
        }
    }

    /// Does what is due by now: what waited long enough is ready, what is too old goes.
    #[cold]
    pub(super) fn advance_extras(&mut self, step: &mut Step<'_>) {
        let Some(extras) = &mut self.extras else { return };
        while let Some(stored) = extras.scheduled.take_due(step.now) {
            self.ready.append(stored);
            *step.changed = true;
        }
        self.try_again(step);
        self.transfer_again(step);
        self.redrive(step);
        self.trim(step);
        self.remove_the_old(step);
        self.drop_expired(step);
    }

    /// Drops what is at the head and has lived too long. Behind the head it stays [RMQ-QQ].
    pub(super) fn drop_expired(&mut self, step: &mut Step<'_>) {
        while let Some(living) = self.extras.as_mut().and_then(|extras| extras.living.as_mut())
            && {
                living.pass(step.now);
                self.ready.first().is_some_and(|head| living.is_over(head.sequence))
            }
            && let Some(stored) = self.ready.take()
        {
            self.give_up(stored, GivenUp::Ttl, step);
        }
    }

    /// Whether the producer has published a copy: it was not moved back from the dead letters, and
    /// no consumer has published it to be tried again.
    pub(super) fn is_of_producer(&self, sequence: u64) -> bool {
        let has = |extras: &Extras| extras.redriven.has(sequence) || extras.retries.has(sequence);
        !self.extras.as_deref().is_some_and(has)
    }

    /// Removes what is older than the retention, wherever it waits. What is in flight goes when it
    /// comes back.
    fn remove_the_old(&mut self, step: &mut Step<'_>) {
        let Some(extras) = &mut self.extras else { return };
        let Some(retained) = &mut extras.retained else { return };
        let log_start = retained.pass(step.now);
        let is_old = |stored: &Stored| stored.sequence < log_start;
        let mut old = self.ready.take_if(is_old);
        old.extend(self.delayed.take_if(is_old));
        old.extend(extras.groups.take_if(is_old));
        old.extend(self.kept.iter().filter(|stored| is_old(stored)));
        self.kept.retain(|stored| !is_old(stored));
        old.extend(extras.scheduled.take_if(is_old));
        old.extend(extras.retries.waiting.take_if(is_old));
        if extras.features.has_window() {
            extras.window.pass(log_start);
        }
        old.sort_unstable_by_key(|stored| stored.sequence);
        for stored in old {
            self.tell_removed(&stored, RemoveReason::Retention, step);
            self.finish(&stored, step);
        }
    }

    /// Removes a message that came back if it is older than the retention; returns it if not.
    pub(super) fn unless_old(&mut self, stored: Stored, step: &mut Step<'_>) -> Option<Stored> {
        let retained = self.extras.as_mut().and_then(|extras| extras.retained.as_mut());
        let is_old = retained.is_some_and(|ages| stored.sequence < ages.pass(step.now));
        if !is_old {
            return Some(stored);
        }
        self.tell_removed(&stored, RemoveReason::Retention, step);
        self.finish(&stored, step);
        None
    }

    /// Gives a message up that would be delivered although its time to live has ended.
    pub(super) fn unless_expired(&mut self, stored: Stored, step: &mut Step<'_>) -> Option<Stored> {
        let living = self.extras.as_mut().and_then(|extras| extras.living.as_mut());
        if living.is_none_or(|ages| stored.sequence >= ages.pass(step.now)) {
            return Some(stored);
        }
        self.give_up(stored, GivenUp::Ttl, step);
        None
    }

    fn tell_removed(&self, stored: &Stored, reason: RemoveReason, step: &mut Step<'_>) {
        let (message, subscription) = (stored.record.message, Some(self.id));
        step.tell(Kind::Removed { message, subscription, reason });
    }

    /// When something is due here.
    pub(super) fn extras_deadline(&self) -> Option<Instant> {
        let extras = self.extras.as_ref()?;
        let head = self.ready.first();
        let expires = extras.living.as_ref().zip(head);
        extras
            .scheduled
            .next_at()
            .into_iter()
            .chain(extras.redriven.next_due())
            .chain(extras.retries.waiting.next_at())
            .chain(extras.unconfirmed.front().map(|(due, _)| *due))
            .chain(expires.and_then(|(ages, head)| ages.end_of(head.sequence)))
            .min()
    }

    /// What a restart of the broker does to the side tables: all that was in flight is in line.
    pub(super) fn restart_extras(&mut self, step: &mut Step<'_>) {
        let Some(extras) = &mut self.extras else { return };
        extras.active = None;
        let position = step.settings.rules.requeue_position;
        for stored in extras.groups.unlock_all() {
            self.ready.put_back(stored, position);
        }
        for delayed in self.delayed.iter().filter(|_| extras.features.group_lock) {
            extras.groups.lock(delayed);
        }
        self.trim(step);
        self.drop_expired(step);
    }

    /// Whether a cap on what is in flight lets a consumer have one more.
    pub(super) fn has_room(&self, client: ClientId) -> bool {
        let Some(cap) = self.extras.as_ref().and_then(|extras| extras.features.max_in_flight)
        else {
            return true;
        };
        let in_flight = match cap.scope {
            Scope::Consumer => self.unsettled_count(client) as usize,
            Scope::Subscription => self.in_flight.len() + self.delayed.len(),
            Scope::Partition => return true,
        };
        in_flight < cap.most as usize
    }

    /// Whether the window may grow.
    pub(super) fn may_grow(&self) -> bool {
        let Some(extras) = &self.extras else { return true };
        let cap = extras.features.max_in_flight.filter(|cap| cap.scope == Scope::Partition);
        cap.is_none_or(|cap| extras.window.len() < u64::from(cap.most))
    }
}
