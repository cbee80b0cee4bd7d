//! A witness that sees effects and nothing else, and so leaves the recognising of states to the
//! fingerprint of the world.

use entrega_model::fingerprint::Fingerprint;
use entrega_model::{Event, Kind, MessageId, Observer};
use entrega_sim::RunEnd;
use entrega_sim::explore::Witness;

/// The effects of a run, in their order, so that every order is a finding of its own.
#[derive(Default)]
pub(crate) struct Effects {
    pub(crate) order: Vec<MessageId>,
    /// It keeps its state out of the fingerprint: known bad.
    pub(crate) hides: bool,
}

impl Observer for Effects {
    fn observe(&mut self, events: &[Event]) {
        self.order.extend(events.iter().filter_map(|event| match event.kind {
            Kind::Effect { message, .. } => Some(message),
            _ => None,
        }));
    }
}

impl Witness for Effects {
    type Finding = (Vec<MessageId>, bool);

    fn begin(&mut self) {
        self.order.clear();
    }

    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        if !self.hides {
            into.count(self.order.len());
            self.order.iter().for_each(|message| into.word(message.0.into()));
        }
    }

    fn findings(&mut self, end: RunEnd) -> Vec<Self::Finding> {
        vec![(self.order.clone(), end == RunEnd::Quiescent)]
    }
}
