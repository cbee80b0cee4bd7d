//! One run that an exploration is to make.

use std::sync::Arc;

use entrega_choice::{Choice, Point};

use super::space::Used;

/// One list of choices to run.
#[derive(Clone, Debug)]
pub struct Task {
    /// The choices, in the order in which the run makes them.
    pub choices: Vec<Choice>,
    pub(super) used: Used,
    pub(super) counts: bool,
    /// Where it may go another way than its list says.
    pub(super) open: Arc<[Point]>,
}
