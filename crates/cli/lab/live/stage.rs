//! A broker with its processes, and the phases of a run: the same as in the simulator.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entrega_choice::Choices;
use entrega_clients::producers::{Outgoing, confirmed, fire_and_forget};
use entrega_clients::sinks::ChosenSink;
use entrega_clients::{Catalogued, Context};
use entrega_live::{
    Clock, ConsumerSettings, LiveHandler, LiveLink, Reins, Served, SharedSink, consume, live,
};
use entrega_model::event::Phase;
use entrega_model::{Delivery, Instant, MessageId, Observer, ProcessId, Record, SubscriptionId};
use entrega_scenario::{Cast, setup};
use entrega_scenario::{ProducerStrategy, Span};
use tokio::task::{JoinSet, LocalSet};

use super::faults::{Chance, Danger, Endangered, Exposed};
use super::{Ending, Limits, Setup};

/// A broker and everything around it.
pub(crate) struct Stage<B: Exposed> {
    setup: Setup,
    served: Served<B>,
    sinks: Vec<SharedSink<ChosenSink>>,
    pub(crate) chance: Arc<Chance>,
}

/// How often a run looks whether it is to stop.
const LOOK: Duration = Duration::from_millis(20);
/// How long closing may take.
pub(crate) const CLOSING: Duration = Duration::from_secs(5);

impl<B: Exposed<Request: Clone>> Stage<B> {
    pub(crate) fn new(
        setup: Setup,
        broker: B,
        choices: Choices,
        clock: Clock,
        observer: impl Observer + Send + 'static,
    ) -> Rc<Self> {
        let served = Served::new(broker, clock, observer);
        let sink = || ChosenSink::of(setup.strategy, setup.model, setup.workload.planned.len());
        let subscriptions = setup.scenario.subscriptions.iter();
        let sinks = subscriptions.map(|_| SharedSink::new(sink())).collect();
        Rc::new(Self { setup, served, sinks, chance: Arc::new(Chance::new(choices)) })
    }

    /// Runs it to its end, or to one of its limits.
    pub(crate) async fn run(self: &Rc<Self>, limits: Limits<'_>) -> Ending {
        let timer = tokio::spawn(self.served.keep_time());
        let tasks = LocalSet::new();
        self.served.enter(Phase::Workload);
        for (process, subscription) in Cast::of(&self.setup.scenario).consumers() {
            tasks.spawn_local(consumer(Rc::clone(self), process, subscription));
        }
        let workload = tasks.run_until(self.until_rest());
        let mut ending = Ending::Busy;
        if within(limits.patience, limits.stop, workload).await {
            self.served.enter(Phase::Quiescent);
            self.served.close();
            ending = end(tasks).await;
        }
        self.served.enter(Phase::Audit);
        self.served.audit();
        timer.abort();
        ending
    }

    /// Sends everything, waits until all is calm with faults, and then without them.
    async fn until_rest(self: &Rc<Self>) {
        self.served.rest().await;
        self.send_all().await;
        self.served.rest().await;
        self.chance.end();
        self.served.enter(Phase::Heal);
        self.served.rest().await;
        self.served.enter(Phase::Drain);
        self.served.rest().await;
    }

    /// Runs every producer to its end.
    async fn send_all(self: &Rc<Self>) {
        let mut producers = JoinSet::new();
        for process in Cast::of(&self.setup.scenario).producers() {
            producers.spawn_local(producer(Rc::clone(self), process));
        }
        producers.join_all().await;
    }

    fn consumer_settings(&self, subscription: SubscriptionId) -> ConsumerSettings {
        let Setup { scenario, strategy, .. } = &self.setup;
        ConsumerSettings {
            client: setup::client_config(scenario, *strategy, subscription),
            policy: setup::error_policy(scenario.consumer.on_error),
            max_attempts: scenario.consumer.max_attempts,
            retry_backoff: scenario.consumer.retry_backoff.duration(),
            batch: setup::batch_rules(&scenario.consumer),
        }
    }

    /// A life's connection with the caller's patience, and what may go wrong in it.
    fn endanger(&self, link: LiveLink<B>, timeout: Span, reins: Reins) -> Arc<Danger<B>> {
        let link = link.with_request_timeout(timeout.duration());
        Danger::new(&self.setup, &self.chance, &link, reins)
    }
}

/// Waits until all processes have closed, but not for ever.
async fn end(tasks: LocalSet) -> Ending {
    match tokio::time::timeout(CLOSING, tasks).await {
        Ok(()) => Ending::AtRest,
        Err(_) => Ending::Open,
    }
}

/// Waits for something for so long, unless the flag is raised; whether it came.
async fn within(patience: Duration, stop: &AtomicBool, what: impl Future<Output = ()>) -> bool {
    let raised = async {
        while !stop.load(Ordering::Relaxed) {
            tokio::time::sleep(LOOK).await;
        }
    };
    tokio::select! {
        biased;
        () = what => true,
        () = raised => false,
        () = tokio::time::sleep(patience) => false,
    }
}

/// A consumer, life after life.
async fn consumer<B: Exposed<Request: Clone>>(
    stage: Rc<Stage<B>>,
    process: ProcessId,
    subscription: SubscriptionId,
) {
    let Setup { scenario, strategy, .. } = &stage.setup;
    let config = setup::strategy_config(&scenario.consumer);
    let code = Catalogued { strategy: *strategy, config };
    let (code, settings) = (&code, &stage.consumer_settings(subscription));
    let life = |link: LiveLink<B>, reins: Reins| {
        let danger = stage.endanger(link, scenario.consumer.request_timeout, reins);
        let link = danger.network();
        let endangered = Endangered { danger, subscription };
        let working = endangered.clone();
        let work = move |delivery: &Delivery| working.attempt(delivery);
        let sink = stage.sinks[subscription.index()].clone();
        let handler =
            LiveHandler::new(link.clone(), subscription, sink, work).with_around(endangered);
        async move { consume(link, code, settings, &handler).await }
    };
    live(&stage.served, process, scenario.times.restart.duration(), life).await;
}

/// A producer sends the workload and is done.
async fn producer<B: Exposed<Request: Clone>>(stage: Rc<Stage<B>>, process: ProcessId) {
    let scenario = &stage.setup.scenario;
    let settings = &scenario.producer;
    let connected = stage.served.connect(process);
    let danger = stage.endanger(connected, settings.request_timeout, Reins::default());
    let link = danger.network();
    let publisher = B::publisher(link.clone(), scenario.log.partitions);
    let (began, next) = (link.now(), Cell::new(0));
    let outgoing = Planned { link: link.clone(), setup: &stage.setup, began, next };
    match settings.strategy {
        ProducerStrategy::Confirmed => {
            confirmed(&publisher, &outgoing, setup::retries(settings)).await;
        }
        ProducerStrategy::FireAndForget => fire_and_forget(&publisher, &outgoing).await,
    }
    link.leave(false);
}

/// The workload's messages, each when it is due, counted from the first moment of the producer.
struct Planned<'a, B: Exposed> {
    link: LiveLink<B>,
    setup: &'a Setup,
    began: Instant,
    next: Cell<usize>,
}

impl<B: Exposed> Outgoing for Planned<'_, B> {
    async fn next(&self) -> Option<Record> {
        let number = self.next.get();
        let planned = self.setup.workload.planned.get(number)?;
        self.next.set(number + 1);
        let due = self.began + planned.at.since(Instant::START);
        if due > self.link.now() {
            self.link.sleep_until(due).await;
        }
        let message = MessageId(number as u32);
        Some(Record { message, key: planned.key, bytes: planned.bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_process_that_does_not_close_is_no_rest() {
        let tasks = LocalSet::new();
        tasks.spawn_local(async { tokio::time::sleep(CLOSING / 2).await });
        assert_eq!(end(tasks).await, Ending::AtRest);
        let tasks = LocalSet::new();
        tasks.spawn_local(std::future::pending::<()>());
        assert_eq!(end(tasks).await, Ending::Open);
    }
}
