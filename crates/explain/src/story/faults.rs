//! Which faults concern a message, as clauses.

use entrega_model::{Kind, ProcessId};
use entrega_scenario::points::{Call, Leg};

use super::chronicle::Chronicle;
use super::course::Course;
use super::delays;
use crate::injected::Injected;
use crate::run::last;
use crate::words::{Language, Scene};

/// More faults than this say nothing in a sentence.
pub(super) const MANY: usize = 3;

impl Injected {
    /// What happened, as a main clause: `the request to settle m2 is lost`, `mailer 1 stalls before
    /// the effect of m2 until its session has ended`.
    pub(super) fn clause(&self, chronicle: &Chronicle<'_>) -> String {
        self.words(chronicle, delays::until(self, chronicle).as_deref())
    }

    /// The same without the end of a delay, because what follows tells it.
    pub(super) fn brief(&self, chronicle: &Chronicle<'_>) -> String {
        self.words(chronicle, None)
    }

    fn words(&self, chronicle: &Chronicle<'_>, until: Option<&str>) -> String {
        let also = self.befalls(Call::Settle) && self.message != Some(chronicle.id);
        let also = also.then_some(chronicle.id).filter(|_| self.concerns(chronicle));
        let scene = Scene { also, ..chronicle.run.scene(self.at, Some(chronicle.subscription)) };
        Language::default().fault(&scene, self, until)
    }

    /// Whether it concerns the message of the chronicle: it befell it, or a settle that covers it.
    fn concerns(&self, chronicle: &Chronicle<'_>) -> bool {
        if self.message == Some(chronicle.id) {
            return true;
        }
        let Some(leg) = self.leg(Call::Settle) else { return false };
        let events = chronicle.run.events;
        let asked = last(chronicle.run.of_message(chronicle.id), self.at, |at| {
            matches!(events[at].kind, Kind::SettleInvoked { consumer, .. }
                if consumer == self.process)
        });
        asked.is_some_and(|asked| leg == Leg::Response || events[asked].at == events[self.at].at)
    }
}

/// The faults of `process` between two places that concern the message and do not make it crash
/// until then.
pub(super) fn concerning(
    chronicle: &Chronicle<'_>,
    process: ProcessId,
    from: usize,
    until: usize,
) -> Vec<Injected> {
    let mut faults = of_process(chronicle, process, from, until);
    faults.retain(|fault| fault.concerns(chronicle));
    faults
}

/// The faults of the holder from a place on that concern the message, and of the committer the last
/// one that befell a request to settle, before a commit of it goes back.
pub(super) fn behind_a_rewind(
    chronicle: &Chronicle<'_>,
    (holder, since): (ProcessId, usize),
    (by, rewind): (ProcessId, usize),
) -> Vec<Injected> {
    let mut faults = concerning(chronicle, holder, since, rewind);
    let mut before = chronicle.run.faults_between(0, rewind).iter();
    let settle =
        before.rfind(|one| one.process == by && one.leg(Call::Settle) == Some(Leg::Request));
    faults.extend(settle.filter(|one| !faults.iter().any(|known| known.at == one.at)));
    faults.sort_by_key(|fault| fault.at);
    faults
}

/// The same, and the last faults that held the process up at another message.
pub(super) fn concerning_or_delaying(
    chronicle: &Chronicle<'_>,
    process: ProcessId,
    from: usize,
    until: usize,
) -> Vec<Injected> {
    let mut faults = of_process(chronicle, process, from, until);
    let mut elsewhere = 0;
    faults.reverse();
    faults.retain(|fault| {
        if fault.concerns(chronicle) || fault.is_crash() {
            return true;
        }
        elsewhere += usize::from(fault.is_hold_up());
        fault.is_hold_up() && elsewhere <= MANY
    });
    faults.reverse();
    faults
}

/// The faults between two places of the one that took over: those that concern the message, and
/// that it came back before a delay was over.
pub(super) fn of_successor(
    chronicle: &Chronicle<'_>,
    process: ProcessId,
    from: usize,
    until: usize,
) -> Vec<Injected> {
    between(chronicle, from, until, |one| {
        one.process == process && (one.concerns(chronicle) || one.is_return_before_a_delay())
    })
}

/// The faults of a process between two places that do not make it crash until then.
fn of_process(
    chronicle: &Chronicle<'_>,
    process: ProcessId,
    from: usize,
    until: usize,
) -> Vec<Injected> {
    between(chronicle, from, until, |fault| {
        fault.process == process && (!fault.is_crash() || delays::outlasts(fault, chronicle, until))
    })
}

/// The faults between two places that are such.
fn between(
    chronicle: &Chronicle<'_>,
    from: usize,
    until: usize,
    is: impl Fn(&Injected) -> bool,
) -> Vec<Injected> {
    let faults = chronicle.run.faults_between(from, until).iter();
    faults.filter(|one| is(one)).copied().collect()
}

/// The faults of producers before a place that concern the message.
pub(super) fn while_sending(chronicle: &Chronicle<'_>, until: usize) -> Vec<Injected> {
    let cast = chronicle.run.cast;
    between(chronicle, 0, until, |one| cast.is_producer(one.process) && one.concerns(chronicle))
}

/// What kept the message from being delivered before a place: the last fault of its subscription
/// since it was stored that befell a request for messages or its answer, or the shutdown of a
/// consumer; else a request that was doubled or late before, and then waited at the broker.
pub(super) fn before_delivery(chronicle: &Chronicle<'_>, until: usize) -> Option<Injected> {
    let stored = chronicle.stored().first().copied()?;
    let is_own =
        |fault: &Injected| chronicle.subscription_of(fault.process) == Some(chronicle.subscription);
    let withholds =
        |fault: &&Injected| is_own(fault) && (fault.befalls(Call::Receive) || fault.is_shutdown());
    let waits = |fault: &&Injected| {
        is_own(fault) && (fault.doubles(Call::Receive) || fault.is_late_request(Call::Receive))
    };
    let since = chronicle.run.faults_between(stored, until).iter();
    let before = chronicle.run.faults_between(0, stored).iter();
    since.rev().find(withholds).or_else(|| before.rev().find(waits)).copied()
}

/// What led a process to settle a message at a place before its effect: what befell the message,
/// held the process up, made its poll wait or its group rebalance. None if that is too much.
pub(super) fn before_settle(
    chronicle: &Chronicle<'_>,
    process: ProcessId,
    settled: usize,
) -> Vec<Injected> {
    let mut faults = chronicle.run.faults_between(0, settled).to_vec();
    faults.retain(|one| {
        let leads = one.concerns(chronicle) || one.is_hold_up() || one.is_late_end();
        let of = chronicle.subscription_of(one.process);
        (one.process == process && leads && !one.is_crash())
            || (one.is_rebalance() && of == Some(chronicle.subscription))
    });
    if faults.len() > MANY { Vec::new() } else { faults }
}

/// The faults between two places that can make a group rebalance, or that keep a consumer from
/// settling what it holds, for a story that nothing nearer explains. None if they are too many:
/// then most have nothing to do with it.
pub(super) fn behind_the_clock(
    chronicle: &Chronicle<'_>,
    holder: Option<ProcessId>,
    from: usize,
    until: usize,
) -> Vec<Injected> {
    let mut faults = chronicle.run.faults_between(from, until).to_vec();
    faults.retain(|one| {
        let concerns = match holder {
            Some(holder) => one.process == holder && !one.is_crash(),
            None => {
                let whose = chronicle.subscription_of(one.process);
                whose == Some(chronicle.subscription) && one.shakes_the_group()
            }
        };
        concerns && !one.is_overtaking()
    });
    if faults.len() > MANY { Vec::new() } else { faults }
}

/// The clauses of faults, each once.
pub(super) fn clauses(chronicle: &Chronicle<'_>, faults: &[Injected]) -> Course {
    let told =
        |course: Course, fault: &Injected| course.then_fault(fault.at, fault.clause(chronicle));
    faults.iter().fold(Course::default(), told).each_once()
}

/// The same, of what comes about by a place: what holds a process up for longer has not ended then.
pub(super) fn clauses_until(
    chronicle: &Chronicle<'_>,
    faults: &[Injected],
    until: usize,
) -> Course {
    let goes_on = |fault: &Injected| {
        (fault.is_hold_up() || fault.is_crash()) && delays::outlasts(fault, chronicle, until)
    };
    let told = |course: Course, fault: &Injected| {
        let text = if goes_on(fault) { fault.brief(chronicle) } else { fault.clause(chronicle) };
        course.then_fault(fault.at, text)
    };
    faults.iter().fold(Course::default(), told).each_once()
}

/// The same without the ends of delays, which the clause that follows tells.
pub(super) fn brief_clauses(chronicle: &Chronicle<'_>, faults: &[Injected]) -> Course {
    let told =
        |course: Course, fault: &Injected| course.then_fault(fault.at, fault.brief(chronicle));
    faults.iter().fold(Course::default(), told).each_once()
}
