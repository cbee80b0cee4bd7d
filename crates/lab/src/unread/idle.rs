//! Settings that nothing reads, whatever the strategy: those of a broker that is not run, of a sink
//! that leaves no choice, of a producer that waits for no answer, of a limit that is not set, and
//! the times of faults that cannot happen.

use entrega_clients::Strategy;
use entrega_model::Model;
use entrega_scenario::points::{self, Act};
use entrega_scenario::{
    AutoOffsetReset, Change, Dedup, ProducerStrategy, SubscriptionSettings, Written,
};

use crate::configuration::Configuration;
use crate::loaded::LoadedScenario;

/// The settings of `[consumer]` that only the client library of a queue reads.
const OF_QUEUES: [&str; 5] =
    ["receive_ahead", "lease_renewal", "worker_lost", "claim_min_idle", "restart_reads_own"];

/// Why a setting changes nothing, and what would let it; none if it may change something.
pub(super) fn why(
    loaded: &LoadedScenario,
    written: &Written,
    run: &[Configuration],
) -> Option<(String, String)> {
    let (table, setting) = written.path.split_once('.')?;
    let help = match table {
        "log" => {
            of_broker(loaded, written, run, Model::Log).or_else(|| of_log(loaded, setting, run))
        }
        "queue" => {
            of_broker(loaded, written, run, Model::Queue).or_else(|| of_queue(loaded, setting, run))
        }
        "consumer" if OF_QUEUES.contains(&setting) => of_broker(loaded, written, run, Model::Queue),
        "sink" => of_sink(loaded, written, run).or_else(|| of_keys(loaded, setting)),
        "consumer"
            if ["group_instance_id", "assignor", "rebalance_protocol"].contains(&setting) =>
        {
            of_broker(loaded, written, run, Model::Log)
        }
        "producer" | "consumer" if setting == "metadata_refresh" => {
            of_broker(loaded, written, run, Model::Log).or_else(|| of_a_constant_topic(loaded))
        }
        "producer" if setting == "enable_idempotence" => {
            of_broker(loaded, written, run, Model::Log)
        }
        "producer" if setting == "publish_id" => {
            of_broker(loaded, written, run, Model::Queue).or_else(|| of_known_ids(loaded))
        }
        "producer" => of_producer(loaded, setting),
        "times" => of_fault(loaded, setting),
        _ => None,
    };
    let help = help?;
    Some((format!("`{}` changes nothing here", written.path), help))
}

/// Of a setting in a file, the models that the file names count too.
fn of_broker(
    loaded: &LoadedScenario,
    written: &Written,
    run: &[Configuration],
    model: Model,
) -> Option<String> {
    let is_run = run.iter().any(|one| one.model == model);
    let is_named = !written.is_override && loaded.scenario.models.contains(&model);
    (!is_run && !is_named).then(|| format!("the {model} would read it, and does not run"))
}

/// Of a setting in a file, the strategies that the file names count too.
fn of_sink(loaded: &LoadedScenario, written: &Written, run: &[Configuration]) -> Option<String> {
    let looks = |one: &Strategy| {
        let sink = one.spec().sink;
        !sink.keeps_progress() && !sink.is_broker()
    };
    let is_read = run.iter().any(|one| looks(&one.strategy));
    let is_named = !written.is_override && loaded.scenario.strategies.iter().any(looks);
    (!is_read && !is_named).then(|| {
        "neither a sink that keeps the consumer's progress nor a broker looks for keys; every other \
         strategy's sink would"
            .to_owned()
    })
}

/// What a sink recognises by, and for how long, matters where it recognises something.
fn of_keys(loaded: &LoadedScenario, setting: &str) -> Option<String> {
    let sink = &loaded.scenario.sink;
    let is_of_keys = ["dedup_window", "dedup_entries", "dedup_key"].contains(&setting);
    let is_left_out = match setting {
        "dedup_window" => sink.dedup_window.is_none(),
        "dedup_entries" => sink.dedup_entries.is_none(),
        _ => false,
    };
    (is_of_keys && !is_left_out && sink.dedup == Dedup::None).then(|| {
        "a sink with `sink.dedup` = \"atomic\", \"check-then-write\" or \"process-memory\" would \
         read it"
            .to_owned()
    })
}

fn of_log(loaded: &LoadedScenario, setting: &str, run: &[Configuration]) -> Option<String> {
    let by_duration = loaded.scenario.log.auto_offset_reset == AutoOffsetReset::ByDuration;
    let transacts = has_transactions(loaded, run);
    let is_forgotten = !loaded.scenario.producer.enable_idempotence && !transacts;
    match setting {
        "transaction_version" if !transacts => {
            Some("the strategy `transactional` would read it".to_owned())
        }
        "auto_offset_reset_duration" if !by_duration => {
            Some("`log.auto_offset_reset = \"by-duration\"` would read it".to_owned())
        }
        "producer_id_expiration" if is_forgotten => Some(
            "the log remembers idempotent producers; with `producer.enable_idempotence = true` \
             this one would be"
                .to_owned(),
        ),
        _ => None,
    }
}

/// Whether some strategy, of the file or chosen, writes its effects to the broker.
fn has_transactions(loaded: &LoadedScenario, run: &[Configuration]) -> bool {
    let chosen = run.iter().map(|one| one.strategy);
    let mut all = loaded.scenario.strategies.iter().copied().chain(chosen);
    all.any(|one| one.spec().sink.is_broker())
}

fn of_a_constant_topic(loaded: &LoadedScenario) -> Option<String> {
    let grows = loaded.scenario.log.partitions_added.is_some();
    (!grows).then(|| "with `log.partitions_added` there would be something to learn".to_owned())
}

fn of_queue(loaded: &LoadedScenario, setting: &str, run: &[Configuration]) -> Option<String> {
    let queue = &loaded.scenario.queue;
    let chosen = run.iter().map(|one| one.strategy);
    let mut chosen = loaded.scenario.strategies.iter().copied().chain(chosen);
    let is_never_full = queue.max_length.is_none();
    let gives_up = !is_never_full || queue.delivery_limit.is_some() || chosen.any(rejects);
    match setting {
        "atomic_publish" if !has_transactions(loaded, run) => {
            Some("the strategy `transactional` would read it".to_owned())
        }
        "overflow" if is_never_full => {
            Some("a queue without `queue.max_length` is never full".to_owned())
        }
        "max_in_flight_scope" | "acquire_mode" if queue.max_in_flight.is_none() => {
            Some("a queue without `queue.max_in_flight` has no cap".to_owned())
        }
        "due_time" if loaded.scenario.workload.wait().is_none() => Some(
            "no message is due later; with `workload.due_after`, or a column `not_before` in its \
             file, one would be"
                .to_owned(),
        ),
        "dedup_entries" if queue.dedup_window.is_none() => {
            Some("a queue without `queue.dedup_window` remembers no ids".to_owned())
        }
        "dead_letter" if !gives_up => {
            let rejecting = Strategy::ALL.into_iter().filter(|one| rejects(*one));
            let rejecting: Vec<&str> = rejecting.map(Strategy::name).collect();
            Some(format!(
                "this queue gives nothing up; with `queue.delivery_limit`, `queue.max_length` or {} \
                 it would",
                rejecting.join(" or ")
            ))
        }
        _ => None,
    }
}

/// Whether a strategy rejects what fails: a log has no such thing.
fn rejects(strategy: Strategy) -> bool {
    !strategy.supports(Model::Log) && strategy.spec().declares_dead_letters
}

/// An id matters where a queue remembers it.
fn of_known_ids(loaded: &LoadedScenario) -> Option<String> {
    let is_known = loaded.scenario.queue.dedup_window.is_some();
    (!is_known).then(|| "a queue with `queue.dedup_window` would read it".to_owned())
}

fn of_producer(loaded: &LoadedScenario, setting: &str) -> Option<String> {
    let buffers = ["batch_size", "flush_on_close"].contains(&setting);
    if buffers && !loaded.scenario.producer.is_buffered() {
        return Some("the producer has no buffer; with `producer.linger` it would".to_owned());
    }
    let waits = loaded.scenario.producer.strategy == ProducerStrategy::Confirmed;
    let asks = ["request_timeout", "retries", "retry_backoff", "max_in_flight"].contains(&setting);
    (asks && !waits).then(|| {
        "the producer waits for no answer; with `producer.strategy = \"confirmed\"` it would"
            .to_owned()
    })
}

fn of_fault(loaded: &LoadedScenario, setting: &str) -> Option<String> {
    let (acts, names): (&[Act], &str) = match setting {
        "stall" | "stall_distribution" => (&[Act::StallBefore, Act::StallAfter], "`process.stall`"),
        "grace" => (&[Act::Drain, Act::Abandon], "`process.shutdown`"),
        "slow" => (&[Act::Slow], "`handler.slow`"),
        "late" => (&[Act::Late], "a request or an answer that is `late`"),
        "broker_restart" => (
            &[Act::Restart, Act::LeaderCrash, Act::LeaderPoweroff],
            "`broker.restart` or `broker.failover`",
        ),
        "replica_away" => (
            &[Act::LeaderCrash, Act::LeaderPoweroff, Act::Blackout, Act::NextLags, Act::AllLag],
            "`broker.failover` or `replica.lag`",
        ),
        "outage" => (&[Act::Refuses, Act::Silent], "`sink.outage` or `broker.outage`"),
        _ => return None,
    };
    let named = loaded.scenario.named_faults();
    let mut kinds = named.iter().filter_map(|&(point, value)| points::kind_of(point, value));
    let can_happen = kinds.any(|(_, act)| acts.contains(&act));
    let mut all = loaded.scenario.subscriptions.iter();
    let leaves =
        |one: &SubscriptionSettings| one.changes.iter().any(|change| change.what == Change::Leaves);
    let asks_to_stop = |one: &SubscriptionSettings| one.rolling_restart.is_some() || leaves(one);
    let is_deployed = setting == "grace" && all.any(asks_to_stop);
    (!can_happen && !is_deployed)
        .then(|| format!("the scenario names no fault that takes so long: {names}"))
}

#[cfg(test)]
mod tests {
    use entrega_sim::digest::Digest;

    use super::*;
    use crate::run;
    use crate::unread::warnings;

    /// A scenario in which something goes wrong everywhere.
    const WORLD: &str = "workload = { messages = 60, arrivals = { distribution = 'constant', \
        rate_per_second = 100 } }\nsubscriptions = [{ name = 'mailer', service_time = { distribution = \
        'constant', value = '30ms' } }]\nlog.auto_offset_reset = 'earliest'\n";

    type Set = &'static [(&'static str, &'static str)];

    /// A setting with another value than the default, and what lets it change something.
    const SETTINGS: [(&str, &str, Set); 17] = [
        ("queue.overflow", "reject-publish", &[("queue.max_length", "3")]),
        (
            "queue.dead_letter",
            "true",
            &[
                ("queue.delivery_limit", "1"),
                ("queue.visibility_timeout", "1s"),
                ("consumer.on_error", "skip"),
                ("faults.message.poison.poison", "1/5"),
            ],
        ),
        (
            "producer.retries",
            "0",
            &[("producer.request_timeout", "1s"), ("faults.send.request.lost", "1/3")],
        ),
        (
            "producer.max_in_flight",
            "5",
            &[("producer.request_timeout", "1s"), ("faults.send.request.lost", "1/3")],
        ),
        ("producer.batch_size", "1", &[("producer.linger", "1s")]),
        ("producer.flush_on_close", "false", &[("producer.linger", "1s")]),
        (
            "queue.dedup_entries",
            "1",
            &[
                ("queue.dedup_window", "1h"),
                ("producer.max_in_flight", "5"),
                ("producer.request_timeout", "1s"),
                ("faults.send.response.lost", "1/3"),
            ],
        ),
        (
            "queue.max_in_flight_scope",
            "consumer",
            &[("queue.max_in_flight", "1"), ("subscriptions.0.consumers", "2")],
        ),
        ("queue.due_time", "worker", &[("workload.due_after", "5s")]),
        (
            "sink.dedup_entries",
            "1",
            &[("sink.dedup", "atomic"), ("queue.visibility_timeout", "20ms")],
        ),
        ("times.stall", "3s", &[("faults.process.stall.before", "1/10")]),
        ("times.slow", "3s", &[("faults.handler.slow.slow", "1/10")]),
        ("times.late", "3s", &[("faults.settle.request.late", "1/10")]),
        ("times.broker_restart", "2min", &[("faults.broker.restart.restart", "1/10")]),
        ("times.grace", "5ms", &[("faults.process.shutdown.drain", "1/10")]),
        ("times.grace", "5ms", &[("subscriptions.0.rolling_restart", "{ at = '115ms' }")]),
        ("queue.visibility_timeout", "20ms", &[("seeds", "1")]),
    ];

    const QUEUE: Configuration =
        Configuration { model: Model::Queue, strategy: Strategy::ProcessThenSettle };

    fn loaded(set: &[(&str, &str)]) -> LoadedScenario {
        let own = |&(path, value): &(&str, &str)| (path.to_owned(), value.to_owned());
        let set: Vec<_> = set.iter().map(own).collect();
        LoadedScenario::load("x.toml", WORLD, &set, &|_| Err(String::new())).expect("a scenario")
    }

    fn digest(set: &[(&str, &str)]) -> Digest {
        run::run(&loaded(set), QUEUE, 3).digest
    }

    fn is_warned_of(path: &str, set: &[(&str, &str)]) -> bool {
        let said = warnings(&loaded(set), [QUEUE]);
        said.iter().any(|one| one.contains(&format!("`{path}` changes nothing")))
    }

    /// Where nothing is said a setting matters, and where something is said it does not.
    #[test]
    fn exactly_what_changes_nothing_is_warned_of() {
        for (path, value, with) in SETTINGS {
            let changed = [with, &[(path, value)]].concat();
            assert!(!is_warned_of(path, &changed), "{path}");
            assert_ne!(digest(with).to_string(), digest(&changed).to_string(), "{path}");
            let always = path == "queue.visibility_timeout";
            let forgets = ("producer.strategy", "fire-and-forget");
            let alone = [forgets, (path, value)];
            assert_eq!(is_warned_of(path, &alone), !always, "{path}");
            let same = digest(&[forgets]).to_string() == digest(&alone).to_string();
            assert_eq!(same, !always, "{path}");
        }
    }

    #[test]
    fn what_is_said_of_a_broker_that_does_not_run() {
        let of = |set: &[(&str, &str)]| warnings(&loaded(set), [QUEUE]);
        assert_eq!(of(&[]), [""; 0], "the file names both models");
        let said = of(&[("log.partitions", "3")]).join("");
        assert!(said.contains("the log would read it, and does not run"), "{said}");
        assert_eq!(of(&[("consumer.receive_ahead", "true")]), [""; 0]);
        let log = Configuration { model: Model::Log, ..QUEUE };
        let said = warnings(&loaded(&[("consumer.receive_ahead", "true")]), [log]).join("");
        assert!(said.contains("the queue would read it, and does not run"), "{said}");
        let duration = ("log.auto_offset_reset_duration", "1h");
        let said = warnings(&loaded(&[duration]), [log]).join("");
        assert!(said.contains("by-duration\"` would read it"), "{said}");
        let by_duration = ("log.auto_offset_reset", "by-duration");
        assert_eq!(warnings(&loaded(&[by_duration, duration]), [log]), [""; 0]);
        let refresh = ("consumer.metadata_refresh", "1min");
        let said = warnings(&loaded(&[refresh]), [log]).join("");
        assert!(said.contains("with `log.partitions_added` there would be"), "{said}");
        let grows = ("log.partitions_added", "{ at = '1s', to = 2 }");
        assert_eq!(warnings(&loaded(&[refresh, grows]), [log]), [""; 0]);
        let said = of(&[("models", "queue")]).join("");
        assert!(said.contains("`log.auto_offset_reset` changes nothing"), "{said}");
    }

    #[test]
    fn what_is_said_of_a_sink_that_keeps_progress() {
        let keeps = Configuration { strategy: Strategy::ProgressWithEffect, ..QUEUE };
        let atomic = loaded(&[("sink.dedup", "atomic")]);
        assert_eq!(warnings(&atomic, [QUEUE]), [""; 0]);
        assert_eq!(warnings(&atomic, [keeps, QUEUE]), [""; 0]);
        let said = warnings(&atomic, [keeps]).join("");
        assert!(said.contains("`sink.dedup` changes nothing here"), "{said}");
        let writes = Configuration { strategy: Strategy::Transactional, ..QUEUE };
        let said = warnings(&atomic, [writes]).join("");
        assert!(said.contains("`sink.dedup` changes nothing here"), "{said}");
    }

    /// Recognising nothing, a sink has no use for the bounds of it, until they are left out too.
    #[test]
    fn what_is_said_of_a_sink_that_recognises_nothing() {
        let of = |window| warnings(&loaded(&[("sink.dedup_window", window)]), [QUEUE]).join("");
        assert!(of("1h").contains("`sink.dedup_window` changes nothing here"), "{}", of("1h"));
        assert_eq!(of("none"), "");
    }
}
