//! The directory of a partition: its segments, its readers and its committed offsets.
//!
//! A plain struct behind the partition's lock, which readers and producer take once per segment.

use std::collections::VecDeque;

use entrega_model::SubscriptionId;
use entrega_model::log::Offset;

use super::{LogFilling, LogOptions, LogSegment, Retention};
use crate::spares::Spares;
use crate::sync::Arc;

/// Names a registered reader.
pub(super) type Place = usize;

/// Segments, readers and committed offsets of one partition.
pub(super) struct Directory<T> {
    /// Ascending, without gaps. All but the last are full.
    segments: VecDeque<Arc<LogSegment<T>>>,
    /// Segments that are no longer needed, to be used again.
    spares: Spares<T, Offset>,
    /// From where each registered reader needs the log.
    holds: Vec<Option<Offset>>,
    committed: Vec<Option<Offset>>,
    /// The first segment's writer until the producer takes it, and the last one's after it was
    /// dropped.
    filling: Option<LogFilling<T>>,
    segment_len: usize,
    segments_max: usize,
    retention: Retention,
    sealed: bool,
    ended: bool,
}

impl<T> Directory<T> {
    pub(super) fn new(options: &LogOptions) -> Self {
        let segment_len = options.segment.max(1);
        let filling = LogFilling::new(segment_len, 0);
        Self {
            segments: VecDeque::from([Arc::clone(filling.segment())]),
            spares: Spares::new(segment_len, options.rotation, 0),
            holds: Vec::new(),
            committed: Vec::new(),
            filling: Some(filling),
            segment_len,
            segments_max: options.capacity.div_ceil(segment_len).max(2),
            retention: options.retention,
            sealed: false,
            ended: false,
        }
    }

    pub(super) fn segments(&self) -> usize {
        self.segments.len() + self.spares.len()
    }

    /// The oldest offset that there is.
    pub(super) fn log_start(&self) -> Offset {
        self.segments.front().map_or(0, |segment| *segment.beside())
    }

    /// One past the newest.
    pub(super) fn log_end(&self) -> Offset {
        self.segments.back().map_or(0, |last| last.beside() + last.published() as Offset)
    }

    pub(super) fn committed(&self, group: SubscriptionId) -> Option<Offset> {
        self.committed.get(group.index()).copied().flatten()
    }
}

/// What the producer does.
impl<T> Directory<T> {
    /// Takes the writer, unless another producer has it.
    pub(super) fn take_filling(&mut self) -> Option<LogFilling<T>> {
        self.filling.take()
    }

    pub(super) fn return_filling(&mut self, filling: LogFilling<T>) {
        self.filling = Some(filling);
    }

    /// Whether a further segment may be opened, and if so, what to open it with. `None` if readers
    /// must advance first.
    pub(super) fn find_room(&mut self) -> Option<Room<T>> {
        self.retire();
        if self.segments.len() >= self.segments_max {
            return None;
        }
        let spare = self.spares.take(self.segments.len());
        let excess = self.spares.trim(self.segments.len() + 1, self.segments_max);
        Some(Room { spare, excess, segment_len: self.segment_len })
    }

    /// Opens a segment after the last one, which is full, and returns its writer; gives the segment
    /// back, to the spares, if another task was faster.
    pub(super) fn open(&mut self, mut next: LogFilling<T>) -> Option<LogFilling<T>> {
        if self.segments.len() >= self.segments_max {
            self.put_back(next);
            return None;
        }
        let base = self.log_end();
        next.renew(|beside| *beside = base);
        self.segments.push_back(Arc::clone(next.segment()));
        Some(next)
    }

    /// A segment that was not needed after all.
    pub(super) fn put_back(&mut self, unused: LogFilling<T>) {
        self.spares.put(Arc::clone(unused.segment()));
    }

    /// Frees the segments that no reader needs, possibly including a last one that is full.
    fn retire(&mut self) {
        let needed_from = match self.retention {
            Retention::UntilRead => self.holds.iter().flatten().min().copied(),
            Retention::DropOldest => None,
        };
        while let Some(first) = self.segments.front() {
            let end = first.beside() + self.segment_len as Offset;
            let goes = match needed_from {
                Some(needed_from) => end <= needed_from,
                None => self.segments.len() >= self.segments_max,
            };
            if !goes || self.segments.len() == 1 {
                break;
            }
            self.segments.pop_front().into_iter().for_each(|left| self.spares.put(left));
        }
    }

    /// Whether some reader has seen the end of the log, so that nothing may be added any more.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// From now on readers may see the end of the log.
    pub(super) fn seal(&mut self) {
        self.sealed = true;
    }
}

/// What readers do.
impl<T> Directory<T> {
    /// Registers a reader of `group`, and returns its place and where it begins.
    pub(super) fn register(&mut self, group: SubscriptionId) -> (Place, Offset) {
        let (log_start, log_end) = (self.log_start(), self.log_end());
        let committed = self.committed(group);
        let begin = committed.map_or(log_start, |offset| offset.clamp(log_start, log_end));
        let place = self.holds.iter().position(Option::is_none).unwrap_or_else(|| {
            self.holds.push(None);
            self.holds.len() - 1
        });
        self.holds[place] = Some(begin);
        (place, begin)
    }

    pub(super) fn unregister(&mut self, place: Place) {
        self.holds[place] = None;
    }

    /// The reader needs nothing below `offset` any more.
    pub(super) fn hold(&mut self, place: Place, offset: Offset) {
        self.holds[place] = Some(offset);
        self.spares.left_here();
    }

    pub(super) fn commit(&mut self, group: SubscriptionId, offset: Offset) {
        if group.index() >= self.committed.len() {
            self.committed.resize(group.index() + 1, None);
        }
        self.committed[group.index()] = Some(offset);
    }

    /// The segment in which an offset of the log lies or will lie, and its index there.
    pub(super) fn at(&self, offset: Offset) -> (Arc<LogSegment<T>>, usize) {
        let distance = (offset - self.log_start()) as usize;
        let nth = (distance / self.segment_len).min(self.segments.len() - 1);
        (Arc::clone(&self.segments[nth]), distance - nth * self.segment_len)
    }

    /// Whether the log has ended for a reader at `position`.
    pub(super) fn end_at(&mut self, position: Offset) -> bool {
        let ended = self.sealed && position == self.log_end();
        self.ended |= ended;
        ended
    }
}

/// What the next segment is made of: a spare one, whose records must be dropped first, or new
/// memory. Dropped and emptied without a lock, because that runs destructors.
pub(super) struct Room<T> {
    spare: Option<Arc<LogSegment<T>>>,
    excess: Vec<Arc<LogSegment<T>>>,
    segment_len: usize,
}

impl<T> Room<T> {
    /// The writer of an empty segment.
    pub(super) fn empty(self) -> LogFilling<T> {
        let Self { spare, excess, segment_len } = self;
        drop(excess);
        let again = spare.and_then(|spare| LogFilling::reused(spare).ok());
        again.unwrap_or_else(|| LogFilling::new(segment_len, 0))
    }
}
