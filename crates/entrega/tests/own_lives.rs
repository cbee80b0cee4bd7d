//! What outlives a life of a consumer of one's own, and what makes a run go two ways.

mod complaint;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::rc::Rc;

use complaint::complaint;
use entrega::prelude::*;
use entrega_model::MessageId;

async fn once(
    inbox: &impl Subscription,
    app: &impl Application,
    is_new: impl Fn(MessageId) -> bool,
) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        if is_new(delivery.record.message) {
            app.process(&delivery).await?;
        }
        inbox.settle(&[delivery]).await.carry_on();
    }
    Ok(())
}

/// Remembers in itself what it has begun.
#[derive(Clone, Default)]
struct InItself {
    begun: RefCell<BTreeSet<MessageId>>,
}

impl Consumer for InItself {
    async fn run(&self, inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
        once(inbox, app, |message| self.begun.borrow_mut().insert(message)).await
    }
}

async fn in_a_store(
    inbox: &impl Subscription,
    app: &impl Application,
    begun: &RefCell<BTreeSet<MessageId>>,
) -> Result<(), Stop> {
    once(inbox, app, |message| begun.borrow_mut().insert(message)).await
}

/// The memory of a process dies with it, so it recognises nothing after a crash.
#[test]
fn what_a_life_writes_into_its_consumer_dies_with_it() {
    let explorer = || explore(InItself::default()).only(["effect.after", "effect.before"]);
    explorer().assert_never(lost).assert_sometimes(duplicated);
    let said = complaint(|| explore(InItself::default()).assert_never(duplicated));
    assert!(said.contains("takes effect") || said.contains("duplicated"), "{said}");
}

/// The same memory in a store outlives a crash: nothing is done twice, and what was begun before
/// the crash is lost. It is there for another instance too, and not for another run.
#[test]
fn a_store_outlives_lives_and_is_shared() {
    let explorer = || explore(consumer!(keeping BTreeSet<MessageId>: in_a_store));
    let explorer = || explorer().keeping(BTreeSet::new()).only(["effect.after", "effect.before"]);
    for consumers in [1, 2] {
        let outcomes = explorer().consumers(consumers).assert_never(duplicated);
        outcomes.assert_sometimes(lost);
    }
    explorer().faults(0).assert_never(lost);
    explorer().stateless().assert_sometimes(lost);
    let full = explore(consumer!(keeping BTreeSet<MessageId>: in_a_store));
    let full = full.keeping(BTreeSet::from([MessageId(0)])).faults(0);
    let said = complaint(|| full.assert_never(lost));
    assert!(said.contains("m0 is lost"), "as it was given");
    assert!(said.contains("explore(consumer).keeping(store).on(Model::Log)"), "{said}");
}

/// Settles first in all lives but the first.
async fn forgetful(
    inbox: &impl Subscription,
    app: &impl Application,
    lives: &RefCell<u32>,
) -> Result<(), Stop> {
    let first = lives.replace_with(|lives| *lives + 1) == 0;
    while let Some(delivery) = inbox.next().await? {
        if first {
            inbox.settle(app.process(&delivery).await?).await.carry_on();
        } else {
            inbox.settle(&[delivery]).await?;
            app.process(&delivery).await?;
        }
    }
    Ok(())
}

/// What is in a store is in no fingerprint, so no run is cut.
#[test]
fn a_store_is_not_overlooked() {
    let explorer = || explore(consumer!(keeping u32: forgetful)).keeping(0).consumers(1);
    let explorer = |faults| explorer().only(["effect", "settle"]).stateless().faults(faults);
    for model in [Model::Log, Model::Queue] {
        let said = complaint(|| explorer(2).on(model).assert_never(lost));
        assert!(said.contains("m0 is lost"), "{said}");
        let choices = said.rsplit('"').nth(1).expect("a replay string");
        let again = explorer(2).on(model).replay(choices).expect("a replay");
        assert_eq!(again.report.subscriptions[0].lost(), 1, "no run knows of another");
        assert_eq!(choices.split('+').count(), 2);
    }
    explorer(1).assert_never(lost);
}

fn check_outside<C: Consumer + Clone>(consumer: impl Fn() -> C) {
    for model in [Model::Log, Model::Queue] {
        let explorer = || explore(consumer()).on(model);
        let said = complaint(|| explorer().assert_never(lost));
        assert!(said.contains("depends on something outside"), "{said}");
        assert!(!said.contains("is lost"), "no verdict: {said}");
        let said = complaint(|| explorer().assert_sometimes(duplicated));
        assert!(said.contains("depends on something outside"), "{said}");
    }
}

/// A memory that the clones share is still there in the next run.
#[derive(Clone, Default)]
struct Shared {
    begun: Rc<RefCell<BTreeSet<MessageId>>>,
}

impl Consumer for Shared {
    async fn run(&self, inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
        once(inbox, app, |message| self.begun.borrow_mut().insert(message)).await
    }
}

#[test]
fn clones_that_share_a_memory_prove_nothing() {
    check_outside(Shared::default);
}

thread_local! {
    static CLOCK: Cell<u64> = const { Cell::new(0) };
}

/// A clock of the machine, as far as a run can tell: no two readings are alike.
fn clock() -> u64 {
    CLOCK.with(|clock| clock.replace(clock.get().wrapping_mul(6_364_136_223_846_793_005) + 1)) >> 33
}

/// Processes and settles a message, in this order or settling first.
async fn handle(
    inbox: &impl Subscription,
    app: &impl Application,
    delivery: &Delivery,
    settles_first: bool,
) -> Result<(), Stop> {
    if settles_first {
        inbox.settle(&[*delivery]).await.carry_on();
        app.process(delivery).await?;
    } else {
        inbox.settle(app.process(delivery).await?).await.carry_on();
    }
    Ok(())
}

/// Settles first whenever the clock says so.
async fn by_the_clock(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        handle(inbox, app, &delivery, clock().is_multiple_of(3)).await?;
    }
    Ok(())
}

#[test]
fn one_that_reads_another_clock_proves_nothing() {
    check_outside(|| consumer!(by_the_clock));
    let explorer = explore(consumer!(by_the_clock)).messages(3).faults(2);
    assert!(complaint(|| explorer.assert_never(lost)).contains("depends on something outside"));
}

thread_local! {
    static LIVES: Cell<u64> = const { Cell::new(0) };
}

/// Settles first in a life now and then, but never in the first runs.
async fn rarely(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
    let life = LIVES.with(|lives| lives.replace(lives.get() + 1));
    let first = life > 10 && life.is_multiple_of(2);
    while let Some(delivery) = inbox.next().await? {
        handle(inbox, app, &delivery, first).await?;
    }
    Ok(())
}

#[test]
fn what_is_different_from_run_to_run_is_seen() {
    check_outside(|| consumer!(rarely));
}

/// A consumer that reads the clock of the world depends on nothing outside.
async fn by_virtual_time(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        if inbox.now().as_nanos().is_multiple_of(2) {
            inbox.settle(app.process(&delivery).await?).await.carry_on();
        } else {
            app.attempt(&delivery).await?;
            inbox.settle(&[delivery]).await.carry_on();
        }
    }
    Ok(())
}

#[test]
fn one_that_reads_the_clock_of_the_world_is_not_accused() {
    explore(consumer!(by_virtual_time)).assert_never(lost);
}

thread_local! {
    static MESSAGES: Cell<u64> = const { Cell::new(0) };
}

/// Settles every nth message that any run has brought, and does not process it.
#[derive(Clone)]
struct EveryNth(u64);

impl Consumer for EveryNth {
    async fn run(&self, inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
        while let Some(delivery) = inbox.next().await? {
            let number = MESSAGES.with(|messages| messages.replace(messages.get() + 1)) + 1;
            if !number.is_multiple_of(self.0) {
                app.process(&delivery).await?;
            }
            inbox.settle(&[delivery]).await.carry_on();
        }
        Ok(())
    }
}

/// What a run shows once and never again is no counterexample, although the runs that are made
/// twice are alike.
#[test]
fn what_is_not_shown_again_is_no_counterexample() {
    let mut noticed = 0;
    for nth in [97, 199, 397, 499] {
        for model in [Model::Log, Model::Queue] {
            MESSAGES.with(|messages| messages.set(0));
            let said = complaint(|| explore(EveryNth(nth)).on(model).assert_never(lost));
            assert!(!said.contains("is lost"), "every {nth}: {said}");
            noticed += u32::from(said.contains("depends on something outside"));
        }
    }
    assert!(noticed > 4, "{noticed}");
}
