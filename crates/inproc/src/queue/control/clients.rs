//! Consumers: their names, and what becomes of what one held that is gone.

use entrega_model::{ClientId, Incarnation, Instant, ProcessId};

use super::{Control, SharedDesk};
use crate::queue::window::Window;

/// The place of a client number.
#[derive(Default)]
pub(super) struct Place {
    /// Which life uses it next.
    incarnation: Incarnation,
    is_used: bool,
    /// The desk of the consumer that has it, unless that settles at delivery.
    pub(super) desk: Option<SharedDesk>,
}

impl Place {
    /// What its consumer has at hand that it was not given.
    pub(super) fn at_hand(&self) -> Option<std::ops::Range<u64>> {
        self.desk.as_ref().map(|desk| desk.at_hand())
    }
}

impl<T> Control<T> {
    /// A name for a new consumer; `None` if there are 65 536 already.
    pub(in crate::queue) fn connect(&mut self, desk: Option<SharedDesk>) -> Option<ClientId> {
        let free = self.clients.iter().position(|place| !place.is_used);
        let number = free.unwrap_or(self.clients.len());
        let process = ProcessId(u16::try_from(number).ok()?);
        if number == self.clients.len() {
            self.clients.push(Place::default());
        }
        let place = &mut self.clients[number];
        (place.is_used, place.desk) = (true, desk);
        Some(ClientId { process, incarnation: place.incarnation })
    }

    /// A consumer is gone. What it was given is ready again at once if it closed cleanly; otherwise
    /// as the settings say, at once or when its lease ends. What it was not given is ready at once.
    pub(in crate::queue) fn disconnect<'a>(
        &mut self,
        now: Instant,
        client: ClientId,
        windows: impl Iterator<Item = &'a mut Window<T>>,
        is_clean: bool,
    ) where
        T: 'a,
    {
        for window in windows {
            self.take_from(client, window);
            if is_clean || self.requeue_on_disconnect {
                window.leases.take().into_iter().for_each(|id| self.leases.end(id));
                let given = window.given();
                let run = window.position(given.start)..window.position(given.end);
                self.take_back_all(now, run);
            }
        }
        if is_clean {
            self.returned.close(now, client);
        }
        self.returned.disconnected(now, client);
        self.finish_returned();
        if let Some(place) = self.clients.get_mut(client.process.index()) {
            let incarnation = Incarnation(client.incarnation.0.wrapping_add(1));
            *place = Place { incarnation, is_used: false, desk: None };
        }
    }
}
