//! What overtakes what on its way.

use entrega_scenario::{Order, ProducerStrategy};

use super::numbers::Numbers;

/// Requests of one process that arrive in another order: only those of several processes change
/// places in an exploration.
pub(super) fn overtaking(of: &Numbers<'_>) -> Option<String> {
    let scenario = of.plan.scenario;
    let several = scenario.producer.strategy != ProducerStrategy::Confirmed
        || !scenario.consumer.settle_confirmed;
    let overtakes =
        scenario.network.order == Order::Any && !scenario.network.jitter.duration().is_zero();
    (several && overtakes).then(|| {
        "requests of one process that overtake one another: network.order is \"any\", and a process \
         sends without waiting for the answer before"
            .to_owned()
    })
}
