//! A process that runs life after life, and what interrupts a life.
//!
//! > **The rule.** A life is one future. After each of its polls it may be interrupted: by a death,
//! > which drops the future where it stands, or by a stall, during which it is not polled. What it
//! > has asked for happens all the same.
//!
//! During a stall the broker hears no heartbeats; afterwards the process goes on, maybe as a
//! zombie. A life that dies or fails is followed by another one.
//!
//! A life can be interrupted in two ways: from within, by a [`KillSwitch`] at a place that the
//! process itself names ([`live`]), and from outside, at a poll that is counted ([`supervise`]).

mod counted;
mod kill_switch;

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use entrega_brokers::Broker;
use entrega_clients::{Context, Stop};
use entrega_model::{Duration, ProcessId};

pub use counted::Harm;
pub use kill_switch::KillSwitch;

use counted::Counted;

use crate::{Busy, LiveLink, Served};

/// Runs a process life after life until one ends cleanly, or the broker is closing. The next life
/// begins `restart` after a death or a failure. Each life gets a connection and a switch of its
/// own.
pub async fn live<B: Broker, F: Future<Output = Result<(), Stop>>>(
    served: &Served<B>,
    process: ProcessId,
    restart: Duration,
    life: impl Fn(LiveLink<B>, KillSwitch) -> F,
) {
    let life = |link, switch: &KillSwitch| life(link, switch.clone());
    run_lives(served, process, restart, KillSwitch::default(), life).await;
}

/// Runs a process life after life as [`live`] does, and harms it from outside. `harm` says what
/// comes next: at the beginning of each life, and after each stall.
pub async fn supervise<B: Broker, F: Future<Output = Result<(), Stop>>>(
    served: &Served<B>,
    process: ProcessId,
    restart: Duration,
    harm: impl FnMut() -> Harm,
    life: impl Fn(LiveLink<B>) -> F,
) {
    run_lives(served, process, restart, Counted::new(harm), |link, _| life(link)).await;
}

/// How a life is interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Interruption {
    Death,
    Stall(Duration),
}

/// Decides when lives are interrupted.
trait Interrupts {
    /// A life begins.
    fn begin_life(&mut self);

    /// The life goes on after a stall.
    fn end_stall(&mut self);

    /// How the life is interrupted, now that a poll of it has ended, if it is.
    fn after_poll(&mut self) -> Option<Interruption>;
}

async fn run_lives<B: Broker, I: Interrupts, F: Future<Output = Result<(), Stop>>>(
    served: &Served<B>,
    process: ProcessId,
    restart: Duration,
    mut interrupts: I,
    life: impl Fn(LiveLink<B>, &I) -> F,
) {
    loop {
        let link = served.connect(process);
        interrupts.begin_life();
        let future = life(link.clone(), &interrupts);
        let Some(busy) = until_its_end(served, link, &mut interrupts, future).await else { return };
        if served.is_closing() {
            return;
        }
        let clock = served.clock();
        clock.sleep_until(clock.now() + restart).await;
        drop(busy);
    }
}

/// Runs one life. If it does not end cleanly, the run is not at rest until the process is back: as
/// long as the guard lives.
async fn until_its_end<B: Broker>(
    served: &Served<B>,
    link: LiveLink<B>,
    interrupts: &mut impl Interrupts,
    life: impl Future<Output = Result<(), Stop>>,
) -> Option<Busy<B>> {
    let mut life = pin!(life);
    loop {
        let step = poll_fn(|cx| {
            if let Poll::Ready(ended) = life.as_mut().poll(cx) {
                return Poll::Ready(Ok(ended));
            }
            interrupts.after_poll().map_or(Poll::Pending, |how| Poll::Ready(Err(how)))
        });
        match step.await {
            Ok(Ok(())) => return None,
            Ok(Err(_)) | Err(Interruption::Death) => return Some(served.busy()),
            Err(Interruption::Stall(span)) => {
                link.stall();
                link.sleep_until(link.now() + span).await;
                link.resume();
                interrupts.end_stall();
            }
        }
    }
}
