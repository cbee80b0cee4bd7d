//! What goes wrong, straight on `LiveQueue` and `LiveLog`: consumers die at a named place or at
//! random, messages go back, and are given up.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use entrega_brokers::queue::QueueSettings;
use entrega_checker::{Class, End, Report, Verdict};
use entrega_clients::{
    Application, CarryOn, Catalogued, Consumer, QueueSubscription, SettleError, Stop, Strategy,
    Subscription, Turn, consumer,
};
use entrega_live::direct::{DirectLog, DirectQueue};
use entrega_live::{Attempt, Clock, Failure, Harm, supervise};
use entrega_model::event::DeadLetterReason;
use entrega_model::{Delivery, Duration, Instant, Model, ProcessId, Record};
use rand_xoshiro::Xoshiro256PlusPlus;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use tokio::task::LocalSet;

use crate::direct::{Direct, Scene, dead_lettering, fast, runtime};

const MESSAGES: u32 = 60;
/// Whose processing the first life does not survive.
const FATAL: u32 = 17;

type Queue = DirectQueue<Record>;
type Log = DirectLog<Record>;

fn count(report: &Report, class: Class) -> u64 {
    report.subscriptions[0].classes.get(class)
}

/// The first life dies in the handler of one message, before its effect; a second one follows.
async fn dies_before_the_effect<D: Direct>(strategy: Strategy, model: Model) -> Report {
    let scene = Rc::new(Scene::<D>::new(strategy, model, &dead_lettering(), fast()));
    let (consumers, stuck) = (LocalSet::new(), Rc::new(tokio::sync::Notify::new()));
    let served = scene.direct.served().clone();
    let (reached, code) = (Rc::clone(&stuck), Catalogued::new(strategy));
    let work = move |delivery: &Delivery| {
        let is_fatal = delivery.record.message.0 == FATAL;
        if is_fatal {
            reached.notify_one();
        }
        Attempt { takes: Duration::from_secs(if is_fatal { 1 << 30 } else { 0 }), fails: None }
    };
    let first = Rc::clone(&scene).life(served.connect(ProcessId(1)), code.clone(), work);
    let second = Rc::clone(&scene);
    consumers.spawn_local(async move {
        tokio::select! {
            ended = first => return ended,
            () = stuck.notified() => {}
        }
        let link = served.connect(ProcessId(1));
        second.life(link, code, |_| Attempt::default()).await
    });
    scene.run(consumers, MESSAGES, true).await
}

fn lost_before_the_effect<D: Direct>(strategy: Strategy, model: Model) -> u64 {
    let report = runtime().block_on(dies_before_the_effect::<D>(strategy, model));
    let of = format!("{strategy} on a {model}: {report:#?}");
    assert_eq!(report.verdict, Verdict::Valid, "{of}");
    assert_eq!(count(&report, Class::Exact) + count(&report, Class::Lost), 60, "{of}");
    count(&report, Class::Lost)
}

/// Who settles first loses what it was at, and nothing else; who settles last loses nothing.
#[test]
fn a_death_between_settle_and_effect_loses_one_message() {
    let (careless, careful) = (Strategy::SettleThenProcess, Strategy::ProcessThenSettle);
    assert_eq!(lost_before_the_effect::<Queue>(careless, Model::Queue), 1);
    assert_eq!(lost_before_the_effect::<Log>(careless, Model::Log), 1);
    assert_eq!(lost_before_the_effect::<Queue>(careful, Model::Queue), 0);
    assert_eq!(lost_before_the_effect::<Log>(careful, Model::Log), 0);
}

/// Two consumers die at random awaits, from a seed, and come again.
async fn harmed<D: Direct>(strategy: Strategy, model: Model, seed: u64) -> Report {
    let scene = Rc::new(Scene::<D>::new(strategy, model, &dead_lettering(), fast()));
    let consumers = LocalSet::new();
    for number in 1..=2 {
        let (scene, left) = (Rc::clone(&scene), Cell::new(8));
        let random = RefCell::new(Xoshiro256PlusPlus::seed_from_u64(seed + u64::from(number)));
        consumers.spawn_local(async move {
            let harm = move || {
                left.set(left.get() - 1);
                let polls = 1 + random.borrow_mut().next_u32() % 40;
                if left.get() < 0 { Harm::None } else { Harm::Death { polls } }
            };
            let (served, code) = (scene.direct.served().clone(), Catalogued::new(strategy));
            let restart = Duration::from_millis(100);
            supervise(&served, ProcessId(number), restart, harm, |link| {
                Rc::clone(&scene).life(link, code.clone(), |_| Attempt::default())
            })
            .await;
        });
    }
    scene.run(consumers, MESSAGES, true).await
}

fn check_harmed<D: Direct>(model: Model) {
    for strategy in Strategy::ALL.into_iter().filter(|one| one.supports(model) && one.runs_live()) {
        let report = runtime().block_on(harmed::<D>(strategy, model, 1));
        assert_eq!(report.verdict, Verdict::Valid, "{strategy} on a {model}: {report:#?}");
    }
}

#[test]
fn every_strategy_keeps_its_promise_on_a_live_queue_whoever_dies() {
    check_harmed::<Queue>(Model::Queue);
}

#[test]
fn every_strategy_keeps_its_promise_on_a_live_log_whoever_dies() {
    check_harmed::<Log>(Model::Log);
}

/// The opposite: what promises less is caught.
#[test]
fn what_promises_less_is_caught_on_live_queues_and_logs() {
    let found = |model, strategy, class| {
        (1..=30).any(|seed| {
            let report = match model {
                Model::Log => runtime().block_on(harmed::<Log>(strategy, model, seed)),
                Model::Queue => runtime().block_on(harmed::<Queue>(strategy, model, seed)),
            };
            count(&report, class) > 0
        })
    };
    for model in [Model::Log, Model::Queue] {
        assert!(found(model, Strategy::SettleThenProcess, Class::Lost), "{model}");
        assert!(found(model, Strategy::ProcessThenSettle, Class::Duplicated), "{model}");
    }
}

/// One consumer of a queue with code of its own, until everything is done.
fn one_on_a_queue(
    settings: QueueSettings,
    reason: DeadLetterReason,
    code: impl Consumer + 'static,
    work: impl Fn(&Delivery) -> Attempt + 'static,
) -> Report {
    let (strategy, model) = (Strategy::BrokerDeadLetter, Model::Queue);
    runtime().block_on(async {
        let scene = Rc::new(Scene::<Queue>::new(strategy, model, &settings, fast()));
        let (consumers, link) = (LocalSet::new(), scene.direct.served().connect(ProcessId(1)));
        consumers.spawn_local(Rc::clone(&scene).life(link, code, work));
        let _ = scene.run(consumers, MESSAGES, true).await;
        scene.direct.note_dead_letters(reason);
        scene.observed.with(|(checker, _)| checker.finish(End::Quiescent))
    })
}

/// Every third message goes back once.
async fn hesitates(inbox: &impl QueueSubscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        if delivery.record.message.0 % 3 == 0 && !delivery.redelivered {
            assert_eq!(inbox.requeue(&delivery).await, Ok(()));
            continue;
        }
        let done = app.process(&delivery).await?;
        inbox.settle(done).await.carry_on();
    }
    Ok(())
}

#[test]
fn what_is_requeued_comes_again() {
    let reason = DeadLetterReason::Rejected;
    let code = consumer!(queue: hesitates);
    let report = one_on_a_queue(dead_lettering(), reason, code, |_| Attempt::default());
    assert_eq!(count(&report, Class::Exact), 60, "{report:#?}");
    assert_eq!(report.subscriptions[0].redeliveries, Some(20), "{report:#?}");
}

#[test]
fn what_is_rejected_is_dead_lettered() {
    let code = Catalogued::new(Strategy::BrokerDeadLetter);
    let poisons = |delivery: &Delivery| {
        let fails = delivery.record.message.0.is_multiple_of(10).then_some(Failure::Poison);
        Attempt { fails, ..Attempt::default() }
    };
    let report = one_on_a_queue(dead_lettering(), DeadLetterReason::Rejected, code, poisons);
    assert_eq!(report.verdict, Verdict::Valid, "{report:#?}");
    let (exact, dead) = (count(&report, Class::Exact), count(&report, Class::DeadLettered));
    assert_eq!((exact, dead), (54, 6), "{report:#?}");
}

/// Never takes one message, and takes all others.
async fn refuses(inbox: &impl QueueSubscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        if delivery.record.message.0 == FATAL {
            assert_eq!(inbox.requeue(&delivery).await, Ok(()));
            continue;
        }
        let done = app.process(&delivery).await?;
        inbox.settle(done).await.carry_on();
    }
    Ok(())
}

#[test]
fn what_is_requeued_too_often_is_dead_lettered() {
    let settings = QueueSettings { delivery_limit: Some(4), ..dead_lettering() };
    let code = consumer!(queue: refuses);
    let reason = DeadLetterReason::DeliveryLimit;
    let report = one_on_a_queue(settings, reason, code, |_| Attempt::default());
    let (exact, dead) = (count(&report, Class::Exact), count(&report, Class::DeadLettered));
    assert_eq!((exact, dead), (59, 1), "{report:#?}");
}

/// A settle after the lease is over is refused, for somebody else has the message; a poll that is
/// dropped loses nothing.
#[test]
fn a_zombie_is_fenced_and_a_dropped_poll_loses_nothing() {
    let lease = Duration::from_millis(5);
    let settings = QueueSettings { visibility_timeout: lease, ..dead_lettering() };
    runtime().block_on(async {
        let (strategy, model) = (Strategy::ProcessThenSettle, Model::Queue);
        let scene = Scene::<Queue>::new(strategy, model, &settings, Clock::new());
        let served = scene.direct.served();
        let config = scene.settings.client.clone();
        let [zombie, other] = [1, 2].map(|number| served.connect(ProcessId(number)));
        let zombie = scene.direct.subscribe(&zombie, config.clone());
        let other = scene.direct.subscribe(&other, config);
        assert_eq!(zombie.poll(Instant::START).await, Ok(Turn::Idle), "there is nothing");
        scene.direct.produce(crate::stage::Numbered::up_to(1), true).await;
        let held = zombie.next().await.ok().flatten().expect("it waits");
        let again = other.next().await.ok().flatten().expect("the lease ends");
        assert_eq!((again.record, again.attempt, again.redelivered), (held.record, 2, true));
        assert_eq!(zombie.settle(&[held]).await, Err(SettleError::Fenced));
    });
}
