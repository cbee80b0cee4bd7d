//! A visit to the control part of a queue, which tells the others what they must know of it.

use std::ops::{Deref, DerefMut};

use super::control::Control;
use super::{RETURNED, Shared};
use crate::sync::{MutexGuard, Ordering};
use crate::wait::Bell;

/// A visit to the control part. Whatever it is for, when it is over, consumers know whether a
/// redelivery is ready, and waiting producers are woken if there is room, after the lock. So no
/// visitor has to think of it.
pub(super) struct Visit<'a, T> {
    control: MutexGuard<'a, Control<T>>,
    shared: &'a Shared<T>,
    /// After the guard, so that it rings once the lock is released.
    ringing: Ringing<'a>,
}

impl<'a, T> Visit<'a, T> {
    /// A visit under the lock.
    pub(super) fn new(control: MutexGuard<'a, Control<T>>, shared: &'a Shared<T>) -> Self {
        let ringing = Ringing { freed: &shared.freed, has_freed: false };
        Self { control, shared, ringing }
    }
}

impl<T> Deref for Visit<'_, T> {
    type Target = Control<T>;

    #[inline]
    fn deref(&self) -> &Control<T> {
        &self.control
    }
}

impl<T> DerefMut for Visit<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Control<T> {
        &mut self.control
    }
}

impl<T> Drop for Visit<'_, T> {
    fn drop(&mut self) {
        self.ringing.has_freed = self.control.take_freed();
        let flags = &self.shared.flags;
        let is_known = flags.load(Ordering::Relaxed) & RETURNED != 0;
        if self.control.has_returned() != is_known {
            flags.fetch_xor(RETURNED, Ordering::Relaxed);
        }
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
