//! Who sends heartbeats.
//!
//! > **The rule.** A client is heard until it is reported silent or its connection ends. Of one
//! > process only the latest life can be heard: earlier ones are gone.
//!
//! It is kept beside the groups, because a request that was long on its way may join a group after
//! its sender fell silent. Such a member must have a session deadline from the start, or it would
//! hold its partitions for ever.

use entrega_model::{ClientId, Incarnation, ProcessId};

/// For each process the first of its incarnations that may be heard.
#[derive(Clone, Debug, Default)]
pub(super) struct Presence {
    heard_from: Vec<u32>,
}

impl Presence {
    /// Whether `client` sends heartbeats, as far as is known.
    pub(super) fn is_heard(&self, client: ClientId) -> bool {
        client.incarnation >= self.heard_from(client.process)
    }

    /// The first life of a process that may be heard.
    pub(super) fn heard_from(&self, process: ProcessId) -> Incarnation {
        Incarnation(self.heard_from.get(process.index()).copied().unwrap_or(0))
    }

    /// How many processes something is known of; of the others every life may be heard.
    pub(super) fn process_count(&self) -> usize {
        self.heard_from.len()
    }

    /// Nothing is known of anybody.
    pub(super) fn clear(&mut self) {
        let Self { heard_from } = self;
        heard_from.clear();
    }

    /// `client` sends no heartbeats any more.
    pub(super) fn silent(&mut self, client: ClientId) {
        let process = client.process.index();
        if self.heard_from.len() <= process {
            self.heard_from.resize(process + 1, 0);
        }
        let first = &mut self.heard_from[process];
        *first = (*first).max(client.incarnation.0.saturating_add(1));
    }

    /// `client` sends heartbeats again, unless a later life has taken its place.
    pub(super) fn heard(&mut self, client: ClientId) {
        if let Some(first) = self.heard_from.get_mut(client.process.index())
            && *first == client.incarnation.0.saturating_add(1)
        {
            *first = client.incarnation.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_latest_life_can_be_heard() {
        let life =
            |incarnation| ClientId { process: ProcessId(2), incarnation: Incarnation(incarnation) };
        let mut presence = Presence::default();
        let check = |presence: &Presence, expect: [bool; 3]| {
            assert_eq!([0, 1, 2].map(|incarnation| presence.is_heard(life(incarnation))), expect);
        };
        check(&presence, [true, true, true]);
        presence.silent(life(1));
        check(&presence, [false, false, true]);
        presence.heard(life(0));
        check(&presence, [false, false, true]);
        presence.heard(life(1));
        check(&presence, [false, true, true]);
        assert!(presence.is_heard(ClientId::default()));
    }
}
