//! The memory of a world, kept from one run to the next.
//!
//! A world is some thirty tables and queues that grow from nothing; a run of a few messages spends
//! as much on them as on its messages. Whoever makes many runs keeps an [`Arena`] and runs all of
//! them in it. What comes out is the same: see `world::beginning` for the rule.

use std::cell::RefCell;
use std::rc::Rc;

use entrega_brokers::Broker;

use crate::executor::Wakers;
use crate::side::{LogSide, QueueSide, Side};
use crate::world::{Routed, Scratch, Times, World};

/// Where runs take place, one after the other, in the same memory.
///
/// An arena fits every experiment; it saves most if the next one has the broker and the number of
/// processes of the one before. A run that panics leaves nothing behind.
///
/// ```
/// use entrega_clients::Strategy;
/// use entrega_model::Model;
/// use entrega_scenario::Scenario;
/// use entrega_sim::workload::Planner;
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
    pub(crate) log: Option<Place<LogSide>>,
    pub(crate) queue: Option<Place<QueueSide>>,
    pub(crate) scratch: Scratch,
}

/// The world of one model, when nothing goes on in it.
pub(crate) struct Place<S: Side> {
    pub(crate) side: S,
    pub(crate) world: Rc<RefCell<World<S::Broker>>>,
    pub(crate) wakers: Wakers,
}

impl<S: Side> Place<S>
where
    <S::Broker as Broker>::Request: Routed,
{
    /// A place for so many processes.
    pub(crate) fn new(side: S, processes: usize, times: Times) -> Self {
        let wakers = Wakers::new(processes);
        let world = World::new(side.broker(), times, wakers.wakers());
        Self { side, world: Rc::new(RefCell::new(world)), wakers }
    }

    /// Whether a run with this side and so many processes may take place here: nothing that
    /// somebody has kept of an earlier one can be seen or heard.
    pub(crate) fn suits(&self, side: &S, processes: usize) -> bool {
        self.side == *side
            && Rc::strong_count(&self.world) == 1
            && self.world.borrow().processes.len() == processes
            && self.wakers.are_at_rest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::times;
    use entrega_scenario::Scenario;

    fn side(partitions: u16) -> LogSide {
        let mut scenario = Scenario::default();
        scenario.log.partitions = partitions;
        LogSide::new(&scenario)
    }

    fn place() -> Place<LogSide> {
        Place::new(side(3), 2, times(&Scenario::default()))
    }

    #[test]
    fn a_place_suits_the_same_broker_and_as_many_processes() {
        let place = place();
        assert!(place.suits(&side(3), 2));
        assert!(!place.suits(&side(4), 2));
        assert!(!place.suits(&side(3), 3));
    }

    #[test]
    fn a_place_of_which_somebody_has_kept_a_part_suits_nobody() {
        let place = place();
        let world = Rc::clone(&place.world);
        assert!(!place.suits(&side(3), 2));
        drop(world);
        assert!(place.suits(&side(3), 2));
        let waker = place.wakers.wakers().next();
        assert!(!place.suits(&side(3), 2), "it could be called in the next run");
        waker.into_iter().for_each(std::task::Waker::wake);
        assert!(!place.suits(&side(3), 2), "it has been called since");
    }
}
