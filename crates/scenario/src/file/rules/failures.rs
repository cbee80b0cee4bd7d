//! What a consumer may be set to do when its handler fails, or the worker dies that runs it.

use entrega_model::Model;

use super::super::{
    BatchFailure, Dedup, ErrorPolicy, Forgotten, InFlightScope, QueueSettings, Scenario,
};
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
    if consumer.on_error == ErrorPolicy::RetryTopic {
        copies(&scenario.queue)?;
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
    if consumer.on_error == ErrorPolicy::RetryTopic {
        return broken_with_help(
            "consumer.on_error",
            "`retry-topic` needs a topic that holds a copy back, and this log has one topic",
            "on a log: retry, skip, skip-and-settle, crash, dead-letter; or write models = \
             [\"queue\"]",
        );
    }
    let Some(word) = consumer.on_error.gives_back() else { return Ok(()) };
    broken_with_help(
        "consumer.on_error",
        format!("`{word}` gives a message back, and a log cannot take it"),
        "on a log: retry, skip, skip-and-settle, crash, dead-letter; or write models = [\"queue\"]",
    )
}

/// A queue that holds copies back for a while, and knows how often each was tried.
fn copies(queue: &QueueSettings) -> Checked {
    let by_window =
        queue.max_in_flight.is_some() && queue.max_in_flight_scope == InFlightScope::Partition;
    let cannot = [
        (queue.group_lock, "a queue with `group_lock` cannot hold a single message back"),
        (
            queue.keeps_settled || by_window,
            "a share group reads a log, in which no record waits until it is due",
        ),
        (
            queue.restart_forgets(Forgotten::Settles),
            "a restart that forgets settles puts a copy back, and not how often it was tried",
        ),
    ];
    match cannot.into_iter().find(|(is_set, _)| *is_set) {
        Some((_, why)) => broken_with_help(
            "consumer.on_error",
            why,
            "write retry, requeue, crash or dead-letter, or change the queue",
        ),
        None => Ok(()),
    }
}
