//! What a producer's application knows of its messages, whichever life its process is in: which
//! comes next; and, if it keeps an outbox, which have no confirmation.
//!
//! > **The rule.** A message enters the outbox when it is to be sent, in one step with the order
//! > that it is about, and leaves it when the application has noted that it is stored. A restart
//! > sends again what is in it, in the order of the messages; so does a job, after
//! > `producer.resend_after` from when a send ended without an answer, or with a refusal.
//!
//! Between the answer and the note there is a window, as there is between an effect and a settle:
//! who dies in it sends the message twice (*transactional outbox*: at least once). Without an
//! outbox a restart goes on with the next message, and what was on its way is forgotten.

use entrega_brokers::Broker;
use entrega_model::event::SendOutcome;
use entrega_model::fingerprint::Fingerprint;
use entrega_model::{ClientId, Duration, Instant, Kind, MessageId, ProcessId, Record};
use entrega_scenario::points::{Fault, shared_point, yes_or_no};

use super::{Routed, Times, World};

/// How many answers there are to the question whether a producer dies before it sends.
const DIES: u32 = yes_or_no(Fault::SendBefore);

/// What the application knows.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    /// The next message of the workload.
    next: u32,
    /// Whether it keeps what follows.
    is_kept: bool,
    resend_after: Option<Duration>,
    /// The messages without a confirmation, in the order in which they were to be sent first.
    entries: Vec<Entry>,
}

/// A message without a confirmation.
#[derive(Debug)]
struct Entry {
    message: MessageId,
    /// How many attempts to send it began.
    attempts: u16,
    /// When it is to be sent; [`Instant::NEVER`] only by another life. None while a send of it is
    /// under way.
    due: Option<Instant>,
}

impl Outbox {
    /// Nothing was sent yet.
    pub(super) fn clear(&mut self) {
        let Self { next, is_kept, resend_after, entries } = self;
        *next = 0;
        *is_kept = false;
        *resend_after = None;
        entries.clear();
    }

    /// Whether there is one.
    #[inline]
    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept
    }

    pub(super) fn is_kept_by(&mut self, times: &Times) {
        (self.is_kept, self.resend_after) = (times.outbox, times.resend_after);
    }

    /// The number of the next message of the workload.
    #[inline]
    pub(crate) fn next(&self) -> usize {
        self.next as usize
    }

    /// The next message of the workload is to be sent.
    #[inline]
    pub(crate) fn takes_next(&mut self) {
        if self.is_kept {
            self.entries.push(Entry { message: MessageId(self.next), attempts: 0, due: None });
        }
        self.next += 1;
    }

    /// A life begins: it looks into the outbox first.
    pub(super) fn begins_a_life(&mut self) {
        self.entries.iter_mut().for_each(|entry| entry.due = Some(Instant::START));
    }

    /// A message that is to be sent again by now, if there is one: its send is under way from here
    /// on.
    pub(crate) fn take_due(&mut self, now: Instant) -> Option<MessageId> {
        let is_due = |entry: &&mut Entry| entry.due.is_some_and(|due| due <= now);
        let entry = self.entries.iter_mut().find(is_due)?;
        entry.due = None;
        Some(entry.message)
    }

    /// When the next message is to be sent again, unless by another life.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let due = self.entries.iter().filter_map(|entry| entry.due);
        due.filter(|&due| due < Instant::NEVER).min()
    }

    /// Whether a send that is under way may still end so that a job has to send the message again.
    pub(crate) fn may_have_more(&self) -> bool {
        self.resend_after.is_some() && self.entries.iter().any(|entry| entry.due.is_none())
    }

    /// The event of an attempt, which counts all attempts of all lives.
    #[inline]
    pub(super) fn numbered(&mut self, kind: Kind) -> Kind {
        if self.is_kept { self.number(kind) } else { kind }
    }

    #[cold]
    fn number(&mut self, kind: Kind) -> Kind {
        let Kind::SendInvoked { message, key, producer, .. } = kind else { return kind };
        let entry = self.entries.iter_mut().find(|entry| entry.message == message);
        let attempt = entry.map_or(1, |entry| {
            entry.attempts = entry.attempts.saturating_add(1);
            entry.attempts
        });
        Kind::SendInvoked { message, key, producer, attempt }
    }

    /// The application notes how a send has ended.
    #[cold]
    pub(super) fn ended(&mut self, now: Instant, message: MessageId, outcome: SendOutcome) {
        let Some(place) = self.entries.iter().position(|entry| entry.message == message) else {
            return;
        };
        if outcome == SendOutcome::Ok {
            self.entries.remove(place);
        } else {
            let due = self.resend_after.map_or(Instant::NEVER, |after| now + after);
            self.entries[place].due = Some(due);
        }
    }

    /// Enters what the application knows. How often a message was sent decides nothing but the
    /// numbers of attempts, which nobody reads.
    pub(super) fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let Self { next, is_kept: _, resend_after: _, entries } = self;
        into.word(u64::from(*next) << 32 | entries.len() as u64);
        for Entry { message, attempts: _, due } in entries {
            into.word(message.0.into());
            into.deadline(due.filter(|&due| due < Instant::NEVER).map(|due| due.max(into.now())));
            into.flag(due.is_some());
        }
    }
}

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// Whether a producer dies when it is about to send a message.
    #[inline]
    pub(crate) fn dies_before_send(&mut self, producer: ClientId, record: Record) -> bool {
        let dies = self.choices.pick(shared_point(Fault::SendBefore), DIES) != 0;
        if dies {
            self.die_before_send(producer.process, record);
        }
        dies
    }

    /// The program has called `send`, and nothing has left the process.
    #[cold]
    fn die_before_send(&mut self, producer: ProcessId, Record { message, key, .. }: Record) {
        self.record(Kind::SendInvoked { message, key, producer, attempt: 1 });
        self.fault(shared_point(Fault::SendBefore), 1, producer, Some(message));
        self.crash(producer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Instant = Instant::from_nanos(86_400_000_000_000);

    fn outbox(resend_after: Option<u64>) -> Outbox {
        let resend_after = resend_after.map(Duration::from_secs);
        Outbox { is_kept: true, resend_after, ..Outbox::default() }
    }

    fn ended(outbox: &mut Outbox, message: u32, outcome: SendOutcome) {
        outbox.ended(Instant::START, MessageId(message), outcome);
    }

    #[test]
    fn a_restart_sends_again_what_has_no_answer() {
        let mut outbox = outbox(None);
        (0..4).for_each(|_| outbox.takes_next());
        ended(&mut outbox, 0, SendOutcome::Ok);
        ended(&mut outbox, 1, SendOutcome::Info);
        ended(&mut outbox, 2, SendOutcome::Fail);
        assert_eq!((outbox.take_due(DAY), outbox.next_due()), (None, None));
        assert!(!outbox.may_have_more());
        outbox.begins_a_life();
        let again = [0; 4].map(|_| outbox.take_due(DAY));
        assert_eq!(again, [Some(MessageId(1)), Some(MessageId(2)), Some(MessageId(3)), None]);
        assert_eq!(outbox.next(), 4);
    }

    #[test]
    fn a_job_sends_again_after_its_time() {
        let mut outbox = outbox(Some(60));
        outbox.takes_next();
        assert!(outbox.may_have_more() && outbox.next_due().is_none());
        ended(&mut outbox, 0, SendOutcome::Info);
        let due = Instant::START + Duration::from_secs(60);
        assert_eq!((outbox.next_due(), outbox.may_have_more()), (Some(due), false));
        assert_eq!(outbox.take_due(Instant::START), None);
        assert_eq!(outbox.take_due(due), Some(MessageId(0)));
        assert_eq!(outbox.take_due(due), None, "it is under way");
    }

    /// The opposite: who keeps none goes on with the next message.
    #[test]
    fn without_an_outbox_nothing_is_sent_again() {
        let mut outbox = Outbox::default();
        outbox.takes_next();
        outbox.begins_a_life();
        assert_eq!((outbox.take_due(DAY), outbox.next()), (None, 1));
    }

    #[test]
    fn attempts_are_counted_through_all_lives() {
        let mut outbox = outbox(None);
        outbox.takes_next();
        let mut attempt = || {
            let invoked = Kind::SendInvoked {
                message: MessageId(0),
                key: entrega_model::Key(0),
                producer: ProcessId(0),
                attempt: 1,
            };
            let Kind::SendInvoked { attempt, .. } = outbox.numbered(invoked) else {
                panic!("another event")
            };
            outbox.begins_a_life();
            attempt
        };
        assert_eq!([attempt(), attempt(), attempt()], [1, 2, 3]);
    }
}
