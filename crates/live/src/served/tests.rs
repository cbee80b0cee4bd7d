//! A served broker with clients that make requests by hand: which are answered, when, and what the
//! history says.
//!
//! Method: tokio's clock is paused, so a lease of half a minute costs nothing and ends exactly on
//! time. What several threads do is tested on the machine's clock, without a claim about time.

use std::thread;

use entrega_brokers::log::{LogBroker, LogSettings};
use entrega_brokers::queue::{QueueBroker, QueueSettings};
use entrega_clients::{Context, Link, Unanswered};
use entrega_model::queue::{Received, Request, Response, Settlement};
use entrega_model::{
    Duration, Event, Generation, Instant, Key, Kind, MessageId, ProcessId, Record, SubscriptionId,
    event::SettleTrigger, log,
};

use crate::{CallOutcome, Clock, LiveLink, Served, Shared};

const QUEUE: SubscriptionId = SubscriptionId(0);

type History = Shared<Vec<Event>>;

fn queue() -> (Served<QueueBroker>, History) {
    let history = History::default();
    let broker = QueueBroker::new(QueueSettings::default());
    (Served::new(broker, Clock::new(), history.clone()), history)
}

fn publish(message: u32) -> Request {
    let record = Record { message: MessageId(message), key: Key(0), bytes: 1 };
    Request::Publish { records: vec![record], confirm: true, id: 0 }
}

fn receive(deadline: Instant) -> Request {
    let (queue, max, settle_at_delivery) = (QUEUE, 10, false);
    Request::Receive { queue, max, settle_at_delivery, buffer: Vec::new(), deadline }
}

fn ack(tag: u64) -> Request {
    let (settlement, trigger) = (Settlement::Ack, SettleTrigger::Application);
    Request::Settle { queue: QUEUE, tags: vec![tag], settlement, multiple: false, trigger }
}

async fn received(link: &LiveLink<QueueBroker>) -> Vec<Received> {
    match link.call(receive(Instant::NEVER)).await {
        Ok(Response::Received { deliveries }) => deliveries,
        other => panic!("{other:?}"),
    }
}

fn count(history: &History, of: impl Fn(&Kind) -> bool) -> usize {
    history.with(|events| events.iter().filter(|event| of(&event.kind)).count())
}

#[tokio::test(start_paused = true)]
async fn a_publish_answers_a_parked_request() {
    let (served, _) = queue();
    let (producer, consumer) = (served.connect(ProcessId(0)), served.connect(ProcessId(1)));
    let waits = received(&consumer);
    let sends = async {
        tokio::task::yield_now().await;
        producer.call(publish(7)).await
    };
    let (deliveries, sent) = tokio::join!(waits, sends);
    assert!(sent.is_ok());
    assert_eq!(deliveries[0].record.message, MessageId(7));
    assert!(matches!(consumer.call(ack(deliveries[0].tag)).await, Ok(Response::Settled { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_parked_request_with_a_deadline_is_answered_then() {
    let (served, _) = queue();
    tokio::spawn(served.keep_time());
    let consumer = served.connect(ProcessId(1));
    let deadline = consumer.now() + Duration::from_secs(3);
    let answer = consumer.call(receive(deadline)).await;
    assert!(matches!(answer, Ok(Response::Received { deliveries }) if deliveries.is_empty()));
    assert!(consumer.now() >= deadline);
}

/// The receiver is alive and silent. Another client waits, and makes no request meanwhile: the
/// timer brings the message back.
#[tokio::test(start_paused = true)]
async fn a_lease_ends_by_itself() {
    let (served, history) = queue();
    tokio::spawn(served.keep_time());
    let [first, second] = [1, 2].map(|process| served.connect(ProcessId(process)));
    assert!(first.call(publish(0)).await.is_ok());
    let held = received(&first).await;
    let again = received(&second).await;
    assert!(again[0].redelivered && again[0].record.message == MessageId(0));
    assert!(matches!(first.call(ack(held[0].tag)).await, Ok(Response::Stale { .. })));
    assert_eq!(count(&history, |kind| matches!(kind, Kind::LeaseExpired { .. })), 1);
}

/// Without a timer, a lease still ends before anything else at that time.
#[tokio::test(start_paused = true)]
async fn an_answer_does_not_depend_on_the_timer() {
    let (served, _) = queue();
    let consumer = served.connect(ProcessId(1));
    assert!(consumer.call(publish(0)).await.is_ok());
    let held = received(&consumer).await;
    tokio::time::advance(std::time::Duration::from_secs(31)).await;
    assert!(matches!(consumer.call(ack(held[0].tag)).await, Ok(Response::Stale { .. })));
}

/// A link that is just dropped is a crash: its messages are ready again at once, and its parked
/// requests take nothing any more.
#[tokio::test(start_paused = true)]
async fn a_dropped_link_is_a_crash() {
    let (served, history) = queue();
    let consumer = served.connect(ProcessId(1));
    assert!(consumer.call(publish(0)).await.is_ok());
    received(&consumer).await;
    consumer.start(receive(Instant::NEVER));
    drop(consumer);
    let next = served.connect(ProcessId(1));
    assert_eq!(next.client().incarnation.0, 1);
    assert_eq!(received(&next).await.len(), 1);
    next.leave(false);
    drop(next);
    assert_eq!(count(&history, |kind| matches!(kind, Kind::Crashed { .. })), 1);
    assert_eq!(count(&history, |kind| matches!(kind, Kind::Exited { failed: false, .. })), 1);
}

/// The caller has given up, but the broker does not know it: the message is in flight until its
/// lease ends.
#[tokio::test(start_paused = true)]
async fn what_a_forgotten_receive_takes_comes_back_with_its_lease() {
    let (served, _) = queue();
    tokio::spawn(served.keep_time());
    let consumer = served.connect(ProcessId(1));
    let call = consumer.start(receive(Instant::NEVER));
    consumer.forget(call);
    assert!(consumer.call(publish(0)).await.is_ok());
    assert_eq!(served.look(|broker| broker.in_flight_count(QUEUE)), 1);
    let before = consumer.now();
    assert_eq!(received(&consumer).await[0].delivery_count, 2);
    assert!(consumer.now().since(before) >= Duration::from_secs(30));
}

#[tokio::test(start_paused = true)]
async fn who_gets_no_answer_is_told_after_the_request_timeout() {
    for (outcome, stored) in [(CallOutcome::RequestLost, 0), (CallOutcome::AnswerLost, 1)] {
        let (served, _) = queue();
        tokio::spawn(served.keep_time());
        let lossy = served.connect(ProcessId(0)).with_network(move |_| outcome);
        let patient = lossy.with_request_timeout(Duration::from_secs(9));
        assert_eq!(patient.call(publish(0)).await, Err(Unanswered));
        assert!(patient.now() >= Instant::START + Duration::from_secs(9));
        assert_eq!(served.look(|broker| broker.ready_count(QUEUE)), stored, "{outcome:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_restart_answers_nobody_and_keeps_what_is_stored() {
    let (served, history) = queue();
    let consumer = served.connect(ProcessId(1));
    let waits = consumer.call(receive(Instant::NEVER));
    let restarts = async {
        tokio::task::yield_now().await;
        served.restart();
    };
    let (answer, ()) = tokio::join!(waits, restarts);
    assert_eq!(answer, Err(Unanswered));
    assert!(consumer.call(publish(0)).await.is_ok());
    assert_eq!(received(&consumer).await.len(), 1);
    assert_eq!(count(&history, |kind| matches!(kind, Kind::BrokerRestarted)), 1);
}

/// A group member that stalls is removed when its session ends; one that resumes in time is not.
#[tokio::test(start_paused = true)]
async fn a_stalled_member_loses_its_session() {
    let joins = log::Request::Join { group: QUEUE, has: Generation(0) };
    for (goes_on, expired) in [(true, 0), (false, 1)] {
        let history = History::default();
        let broker = LogBroker::new(LogSettings::default());
        let served = Served::new(broker, Clock::new(), history.clone());
        tokio::spawn(served.keep_time());
        let member = served.connect(ProcessId(1));
        assert!(matches!(member.call(joins.clone()).await, Ok(log::Response::Joined { .. })));
        member.stall();
        tokio::time::sleep(std::time::Duration::from_secs(44)).await;
        if goes_on {
            member.resume();
        }
        tokio::time::sleep(std::time::Duration::from_secs(60)).await;
        assert_eq!(count(&history, |kind| matches!(kind, Kind::SessionExpired { .. })), expired);
    }
}

/// A run is at rest when its client waits, and not while it sleeps or holds a lease.
#[tokio::test(start_paused = true)]
async fn rest_waits_for_sleepers_and_leases() {
    let (served, _) = queue();
    tokio::spawn(served.keep_time());
    let consumer = served.connect(ProcessId(1));
    let naps = async {
        consumer.sleep_until(Instant::START + Duration::from_secs(5)).await;
        assert!(consumer.call(publish(0)).await.is_ok());
        let held = received(&consumer).await;
        consumer.sleep_until(Instant::START + Duration::from_secs(20)).await;
        assert!(consumer.call(ack(held[0].tag)).await.is_ok());
        received(&consumer).await.len()
    };
    let rests = async {
        served.rest().await;
        served.clock().now()
    };
    let rested = tokio::select! { _ = naps => Instant::START, at = rests => at };
    assert!(rested >= Instant::START + Duration::from_secs(20), "{rested}");
    assert_eq!(served.look(|broker| broker.in_flight_count(QUEUE)), 0);
}

#[tokio::test(start_paused = true)]
async fn the_timer_ends_with_the_last_who_holds_the_broker() {
    let (served, _) = queue();
    let timer = tokio::spawn(served.keep_time());
    tokio::task::yield_now().await;
    drop(served);
    assert!(timer.await.is_ok());
}

/// Four threads, one queue: each message is acked once, and the history is in the order of time.
#[test]
fn threads_share_a_broker() -> std::io::Result<()> {
    const EACH: u32 = 250;
    let (served, history) = queue();
    let timer = served.keep_time_on_a_thread()?;
    thread::scope(|scope| {
        for number in 0..4 {
            let link = served.connect(ProcessId(number));
            scope.spawn(move || {
                let first = u32::from(number) * EACH;
                match number {
                    0 | 1 => block_on(send_all(&link, first..first + EACH)),
                    _ => block_on(ack_so_many(&link, EACH)),
                }
                link.leave(false);
            });
        }
    });
    drop(served);
    assert!(timer.join().is_ok());
    assert_eq!(count(&history, |kind| matches!(kind, Kind::Settled { .. })), 2 * EACH as usize);
    let ordered = history.with(|events| events.is_sorted_by_key(|event| event.at));
    assert!(ordered, "one total order");
    Ok(())
}

async fn send_all(link: &LiveLink<QueueBroker>, messages: std::ops::Range<u32>) {
    for message in messages {
        assert!(link.call(publish(message)).await.is_ok());
    }
}

async fn ack_so_many(link: &LiveLink<QueueBroker>, messages: u32) {
    let mut left = messages;
    while left > 0 {
        let mut request = receive(Instant::NEVER);
        if let Request::Receive { max, .. } = &mut request {
            *max = left.min(10);
        }
        let Ok(Response::Received { deliveries }) = link.call(request).await else {
            panic!("no deliveries")
        };
        for delivery in &deliveries {
            assert!(link.call(ack(delivery.tag)).await.is_ok());
        }
        left -= deliveries.len() as u32;
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.map(|runtime| runtime.block_on(future)).unwrap_or_else(|error| panic!("{error}"))
}
