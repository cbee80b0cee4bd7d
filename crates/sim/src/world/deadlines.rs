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
use entrega_scenario::points::{Fault, MOST_RIVALS, shared_point};

use super::{Due, Routed, World};

/// At most this many deadlines compete.
const MOST: usize = MOST_RIVALS as usize;

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
    /// Which deadline comes first of those that compete with the first one, as an index.
    pub(super) fn choose_deadline(&mut self) -> usize {
        let Some(first) = self.owner_of(0) else { return 0 };
        let mut rivals = [(0, first); MOST];
        let mut count = 1;
        for index in 1..self.due_now.len() {
            let Some(owner) = self.owner_of(index) else { continue };
            let known = rivals[..count].iter().any(|&(_, rival)| rival == owner);
            let meets = first == Owner::Broker || owner == Owner::Broker;
            if meets && !known && count < MOST {
                rivals[count] = (index, owner);
                count += 1;
            }
        }
        if count == 1 {
            return 0;
        }
        let point = shared_point(Fault::DeadlineOrder);
        let choice = self.choices.pick(point, count as u32);
        if choice == 0 {
            return 0;
        }
        let (index, owner) = rivals[choice as usize];
        let of_process = if first == Owner::Broker { owner } else { first };
        if let Owner::Process(process) = of_process {
            self.fault(point, choice, process, None);
        }
        self.put_off_all_but(index);
        0
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
            | Due::Disconnect(_) => return None,
        };
        self.means_something(self.due_at, due).then_some(owner)
    }
}
