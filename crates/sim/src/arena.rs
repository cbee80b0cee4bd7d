//! The memory of a world, kept from one run to the next.
//!
//! A world is some thirty tables and queues that grow from nothing; a run of a few messages spends
//! as much on them as on its messages. To make many runs, keep an [`Arena`] and make all of them in
//! it. The results are the same: see `world::beginning` for the rule.

use std::cell::RefCell;
use std::rc::Rc;

use entrega_brokers::Broker;

use crate::executor::Wakers;
use crate::platform::{LogPlatform, Platform, QueuePlatform};
use crate::world::{Routed, Scratch, Times, World};

/// Where runs take place, one after the other, in the same memory.
///
/// An arena fits every experiment; it saves most if the next one has the same broker and the same
/// number of processes. A run that panics leaves nothing behind.
///
/// ```
/// use entrega_clients::Strategy;
/// use entrega_model::Model;
/// use entrega_scenario::Scenario;
/// use entrega_scenario::workload::Planner;
/// use entrega_sim::{Arena, Experiment};
///
/// let (scenario, mut arena) = (Scenario::default(), Arena::default());
/// let planner = Planner::new(&scenario);
/// for seed in 1..=3 {
///     let (model, strategy) = (Model::Queue, Strategy::ProcessThenSettle);
///     let workload = planner.plan(None, seed);
///     let experiment =
///         Experiment { scenario: &scenario, workload: &workload, model, strategy, seed };
///     experiment.run_in(&mut arena, experiment.random_choices(), &mut ());
/// }
/// ```
#[derive(Default)]
pub struct Arena {
    log: Option<Place<LogPlatform>>,
    queue: Option<Place<QueuePlatform>>,
    pub(crate) scratch: Scratch,
}

/// The world of one model, when no run takes place in it.
pub(crate) struct Place<P: Platform> {
    pub(crate) platform: P,
    pub(crate) world: Rc<RefCell<World<P::Broker>>>,
    pub(crate) wakers: Wakers,
}

/// A platform whose place an arena keeps between runs.
pub(crate) trait Housed: Platform {
    /// Where it is kept.
    fn place_in(arena: &mut Arena) -> &mut Option<Place<Self>>;
}

impl Housed for LogPlatform {
    fn place_in(arena: &mut Arena) -> &mut Option<Place<Self>> {
        &mut arena.log
    }
}

impl Housed for QueuePlatform {
    fn place_in(arena: &mut Arena) -> &mut Option<Place<Self>> {
        &mut arena.queue
    }
}

impl<P: Platform> Place<P>
where
    <P::Broker as Broker>::Request: Routed,
{
    /// A place for this number of processes.
    pub(crate) fn new(platform: P, processes: usize, times: Times) -> Self {
        let wakers = Wakers::new(processes);
        let world = World::new(platform.broker(), times, wakers.wakers());
        Self { platform, world: Rc::new(RefCell::new(world)), wakers }
    }

    /// Whether a run on this platform with this number of processes may take place here: nothing
    /// still holds a part of an earlier run, by which the two could influence each other.
    pub(crate) fn suits(&self, platform: &P, processes: usize) -> bool {
        self.platform == *platform
            && Rc::strong_count(&self.world) == 1
            && self.world.borrow().processes.len() == processes
            && self.wakers.are_at_rest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use entrega_scenario::Scenario;
    use entrega_scenario::workload::Workload;

    fn platform(partitions: u16) -> LogPlatform {
        let mut scenario = Scenario::default();
        scenario.log.partitions = partitions;
        LogPlatform::new(&scenario, &Workload::generate(&scenario, None, 1))
    }

    fn place() -> Place<LogPlatform> {
        Place::new(platform(3), 2, Times::of(&Scenario::default()))
    }

    #[test]
    fn a_place_suits_the_same_broker_and_as_many_processes() {
        let place = place();
        assert!(place.suits(&platform(3), 2));
        assert!(!place.suits(&platform(4), 2));
        assert!(!place.suits(&platform(3), 3));
    }

    #[test]
    fn a_place_of_which_a_part_is_still_held_suits_no_run() {
        let place = place();
        let world = Rc::clone(&place.world);
        assert!(!place.suits(&platform(3), 2));
        drop(world);
        assert!(place.suits(&platform(3), 2));
        let waker = place.wakers.wakers().next();
        assert!(!place.suits(&platform(3), 2), "it could be called in the next run");
        waker.into_iter().for_each(std::task::Waker::wake);
        assert!(!place.suits(&platform(3), 2), "it has been called since");
    }
}
