//! What is noted of a run while it goes on: its digest and when its phases began.

use entrega_model::event::Phase;
use entrega_model::{Event, Kind, Observer};
use entrega_sim::digest::Digest;
use serde::Serialize;

/// The notes of one run.
#[derive(Default)]
pub(super) struct Notes {
    pub(super) digest: Digest,
    pub(super) phases: Vec<PhaseNote>,
}

/// When a phase began.
#[derive(Serialize)]
pub(super) struct PhaseNote {
    pub(super) phase: Phase,
    pub(super) at_ns: u64,
}

impl Observer for Notes {
    fn observe(&mut self, events: &[Event]) {
        self.digest.observe(events);
        for event in events {
            if let Kind::Entered { phase } = event.kind {
                self.phases.push(PhaseNote { phase, at_ns: event.at.as_nanos() });
            }
        }
    }
}
