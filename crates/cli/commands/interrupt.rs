//! Ctrl-C, for the commands that take long: `compare`, `explore`, `live` and `table`.
//!
//! > **The rule.** They behave alike. The first Ctrl-C ends the work: the command prints what it
//! > has found so far and leaves with exit code 1. The second ends the program at once, with
//! > nothing printed and exit code 130. All other commands end at the first, as any program does;
//! > `run` with a history does so by itself. A file that was being written keeps its old content.

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
        Some(code) => leave(code),
        None => {
            output::say("interrupted: what was found follows; another Ctrl-C ends this at once")
        }
    })
    .map_err(deaf)?;
    Ok(stop)
}

/// Listens for Ctrl-C; the first ends the program.
pub(super) fn leave_at_first() -> Result<(), Failure> {
    ctrlc::set_handler(|| leave(INTERRUPTED)).map_err(deaf)
}

/// Ends the program. Files that were being written keep their old content.
fn leave(code: i32) {
    let _nothing_more_is_written = output::abandon();
    std::process::exit(code)
}

fn deaf(error: ctrlc::Error) -> Failure {
    Failure::new(format!("cannot listen for Ctrl-C: {error}"))
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
