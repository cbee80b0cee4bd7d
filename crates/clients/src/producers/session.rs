//! What an idempotent producer knows of its batches: under which number each was sent.
//!
//! > **The rule** (semantics.md 3.2; Java's `TransactionManager`). A message keeps its number as
//! > long as it may be stored under it, so the broker recognises a retry. Numbers have no gaps: if
//! > one was given up that the broker never had, the broker refuses all that follow it as out of
//! > order. The first of these then begins a new epoch at 0, and the others follow it.
//!
//! A new epoch for the first of them stores nothing twice: none behind the gap is stored. Nor does
//! what is still on its way under the old epoch: the broker fences it.
//!
//! Three things make a request wait:
//!
//! * A retry waits until its message is the first in flight of its partition, as in Java: sooner it
//!   would only be refused.
//! * A message waits while four others were begun behind one of its partition that is still without
//!   an answer. The broker remembers five batches, so a sixth could make it forget the first; its
//!   retry would be out of order, and stored again.
//! * Until the broker has answered for the first batch of a partition, no other is sent there. The
//!   broker takes any batch of a producer that it does not know, so the second could pass for the
//!   first, and the first would come too late.
//!
//! Kafka's clients need the last two as well, and a connection sees to them: it answers in the
//! order of the requests, and loses none whose successor it carries out. Here requests are lost one
//! by one.
//!
//! An epoch belongs to a partition here. Java has one for the producer, and lets each partition go
//! over to it when nothing is in flight there, which comes to the same.

use std::cell::RefCell;

use entrega_model::log::BatchSequence;
use entrega_model::{MessageId, PartitionId};

/// The numbers of a producer in one of its lives.
pub(super) struct Session {
    partitions: RefCell<Vec<InPartition>>,
}

/// The numbers of a partition.
#[derive(Clone, Default)]
struct InPartition {
    epoch: u32,
    next: u32,
    /// How many batches have been begun.
    begun: u64,
    /// The broker knows the producer.
    is_known: bool,
    /// Which batches wait for the end of their sends, in the order of their numbers.
    in_flight: Vec<InFlight>,
}

/// A batch on its way, by its first message.
#[derive(Clone, Copy)]
struct InFlight {
    message: MessageId,
    number: u32,
    count: u32,
    /// How many batches of the partition were begun before it.
    begun_before: u64,
}

/// How many batches the broker remembers.
const REMEMBERED: u64 = 5;
/// Sequence numbers are 31 bits wide.
const LARGEST: u32 = i32::MAX as u32;

impl Session {
    pub(super) fn new(partitions: u16) -> Self {
        let partitions = vec![InPartition::default(); usize::from(partitions)];
        Self { partitions: RefCell::new(partitions) }
    }

    fn of<T>(&self, id: PartitionId, ask: impl FnOnce(&mut InPartition) -> T) -> T {
        let mut partitions = self.partitions.borrow_mut();
        if partitions.len() <= id.index() {
            partitions.resize(id.index() + 1, InPartition::default());
        }
        ask(&mut partitions[id.index()])
    }

    /// Under which number a batch is sent: the next one, or the one that it has.
    pub(super) fn sequence(
        &self,
        partition: PartitionId,
        message: MessageId,
        count: u32,
    ) -> BatchSequence {
        self.of(partition, |of| {
            let first = of.number_of(message).unwrap_or_else(|| of.number(message, count));
            BatchSequence { epoch: of.epoch, first }
        })
    }

    /// Whether a request for a message may leave now. If not, it may when an earlier send has
    /// ended.
    pub(super) fn may_send(&self, partition: PartitionId, message: MessageId) -> bool {
        self.of(partition, |of| {
            let Some(first) = of.in_flight.first() else { return true };
            let is_new = of.number_of(message).is_none();
            let is_near = of.begun - first.begun_before < REMEMBERED;
            first.message == message || (is_new && is_near && of.is_known)
        })
    }

    /// The broker has stored a message of the partition, or had stored it before.
    pub(super) fn confirmed(&self, partition: PartitionId) {
        self.of(partition, |of| of.is_known = true);
    }

    /// The broker has refused a message as out of order. If nothing before it is in flight, what it
    /// waits for was given up.
    pub(super) fn out_of_order(&self, partition: PartitionId, message: MessageId) {
        self.of(partition, |of| {
            if of.in_flight.first().is_some_and(|first| first.message == message) {
                of.begin_epoch();
            }
        });
    }

    /// The send of a message has ended.
    pub(super) fn ended(&self, partition: PartitionId, message: MessageId) {
        self.of(partition, |of| of.in_flight.retain(|one| one.message != message));
    }
}

impl InPartition {
    fn number_of(&self, message: MessageId) -> Option<u32> {
        let found = self.in_flight.iter().find(|one| one.message == message);
        found.map(|one| one.number)
    }

    fn number(&mut self, message: MessageId, count: u32) -> u32 {
        let number = self.next;
        let begun_before = self.begun;
        self.in_flight.push(InFlight { message, number, count, begun_before });
        self.begun += 1;
        self.next = (number + count) & LARGEST;
        number
    }

    #[cold]
    fn begin_epoch(&mut self) {
        self.epoch += 1;
        self.next = 0;
        for one in &mut self.in_flight {
            one.number = self.next;
            self.next += one.count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARTITION: PartitionId = PartitionId(0);

    /// Sends messages, and says under which epoch and number each is sent.
    fn sequences(session: &Session, messages: &[u32]) -> Vec<(u32, u32)> {
        let sequence = |&message| session.sequence(PARTITION, MessageId(message), 1);
        let all = messages.iter().map(sequence);
        all.map(|BatchSequence { epoch, first }| (epoch, first)).collect()
    }

    #[test]
    fn a_retry_has_the_number_of_the_first_attempt() {
        let session = Session::new(1);
        assert_eq!(sequences(&session, &[3, 4, 3, 5, 4]), [(0, 0), (0, 1), (0, 0), (0, 2), (0, 1)]);
        session.ended(PARTITION, MessageId(3));
        assert_eq!(sequences(&session, &[3]), [(0, 3)], "another send has another number");
        assert_eq!(session.sequence(PartitionId(4), MessageId(3), 1).first, 0);
    }

    #[test]
    fn only_the_first_in_flight_begins_an_epoch() {
        let session = Session::new(1);
        sequences(&session, &[3, 4, 5]);
        session.out_of_order(PARTITION, MessageId(4));
        assert_eq!(sequences(&session, &[4, 5]), [(0, 1), (0, 2)]);
        session.ended(PARTITION, MessageId(3));
        session.out_of_order(PARTITION, MessageId(4));
        assert_eq!(sequences(&session, &[4, 5, 6]), [(1, 0), (1, 1), (1, 2)]);
    }

    #[test]
    fn what_comes_behind_waits() {
        let session = Session::new(1);
        let check = |message, expect| {
            assert_eq!(session.may_send(PARTITION, MessageId(message)), expect, "{message}");
        };
        check(3, true);
        sequences(&session, &[3]);
        check(3, true);
        check(4, false);
        session.confirmed(PARTITION);
        check(4, true);
        sequences(&session, &[4]);
        check(4, false);
        check(3, true);
        session.ended(PARTITION, MessageId(3));
        check(4, true);
    }

    /// The broker must not forget what is still without an answer.
    #[test]
    fn no_more_are_begun_behind_one_than_the_broker_remembers() {
        let session = Session::new(1);
        sequences(&session, &[0]);
        session.confirmed(PARTITION);
        for message in 1..5 {
            assert!(session.may_send(PARTITION, MessageId(message)), "{message}");
            sequences(&session, &[message]);
            session.ended(PARTITION, MessageId(message));
        }
        assert!(!session.may_send(PARTITION, MessageId(5)), "0 would be the sixth from the end");
        session.ended(PARTITION, MessageId(0));
        assert!(session.may_send(PARTITION, MessageId(5)));
    }

    /// The numbers of a batch are as many as its messages, in a new epoch too.
    #[test]
    fn a_batch_has_a_number_for_each_message() {
        let session = Session::new(1);
        let first = |message, count| {
            let sequence = session.sequence(PARTITION, MessageId(message), count);
            (sequence.epoch, sequence.first)
        };
        assert_eq!([first(0, 3), first(3, 2), first(5, 1)], [(0, 0), (0, 3), (0, 5)]);
        session.ended(PARTITION, MessageId(0));
        session.out_of_order(PARTITION, MessageId(3));
        assert_eq!([first(3, 2), first(5, 1), first(6, 1)], [(1, 0), (1, 2), (1, 3)]);
    }
}
