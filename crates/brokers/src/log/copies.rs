//! Which copy of a message an append stores: 1 for the first, 2 when a retry stored it again.
//!
//! > **The rule.** Message ids are dense, so counters stand in a table. The table has pages, so
//! > that a stray id far beyond the others costs one page and not everything in between.

use entrega_model::MessageId;

const PAGE: usize = 1 << 14;

/// How many copies of each message were stored.
#[derive(Clone, Debug, Default)]
pub(super) struct Copies {
    pages: Vec<Vec<u16>>,
}

impl Copies {
    /// Counts one more copy and returns its number, which stops at the largest `u16`.
    #[inline]
    pub(super) fn count(&mut self, message: MessageId) -> u16 {
        let (page, slot) = (message.index() / PAGE, message.index() % PAGE);
        let count = match self.pages.get_mut(page).and_then(|page| page.get_mut(slot)) {
            Some(count) => count,
            None => self.grow(page, slot),
        };
        *count = count.saturating_add(1);
        *count
    }

    /// Makes room for a counter, and for as many as there are on its page already.
    #[cold]
    fn grow(&mut self, page: usize, slot: usize) -> &mut u16 {
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, Vec::new);
        }
        let page = &mut self.pages[page];
        page.resize((slot + 1).next_power_of_two().min(PAGE), 0);
        &mut page[slot]
    }

    /// Forgets all of them, and keeps the memory.
    pub(super) fn clear(&mut self) {
        let Self { pages } = self;
        pages.iter_mut().for_each(Vec::clear);
    }

    /// The messages of which something was stored, by id, with the number of copies.
    pub(super) fn iter(&self) -> impl Iterator<Item = (MessageId, u16)> {
        self.pages.iter().enumerate().flat_map(|(page, counts)| {
            let stored = counts.iter().enumerate().filter(|(_, count)| **count > 0);
            stored.map(move |(slot, count)| (MessageId((page * PAGE + slot) as u32), *count))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_counted_for_each_message() {
        let mut copies = Copies::default();
        let mut check = |message, expect| assert_eq!(copies.count(MessageId(message)), expect);
        check(0, 1);
        check(7, 1);
        check(0, 2);
        check(3, 1);
        check(u32::MAX, 1);
        check(7, 2);
        check(0, 3);
        check(PAGE as u32 + 7, 1);
        let counted: Vec<_> = copies.iter().map(|(message, count)| (message.0, count)).collect();
        assert_eq!(counted, [(0, 3), (3, 1), (7, 2), (PAGE as u32 + 7, 1), (u32::MAX, 1)]);
    }

    #[test]
    fn the_number_stops_at_its_largest_value() {
        let mut copies = Copies::default();
        let last = (0..70_000).map(|_| copies.count(MessageId(1))).last();
        assert_eq!(last, Some(u16::MAX));
    }
}
