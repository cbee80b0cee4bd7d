//! The highest message that is done: what `parallel-naive` takes for its progress.

use std::cell::RefCell;

use entrega_model::Delivery;

/// The highest position in each partition at which somebody has finished.
///
/// It is the known-bad twin of [`LowWaterMark`](super::LowWaterMark): workers finish out of order,
/// so it passes messages that are still in work.
#[derive(Debug, Default)]
pub struct HighestCompleted {
    partitions: RefCell<Vec<Delivery>>,
}

impl HighestCompleted {
    /// What to settle now that these are done: the message if it is the highest so far, else
    /// nothing, because it is covered already. A new assignment begins anew.
    pub fn raised_by<'d>(&self, done: &'d [Delivery]) -> &'d [Delivery] {
        let Some(delivery) = done.first() else { return done };
        let mut partitions = self.partitions.borrow_mut();
        let rank = |delivery: &Delivery| (delivery.generation, delivery.position);
        match partitions.iter_mut().find(|highest| highest.partition == delivery.partition) {
            Some(highest) if rank(highest) >= rank(delivery) => return &[],
            Some(highest) => *highest = *delivery,
            None => partitions.push(*delivery),
        }
        done
    }
}
