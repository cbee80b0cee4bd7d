//! Deadlines that fall on one instant, in which order.
//!
//! Deadlines are all that is left of time in an exploration, so those of different owners often
//! fall on one instant: a lease ends just when a consumer has waited for an answer long enough. In
//! production either may be first, by more than a round trip. So another one than the first may be
//! chosen: it comes with all that follows from it, and the others are put off until nothing else
//! happens at that instant.
//!
//! Two processes meet nowhere but at the broker or a sink, where the order of their requests is a
//! choice already. So an order is chosen only between a deadline of the broker and one of a
//! process. The deadline until which a handler is slow is none of these: it is the broker's, or
//! what ends with it.

use entrega_brokers::Broker;
use entrega_model::ProcessId;
use entrega_scenario::points::{Fault, shared_point};

use super::rivals::Rivals;
use super::{Due, Routed, World};

/// Whose deadline it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Broker,
    Process(ProcessId),
}

impl<B: Broker> World<B>
where
    B::Request: Routed,
{
    /// Moves the deadline that comes first of those that compete to the front, and puts the others
    /// off.
    pub(super) fn order_deadlines(&mut self) {
        let Some(first) = self.owner_of(0) else { return };
        let meets = |owner: &Owner| first == Owner::Broker || *owner == Owner::Broker;
        let rivals =
            Rivals::of(first, self.due_now.len(), |index| self.owner_of(index).filter(meets));
        let Some(bound) = rivals.bound() else { return };
        let point = shared_point(Fault::DeadlineOrder);
        let choice = self.choices.pick(point, bound);
        if choice == 0 {
            return;
        }
        let (index, owner) = rivals.chosen(choice);
        let of_process = if first == Owner::Broker { owner } else { first };
        if let Owner::Process(process) = of_process {
            self.fault(point, choice, process, None);
        }
        self.put_off_all_but(index);
    }

    /// Puts off all deadlines but this one, which comes to the front.
    fn put_off_all_but(&mut self, index: usize) {
        let chosen = self.due_now.remove(index);
        let mut place = 0;
        while place < self.due_now.len() {
            if self.owner_of(place).is_some() {
                let due = self.due_now.remove(place);
                self.put_off.push(due);
            } else {
                place += 1;
            }
        }
        self.due_now.insert(0, chosen);
    }

    /// Whose deadline is due at this index, if it is one and means something.
    fn owner_of(&self, index: usize) -> Option<Owner> {
        let &due = self.due_now.get(index)?;
        let owner = match due {
            Due::Broker => Owner::Broker,
            Due::TimeOut(call) | Due::Unpark(call) => {
                Owner::Process(self.calls.look(call).client.process)
            }
            Due::Wake(client) | Due::Kill(client) => Owner::Process(client.process),
            Due::Idle(poll) => Owner::Process(self.idle.awake(poll)?.process),
            Due::Arrive(_)
            | Due::Return(_)
            | Due::Resume(_)
            | Due::Start(_)
            | Due::Overdue(_)
            | Due::BrokerBack
            | Due::SinkBack(_)
            | Due::Change(_)
            | Due::Roll(_)
            | Due::Disconnect(_) => return None,
        };
        self.means_something(self.due_at, due).then_some(owner)
    }
}
