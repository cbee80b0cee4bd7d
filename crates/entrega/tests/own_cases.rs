//! Consumers as people write them, each with its twin that does it right: what an exploration with
//! default settings says of both.

mod complaint;

use std::collections::BTreeSet;

use complaint::complaint;
use entrega::Finding;
use entrega::prelude::*;

/// That this shows on both models.
fn fails<C: Consumer + Clone>(explorer: &Explorer<C>, shows: fn(&Finding) -> bool, said: &str) {
    for model in [Model::Log, Model::Queue] {
        let text = complaint(|| explorer.clone().on(model).assert_never(shows));
        assert!(text.contains(said), "{model}: {text}");
    }
}

/// A loop over all messages, with what it does with each.
macro_rules! reads {
    ($name:ident, |$inbox:ident, $app:ident, $d:ident| $work:block) => {
        async fn $name($inbox: &impl Subscription, $app: &impl Application) -> Result<(), Stop> {
            while let Some($d) = $inbox.next().await? $work
            Ok(())
        }
    };
}

reads!(swallows, |inbox, app, d| {
    let _ = app.attempt(&d).await;
    inbox.settle(&[d]).await.carry_on();
});
reads!(swallows_after_three_attempts, |inbox, app, d| {
    if app.process_with_attempts(&d).await.is_err() {
        inbox.settle(&[d]).await.carry_on();
        continue;
    }
    inbox.settle(&[d]).await.carry_on();
});
reads!(settles_in_finally, |inbox, app, d| {
    let result = app.attempt(&d).await;
    inbox.settle(&[d]).await.carry_on();
    result?;
});
reads!(settles_in_finally_unless_unknown, |inbox, app, d| {
    let result = app.attempt(&d).await;
    if result != Err(entrega_clients::HandlerError::Unknown) {
        inbox.settle(&[d]).await.carry_on();
    }
    result?;
});
reads!(settles_on_success, |inbox, app, d| {
    app.attempt(&d).await?;
    inbox.settle(&[d]).await.carry_on();
});
reads!(processes_then_settles, |inbox, app, d| {
    let done = app.process(&d).await?;
    inbox.settle(done).await.carry_on();
});

#[test]
fn an_error_that_is_swallowed_loses() {
    let expected = "is lost (settled before process)";
    fails(&explore(consumer!(swallows)), lost, expected);
    fails(&explore(consumer!(swallows)).messages(3).faults(1), lost, expected);
    let thrice = explore(consumer!(swallows_after_three_attempts));
    fails(&thrice, lost, expected);
    thrice.only(["handler.error"]).assert_never(lost);
}

#[test]
fn a_settle_in_finally_loses() {
    let expected = "is lost (settled before process)";
    fails(&explore(consumer!(settles_in_finally)), lost, expected);
    fails(&explore(consumer!(settles_in_finally)).messages(3).faults(1), lost, expected);
    fails(&explore(consumer!(settles_in_finally_unless_unknown)), lost, expected);
}

#[test]
fn a_settle_on_success_only_never_loses() {
    explore(consumer!(settles_on_success)).assert_never(lost);
    explore(consumer!(settles_on_success)).messages(3).faults(1).assert_never(lost);
    explore(consumer!(processes_then_settles)).assert_never(lost).assert_never(stalled);
}

async fn remembers_in_its_process(
    inbox: &impl Subscription,
    app: &impl Application,
) -> Result<(), Stop> {
    let mut seen = BTreeSet::new();
    while let Some(delivery) = inbox.next().await? {
        if seen.insert(delivery.record.message) {
            app.process(&delivery).await?;
        }
        inbox.settle(&[delivery]).await.carry_on();
    }
    Ok(())
}

/// Remembers the last message only, after its effect.
async fn remembers_the_last(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
    let mut last = None;
    while let Some(delivery) = inbox.next().await? {
        if last != Some(delivery.record.message) {
            app.process(&delivery).await?;
            last = Some(delivery.record.message);
        }
        inbox.settle(&[delivery]).await.carry_on();
    }
    Ok(())
}

#[test]
fn the_memory_of_a_process_recognises_nothing_after_a_crash() {
    fails(&explore(consumer!(remembers_in_its_process)), duplicated, "takes effect");
    fails(&explore(consumer!(remembers_in_its_process)).messages(3), duplicated, "takes effect");
    let crash = || ["effect.after=crash"];
    fails(&explore(consumer!(remembers_the_last)).only(crash()), duplicated, "takes effect");
}

#[test]
fn a_sink_that_recognises_what_it_has_seen_has_no_duplicates() {
    let explorer = || explore(consumer!(processes_then_settles)).like(Strategy::DeduplicatingSink);
    explorer().assert_never(duplicated).assert_never(lost);
    explorer().messages(3).assert_never(duplicated).assert_never(lost);
}

/// Collects for a second, then settles the batch and works it off, or the other way round.
#[derive(Clone, Copy)]
struct Batches {
    settles_first: bool,
}

impl Consumer for Batches {
    async fn run(&self, inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
        let (mut batch, mut until) = (Vec::new(), Instant::NEVER);
        loop {
            match inbox.poll(until).await? {
                Turn::Delivery(delivery) => {
                    if batch.is_empty() {
                        until = inbox.now() + Duration::from_secs(1);
                    }
                    batch.push(delivery);
                    if batch.len() < 10 {
                        continue;
                    }
                }
                Turn::Idle => {}
                Turn::Shutdown => return Ok(()),
                _ => continue,
            }
            if self.settles_first {
                inbox.settle(&batch).await.carry_on();
                app.process_batch(&mut batch).await?;
            } else {
                app.process_batch(&mut batch).await?;
                inbox.settle(&batch).await.carry_on();
            }
            batch.clear();
            until = Instant::NEVER;
        }
    }
}

#[test]
fn a_batch_with_a_timer_is_flushed_and_explored() {
    let too_early = explore(Batches { settles_first: true });
    fails(&too_early, lost, "is lost (settled before process)");
    explore(Batches { settles_first: false }).assert_never(lost).assert_sometimes(duplicated);
}

/// Writes a dead letter for what it cannot process, and does not ask whether it is written.
#[derive(Clone, Copy)]
struct DeadLetters {
    waits: bool,
}

impl Consumer for DeadLetters {
    async fn run(&self, inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
        while let Some(delivery) = inbox.next().await? {
            if app.process_with_attempts(&delivery).await.is_err() {
                let written = app.dead_letter(&delivery).await;
                if self.waits {
                    written?;
                }
            }
            inbox.settle(&[delivery]).await.carry_on();
        }
        Ok(())
    }
}

const DEAD_LETTERS: &str = r#"
[workload]
keys = 1
[[subscriptions]]
name = "reader"
consumers = 8
[consumer]
max_attempts = 2
request_timeout = "1s"
[log]
auto_offset_reset = "earliest"
[faults]
message.poison = { poison = 0.1 }
dead_letter.request = { lost = 0.1 }
dead_letter.response = { lost = 0.1 }
"#;

/// Two faults: poison, and the request to write its dead letter is lost.
#[test]
fn a_dead_letter_that_is_not_confirmed_loses() {
    let explorer = |waits| {
        let explorer = explore(DeadLetters { waits }).scenario(DEAD_LETTERS).faults(2);
        explorer.like(Strategy::DeadLetter)
    };
    fails(&explorer(false), lost, "is lost (settled before process)");
    fails(&explorer(false).messages(3), lost, "is lost (settled before process)");
    explorer(true).assert_never(lost).assert_never(stalled);
}
