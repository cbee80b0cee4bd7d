//! The same workload on tokio with paused time: every leg waits its latency in a task of its way.

use std::rc::Rc;

use entrega_checker::Report;
use entrega_model::{Model, ProcessId};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};
use tokio::time::{self, Instant as Time};

use super::hosted::{Hosted, Log, Net, Queue, Side, consume, produce};
use super::workload::{CONSUMERS, Job, LATENCY};

pub(crate) fn run(job: &Job) -> Report {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
    let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
    let local = LocalSet::new();
    local.block_on(&runtime, async {
        match job.model {
            Model::Log => simulate::<Log>(job).await,
            Model::Queue => simulate::<Queue>(job).await,
        }
    })
}

async fn simulate<S: Side>(job: &Job) -> Report {
    let hosted = Hosted::<S>::new(job);
    let (requests, requested) = unbounded_channel();
    let (answers, answered) = unbounded_channel();
    let ways = Ways { requests, answers };
    let (world, out) = (Rc::clone(&hosted), ways.clone());
    spawn_local(travel(requested, move |call| {
        world.arrive(call);
        out.send_outbox(&world);
    }));
    let world = Rc::clone(&hosted);
    spawn_local(travel(answered, move |call| world.arrived(call)));
    let (world, out) = (Rc::clone(&hosted), ways.clone());
    spawn_local(async move {
        world.run_timer(|| out.send_outbox(&world)).await;
    });
    for process in (1..=CONSUMERS).map(ProcessId) {
        let (world, out) = (Rc::clone(&hosted), ways.clone());
        let send = {
            let (world, out) = (Rc::clone(&world), out.clone());
            move || out.send_outbox(&world)
        };
        spawn_local(consume(world, out, process, send));
    }
    produce(Rc::clone(&hosted), ways, job).await;
    hosted.done.notified().await;
    time::sleep(100 * std::time::Duration::from_nanos(LATENCY.as_nanos())).await;
    hosted.finish(job)
}

/// The ways to the broker and back. The latency is constant, so what sets out first arrives first.
#[derive(Clone)]
struct Ways {
    requests: UnboundedSender<(Time, u32)>,
    answers: UnboundedSender<(Time, u32)>,
}

impl Ways {
    fn send_outbox<S: Side>(&self, hosted: &Hosted<S>) {
        for (_, call) in hosted.world.borrow_mut().outbox.drain(..) {
            let _ = self.answers.send((arrival(), call));
        }
    }
}

impl<S: Side> Net<S> for Ways {
    fn request(&self, call: u32) {
        let _ = self.requests.send((arrival(), call));
    }
}

fn arrival() -> Time {
    Time::now() + std::time::Duration::from_nanos(LATENCY.as_nanos())
}

async fn travel(mut way: UnboundedReceiver<(Time, u32)>, arrive: impl Fn(u32)) {
    while let Some((due, call)) = way.recv().await {
        time::sleep_until(due).await;
        arrive(call);
    }
}
