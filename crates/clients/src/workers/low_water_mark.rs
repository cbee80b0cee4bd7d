//! The low-water mark: how far a log may be committed when messages are finished out of order.
//!
//! > **The rule** (semantics.md 1.5, A2). A commit covers everything before it, so only a prefix
//! > without an unfinished message may be committed. Processing goes on above the mark; what is
//! > done there is repeated after a crash.
//!
//! ```text
//! in work or done, by offset    4 done │ 5 done │ 6 in work │ 7 done │ 8 in work
//!                                               ▲
//!                                               mark: commit 6
//! ```
//!
//! Offsets need not be dense: what counts are the deliveries, in their order.

use std::collections::VecDeque;

use entrega_model::{Delivery, PartitionId};

/// The deliveries that are not below the mark, partition by partition.
#[derive(Clone, Debug, Default)]
pub struct LowWaterMark {
    partitions: Vec<Partition>,
}

#[derive(Clone, Debug)]
struct Partition {
    id: PartitionId,
    /// From the mark on, in the order of delivery.
    open: VecDeque<Open>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    delivery: Delivery,
    done: bool,
}

impl LowWaterMark {
    /// A delivery begins: the mark does not pass it until it is done.
    pub fn begin(&mut self, delivery: &Delivery) {
        let open = Open { delivery: *delivery, done: false };
        match self.partitions.iter_mut().find(|partition| partition.id == delivery.partition) {
            Some(partition) => partition.open.push_back(open),
            None => self
                .partitions
                .push(Partition { id: delivery.partition, open: VecDeque::from([open]) }),
        }
    }

    /// A delivery is done. Returns the last one below the mark if the mark has moved: settling it
    /// covers all before it. One that was not begun since the last [`clear`](Self::clear) moves
    /// nothing.
    pub fn complete(&mut self, delivery: &Delivery) -> Option<Delivery> {
        let partition =
            self.partitions.iter_mut().find(|partition| partition.id == delivery.partition)?;
        let index =
            partition.open.binary_search_by_key(&delivery.id, |open| open.delivery.id).ok()?;
        partition.open[index].done = true;
        let mut last = None;
        while partition.open.front().is_some_and(|first| first.done) {
            last = partition.open.pop_front().map(|first| first.delivery);
        }
        last
    }

    /// The assignment is over: no delivery under it counts any more.
    pub fn clear(&mut self) {
        let Self { partitions } = self;
        partitions.iter_mut().for_each(|partition| partition.open.clear());
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use entrega_model::{DeliveryId, Generation, Instant, Key, MessageId, Record};
    use proptest::prelude::*;

    use super::super::HighestCompleted;
    use super::*;

    fn delivery(id: u32, partition: u16, position: u64) -> Delivery {
        let record = Record { message: MessageId(id), key: Key(0), bytes: 1 };
        Delivery {
            id: DeliveryId(id),
            record,
            partition: PartitionId(partition),
            position,
            attempt: 1,
            redelivered: false,
            generation: Generation(1),
            at: Instant::START,
        }
    }

    #[test]
    fn the_mark_waits_for_the_slowest() {
        let [four, five, nine] = [(1, 4), (2, 5), (3, 9)].map(|(id, at)| delivery(id, 0, at));
        let mut mark = LowWaterMark::default();
        [four, five, nine].iter().for_each(|delivery| mark.begin(delivery));
        assert_eq!(mark.complete(&five), None);
        assert_eq!(mark.complete(&four), Some(five));
        assert_eq!(mark.complete(&nine), Some(nine), "a gap in the offsets is no message");
    }

    #[test]
    fn what_belongs_to_an_older_assignment_moves_nothing() {
        let (old, new) = (delivery(1, 0, 4), delivery(2, 0, 4));
        let mut mark = LowWaterMark::default();
        mark.begin(&old);
        mark.clear();
        mark.begin(&new);
        assert_eq!(mark.complete(&old), None, "the same offset, and another delivery of it");
        assert_eq!(mark.complete(&new), Some(new));
    }

    /// Begins or completes deliveries in two partitions as a script says. After each step `check`
    /// gets the unfinished deliveries; `complete` has returned what to settle by then.
    fn play(
        script: &[(bool, u16, usize)],
        mut begin: impl FnMut(&Delivery),
        mut complete: impl FnMut(&Delivery) -> Option<Delivery>,
        mut check: impl FnMut(&[Option<u64>; 2], &BTreeSet<(u16, u64)>, &[u64; 2]),
    ) {
        let (mut open, mut ends) = (Vec::new(), [0_u64; 2]);
        let mut settled = [None, None];
        for (id, &(begins, partition, which)) in (0..).zip(script) {
            if begins || open.is_empty() {
                let next = delivery(id, partition, ends[usize::from(partition)]);
                ends[usize::from(partition)] += 1;
                begin(&next);
                open.push(next);
            } else {
                let done = open.remove(which % open.len());
                if let Some(last) = complete(&done) {
                    settled[last.partition.index()] = Some(last.position);
                }
            }
            let unfinished = open.iter().map(|one| (one.partition.0, one.position)).collect();
            check(&settled, &unfinished, &ends);
        }
    }

    fn scripts() -> impl Strategy<Value = Vec<(bool, u16, usize)>> {
        prop::collection::vec((any::<bool>(), 0_u16..2, 0_usize..8), 0..60)
    }

    proptest! {
        /// What is settled is exactly the prefix before the first unfinished delivery.
        #[test]
        fn the_mark_is_the_longest_finished_prefix(script in scripts()) {
            let mark = std::cell::RefCell::new(LowWaterMark::default());
            play(
                &script,
                |next| mark.borrow_mut().begin(next),
                |done| mark.borrow_mut().complete(done),
                |settled, unfinished, ends| {
                    for partition in 0..2_u16 {
                        let first = unfinished.iter().find(|(of, _)| *of == partition);
                        let prefix = first.map_or(ends[usize::from(partition)], |(_, at)| *at);
                        assert_eq!(settled[usize::from(partition)], prefix.checked_sub(1));
                    }
                },
            );
        }
    }

    /// The known-bad twin passes an unfinished message.
    #[test]
    fn the_highest_completed_is_no_mark() {
        let highest = HighestCompleted::default();
        let mut passed = false;
        play(
            &[(true, 0, 0), (true, 0, 0), (false, 0, 1)],
            |_| {},
            |done| highest.raised_by(std::slice::from_ref(done)).first().copied(),
            |settled, unfinished, _| {
                passed |= unfinished
                    .iter()
                    .any(|&(partition, at)| settled[usize::from(partition)] > Some(at));
            },
        );
        assert!(passed);
    }
}
