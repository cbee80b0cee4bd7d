//! What an order shows without any fault.
//!
//! Nothing takes any time in an exploration, so handlers overlap only where one is chosen to go on
//! last. Two consumers of a queue then reorder a key, as real ones do; one consumer alone, and a
//! log, which gives a key to one consumer, do not.

use entrega::{Exploration, Finding};
use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::points::{self, Act, Fault};
use entrega_sim::explore::{Budget, Explored, Space};

use super::experiment;
use super::spaces;

/// What runs without a fault show, with up to this many changes of order.
fn shown(model: Model, consumers: u32, preemptions: u8) -> Explored<Finding> {
    let small = spaces::calm((2, consumers), preemptions);
    let experiment = experiment(model, Strategy::ProcessThenSettle, &small);
    let space = small.space.clone();
    Exploration { experiment, space, budget: super::BUDGET, cuts: true }.run()
}

#[test]
fn two_consumers_of_a_queue_reorder_a_key_without_a_fault() {
    let explored = shown(Model::Queue, 2, 1);
    assert!(explored.complete);
    let reordered = &explored.found[&Finding::Reordered];
    let point = points::info(Fault::HandlerOrder).point(super::SubscriptionId(0));
    let last: Vec<_> = reordered.simplest.iter().map(|one| (one.point, one.value)).collect();
    assert_eq!(last, [(point, 1)]);
}

#[test]
fn nobody_else_does() {
    for (model, consumers, preemptions) in
        [(Model::Queue, 2, 0), (Model::Queue, 1, 2), (Model::Log, 1, 2), (Model::Log, 2, 2)]
    {
        let explored = shown(model, consumers, preemptions);
        assert!(explored.complete);
        let found: Vec<_> = explored.found.keys().collect();
        assert!(!found.contains(&&Finding::Reordered), "{model} {consumers} {preemptions}");
    }
}

/// While nobody else has anything to do, there is no order to be tried: the producer is done before
/// the consumer comes to the last of three messages.
#[test]
fn one_process_alone_has_no_order() {
    let orders = || points::chosen_in((Fault::HandlerOrder, Act::Last)).collect();
    let tried = |messages, consumers| {
        let mut small = spaces::calm((messages, consumers), 1);
        small.space = Space::new(vec![Budget { most: 1, required: false, choices: orders() }]);
        let experiment = experiment(Model::Queue, Strategy::ProcessThenSettle, &small);
        let space = small.space.clone();
        let whole = Exploration { experiment, space, budget: super::BUDGET, cuts: false }.run();
        whole.schedules - 1
    };
    assert!((1..3).contains(&tried(3, 1)), "{}", tried(3, 1));
    assert_eq!(tried(3, 2), 3);
}
