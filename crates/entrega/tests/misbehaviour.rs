//! Consumers that misbehave, one of each kind: reported with who, when and the choices, never a
//! hang and never a crash.

use std::future::{pending, poll_fn};
use std::task::Poll;

use entrega::prelude::*;
use entrega::{Finding, Misdeed, Outcomes};
use entrega_sim::explore::{Explored, Misbehaved};

/// Reads all that there is, well, and then does something else.
macro_rules! bad {
    ($name:ident, |$inbox:ident, $app:ident, $delivery:ident| $bad:expr) => {
        async fn $name($inbox: &impl Subscription, $app: &impl Application) -> Result<(), Stop> {
            while let Some($delivery) = $inbox.next().await? {
                let done = $app.process(&$delivery).await?;
                $inbox.settle(done).await.carry_on();
                $bad;
            }
            Ok(())
        }
    };
}

bad!(wakes_itself, |_inbox, _app, _delivery| {
    poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    })
    .await
});
bad!(polls_the_past, |inbox, _app, _delivery| loop {
    inbox.poll(Instant::START).await?;
});
bad!(panics_at_once, |_inbox, _app, delivery| panic!("no room for m{}", delivery.record.message));
bad!(panics_when_redelivered, |_inbox, _app, delivery| {
    assert!(!delivery.redelivered, "seen before")
});
bad!(ends_after_one, |_inbox, _app, _delivery| return Ok(()));
bad!(waits_for_nothing, |_inbox, _app, _delivery| pending::<()>().await);
bad!(never_rests, |inbox, _app, delivery| loop {
    inbox.poll(inbox.now() + Duration::from_secs(1)).await?;
    inbox.settle(&[delivery]).await.carry_on();
});
bad!(polls_for_ever, |inbox, _app, _delivery| loop {
    inbox.poll(inbox.now() + Duration::from_secs(1)).await?;
});

fn only<C: Consumer + Clone>(outcomes: &Outcomes<C>, model: Model) -> &Misbehaved {
    let explored: &Explored<Finding> = outcomes.on(model).expect("explored");
    assert_eq!(explored.misbehaved.len(), 1, "{:?}", explored.misbehaved);
    explored.misbehaved.values().next().expect("one")
}

/// Explores with both models, and expects this of each.
fn check<C: Consumer + Clone>(consumer: C, faults: usize, expect: impl Fn(&Misdeed) -> bool) {
    let outcomes = explore(consumer).run().expect("a scenario");
    for model in [Model::Log, Model::Queue] {
        let Misbehaved { misbehaviour, showing } = only(&outcomes, model);
        assert_eq!(misbehaviour.process.0, 1, "{model}: who");
        assert!(expect(&misbehaviour.misdeed), "{model}: {misbehaviour:?}");
        assert_eq!(showing.simplest.len(), faults, "{model}: {showing:?}");
        let found = &outcomes.on(model).expect("explored").found;
        let ends = misbehaviour.misdeed.ends_the_run();
        assert!(!ends || !found.keys().any(lost), "a run that was not finished shows nothing");
    }
}

#[test]
fn one_that_wakes_itself_for_ever_spins() {
    check(consumer!(wakes_itself), 0, |misdeed| *misdeed == Misdeed::Spins);
}

#[test]
fn one_that_never_waits_spins() {
    check(consumer!(polls_the_past), 0, |misdeed| *misdeed == Misdeed::Spins);
}

#[test]
fn a_panic_is_caught_with_its_message() {
    check(consumer!(panics_at_once), 0, |misdeed| {
        *misdeed == Misdeed::Panics("no room for m0".to_owned())
    });
}

async fn goodbye(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        inbox.settle(app.process(&delivery).await?).await.carry_on();
    }
    Ok(())
}

async fn panics_at_shutdown(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
    goodbye(inbox, app).await?;
    panic!("goodbye")
}

async fn spins_at_shutdown(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
    goodbye(inbox, app).await?;
    loop {
        inbox.poll(Instant::NEVER).await?;
    }
}

#[test]
fn the_shutdown_is_no_way_out() {
    check(consumer!(panics_at_shutdown), 0, |misdeed| {
        *misdeed == Misdeed::Panics("goodbye".to_owned())
    });
    check(consumer!(spins_at_shutdown), 0, |misdeed| *misdeed == Misdeed::Spins);
}

/// On a log nothing is marked as redelivered.
#[test]
fn a_panic_that_needs_a_fault_is_told_with_it() {
    let explorer = explore(consumer!(panics_when_redelivered)).on(Model::Queue);
    let outcomes = explorer.run().expect("a scenario");
    let Misbehaved { misbehaviour, showing } = only(&outcomes, Model::Queue);
    assert_eq!(misbehaviour.misdeed, Misdeed::Panics("seen before".to_owned()));
    assert_eq!(showing.simplest.len(), 1);
    assert!(misbehaviour.at >= Instant::START);
}

#[test]
fn one_that_ends_with_messages_left_ends_early() {
    check(consumer!(ends_after_one), 0, |misdeed| *misdeed == Misdeed::EndsEarly);
}

/// One that ends when there is nothing left may.
#[test]
fn one_that_ends_when_it_is_done_does_not() {
    let outcomes = explore(consumer!(ends_after_one)).messages(1).faults(0).run().expect("runs");
    for model in [Model::Log, Model::Queue] {
        assert!(outcomes.on(model).expect("explored").misbehaved.is_empty(), "{model}");
    }
}

#[test]
fn one_that_never_rests_is_out_of_steps() {
    check(consumer!(never_rests), 0, |misdeed| misdeed.is_unrest());
}

/// Its idle polls come to rest, so it is asked to stop, and does not.
#[test]
fn one_that_polls_for_ever_hears_no_shutdown() {
    for model in [Model::Log, Model::Queue] {
        let outcomes = explore(consumer!(polls_for_ever)).on(model).messages(1).run();
        let outcomes = outcomes.expect("a scenario");
        let Misbehaved { misbehaviour, showing } = only(&outcomes, model);
        assert_eq!(misbehaviour.misdeed, Misdeed::Spins);
        assert!(showing.simplest.is_empty());
    }
}

#[test]
#[should_panic(expected = "messages are left behind, although nothing goes wrong")]
fn one_that_waits_for_nothing_proves_nothing() {
    explore(consumer!(waits_for_nothing)).assert_never(lost);
}

#[test]
#[should_panic(expected = "reader 1 misbehaves: it panics: no room for m0")]
fn an_assertion_says_who_misbehaves() {
    explore(consumer!(panics_at_once)).assert_never(lost);
}

/// Whatever happens to it.
#[test]
fn a_good_consumer_is_not_accused() {
    bad!(good, |inbox, _app, _delivery| inbox.settle(&[]).await.carry_on());
    let explorer = explore(consumer!(good)).messages(2).faults(2).consumers(2).stateless();
    let outcomes = explorer.run().expect("a scenario");
    for model in [Model::Log, Model::Queue] {
        let explored = outcomes.on(model).expect("explored");
        assert!(explored.complete && explored.misbehaved.is_empty(), "{:?}", explored.misbehaved);
    }
}
