//! Segments: memory for bodies, written once by one writer and read in place by any reader.
//!
//! > **The rule.** A slot is written once, before its index is published, and never again while the
//! > segment is reachable. A reader that has seen an index published may read everything below it.
//!
//! This is the only module of the workspace with unsafe code. In return, a body is moved once, by
//! its producer, and a reader gets `&[T]` without a copy, a lock or a reference count;
//! `benches/NOTES.md` has the figures.
//!
//! # Why it is sound
//!
//! 1. *One writer.* A segment is written through its [`Filling`] only. A `Filling` is made of a
//!    segment that is not shared: a new one, or one whose `Arc` is unique. It cannot be cloned, and
//!    it writes through `&mut self`.
//! 2. *No slot is read before it is written.* `published` is the number of slots that are written.
//!    It grows by a store with release order after the writes. A [`View`] knows a number that was
//!    loaded with acquire order, by itself or by a view of the same segment that it copied it from,
//!    and refuses to go beyond it. So the writes happen before the reads.
//! 3. *No slot is written while it is read.* The writer writes at `written`, which is never below
//!    `published`, and readers read below `published`. Only [`Filling::reused`] and `Drop` go back,
//!    and both own the segment exclusively: no `View` and no slice borrowed from one is left.
//! 4. *Every value is dropped once.* Values below `published` belong to the segment, and are
//!    dropped by its reuse or its end; `published` goes to 0 first, so that a destructor that
//!    panics does not drop twice. The others are dropped all the same. Nothing is written above it
//!    beyond the end of [`Filling::fill`]: [`Writing`] publishes what is written, even if the
//!    iterator panics.
//! 5. *Threads.* Values move to whichever thread ends the segment (`T: Send`) and are shared by
//!    readers (`T: Sync`).
//! 6. *Lifetimes.* A segment is written by one handle and read by others, as a `Mutex` is. So it is
//!    invariant in `T`: a `Filling<&'static str>` that passed for a `Filling<&'a str>` would be
//!    given a string that is gone when a `View<&'static str>` reads it.
//!
//! The models of `loom` in `interleavings.rs` check every interleaving of writer and readers; each
//! slot has a witness there that reports a read and a write that are not ordered.

#![allow(unsafe_code)]

use std::alloc::{self, Layout};
use std::any::Any;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::{self, NonNull};
use std::{mem, thread};

use crate::sync::{Arc, AtomicUsize, CachePadded, Ordering};

/// The length of a cache line, in bytes, or of a pair of them: processors fetch lines in pairs.
const LINE: usize = 128;

/// A fixed number of slots, and the owner's data beside them (`M`).
pub(crate) struct Segment<T, M> {
    published: CachePadded<AtomicUsize>,
    slots: Slots<T>,
    #[cfg(inproc_loom)]
    witnesses: Box<[loom::cell::UnsafeCell<()>]>,
    beside: M,
}

// SAFETY: a segment owns its values (rule 5); it has no other state that is bound to a thread.
unsafe impl<T: Send, M: Send> Send for Segment<T, M> {}
// SAFETY: shared access hands out `&T` below `published` (rule 2) and lets the one `Filling` write
// above it (rules 1 and 3).
unsafe impl<T: Send + Sync, M: Sync> Sync for Segment<T, M> {}

impl<T, M> Segment<T, M> {
    /// The owner's data.
    pub(crate) fn beside(&self) -> &M {
        &self.beside
    }

    /// How many slots there are.
    pub(crate) fn len(&self) -> usize {
        self.slots.len
    }

    /// How many of them may be read.
    pub(crate) fn published(&self) -> usize {
        self.published.0.load(Ordering::Acquire)
    }

    /// Drops all values. A destructor that panics keeps none of the others from being dropped; the
    /// first panic goes on when all are, unless the thread panics already.
    fn clear(&mut self) {
        let count = self.published();
        self.published.0.store(0, Ordering::Relaxed);
        if !mem::needs_drop::<T>() {
            return;
        }
        let (mut first_panic, mut next): (Option<Box<dyn Any + Send>>, usize) = (None, 0);
        while next < count {
            let drop_rest = || {
                while next < count {
                    next += 1;
                    // SAFETY: the first `count` slots are written (rule 2), no other thread can
                    // reach them (`&mut self`), `published` says already that they are gone (rule
                    // 4), and `next` was past this one before its destructor ran.
                    unsafe { ptr::drop_in_place(self.slots.first.as_ptr().add(next - 1)) };
                }
            };
            if let Err(panic) = catch_unwind(AssertUnwindSafe(drop_rest)) {
                first_panic.get_or_insert(panic);
            }
        }
        if let Some(panic) = first_panic
            && !thread::panicking()
        {
            resume_unwind(panic);
        }
    }

    /// Reports a write to the witness of the slot.
    fn note_write(&self, _slot: usize) {
        #[cfg(inproc_loom)]
        self.witnesses[_slot].with_mut(|_| ());
    }

    /// Reports reads to the witnesses of the slots.
    fn note_reads(&self, _from: usize, _to: usize) {
        #[cfg(inproc_loom)]
        self.witnesses[_from.._to].iter().for_each(|witness| witness.with(|_| ()));
    }
}

/// Memory for a number of values, aligned to a cache line: a value of 64 bytes lies in one line and
/// not in two, each of which would have to be fetched. The segment knows which slots hold a value.
struct Slots<T> {
    first: NonNull<T>,
    len: usize,
    /// Makes it invariant in `T` (rule 6), and keeps it `Send` and `Sync`.
    invariant: PhantomData<fn(T) -> T>,
}

impl<T> Slots<T> {
    fn new(len: usize) -> Self {
        let layout = Self::layout(len);
        if layout.size() == 0 {
            return Self { first: NonNull::dangling(), len, invariant: PhantomData };
        }
        // SAFETY: the layout is not empty.
        let memory = unsafe { alloc::alloc(layout) };
        let Some(first) = NonNull::new(memory.cast()) else { alloc::handle_alloc_error(layout) };
        Self { first, len, invariant: PhantomData }
    }

    fn layout(len: usize) -> Layout {
        let values = Layout::array::<T>(len).and_then(|values| values.align_to(LINE));
        values.expect("a segment is smaller than the address space")
    }
}

impl<T> Drop for Slots<T> {
    fn drop(&mut self) {
        let layout = Self::layout(self.len);
        if layout.size() > 0 {
            // SAFETY: `new` allocated it, with this layout.
            unsafe { alloc::dealloc(self.first.as_ptr().cast(), layout) }
        }
    }
}

impl<T, M> Drop for Segment<T, M> {
    fn drop(&mut self) {
        self.clear();
    }
}

/// The writer of a segment.
pub(crate) struct Filling<T, M> {
    segment: Arc<Segment<T, M>>,
    written: usize,
}

impl<T, M> Filling<T, M> {
    /// A new segment of `len` slots.
    pub(crate) fn new(len: usize, beside: M) -> Self {
        let segment = Segment {
            published: CachePadded(AtomicUsize::new(0)),
            slots: Slots::new(len),
            #[cfg(inproc_loom)]
            witnesses: (0..len).map(|_| loom::cell::UnsafeCell::new(())).collect(),
            beside,
        };
        Self { segment: Arc::new(segment), written: 0 }
    }

    /// A used segment, emptied; gives the segment back if it is still shared. Runs the destructors
    /// of its values.
    pub(crate) fn reused(mut segment: Arc<Segment<T, M>>) -> Result<Self, Arc<Segment<T, M>>> {
        let Some(unique) = Arc::get_mut(&mut segment) else { return Err(segment) };
        unique.clear();
        Ok(Self { segment, written: 0 })
    }

    /// Changes the owner's data of a segment that nothing else holds yet.
    pub(crate) fn renew(&mut self, renew: impl FnOnce(&mut M)) {
        if let Some(unique) = Arc::get_mut(&mut self.segment) {
            renew(&mut unique.beside);
        }
    }

    /// What is being filled.
    pub(crate) fn segment(&self) -> &Arc<Segment<T, M>> {
        &self.segment
    }

    /// How many slots are written, and published.
    pub(crate) fn written(&self) -> usize {
        self.written
    }

    /// How many slots are free.
    pub(crate) fn room(&self) -> usize {
        self.segment.slots.len - self.written
    }

    /// Writes one value and publishes it, or gives it back.
    #[inline]
    pub(crate) fn push(&mut self, value: T) -> Result<(), T> {
        if self.room() == 0 {
            return Err(value);
        }
        Writing::new(self).write(value);
        Ok(())
    }

    /// Builds one value in its slot, and publishes it.
    ///
    /// # Panics
    ///
    /// If there is no room.
    #[inline]
    pub(crate) fn push_with(&mut self, make: impl FnOnce() -> T) {
        Writing::new(self).write_with(make);
    }

    /// Writes values while there is room, publishes them together, and returns whether there may be
    /// more. It asks for no value without having room for it.
    ///
    /// # Panics
    ///
    /// If there is no room at all.
    #[inline]
    pub(crate) fn fill(&mut self, first: T, rest: &mut impl Iterator<Item = T>) -> bool {
        let mut writing = Writing::new(self);
        writing.write(first);
        let room = writing.room();
        rest.take(room).for_each(|value| writing.write(value));
        writing.room() == 0
    }
}

/// Writes slots, and publishes them together when it is dropped, even by a panic. Until then it
/// counts in a register.
struct Writing<'a, T, M> {
    filling: &'a mut Filling<T, M>,
    written: usize,
}

impl<'a, T, M> Writing<'a, T, M> {
    #[inline]
    fn new(filling: &'a mut Filling<T, M>) -> Self {
        let written = filling.written;
        Self { filling, written }
    }

    #[inline]
    fn room(&self) -> usize {
        self.filling.segment.slots.len - self.written
    }

    #[inline]
    fn write(&mut self, value: T) {
        self.write_with(|| value);
    }

    /// Writes the next slot.
    ///
    /// # Panics
    ///
    /// If there is none.
    #[inline]
    fn write_with(&mut self, make: impl FnOnce() -> T) {
        assert!(self.room() > 0, "there is a slot to write");
        let segment = &*self.filling.segment;
        segment.note_write(self.written);
        // SAFETY: there is such a slot, by the assertion. It is above `published`, so nobody reads
        // it (rule 3) and it holds no value; there is no other writer (rule 1).
        unsafe { segment.slots.first.add(self.written).write(make()) };
        self.written += 1;
    }
}

impl<T, M> Drop for Writing<'_, T, M> {
    #[inline]
    fn drop(&mut self) {
        self.filling.written = self.written;
        self.filling.segment.published.0.store(self.written, Ordering::Release);
    }
}

/// A reader's hold on a segment: what it has seen published stays readable.
pub(crate) struct View<T, M> {
    segment: Arc<Segment<T, M>>,
    seen: usize,
}

impl<T, M> View<T, M> {
    /// A view that has seen what is published now.
    pub(crate) fn new(segment: Arc<Segment<T, M>>) -> Self {
        let seen = segment.published();
        Self { segment, seen }
    }

    /// The segment.
    pub(crate) fn segment(&self) -> &Arc<Segment<T, M>> {
        &self.segment
    }

    /// How many slots may be read, as far as this view has seen.
    #[inline]
    pub(crate) fn seen(&self) -> usize {
        self.seen
    }

    /// Looks again.
    pub(crate) fn look(&mut self) -> usize {
        self.seen = self.segment.published();
        self.seen
    }

    /// Adopts what another view of the same segment has seen; `false` if it is of another segment.
    pub(crate) fn follow(&mut self, other: &Self) -> bool {
        let is_same = Arc::ptr_eq(&self.segment, &other.segment);
        if is_same {
            self.seen = self.seen.max(other.seen);
        }
        is_same
    }

    /// The values of a range that has been seen, in place.
    ///
    /// # Panics
    ///
    /// If the range ends beyond what was seen.
    #[inline]
    pub(crate) fn slice(&self, from: usize, to: usize) -> &[T] {
        assert!(from <= to && to <= self.seen, "only what was seen published can be read");
        self.segment.note_reads(from, to);
        let first = self.segment.slots.first.as_ptr();
        // SAFETY: `seen` was loaded from the `published` of this segment with acquire order, by
        // this view or by another one from which it was copied (`follow`, `clone`). Who copies has
        // a reference to that view, so its load happens before the copy, and the copy before this
        // read. Hence slots below `seen` are written (rule 2), and stay so while the view's `Arc`
        // lives (rule 3), which outlives the slice; `from` and `to` are not above it, by the
        // assertion.
        unsafe { std::slice::from_raw_parts(first.add(from), to - from) }
    }
}

impl<T, M> Clone for View<T, M> {
    fn clone(&self) -> Self {
        Self { segment: Arc::clone(&self.segment), seen: self.seen }
    }
}

#[cfg(all(test, inproc_loom))]
mod interleavings;
#[cfg(all(test, not(inproc_loom)))]
mod tests;
