//! The rules of `[producer]`.

use super::super::bounds::MOST_IDEMPOTENT;
use super::super::{LogSettings, ProducerSettings, ProducerStrategy, PublishId, Scenario};
use super::{Checked, broken_with_help, not_zero, within};

pub(super) fn check(scenario: &Scenario) -> Checked {
    let producer = &scenario.producer;
    not_zero("producer.request_timeout", producer.request_timeout)?;
    within("producer.retries", producer.retries)?;
    within("producer.max_in_flight", producer.max_in_flight)?;
    within("producer.batch_size", producer.batch_size)?;
    not_zero("producer.metadata_refresh", producer.metadata_refresh)?;
    idempotence(producer, &scenario.log)?;
    outbox(producer)?;
    publish_id(producer)
}

/// Only confirmations empty an outbox.
fn outbox(producer: &ProducerSettings) -> Checked {
    if producer.outbox && producer.strategy != ProducerStrategy::Confirmed {
        return broken_with_help(
            "producer.outbox",
            "a producer that waits for no answer has nothing to send again",
            "write strategy = \"confirmed\", or remove `outbox`",
        );
    }
    let Some(after) = producer.resend_after else { return Ok(()) };
    not_zero("producer.resend_after", after)?;
    if !producer.outbox {
        return broken_with_help(
            "producer.resend_after",
            "a job that sends again needs an outbox to look into",
            "write outbox = true, or remove `resend_after`",
        );
    }
    Ok(())
}

/// A batch has one id for all of its messages.
fn publish_id(producer: &ProducerSettings) -> Checked {
    if producer.publish_id == PublishId::Send && producer.is_buffered() {
        return broken_with_help(
            "producer.publish_id",
            "which id the messages of a batch have that are sent again is not simulated",
            "write publish_id = \"message\", or remove `linger`",
        );
    }
    Ok(())
}

/// What Kafka's clients ask of an idempotent producer too.
fn idempotence(producer: &ProducerSettings, log: &LogSettings) -> Checked {
    if !producer.enable_idempotence {
        return Ok(());
    }
    let path = "producer.enable_idempotence";
    let refused = |why: String, help: &str| broken_with_help(path, why, help);
    if producer.strategy != ProducerStrategy::Confirmed {
        let why = "an idempotent producer waits for answers".to_owned();
        return refused(why, "write strategy = \"confirmed\", or remove `enable_idempotence`");
    }
    if log.partitions_added.is_some() {
        let why =
            "how an idempotent producer goes on in a growing topic is not simulated".to_owned();
        return refused(why, "remove `enable_idempotence`, or log.partitions_added");
    }
    if producer.retries == 0 {
        let why = "an idempotent producer tries again; `retries` is 0".to_owned();
        return refused(why, "write retries = 1 or more, or remove `enable_idempotence`");
    }
    let in_flight = producer.max_in_flight;
    if in_flight > MOST_IDEMPOTENT {
        let why = format!(
            "`max_in_flight` is {in_flight}; the broker remembers {MOST_IDEMPOTENT} batches of an \
             idempotent producer"
        );
        return refused(why, "write max_in_flight = 5 or less, or remove `enable_idempotence`");
    }
    Ok(())
}
