//! The critical windows: between hand-over, effect and settle.
//!
//! Every delivery that a living consumer holds is in one of four states. When the consumer crashes
//! or stalls, the states that are not empty say which windows the fault has hit; a run counts them,
//! so that a claim about a window nobody entered is not taken for evidence (semantics.md 5.6, point
//! 7).

use crate::message::{Flag, Message};
use crate::owners::Life;
use crate::{Counter, Counters};

/// Neither effect nor settle.
const FRESH: usize = 0;
/// Effect and no settle.
const EFFECT: usize = 1;
/// Settle and no effect.
const SETTLE: usize = 2;
/// Both.
const BOTH: usize = 3;

/// The state of the last delivery of a message. None if there is none, if it was given back, or if
/// it is settled and its handler failed: then no effect will follow.
#[inline]
pub(crate) fn state_of(message: &Message) -> Option<usize> {
    let settled = message.has(Flag::Settled);
    if !message.was_delivered()
        || message.has(Flag::Nacked)
        || (settled && message.has(Flag::Failed))
    {
        return None;
    }
    Some(match (message.has(Flag::HadEffect), settled) {
        (false, false) => FRESH,
        (true, false) => EFFECT,
        (false, true) => SETTLE,
        (true, true) => BOTH,
    })
}

/// Which windows a crash has hit.
pub(crate) fn count_crash(life: &Life, counters: &mut Counters) {
    let open = [
        (FRESH, Counter::CrashesBeforeEffect),
        (EFFECT, Counter::CrashesBetweenEffectAndSettle),
        (SETTLE, Counter::CrashesBetweenSettleAndEffect),
    ];
    let hit = open.into_iter().filter(|(state, _)| life.held[*state] > 0);
    let windows = hit.map(|(_, counter)| counters.add(counter, 1)).count();
    if windows == 0 && life.held[BOTH] > 0 {
        counters.add(Counter::CrashesAfterSettle, 1);
    }
}

/// Which windows a stall has hit.
pub(crate) fn count_stall(life: &Life, counters: &mut Counters) {
    if life.held[FRESH] + life.held[SETTLE] > 0 {
        counters.add(Counter::StallsBeforeEffect, 1);
    }
    if life.held[EFFECT] > 0 {
        counters.add(Counter::StallsAfterEffect, 1);
    }
}

impl Life {
    /// A delivery goes from one state to another.
    #[inline]
    pub(crate) fn shift(&mut self, from: Option<usize>, to: Option<usize>) {
        if let Some(from) = from {
            self.held[from] = self.held[from].saturating_sub(1);
        }
        if let Some(to) = to {
            self.held[to] += 1;
        }
    }
}
