//! Crashes by time: every consumer of a subscription with an `mtbf` dies at instants of its own.
//!
//! The instants are not among what is due: they never end, and would keep a world from coming to
//! rest. They stand beside it, and the latest instant of a stretch ends just before the next one,
//! so a run without them pays nothing, and one with them only when it comes to one.
//!
//! > **The rule.** A crash comes before everything else of its instant. Each instant is a pick of
//! > `process.crash`, by the order of time among the consumers of a subscription, so a replay names
//! > it by its number; one at which the process is down is picked all the same, and nothing
//! > happens. Nobody dies in a world at rest, and nobody after the heal.

use entrega_brokers::Broker;
use entrega_model::{Delivery, Duration, Instant, Kind, ProcessId, SubscriptionId};
use entrega_scenario::Role;
use entrega_scenario::points::{Fault, own_point, yes_or_no};

use super::{Routed, World};

/// How many answers there are to the question whether a process dies at its instant.
const DIES: u32 = yes_or_no(Fault::ProcessCrash);
/// The latest that a stretch may go before an instant.
const TICK: Duration = Duration::from_nanos(1);

/// The instants at which processes die.
#[derive(Default)]
pub(super) struct Crashes {
    /// For each process that dies by time, its next instant.
    next: Vec<Mortal>,
    /// How far the stretch goes but for them.
    latest: Instant,
}

/// A process that dies by time.
#[derive(Clone, Copy)]
struct Mortal {
    process: ProcessId,
    subscription: SubscriptionId,
    /// Which of the subscription's consumers it is.
    number: u32,
    at: Instant,
    /// How many instants it has had, this one included.
    count: u64,
}

impl Crashes {
    /// Nobody dies by time.
    pub(super) fn clear(&mut self) {
        let Self { next, latest } = self;
        next.clear();
        *latest = Instant::START;
    }

    fn first(&self) -> Option<(usize, Mortal)> {
        let mut all = self.next.iter().copied().enumerate();
        all.by_ref().min_by_key(|(_, one)| (one.at, one.process))
    }
}

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// Notes that a handler asks for an effect, if somebody counts how long that is on its way.
    #[inline]
    pub(crate) fn note_effect_asked(
        &mut self,
        consumer: ProcessId,
        subscription: SubscriptionId,
        asked: &Delivery,
    ) {
        if !self.crashes.next.is_empty() {
            self.note_asked(consumer, subscription, asked);
        }
    }

    #[cold]
    fn note_asked(&mut self, consumer: ProcessId, subscription: SubscriptionId, asked: &Delivery) {
        let (delivery, message) = (asked.id, asked.record.message);
        if self.times.crashes.get(subscription.index()).is_some_and(Option::is_some) {
            self.record(Kind::EffectInvoked { delivery, message, subscription, consumer });
        }
    }

    /// Every process that dies by time has its first instant ahead.
    pub(super) fn put_crashes(&mut self) {
        if self.times.crashes.is_empty() {
            return;
        }
        for process in &self.processes {
            let Role::Consumer { subscription, number } = process.role else { continue };
            let Some(times) = &self.times.crashes[subscription.index()] else { continue };
            let at = Instant::START + times.gap(self.seed, number, 0);
            let process = process.id;
            self.crashes.next.push(Mortal { process, subscription, number, at, count: 1 });
        }
    }

    /// A stretch of the run goes no further than to the next crash.
    pub(super) fn stop_before_crash(&mut self) {
        if let Some((_, first)) = self.crashes.first() {
            self.crashes.latest = self.bound.latest;
            self.bound.latest = self
                .bound
                .latest
                .min(Instant::from_nanos(first.at.as_nanos().saturating_sub(TICK.as_nanos())));
        }
    }

    /// The next thing that is due comes after the latest instant. Whether that is so because of a
    /// crash, which happens now.
    pub(super) fn crashes_first(&mut self) -> bool {
        let Some((place, dies)) = self.crashes.first() else { return false };
        let latest = self.crashes.latest;
        if dies.at > latest {
            return false;
        }
        self.go_to(dies.at);
        let times = self.times.crashes[dies.subscription.index()].as_ref();
        let gap = times.map_or(Duration::ZERO, |one| one.gap(self.seed, dies.number, dies.count));
        let gap = gap.max(TICK);
        self.crashes.next[place] = Mortal { at: dies.at + gap, count: dies.count + 1, ..dies };
        self.bound.latest = latest;
        self.stop_before_crash();
        self.dies_by_time(dies.process, dies.subscription);
        true
    }

    fn dies_by_time(&mut self, process: ProcessId, subscription: SubscriptionId) {
        let point = own_point(Fault::ProcessCrash, subscription);
        let choice = self.choices.pick(point, DIES);
        if choice != 0 && self.processes[process.index()].is_alive() {
            let message = self.processes[process.index()].concern;
            self.fault(point, choice, process, message);
            self.crash(process);
        }
    }
}
