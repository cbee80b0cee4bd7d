//! Sentences about what only an exploration chooses: delays until a zone, and orders of arrival.

use entrega::prelude::*;
use entrega_scenario::workload::Planner;
use entrega_sim::explore::Scope;

use super::consumers::{ignores_its_dead_letters, settles_what_it_holds};
use super::*;

/// A run in an exploration's scope of so many messages and consumers.
fn check(of: (Model, Strategy), size: (u32, u32), choices: &str, expect: &[&str]) {
    check_with(&[], of, size, choices, expect);
}

/// The same with settings changed.
pub(super) fn check_with(
    set: &[(&str, &str)],
    (model, strategy): (Model, Strategy),
    (messages, consumers): (u32, u32),
    choices: &str,
    expect: &[&str],
) {
    let scope = Scope { subscription: SubscriptionId(0), messages, consumers, partitions: 1 };
    let scenario = scope.of(&scenario(&[&[("workload.keys", "1")], set].concat()));
    let workload = Planner::new(&scenario).plan(None, 1);
    let experiment =
        Experiment { scenario: &scenario, workload: &workload, model, strategy, seed: 1 };
    let table = points::table(&["mailer"]);
    let list = parse_choices(&table, choices).expect("choices of this scenario");
    let told = told_of(&experiment, Choices::explicit(table, list));
    assert_eq!(told, expect, "{model} {strategy} {choices}");
}

#[test]
fn a_crash_may_come_late() {
    check(
        (Queue, ProcessThenSettle),
        (1, 1),
        "mailer.effect.after#1=crash-calm",
        &["mailer 1 is slow until everybody else is done and then crashes after the effect of m0 \
             and before settling it; m0 is delivered again to mailer 1 and takes effect twice."],
    );
    check(
        (Queue, SettleThenProcess),
        (1, 1),
        "mailer.effect.before#1=crash-calm",
        &["mailer 1 is slow until everybody else is done and then crashes before the effect of \
             m0, which it has already settled; m0 is never delivered again and is lost."],
    );
    check(
        (Queue, ProcessThenSettle),
        (1, 2),
        "mailer.effect.after#1=crash-expiry",
        &["mailer 1 is slow after the effect of m0 and then the lease of mailer 1 expires; m0 is \
             delivered again to mailer 2 and takes effect twice."],
    );
    check(
        (Log, AutoSettleAtDelivery),
        (1, 1),
        "mailer.effect.before#1=crash-expiry",
        &["mailer 1 is slow until nothing else is left to happen and then crashes before the \
             effect of m0, whose offset the auto-commit timer has already committed; m0 is never \
             delivered again and is lost."],
    );
}

/// The auto-commit timer commits what is in work, and a stall at once would stop it too.
#[test]
fn a_stall_may_come_after_a_timer() {
    check(
        (Log, AutoSettleAtDelivery),
        (2, 2),
        "mailer.process.stall#1=before-timer",
        &[
            "mailer 1 is slow at m0, then stalls before its effect and then the session of mailer \
             1 expires; m1 is delivered again to mailer 2, mailer 1 goes on as a zombie, and m1 \
             takes effect twice.",
            "mailer 1 is slow at m0, then stalls before its effect until its session has ended and \
             somebody else has taken over; m0 takes effect after m1, which has the same key and \
             was sent later.",
        ],
    );
    check(
        (Log, AutoSettleAtDelivery),
        (2, 2),
        "mailer.process.stall#1=before-takeover",
        &[
            "mailer 1 stalls before the effect of m0 and then the session of mailer 1 expires; m0 is \
             delivered again to mailer 2, mailer 1 goes on as a zombie, and m0 takes effect twice.",
        ],
    );
}

#[test]
fn a_stall_ends_after_a_deadline() {
    check(
        (Log, ProcessThenSettle),
        (1, 2),
        "mailer.process.stall#1=before-expiry",
        &["mailer 1 stalls before the effect of m0 and then the session of mailer 1 expires; m0 \
             is delivered again to mailer 2 and takes effect twice."],
    );
    check(
        (Queue, ProcessThenSettle),
        (1, 2),
        "mailer.process.stall#1=before-takeover",
        &["mailer 1 stalls before the effect of m0 and then the lease of mailer 1 expires; m0 is \
             delivered again to mailer 2, mailer 1 goes on as a zombie, and m0 takes effect twice."],
    );
    check(
        (Log, SettleThenProcess),
        (2, 2),
        "mailer.process.stall#1=before-takeover",
        &["mailer 1 stalls before the effect of m0 until its session has ended and somebody else \
             has taken over; m0 takes effect after m1, which has the same key and was sent later."],
    );
}

#[test]
fn a_handler_is_slow_until_a_zone() {
    check(
        (Queue, ProcessThenSettle),
        (1, 2),
        "mailer.handler.slow#1=slow-takeover",
        &[
            "mailer 1 is slow at m0 and then the lease of mailer 1 expires; m0 is delivered again to \
             mailer 2, mailer 1 goes on as a zombie, and m0 takes effect twice.",
        ],
    );
    check(
        (Queue, SettleThenProcess),
        (2, 2),
        "mailer.handler.slow#1=slow-calm",
        &["mailer 1 is slow at m0 until everybody else is done; m0 takes effect after m1, which \
             has the same key and was sent later."],
    );
}

#[test]
fn a_leg_is_late_until_a_zone() {
    check(
        (Queue, ProcessThenSettle),
        (1, 1),
        "mailer.effect.request#1=late-expiry",
        &["the request for the effect of m0 is late until mailer 1 no longer waits; mailer 1 \
             tries again and m0 takes effect twice."],
    );
    check(
        (Queue, ProcessThenSettle),
        (1, 2),
        "mailer.settle.request#1=late-takeover",
        &["the request to settle m0 is late and then the lease of mailer 1 expires; m0 is \
             delivered again to mailer 2 and takes effect twice."],
    );
    check((Queue, ProcessThenSettle), (1, 2), "mailer.settle.request#1=late-calm", &[]);
}

#[test]
fn what_keeps_a_message_away_is_told() {
    check(
        (Queue, ProcessThenSettle),
        (2, 1),
        "mailer.receive.response#1=lost",
        &["an answer with messages for mailer 1 is lost and then the lease of mailer 1 expires; \
             mailer 1 processes m1 before m0; m0 takes effect after m1, which has the same key and \
             was sent later."],
    );
    check(
        (Queue, AutoSettleAtDelivery),
        (1, 1),
        "mailer.receive.response#1=lost",
        &["an answer with messages for mailer 1 is lost; handing m0 over acks it, and it never \
             reaches mailer 1; m0 is never delivered again and is lost."],
    );
}

/// A lease runs from when the answer set out, and an answer that comes when it ends leaves no time.
#[test]
fn a_late_answer_is_why_a_lease_ends() {
    let as_long = [("consumer.request_timeout", "6s")];
    let check = |strategy, choices: &str, expect: &str| {
        check_with(&as_long, (Queue, strategy), (1, 1), choices, &[expect]);
    };
    check(
        AutoSettleAtNextReceive,
        "mailer.receive.response#1=late-expiry",
        "an answer with messages for mailer 1 is late and then the lease of mailer 1 expires; m0 is \
         delivered again to mailer 1 and takes effect twice.",
    );
    check(
        ProcessThenSettle,
        "mailer.receive.response#1=late-calm+mailer.handler.slow#1=slow-expiry",
        "mailer 1 is slow at m0 and then the lease of mailer 1 expires; m0 is delivered again to \
         mailer 1 and takes effect twice.",
    );
}

#[test]
fn a_request_overtakes() {
    check(
        (Queue, ProcessThenSettle),
        (1, 2),
        "arrival.order#1=second+mailer.effect.after#1=crash",
        &["a request of mailer 1 overtakes one that was sent before it; mailer 1 crashes after \
             the effect of m0 and before settling it; m0 is delivered again to mailer 2 and takes \
             effect twice."],
    );
}

/// A lease that ends while an answer is late ends before it comes.
#[test]
fn a_late_answer_comes_after_the_lease() {
    let check = |choices: &str, expect: &str| {
        check((Queue, ProcessThenSettle), (2, 1), choices, &[expect]);
    };
    let ending = "m0 takes effect after m1, which has the same key and was sent later.";
    check(
        "mailer.receive.response#1=lost",
        &format!(
            "an answer with messages for mailer 1 is lost and then the lease of mailer 1 expires; mailer \
             1 processes m1 before m0; {ending}"
        ),
    );
    check(
        "mailer.receive.response#1=late-takeover",
        &format!(
            "an answer with messages for mailer 1 is late and then the lease of mailer 1 expires; mailer \
             1 processes m1 before m0; {ending}"
        ),
    );
}

/// What overtakes is told once, also before a reset.
#[test]
fn an_overtaking_is_told_once() {
    let latest = [("log.auto_offset_reset", "latest")];
    check_with(
        &latest,
        (Log, ProcessThenSettle),
        (2, 1),
        "arrival.order#1=second+mailer.effect.after#1=crash",
        &[
            "a request of mailer 1 overtakes one that was sent before it; mailer 1 crashes after the \
           effect of m0 and then mailer 1 has no committed offset, and its reset (auto_offset_reset) \
           skips m1; m1 is never delivered and is lost.",
        ],
    );
}

#[test]
fn a_handler_goes_on_last() {
    check(
        (Queue, ProcessThenSettle),
        (2, 2),
        "mailer.handler.order#1=last",
        &[
            "mailer 1 is at work on m0 until everybody else is done; m0 takes effect after m1, which \
             has the same key and was sent later.",
        ],
    );
}

/// The stories of the losses in a run of a consumer of one's own, on its choices.
fn losses_of<C: Consumer + Clone>(
    explorer: &Explorer<C>,
    text: &str,
    choices: &str,
) -> Vec<String> {
    let run = explorer.replay(choices).expect("a replay");
    let loaded = Scenario::parse("own.toml", text, &[], &|_| Err(String::new()));
    let cast = Cast::of(&loaded.expect("a valid scenario").scenario);
    let told = Run::new(&run.events, &cast);
    let found = findings(&run.report.subscriptions[0], run.report.end);
    let lost =
        found.into_iter().filter(|(one, _)| matches!(one, Finding::Class(Class::Lost, Some(_))));
    let subscription = SubscriptionId(0);
    lost.map(|(finding, message)| told.tell(&Subject { subscription, finding, message }).sentence)
        .collect()
}

/// Its consumer gives a request up before the lease ends at the same instant.
#[test]
fn a_deadline_comes_before_another() {
    let text = "[[subscriptions]]\nname = \"reader\"\n[consumer]\nmax_attempts = 1\n\
                request_timeout = \"30s\"\n[queue]\nvisibility_timeout = \"30s\"\n[faults]\n\
                message.poison = { poison = 0.1 }\ndead_letter.request = { lost = 0.1 }\n";
    let explorer = explore(consumer!(ignores_its_dead_letters)).on(Queue).messages(1);
    let explorer = explorer.like(DeadLetter).scenario(text).faults(2).preemptions(1);
    let faults = "reader.message.poison#1=poison+reader.dead_letter.request#1=lost";
    let order = format!("{faults}+deadline.order#1=second");
    let story = "a deadline of reader 1 comes just before one of the broker; the handler of \
                 reader 1 fails on m0, which is poison; reader 1 settles it all the same; m0 is \
                 never delivered again and is lost.";
    assert_eq!(losses_of(&explorer, text, &order), [story]);
    assert!(losses_of(&explorer, text, faults).is_empty());
}

/// A poll that waits no longer than now still learns of a revocation that is on its way.
#[test]
fn a_poll_waits_for_more() {
    let text = "[[subscriptions]]\nname = \"reader\"\n[log]\nauto_offset_reset = \"earliest\"\n\
                [faults]\ngroup.rebalance = { before = 0.1, after = 0.1 }\n";
    let explorer = explore(consumer!(settles_what_it_holds)).on(Log).messages(3).scenario(text);
    let explorer = explorer.preemptions(1);
    let rebalance = "reader.group.rebalance#1=before";
    let order = format!("{rebalance}+reader.poll.order#1=last");
    let told = losses_of(&explorer, text, &order);
    let story = "the group rebalances while reader 1 works on m0 and then a poll of reader 1 gives up \
                 only after what is on its way; reader 1 gives up the partition of m1 before the \
                 effect of m1, which it has already settled; m1 is never delivered again and is lost.";
    assert_eq!(told, [story]);
    assert!(losses_of(&explorer, text, rebalance).is_empty());
}
