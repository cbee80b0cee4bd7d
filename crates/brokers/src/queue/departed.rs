//! Whose connections have ended, so that what arrives from them afterwards takes nothing.

use entrega_model::{ClientId, Incarnation, ProcessId};

/// Connections that have ended: for each process the highest incarnation. A process that came back
/// has a higher one, and lives before it are over.
#[derive(Clone, Debug, Default)]
pub(super) struct Departed(pub(super) Vec<Option<Incarnation>>);

impl Departed {
    pub(super) fn insert(&mut self, client: ClientId) {
        let index = client.process.index();
        if index >= self.0.len() {
            self.0.resize(index + 1, None);
        }
        self.0[index] = self.0[index].max(Some(client.incarnation));
    }

    #[inline]
    pub(super) fn contains(&self, client: ClientId) -> bool {
        let last = self.0.get(client.process.index()).copied().flatten();
        last.is_some_and(|last| client.incarnation <= last)
    }

    /// The first life of a process whose connection has not ended.
    pub(super) fn connected_from(&self, process: ProcessId) -> Incarnation {
        let last = self.0.get(process.index()).copied().flatten();
        Incarnation(last.map_or(0, |last| last.0.saturating_add(1)))
    }
}
