//! Consumers of one's own that renew the lease of what they hold: a slow handler ends at the
//! deadline that stood when it became slow, so that they come to rest.

mod complaint;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use complaint::complaint;
use entrega::prelude::*;
use entrega_explain::Timeline;
use entrega_scenario::{Cast, Scenario};

/// One future polls, and renews the leases every ten seconds if it is to; another one works.
#[derive(Clone, Copy)]
struct Renews {
    on: bool,
}

/// What the two futures share.
#[derive(Default)]
struct Desk {
    waiting: RefCell<VecDeque<Delivery>>,
    held: RefCell<Vec<Delivery>>,
    over: Cell<bool>,
}

impl Desk {
    /// The next delivery to work on; none after the shutdown.
    async fn next(&self) -> Option<Delivery> {
        poll_fn(|_| match self.waiting.borrow_mut().pop_front() {
            None if !self.over.get() => Poll::Pending,
            next => Poll::Ready(next),
        })
        .await
    }
}

impl Consumer for Renews {
    async fn run_on_queue(
        &self,
        inbox: &impl QueueSubscription,
        app: &impl ProgressInSink,
    ) -> Result<(), Stop> {
        let desk = Desk::default();
        let polls = async {
            loop {
                let holds = !desk.held.borrow().is_empty();
                let renewal = inbox.now() + Duration::from_secs(10);
                match inbox.poll(if holds { renewal } else { Instant::NEVER }).await? {
                    Turn::Delivery(delivery) => {
                        desk.held.borrow_mut().push(delivery);
                        desk.waiting.borrow_mut().push_back(delivery);
                    }
                    Turn::Idle if self.on => {
                        let held = desk.held.borrow().clone();
                        for delivery in &held {
                            inbox.extend(delivery).await.carry_on();
                        }
                    }
                    Turn::Shutdown => {
                        desk.over.set(true);
                        return Ok(());
                    }
                    _ => {}
                }
            }
        };
        let works = async {
            while let Some(delivery) = desk.next().await {
                let done = app.process(&delivery).await?;
                inbox.settle(done).await.carry_on();
                desk.held.borrow_mut().retain(|one| one.id != delivery.id);
            }
            Ok(())
        };
        both(polls, works).await
    }
}

/// Waits for both, or for the first that fails.
async fn both(
    one: impl Future<Output = Result<(), Stop>>,
    other: impl Future<Output = Result<(), Stop>>,
) -> Result<(), Stop> {
    let (mut one, mut other) = (pin!(one), pin!(other));
    let mut open = [true; 2];
    poll_fn(|cx| {
        for (index, open) in open.iter_mut().enumerate().filter(|(_, open)| **open) {
            let polled = if index == 0 { one.as_mut().poll(cx) } else { other.as_mut().poll(cx) };
            match polled {
                Poll::Ready(Ok(())) => *open = false,
                Poll::Ready(Err(stop)) => return Poll::Ready(Err(stop)),
                Poll::Pending => {}
            }
        }
        if open == [false; 2] { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
}

const SLOW: &str = r#"
[workload]
keys = 1
[[subscriptions]]
name = "reader"
consumers = 8
[queue]
visibility_timeout = "30s"
requeue_on_disconnect = false
[faults]
handler.slow = { slow = 0.1 }
"#;

fn explorer(on: bool, scenario: &str) -> Explorer<Renews> {
    explore(Renews { on }).on(Model::Queue).messages(2).faults(1).scenario(scenario)
}

/// The handler is slow until the lease would have ended; with a renewal nobody takes over.
#[test]
fn a_consumer_that_renews_its_lease_comes_to_rest() {
    explorer(true, SLOW).assert_never(duplicated).assert_never(stalled);
    let said = complaint(|| explorer(false, SLOW).assert_never(duplicated));
    assert!(said.contains("m0 takes effect more than once (lease expired)"), "{said}");
}

/// A process that stands still renews nothing.
#[test]
fn a_stall_outlasts_a_lease_that_would_have_been_renewed() {
    let stall = SLOW.replace("handler.slow = { slow", "process.stall = { before");
    let said = complaint(|| explorer(true, &stall).assert_never(duplicated));
    assert!(said.contains("m0 takes effect more than once (lease expired)"), "{said}");
}

/// A crash comes at the same deadline, and so after a renewal: only the end of the renewed lease
/// brings the message back.
#[test]
fn a_crash_after_having_been_slow_comes_to_rest() {
    let crash = SLOW.replace("handler.slow = { slow", "effect.before = { crash");
    explorer(true, &crash).assert_never(lost).assert_never(duplicated);
    let after = SLOW.replace("handler.slow = { slow", "effect.after = { crash");
    let said = complaint(|| explorer(true, &after).assert_never(duplicated));
    assert!(said.contains("(redelivered after crash)"), "{said}");
}

/// Holds what it has until it is delivered again; after ten seconds it renews the lease of the
/// first message, once.
async fn renews_once(
    inbox: &impl QueueSubscription,
    app: &impl ProgressInSink,
) -> Result<(), Stop> {
    let renewal = inbox.now() + Duration::from_secs(10);
    let mut first = None;
    loop {
        let until = if inbox.now() < renewal { renewal } else { Instant::NEVER };
        match inbox.poll(until).await? {
            Turn::Delivery(delivery) if delivery.redelivered => {
                let done = app.process(&delivery).await?;
                inbox.settle(done).await.carry_on();
            }
            Turn::Delivery(delivery) => first = first.or(Some(delivery)),
            Turn::Idle => {
                if let Some(delivery) = first.take() {
                    inbox.extend(&delivery).await.carry_on();
                }
            }
            Turn::Shutdown => return Ok(()),
            _ => {}
        }
    }
}

async fn works_off(inbox: &impl QueueSubscription, app: &impl ProgressInSink) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        let done = app.process(&delivery).await?;
        inbox.settle(done).await.carry_on();
    }
    Ok(())
}

/// The lines about leases that end, in the timeline of a run with two messages.
fn ends_of_leases<C: Consumer + Clone>(consumer: C, choices: &str) -> Vec<String> {
    let text = SLOW
        .replace("keys = 1", "keys = 1\narrivals = { distribution = \"backlog\" }")
        .replace("[queue]", "[consumer]\nprefetch = 2\n[queue]");
    let explorer = explore(consumer).on(Model::Queue).messages(2).consumers(1).scenario(&text);
    let run = explorer.replay(choices).expect("a replay");
    let loaded = Scenario::parse("slow.toml", &text, &[], &|_| Err(String::new()));
    let timeline = Timeline {
        events: &run.events,
        cast: &Cast::of(&loaded.expect("a valid scenario").scenario),
        focus: BTreeSet::new(),
        only: BTreeSet::new(),
        all: true,
        colourful: false,
        columns: None,
    };
    let text = timeline.lines();
    let ends = text.lines().filter_map(|line| Some(line.split_once("! lease of ")?.1));
    ends.map(|end| end.trim_end_matches([' ', '│']).to_owned()).collect()
}

/// A lease that was extended ran from then on, although others were handed out meanwhile: it is
/// not said that its message was fetched then.
#[test]
fn an_extended_lease_is_not_told_from_when_it_was_fetched() {
    let renewed = ends_of_leases(consumer!(queue: renews_once), "");
    assert_eq!(renewed, ["reader 1 on m1 expires", "reader 1 on m0 expires"]);
    let slow = "reader.handler.slow#1=slow-expiry";
    let waited = ends_of_leases(consumer!(queue: works_off), slow);
    let told = "reader 1 on m1 expires, fetched at 0.000000s";
    assert_eq!(waited, ["reader 1 on m0 expires", told]);
}
