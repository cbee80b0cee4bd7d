//! From a run that shows something to the simplest one that does.

use entrega_choice::Choice;
use entrega_sim::Experiment;

use crate::exploration::{Finding, findings};
use crate::judge::{explicit, judge};

/// Whether a run with these choices shows something, and makes all of them.
pub fn shows(experiment: &Experiment<'_>, choices: &[Choice], finding: Finding) -> bool {
    let judged = judge(experiment, explicit(experiment, choices), &mut ());
    let unused = !judged.outcome.choices.unused().is_empty();
    let mut subscriptions = judged.report.subscriptions.iter();
    !unused && subscriptions.any(|of| findings(of, judged.report.end).contains_key(&finding))
}
