//! The checker of histories from elsewhere, which may have holes and may say what cannot be.
//!
//! > **The rule** (semantics.md 5.1, 5.5). What a record leaves out is unknown, and what it says
//! > that cannot be is named with its line. It never turns a verdict of *invalid* into another.
//!
//! The laboratory's own runs go to the [`Checker`] directly. A record comes here first, and what
//! it says goes on to the checker in a form that the checker takes for granted: a send before its
//! outcome, and a refusal only once no attempt is open. What the checker derives from the order
//! of ids is worked out here from the order of lines instead, when the record has ended.
//!
//! * `attempts`: what became of a send that has several attempts.
//! * `finish`: the judgement, and what leaves it open.
//! * `gaps`: what is left out, and what cannot be.
//! * `order`: which messages came in another order than they were sent.
//! * `skipped`: what a log has passed by, drained or not.
//! * `handed`: which deliveries are missing that later lines need.
//! * `holes`: what is missing below a commit.
//! * `lives`: which life of a process a line is about.
//! * `polls`: which deliveries of a log skip a record or go back.
//! * `copies`: which of its copies a message is delivered from.
//! * `returns`: what was given back together with others.
//! * `unkeyed`: what may be out of order, because keys are left out.
//! * `triggers`: by what a settle was made, where only the line that asks for it says so.
//! * `listing`: which messages show what.

mod attempts;
mod copies;
mod finish;
mod gaps;
mod handed;
mod holes;
mod listing;
mod lives;
mod order;
mod polls;
mod returns;
mod sends;
mod skipped;
mod triggers;
mod unkeyed;

use entrega_model::event::{DeadLetterReason, EffectVerdict, NO_POSITION, SettleOutcome};
use entrega_model::history::{Batch, Origin};
use entrega_model::{
    Duration, Event, Instant, Key, Kind, MessageId, Model, Observer, PartitionId, SubscriptionId,
};

use crate::event_kinds::{EventKind, EventKinds};
use crate::table::Table;
use crate::{Checker, Config};

use attempts::Attempts;
use copies::Copies;
pub(crate) use copies::Copy;
pub use gaps::{Gap, GapKind, Gaps};
use handed::Handed;
use holes::Holes;
pub use listing::{Listable, Listed};
pub use lives::{Lives, Spoken};
use order::{Effects, Place};
use polls::{Polls, When};
use returns::Holds;
use skipped::Reach;
use triggers::Triggers;

/// When a send began that the record does not show.
const NO_TIME: Instant = Instant::NEVER;
/// The key of a send that the record does not show: it has no place in any order.
const NO_KEY: Key = Key(u32::MAX);

/// So many sightings are not worth tidying.
const TIDY: usize = 1 << 16;

/// Judges a record as [`Checker`] judges a run.
#[derive(Clone, Debug)]
pub struct RecordChecker {
    checker: Checker,
    is_log: bool,
    /// A send that was acknowledged precedes every later one.
    program_order: bool,
    /// How many events there were.
    now: u64,
    /// The line of the last.
    line: u64,
    sends: Table<Place>,
    /// On a log, what was stored or delivered where; last in each partition what stands nobody
    /// knows where.
    records: Vec<Sighting>,
    /// When there are so many of these, those that are there twice are dropped.
    tidy_at: usize,
    /// On a log, where the latest copy of each message stands.
    stored: Table<Option<(PartitionId, u64)>>,
    attempts: Attempts,
    gaps: Gaps,
    lives: Lives,
    /// Lines were sorted by clocks that differ by so much.
    sorted_within: Duration,
    subscriptions: Vec<Recorded>,
}

/// A message was seen at an offset of a log: by the broker, or by a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Sighting {
    partition: PartitionId,
    offset: u64,
    message: MessageId,
    by: Option<SubscriptionId>,
}

/// What a record says of one subscription.
#[derive(Clone, Debug, Default)]
struct Recorded {
    effects: Table<Effects>,
    /// On a log, how far deliveries and commits have come.
    reach: Reach,
    handed: Handed,
    holes: Holes,
    polls: Polls,
    copies: Copies,
    /// On a queue, who holds what.
    holds: Holds,
    /// By what settles were asked for.
    triggers: Triggers,
    kinds: EventKinds,
}

impl RecordChecker {
    /// A checker that has seen nothing of a record of this kind of broker.
    pub fn new(config: Config, model: Model) -> Self {
        let Config { program_order, .. } = config;
        let count = config.subscriptions.len();
        let mut checker = Checker::new(config);
        let is_log = model == Model::Log;
        checker.partitions.is_log = is_log;
        checker.subscriptions.iter_mut().for_each(|fold| fold.is_record = true);
        checker.sends.is_record = true;
        Self {
            checker,
            is_log,
            program_order,
            now: 0,
            line: 0,
            sends: Table::default(),
            records: Vec::new(),
            tidy_at: TIDY,
            stored: Table::default(),
            attempts: Attempts::default(),
            gaps: Gaps::default(),
            lives: Lives::default(),
            sorted_within: Duration::ZERO,
            subscriptions: vec![Recorded::default(); count],
        }
    }

    /// The clocks of those who wrote the record differ by so much.
    #[must_use]
    pub fn with_skew(mut self, skew: Duration) -> Self {
        self.gaps.skew = skew;
        self
    }

    /// Its lines were put in order by clocks that differ by so much.
    #[must_use]
    pub fn sorted_within(mut self, skew: Duration) -> Self {
        self.sorted_within = skew;
        self
    }

    /// It leaves out nothing: a kind of event that it does not have did not happen.
    #[must_use]
    pub fn complete(mut self) -> Self {
        let folds = &mut self.checker.subscriptions;
        for (one, fold) in self.subscriptions.iter_mut().zip(folds) {
            EventKind::ALL.iter().for_each(|kind| one.kinds.add(*kind, 1));
            one.handed.complete();
            (fold.kinds, fold.has_truth) = (one.kinds, true);
        }
        self
    }

    /// Takes the next events.
    pub fn observe(&mut self, batch: Batch<'_>) {
        batch.iter().for_each(|(event, origin)| self.note(event, origin));
    }

    /// The reader of the record has found something that cannot be, `count` times.
    pub fn found(&mut self, kind: GapKind, count: u64, first: Gap) {
        self.gaps.add(kind, count, first);
    }

    fn note(&mut self, event: &Event, origin: Origin) {
        self.now += 1;
        self.line = origin.line;
        match event.kind {
            Kind::SendInvoked { message, key, producer, attempt } => {
                let place = Place::sent(self.now, key, producer, attempt, origin);
                self.invoked(event, message, place, attempt, origin);
            }
            Kind::SendEnded { message, outcome, .. } => {
                self.ended(event, message, outcome, origin);
            }
            kind => {
                if let Some(message) = kind.message().filter(|message| !self.is_sent(*message)) {
                    self.gaps.early(message, event, origin.line);
                }
                if self.is_of_the_past(&kind, event.at) {
                    return;
                }
                self.note_end_of_life(&kind);
                let kind = self.with_trigger(kind, origin);
                let event = &Event { at: event.at, kind };
                if self.is_there_twice(event, origin) {
                    return;
                }
                self.note_copy(&kind, origin);
                if let Kind::Effect { message, key, .. } = kind
                    && origin.names_key
                {
                    self.sends.entry(message.0.into()).name_key(key);
                }
                let at = origin.has_time.then_some(event.at);
                self.note_rest(event, at);
                self.note_guess(&kind, origin);
            }
        }
    }

    /// Whether a line is about a life of a process that is over already. Where it ends a later one
    /// than the present, this has ended unseen.
    fn is_of_the_past(&mut self, kind: &Kind, at: Instant) -> bool {
        match self.lives.note(kind) {
            Spoken::OfThePresent => {}
            Spoken::OfThePast => {
                self.subscriptions.iter_mut().for_each(|one| one.kinds.see(kind));
                return true;
            }
            Spoken::OfTheNext(process, incarnation) => {
                let kind = Kind::Started { process, incarnation };
                self.note_rest(&Event { at, kind }, None);
            }
        }
        false
    }

    /// A line about a life shows that the one before it is over.
    fn note_end_of_life(&mut self, kind: &Kind) {
        if let Kind::Crashed { process, .. }
        | Kind::Exited { process, .. }
        | Kind::Started { process, .. } = *kind
        {
            self.attempts.life_ended(process, &mut self.sends);
        }
    }

    /// Takes note of what is delivered, and returns whether this line says what one before it has
    /// said of the same delivery.
    fn is_there_twice(&mut self, event: &Event, origin: Origin) -> bool {
        let skew = self.gaps.skew;
        if event.kind == Kind::BrokerRestarted {
            self.subscriptions.iter_mut().for_each(|one| one.handed.restarted());
        }
        let of = event.kind.subscription().map_or(usize::MAX, SubscriptionId::index);
        let Some(one) = self.subscriptions.get_mut(of) else { return false };
        if one.handed.is_recorded(&event.kind) {
            return true;
        }
        one.handed.note(event, origin, skew);
        false
    }

    /// An effect that does not name its delivery is that of the latest one. Of a message that was
    /// delivered more than once this is a guess, and no reason to say that two effects come from
    /// one delivery.
    fn note_guess(&mut self, kind: &Kind, origin: Origin) {
        if let Kind::Effect { message, subscription, .. } = *kind
            && !origin.names_delivery
            && let Some(fold) = self.checker.subscriptions.get_mut(subscription.index())
        {
            fold.note_guess(message);
        }
    }

    /// An event with the trigger that its line leaves out. What a consumer learns of a settle has
    /// no trigger of its own, so the fold is told of it.
    fn with_trigger(&mut self, kind: Kind, origin: Origin) -> Kind {
        let of = kind.subscription().map_or(usize::MAX, SubscriptionId::index);
        let Some(Recorded { triggers, .. }) = self.subscriptions.get_mut(of) else { return kind };
        triggers.note(&kind);
        if let Kind::SettleEnded { message, consumer, .. } = kind {
            self.checker.subscriptions[of].learns_of = triggers.of_message(message, consumer);
        }
        triggers.completed(kind, origin)
    }

    /// Tells the fold which copy is delivered or becomes a dead letter, and whether its line fits a
    /// settle before it.
    fn note_copy(&mut self, kind: &Kind, origin: Origin) {
        let (Kind::Delivered { subscription, .. } | Kind::DeadLettered { subscription, .. }) = kind
        else {
            return;
        };
        let Some(one) = self.subscriptions.get_mut(subscription.index()) else { return };
        let fold = &mut self.checker.subscriptions[subscription.index()];
        fold.is_settle_denied = !self.is_log && one.handed.is_settle_denied();
        if let Kind::Delivered { .. } = kind {
            let copy = one.copies.delivered(kind, origin, self.is_log, &self.attempts);
            fold.copy =
                if fold.kinds.are_complete() { copy.where_stores_are_known() } else { copy };
        }
    }

    /// What is not about a send, at a time if it is known.
    fn note_rest(&mut self, event: &Event, at: Option<Instant>) {
        match event.kind {
            Kind::Stored { message, subscription: None, partition, position, copy }
                if !self.is_log =>
            {
                for index in 0..self.subscriptions.len() {
                    let subscription = Some(SubscriptionId(index as u8));
                    let kind = Kind::Stored { message, subscription, partition, position, copy };
                    self.note_rest(&Event { at: event.at, kind }, at);
                }
            }
            kind if !self.is_log && kind.is_of_a_log() => {}
            Kind::Stored { message, subscription: Some(_), partition, position, copy }
                if self.is_log =>
            {
                let subscription = None;
                let kind = Kind::Stored { message, subscription, partition, position, copy };
                self.note_rest(&Event { at: event.at, kind }, at);
            }
            Kind::DeadLettered { message, subscription, reason: DeadLetterReason::Client }
                if self.was_rejected(subscription, message) =>
            {
                let reason = DeadLetterReason::Rejected;
                let kind = Kind::DeadLettered { message, subscription, reason };
                self.note_rest(&Event { at: event.at, kind }, at);
            }
            kind if self.is_stored_there(&kind) => {}
            kind => {
                self.remember(kind, at);
                self.witness(&kind);
                self.pass(event);
                if let Kind::Effect { message, subscription, .. } = kind
                    && let Some(fold) = self.checker.subscriptions.get_mut(subscription.index())
                {
                    fold.note_redriven(message);
                }
            }
        }
    }

    /// Whether the latest line about a store of the message has said the same: on a log two copies
    /// do not stand at one offset.
    fn is_stored_there(&mut self, kind: &Kind) -> bool {
        let Kind::Stored { message, partition, position, .. } = *kind else { return false };
        if !self.is_log || position == NO_POSITION {
            return false;
        }
        let place = Some((partition, position));
        std::mem::replace(self.stored.entry(message.0.into()), place) == place
    }

    /// Whether the holder of a message has given it back or rejected it: then its dead letter,
    /// for which a line may leave out the reason, is not the application's own.
    fn was_rejected(&self, subscription: SubscriptionId, message: MessageId) -> bool {
        let one = self.subscriptions.get(subscription.index());
        one.is_some_and(|one| one.holds.is_returned(message))
    }

    /// Tells the folds what they need to know of an event before they see it.
    fn witness(&mut self, kind: &Kind) {
        let all = kind.subscription().is_none();
        let of = kind.subscription().map_or(0, SubscriptionId::index);
        let folds = &mut self.checker.subscriptions;
        let range = if all { 0..folds.len() } else { of..of + 1 };
        folds.get_mut(range).unwrap_or_default().iter_mut().for_each(|fold| fold.witness(kind));
    }

    /// Keeps what is needed at the end, or for a cause that needs more than one message.
    fn remember(&mut self, kind: Kind, at: Option<Instant>) {
        let (now, line, within) = (self.now, self.line, self.sorted_within);
        if let Kind::Stored { message, partition, position, .. }
        | Kind::Delivered { message, partition, position, .. } = kind
            && self.is_log
            && (position != NO_POSITION || matches!(kind, Kind::Stored { .. }))
        {
            let by = kind.subscription();
            self.saw(Sighting { partition, offset: position, message, by });
        }
        let all = kind.subscription().is_none();
        let of = kind.subscription().map_or(0, SubscriptionId::index);
        let range = if all { 0..self.subscriptions.len() } else { of..of + 1 };
        let ones = self.subscriptions.get_mut(range).unwrap_or_default();
        for one in ones {
            one.kinds.see(&kind);
            if self.is_log {
                one.polls.note(&kind, When { now, at, within });
            }
        }
        let Some(one) = self.subscriptions.get_mut(of).filter(|_| !all) else { return };
        match kind {
            Kind::Effect { message, verdict: EffectVerdict::Applied, .. } => {
                one.effects.entry(message.0.into()).applied(now, at);
                one.reach.done(message);
            }
            Kind::Effect { message, .. }
            | Kind::ProcessingStarted { message, .. }
            | Kind::EffectInvoked { message, .. }
            | Kind::ProcessingEnded { message, .. }
            | Kind::SettleInvoked { message, .. }
                if self.is_log =>
            {
                one.reach.begun(message);
            }
            Kind::Committed { partition, upto, previous, .. } => {
                one.reach.committed(partition, upto);
                let partitions = &self.checker.partitions;
                one.holes.committed(partitions, partition, [previous, upto], line);
            }
            Kind::Delivered { message, consumer, partition, position, .. } => {
                one.reach.delivered(partition, position);
                one.holes.delivered(position);
                if self.is_log {
                    one.reach.begun(message);
                } else {
                    let fold = &mut self.checker.subscriptions[of];
                    fold.returned_with_batch = one.holds.delivered(message, consumer, now);
                }
            }
            Kind::Assigned { partition, position: to, .. }
            | Kind::Sought { partition, to, .. }
            | Kind::OffsetReset { partition, to, .. } => one.reach.moved(partition, to),
            Kind::Settled { message, consumer, act, .. } => {
                one.holds.settled(message, consumer, act, now);
            }
            Kind::SettleEnded { message, consumer, act, outcome: SettleOutcome::Ok, .. }
                if one.kinds.get(EventKind::Settled) == 0 =>
            {
                one.holds.settled(message, consumer, act, now);
            }
            Kind::Requeued { message, consumer, .. } => one.holds.returned(message, consumer, now),
            _ => {}
        }
    }

    /// A message stands at an offset. What was seen again is forgotten from time to time.
    fn saw(&mut self, record: Sighting) {
        self.records.push(record);
        if self.records.len() >= self.tidy_at {
            self.tidy();
        }
    }

    fn tidy(&mut self) {
        self.records.sort_unstable();
        self.records.dedup();
        self.tidy_at = (2 * self.records.len()).max(TIDY);
    }

    fn pass(&mut self, event: &Event) {
        self.checker.observe(std::slice::from_ref(event));
    }
}
