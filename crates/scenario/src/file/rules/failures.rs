//! What a consumer may be set to do when its handler fails, or the worker dies that runs it.

use entrega_model::Model;

use super::super::{BatchFailure, Dedup, ErrorPolicy, Scenario};
use super::{Checked, broken_with_help};

/// What the setting of a consumer asks of a log that this has not.
pub(super) fn check(scenario: &Scenario) -> Checked {
    let consumer = &scenario.consumer;
    if consumer.worker_lost.is_some() && scenario.sink.dedup == Dedup::ProcessMemory {
        return broken_with_help(
            "consumer.worker_lost",
            "a worker that dies takes its memory along, and here it is the process that remembers",
            "write dedup = \"atomic\" or \"check-then-write\" under [sink], or leave worker_lost out",
        );
    }
    if !scenario.models.contains(&Model::Log) {
        return Ok(());
    }
    if consumer.batch_on_failure == BatchFailure::Abandon {
        return broken_with_help(
            "consumer.batch_on_failure",
            "`abandon` leaves a batch to the end of its leases, and a log has none",
            "on a log: retry-whole, bisect, per-item, dead-letter-item; or write models = \
             [\"queue\"]",
        );
    }
    if consumer.worker_lost.is_some() {
        return broken_with_help(
            "consumer.worker_lost",
            "a supervisor settles one message or gives it back; a log has one offset for all",
            "write models = [\"queue\"], or leave it out: on a log the whole process dies",
        );
    }
    if consumer.on_error != ErrorPolicy::Requeue {
        return Ok(());
    }
    broken_with_help(
        "consumer.on_error",
        "`requeue` gives a message back, and a log cannot take it",
        "on a log: retry, skip, skip-and-settle, crash, dead-letter; or write models = [\"queue\"]",
    )
}
