//! The story of a consumer of one's own: each act is told as what it is, on both models, and what
//! happens to partitions is told too.

use entrega::prelude::*;

const SCENARIO: &str = r#"
[workload]
keys = 1
[[subscriptions]]
name = "reader"
consumers = 2
[faults]
handler.error = { transient = 0.1 }
effect.after = { crash = 0.1 }
"#;

/// Rejects what its handler fails on.
async fn nack(inbox: &impl QueueSubscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        if app.attempt(&delivery).await.is_ok() {
            inbox.settle(&[delivery]).await.carry_on();
        } else {
            inbox.reject(&delivery).await.carry_on();
        }
    }
    Ok(())
}

/// Asks for more time first, and gives back what its handler fails on.
async fn requeue(inbox: &impl QueueSubscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        inbox.extend(&delivery).await.carry_on();
        if app.attempt(&delivery).await.is_ok() {
            inbox.settle(&[delivery]).await.carry_on();
        } else {
            inbox.requeue(&delivery).await.carry_on();
        }
    }
    Ok(())
}

/// Processes, then commits.
async fn plain(inbox: &impl LogSubscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        let done = app.process(&delivery).await?;
        inbox.settle(done).await.carry_on();
    }
    Ok(())
}

/// Reads nothing and leaves.
async fn idle(inbox: &impl Subscription, _app: &impl Application) -> Result<(), Stop> {
    inbox.close().await.carry_on();
    Ok(())
}

/// Checks that a run is told with these sentences and without those.
fn check<C: Consumer + Clone>(explorer: &Explorer<C>, choices: &str, has: &[&str], not: &[&str]) {
    let told = explorer.replay(choices).expect("a replay").to_string();
    assert!(!told.trim().is_empty());
    for sentence in has {
        assert!(told.contains(&format!("  {sentence}\n")), "{sentence}\n{told}");
    }
    for word in not {
        assert!(!told.contains(word), "{word}\n{told}");
    }
}

#[test]
fn a_reject_is_told_as_a_reject() {
    let explorer = explore(consumer!(queue: nack))
        .on(Model::Queue)
        .scenario(SCENARIO)
        .messages(2)
        .consumers(1);
    check(
        &explorer,
        "reader.handler.error#1=transient",
        &[
            "the handler of reader 1 fails on m0",
            "reader 1 rejects m0",
            "m0 is rejected",
            "reader 1 acks m1",
            "m1 is settled by its ack",
        ],
        &["acks m0", "asks to settle", "Transient"],
    );
}

#[test]
fn an_extension_and_a_requeue_are_told_as_such() {
    let explorer = explore(consumer!(queue: requeue)).on(Model::Queue);
    let explorer = explorer.scenario(SCENARIO).messages(1).consumers(1);
    check(
        &explorer,
        "reader.handler.error#1=transient",
        &[
            "reader 1 asks for more time for m0",
            "the lease of m0 is extended",
            "reader 1 gives m0 back",
            "m0 is requeued",
            "m0 is delivered again to reader 1",
            "reader 1 acks m0",
        ],
        &["asks to settle", "rejects"],
    );
}

#[test]
fn partitions_come_and_go_in_the_story() {
    let explorer = explore(consumer!(log: plain)).on(Model::Log).scenario(SCENARIO).messages(2);
    check(
        &explorer,
        "",
        &[
            "reader 1 has no valid offset of partition 0 and begins at 1",
            "reader 1 is assigned partition 0 from offset 1",
            "reader 1 commits the offset behind m1",
            "offset 2 of partition 0 is committed: everything before it is settled",
        ],
        &["acks", "rejects", "asks to settle"],
    );
}

/// Even of a consumer that does nothing there is something to tell.
#[test]
fn no_timeline_is_empty() {
    for model in [Model::Log, Model::Queue] {
        let explorer = explore(consumer!(idle)).on(model).scenario(SCENARIO).messages(1);
        check(&explorer, "", &["m0 is stored"], &["?"]);
    }
}
