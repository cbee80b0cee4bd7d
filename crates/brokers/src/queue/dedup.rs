//! The dedup window of the exchange: a message that was published a short while ago is confirmed
//! once more, and not stored again.
//!
//! > **The rule.** The exchange remembers the producer's id of every message that it stores, for
//! > [`QueueSettings::dedup_window`](super::QueueSettings::dedup_window) from when it stored it. A
//! > publish with an id that it remembers is a success that changes nothing: it stores nothing, and
//! > does not prolong the window. Once the window has closed, the same publish is stored again.
//!
//! So the window has to be longer than any resend can be late, and nothing else says how long
//! that is. JetStream remembers the `Nats-Msg-Id` for 2 minutes and tells its client of a
//! duplicate; an SQS FIFO queue remembers the `MessageDeduplicationId` for 5 minutes, also of
//! what was received and deleted since. Both keep it across a restart, and so does this. Redis
//! has a bound on how many ids it remembers as well (`IDMP`): the oldest goes first.
//!
//! A refused publish is not remembered. A message that is sent again under another id, which a
//! request says by a number, is another message here.
//!
//! Sources: `semantics.md` 2.4 note 3, 3.7.

use std::collections::VecDeque;

use entrega_model::{Duration, Fingerprint, Instant, MessageId, Record};

use super::QueueSettings;

/// What was stored within the window.
#[derive(Clone, Debug)]
pub(super) struct DedupWindow {
    span: Duration,
    entries: usize,
    /// The oldest first.
    stored: VecDeque<Stored>,
    ids: Ids,
}

/// A message that was stored.
#[derive(Clone, Copy, Debug)]
struct Stored {
    at: Instant,
    message: MessageId,
    /// Under which id; 0 is the one that the message has.
    id: u32,
}

/// What a note takes.
#[cfg(test)]
pub(super) const NOTE_BYTES: usize = size_of::<Stored>();

impl DedupWindow {
    /// A window as it is set, if there is one.
    pub(super) fn of(settings: &QueueSettings) -> Option<Self> {
        let entries = settings.dedup_entries.map_or(usize::MAX, |entries| entries as usize);
        let (stored, ids) = (VecDeque::new(), Ids::default());
        settings.dedup_window.map(|span| Self { span, entries, stored, ids })
    }

    /// Takes the messages out of `records` that it remembers, and remembers the others. Says
    /// whether there were some and none is left.
    pub(super) fn knows_all(&mut self, now: Instant, id: u32, records: &mut Vec<Record>) -> bool {
        self.forget(now);
        let published = records.len();
        records.retain(|record| self.is_new(Stored { at: now, message: record.message, id }));
        records.is_empty() && published > 0
    }

    /// Whether a message was not known under this id, which it is from now on.
    fn is_new(&mut self, new: Stored) -> bool {
        let Stored { message, id, .. } = new;
        let is_new = if id == 0 {
            self.ids.insert(message)
        } else {
            !self.stored.iter().any(|stored| (stored.message, stored.id) == (message, id))
        };
        if is_new {
            self.stored.push_back(new);
        }
        is_new
    }

    /// An id is not remembered any more.
    fn drop_id(&mut self, stored: Stored) {
        if stored.id == 0 {
            self.ids.remove(stored.message);
        }
    }

    /// The latest ones were not stored after all.
    #[cold]
    pub(super) fn take_back(&mut self, records: usize) {
        for _ in 0..records {
            if let Some(stored) = self.stored.pop_back() {
                self.drop_id(stored);
            }
        }
    }

    /// A message was not stored after all, as far as the broker knows. If it was under several
    /// ids, that is true of the one that came last.
    #[cold]
    pub(super) fn forget_message(&mut self, message: MessageId) {
        let last = self.stored.iter().rposition(|stored| stored.message == message);
        if let Some(stored) = last.and_then(|place| self.stored.remove(place)) {
            self.drop_id(stored);
        }
    }

    /// Forgets what is out of the window by now, or one too many.
    fn forget(&mut self, now: Instant) {
        while let Some(&stored) = self.stored.front() {
            if now.since(stored.at) < self.span && self.stored.len() <= self.entries {
                break;
            }
            self.stored.pop_front();
            self.drop_id(stored);
        }
    }

    /// Forgets everything, and keeps the memory.
    pub(super) fn clear(&mut self) {
        let Self { span: _, entries: _, stored, ids } = self;
        stored.clear();
        ids.clear();
    }

    /// Enters what is within the window.
    pub(super) fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        let now = into.now();
        let is_forgotten = |one: &&Stored| now.since(one.at) >= self.span;
        let forgotten = self.stored.iter().take_while(is_forgotten).count();
        let forgotten = forgotten.max(self.stored.len().saturating_sub(self.entries));
        into.count(self.stored.len() - forgotten);
        for &Stored { at, message, id } in self.stored.range(forgotten..) {
            into.time(at);
            into.word(u64::from(id) << 32 | u64::from(message.0));
        }
    }
}

/// A set of message ids: dense, so it is a table of bits, in pages, so that a stray id costs one
/// page and not everything in between.
#[derive(Clone, Debug, Default)]
struct Ids {
    pages: Vec<Vec<u64>>,
}

const WORD: usize = u64::BITS as usize;
/// How many words a page has.
const PAGE: usize = 1 << 10;

impl Ids {
    /// Whether it was not in the set.
    fn insert(&mut self, message: MessageId) -> bool {
        let (word, bit) = (message.index() / WORD, 1 << (message.index() % WORD));
        if self.pages.len() <= word / PAGE {
            self.pages.resize_with(word / PAGE + 1, Vec::new);
        }
        let page = &mut self.pages[word / PAGE];
        if page.is_empty() {
            page.resize(PAGE, 0);
        }
        let is_new = page[word % PAGE] & bit == 0;
        page[word % PAGE] |= bit;
        is_new
    }

    fn remove(&mut self, message: MessageId) {
        let (word, bit) = (message.index() / WORD, 1 << (message.index() % WORD));
        let page = self.pages.get_mut(word / PAGE);
        if let Some(word) = page.and_then(|page| page.get_mut(word % PAGE)) {
            *word &= !bit;
        }
    }

    fn clear(&mut self) {
        self.pages.iter_mut().for_each(|page| page.fill(0));
    }
}

#[cfg(test)]
mod tests {
    use entrega_model::Key;

    use super::*;

    const NONE: [u32; 0] = [];

    fn window(entries: Option<u32>) -> DedupWindow {
        let dedup_window = Some(Duration::from_secs(10));
        let settings =
            QueueSettings { dedup_window, dedup_entries: entries, ..QueueSettings::default() };
        DedupWindow::of(&settings).expect("a window")
    }

    /// Which of these messages are stored when they are published at once.
    fn published(window: &mut DedupWindow, seconds: u64, messages: &[u32]) -> Vec<u32> {
        published_under(window, 0, seconds, messages)
    }

    fn published_under(
        window: &mut DedupWindow,
        id: u32,
        seconds: u64,
        messages: &[u32],
    ) -> Vec<u32> {
        let record = |&id| Record { message: MessageId(id), key: Key(0), bytes: 1 };
        let mut records: Vec<Record> = messages.iter().map(record).collect();
        let now = Instant::START + Duration::from_secs(seconds);
        let knows_all = window.knows_all(now, id, &mut records);
        assert_eq!(knows_all, records.is_empty() && !messages.is_empty());
        records.into_iter().map(|record| record.message.0).collect()
    }

    #[test]
    fn without_a_window_nothing_is_remembered() {
        assert!(DedupWindow::of(&QueueSettings::default()).is_none());
    }

    /// Within the window, and when it has just closed.
    #[test]
    fn a_message_is_known_until_the_window_closes() {
        let mut window = window(None);
        assert_eq!(published(&mut window, 0, &[1]), [1]);
        assert_eq!(published(&mut window, 9, &[1]), NONE);
        assert_eq!(published(&mut window, 10, &[1]), [1], "a duplicate prolongs nothing");
        assert_eq!(published(&mut window, 19, &[1]), NONE);
        assert_eq!(published(&mut window, 20, &[1]), [1]);
    }

    #[test]
    fn messages_are_told_apart_by_their_ids() {
        let mut window = window(None);
        assert_eq!(published(&mut window, 0, &[1, 2, 1, u32::MAX]), [1, 2, u32::MAX]);
        assert_eq!(published(&mut window, 1, &[3, 2, 64]), [3, 64]);
        assert_eq!(published(&mut window, 2, &[u32::MAX]), NONE);
        assert_eq!(published(&mut window, 2, &[]), NONE);
    }

    /// Under the id of the message, and under others.
    #[test]
    fn another_id_is_another_message() {
        let mut window = window(None);
        assert_eq!(published(&mut window, 0, &[1]), [1]);
        assert_eq!(published_under(&mut window, 7, 0, &[1]), [1]);
        assert_eq!(published_under(&mut window, 7, 1, &[1, 2]), [2]);
        assert_eq!(published_under(&mut window, 8, 1, &[1]), [1]);
        assert_eq!(published(&mut window, 2, &[1, 2]), [2]);
        assert_eq!(published_under(&mut window, 9, 2, &[4, 4]), [4], "twice in one batch");
        assert_eq!(published_under(&mut window, 7, 10, &[1, 2]), [1], "1 was stored at 0");
        window.take_back(1);
        assert_eq!(published_under(&mut window, 7, 10, &[1]), [1]);
    }

    /// Of several copies under several ids, the last is the one that is not on the disk.
    #[test]
    fn what_is_forgotten_is_what_came_last() {
        let mut window = window(None);
        assert_eq!(published(&mut window, 0, &[1]), [1]);
        assert_eq!(published_under(&mut window, 7, 1, &[1]), [1]);
        window.forget_message(MessageId(1));
        assert_eq!(published(&mut window, 2, &[1]), NONE);
        assert_eq!(published_under(&mut window, 7, 2, &[1]), [1]);
    }

    /// The other window: the oldest of too many is forgotten.
    #[test]
    fn the_oldest_of_too_many_is_forgotten() {
        let mut window = window(Some(2));
        assert_eq!(published(&mut window, 0, &[1]), [1]);
        assert_eq!(published(&mut window, 0, &[2]), [2]);
        assert_eq!(published(&mut window, 0, &[1]), NONE);
        assert_eq!(published(&mut window, 0, &[3]), [3]);
        assert_eq!(published(&mut window, 0, &[2]), NONE);
        assert_eq!(published(&mut window, 0, &[1]), [1]);
    }

    #[test]
    fn what_is_refused_is_not_remembered() {
        let mut window = window(None);
        assert_eq!(published(&mut window, 0, &[1]), [1]);
        assert_eq!(published(&mut window, 0, &[1, 2, 3]), [2, 3]);
        window.take_back(2);
        assert_eq!(published(&mut window, 0, &[1, 2, 3]), [2, 3]);
        window.clear();
        assert_eq!(published(&mut window, 0, &[1]), [1]);
    }
}
