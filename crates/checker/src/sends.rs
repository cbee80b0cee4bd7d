//! What the producers' side of a history says: who sent what, when, with which outcome, and so
//! which message was sent before which.
//!
//! > **The rule** (semantics.md 5.5). m1 ≺ m2 iff both have one key and one producer and m1 was
//! > acknowledged before m2 was first sent.
//!
//! Ids grow in the order in which a producer first sends. So it is enough to keep, for each
//! message, its *mark*: the highest id that its producer had sent when it was acknowledged. Then m1
//! ≺ m2 iff id(m2) > mark(m1), and no pair has to be looked at. Messages of one key and producer
//! are a *chain*.
//!
//! A pipelined producer sends on while it waits, and the order of its program is promised all the
//! same if [`Config::program_order`](crate::Config::program_order) says so: then the mark of an
//! acknowledged message is its own id.
//!
//! A send may have several attempts and as many outcomes; one speaks for every attempt begun since
//! the last, in one life of its producer: what a life leaves open stays so (of a record, a later
//! outcome speaks for it too). The send is acknowledged if any outcome is, refused only if every
//! one is a refusal and no attempt is open, and else indeterminate.

use entrega_model::event::SendOutcome;
use entrega_model::{Instant, Key, MessageId, ProcessId};

use crate::Sends;
use crate::class::Sent;
use crate::message::NONE;
use crate::table::Table;

/// A message as its producer sees it: 16 bytes, shared by all subscriptions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Send {
    invoked_at: Instant,
    /// [`NONE`] until it is sent.
    chain: u32,
    /// The mark once it is acknowledged, else one of the values below, which are above every mark.
    mark: u32,
}

const OPEN: u32 = u32::MAX;
const FAILED: u32 = u32::MAX - 1;
const INDETERMINATE: u32 = u32::MAX - 2;
const HIGHEST_MARK: u32 = u32::MAX - 3;

impl Default for Send {
    fn default() -> Self {
        Self { invoked_at: Instant::START, chain: NONE, mark: OPEN }
    }
}

impl Send {
    /// What the producer learnt; of a message that was sent.
    pub(crate) fn sent(&self) -> Sent {
        match self.mark {
            OPEN | INDETERMINATE => Sent::Info,
            FAILED => Sent::Fail,
            _ => Sent::Ok,
        }
    }

    /// Whether its producer learnt that it is stored; of a message that was sent.
    #[inline]
    pub(crate) fn is_acknowledged(&self) -> bool {
        self.mark <= HIGHEST_MARK
    }

    /// When it was first sent.
    #[inline]
    pub(crate) fn invoked_at(&self) -> Instant {
        self.invoked_at
    }

    /// Its mark, or which outcome it has instead.
    pub(crate) fn mark(&self) -> u32 {
        self.mark
    }

    /// The index of its chain.
    #[inline]
    pub(crate) fn chain(&self) -> usize {
        self.chain as usize
    }

    /// Whether it was sent, and acknowledged, before the message with id `other` of its chain was
    /// sent.
    #[inline]
    pub(crate) fn precedes(&self, other: u32) -> bool {
        other > self.mark
    }
}

/// The messages of one key and one producer.
#[derive(Clone, Copy, Debug)]
struct Chain {
    key: Key,
    producer: ProcessId,
    /// The next chain of the same key.
    next: u32,
}

/// All chains.
#[derive(Clone, Debug, Default)]
struct Chains {
    /// The first chain of each key.
    heads: Table<Option<u32>>,
    all: Vec<Chain>,
}

/// The fold over all sends.
#[derive(Clone, Debug, Default)]
pub(crate) struct SendFold {
    sends: Table<Send>,
    chains: Chains,
    /// The highest id that each producer has sent.
    highest: Table<u32>,
    totals: Sends,
    /// How many have no outcome yet, and a producer that may still hear of one.
    open: u64,
    program_order: bool,
    /// Outcomes may name their attempts, and may be written down by somebody who outlives the
    /// producer.
    pub(crate) is_record: bool,
}

impl SendFold {
    pub(crate) fn new(messages: usize, program_order: bool) -> Self {
        Self { sends: Table::with_capacity(messages), program_order, ..Self::default() }
    }

    pub(crate) fn clear(&mut self) {
        let Self { sends, chains, highest, totals, open, program_order: _, is_record: _ } = self;
        let Chains { heads, all } = chains;
        sends.clear();
        heads.forget(all.drain(..).map(|chain| chain.key.0.into()));
        highest.clear();
        *totals = Sends::default();
        *open = 0;
    }

    /// A producer begins to send, or tries again; the first time gives the message its place.
    #[inline]
    pub(crate) fn invoked(
        &mut self,
        at: Instant,
        message: MessageId,
        key: Key,
        producer: ProcessId,
    ) {
        let send = self.sends.entry(message.0.into());
        if send.chain != NONE {
            return self.is_open_again(message);
        }
        *send = Send { invoked_at: at, chain: self.chains.of(key, producer), mark: OPEN };
        let highest = self.highest.entry(producer.0.into());
        *highest = message.0.max(*highest);
        self.totals.invoked += 1;
        self.open += 1;
    }

    /// A further attempt is open: a refusal is not the last word any more.
    #[cold]
    fn is_open_again(&mut self, message: MessageId) {
        let send = self.sends.entry(message.0.into());
        if send.mark == FAILED {
            send.mark = OPEN;
            self.open += 1;
            self.totals.fail -= 1;
        }
    }

    /// Whether the order of a producer's program is promised.
    #[inline]
    pub(crate) fn program_order(&self) -> bool {
        self.program_order
    }

    /// Counts an attempt beyond the first.
    pub(crate) fn retried(&mut self) {
        self.totals.retries += 1;
    }

    /// Attempts of a send are over. The producer is that of the first attempt, whoever the event
    /// names: it may name none.
    #[inline]
    pub(crate) fn ended(&mut self, message: MessageId, outcome: SendOutcome) {
        let Some(send) = self.sends.get_mut(message.0.into()) else { return };
        let Some(chain) = self.chains.all.get(send.chain as usize) else { return };
        match (outcome, send.mark) {
            (_, ..=HIGHEST_MARK) => return,
            (SendOutcome::Fail, OPEN) => {
                send.mark = FAILED;
                self.open -= 1;
                self.totals.fail += 1;
                return;
            }
            (SendOutcome::Fail, _) => return,
            (_, FAILED) => self.totals.fail -= 1,
            (_, OPEN) => self.open -= 1,
            _ => {}
        }
        if outcome == SendOutcome::Info {
            send.mark = INDETERMINATE;
            return;
        }
        let highest = self.highest.get(chain.producer.0.into()).copied().unwrap_or(0);
        let overlapping = if self.program_order { 0 } else { highest };
        send.mark = overlapping.max(message.0).min(HIGHEST_MARK);
        self.totals.ok += 1;
    }

    /// A life of a process has ended: nobody will hear what became of the sends that it left open.
    #[cold]
    pub(crate) fn life_ended(&mut self, process: ProcessId) {
        if self.open == 0 || self.is_record || self.highest.get(process.0.into()).is_none() {
            return;
        }
        let Self { sends, chains, open, .. } = self;
        for (_, send) in sends.iter_mut().filter(|(_, send)| send.mark == OPEN) {
            let chain = chains.all.get(send.chain as usize);
            if chain.is_some_and(|chain| chain.producer == process) {
                send.mark = INDETERMINATE;
                *open -= 1;
            }
        }
    }

    /// A message, if it was sent.
    #[inline]
    pub(crate) fn get(&self, message: MessageId) -> Option<&Send> {
        self.sends.get(message.0.into()).filter(|send| send.chain != NONE)
    }

    /// All messages that were sent, by id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (MessageId, &Send)> {
        let sent = self.sends.iter().filter(|(_, send)| send.chain != NONE);
        sent.map(|(id, send)| (MessageId(id as u32), send))
    }

    /// The accounts; a send without outcome is indeterminate.
    pub(crate) fn totals(&self) -> Sends {
        Sends { info: self.totals.invoked - self.totals.ok - self.totals.fail, ..self.totals }
    }

    /// Every chain with its key and producer.
    pub(crate) fn chains(&self) -> impl Iterator<Item = (Key, ProcessId, usize)> {
        let Chains { heads, all } = &self.chains;
        let heads = heads.iter().filter_map(|(key, head)| Some((Key(key as u32), (*head)?)));
        heads.flat_map(move |(key, head)| {
            let next = move |chain: &u32| Some(all.get(*chain as usize)?.next);
            let of_key = std::iter::successors(Some(head), next);
            of_key.filter_map(move |index| {
                Some((key, all.get(index as usize)?.producer, index as usize))
            })
        })
    }
}

impl Chains {
    /// The chain of a key and producer, new if need be.
    #[inline]
    fn of(&mut self, key: Key, producer: ProcessId) -> u32 {
        let head = self.heads.get(key.0.into()).copied().flatten().unwrap_or(NONE);
        match self.all.get(head as usize) {
            Some(chain) if chain.producer == producer => head,
            _ => self.behind_head(key, producer),
        }
    }

    /// The same, where it is not the first of its key.
    #[cold]
    fn behind_head(&mut self, key: Key, producer: ProcessId) -> u32 {
        let head = self.heads.entry(key.0.into());
        let mut found = head.unwrap_or(NONE);
        while let Some(chain) = self.all.get(found as usize) {
            if chain.producer == producer {
                return found;
            }
            found = chain.next;
        }
        let new = self.all.len() as u32;
        self.all.push(Chain { key, producer, next: head.replace(new).unwrap_or(NONE) });
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_send_is_small() {
        assert!(size_of::<Send>() <= 16, "{}", size_of::<Send>());
    }

    #[test]
    fn a_message_precedes_what_was_sent_after_its_acknowledgement() {
        let mut fold = SendFold::default();
        let mut send = |id| fold.invoked(Instant::START, MessageId(id), Key(0), ProcessId(0));
        send(0);
        send(1);
        fold.ended(MessageId(0), SendOutcome::Ok);
        fold.invoked(Instant::START, MessageId(2), Key(0), ProcessId(0));
        let first = *fold.get(MessageId(0)).unwrap();
        assert!(!first.precedes(1), "pipelined: no order was promised");
        assert!(first.precedes(2));
        assert!(!fold.get(MessageId(1)).unwrap().precedes(2), "not acknowledged");
    }

    /// The opposite: the order of the program counts, if it is promised.
    #[test]
    fn a_pipelined_message_precedes_what_its_program_sent_later() {
        let check = |program_order, expect| {
            let mut fold = SendFold::new(2, program_order);
            let mut send = |id| fold.invoked(Instant::START, MessageId(id), Key(0), ProcessId(0));
            send(0);
            send(1);
            fold.ended(MessageId(0), SendOutcome::Ok);
            assert_eq!(fold.get(MessageId(0)).unwrap().precedes(1), expect);
            assert!(!fold.get(MessageId(1)).unwrap().precedes(0), "not acknowledged");
        };
        check(false, false);
        check(true, true);
    }

    /// What a life left open is not refused by the answer to an attempt of the next one; what it
    /// knew it knew.
    #[test]
    fn a_refusal_speaks_for_the_attempts_of_its_life() {
        let check = |dies: bool, first: Option<SendOutcome>, expect: Sent| {
            let mut fold = SendFold::default();
            let mut send = || fold.invoked(Instant::START, MessageId(0), Key(0), ProcessId(0));
            send();
            if let Some(outcome) = first {
                fold.ended(MessageId(0), outcome);
            }
            fold.life_ended(ProcessId(if dies { 0 } else { 1 }));
            fold.invoked(Instant::START, MessageId(0), Key(0), ProcessId(0));
            fold.ended(MessageId(0), SendOutcome::Fail);
            assert_eq!(fold.get(MessageId(0)).unwrap().sent(), expect, "{dies} {first:?}");
        };
        check(true, None, Sent::Info);
        check(false, None, Sent::Fail);
        check(true, Some(SendOutcome::Fail), Sent::Fail);
        check(true, Some(SendOutcome::Ok), Sent::Ok);
    }

    /// Attempts begin (`.`) and end (ok, fail, info); what the producer knows in the end.
    #[test]
    fn any_acknowledgement_counts_and_every_refusal_must() {
        let check = |steps: &str, expect: Sent| {
            let mut fold = SendFold::default();
            for step in steps.chars() {
                match step {
                    '.' => fold.invoked(Instant::START, MessageId(0), Key(0), ProcessId(0)),
                    'o' => fold.ended(MessageId(0), SendOutcome::Ok),
                    'f' => fold.ended(MessageId(0), SendOutcome::Fail),
                    _ => fold.ended(MessageId(0), SendOutcome::Info),
                }
            }
            let sent = fold.get(MessageId(0)).unwrap().sent();
            let Sends { invoked, ok, info, fail, .. } = fold.totals();
            assert_eq!((sent, invoked), (expect, 1), "{steps}");
            let counts = match expect {
                Sent::Ok => (1, 0, 0),
                Sent::Info => (0, 1, 0),
                _ => (0, 0, 1),
            };
            assert_eq!((ok, info, fail), counts, "{steps}");
        };
        let acknowledged = [".o", ".i.o", ".f.o", ".fo", ".io", ".o.f", ".o.i", ".of", "..o"];
        acknowledged.iter().for_each(|steps| check(steps, Sent::Ok));
        [".f", ".f.f", "..f", ".ff"].iter().for_each(|steps| check(steps, Sent::Fail));
        let open = [".", ".i", ".f.", ".f.i", ".i.f", ".if", ".fi", ".fi.f"];
        open.iter().for_each(|steps| check(steps, Sent::Info));
    }
}
