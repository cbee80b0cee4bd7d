//! Consumers of one's own: what an exploration proves of good ones, and says of bad ones.

mod complaint;
mod consumers;

use complaint::complaint;
use consumers::{ignores_its_dead_letters, settles_what_it_holds};
use entrega::prelude::*;
use entrega_model::log::PartitionOffset;

async fn process_then_settle(
    inbox: &impl Subscription,
    app: &impl Application,
) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        let done = app.process(&delivery).await?;
        inbox.settle(done).await.carry_on();
    }
    Ok(())
}

async fn settle_then_process(
    inbox: &impl Subscription,
    app: &impl Application,
) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        inbox.settle(&[delivery]).await?;
        app.process(&delivery).await?;
    }
    Ok(())
}

#[test]
fn a_good_consumer_never_loses_and_sometimes_duplicates() {
    let explorer = explore(consumer!(process_then_settle)).messages(3);
    let outcomes = explorer.assert_never(lost).assert_never(stalled).assert_sometimes(duplicated);
    for model in [Model::Log, Model::Queue] {
        let explored = outcomes.on(model).expect("explored");
        assert!(explored.complete && explored.schedules > 10, "{}", explored.schedules);
    }
}

#[test]
fn a_loss_is_found_and_told() {
    let bad = || explore(consumer!(settle_then_process)).on(Model::Queue).messages(3);
    let said = complaint(|| bad().assert_never(lost));
    for expected in [
        "on the queue, m0 is lost (settled before process)",
        "schedules; the simplest has reader.effect.before#1=crash:",
        "reader 1 crashes",
        "0.000000s  m0 is settled",
        ".on(Model::Queue).messages(3).replay(\"reader.effect.before#1=crash\")",
    ] {
        assert!(said.contains(expected), "{expected}\n{said}");
    }
    let again = bad().replay("reader.effect.before#1=crash").expect("a replay");
    assert_eq!(again.report.subscriptions[0].lost(), 1);
    assert!(said.contains(&again.to_string()));
}

#[test]
fn what_is_expected_and_never_seen_is_told_too() {
    let explorer = explore(consumer!(settle_then_process)).on(Model::Queue).only(["effect.before"]);
    let said = complaint(|| explorer.assert_sometimes(duplicated));
    assert!(said.contains("none of all"), "{said}");
    assert!(said.contains("a message is lost (settled before process)"), "{said}");
}

#[test]
fn what_is_not_complete_proves_nothing() {
    let explorer = explore(consumer!(process_then_settle)).messages(3).budget(5);
    let said = complaint(|| explorer.assert_never(lost));
    assert!(said.contains("5 schedules do not show it, but they are not all"), "{said}");
}

/// Cutting at known states changes nothing but the effort, for a consumer without a state.
#[test]
fn stateless_finds_the_same() {
    let whole = explore(consumer!(process_then_settle)).messages(2).faults(2).run().expect("runs");
    let cut = explore(consumer!(process_then_settle)).messages(2).faults(2).stateless();
    let cut = cut.run().expect("runs");
    for model in [Model::Log, Model::Queue] {
        let (whole, cut) = (whole.on(model).expect("explored"), cut.on(model).expect("explored"));
        assert!(cut.complete && whole.complete);
        assert!(whole.found.keys().eq(cut.found.keys()), "{model}");
        assert!(cut.schedules < whole.schedules, "{} {}", cut.schedules, whole.schedules);
    }
}

/// Two handlers overlap, as they do in production. One change of order is tried by default.
#[test]
fn two_consumers_of_a_queue_reorder() {
    let two = || explore(consumer!(process_then_settle)).on(Model::Queue).consumers(2).faults(0);
    two().assert_never(lost).assert_never(duplicated).assert_sometimes(reordered);
    two().preemptions(0).assert_never(reordered);
    two().consumers(1).assert_never(reordered);
}

/// By default a change of order counts as a fault, and the result says so.
#[test]
fn a_change_of_order_counts_as_a_fault() {
    let runs = |faults, preemptions: Option<u8>| {
        let explorer = explore(consumer!(process_then_settle)).on(Model::Queue).consumers(2);
        let explorer = explorer.only(["effect.after"]).faults(faults);
        let explorer = preemptions.into_iter().fold(explorer, |one, most| one.preemptions(most));
        explorer.run().expect("runs")
    };
    let schedules = |faults, preemptions| {
        runs(faults, preemptions).on(Model::Queue).expect("explored").schedules
    };
    let (none, fault, order) =
        (schedules(0, Some(0)), schedules(1, Some(0)), schedules(0, Some(1)));
    assert_eq!(schedules(0, None), order);
    assert_eq!(schedules(1, None), fault + order - none);
    assert!(schedules(1, Some(1)) > schedules(1, None));
    let left_out = |faults, preemptions| runs(faults, preemptions).not_tried(Model::Queue);
    let both = "a fault and a change of order in one run (`.preemptions(1)` tries it)".to_owned();
    assert!(left_out(1, None).contains(&both));
    assert!(!left_out(1, Some(1)).contains(&both) && !left_out(0, None).contains(&both));
    let outcomes = runs(1, None);
    assert_eq!(
        outcomes.orders(Model::Queue),
        ["arrival.order (second, third)", "handler.order (last)"]
    );
    assert_eq!(outcomes.tried(Model::Queue), ["effect.after (crash)"]);
}

/// The consumer has waited for its dead letter when the lease of the message ends. Only if it gives
/// up before that, by however little, is the message settled in time, and lost.
#[test]
fn two_deadlines_at_one_instant_come_in_both_orders() {
    let text = |timeout: &str| {
        format!(
            "[[subscriptions]]\nname = \"reader\"\n[consumer]\nmax_attempts = 1\n\
             request_timeout = \"{timeout}\"\n[queue]\nvisibility_timeout = \"30s\"\n[faults]\n\
             message.poison = {{ poison = 0.1 }}\ndead_letter.request = {{ lost = 0.1 }}\n"
        )
    };
    let found = |timeout: &str, preemptions| {
        let bad = explore(consumer!(ignores_its_dead_letters)).on(Model::Queue).messages(1);
        let bad = bad.like(Strategy::DeadLetter).scenario(&text(timeout)).faults(2);
        let said = complaint(|| bad.preemptions(preemptions).assert_never(lost));
        said.lines().next().unwrap_or_default().to_owned()
    };
    assert!(found("30s", 0).contains("time can do more"), "{}", found("30s", 0));
    assert!(found("30s", 1).contains("m0 is lost"), "{}", found("30s", 1));
    assert!(found("20s", 0).contains("m0 is lost"), "{}", found("20s", 0));
    assert_eq!(found("40s", 1), "");
}

/// A poll that waits no longer than now still learns of a revocation that is on its way.
#[test]
fn what_is_on_its_way_may_come_before_a_poll_gives_up() {
    let text = "[[subscriptions]]\nname = \"reader\"\n[log]\nauto_offset_reset = \"earliest\"\n\
                [faults]\ngroup.rebalance = { before = 0.1, after = 0.1 }\n";
    let bad = || explore(consumer!(settles_what_it_holds)).on(Model::Log).scenario(text);
    let said = complaint(|| bad().messages(3).preemptions(1).assert_never(lost));
    assert!(said.contains("reader.poll.order"), "{said}");
    bad().messages(3).preemptions(0).assert_never(lost);
}

async fn reject_everything(
    inbox: &impl QueueSubscription,
    app: &impl ProgressInSink,
) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        if app.attempt(&delivery).await.is_ok() {
            inbox.reject(&delivery).await.carry_on();
        }
    }
    Ok(())
}

async fn commit_by_hand(
    inbox: &impl LogSubscription,
    app: &impl ProgressInSink,
) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        app.process(&delivery).await?;
        let next = PartitionOffset { partition: delivery.partition, offset: delivery.position + 1 };
        inbox.commit(&[next]).await.carry_on();
    }
    Ok(())
}

#[test]
fn what_one_model_alone_can_do_runs_there() {
    explore(consumer!(queue: reject_everything)).on(Model::Queue).assert_never(lost);
    explore(consumer!(log: commit_by_hand)).on(Model::Log).assert_never(lost);
    let said = complaint(|| explore(consumer!(queue: reject_everything)).assert_never(lost));
    assert!(said.contains("on the log, at 0.000000s, reader 1 misbehaves"), "{said}");
    assert!(said.contains("has no code for this model"), "{said}");
}

#[test]
fn a_scenario_brings_its_own_faults() {
    let poison = "[subscriptions.faults]\nmessage.poison = { poison = 1 }\n";
    let text = format!(
        "[[subscriptions]]\nname = \"mailer\"\n{poison}[log]\nauto_offset_reset = \"earliest\""
    );
    let explorer = || explore(consumer!(process_then_settle)).on(Model::Queue).scenario(&text);
    explorer().assert_never(lost).assert_never(duplicated).assert_sometimes(stalled);
    let said = complaint(|| explorer().assert_never(stalled));
    assert!(said.contains("the simplest has mailer.message.poison#1=poison:"), "{said}");

    let said = complaint(|| explorer().scenario("mesages = 7").assert_never(lost));
    assert!(said.contains("mesages"), "{said}");
}

/// All that the model has is tried by default, on one consumer and on two; a name chooses.
#[test]
fn what_was_tried_is_said() {
    let outcomes = explore(consumer!(process_then_settle)).assert_never(lost);
    for model in [Model::Log, Model::Queue] {
        let tried = outcomes.tried(model);
        for fault in [
            "message.poison (poison)",
            "handler.error (transient)",
            "process.stall (before, after)",
            "effect.after (crash)",
            "settle.request (lost, late, duplicated)",
        ] {
            assert!(tried.iter().any(|one| one == fault), "{fault}: {tried:?}");
        }
        let rebalance = "group.rebalance (before, after)";
        assert_eq!(tried.iter().any(|one| one == rebalance), model == Model::Log);
        let not_tried = outcomes.not_tried(model);
        let dead_letters = "dead_letter.request (lost, late, duplicated): no run came to it that \
                            might have a fault more";
        assert!(not_tried.iter().any(|one| one == dead_letters), "{not_tried:?}");
        assert_eq!(
            not_tried.iter().any(|one| *one == format!("{rebalance}: there is none")),
            model == Model::Queue
        );
        let replicas = "replica.lag (next, all): the log has no replicas";
        assert_eq!(not_tried.iter().any(|one| one == replicas), model == Model::Log);
        let kills = "message.poison (kills): only if it is named, for no consumer outlives it";
        assert!(not_tried.iter().any(|one| one == kills), "{not_tried:?}");
        let connection = "connection.lost (before, after): there is none";
        assert_eq!(not_tried.iter().any(|one| one == connection), model == Model::Log);
    }
    let text = outcomes.to_string();
    assert!(text.contains("on the log, consumers: 1 and 2; all "), "{text}");
}

#[test]
fn a_name_chooses_what_is_tried() {
    let only = |names: &[&'static str]| {
        let explorer = explore(consumer!(process_then_settle)).on(Model::Queue);
        explorer.only(names.iter().copied()).run().map(|outcomes| outcomes.tried(Model::Queue))
    };
    assert_eq!(only(&["effect.after"]).expect("runs"), ["effect.after (crash)"]);
    assert_eq!(
        only(&["settle.request=lost", "handler"]).expect("runs"),
        ["handler.error (transient)", "handler.slow (slow)", "settle.request (lost)"]
    );
    assert!(only(&[]).expect("runs").is_empty());
    let problem = only(&["effect.aftr"]).expect_err("a problem").to_string();
    assert!(problem.starts_with("there is no fault 'effect.aftr'; there are: broker."));
    let explorer =
        explore(consumer!(settle_then_process)).only(["settle.request=lost", "effect.after"]);
    explorer.assert_never(lost);
}

#[test]
fn a_replay_that_cannot_be_is_told() {
    let explorer = explore(consumer!(process_then_settle)).on(Model::Queue);
    let problem = |text: &str| explorer.replay(text).err().map(|one| one.to_string());
    assert!(problem("reader.efect#1=crash").is_some_and(|text| text.contains("no point")));
    let late = problem("reader.effect.before#9=crash").expect("a problem");
    assert!(late.contains("never came to these choices: reader.effect.before#9=crash"), "{late}");
    assert_eq!(problem(""), None);
}
