//! What happens at one instant, in which order.
//!
//! In an exploration nothing takes any time, so requests of several processes often reach a broker
//! or a sink at the same instant. Which one is handled first is then a choice: 0 is the order in
//! which they were sent. Requests of one process keep their order, and only requests that meet at
//! one peer have an order that can matter.

use entrega_brokers::Broker;
use entrega_model::{Instant, ProcessId};
use entrega_scenario::points::{Fault, shared_point};

use super::calls::Peer;
use super::rivals::Rivals;
use super::{Due, Routed, World};

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// Takes away timers that have become moot, so that no time is spent on them: an exploration
    /// does not take them for part of the state.
    pub(super) fn drop_moot(&mut self) {
        while let Some((at, due)) = self.timers.first()
            && !self.means_something(at, due)
        {
            self.timers.next();
            self.happen_apart(due);
        }
    }

    /// Whether what is due next is due after the latest instant of the stretch.
    pub(super) fn is_next_too_late(&mut self) -> bool {
        self.drop_moot();
        let latest = self.bound.latest;
        let none_now = self.due_now.is_empty() && self.put_off.is_empty();
        none_now && self.timers.next_at().is_some_and(|at| at > latest)
    }

    /// What is due next, and when. Moot timers are gone.
    pub(super) fn next_chosen(&mut self) -> Option<(Instant, Due)> {
        if self.due_now.is_empty() && !self.put_off.is_empty() && !self.is_due_again() {
            self.due_now.append(&mut self.put_off);
        }
        if self.due_now.is_empty() {
            let (at, due) = self.timers.next()?;
            self.due_at = at;
            if !self.is_due_again() {
                return Some((at, due));
            }
            self.due_now.push(due);
        }
        while self.is_due_again()
            && let Some((_, due)) = self.timers.next()
        {
            self.due_now.push(due);
        }
        let due = if self.due_now.len() > 1 {
            let first = self.choose_first();
            self.due_now.remove(first)
        } else {
            self.due_now.pop()?
        };
        Some((self.due_at, due))
    }

    /// Which of several things that are due comes first, as an index.
    fn choose_first(&mut self) -> usize {
        if let Some(first) = self.arrival(0) {
            return self.choose_arrival(first);
        }
        self.order_deadlines();
        0
    }

    /// Whether something more is due at the instant for which something is put off.
    fn is_due_again(&self) -> bool {
        self.timers.next_at().is_some_and(|at| at <= self.due_at)
    }

    /// Which of the requests that compete is handled first, as an index.
    fn choose_arrival(&mut self, (peer, first): (Peer, ProcessId)) -> usize {
        let rivals = Rivals::of(first, self.due_now.len(), |index| {
            self.arrival(index).filter(|&(to, _)| to == peer).map(|(_, process)| process)
        });
        let Some(bound) = rivals.bound() else { return 0 };
        let point = shared_point(Fault::ArrivalOrder);
        let choice = self.choices.pick(point, bound);
        let (index, process) = rivals.chosen(choice);
        if choice != 0 {
            self.fault(point, choice, process, None);
        }
        index
    }

    /// Where a request goes and who sent it, if what is due at this index is one.
    fn arrival(&self, index: usize) -> Option<(Peer, ProcessId)> {
        let &Due::Arrive(call) = self.due_now.get(index)? else { return None };
        let call = self.calls.look(call);
        Some((call.route.to, call.client.process))
    }
}
