//! What a scenario with the strategy `transactional` may say.

use entrega_clients::Strategy;
use entrega_model::Model;

use super::super::{Dedup, Scenario, TransactionOffsets};
use super::{Checked, broken_with_help, not_zero, within};

pub(super) fn check(scenario: &Scenario) -> Checked {
    within("log.transaction_version", scenario.log.transaction_version)?;
    not_zero("consumer.transaction_timeout", scenario.consumer.transaction_timeout)?;
    let writes = |one: &&Strategy| one.spec().sink.is_broker();
    match scenario.strategies.iter().find(writes) {
        Some(strategy) => of_strategy(scenario, *strategy),
        None => Ok(()),
    }
}

fn of_strategy(scenario: &Scenario, strategy: Strategy) -> Checked {
    if scenario.sink.dedup != Dedup::None {
        return broken_with_help(
            "sink.dedup",
            format!("`{strategy}` writes its effects to the broker, and no sink looks for a key"),
            format!("leave `dedup` out, or `{strategy}` out of `strategies`"),
        );
    }
    let is_product = scenario.profile.is_some();
    let is_ideal = scenario.queue.atomic_publish && !is_product;
    if scenario.models.contains(&Model::Queue) && !is_ideal {
        return broken_with_help(
            "queue.atomic_publish",
            format!(
                "on a queue `{strategy}` settles and publishes in one step, which this one cannot"
            ),
            format!(
                "write models = [\"log\"], or leave `{strategy}` out of `strategies`; no product \
                 has such a queue"
            ),
        );
    }
    let has_checkpoints = scenario.consumer.transaction_offsets == TransactionOffsets::Checkpoint;
    if scenario.models.contains(&Model::Queue) && has_checkpoints {
        return broken_with_help(
            "consumer.transaction_offsets",
            format!(
                "on a queue `{strategy}` settles and publishes in one step: nothing is prepared"
            ),
            "write models = [\"log\"], or transaction_offsets = \"in-transaction\"",
        );
    }
    if scenario.models.contains(&Model::Queue) && scenario.consumer.lease_renewal.is_some() {
        return broken_with_help(
            "consumer.lease_renewal",
            format!("what `{strategy}` has settled on a queue its library would renew for ever"),
            format!("leave it out, or `{strategy}` out of `strategies`"),
        );
    }
    if scenario.models.contains(&Model::Log) && scenario.log.replicas > 1 {
        return broken_with_help(
            "log.replicas",
            format!(
                "what `{strategy}` writes is not replicated here, so no election is tried on it"
            ),
            format!("write replicas = 1, or leave `{strategy}` out of `strategies`"),
        );
    }
    let on_error = scenario.consumer.on_error;
    if on_error.may_dead_letter() {
        return broken_with_help(
            "consumer.on_error",
            format!("the dead letters are no part of the transactions of `{strategy}`"),
            "write retry, skip-and-settle or crash",
        );
    }
    Ok(())
}
