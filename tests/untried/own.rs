//! The same for consumers of one's own: what time does without a fault is found, or an assertion
//! that it never happens says what was not tried.

use std::panic::{AssertUnwindSafe, catch_unwind};

use entrega::prelude::*;

use super::dead_letters::ignores_its_dead_letters;

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

async fn waits_for_the_dead_letter(
    inbox: &impl Subscription,
    app: &impl Application,
) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        if app.process_with_attempts(&delivery).await.is_err() {
            app.dead_letter(&delivery).await?;
        }
        inbox.settle(&[delivery]).await.carry_on();
    }
    Ok(())
}

/// What a failing assertion says; nothing if it holds.
fn complaint<R>(assertion: impl FnOnce() -> R) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(assertion)) else { return String::new() };
    payload.downcast_ref::<String>().cloned().unwrap_or_default()
}

/// A scenario whose handler needs so long, without a fault.
fn slow(service: &str, more: &str) -> String {
    format!(
        "[[subscriptions]]\nname = 'reader'\nconsumers = 2\nservice_time = {{ distribution = \
         'constant', value = '{service}' }}\n[consumer]\nprefetch = 1\n{more}\n[log]\n\
         auto_offset_reset = 'earliest'\n"
    )
}

#[test]
fn a_handler_that_outlasts_its_deadline_is_found() {
    let check = |model: Model, text: &str| {
        let own = || explore(consumer!(process_then_settle)).on(model).consumers(2);
        let of = || own().scenario(text).only([]);
        of().assert_sometimes(duplicated);
        let said = complaint(|| of().assert_never(duplicated));
        assert!(said.contains("the simplest has reader.handler.slow#1=slow-"), "{said}");
        let said = complaint(|| of().assert_never(lost));
        let expect = "time can do more without a fault than was tried:\n  not tried: more than 2 \
                      handlers of one run that outlast a deadline";
        assert!(said.contains(expect) && said.contains("as_far_as_tried()"), "{said}");
        of().as_far_as_tried().assert_never(lost);
    };
    check(Model::Queue, &slow("40s", ""));
    check(Model::Log, &slow("7min", "max_poll_interval = '5min'"));
}

/// What was not tried, but for the faults that a model does not have.
fn besides_absent_faults(not_tried: Vec<String>) -> Vec<String> {
    not_tried.into_iter().filter(|one| !one.ends_with(": there is none")).collect()
}

#[test]
fn a_handler_in_time_repeats_nothing() {
    let check = |model: Model, text: &str| {
        let of = explore(consumer!(process_then_settle)).on(model).consumers(2).scenario(text);
        let outcomes = of.only([]).assert_never(duplicated).assert_never(lost);
        assert_eq!(besides_absent_faults(outcomes.not_tried(model)), [""; 0]);
    };
    check(Model::Queue, &slow("20s", ""));
    check(Model::Log, &slow("4min", "max_poll_interval = '5min'"));
}

/// What is named as not tried is named beside what was expected and not seen, too.
#[test]
fn what_waits_in_the_client_is_named() {
    let text = slow("20s", "").replace("prefetch = 1", "prefetch = 2");
    let of = || explore(consumer!(process_then_settle)).on(Model::Queue).scenario(&text).only([]);
    let not_tried =
        "not tried: messages whose lease ends while they wait in the client: 2 messages";
    for said in [
        complaint(|| of().assert_never(duplicated)),
        complaint(|| of().assert_sometimes(duplicated)),
    ] {
        assert!(said.contains(not_tried), "{said}");
    }
    let outcomes = of().as_far_as_tried().assert_never(duplicated);
    assert_eq!(besides_absent_faults(outcomes.not_tried(Model::Queue)).len(), 1);
}

const DEAD_LETTERS: &str = "[workload]\nkeys = 1\n[[subscriptions]]\nname = 'reader'\n\
    [consumer]\nmax_attempts = 2\n[log]\nauto_offset_reset = 'earliest'\n\
    [faults]\nmessage.poison = { poison = 0.1 }\ndead_letter.request = { lost = 0.1 }\n";

/// With a timeout of as long as the lease the message comes back at the instant at which its
/// application gives up, and nobody sees that it was settled without a dead letter.
#[test]
fn a_request_timeout_hides_no_loss_behind_the_lease() {
    let text = DEAD_LETTERS;
    for model in [Model::Log, Model::Queue] {
        let bad = explore(consumer!(ignores_its_dead_letters)).on(model).faults(2);
        let said = complaint(|| bad.scenario(text).assert_never(lost));
        let expect = "reader.message.poison#1=poison+reader.dead_letter.request#1=lost";
        assert!(said.contains("m0 is lost") && said.contains(expect), "{said}");
        let good = explore(consumer!(waits_for_the_dead_letter)).on(model).faults(2);
        good.scenario(text).assert_never(lost);
    }
    let text = text.replace("max_attempts = 2", "max_attempts = 2\nrequest_timeout = '30s'");
    let bad = explore(consumer!(ignores_its_dead_letters)).on(Model::Queue).faults(2);
    let said = complaint(|| bad.clone().scenario(&text).assert_never(lost));
    assert!(said.contains("not tried: a lease that ends while a request waits"), "{said}");
    bad.scenario(&text).as_far_as_tried().assert_never(lost);
}
