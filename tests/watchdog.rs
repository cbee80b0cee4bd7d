//! A consumer that blocks its thread ends with a message all the same, under a watchdog.
//!
//! Nothing on a thread can end what never returns there. So the exploration runs on a thread of its
//! own; whoever waits for it looks at its pulse, and gives up when that has stood still for longer
//! than patience lasts. The facade has no thread: this is how to add one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use entrega::prelude::{
    Application, CarryOn, Consumer, Model, Stop, Subscription, consumer, explore, lost,
};
use entrega::{Explorer, Pulse};

/// Lets what blocks go on, so that no thread outlives the tests.
static RELEASED: AtomicBool = AtomicBool::new(false);

/// Blocks its thread when it meets a message again: only a fault brings it there.
async fn blocks_on_redelivery(
    inbox: &impl Subscription,
    app: &impl Application,
) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        while delivery.redelivered && !RELEASED.load(Ordering::Relaxed) {
            thread::sleep(Duration::from_millis(1));
        }
        let done = app.process(&delivery).await?;
        inbox.settle(done).await.carry_on();
    }
    Ok(())
}

async fn is_slow(inbox: &impl Subscription, app: &impl Application) -> Result<(), Stop> {
    while let Some(delivery) = inbox.next().await? {
        thread::sleep(Duration::from_millis(20));
        let done = app.process(&delivery).await?;
        inbox.settle(done).await.carry_on();
    }
    Ok(())
}

/// Explores on a thread, and says after `patience` without a beat where it blocks.
fn watched<C>(explorer: Explorer<C>, patience: Duration) -> Result<(), String>
where
    C: Consumer + Clone + Send + 'static,
{
    let pulse = Arc::new(Pulse::default());
    let explorer = explorer.pulse(Arc::clone(&pulse));
    let (done, result) = mpsc::channel();
    let work = move || done.send(explorer.run().map(|outcomes| drop(outcomes.assert_never(lost))));
    thread::Builder::new().spawn(work).map_err(|error| error.to_string())?;
    loop {
        let beats = pulse.beats();
        match result.recv_timeout(patience) {
            Ok(end) => return end.map_err(|problem| problem.to_string()),
            Err(RecvTimeoutError::Disconnected) => return Err("an assertion failed".to_owned()),
            Err(RecvTimeoutError::Timeout) if pulse.beats() != beats => {}
            Err(RecvTimeoutError::Timeout) => return Err(blocked(&pulse)),
        }
    }
}

fn blocked(pulse: &Pulse) -> String {
    let faults = pulse.choices().len();
    match pulse.inside() {
        Some((process, at)) => {
            format!("process {process} blocks its thread at {at}; faults in this run: {faults}")
        }
        None => "the explorer itself stands still".to_owned(),
    }
}

#[test]
fn one_that_blocks_its_thread_ends_with_a_message() {
    let explorer = explore(consumer!(blocks_on_redelivery)).on(Model::Queue);
    let end = watched(explorer, Duration::from_secs(2));
    RELEASED.store(true, Ordering::Relaxed);
    let said = end.expect_err("it blocks");
    assert!(said.starts_with("process 1 blocks its thread at "), "{said}");
    assert!(said.ends_with("; faults in this run: 1"), "{said}");
}

/// Slow is not blocked: the pulse goes on, although the whole takes longer than patience lasts.
#[test]
fn one_that_is_slow_is_left_alone() {
    let explorer = explore(consumer!(is_slow)).on(Model::Queue).only(["effect.after"]);
    assert_eq!(watched(explorer, Duration::from_millis(250)), Ok(()));
}
