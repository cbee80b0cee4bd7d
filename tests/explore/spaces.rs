//! Small spaces to explore.

use entrega_model::SubscriptionId;
use entrega_scenario::Scenario;
use entrega_scenario::workload::{Planner, Workload};
use entrega_sim::explore::{Scope, Space};

/// A scenario in a small scope, with what is tried in it.
pub(crate) struct Small {
    pub(crate) name: &'static str,
    pub(crate) scenario: Scenario,
    pub(crate) workload: Workload,
    pub(crate) space: Space,
}

fn small(name: &'static str, faults: &str, scope: (u32, u32), budget: (u8, u8)) -> Small {
    small_with(&[], name, faults, scope, budget)
}

/// The same with other settings.
fn small_with(
    set: &[(&str, &str)],
    name: &'static str,
    faults: &str,
    scope: (u32, u32),
    budget: (u8, u8),
) -> Small {
    let text = format!(
        "[workload]\nkeys = 1\n[[subscriptions]]\nname = \"reader\"\nconsumers = {}\n\
         [consumer]\nprefetch = 2\nsettle_every = 2\nrequest_timeout = \"1s\"\n\
         [log]\nsession_timeout = \"6s\"\nauto_offset_reset = \"earliest\"\n\
         [queue]\nvisibility_timeout = \"10s\"\n[faults]\n{faults}",
        scope.1
    );
    let set: Vec<_> =
        set.iter().map(|(path, value)| ((*path).to_owned(), (*value).to_owned())).collect();
    let loaded = Scenario::parse("small", &text, &set, &|_| Err(String::new()));
    let loaded = loaded.expect("a scenario");
    let scope = Scope {
        subscription: SubscriptionId(0),
        messages: scope.0,
        consumers: scope.1,
        partitions: 1,
    };
    let scenario = scope.of(&loaded.scenario);
    let workload = Planner::new(&scenario).plan(None, 1);
    let space = Space::of(&scenario, budget.0, budget.1);
    Small { name, scenario, workload, space }
}

/// Nothing goes wrong, but what happens at one instant may come in another order.
pub(crate) fn calm(scope: (u32, u32), preemptions: u8) -> Small {
    small("calm", "", scope, (0, preemptions))
}

/// A request timeout of 10s ends when a lease does, which begins with it.
const ENDS_WITH_LEASE: &[(&str, &str)] = &[("consumer.request_timeout", "10s")];

/// What a restart sends again, each send under an id of its own.
const OUTBOX: &[(&str, &str)] = &[
    ("producer.outbox", "true"),
    ("producer.request_timeout", "1s"),
    ("producer.retries", "0"),
    ("producer.publish_id", "send"),
    ("queue.dedup_window", "1min"),
];

/// What a job sends again too, while another send is under way.
const JOB: &[(&str, &str)] = &[
    ("producer.outbox", "true"),
    ("producer.resend_after", "5s"),
    ("producer.max_in_flight", "2"),
    ("producer.request_timeout", "1s"),
    ("producer.retries", "0"),
];

/// A queue as JetStream is one.
const LATE: &[(&str, &str)] = &[
    ("queue.late_settle", "honoured"),
    ("queue.requeue_position", "front"),
    ("queue.delivery_limit", "2"),
    ("queue.limit_checked", "at-delivery"),
    ("queue.at_limit", "keep"),
];

/// A queue that lets messages wait before it delivers them again.
const DELAYED: &[(&str, &str)] = &[
    ("queue.redelivery_delay", "{ after = '3s' }"),
    ("queue.repeated_settle", "closes-channel"),
    ("queue.delivery_limit", "2"),
    ("queue.limit_counts", "['expiry', 'disconnect']"),
];

/// Sinks that recognise what they have had, for ever and for less, and leases that are renewed.
pub(crate) fn sinks_and_leases() -> Vec<Small> {
    let faults = "effect.before = { crash = 0.1 }\neffect.after = { crash = 0.1 }\n\
                  settle.request = { lost = 0.1 }\nhandler.slow = { slow = 0.1 }\n\
                  process.stall = { before = 0.1, after = 0.1 }\n";
    let copies = "send.response = { lost = 0.1 }\nsettle.after = { crash = 0.1 }\n";
    let of = |name, set: &[(&str, &str)]| small_with(set, name, faults, (2, 2), (1, 1));
    let window = ("sink.dedup_window", "8s");
    let room = ("sink.dedup_entries", "1");
    let renewal = ("consumer.lease_renewal", "4s");
    let queue = ("models", "['queue']");
    vec![
        of("atomic", &[("sink.dedup", "atomic"), window]),
        of("room for one", &[("sink.dedup", "atomic"), room]),
        of("check then write", &[("sink.dedup", "check-then-write"), window]),
        of("memory", &[("sink.dedup", "process-memory"), window]),
        of("memory for one", &[("sink.dedup", "process-memory"), room]),
        small_with(&[("sink.dedup", "process-memory")], "copies", copies, (2, 1), (2, 0)),
        of("workers whose supervisor settles", &[queue, ("consumer.worker_lost", "settle")]),
        of("workers whose supervisor gives back", &[queue, ("consumer.worker_lost", "requeue")]),
        of("renewal", &[renewal]),
        of("renewal of a buffer", &[renewal, ("consumer.receive_ahead", "true")]),
    ]
}

/// Two replicas on slow disks, of which one in sync is enough, and either may lead.
const REPLICAS: &[(&str, &str)] = &[
    ("log.replicas", "2"),
    ("log.replica_delay", "1s"),
    ("log.replica_lag_max", "3s"),
    ("log.unclean_leader_election", "true"),
    ("log.flush_interval", "5s"),
    ("producer.request_timeout", "4s"),
    ("times.replica_away", "8s"),
];

/// A queue that flushes every few seconds.
const FORGETS: &[(&str, &str)] =
    &[("queue.broker_restart", "{ forgets = ['messages', 'settles'], of_the_last = '5s' }")];

/// A queue that gives up soon, and keeps what it gives up until that is confirmed.
const CONFIRMED: &[(&str, &str)] = &[
    ("queue.delivery_limit", "1"),
    ("queue.dead_letter", "true"),
    ("queue.dead_letter_strategy", "at-least-once"),
    ("queue.redrive", "{ after = '1min' }"),
    ("consumer.on_error", "crash"),
];

/// The same, without waiting for a confirmation.
const UNCONFIRMED: &[(&str, &str)] =
    &[("queue.delivery_limit", "1"), ("queue.dead_letter", "true")];

/// A queue that holds copies back, and gives a message up after the second delivery.
const COPIES: &[(&str, &str)] = &[
    ("models", "['queue']"),
    ("consumer.on_error", "retry-topic"),
    ("consumer.max_attempts", "2"),
    ("producer.request_timeout", "1s"),
];

/// Every kind of fault, alone or in pairs.
pub(crate) fn all() -> Vec<Small> {
    let crashes = "effect.before = { crash = 0.1 }\neffect.after = { crash = 0.1 }\n\
                   settle.after = { crash = 0.1 }\n";
    let settles = "settle.request = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n\
                   settle.response = { lost = 0.1 }\n";
    let delays = "process.stall = { before = 0.1, after = 0.1 }\nhandler.slow = { slow = 0.1 }\n";
    let errors = "handler.error = { transient = 0.1 }\nmessage.poison = { poison = 0.1 }\n";
    let kills = "message.poison = { kills = 0.1 }\neffect.after = { crash = 0.1 }\n";
    let sends = "send.request = { lost = 0.1, late = 0.1, duplicated = 0.1 }\nsend.response = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n\
                 broker.restart = { restart = 0.1 }\n";
    let receives = "receive.request = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n\
                    receive.response = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n";
    let effects = "effect.request = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n\
                   effect.response = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n";
    let letters = "message.poison = { poison = 0.1 }\n\
                   dead_letter.request = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n\
                   dead_letter.response = { lost = 0.1, late = 0.1, duplicated = 0.1 }\n\
                   dead_letter.after = { crash = 0.1 }\n";
    let connections = "connection.lost = { before = 0.1, after = 0.1 }\n";
    let outages =
        "sink.outage = { refuses = 0.1, silent = 0.1 }\nbroker.outage = { silent = 0.1 }\n";
    let late = format!("{delays}{connections}");
    let rebalances = "group.rebalance = { after = 0.1 }\nhandler.slow = { slow = 0.1 }\n";
    let shutdowns = "process.shutdown = { drain = 0.1, abandon = 0.1 }\n\
                     handler.slow = { slow = 0.1 }\n";
    let failures = "broker.failover = { crash = 0.1, poweroff = 0.1, blackout = 0.1 }\n";
    let lags = "broker.failover = { crash = 0.1 }\nreplica.lag = { next = 0.1, all = 0.1 }\n";
    let dies = "send.before = { crash = 0.1 }\nsend.after = { crash = 0.1 }\n";
    let resends = format!("{dies}send.response = {{ lost = 0.1 }}\n");
    let restarts = "broker.restart = { restart = 0.1 }\neffect.after = { crash = 0.1 }\n";
    let transfers = "dead_letter.transfer = { lost = 0.1 }\neffect.after = { crash = 0.1 }\n";
    let confirmed = "dead_letter.transfer = { lost = 0.1, duplicated = 0.1 }\n\
                     effect.after = { crash = 0.1 }\n\
                     handler.error = { transient = 0.1 }\n";
    let copies_lost = "handler.error = { transient = 0.1 }\nmessage.poison = { poison = 0.1 }\n\
                       send.request = { lost = 0.1, duplicated = 0.1 }\n\
                       send.response = { lost = 0.1 }\n";
    let copies = format!("{copies_lost}send.after = {{ crash = 0.1 }}\n{settles}{effects}");
    vec![
        small("shutdowns", shutdowns, (2, 1), (2, 0)),
        small("shutdowns of two", shutdowns, (2, 2), (1, 1)),
        small("crashes", crashes, (2, 2), (2, 0)),
        small("settles", &format!("{crashes}{settles}"), (2, 1), (2, 0)),
        small("delays", &format!("{crashes}{delays}"), (2, 2), (2, 0)),
        small("orders", crashes, (2, 2), (1, 1)),
        small("sends", sends, (2, 1), (2, 0)),
        small("errors", &format!("{crashes}{errors}"), (2, 1), (1, 0)),
        small_with(&[("limits.steps", "200")], "killing", kills, (2, 2), (1, 0)),
        small("receives", receives, (2, 2), (1, 0)),
        small("effects", effects, (2, 1), (2, 0)),
        small("letters", letters, (2, 1), (1, 0)),
        small("connections", connections, (2, 2), (2, 0)),
        small("outages", outages, (2, 2), (2, 0)),
        small_with(LATE, "late settles that count", &late, (2, 2), (1, 0)),
        small_with(DELAYED, "delayed returns", &late, (2, 2), (2, 0)),
        small("rebalances before", "group.rebalance = { before = 0.1 }\n", (2, 2), (2, 0)),
        small("rebalances after", rebalances, (2, 2), (2, 0)),
        small(
            "late settles",
            "settle.response = { late = 0.1, duplicated = 0.1 }\n",
            (2, 1),
            (2, 0),
        ),
        small_with(ENDS_WITH_LEASE, "deadlines", settles, (2, 2), (1, 1)),
        small("one after the other", &format!("{crashes}{settles}"), (3, 1), (1, 0)),
        small_with(REPLICAS, "failures of a leader", failures, (2, 1), (1, 0)),
        small_with(REPLICAS, "failures after a lag", lags, (1, 1), (2, 0)),
        small_with(CONFIRMED, "confirmed dead letters", confirmed, (2, 1), (2, 0)),
        small_with(UNCONFIRMED, "unconfirmed dead letters", transfers, (2, 2), (2, 0)),
        small_with(FORGETS, "a queue that forgets", restarts, (2, 1), (2, 0)),
        small_with(OUTBOX, "an outbox", &resends, (2, 1), (2, 0)),
        small_with(JOB, "a job that sends again", &resends, (2, 1), (2, 0)),
        small("no outbox", dies, (2, 2), (1, 1)),
        small_with(COPIES, "copies to be tried later", &copies, (2, 1), (2, 0)),
        small_with(COPIES, "copies for two", copies_lost, (2, 2), (1, 1)),
    ]
}
