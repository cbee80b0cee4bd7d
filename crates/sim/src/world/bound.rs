//! How far a stretch of a run may go: in steps, and in virtual time.
//!
//! > **The rule.** Nothing happens after the latest instant of a stretch. If the next thing is due
//! > later, time goes on to that instant, and the stretch is out of time; unless nothing that is
//! > due then can change anything, in which case the world is at rest already.

use entrega_brokers::Broker;
use entrega_model::Instant;

use super::{Due, Routed, World};
use crate::outcome::{Awaited, AwaitedThing};

/// How far a run may go on by itself.
#[derive(Clone, Copy)]
pub(crate) struct Bound {
    /// In steps since its beginning.
    pub(crate) steps: u64,
    /// In virtual time.
    pub(crate) latest: Instant,
    /// That instant has come, and something is due later.
    pub(crate) passed: bool,
}

impl Bound {
    /// A bound that has not been reached. [`Instant::NEVER`] lies beyond every bound.
    pub(crate) fn new(steps: u64, latest: Instant) -> Self {
        let before_never = Instant::from_nanos(Instant::NEVER.as_nanos() - 1);
        Self { steps, latest: latest.min(before_never), passed: false }
    }
}

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// A stretch of the run begins; `on`, if processes may let time go on in it. They may not where
    /// the order of what is due is a choice.
    pub(crate) fn begin_stretch(&mut self, bound: Bound, on: bool) {
        self.bound = bound;
        self.stop_before_crash();
        self.runs_on = on && !self.times.chooses_order;
    }

    /// Whether the run is out of steps or of time.
    #[inline]
    pub(crate) fn is_out_of_bounds(&self) -> bool {
        self.steps >= self.bound.steps || self.bound.passed
    }

    /// The next thing is due after the latest instant. `false` if the world is at rest without it.
    #[cold]
    pub(super) fn runs_out_of_time(&mut self) -> bool {
        if !self.waits_for_something() {
            return false;
        }
        if self.crashes_first() {
            return true;
        }
        let latest = self.bound.latest;
        self.go_to(latest);
        self.bound.passed = true;
        true
    }

    /// Whether anything that is due can change anything: some timers have become moot.
    fn waits_for_something(&self) -> bool {
        !self.held.is_empty() || self.awaited().is_some()
    }

    /// The first thing that is due and can change anything.
    pub(crate) fn awaited(&self) -> Option<Awaited> {
        let mut dues = Vec::new();
        self.timers.in_order(&mut dues);
        dues.iter().find_map(|&(at, _, due)| self.awaits(at, due))
    }

    fn awaits(&self, at: Instant, due: Due) -> Option<Awaited> {
        let what = match due {
            Due::Broker => {
                let at = self.broker.next_deadline()?;
                return Some(Awaited { at, what: AwaitedThing::Broker });
            }
            Due::BrokerBack | Due::SinkBack(_) => AwaitedThing::Broker,
            Due::Start(process) => AwaitedThing::Restart(process),
            Due::Change(number) => {
                AwaitedThing::Restart(self.times.changes[number as usize].process)
            }
            Due::Roll(subscription) => AwaitedThing::Restart(self.next_to_roll(subscription)?),
            Due::Resume(client) => AwaitedThing::Resume(client.process),
            Due::Overdue(hold) => AwaitedThing::Work(self.held_process(hold)?),
            Due::Wake(client) | Due::Kill(client) | Due::Disconnect(client) => {
                AwaitedThing::Work(client.process)
            }
            Due::Idle(poll) => AwaitedThing::Work(self.idle.awake(poll)?.process),
            Due::Arrive(call) | Due::Return(call) | Due::TimeOut(call) | Due::Unpark(call) => {
                AwaitedThing::Answer(self.calls.look(call).client.process)
            }
        };
        self.means_something(at, due).then_some(Awaited { at, what })
    }
}
