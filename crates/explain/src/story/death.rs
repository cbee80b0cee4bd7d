//! How a process died: by a crash, or killed after it was asked to stop.
//!
//! > **The rule.** A kill comes after the request to stop and after what kept the process, and is
//! > told after them. What a crash came before or after stands in its clause; a kill has no such
//! > place.

use entrega_model::ProcessId;

use super::chronicle::Chronicle;
use super::course::Course;
use super::faults;
use crate::injected::Injected;

/// The death of a process.
pub(super) struct Death {
    /// The fault behind it, if one is.
    pub(super) fault: Option<Injected>,
    /// As a main clause: `mailer 1 crashes after the effect of m2`, `mailer 1 is not gone in time
    /// and is killed`.
    pub(super) clause: String,
}

impl Death {
    /// The death at a place.
    pub(super) fn at(chronicle: &Chronicle<'_>, place: usize) -> Self {
        let run = chronicle.run;
        let fault = Injected::behind_crash(run.events, &run.faults, place);
        let crash = fault.filter(|fault| !fault.is_shutdown());
        let plain = || chronicle.words(place).clause().to_owned();
        let clause = crash.map_or_else(plain, |fault| fault.clause(chronicle));
        Self { fault, clause }
    }

    /// The request to stop, if it is a kill.
    pub(super) fn request(&self) -> Option<Injected> {
        self.fault.filter(Injected::is_shutdown)
    }

    /// Whether its clause says before or after what it happens.
    pub(super) fn has_moment(&self) -> bool {
        self.fault.is_some_and(|fault| fault.is_crash())
    }

    /// What comes before `before m2 is settled`: a clause that says when it happens takes an `and`.
    pub(super) fn and(&self) -> &'static str {
        if self.has_moment() { " and" } else { "" }
    }

    /// Its clause with something behind it.
    pub(super) fn course(&self, end: &str) -> Course {
        let text = format!("{}{end}", self.clause);
        match self.fault.filter(|_| self.request().is_none()) {
            Some(fault) => Course::of_fault(fault.at, text),
            None => Course::of(text),
        }
    }

    /// The whole of it, where nothing else is told of the process.
    pub(super) fn told(&self, chronicle: &Chronicle<'_>) -> Course {
        let asked = self.request().map(|one| Course::of_fault(one.at, one.brief(chronicle)));
        asked.unwrap_or_default().then_of(self.course(""))
    }

    /// The faults between two places that concern the message; before a kill also the request to
    /// stop, and what kept the process.
    pub(super) fn before(
        &self,
        chronicle: &Chronicle<'_>,
        process: ProcessId,
        (from, until): (usize, usize),
    ) -> Course {
        let Some(request) = self.request() else {
            return faults::clauses(
                chronicle,
                &faults::concerning(chronicle, process, from, until),
            );
        };
        let mut told = faults::concerning_or_delaying(chronicle, process, from, until);
        told.push(request);
        told.sort_by_key(|fault| fault.at);
        let told = told.iter().fold(Course::default(), |course, fault| {
            let is_request = fault.at == request.at;
            let text = if is_request { fault.brief(chronicle) } else { fault.clause(chronicle) };
            course.then_fault(fault.at, text)
        });
        told.each_once()
    }
}
