//! A fence with two sides: one on the path of every message, one on the way
//! to sleep or to take away what another consumer was about to get.
//!
//! > **The rule.** Of a store, a light side and a load on one thread, and a store, a heavy side and
//! > a load on another, at least one load sees the other thread's store.
//!
//! With `membarrier` the heavy side makes the kernel interrupt all running threads of the process,
//! each of which then passes a full fence; so the light side only has to keep the compiler from
//! reordering [membarrier(2)]. `loom` does not model it, so its models check the symmetric form.

use crate::sync::{Ordering, fence};

/// Which form is used; decided when it is made.
#[derive(Clone, Copy)]
pub(crate) struct Barrier {
    #[cfg(all(target_os = "linux", not(inproc_loom)))]
    asymmetric: bool,
}

#[cfg(all(target_os = "linux", not(inproc_loom)))]
impl Barrier {
    pub(crate) fn new() -> Self {
        use rustix::thread::{MembarrierCommand, membarrier};
        Self { asymmetric: membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok() }
    }

    #[inline]
    pub(crate) fn light(&self) {
        if self.asymmetric {
            std::sync::atomic::compiler_fence(Ordering::SeqCst);
        } else {
            fence(Ordering::SeqCst);
        }
    }

    /// A registered process is not refused. If it were, sleeping for a moment would do, in which
    /// every processor makes its stores visible.
    pub(crate) fn heavy(&self) {
        use rustix::thread::{MembarrierCommand, membarrier};
        fence(Ordering::SeqCst);
        if self.asymmetric && membarrier(MembarrierCommand::PrivateExpedited).is_err() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
    }
}

#[cfg(not(all(target_os = "linux", not(inproc_loom))))]
impl Barrier {
    pub(crate) fn new() -> Self {
        Self {}
    }

    #[inline]
    pub(crate) fn light(&self) {
        fence(Ordering::SeqCst);
    }

    pub(crate) fn heavy(&self) {
        fence(Ordering::SeqCst);
    }
}
