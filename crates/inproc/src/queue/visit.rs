//! A visit to the control part of a queue, which wakes producers for the room that it made.

use std::ops::{Deref, DerefMut};
use std::sync::MutexGuard;

use super::control::Control;
use crate::wait::Bell;

/// A visit to the control part. Whatever it is for, if it frees a segment, it wakes waiting
/// producers when it is over; so no visitor has to think of it.
pub(super) struct Visit<'a, T> {
    control: MutexGuard<'a, Control<T>>,
    /// After the guard, so that it rings once the lock is released.
    ringing: Ringing<'a>,
}

impl<'a, T> Visit<'a, T> {
    /// A visit under the lock; `freed` is rung after it.
    pub(super) fn new(control: MutexGuard<'a, Control<T>>, freed: &'a Bell) -> Self {
        Self { control, ringing: Ringing { freed, has_freed: false } }
    }
}

impl<T> Deref for Visit<'_, T> {
    type Target = Control<T>;

    fn deref(&self) -> &Control<T> {
        &self.control
    }
}

impl<T> DerefMut for Visit<'_, T> {
    fn deref_mut(&mut self) -> &mut Control<T> {
        &mut self.control
    }
}

impl<T> Drop for Visit<'_, T> {
    fn drop(&mut self) {
        self.ringing.has_freed = self.control.take_freed();
    }
}

/// Rings at its end, if there is something to ring for.
struct Ringing<'a> {
    freed: &'a Bell,
    has_freed: bool,
}

impl Drop for Ringing<'_> {
    fn drop(&mut self) {
        if self.has_freed {
            self.freed.ring();
        }
    }
}
