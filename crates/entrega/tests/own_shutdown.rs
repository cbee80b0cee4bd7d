//! Consumers of one's own that are asked to stop with something in their hands.

mod complaint;

use std::collections::VecDeque;

use complaint::complaint;
use entrega::prelude::*;

const SHUTDOWNS: &str = r#"
[workload]
keys = 1
[[subscriptions]]
name = "reader"
consumers = 8
[consumer]
prefetch = 3
[log]
partitions = 8
auto_offset_reset = "earliest"
[faults]
process.shutdown = { drain = 0.1, abandon = 0.1 }
"#;

/// What to do at a shutdown with what is held.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Held {
    /// Settle it unprocessed.
    Settle,
    /// Leave it unsettled: the close hands it back.
    HandBack,
    /// Process it first, then settle it.
    Finish,
}

/// Holds up to two messages before it works on the first.
#[derive(Clone, Copy)]
struct Holds(Held);

impl Consumer for Holds {
    async fn run(&self, inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
        let mut held = VecDeque::new();
        while let Some(delivery) = next_of_two(inbox, &mut held).await? {
            inbox.settle(app.process(&delivery).await?).await.carry_on();
        }
        self.at_shutdown(inbox, app, held).await
    }
}

/// The first message that is held, once two of them are or no other is there; none at a shutdown.
async fn next_of_two(
    inbox: &impl Subscription,
    held: &mut VecDeque<Delivery>,
) -> Result<Option<Delivery>, Stop> {
    loop {
        let until = if held.is_empty() { Instant::NEVER } else { inbox.now() };
        match inbox.poll(until).await? {
            Turn::Delivery(delivery) => {
                held.push_back(delivery);
                if held.len() < 2 {
                    continue;
                }
            }
            Turn::Revoking | Turn::Lost => held.clear(),
            Turn::Shutdown => return Ok(None),
            Turn::Idle | Turn::Assigned(_) => {}
        }
        if let Some(delivery) = held.pop_front() {
            return Ok(Some(delivery));
        }
    }
}

impl Holds {
    async fn at_shutdown(
        &self,
        inbox: &impl Subscription,
        app: &impl Application,
        held: VecDeque<Delivery>,
    ) -> Result<(), Stop> {
        if self.0 == Held::HandBack {
            return Ok(());
        }
        for delivery in &held {
            if self.0 == Held::Finish {
                app.process(delivery).await?;
            }
            inbox.settle(&[*delivery]).await.carry_on();
        }
        Ok(())
    }
}

fn explorer(held: Held, model: Model, scenario: &str) -> Explorer<Holds> {
    explore(Holds(held)).on(model).messages(3).faults(1).scenario(scenario)
}

/// What is settled at a shutdown and not processed is lost; nothing else loses it, so that an
/// exploration without shutdowns holds.
#[test]
fn settling_at_shutdown_what_it_still_holds_loses() {
    for model in [Model::Log, Model::Queue] {
        let said = complaint(|| explorer(Held::Settle, model, SHUTDOWNS).assert_never(lost));
        assert!(said.contains("is lost (settled before process)"), "{said}");
        assert!(said.contains("process.shutdown"), "{said}");
        let crashes =
            explorer(Held::Settle, model, SHUTDOWNS).only(["effect.before", "effect.after"]);
        crashes.assert_never(lost);
    }
}

/// Its twins hold: what is handed back is delivered again, and what is finished is done.
#[test]
fn handing_back_at_shutdown_holds() {
    for model in [Model::Log, Model::Queue] {
        for held in [Held::HandBack, Held::Finish] {
            let holds = explorer(held, model, SHUTDOWNS);
            holds.assert_never(lost).assert_never(duplicated).assert_never(stalled);
        }
    }
}

/// A poll for what is there already is no idle poll: it neither spins nor sleeps.
#[test]
fn one_that_reads_ahead_is_explored_to_rest() {
    for held in [Held::HandBack, Held::Finish] {
        let outcomes = explore(Holds(held)).messages(3).assert_never(lost);
        for model in [Model::Log, Model::Queue] {
            let not_tried = outcomes.not_tried(model);
            assert!(!not_tried.iter().any(|one| one.contains("idle polls")), "{not_tried:?}");
        }
    }
}

/// Drops what it holds at a shutdown, with a library that settles by itself.
async fn drops_at_shutdown(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
    let mut held = VecDeque::new();
    while let Some(delivery) = next_of_two(inbox, &mut held).await? {
        app.process(&delivery).await?;
    }
    Ok(())
}

/// On a log `close()` commits what was handed out, on a queue the delivery itself settled it.
#[test]
fn dropping_at_shutdown_what_the_library_has_settled_loses() {
    let by = [(Model::Log, "settled by close"), (Model::Queue, "settled at delivery")];
    for (model, cause) in by {
        let explorer = || {
            let explorer = explore(consumer!(drops_at_shutdown)).on(model).messages(3);
            explorer.like(Strategy::AutoSettleAtDelivery).scenario(SHUTDOWNS)
        };
        let said = complaint(|| explorer().faults(1).assert_never(lost));
        assert!(said.contains(&format!("is lost ({cause})")), "{said}");
        explorer().faults(0).assert_never(lost);
    }
}
