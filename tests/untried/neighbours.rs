//! Small versions that hide what another one shows: each is named, with the command that shows it,
//! and its twin, which hides nothing, is not.

use entrega_clients::Strategy;
use entrega_lab::property::{Occurs, Property};
use entrega_lab::{Bounds, Configuration, Model};

use crate::kinds::{check, explored, explored_within};

const BACKLOG: (&str, &str) = ("workload.arrivals", "{ distribution = 'backlog' }");

const ANSWERS: &str = "[[subscriptions]]\nname = 'r'\nconsumers = 2\n\
    [faults]\nsettle.response = { lost = '1/1000' }\n";

/// Two idle consumers share three messages, so no client ever holds two.
#[test]
fn messages_that_wait_in_one_buffer_are_named() {
    let of = Configuration { model: Model::Queue, strategy: Strategy::ProcessThenSettle };
    let said = ["messages that are stored before anybody asks for one: duplicated is found among \
         them (--set 'workload.arrivals={ distribution = \"backlog\" }')"];
    check(&explored(ANSWERS, of, &[]), &said, &[(Property::Duplicated, Occurs::NotFound)]);
    let row = explored(ANSWERS, of, &[BACKLOG]);
    assert_eq!(row.occurs(Property::Duplicated), Occurs::Sometimes);
    assert!(!row.not_tried.iter().any(|clause| clause.contains("stored before")));
    let never = [(Property::Duplicated, Occurs::Never)];
    check(&explored(ANSWERS, of, &[("consumer.prefetch", "1")]), &[], &never);
    let alone = Bounds { as_it_is: false, ..Bounds::default() };
    check(&explored_within(alone, ANSWERS, of, &[]), &[], &never);
}

const BY_KEY: &str = "[consumer]\nkey_ordered = true\nworkers = 2\n\
    [[subscriptions]]\nname = 'r'\n[log]\nauto_offset_reset = 'earliest'\n\
    [faults]\nsettle.after = { crash = '1/2000' }\n";

/// The first messages of seed 1 have one key, so their handlers never run side by side.
#[test]
fn messages_with_other_keys_are_named() {
    let of = Configuration { model: Model::Log, strategy: Strategy::Parallel };
    let said = [2, 3].map(|seed| {
        format!("messages with other keys: duplicated is found among them (--seed {seed})")
    });
    let said = said.each_ref().map(String::as_str);
    check(&explored(BY_KEY, of, &[]), &said, &[(Property::Duplicated, Occurs::NotFound)]);
    let second = Bounds { seed: 2, ..Bounds::default() };
    let found = [(Property::Duplicated, Occurs::Sometimes)];
    check(&explored_within(second, BY_KEY, of, &[]), &[], &found);
    let never = [(Property::Duplicated, Occurs::Never)];
    check(&explored(BY_KEY, of, &[("workload.keys", "1")]), &[], &never);
}

const BATCHES: &str = "[workload]\nmessages = 600\nkeys = 2\n\
    arrivals = { distribution = 'burst', burst_size = 5, every = '133ms' }\n\
    [consumer]\nprefetch = 2\n[[subscriptions]]\nname = 'r'\nconsumers = 2\n\
    [faults]\nhandler.error = { transient = '1/1000' }\n";

/// With one key two consumers always change the order; with two of them they may not.
#[test]
fn what_one_key_makes_inevitable_is_not() {
    let of = Configuration { model: Model::Queue, strategy: Strategy::MicroBatch };
    let row = explored(BATCHES, of, &[]);
    let said = "messages with other keys: reordered is not always found among them (--seed 3)";
    assert!(row.not_tried.iter().any(|clause| clause == said), "{:#?}", row.not_tried);
    assert_eq!(row.occurs(Property::Reordered), Occurs::Sometimes);
    let row = explored(BATCHES, of, &[("workload.keys", "1")]);
    assert!(!row.not_tried.iter().any(|clause| clause.contains("other keys")));
}

const LATE: &str = "[[subscriptions]]\nname = 'r'\nconsumers = 2\n\
    [faults]\nreceive.request = { late = '1/1000' }\n";

/// Nobody waits any more for the answer, and all that it carries counts as settled.
#[test]
fn requests_for_messages_that_were_given_up_are_named() {
    let of = Configuration { model: Model::Queue, strategy: Strategy::AutoSettleAtDelivery };
    let said = ["requests for messages that arrive after they were given up (times.late of 35s, \
         consumer.request_timeout of 30s)"];
    check(&explored(LATE, of, &[]), &said, &[(Property::Lost, Occurs::NotFound)]);
    let never = [(Property::Lost, Occurs::Never)];
    check(&explored(LATE, of, &[("times.late", "5s")]), &[], &never);
}

const COMMITTED: &str = "[workload]\n\
    arrivals = { distribution = 'poisson', rate_per_second = 60 }\n\
    [log]\nauto_offset_reset = 'latest'\n[faults]\neffect.after = { crash = '1/1000' }\n";

/// What a commit by timer brings back, a reset without one skips.
#[test]
fn records_that_come_after_a_commit_are_named() {
    let of = Configuration { model: Model::Log, strategy: Strategy::AutoSettleAtNextReceive };
    let said = ["records that are sent after a commit by timer (auto_commit_interval of 5s)"];
    check(&explored(COMMITTED, of, &[]), &said, &[(Property::Duplicated, Occurs::NotFound)]);
    let found = [(Property::Duplicated, Occurs::Sometimes)];
    let earliest = [("log.auto_offset_reset", "earliest")];
    check(&explored(COMMITTED, of, &earliest), &[], &found);
}

const SPREAD: &str = "[workload]\nmessages = 40\nkeys = 4\n\
    [consumer]\nenable_auto_commit = false\nsettle_every = 2\nprefetch = 2\n\
    [[subscriptions]]\nname = 'r'\nconsumers = 2\n[log]\npartitions = 2\n\
    auto_offset_reset = 'earliest'\n[faults]\nsettle.after = { crash = '1/1000' }\n";

/// Four messages of seed 3 lie so that no partition has an odd one; those of seed 4 do not.
#[test]
fn messages_in_other_partitions_are_named() {
    let of = Configuration { model: Model::Log, strategy: Strategy::ArticleCommitEveryN };
    let bounds = |seed| {
        let (messages, partitions) = (4, 2);
        Bounds { seed, messages, partitions, ..Bounds::default() }
    };
    let said = [
        "messages with other keys: duplicated is found among them (--seed 4)",
        "something of the scenario as it is",
    ];
    let not_found = [(Property::Duplicated, Occurs::NotFound)];
    check(&explored_within(bounds(3), SPREAD, of, &[]), &said, &not_found);
    let found = [(Property::Duplicated, Occurs::Sometimes)];
    check(&explored_within(bounds(4), SPREAD, of, &[]), &[], &found);
    let never = [(Property::Duplicated, Occurs::Never)];
    let alone = Bounds { as_it_is: false, ..bounds(3) };
    check(&explored_within(alone, SPREAD, of, &[("workload.keys", "1")]), &[], &never);
}

const RETURNS: &str = "[workload]\nmessages = 20\nkeys = 1\n\
    arrivals = { distribution = 'backlog' }\n\
    [times]\nstall = '7s'\nrestart = '1ms'\n[consumer]\nmax_poll_interval = '5s'\n\
    [log]\nauto_offset_reset = 'earliest'\nsession_timeout = '6s'\n\
    [[subscriptions]]\nname = 'r'\nconsumers = 2\n\
    [faults]\nprocess.stall = { before = '1/1000' }\nhandler.error = { transient = '1/1000' }\n";

/// The one that took over fails, and is back before the stall is over. Without a change of order it
/// comes back after it.
#[test]
fn a_process_may_come_back_before_a_delay_is_over() {
    let of = Configuration { model: Model::Log, strategy: Strategy::ArticleCommitEveryN };
    let bounds = |preemptions| Bounds { faults: 2, preemptions, ..Bounds::default() };
    let row = explored_within(bounds(1), RETURNS, of, &[]);
    assert_eq!(row.occurs(Property::Reordered), Occurs::Sometimes, "{:#?}", row.not_tried);
    let told = row.stories.iter().find(|story| story.property == Property::Reordered);
    let sentence = &told.expect("a story").sentence;
    let says = ["the handler of r 2 fails on m0", "r 2 comes back before that is over"];
    assert!(says.iter().all(|part| sentence.contains(part)), "{sentence}");
    let alone = Bounds { as_it_is: false, ..bounds(0) };
    let row = explored_within(alone, RETURNS, of, &[]);
    assert_eq!(row.occurs(Property::Reordered), Occurs::Never, "{:#?}", row.not_tried);
}
