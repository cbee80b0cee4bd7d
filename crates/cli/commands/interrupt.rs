//! Ctrl-C, for the commands that take long: `compare`, `explore`, `live` and `table`.
//!
//! > **The rule.** They behave alike. The first Ctrl-C ends the work: the command prints what it
//! > has found so far and leaves with exit code 1. The second ends the program at once, with
//! > nothing printed and exit code 130. All other commands end at the first, as any program does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::failure::Failure;
use crate::output;

/// The exit code that shells give to an interrupted program.
const INTERRUPTED: i32 = 130;

/// Listens for Ctrl-C; the first raises the flag.
pub(super) fn stop() -> Result<Arc<AtomicBool>, Failure> {
    let stop = Arc::new(AtomicBool::new(false));
    let raised = Arc::clone(&stop);
    ctrlc::set_handler(move || match again(&raised) {
        Some(code) => std::process::exit(code),
        None => {
            output::say("interrupted: what was found follows; another Ctrl-C ends this at once")
        }
    })
    .map_err(|error| Failure::new(format!("cannot listen for Ctrl-C: {error}")))?;
    Ok(stop)
}

/// Raises the flag; if it was raised before, the exit code with which the program ends.
fn again(raised: &AtomicBool) -> Option<i32> {
    raised.swap(true, Ordering::Relaxed).then_some(INTERRUPTED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_interrupt_ends_the_work_and_the_second_the_program() {
        let raised = AtomicBool::new(false);
        assert_eq!((again(&raised), raised.load(Ordering::Relaxed)), (None, true));
        assert_eq!(again(&raised), Some(130));
    }
}
