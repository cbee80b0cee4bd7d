//! The rules that a record of everything that was shown must follow.
//!
//! > **The rule.** A record is a total order. Time never goes back, what happened under one lock
//! > stands together, and each message has one life: it is stored once, delivered and given back
//! > any number of times, and gone at most once. What clients learnt agrees with it.

use std::collections::{BTreeMap, BTreeSet};

use entrega_brokers::queue::QueueSettings;
use entrega_model::event::{
    DeadLetterReason, Phase, RemoveReason, SendOutcome, SettleAct, SettleOutcome, SettleTrigger,
};
use entrega_model::{
    DeliveryId, Duration, Event, Incarnation, Instant, Kind, MessageId, ProcessId,
};

/// Whose note an event is; `None` if it is none.
pub(crate) fn author(kind: &Kind) -> Option<ProcessId> {
    match *kind {
        Kind::SendInvoked { producer, .. } | Kind::SendEnded { producer, .. } => Some(producer),
        Kind::Delivered { consumer, .. }
        | Kind::SettleInvoked { consumer, .. }
        | Kind::SettleEnded { consumer, .. } => Some(consumer),
        Kind::Faulted { process, .. } => Some(process),
        _ => None,
    }
}

/// Checks that the notes of a process were shown, each once and in its order.
pub(crate) fn check_notes(events: &[Event], process: ProcessId, notes: &[Kind]) {
    let own = events.iter().map(|event| event.kind).filter(|kind| author(kind) == Some(process));
    assert!(own.eq(notes.iter().copied()), "the notes of {process} are not what was shown");
}

/// Checks a whole record.
pub(crate) fn check(events: &[Event], settings: &QueueSettings, hides_deliveries: bool) {
    let mut record = Record::new(settings, hides_deliveries);
    for (number, event) in events.iter().enumerate() {
        let before = number.checked_sub(1).map(|last| &events[last].kind);
        record.read(event, before, events.get(number + 1).map(|event| &event.kind));
    }
    record.end();
}

/// What is known of a message.
#[derive(Default)]
struct Message {
    is_invoked: bool,
    sent: Option<SendOutcome>,
    stored: Option<u64>,
    /// No lease on it can have begun before.
    since: Instant,
    /// Deliveries that ended without success.
    ends: u64,
    /// A consumer's word ended its last delivery.
    is_settled: bool,
    is_gone: bool,
    /// The tag of each delivery that its consumer learnt of, by its count.
    deliveries: BTreeMap<u16, u64>,
}

impl Message {
    fn lives(&self) -> bool {
        self.stored.is_some() && !self.is_gone
    }
}

/// A settle under way.
struct Settling {
    act: SettleAct,
    is_recorded: bool,
}

struct Record<'a> {
    settings: &'a QueueSettings,
    /// Consumers do not learn of some deliveries.
    hides_deliveries: bool,
    now: Instant,
    rests: bool,
    restarts: u64,
    messages: BTreeMap<MessageId, Message>,
    next_position: u64,
    /// The consumer and the message of each tag that was handed over.
    tags: BTreeMap<u64, (ProcessId, MessageId)>,
    names: BTreeSet<DeliveryId>,
    settling: BTreeMap<(ProcessId, MessageId), Settling>,
    /// The present life of each process, and whether it has ended.
    lives: BTreeMap<ProcessId, (Incarnation, bool)>,
    /// What the audit has found so far.
    found: Option<Vec<MessageId>>,
}

impl<'a> Record<'a> {
    fn new(settings: &'a QueueSettings, hides_deliveries: bool) -> Self {
        Self {
            settings,
            hides_deliveries,
            now: Instant::START,
            rests: false,
            restarts: 0,
            messages: BTreeMap::new(),
            next_position: 0,
            tags: BTreeMap::new(),
            names: BTreeSet::new(),
            settling: BTreeMap::new(),
            lives: BTreeMap::new(),
            found: None,
        }
    }

    /// Reads the next event, between its neighbours.
    fn read(&mut self, event: &Event, before: Option<&Kind>, after: Option<&Kind>) {
        assert!(event.at >= self.now, "time goes back at {event:?}");
        self.now = event.at;
        let kind = event.kind;
        let is_phase = matches!(kind, Kind::Entered { .. });
        assert!(!self.rests || is_phase, "{kind:?} happens at rest");
        match kind {
            Kind::SendInvoked { .. } | Kind::SendEnded { .. } => self.read_send(kind),
            Kind::Stored { message, position, copy, .. } => {
                self.read_stored(message, position, copy)
            }
            Kind::Delivered { .. } => self.read_delivered(kind),
            Kind::SettleInvoked { .. } | Kind::SettleEnded { .. } => self.read_settle(kind),
            Kind::Settled { .. } => self.read_settled(kind, after),
            Kind::LeaseExpired { message, .. } => {
                let earliest = self.message(message).since + self.settings.visibility_timeout;
                assert!(event.at >= earliest, "the lease of {message} ends too early");
                self.read_end(message, after);
            }
            Kind::Requeued { message, .. } => self.read_end(message, after),
            Kind::Removed { message, .. } | Kind::DeadLettered { message, .. } => {
                self.read_gone(message, kind, before);
            }
            Kind::Retrievable { message, .. } => {
                self.found.get_or_insert_default().push(message);
                if !matches!(after, Some(Kind::Retrievable { .. })) {
                    self.check_audit();
                }
            }
            Kind::BrokerRestarted => self.restarts += 1,
            Kind::Started { process, incarnation } => self.read_start(process, incarnation),
            Kind::Crashed { process, incarnation } | Kind::Exited { process, incarnation, .. } => {
                let life = self.lives.insert(process, (incarnation, true));
                assert_eq!(life, Some((incarnation, false)), "{process} ends without a life");
            }
            Kind::Entered { phase } => self.read_phase(phase),
            Kind::Faulted { .. } => {}
            other => panic!("{other:?} happens by itself"),
        }
    }

    fn message(&mut self, message: MessageId) -> &mut Message {
        self.messages.entry(message).or_default()
    }

    fn read_send(&mut self, kind: Kind) {
        match kind {
            Kind::SendInvoked { message, .. } => {
                let is_invoked = std::mem::replace(&mut self.message(message).is_invoked, true);
                assert!(!is_invoked, "{message} is sent twice");
            }
            Kind::SendEnded { message, outcome, .. } => {
                let known = self.message(message);
                known.sent = Some(outcome);
                let is_stored = known.stored.is_some();
                assert!(outcome != SendOutcome::Ok || is_stored, "{message} is confirmed and lost");
                assert!(
                    outcome != SendOutcome::Fail || !is_stored,
                    "{message} is refused and stored"
                );
            }
            _ => {}
        }
    }

    fn read_stored(&mut self, message: MessageId, position: u64, copy: u16) {
        assert_eq!(position, self.next_position, "{message} is stored out of order");
        self.next_position += 1;
        let now = self.now;
        let known = self.message(message);
        let is_under_way = known.is_invoked && known.sent.is_none();
        assert!(is_under_way, "{message} is stored while nobody sends it");
        assert!(known.stored.is_none() && copy == 1, "{message} is stored twice");
        (known.stored, known.since) = (Some(position), now);
    }

    /// A consumer's note; it may come late, when more has happened to the message.
    fn read_delivered(&mut self, kind: Kind) {
        let Kind::Delivered { delivery, message, consumer, position: tag, attempt, .. } = kind
        else {
            return;
        };
        let Kind::Delivered { redelivered, .. } = kind else { return };
        assert!(self.names.insert(delivery), "two deliveries have the name {delivery}");
        let other = self.tags.insert(tag, (consumer, message));
        assert_eq!(other, None, "two deliveries have the tag {tag}");
        let restarts = self.restarts;
        let known = self.message(message);
        assert!(known.stored.is_some(), "{message} is delivered before it is stored");
        let most = known.ends + 1 + restarts;
        assert!(
            u64::from(attempt) <= most,
            "{message} is delivered for the time {attempt}, and its deliveries ended {} times",
            known.ends
        );
        assert_eq!(redelivered, attempt > 1, "{message} is marked wrongly");
        let same = known.deliveries.insert(attempt, tag);
        assert_eq!(same, None, "{message} is delivered twice for the time {attempt}");
        let tags = known.deliveries.values();
        assert!(tags.is_sorted(), "the counts of {message} are not in order");
    }

    fn read_settle(&mut self, kind: Kind) {
        match kind {
            Kind::SettleInvoked { message, consumer, position: tag, act, .. } => {
                let given = self.tags.get(&tag);
                assert_eq!(given, Some(&(consumer, message)), "{tag} is settled and not delivered");
                let settling = Settling { act, is_recorded: false };
                let other = self.settling.insert((consumer, message), settling);
                assert!(other.is_none(), "{consumer} settles {message} twice at a time");
            }
            Kind::SettleEnded { message, consumer, outcome, .. } => {
                let settling = self.settling.remove(&(consumer, message));
                let is_recorded = settling.is_some_and(|settling| settling.is_recorded);
                assert!(
                    outcome != SettleOutcome::Ok || is_recorded,
                    "an ok for {message} is empty"
                );
                assert!(
                    outcome != SettleOutcome::Fail || !is_recorded,
                    "{message} is settled by a lie"
                );
            }
            _ => {}
        }
    }

    fn read_settled(&mut self, kind: Kind, after: Option<&Kind>) {
        let Kind::Settled { message, consumer, act, trigger, .. } = kind else { return };
        if trigger != SettleTrigger::Delivery {
            let settling = self.settling.get_mut(&(consumer, message));
            let settling = settling.filter(|one| one.act == act && !one.is_recorded);
            let settling = settling.unwrap_or_else(|| panic!("nobody settles {message}"));
            settling.is_recorded = true;
        }
        let lives = self.message(message).lives();
        assert!(lives, "{message} is settled, and is not there");
        let target = self.settings.dead_letter;
        match act {
            SettleAct::Extend => self.message(message).since = self.now,
            SettleAct::Requeue => self.read_end(message, after),
            _ => {
                self.message(message).is_settled = true;
                let reason = (act == SettleAct::Reject).then_some(DeadLetterReason::Rejected);
                let reason = reason.filter(|_| target);
                let follows = after.is_some_and(|after| {
                    is_gone(after, message, |gone| match gone {
                        Gone::Removed(why) => reason.is_none() && why == RemoveReason::Settled,
                        Gone::DeadLettered(why) => reason == Some(why),
                    })
                });
                assert!(follows, "{message} is settled for good, and not removed then");
            }
        }
    }

    /// A delivery ends without success: the message is ready again, or given up.
    fn read_end(&mut self, message: MessageId, after: Option<&Kind>) {
        let now = self.now;
        let known = self.message(message);
        assert!(known.lives(), "a delivery of {message} ends, and it is not there");
        known.ends += 1;
        known.since = now;
        let ends = known.ends;
        let limit = self.settings.delivery_limit.map(u64::from);
        let has_target = self.settings.dead_letter;
        let given_up = after.is_some_and(|after| {
            is_gone(after, message, |gone| match gone {
                Gone::Removed(why) => why == RemoveReason::DeliveryLimit && !has_target,
                Gone::DeadLettered(why) => why == DeadLetterReason::DeliveryLimit && has_target,
            })
        });
        let may_be_early = self.restarts > 0;
        let is_due = limit.is_some_and(|limit| ends >= limit);
        assert!(given_up || !is_due, "{message} is not given up after {ends} deliveries");
        let may_be = is_due || limit.is_some() && may_be_early;
        assert!(!given_up || may_be, "{message} is given up after {ends} deliveries");
    }

    fn read_gone(&mut self, message: MessageId, kind: Kind, before: Option<&Kind>) {
        let known = self.message(message);
        assert!(known.lives(), "{message} is gone, and was not there");
        known.is_gone = true;
        let is_of = |kind: &Kind| match *kind {
            Kind::Settled { message: other, .. }
            | Kind::LeaseExpired { message: other, .. }
            | Kind::Requeued { message: other, .. } => other == message,
            _ => false,
        };
        let is_overflow = is_gone(&kind, message, |gone| {
            gone == Gone::Removed(RemoveReason::Overflow)
                || gone == Gone::DeadLettered(DeadLetterReason::Overflow)
        });
        let may_overflow = self.settings.max_length.is_some();
        let has_reason = if is_overflow { may_overflow } else { before.is_some_and(is_of) };
        assert!(has_reason, "{message} is gone without a reason");
    }

    fn read_start(&mut self, process: ProcessId, incarnation: Incarnation) {
        let last = self.lives.insert(process, (incarnation, false));
        let expected = match last {
            None => Some(0),
            Some((last, ended)) => ended.then_some(last.0 + 1),
        };
        assert_eq!(expected, Some(incarnation.0), "{process} begins a life amid another");
    }

    fn read_phase(&mut self, phase: Phase) {
        self.rests = phase == Phase::Quiescent;
        if self.rests && !self.hides_deliveries {
            self.check_counts();
        }
    }

    /// Every delivery is known: each count is that of the deliveries that there were.
    fn check_counts(&self) {
        for (id, message) in &self.messages {
            let counts = message.deliveries.keys().copied();
            assert!(
                counts.eq(1..=message.deliveries.len() as u16),
                "a delivery of {id} is missing"
            );
            let ends = message.ends + u64::from(message.is_settled);
            let in_flight = (message.deliveries.len() as u64).checked_sub(ends);
            let has_lease = self.settings.visibility_timeout != Duration::MAX;
            let may_be =
                if has_lease { in_flight == Some(0) } else { matches!(in_flight, Some(0 | 1)) };
            assert!(may_be, "the deliveries of {id} ended {ends} times");
        }
    }

    /// An audit finds what lives, in the order of the queue.
    fn check_audit(&self) {
        let lives = self.messages.iter().filter(|(_, message)| message.lives());
        let mut expected: Vec<_> = lives.map(|(id, message)| (message.stored, *id)).collect();
        expected.sort_unstable();
        let found = self.found.iter().flatten().copied();
        assert!(found.eq(expected.into_iter().map(|(_, id)| id)), "the audit finds something else");
    }

    fn end(&self) {
        let lost = self.messages.iter().find(|(_, message)| message.lives());
        let is_counted = lost.is_none() || self.found.is_some();
        assert!(is_counted, "{lost:?} is lost", lost = lost.map(|(id, _)| id));
        let alive = self.lives.iter().find(|(_, (_, ended))| !ended).map(|(process, _)| process);
        assert_eq!(alive, None, "a process has started and not ended");
    }
}

/// How a message goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gone {
    Removed(RemoveReason),
    DeadLettered(DeadLetterReason),
}

/// Whether an event tells that a message goes, and in this way.
fn is_gone(kind: &Kind, of: MessageId, how: impl Fn(Gone) -> bool) -> bool {
    match *kind {
        Kind::Removed { message, reason, .. } => message == of && how(Gone::Removed(reason)),
        Kind::DeadLettered { message, reason, .. } => {
            message == of && how(Gone::DeadLettered(reason))
        }
        _ => false,
    }
}
