//! Looking at the states of a run while it goes on, as an exploration does.

use std::cell::RefCell;

use entrega_brokers::Broker;
use entrega_model::Observer;

use crate::executor::Executor;
use crate::world::{Routed, World};

/// Looks at the state of a run after each step, and may end the run.
pub(crate) trait Watcher {
    /// Whether it looks at all; if not, time may go on until a process is ready.
    const LOOKS: bool = true;

    /// Called when every ready process has run and before the next step, or before faults end if
    /// the run is at rest. Returns whether the run goes on.
    fn goes_on<B: Broker>(
        &mut self,
        executor: &mut Executor<'_, B>,
        world: &RefCell<World<B>>,
        observer: &mut dyn Observer,
        at_rest: bool,
    ) -> bool
    where
        B::Request: Routed;
}

/// No watcher.
impl Watcher for () {
    const LOOKS: bool = false;

    fn goes_on<B: Broker>(
        &mut self,
        _executor: &mut Executor<'_, B>,
        _world: &RefCell<World<B>>,
        _observer: &mut dyn Observer,
        _at_rest: bool,
    ) -> bool
    where
        B::Request: Routed,
    {
        true
    }
}
