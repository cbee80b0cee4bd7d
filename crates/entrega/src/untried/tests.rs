//! Each comparison at its threshold: just below it says nothing, and at it names its numbers.

mod beyond;
mod flushed;
mod groups;
mod outages;
mod queues;

use entrega_clients::Strategy;
use entrega_model::{Duration, Model, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::points::{FaultKind, kind, kinds};
use entrega_scenario::workload::{Extent, Planner};
use entrega_sim::explore::Scope;

use super::{Plan, Reader, Untried, warning};

/// Nothing on the way takes any time, so that a threshold is a round number.
const WORLD: &str = "workload = { messages = 6, arrivals = { distribution = 'constant', \
    rate_per_second = 1 } }\nsubscriptions = [{ name = 'reader', consumers = 2, service_time = { \
    distribution = 'constant', value = '1s' } }]\nnetwork = { latency = '0s', sink_latency = \
    '0s' }\nconsumer.prefetch = 1\nconsumer.request_timeout = '1ms'\n\
    times.late = '999us'\nlog.auto_offset_reset = 'earliest'\n";

type Set<'a> = &'a [(&'a str, &'a str)];

fn scenario(set: Set<'_>) -> Scenario {
    let set: Vec<(String, String)> =
        set.iter().map(|&(path, value)| (path.to_owned(), value.to_owned())).collect();
    let alone = |_: &str| Err(String::new());
    Scenario::parse("world.toml", WORLD, &set, &alone).expect("a scenario").scenario
}

fn untried(scenario: &Scenario, model: Model, reader: Reader, bounds: (u8, u8)) -> Untried {
    untried_of(scenario, model, reader, bounds, &kinds().collect::<Vec<_>>())
}

/// The same, with faults of these kinds alone.
fn untried_of(
    scenario: &Scenario,
    model: Model,
    reader: Reader,
    bounds: (u8, u8),
    kinds: &[FaultKind],
) -> Untried {
    let scope = Scope { subscription: SubscriptionId(0), messages: 3, consumers: 2, partitions: 1 };
    let extent = &Planner::new(scenario).extent(None, 1);
    let (faults, preemptions) = bounds;
    Untried::of(&Plan { scenario, extent, scope, model, reader, kinds, faults, preemptions })
}

const LOG: Model = Model::Log;
const QUEUE: Model = Model::Queue;

/// Without a fault.
fn of(model: Model, strategy: Strategy, set: Set<'_>) -> Untried {
    untried(&scenario(set), model, Reader::Catalogued(strategy), (0, 1))
}

/// With one fault of any kind.
fn with_a_fault(model: Model, strategy: Strategy, set: Set<'_>) -> Untried {
    untried(&scenario(set), model, Reader::Catalogued(strategy), (1, 1))
}

fn check(found: &Untried, expect: &[&str]) {
    let said = &found.not_tried;
    assert_eq!(said.len(), expect.len(), "{said:#?}");
    for (said, expect) in said.iter().zip(expect) {
        assert!(said.contains(expect), "{expect}\n{said}");
    }
}

const PLAIN: Strategy = Strategy::PLAIN;

#[test]
fn a_handler_that_outlasts_a_deadline_is_tried() {
    let lease = |span| [("queue.visibility_timeout", span)];
    let polls = |span| [("consumer.max_poll_interval", span)];
    let many = ["more than 2 handlers of one run"];
    let found = of(QUEUE, PLAIN, &lease("1s"));
    let why = "a service time of up to 1s reaches visibility_timeout (1s)";
    assert_eq!(found.slow.as_deref(), Some(why));
    check(&found, &many);
    assert_eq!(of(QUEUE, PLAIN, &lease("1001ms")), Untried::default());
    let renewed = |every| [lease("1s")[0], ("consumer.lease_renewal", every)];
    assert_eq!(of(QUEUE, PLAIN, &renewed("499ms")), Untried::default());
    assert_eq!(of(QUEUE, PLAIN, &renewed("500ms")), found, "a single renewal may be lost");
    let found = of(LOG, PLAIN, &polls("1s"));
    assert_eq!(
        found.slow.as_deref(),
        Some("a service time of up to 1s reaches max_poll_interval (1s)")
    );
    check(&found, &many);
    let on_a_log = |set: Set<'_>| {
        let found = of(LOG, PLAIN, set);
        (found.slow, found.not_tried)
    };
    assert_eq!(on_a_log(&polls("1001ms")), (None, vec![]));
    assert_eq!(on_a_log(&lease("1s")), (None, vec![]), "a log has no lease");
    assert_eq!(of(QUEUE, PLAIN, &polls("1s")), Untried::default(), "a queue has no polls");
    let automatic = Strategy::AutoSettleAtDelivery;
    assert_eq!(of(QUEUE, automatic, &lease("1ms")), Untried::default(), "nor an automatic ack");
}

/// A message needs its calls too, and a distribution without an end has a longest sample.
#[test]
fn the_longest_service_time_is_said_to_be_one() {
    let calls = [("network.latency", "10ms"), ("network.sink_latency", "5ms")];
    let check = |set: Set<'_>, expect: Option<&str>| {
        let found = of(QUEUE, PLAIN, &[set, &calls].concat());
        assert_eq!(found.slow.as_deref(), expect);
    };
    let lease = |span| ("queue.visibility_timeout", span);
    let said = "a service time of up to 1s and 60ms of calls reaches visibility_timeout (1.06s)";
    check(&[lease("1060ms")], Some(said));
    check(&[lease("1061ms")], None);
    let mean =
        ("subscriptions.0.service_time", "{ distribution = \"exponential\", mean = \"1s\" }");
    let found = of(QUEUE, PLAIN, &[mean, lease("9s")]).slow.expect("a reason");
    assert!(found.contains("up to 9.011s (the longest that is drawn;"), "{found}");
    check(&[mean, lease("9100ms")], None);
}

/// What is recorded replaces the distribution, where there is something.
#[test]
fn a_recorded_service_time_counts() {
    let second = 1_000_000_000;
    let check = |recorded: (u128, u64), longest, expect: Option<&str>| {
        let scenario = &scenario(&[("queue.visibility_timeout", "2s")]);
        let longest_recorded = Duration::from_millis(longest);
        let extent = &Extent { messages: 6, recorded, longest_recorded, ..Extent::default() };
        let scope =
            Scope { subscription: SubscriptionId(0), messages: 3, consumers: 2, partitions: 1 };
        let kinds: &[FaultKind] = &[];
        let (model, reader) = (QUEUE, Reader::Catalogued(PLAIN));
        let (faults, preemptions) = (0, 1);
        let plan = Plan { scenario, extent, scope, model, reader, kinds, faults, preemptions };
        assert_eq!(Untried::of(&plan).slow.as_deref(), expect);
    };
    let said = "a recorded service time of up to 2s reaches visibility_timeout (2s)";
    check((6 * second, 6), 2_000, Some(said));
    check((6 * second, 6), 1_999, None);
    check((second, 1), 500, None);
}

#[test]
fn messages_that_wait_in_the_client_add_up() {
    let set =
        |prefetch, lease| [("consumer.prefetch", prefetch), ("queue.visibility_timeout", lease)];
    let said = "4 messages (prefetch), one after another, with a service time of up to 1s each, \
                take up to 4s, and visibility_timeout is 4s";
    check(&of(QUEUE, PLAIN, &set("4", "4s")), &[said]);
    check(&of(QUEUE, PLAIN, &set("4", "4001ms")), &[]);
    check(&of(QUEUE, PLAIN, &set("100", "6001ms")), &[]);
    check(&of(QUEUE, PLAIN, &set("100", "6s")), &["6 messages (prefetch)"]);
    check(&of(LOG, PLAIN, &set("4", "4s")), &[]);
    let workers = |count, ordered, lease| {
        let own = [("consumer.workers", count), ("consumer.key_ordered", ordered)];
        of(QUEUE, Strategy::Parallel, &[&own[..], &set("4", lease)].concat())
    };
    check(&workers("2", "false", "2001ms"), &[]);
    check(&workers("2", "false", "2s"), &["2 at a time (workers)"]);
    check(&workers("2", "true", "4s"), &["one after another"]);
}

#[test]
fn a_consumer_that_collects_holds_messages_for_longer() {
    let set = |interval, lease| {
        [("consumer.settle_interval", interval), ("queue.visibility_timeout", lease)]
    };
    let every_n = |interval, lease| of(QUEUE, Strategy::SettleEveryN, &set(interval, lease));
    check(&every_n("3s", "5s"), &["settle_interval (3s) before they are settled, take up to 5s"]);
    check(&every_n("3s", "5001ms"), &[]);
    check(&every_n("6s", "5s"), &["settle_interval (6s) before they are settled"]);
    let at_once = ("workload.arrivals", "{ distribution = \"backlog\" }");
    let at_once = |interval| [&set(interval, "5s")[..], &[at_once]].concat();
    check(&of(QUEUE, Strategy::SettleEveryN, &at_once("5001ms")), &[]);
    check(&of(QUEUE, Strategy::SettleEveryN, &at_once("5s")), &["settle_interval (5s)"]);
    check(&of(QUEUE, PLAIN, &set("3s", "5s")), &[]);
}

#[test]
fn a_batch_adds_up_between_two_polls() {
    let set = |size, limit| [("consumer.batch_size", size), ("consumer.max_poll_interval", limit)];
    let batch = |size, limit| of(LOG, Strategy::MicroBatch, &set(size, limit));
    check(&batch("3", "3s"), &["3 messages with a service time of up to 1s each take up to 3s"]);
    check(&batch("3", "3001ms"), &[]);
    check(&batch("100", "6001ms"), &[]);
    check(&of(LOG, PLAIN, &set("3", "3s")), &[]);
}

#[test]
fn attempts_add_up_within_one_delivery() {
    let set = |lease| {
        [
            ("consumer.max_attempts", "3"),
            ("consumer.retry_backoff", "500ms"),
            ("queue.visibility_timeout", lease),
            ("consumer.max_poll_interval", lease),
        ]
    };
    let said =
        "3 attempts with a service time of up to 1s each and a backoff of 500ms take up to 4s";
    let dead = Strategy::DeadLetter;
    check(&with_a_fault(QUEUE, dead, &set("4s")), &["visibility_timeout (4s) has ended"]);
    check(&with_a_fault(LOG, dead, &set("4s")), &[said]);
    check(&with_a_fault(LOG, dead, &set("4001ms")), &[]);
    check(&of(LOG, dead, &set("4s")), &[]);
    let said = "2 attempts with a service time of up to 1s";
    check(&with_a_fault(LOG, PLAIN, &set("2500ms")), &[said]);
    check(&with_a_fault(LOG, PLAIN, &set("2501ms")), &[]);
    let own = |lease| untried(&scenario(&set(lease)), LOG, Reader::Own(PLAIN), (1, 0));
    check(&own("4s"), &["3 attempts"]);
    check(&own("4001ms"), &[]);
}

#[test]
fn a_rebalance_does_not_wait_for_ever() {
    let set = |span| [("log.rebalance_timeout", span)];
    check(&of(LOG, PLAIN, &set("1s")), &["reaches rebalance_timeout (1s)"]);
    check(&of(LOG, PLAIN, &set("1001ms")), &[]);
    check(&of(QUEUE, PLAIN, &set("1s")), &[]);
    let alone = [("subscriptions.0.consumers", "1"), ("log.rebalance_timeout", "1s")];
    check(&of(LOG, PLAIN, &alone), &[]);
    check(&with_a_fault(LOG, PLAIN, &alone), &["rebalance_timeout"]);
}

#[test]
fn a_rebalance_waits_for_what_is_fetched() {
    let set = |prefetch, span| [("consumer.prefetch", prefetch), ("log.rebalance_timeout", span)];
    let said = "what a client has fetched: 4 messages (prefetch), one after another, with a service \
                time of up to 1s each, take up to 4s, and reach rebalance_timeout (4s)";
    check(&of(LOG, PLAIN, &set("4", "4s")), &[said]);
    check(&of(LOG, PLAIN, &set("4", "4001ms")), &[]);
    check(&of(LOG, PLAIN, &set("100", "6001ms")), &[]);
    let workers = |span| [&set("4", span)[..], &[("consumer.workers", "2")]].concat();
    check(&of(LOG, Strategy::Parallel, &workers("2s")), &["2 at a time (workers)"]);
    check(&of(LOG, Strategy::Parallel, &workers("2001ms")), &[]);
}

#[test]
fn a_group_may_form_before_records_are_stored() {
    let latest = ("log.auto_offset_reset", "latest");
    let forgets = ("producer.strategy", "fire-and-forget");
    let said = ["records that are stored after the group has formed"];
    check(&of(LOG, PLAIN, &[latest, forgets]), &said);
    check(&of(QUEUE, PLAIN, &[latest, forgets]), &[]);
    let alone = ("subscriptions.0.consumers", "1");
    check(&of(LOG, PLAIN, &[latest]), &said);
    check(&of(LOG, PLAIN, &[latest, alone]), &[]);
    let one = ("workload.messages", "1");
    let later = ("workload.arrivals", "{ distribution = \"poisson\", rate_per_second = 1 }");
    check(&of(LOG, PLAIN, &[latest, alone, one, later]), &said);
    check(&of(LOG, PLAIN, &[latest, alone, one]), &[]);
    check(&of(LOG, PLAIN, &[("log.auto_offset_reset", "earliest"), forgets]), &[]);
    let before = ("workload.arrivals", "{ distribution = \"backlog\" }");
    check(&of(LOG, PLAIN, &[latest, forgets, before]), &[]);
    let may_come_first = |set: Set<'_>| of(LOG, PLAIN, set).group_may_come_first;
    assert!(may_come_first(&[latest]), "with any producer a loss need not be inevitable");
    assert!(!may_come_first(&[latest, one]), "what is sent at the beginning comes first");
    assert!(
        !may_come_first(&[latest, before]) && !of(QUEUE, PLAIN, &[latest]).group_may_come_first
    );
}

/// What is sent at once when all begins is stored while the consumers still join, unless its
/// producer waits for answers, jitter holds it up, or there is another burst.
#[test]
fn nothing_comes_after_a_group_if_all_is_sent_at_once() {
    let burst = |size: &'static str| ("workload.arrivals", size);
    let at_once = burst("{ distribution = \"burst\", burst_size = 6, every = \"1h\" }");
    let twice = burst("{ distribution = \"burst\", burst_size = 3, every = \"1h\" }");
    let latest = ("log.auto_offset_reset", "latest");
    let forgets = ("producer.strategy", "fire-and-forget");
    let said = ["records that are stored after the group has formed"];
    check(&of(LOG, PLAIN, &[latest, forgets, at_once]), &[]);
    check(&of(LOG, PLAIN, &[latest, forgets, twice]), &said);
    check(&of(LOG, PLAIN, &[latest, at_once]), &said);
    let jitter = [latest, forgets, at_once, ("network.jitter", "1ms")];
    let found = of(LOG, PLAIN, &jitter).not_tried;
    assert!(found.iter().any(|one| one.starts_with(said[0])), "{found:?}");
}

/// With jitter a call takes longer than a timeout of 1 ms, and a message longer than a second.
const APART: [(&str, &str); 3] = [
    ("network.jitter", "50ms"),
    ("consumer.request_timeout", "1s"),
    ("consumer.settle_interval", "10s"),
];

fn apart<'a>(more: Set<'a>) -> Vec<(&'a str, &'a str)> {
    [&APART[..], more].concat()
}

#[test]
fn members_may_join_while_others_hold_messages() {
    let keeps = ("consumer.drain_on_revoke", "false");
    let every_n = Strategy::SettleEveryN;
    let said = ["members start apart (network.jitter is 50ms)"];
    check(&of(LOG, every_n, &apart(&[keeps])), &said);
    check(&of(LOG, every_n, &apart(&[])), &[]);
    check(&of(LOG, every_n, &[keeps, APART[2]]), &[]);
    check(&of(LOG, PLAIN, &apart(&[keeps])), &[]);
    check(&of(LOG, every_n, &apart(&[keeps, ("consumer.settle_every", "1")])), &[]);
    check(&of(LOG, every_n, &apart(&[keeps, ("subscriptions.0.consumers", "1")])), &[]);
    check(&of(LOG, Strategy::MicroBatch, &apart(&[keeps])), &said);
    check(&of(LOG, Strategy::Parallel, &apart(&[keeps])), &said);
    check(&of(LOG, Strategy::Parallel, &apart(&[])), &["settles of its workers"]);
    check(&of(LOG, Strategy::Parallel, &apart(&[("consumer.workers", "1")])), &[]);
}

#[test]
fn members_may_come_back_while_others_hold_messages() {
    let keeps = ("consumer.drain_on_revoke", "false");
    let with = |strategy: Strategy, set: Set<'_>, fault: FaultKind| {
        untried_of(&scenario(set), LOG, Reader::Catalogued(strategy), (1, 1), &[fault])
    };
    let every_n = Strategy::SettleEveryN;
    let crash = kind("effect.before", "crash");
    check(&with(every_n, &[keeps, APART[2]], crash), &["a member comes back"]);
    check(&with(every_n, &[APART[2]], crash), &[]);
    let rebalance = kind("group.rebalance", "before");
    check(&with(every_n, &[&APART[..], &[keeps]].concat(), rebalance), &[]);
    let lost = kind("settle.request", "lost");
    check(&with(PLAIN, &APART, lost), &["a settle of which was lost"]);
    check(&with(PLAIN, &[], lost), &[]);
}

#[test]
fn jitter_changes_more_than_one_order() {
    let said = ["network.jitter (50ms) decides which of 2 consumers gets a message"];
    check(&of(QUEUE, PLAIN, &APART), &said);
    check(&of(LOG, PLAIN, &APART), &[]);
    check(&of(QUEUE, PLAIN, &[]), &[]);
    let alone = ("subscriptions.0.consumers", "1");
    check(&of(QUEUE, PLAIN, &[&APART[..], &[alone]].concat()), &[]);
    let twice = untried(&scenario(&APART), QUEUE, Reader::Catalogued(PLAIN), (0, 2));
    check(&twice, &[]);
}

#[test]
fn timers_settle_while_a_message_is_in_work() {
    let commits = |span| [("consumer.auto_commit_interval", span)];
    let automatic = Strategy::AutoSettleAtDelivery;
    check(&of(LOG, automatic, &commits("1s")), &["auto_commit_interval (1s) is no longer than"]);
    check(&of(LOG, automatic, &commits("1001ms")), &[]);
    check(&of(QUEUE, automatic, &commits("1s")), &[]);
    check(&of(LOG, PLAIN, &commits("1s")), &[]);
    let settles = |span| [("consumer.settle_interval", span)];
    let every_n = Strategy::SettleEveryN;
    check(&of(LOG, every_n, &settles("1s")), &["settle_interval (1s) is no longer than"]);
    check(&of(LOG, every_n, &settles("1001ms")), &[]);
    check(&of(LOG, every_n, &[("consumer.settle_every", "1")]), &[]);
}

#[test]
fn a_round_trip_may_be_longer_than_a_timeout() {
    let set = |timeout| [("network.latency", "50ms"), ("consumer.request_timeout", timeout)];
    let said = "a round trip takes up to 100ms, and consumer.request_timeout is 100ms";
    check(&of(LOG, PLAIN, &set("100ms")), &[said]);
    check(&of(LOG, PLAIN, &set("101ms")), &[]);
    let jitter = [("network.jitter", "1ms")];
    check(&of(LOG, PLAIN, &[&set("101ms")[..], &jitter].concat()), &["up to 102ms"]);
    let producer = [("network.latency", "50ms"), ("consumer.request_timeout", "1s")];
    let producer = [&producer[..], &[("producer.request_timeout", "100ms")]].concat();
    check(&of(LOG, PLAIN, &producer), &["producer.request_timeout is 100ms"]);
    let forgets = [("producer.strategy", "fire-and-forget"), ("log.auto_offset_reset", "earliest")];
    let forgets = [&producer[..], &forgets].concat();
    check(&of(LOG, PLAIN, &forgets), &[]);
}

/// A longer timeout than the lease is tried as it is; one of the same length ends with it, in an
/// order that is a choice.
#[test]
fn a_lease_may_end_while_a_request_waits() {
    let set = |timeout| [("queue.visibility_timeout", "5s"), ("consumer.request_timeout", timeout)];
    let said = "1s of work and 4s until the request is given up";
    check(&with_a_fault(QUEUE, PLAIN, &set("4s")), &[said]);
    check(&with_a_fault(QUEUE, PLAIN, &set("3999ms")), &[]);
    check(&with_a_fault(QUEUE, PLAIN, &set("6s")), &[]);
    check(&with_a_fault(LOG, PLAIN, &set("4s")), &[]);
    check(&of(QUEUE, PLAIN, &set("4s")), &[]);
    let retries = |timeout| [&set(timeout)[..], &[("consumer.settle_retries", "1")]].concat();
    check(&with_a_fault(QUEUE, PLAIN, &retries("4s")), &[said]);
    check(&with_a_fault(QUEUE, PLAIN, &retries("2s")), &[said]);
    check(&with_a_fault(QUEUE, PLAIN, &retries("1999ms")), &[]);
    let tie = |preemptions| {
        let reader = Reader::Catalogued(PLAIN);
        untried(&scenario(&set("5s")), QUEUE, reader, (1, preemptions))
    };
    check(&tie(0), &["reach visibility_timeout (5s)"]);
    check(&tie(1), &[]);
}

#[test]
fn a_grace_may_end_in_the_middle_of_work() {
    let set = |grace| [("times.grace", grace), ("consumer.prefetch", "3")];
    check(&with_a_fault(LOG, PLAIN, &set("3s")), &["killed in the middle of its work"]);
    check(&with_a_fault(LOG, PLAIN, &set("3001ms")), &[]);
    check(&with_a_fault(QUEUE, PLAIN, &set("3s")), &["killed in the middle of its work"]);
    check(&of(LOG, PLAIN, &set("3s")), &[]);
}

#[test]
fn requests_of_one_process_may_overtake_one_another() {
    let set = |order, jitter, strategy| {
        [
            ("network.order", order),
            ("network.jitter", jitter),
            ("producer.strategy", strategy),
            ("consumer.request_timeout", "1s"),
            ("subscriptions.0.consumers", "1"),
        ]
    };
    let forgets = "fire-and-forget";
    check(&of(QUEUE, PLAIN, &set("any", "5ms", forgets)), &["overtake one another"]);
    check(&of(QUEUE, PLAIN, &set("fifo", "5ms", forgets)), &[]);
    check(&of(QUEUE, PLAIN, &set("any", "0s", forgets)), &[]);
    check(&of(QUEUE, PLAIN, &set("any", "5ms", "confirmed")), &[]);
}

#[test]
fn there_is_not_room_for_everything() {
    let length = |most| [("queue.max_length", most)];
    check(&of(QUEUE, PLAIN, &length("5")), &["6 messages are sent, and max_length is 5"]);
    check(&of(QUEUE, PLAIN, &length("6")), &[]);
    check(&of(LOG, PLAIN, &length("5")), &[]);
    let kept = |span| [("log.retention_time", span)];
    check(&of(LOG, PLAIN, &kept("11s")), &["takes up to 11s, and retention_time is 11s"]);
    check(&of(LOG, PLAIN, &kept("11001ms")), &[]);
    check(&of(QUEUE, PLAIN, &kept("11s")), &[]);
    let bytes = |most| {
        [("workload.body", "opaque"), ("workload.bytes", "10"), ("log.retention_bytes", most)]
    };
    check(&of(LOG, PLAIN, &bytes("60")), &["up to 60 bytes are sent, and retention_bytes is 60"]);
    check(&of(LOG, PLAIN, &bytes("61")), &[]);
    check(&of(QUEUE, PLAIN, &bytes("60")), &[]);
}

/// What a run is warned of: a message that is too long by itself, and several that usually are.
#[test]
fn a_run_is_warned_of_time_alone() {
    let check = |model, strategy, set: Set<'_>, expect: Option<&str>| {
        let scenario = scenario(set);
        let extent = Planner::new(&scenario).extent(None, 1);
        let said = warning(&scenario, &extent, SubscriptionId(0), model, strategy);
        let is_right = said
            .as_ref()
            .map_or(expect.is_none(), |said| expect.is_some_and(|expect| said.contains(expect)));
        assert!(is_right, "{set:?}: {expect:?}\n{said:?}");
    };
    let lease = |span| ("queue.visibility_timeout", span);
    let polls = |span| ("consumer.max_poll_interval", span);
    let four = ("consumer.prefetch", "4");
    check(QUEUE, PLAIN, &[lease("1s")], Some("reader has too little time on the queue: a service"));
    check(QUEUE, PLAIN, &[lease("1001ms")], None);
    check(QUEUE, Strategy::AutoSettleAtDelivery, &[lease("1ms")], None);
    check(LOG, PLAIN, &[lease("1s")], None);
    check(LOG, PLAIN, &[polls("1s")], Some("reaches max_poll_interval (1s)"));
    check(LOG, PLAIN, &[polls("1001ms")], None);
    check(QUEUE, PLAIN, &[four, lease("4s")], Some("`consumer.prefetch = 3` or a"));
    check(QUEUE, PLAIN, &[four, lease("4001ms")], None);
    let range = ("subscriptions.0.service_time", "{ distribution='uniform', min='0s', max='2s' }");
    check(QUEUE, PLAIN, &[four, range, lease("4s")], Some("a usual service time of 1s each"));
    check(QUEUE, PLAIN, &[four, range, lease("4001ms")], None);
    let two = ("consumer.workers", "2");
    check(QUEUE, Strategy::Parallel, &[four, two, lease("2s")], Some("2 at a time (workers)"));
    check(QUEUE, Strategy::Parallel, &[four, two, lease("2001ms")], None);
    let batch = ("consumer.batch_size", "3");
    check(LOG, Strategy::MicroBatch, &[batch, polls("3s")], Some("`consumer.batch_size = 2` or a"));
    check(LOG, Strategy::MicroBatch, &[batch, polls("3001ms")], None);
    check(LOG, PLAIN, &[batch, polls("3s")], None);
}

/// The scenario of the first page, with all of its strategies and faults, on both models.
#[test]
fn nothing_is_said_of_purchase_emails() {
    let text = include_str!("../../../../simulations/purchase-emails.toml");
    let alone = |_: &str| Err(String::new());
    let loaded = Scenario::parse("purchase-emails.toml", text, &[], &alone);
    let scenario = &loaded.expect("a scenario").scenario;
    let extent = &Planner::new(scenario).extent(None, 1);
    for number in 0..2 {
        let subscription = SubscriptionId(number);
        let scope = Scope { subscription, messages: 3, consumers: 2, partitions: 1 };
        let kinds = &scope.named(scenario);
        for (model, strategy) in
            [LOG, QUEUE].into_iter().flat_map(|on| Strategy::ALL.map(|strategy| (on, strategy)))
        {
            let (reader, faults, preemptions) = (Reader::Catalogued(strategy), 1, 1);
            let plan = Plan { scenario, extent, scope, model, reader, kinds, faults, preemptions };
            assert_eq!(Untried::of(&plan), Untried::default(), "{model}, {strategy}");
        }
    }
}
