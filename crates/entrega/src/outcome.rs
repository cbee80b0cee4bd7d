//! Words for what a run can show, to say what must never happen and what may.
//!
//! Each is a question about a [`Finding`], so one of your own can stand wherever one of these can.
//! To look at causes too, ask for them:
//!
//! ```
//! use entrega::Finding;
//! use entrega_checker::Cause;
//!
//! let settled_too_early = |one: &Finding| {
//!     matches!(one, Finding::Class(_, Some(Cause::SettledBeforeProcess)))
//! };
//! # assert!(!settled_too_early(&Finding::Stalled));
//! ```

use entrega_checker::Class;

use crate::Finding;

/// A message was acknowledged, has no effect, and is gone.
pub fn lost(finding: &Finding) -> bool {
    matches!(finding, Finding::Class(Class::Lost, _))
}

/// A message has several effects, or an effect and a dead letter.
pub fn duplicated(finding: &Finding) -> bool {
    matches!(finding, Finding::Class(Class::Duplicated | Class::Split, _))
}

/// The first effects of one key came in another order than its messages.
pub fn reordered(finding: &Finding) -> bool {
    matches!(finding, Finding::Reordered)
}

/// A message was left behind although nothing was to come any more, or the run did not rest.
pub fn stalled(finding: &Finding) -> bool {
    matches!(finding, Finding::Stalled)
}

/// A message ended in the dead letters, maybe several times.
pub fn dead_lettered(finding: &Finding) -> bool {
    matches!(
        finding,
        Finding::Class(Class::DeadLettered | Class::Split, _) | Finding::DeadLetteredTwice
    )
}

/// A message has an effect although it was refused or never sent.
pub fn phantom(finding: &Finding) -> bool {
    matches!(finding, Finding::Class(Class::Phantom, _))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_means_one_thing() {
        let words = [lost, duplicated, reordered, stalled, dead_lettered, phantom];
        let check = |finding, expect: [u8; 6]| {
            assert_eq!(words.map(|word| u8::from(word(&finding))), expect, "{finding:?}");
        };
        check(Finding::Class(Class::Lost, None), [1, 0, 0, 0, 0, 0]);
        check(Finding::Class(Class::Duplicated, None), [0, 1, 0, 0, 0, 0]);
        check(Finding::Class(Class::Split, None), [0, 1, 0, 0, 1, 0]);
        check(Finding::Reordered, [0, 0, 1, 0, 0, 0]);
        check(Finding::Stalled, [0, 0, 0, 1, 0, 0]);
        check(Finding::Class(Class::DeadLettered, None), [0, 0, 0, 0, 1, 0]);
        check(Finding::DeadLetteredTwice, [0, 0, 0, 0, 1, 0]);
        check(Finding::Class(Class::Phantom, None), [0, 0, 0, 0, 0, 1]);
    }
}
