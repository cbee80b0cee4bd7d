//! The judge of the runs of an exploration.

use entrega_model::Observer;
use entrega_model::fingerprint::Fingerprint;

use crate::outcome::RunEnd;

/// Judges runs for an exploration: it sees every event, and reports at the end what it has found.
pub trait Witness: Observer {
    /// Something that a run can show, such as a lost message and its cause.
    type Finding: Ord + Clone;

    /// A new run begins.
    fn begin(&mut self);

    /// Everything of what was seen that a later finding can depend on.
    fn fingerprint(&self, into: &mut Fingerprint<'_>);

    /// What the run has shown, without repetition. Not asked for a run that was cut.
    fn findings(&mut self, end: RunEnd) -> Vec<Self::Finding>;
}
