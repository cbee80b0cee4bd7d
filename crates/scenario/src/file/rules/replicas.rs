//! The rules of what is replicated: `[log]`, the producer's `acks`, and the faults of replicas.

use super::super::{Acks, LogSettings, ProducerSettings, ProducerStrategy, Scenario};
use super::{Checked, broken_with_help, not_zero, within};
use crate::points::{Site, describe};

/// What may be said of replicas.
pub(super) fn check(scenario: &Scenario) -> Checked {
    replicas(&scenario.log)?;
    acks(&scenario.producer)?;
    faults(scenario)
}

fn replicas(log: &LogSettings) -> Checked {
    within("log.replicas", log.replicas)?;
    within("log.min_insync_replicas", log.min_insync_replicas)?;
    not_zero("log.replica_lag_max", log.replica_lag_max)?;
    if log.min_insync_replicas > log.replicas {
        return broken_with_help(
            "log.min_insync_replicas",
            format!(
                "`min_insync_replicas` is {}, and there are {} replicas: nothing could be stored",
                log.min_insync_replicas, log.replicas
            ),
            format!("write {} or less, or more `replicas`", log.replicas),
        );
    }
    if log.unclean_leader_election && log.replicas == 1 {
        return broken_with_help(
            "log.unclean_leader_election",
            "there is one replica, so no other could lead",
            "write replicas = 2 or more, or remove `unclean_leader_election`",
        );
    }
    if log.replicas > 1 && log.replica_delay >= log.replica_lag_max {
        return broken_with_help(
            "log.replica_delay",
            format!(
                "a follower has a record after {}, and is out of sync after {}",
                log.replica_delay, log.replica_lag_max
            ),
            "write a `replica_delay` that is shorter than `replica_lag_max`",
        );
    }
    Ok(())
}

fn acks(producer: &ProducerSettings) -> Checked {
    let waits = producer.strategy == ProducerStrategy::Confirmed;
    match producer.acks {
        Some(Acks::None) if waits => broken_with_help(
            "producer.acks",
            "with acks = \"0\" nothing is confirmed",
            "write strategy = \"fire-and-forget\", or acks = \"1\" or \"all\"",
        ),
        Some(Acks::Leader | Acks::All) if !waits => broken_with_help(
            "producer.acks",
            "a producer that waits for no answer has acks = \"0\"",
            "write strategy = \"confirmed\", or leave `acks` out",
        ),
        Some(Acks::Leader) if producer.enable_idempotence => broken_with_help(
            "producer.acks",
            "an idempotent producer needs acks = \"all\"",
            "leave one of the two out",
        ),
        Some(_) | None => Ok(()),
    }
}

/// Nothing befalls replicas that do not exist.
fn faults(scenario: &Scenario) -> Checked {
    let mut named = scenario.named_faults().into_iter().map(|(point, _)| describe(point).0);
    let Some(info) = named.find(|info| info.site.is_of_replicas()) else { return Ok(()) };
    let is_alone = scenario.log.replicas == 1;
    if scenario.log.is_replicated() && !(is_alone && info.site == Site::Followers) {
        return Ok(());
    }
    let by_script = scenario.script.iter().position(|one| one.point == info.name);
    let path = by_script.map_or(format!("faults.{}", info.name), |at| format!("script.{at}.point"));
    broken_with_help(
        path,
        format!("`{}` befalls a log with replicas, and this one has none", info.name),
        "write log.replicas = 2 or more; for a log of one, `broker.restart`",
    )
}
