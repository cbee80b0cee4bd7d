//! Processes that come and go at a time, and rolling restarts.
//!
//! ```text
//!  joins ──▶ start      leaves ──▶ asked to stop ──▶ close() ──▶ gone      dies ──▶ gone
//!
//!  rolling restart:  1 is asked to stop ──▶ gone ──▶ its next life ──▶ 2 is asked to stop …
//!                                       times.restart           pause
//! ```
//!
//! > **The rule.** What a scenario puts at a time happens at that time, whatever the process does
//! > then. One that is down or gone when it is to stop has stopped; one that is there when it is to
//! > join has joined.

use entrega_brokers::Broker;
use entrega_clients::Shutdown;
use entrega_model::fingerprint::Fingerprint;
use entrega_model::{ProcessId, SubscriptionId};
use entrega_scenario::{Change, Role};

use super::process::State;
use super::{Due, Routed, World};

/// A rolling restart under way.
#[derive(Clone, Copy)]
pub(super) struct Rolling {
    /// Whose turn it is next, among all processes.
    next: ProcessId,
    /// The one whose next life it waits for.
    awaited: Option<ProcessId>,
}

impl Rolling {
    /// How far it is.
    pub(super) fn fingerprint(&self, into: &mut Fingerprint<'_>) {
        into.word(self.next.0.into());
        into.maybe(self.awaited.map(|process| process.0.into()));
    }
}

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// Puts everything that the scenario puts at a time among what is due.
    pub(super) fn put_changes(&mut self) {
        for (number, put) in (0..).zip(&self.times.changes) {
            self.timers.schedule(put.at, Due::Change(number));
        }
        for put in &self.times.rolling {
            self.timers.schedule(put.at, Due::Roll(put.subscription));
            self.rolling.push(Rolling { next: ProcessId(0), awaited: None });
        }
    }

    /// A process comes or goes.
    #[cold]
    pub(super) fn change(&mut self, number: u16) {
        let put = self.times.changes[number as usize];
        let process = &mut self.processes[put.process.index()];
        if self.closing {
            return;
        }
        match put.what {
            Change::Joins => {
                process.leaves = false;
                if matches!(process.state, State::Down | State::Finished) {
                    self.start(put.process);
                }
            }
            Change::Leaves if process.is_alive() => {
                process.leaves = true;
                self.ask_one_to_stop(put.process, Shutdown::Drain);
            }
            Change::Dies if process.is_alive() => {
                process.leaves = true;
                self.crash(put.process);
            }
            Change::Leaves | Change::Dies => process.leaves = true,
        }
    }

    /// A process is asked to stop, whatever it does.
    fn ask_one_to_stop(&mut self, id: ProcessId, how: Shutdown) {
        let process = &mut self.processes[id.index()];
        if process.shutdown.is_none() {
            process.shutdown = Some(how);
            let client = process.client();
            self.stops(client, Due::Kill(client));
        }
    }

    /// The next process of a rolling restart is asked to stop. Those that are gone are passed over;
    /// one that is down is waited for.
    #[cold]
    pub(super) fn roll(&mut self, subscription: SubscriptionId) {
        let Some((place, how)) = self.rolling_of(subscription) else { return };
        let Some(next) = self.next_to_roll(subscription).filter(|_| !self.closing) else { return };
        self.rolling[place] = Rolling { next: ProcessId(next.0 + 1), awaited: Some(next) };
        match self.processes[next.index()].state {
            State::Finished => {
                self.rolling[place].awaited = None;
                self.timers.schedule(self.now, Due::Roll(subscription));
            }
            State::Down => {}
            State::Running | State::Stalled => self.ask_one_to_stop(next, how),
        }
    }

    /// A process has begun a life: if a rolling restart waits for it, it goes on.
    #[inline]
    pub(super) fn rolls_on(&mut self, id: ProcessId) {
        if !self.rolling.is_empty() {
            self.roll_on(id);
        }
    }

    #[cold]
    fn roll_on(&mut self, id: ProcessId) {
        for place in 0..self.rolling.len() {
            if self.rolling[place].awaited == Some(id) {
                self.rolling[place].awaited = None;
                let put = self.times.rolling[place];
                self.timers.schedule(self.now + put.pause, Due::Roll(put.subscription));
            }
        }
    }

    /// Whose turn it is in a rolling restart, if anybody's.
    pub(super) fn next_to_roll(&self, subscription: SubscriptionId) -> Option<ProcessId> {
        let (place, _) = self.rolling_of(subscription)?;
        let from = self.rolling[place].next.index();
        let is_of_it = |role: Role| role.subscription() == Some(subscription);
        let mut rest = self.processes[from..].iter();
        rest.find(|one| is_of_it(one.role)).map(|one| one.id)
    }

    fn rolling_of(&self, subscription: SubscriptionId) -> Option<(usize, Shutdown)> {
        let place = self.times.rolling.iter().position(|put| put.subscription == subscription)?;
        Some((place, self.times.rolling[place].how))
    }
}
