//! The witness of an exploration of your own consumer: it judges each run and keeps its events.

use entrega_checker::{Class, Finding};
use entrega_model::fingerprint::Fingerprint;
use entrega_model::{Event, Observer};
use entrega_sim::explore::Witness;
use entrega_sim::{Experiment, RunEnd};

use super::unrest;
use crate::exploration::Judge;

/// A judge that keeps the events of the run that it judges.
pub(super) struct Recorder {
    judge: Judge,
    /// All events of the last run.
    pub(super) events: Vec<Event>,
    /// How many messages it has left open, if it never came to rest.
    pub(super) open: Option<u64>,
}

impl Recorder {
    pub(super) fn new(experiment: &Experiment<'_>) -> Self {
        Self { judge: Judge::new(experiment), events: Vec::new(), open: None }
    }
}

impl Observer for Recorder {
    fn observe(&mut self, events: &[Event]) {
        self.events.extend_from_slice(events);
        self.judge.observe(events);
    }
}

impl Witness for Recorder {
    type Finding = Finding;

    fn begin(&mut self) {
        self.events.clear();
        self.open = None;
        self.judge.begin();
    }

    fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        self.judge.fingerprint(into);
    }

    fn findings(&mut self, end: RunEnd) -> Vec<Finding> {
        if !end.is_at_a_limit() {
            return self.judge.findings(end);
        }
        let report = unrest::judge(self.judge.checker(), &self.events);
        let pending = |of: &entrega_checker::SubscriptionReport| of.classes.get(Class::Pending);
        self.open = Some(report.subscriptions.iter().map(pending).sum());
        unrest::shown(&report, end)
    }
}
