//! Which deliveries went back to a queue together with others.
//!
//! > **The rule** (semantics.md 5.4, `returned_with_batch`). A message that was acked comes again
//! > because a delivery that its consumer had before the ack was requeued or rejected since: some
//! > clients return a batch as a whole.

use std::collections::BTreeMap;

use entrega_model::event::SettleAct;
use entrega_model::{MessageId, ProcessId};

use crate::table::Table;

/// Who holds what, and what each consumer has given back. Moments count from 1.
#[derive(Clone, Debug, Default)]
pub(super) struct Holds {
    held: Table<Hold>,
    returns: BTreeMap<ProcessId, Returns>,
}

/// The latest delivery of a message.
#[derive(Clone, Copy, Debug, Default)]
struct Hold {
    consumer: Option<ProcessId>,
    delivered: u64,
    /// 0 until it is acked.
    acked: u64,
    /// It was given back.
    returned: bool,
}

/// What a consumer gave back: when, and when that had been delivered to it. Both grow: an entry
/// that a later one makes useless is dropped.
#[derive(Clone, Debug, Default)]
struct Returns(Vec<Return>);

#[derive(Clone, Copy, Debug)]
struct Return {
    returned: u64,
    delivered: u64,
}

impl Holds {
    /// A message is delivered. Returns whether its previous delivery was acked and went back with
    /// others.
    pub(super) fn delivered(&mut self, message: MessageId, consumer: ProcessId, now: u64) -> bool {
        let hold = self.held.entry(message.0.into());
        let before = std::mem::replace(
            hold,
            Hold { consumer: Some(consumer), delivered: now, acked: 0, returned: false },
        );
        let returns = before.consumer.and_then(|consumer| self.returns.get(&consumer));
        before.acked > 0 && returns.is_some_and(|returns| returns.around(before.acked))
    }

    /// A consumer's settle of a message is recorded.
    pub(super) fn settled(
        &mut self,
        message: MessageId,
        consumer: ProcessId,
        act: SettleAct,
        now: u64,
    ) {
        match act {
            SettleAct::Ack => self.acked(message, consumer, now),
            SettleAct::Requeue | SettleAct::Reject => self.returned(message, consumer, now),
            SettleAct::Extend | SettleAct::Commit => {}
        }
    }

    fn acked(&mut self, message: MessageId, consumer: ProcessId, now: u64) {
        let hold = self.held.entry(message.0.into());
        if hold.consumer == Some(consumer) && hold.acked == 0 {
            hold.acked = now;
        }
    }

    /// Whether the latest delivery of a message went back.
    pub(super) fn is_returned(&self, message: MessageId) -> bool {
        self.held.get(message.0.into()).is_some_and(|hold| hold.returned)
    }

    /// A consumer gives back the message that it holds, and has not acked.
    pub(super) fn returned(&mut self, message: MessageId, consumer: ProcessId, now: u64) {
        let hold = self.held.entry(message.0.into());
        if hold.consumer == Some(consumer) && hold.acked == 0 && !hold.returned {
            hold.returned = true;
            let last = Return { returned: now, delivered: hold.delivered };
            self.returns.entry(consumer).or_default().add(last);
        }
    }
}

impl Returns {
    fn add(&mut self, last: Return) {
        while self.0.pop_if(|before| before.delivered >= last.delivered).is_some() {}
        self.0.push(last);
    }

    /// Whether something that was delivered before this moment was given back after it.
    fn around(&self, moment: u64) -> bool {
        let since = self.0.partition_point(|one| one.returned <= moment);
        self.0.get(since).is_some_and(|earliest| earliest.delivered < moment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_return_counts_if_the_ack_lies_within_its_delivery() {
        let mut returns = Returns::default();
        assert!(!returns.around(1));
        returns.add(Return { returned: 10, delivered: 5 });
        returns.add(Return { returned: 20, delivered: 15 });
        for (moment, expect) in [(4, false), (6, true), (10, false), (12, false), (16, true)] {
            assert_eq!(returns.around(moment), expect, "{moment}");
        }
        returns.add(Return { returned: 30, delivered: 2 });
        for (moment, expect) in [(2, false), (4, true), (12, true), (29, true), (30, false)] {
            assert_eq!(returns.around(moment), expect, "{moment}");
        }
    }
}
