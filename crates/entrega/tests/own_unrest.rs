//! Runs that never come to rest: what is lost in them for certain, and what is open.

use entrega::prelude::*;
use entrega_checker::Class;

/// Drops the first message if its handler fails, and gives the others back without end.
async fn drops_the_first(
    inbox: &impl QueueSubscription,
    app: &impl Application,
) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        if app.attempt(&delivery).await.is_ok() || delivery.record.message.0 == 0 {
            inbox.settle(&[delivery]).await.carry_on();
        } else {
            inbox.requeue(&delivery).await.carry_on();
        }
    }
    Ok(())
}

/// Settles first and tries until it succeeds.
async fn never_gives_up(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        inbox.settle(&[delivery]).await.carry_on();
        app.process(&delivery).await?;
    }
    Ok(())
}

/// Stops at an error, and is started again.
async fn stops(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        app.attempt(&delivery).await?;
        inbox.settle(&[delivery]).await.carry_on();
    }
    Ok(())
}

/// How many messages are lost and how many open after a run.
fn check<C: Consumer + Clone>(explorer: Explorer<C>, choices: &str, expect: [u64; 2]) {
    let run = explorer.replay(choices).expect("a replay");
    let classes = &run.report.subscriptions[0].classes;
    assert_eq!([Class::Lost, Class::Pending].map(|class| classes.get(class)), expect, "{run}");
}

/// Retries in place until it succeeds.
const RETRY: &str = "
[[subscriptions]]
name = \"reader\"
[log]
auto_offset_reset = \"earliest\"
[consumer]
on_error = \"retry\"
";

#[test]
fn what_was_dropped_is_lost_although_another_message_never_rests() {
    let explorer = explore(consumer!(queue: drops_the_first)).on(Model::Queue);
    check(explorer.clone(), "reader.message.poison#2=poison", [0, 1]);
    let both = "reader.message.poison#1=poison+reader.message.poison#2=poison";
    check(explorer, both, [1, 1]);
}

/// The broker has forgotten it, but somebody still tries.
#[test]
fn what_somebody_tries_again_and_again_is_open() {
    for model in [Model::Log, Model::Queue] {
        let explorer = explore(consumer!(never_gives_up)).on(model).scenario(RETRY);
        check(explorer.clone(), "reader.message.poison#1=poison", [0, 2]);
        check(explorer, "reader.message.poison#2=poison", [0, 1]);
    }
}

#[test]
fn a_fault_may_keep_it_from_resting_and_that_is_counted() {
    let outcomes = explore(consumer!(stops)).assert_never(lost).assert_sometimes(stalled);
    for model in [Model::Log, Model::Queue] {
        assert!(outcomes.open(model) > 0, "{model}");
    }
    let text = outcomes.to_string();
    assert!(text.contains("never rest and leave up to 2 messages open"), "{text}");
    let rests = explore(consumer!(stops)).only(["effect", "settle"]).assert_never(stalled);
    assert_eq!(rests.open(Model::Log) + rests.open(Model::Queue), 0);
}

/// The life that held it has ended: what it settled before is lost.
#[test]
fn what_a_dead_life_has_settled_is_lost() {
    async fn settles_and_stops(
        inbox: &impl Subscription,
        app: &impl Application,
    ) -> Result<(), Stop> {
        while let Some(delivery) = inbox.next().await? {
            if delivery.record.message.0 == 0 {
                inbox.settle(&[delivery]).await.carry_on();
            }
            app.attempt(&delivery).await?;
            inbox.settle(&[delivery]).await.carry_on();
        }
        Ok(())
    }
    let both = "reader.message.poison#1=poison+reader.message.poison#2=poison";
    for model in [Model::Log, Model::Queue] {
        check(explore(consumer!(settles_and_stops)).on(model), both, [1, 1]);
    }
}
