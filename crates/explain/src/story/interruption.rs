//! Why a message was delivered once more although a process already held it.

use entrega_model::Kind;

use super::chronicle::{Asked, Chronicle, Delivered};
use super::course::Course;
use super::death::Death;
use super::expiry;
use super::faults;
use super::leaving::{self, Rebalance};
use super::loss;
use super::redrive;
use super::retry;
use crate::injected::Injected;
use crate::lease;
use crate::possessions::{End, Ending};
use crate::run::{first, last};

/// A holder of a message, and the delivery that took its place.
pub(super) struct Interruption<'a> {
    holder: Delivered<'a>,
    successor: Delivered<'a>,
    /// Where the part of the possession begins that the clause is about.
    since: usize,
    /// Where the holder's work on the message took effect, if it did.
    done: Option<usize>,
    /// Whether the story tells the failures of its handler when it gives the message up.
    gives_up: bool,
}

/// What took the message from its holder.
struct Taking {
    end: End,
    told: Course,
}

/// Whether `one` held the message before `other` did. A consumer may have had it in its buffer,
/// lost it there, and delivered it to its application only later: a queue numbers its deliveries
/// when they leave it, and a timeout is recorded.
pub(super) fn held_it_first(one: &Delivered<'_>, other: &Delivered<'_>) -> bool {
    let (number, other_number) = (one.possession.attempt, other.possession.attempt);
    if number != other_number {
        return number < other_number;
    }
    let lost_it_before = |holder: &Delivered<'_>, successor: &Delivered<'_>| {
        let mut ends = holder.possession.ends.iter();
        holder.consumer != successor.consumer
            && ends.any(|end| end.how.is_by_timeout() && end.place.event < successor.at)
    };
    if one.at < other.at { !lost_it_before(other, one) } else { lost_it_before(one, other) }
}

/// Whether a queue took the message back before a place, and nothing else did.
fn is_requeued_before(end: &End, until: usize) -> bool {
    end.how == Ending::Requeued && end.place.event < until
}

impl<'a> Interruption<'a> {
    /// The interruption of a holder. `done` is where its work on the message took effect.
    pub(super) fn of(
        holder: &Delivered<'a>,
        successor: &Delivered<'a>,
        done: Option<usize>,
    ) -> Self {
        let (since, gives_up) = (holder.at, false);
        Self { holder: *holder, successor: *successor, since, done, gives_up }
    }

    /// The same of a holder that gives the message up in the end.
    pub(super) fn of_given_up(self) -> Self {
        Self { gives_up: true, ..self }
    }

    /// The interruption of a holder that has dead-lettered the message before, at a place.
    pub(super) fn after(letter: usize, holder: &Delivered<'a>, successor: &Delivered<'a>) -> Self {
        let (since, done) = (letter, Some(letter));
        Self { holder: *holder, successor: *successor, since, done, gives_up: true }
    }

    /// What ends the possession from a place on and before the successor has the message. A
    /// timeout may have ended it before, in the buffer; what befalls the holder later takes nothing
    /// from it.
    pub(super) fn taken(&self, from: usize) -> Option<End> {
        let within = |end: &End| (from..self.successor.at).contains(&end.place.event);
        let before = |end: &End| end.how.is_by_timeout() && end.place.event < self.since;
        let ends = || self.holder.possession.ends.iter();
        let mut taking = ends().filter(|end| end.how.takes_away());
        let taken = taking.find(|end| before(end) || within(end));
        taken.or_else(|| ends().find(|end| is_requeued_before(end, self.successor.at))).copied()
    }

    /// The faults that concern the message, and what took it away.
    pub(super) fn course(&self, chronicle: &Chronicle<'_>) -> Course {
        let holder = self.holder.consumer;
        let redrives = chronicle.redrives().into_iter();
        let mut between = redrives.filter(|at| (self.holder.at..self.successor.at).contains(at));
        if let Some(back) = between.next() {
            return redrive::moved_back_from(chronicle, back);
        }
        if let Some(rewind) = rewind(chronicle, self.since, self.successor.at) {
            return self.undone(chronicle, rewind);
        }
        if let Some(reset) = expiry::reset_over(chronicle, self.since, self.successor.at) {
            return expired(chronicle, reset);
        }
        let stored = chronicle.first_stored();
        let overlaps = self.since > self.successor.at;
        let taken = self.taken(if overlaps { stored } else { self.since });
        let in_buffer = taken.is_some_and(|end| end.place.event < self.since);
        let from = if overlaps || in_buffer { stored } else { self.since };
        let until = taken.map_or(self.successor.at, |end| end.place.event);
        let by_clock = taken.is_some_and(|end| end.how.is_by_clock());
        let (faults, mut told) = if by_clock {
            let mut faults = faults::concerning_or_delaying(chronicle, holder, from, until);
            let end = taken.map(|end| end.place.event);
            let late = end.and_then(|at| lease::late_answer(chronicle.run, at));
            if let Some(late) = late.filter(|late| !faults.iter().any(|one| one.at == late.at)) {
                faults.insert(0, late);
            }
            let faults = self.without_failures(faults);
            let told = faults::brief_clauses(chronicle, &faults);
            (faults, told)
        } else {
            let faults = faults::concerning(chronicle, holder, from, until);
            let faults = self.without_failures(faults);
            let death = taken.filter(|end| end.how == Ending::Crashed);
            let death = death.map(|end| Death::at(chronicle, end.place.event));
            let told = match death {
                Some(death) => death.before(chronicle, holder, (from, until)),
                None => faults::clauses_until(chronicle, &faults, until),
            };
            (faults, told)
        };
        if let Some(end) = taken {
            let began = if end.how.is_of_a_group() { self.earliest(chronicle) } else { from };
            let restart = self.restart(chronicle, began, until);
            let restart = restart.filter(|_| end.how != Ending::LeaseExpired);
            if let Some(at) = restart {
                let restarts = Course::of_fault(at, chronicle.words(at).prose);
                told = told.with_before_later(at, restarts);
            }
            let taking = self.taking(chronicle, end, !faults.is_empty());
            return self.with_taking(chronicle, Taking { end, told: taking }, told);
        }
        if let Some(at) = retry::copied(chronicle, self.since, until) {
            return told.then_of(retry::clause(chronicle, at));
        }
        let restart = self.restart(chronicle, self.earliest(chronicle), until);
        if let Some(at) = restart {
            let forgets = Course::of_fault(at, self.forgotten(chronicle, at));
            told = told.with_before_later(at, forgets);
        }
        if told.is_empty() {
            let (who, m) = (chronicle.name(holder), chronicle.message());
            return Course::of(format!("no event says what takes {m} from {who}"));
        }
        told
    }

    /// The faults without those that made the handler fail, if the dead letter that came of it is
    /// told.
    fn without_failures(&self, mut faults: Vec<Injected>) -> Vec<Injected> {
        faults.retain(|fault| !self.gives_up || !fault.fails_handler());
        faults
    }

    /// What a commit that goes back undoes, in the order of time: the faults that concern the
    /// message, the death of its holder, the commit, and who lost it then.
    fn undone(&self, chronicle: &Chronicle<'_>, rewind: usize) -> Course {
        let (holder, m) = (self.holder.consumer, chronicle.message());
        let mut told: Vec<(usize, Course)> = Vec::new();
        let by = chronicle.kind(rewind).process().unwrap_or(holder);
        let crash = chronicle.crash_of(holder, self.since).filter(|at| *at < self.successor.at);
        let death = crash.map(|at| (at, Death::at(chronicle, at)));
        let deadly = death.as_ref().and_then(|(_, death)| death.fault).map(|fault| fault.at);
        for fault in faults::behind_a_rewind(chronicle, (holder, self.since), (by, rewind)) {
            if Some(fault.at) != deadly {
                told.push((fault.at, Course::of_fault(fault.at, fault.clause(chronicle))));
            }
        }
        if let Some((at, death)) = death {
            let asked = death.request();
            told.extend(asked.map(|one| (one.at, Course::of_fault(one.at, one.brief(chronicle)))));
            told.push((at, death.course("")));
        }
        let by = chronicle.name(by);
        let back = format!("a commit of {by} takes the offset back over {m}");
        told.push((rewind, Course::of(back)));
        if let Some(end) = self.taken(rewind).filter(|_| crash.is_none()) {
            told.push((end.place.event, self.taking(chronicle, end, true)));
        }
        told.sort_by_key(|(at, _)| *at);
        told.into_iter().fold(Course::default(), |course, (_, next)| course.then_of(next))
    }

    /// The clauses of the faults that concern the message, and what took it away. If that was the
    /// clock or the group, the fault behind it may be that of another process.
    fn with_taking(
        &self,
        chronicle: &Chronicle<'_>,
        Taking { end, told: taking }: Taking,
        told: Course,
    ) -> Course {
        let (holder, at) = (self.holder.consumer, end.place.event);
        let mut told = told.without_beginning_of(&taking);
        let moved = end.how.moves_the_partition();
        let rebalance = moved.then(|| leaving::rebalance(chronicle, holder, at)).flatten();
        if let Some(Rebalance { at, fault, then }) = rebalance {
            let told = told.with_before_later(at, fault);
            return told.part_of(taking.introduced(&then));
        }
        let sought = end.how == Ending::SoughtBack;
        if told.is_empty() && (moved || sought || end.how.is_by_clock()) {
            let stored = chronicle.first_stored();
            let behind = if moved {
                faults::behind_the_clock(chronicle, None, stored, at)
            } else if sought {
                faults::behind_the_clock(chronicle, chronicle.kind(at).process(), stored, at)
            } else {
                let from = if at < self.since { stored } else { self.since };
                faults::behind_the_clock(chronicle, Some(holder), from, at)
            };
            told = faults::clauses(chronicle, &behind);
            let is_lease = end.how == Ending::LeaseExpired;
            let is_told = told.is_empty() || at < self.holder.at;
            if let Some(what) = self.in_what(chronicle, at).filter(|_| is_lease && is_told) {
                return told.then_at(at, what);
            }
        }
        told.then_of(taking)
    }

    /// What the holder did with the message when its lease ended although no fault held it up: it
    /// had it in its buffer, worked on it, or was done with it and had not asked to settle it.
    fn in_what(&self, chronicle: &Chronicle<'_>, at: usize) -> Option<String> {
        let holder = self.holder.consumer;
        let (who, m) = (chronicle.name(holder), chronicle.message());
        let since = self.since_fetch(chronicle, at).unwrap_or_default();
        let cast = chronicle.run.cast;
        let expires = || format!("its {} expires", cast.deadline());
        let ends = if cast.claims() { "it is claimed".to_owned() } else { expires() };
        if at < self.holder.at {
            return Some(format!("{m} waits in the buffer of {who} until {ends}{since}"));
        }
        let of_it = chronicle.run.of_message(chronicle.id);
        let work = last(of_it, at, |at| match *chronicle.kind(at) {
            Kind::ProcessingStarted { consumer, .. } | Kind::ProcessingEnded { consumer, .. } => {
                consumer == holder
            }
            _ => false,
        })?;
        if matches!(chronicle.kind(work), Kind::ProcessingStarted { .. }) {
            let events = chronicle.run.events;
            let worked = events[at].at.since(events[work].at);
            let work = if worked.is_zero() {
                format!("{who} has only just begun to work on {m}")
            } else {
                format!("{who} has worked on {m} for {worked}")
            };
            return Some(format!("{work} when {ends}{since}"));
        }
        (chronicle.settle_of(holder, self.since, at) == Asked::Not)
            .then(|| format!("{who} has not settled {m} when {ends}{since}"))
    }

    /// From when the lease ran that expires at a place, if that is not when the application was
    /// handed the message.
    fn since_fetch(&self, chronicle: &Chronicle<'_>, expired: usize) -> Option<String> {
        let fetched = lease::fetched(chronicle.run, expired)?;
        let m = chronicle.message();
        let handed = if expired < self.holder.at {
            String::new()
        } else {
            let handed = chronicle.run.events[self.holder.at].at;
            format!(", and not since it was handed out, at {handed}")
        };
        Some(format!(" (it has run since {m} was fetched, at {fetched}{handed})"))
    }

    /// The earliest place at which the holder can have had the message in its buffer. On a log it
    /// has none before it is assigned the partition.
    fn earliest(&self, chronicle: &Chronicle<'_>) -> usize {
        let holder = self.holder.consumer;
        let of = self.holder.possession.delivery.map(|one| one.partition);
        let assigned = last(chronicle.run.of_process(holder), self.since, |at| {
            matches!(*chronicle.kind(at), Kind::Assigned { consumer, partition, .. }
                if consumer == holder && Some(partition) == of)
        });
        assigned.unwrap_or_else(|| chronicle.first_stored())
    }

    /// Where the broker first restarted between two places. A queue forgets then who has what, the
    /// leases too, so a lease that ends later began later.
    fn restart(&self, chronicle: &Chronicle<'_>, from: usize, until: usize) -> Option<usize> {
        chronicle.restart(from).filter(|at| *at < until)
    }

    fn forgotten(&self, chronicle: &Chronicle<'_>, restart: usize) -> String {
        let (who, m) = (chronicle.name(self.holder.consumer), chronicle.message());
        let restarts = chronicle.words(restart).prose;
        let of_message = chronicle.run.of_message(chronicle.id);
        let is_settle = |at| matches!(chronicle.kind(at), Kind::SettleForgotten { .. });
        if first(of_message, restart, is_settle).is_some() {
            return format!("{restarts} and forgets that {who} has settled {m}");
        }
        format!("{restarts} and forgets that {who} has {m}")
    }

    /// What took the message away, as a clause.
    fn taking(&self, chronicle: &Chronicle<'_>, end: End, explained: bool) -> Course {
        let (who, m) = (chronicle.name(self.holder.consumer), chronicle.message());
        let at = end.place.event;
        let clause = match end.how {
            Ending::Revoked | Ending::PartitionLost => format!("{who} loses the partition of {m}"),
            Ending::NotRejoined => format!(
                "{who} has not rejoined its group within rebalance_timeout and loses the partition \
                 of {m}"
            ),
            Ending::SoughtBack => {
                let by = chronicle.kind(at).process().unwrap_or(self.holder.consumer);
                format!("{} seeks back over {m}", chronicle.name(by))
            }
            Ending::Exited => {
                let leaves = chronicle.words(at).clause().to_owned();
                let reason = leaving::reason(chronicle, at).unwrap_or_default();
                return reason.and(format!("{leaves} without settling {m}"));
            }
            Ending::BrokerRestarted => {
                return Course::of_fault(at, self.forgotten(chronicle, at));
            }
            Ending::Crashed => return self.crash(chronicle, at, explained),
            Ending::Requeued => return self.requeued(chronicle, at),
            Ending::LeaseExpired => {
                let since = self.since_fetch(chronicle, at).unwrap_or_default();
                format!("{}{since}", chronicle.words(at).clause())
            }
            Ending::SessionExpired
            | Ending::MaxPollExceeded
            | Ending::GivenBack
            | Ending::Settled => chronicle.words(at).clause().to_owned(),
        };
        Course::default().then_at(at, clause)
    }

    /// `mailer 1 loses its connection before the effect of m2 and m3 goes back to its queue`: also
    /// with the lease of another message, if that takes everything from its consumer.
    fn requeued(&self, chronicle: &Chronicle<'_>, at: usize) -> Course {
        let (holder, events) = (self.holder.consumer, chronicle.run.events);
        let is_now = |place: usize| events[place].at == events[at].at;
        let back = format!("{} goes back to its queue", chronicle.message());
        let mut faults = chronicle.run.faults_between(0, at).iter().rev();
        let broke = faults.find(|one| one.process == holder && one.breaks_a_connection());
        if let Some(broke) = broke.filter(|one| is_now(one.at)) {
            let breaks = Course::of_fault(broke.at, broke.clause(chronicle));
            return breaks.then_at(at, back);
        }
        let lease = last(
            chronicle.run.turns(),
            at,
            |one| matches!(*chronicle.kind(one), Kind::LeaseExpired { consumer, .. } if consumer == holder),
        );
        let lease = lease.filter(|place| is_now(*place));
        let ends = lease.map(|place| {
            Course::default().then_at(place, chronicle.words(place).clause().to_owned())
        });
        ends.unwrap_or_default().then_at(at, back)
    }

    /// `mailer 1 crashes after the effect of m2 and before settling it`.
    fn crash(&self, chronicle: &Chronicle<'_>, at: usize, explained: bool) -> Course {
        let m = chronicle.message();
        let death = Death::at(chronicle, at);
        let m_is_hit = death.fault.is_some_and(|one| one.message == Some(chronicle.id));
        let and = death.and();
        let Some(done) = self.done else {
            let holds = if m_is_hit { String::new() } else { format!(" while it holds {m}") };
            return death.course(&holds);
        };
        if done > at {
            return death.course(&format!(" with its request for the effect of {m} on its way"));
        }
        if explained {
            return death.course("");
        }
        match chronicle.settle_of(self.holder.consumer, self.since, at) {
            Asked::Not => {}
            Asked::InVain => {
                return death.course(&format!(" while its settle of {m} is on its way"));
            }
            Asked::WithAnswer => return death.course(""),
        }
        let fate = match chronicle.kind(done) {
            Kind::DeadLettered { .. } => "is dead-lettered",
            _ => "has taken effect",
        };
        let settles = chronicle.application_settles();
        let before = if m_is_hit {
            let settle = if settles { "settling it" } else { "it is settled" };
            settle.to_owned()
        } else if settles {
            format!("settling {m}, which {fate}")
        } else {
            format!("{m}, which {fate}, is settled")
        };
        death.course(&format!("{and} before {before}"))
    }
}

/// A commit that expired, and where the group began then: who died, so that nobody was a member,
/// the commit, and the reset. Or what the commit pointed at was lost, and by which failures.
fn expired(chronicle: &Chronicle<'_>, reset: usize) -> Course {
    if expiry::is_cut_off(chronicle, reset) {
        let back = format!("its reset (auto_offset_reset) goes back over {}", chronicle.message());
        let failures = loss::failures(chronicle, reset);
        return failures.then(expiry::clause(chronicle, reset)).and(back);
    }
    let death = expiry::last_death(chronicle, reset).map(|at| Death::at(chronicle, at));
    let died = death.map(|death| death.course("")).unwrap_or_default();
    let back = format!("its reset (auto_offset_reset) goes back over {}", chronicle.message());
    died.then(expiry::clause(chronicle, reset)).and(back)
}

/// Where a commit went back over the message between two places.
fn rewind(chronicle: &Chronicle<'_>, from: usize, until: usize) -> Option<usize> {
    let (partition, position) = chronicle.run.possessions.position(chronicle.id)?;
    let events = chronicle.run.events.get(from..until)?.iter();
    let back = events.map(|event| event.kind).rposition(|kind| {
        matches!(kind, Kind::Committed { subscription, partition: of, upto, previous, .. }
            if subscription == chronicle.subscription
                && of == partition
                && (upto..previous).contains(&position))
    })?;
    Some(from + back)
}

impl Ending {
    /// Whether the message may come to another holder with it. What is requeued has lost its holder
    /// before.
    const fn takes_away(self) -> bool {
        match self {
            Self::Settled | Self::Requeued => false,
            Self::GivenBack
            | Self::LeaseExpired
            | Self::SessionExpired
            | Self::MaxPollExceeded
            | Self::NotRejoined
            | Self::Revoked
            | Self::PartitionLost
            | Self::SoughtBack
            | Self::Crashed
            | Self::Exited
            | Self::BrokerRestarted => true,
        }
    }

    /// Whether the holder ran out of time.
    const fn is_by_timeout(self) -> bool {
        matches!(
            self,
            Self::LeaseExpired | Self::SessionExpired | Self::MaxPollExceeded | Self::NotRejoined
        )
    }

    /// Whether a fault that held the holder up explains it.
    const fn is_by_clock(self) -> bool {
        self.is_by_timeout() || matches!(self, Self::Revoked)
    }

    /// Whether it is about the group of a log, which has to form anew when the broker restarts.
    const fn is_of_a_group(self) -> bool {
        self.moves_the_partition()
            || matches!(self, Self::SessionExpired | Self::MaxPollExceeded | Self::SoughtBack)
    }

    /// Whether the partition went to another owner.
    const fn moves_the_partition(self) -> bool {
        matches!(self, Self::NotRejoined | Self::Revoked | Self::PartitionLost)
    }
}
