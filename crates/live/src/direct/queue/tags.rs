//! The delivery tags of a client library: consecutive numbers.
//!
//! "All up to this one" is then a prefix, whether a delivery is a first one or a redelivery.

use std::collections::VecDeque;
use std::ops::Range;

use entrega_model::MessageId;
use entrega_model::queue::DeliveryTag;

use entrega_inproc::queue::Tag;

/// With fewer than this many nothing is searched.
const FEW: usize = 1024;

/// Deliveries that are not settled.
#[derive(Default)]
pub(super) struct Tags {
    /// The tag of the first in the row.
    first: DeliveryTag,
    row: VecDeque<Option<(Tag, MessageId)>>,
    /// Search the row when it is this long.
    long: usize,
}

impl Tags {
    /// Gives a delivery its tag.
    pub(super) fn push(&mut self, tag: Tag, message: MessageId) -> DeliveryTag {
        self.row.push_back(Some((tag, message)));
        self.first + self.row.len() as DeliveryTag - 1
    }

    /// Gives a settled delivery its tag.
    pub(super) fn push_settled(&mut self) -> DeliveryTag {
        self.row.clear();
        self.first += 1;
        self.first - 1
    }

    /// The delivery of a tag, if it is not settled.
    pub(super) fn get(&self, name: DeliveryTag) -> Option<(Tag, MessageId)> {
        *self.row.get(usize::try_from(name.checked_sub(self.first)?).ok()?)?
    }

    /// Ends the delivery.
    pub(super) fn remove(&mut self, name: DeliveryTag) {
        let index = name.checked_sub(self.first).and_then(|index| usize::try_from(index).ok());
        if let Some(place) = index.and_then(|index| self.row.get_mut(index)) {
            *place = None;
        }
        while let Some(None) = self.row.front() {
            self.row.pop_front();
            self.first += 1;
        }
    }

    /// The tags before `name`, settled or not; none if that was never given.
    pub(super) fn before(&self, name: DeliveryTag) -> Range<DeliveryTag> {
        let was_given = name < self.first + self.row.len() as DeliveryTag;
        self.first..if was_given { name } else { self.first }
    }

    /// Forgets deliveries that ended without being settled here, if there may be many: memory is
    /// bounded by what is in flight. `holds` says which have not ended.
    pub(super) fn forget_lost(&mut self, mut holds: impl FnMut(Tag) -> bool) {
        if self.row.len() < self.long.max(FEW) {
            return;
        }
        for place in &mut self.row {
            *place = place.filter(|(tag, _)| holds(*tag));
        }
        self.remove(self.first);
        self.long = self.row.len() * 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_grow_and_are_forgotten_in_any_order() {
        let mut tags = Tags::default();
        let name = |tags: &mut Tags, number| tags.push(Tag::First(number), MessageId(0));
        assert_eq!([7, 8, 9].map(|number| name(&mut tags, number)), [0, 1, 2]);
        tags.remove(1);
        assert_eq!((tags.get(0), tags.get(1)), (Some((Tag::First(7), MessageId(0))), None));
        assert_eq!(tags.before(2), 0..2);
        assert!(tags.before(3).is_empty(), "nobody has that name");
        tags.remove(0);
        assert!(tags.before(2).is_empty(), "the others are over");
        tags.remove(0);
        assert_eq!(tags.get(2), Some((Tag::First(9), MessageId(0))), "once is enough");
        assert_eq!(name(&mut tags, 10), 3);
    }

    /// Leases that expire leave nothing behind.
    #[test]
    fn what_is_lost_does_not_add_up() {
        let mut tags = Tags::default();
        for number in 0..100_000 {
            tags.push(Tag::First(number), MessageId(0));
            tags.forget_lost(|tag| tag == Tag::First(number));
            assert!(tags.row.len() <= FEW);
        }
        assert!(tags.get(99_999).is_some());
    }
}
