//! What overtakes what on its way.

use entrega_model::Model;
use entrega_scenario::{Order, ProducerStrategy};

use super::numbers::{Numbers, shown};

/// Requests of one process that arrive in another order: only those of several processes change
/// places in an exploration.
pub(super) fn overtaking(of: &Numbers<'_>) -> Option<String> {
    let scenario = of.plan.scenario;
    let several = scenario.producer.strategy != ProducerStrategy::Confirmed
        || scenario.producer.sends_ahead()
        || !scenario.consumer.settle_confirmed;
    let overtakes =
        scenario.network.order == Order::Any && !scenario.network.jitter.duration().is_zero();
    (several && overtakes).then(|| {
        "requests of one process that overtake one another: network.order is \"any\", and a process \
         sends without waiting for the answer before"
            .to_owned()
    })
}

/// Jitter on a queue of several consumers: it decides where a message goes, and once more who is
/// done first. With one change of order only one of these is another than it would be.
pub(super) fn jitter(of: &Numbers<'_>) -> Option<String> {
    let jitter = of.plan.scenario.network.jitter.duration();
    let consumers = of.settings.consumers;
    let meets = of.plan.model == Model::Queue && consumers > 1 && of.plan.extent.messages > 1;
    (meets && !jitter.is_zero() && of.plan.preemptions < CHANGES).then(|| {
        format!(
            "several changes of order in one run: network.jitter ({}) decides which of {consumers} \
             consumers gets a message, and once more who is done first",
            shown(jitter)
        )
    })
}

/// So many changes of order one message can meet by jitter alone.
const CHANGES: u8 = 2;
