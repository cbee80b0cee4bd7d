//! Room in the last segment, or in a new one.
//!
//! A new segment is mostly a used one, whose bodies must be dropped first. Their destructors are
//! code of a user, so that is done without a lock: one producer says that it opens a segment, does
//! so, and then makes it the one to write. Others that need room meanwhile wait for a moment.
//! Bodies without destructors need none of this: the segment is opened at once.

use std::mem;
use std::thread;

use crate::queue::control::{Room, Spare};
use crate::queue::{BlockFilling, Shared};

/// How often a producer looks again, and yields, while another one opens a segment. After that it
/// finds no room: a destructor takes long, or it is that destructor which sends.
const LOOKS: u32 = 1000;

/// Does something with a writer.
pub(super) type Act<'a, T> = &'a mut dyn FnMut(&mut BlockFilling<T>);

/// Does something with the writer of the last segment, unless a sole producer has it.
#[inline]
pub(super) fn with_filling<T>(
    shared: &Shared<T>,
    own: &mut Option<BlockFilling<T>>,
    act: Act<'_, T>,
) {
    match own {
        Some(filling) => act(filling),
        None => shared.writer().as_mut().into_iter().for_each(act),
    }
}

/// Whether there is room now, in this segment or a new one. `with` reaches the writer, and is not
/// used while code of a user runs.
#[cold]
pub(super) fn find_room<T>(shared: &Shared<T>, with: &mut dyn FnMut(Act<'_, T>)) -> bool {
    for _ in 0..LOOKS {
        let mut has_room = None;
        with(&mut |filling| {
            if filling.room() == 0 && !mem::needs_drop::<T>() {
                shared.control().open_at_once().into_iter().for_each(|next| *filling = next);
            }
            has_room = Some(filling.room() > 0);
        });
        match has_room {
            Some(false) if mem::needs_drop::<T>() => {}
            other => return other == Some(true),
        }
        let room = shared.control().find_room();
        match room {
            Room::Full => return false,
            Room::Open(spare) => return open(shared, with, spare),
            Room::Opening => thread::yield_now(),
        }
    }
    false
}

/// Opens a segment, unless another producer was faster and there is room already; `false` if a sole
/// producer has taken the writer meanwhile.
fn open<T>(shared: &Shared<T>, with: &mut dyn FnMut(Act<'_, T>), spare: Spare<T>) -> bool {
    let mut opening = Opening { shared, is_open: false };
    let mut next = spare.empty();
    let mut has_room = false;
    with(&mut |filling| {
        has_room = true;
        if filling.room() == 0 {
            shared.control().open(Some(&mut next));
            mem::swap(filling, &mut next);
            opening.is_open = true;
        }
    });
    drop(opening);
    has_room
}

/// While it lives this producer opens a segment; then others may go on.
struct Opening<'a, T> {
    shared: &'a Shared<T>,
    is_open: bool,
}

impl<T> Drop for Opening<'_, T> {
    fn drop(&mut self) {
        if !self.is_open {
            self.shared.control().open(None);
        }
        self.shared.freed.ring();
    }
}
