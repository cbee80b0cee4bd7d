//! A broker with its processes, and the phases of a run, which are those of the simulator.

use std::cell::Cell;
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use entrega_choice::Choices;
use entrega_clients::producers::{Outgoing, buffered, confirmed, fire_and_forget, pipelined};
use entrega_clients::sinks::ChosenSink;
use entrega_clients::{Catalogued, Context};
use entrega_live::{
    Clock, KillSwitch, LiveHandler, LiveLink, Served, ServedModel, SharedSink, consume, live,
};
use entrega_model::event::Phase;
use entrega_model::{Delivery, Instant, MessageId, Observer, ProcessId, Record, SubscriptionId};
use entrega_scenario::{Arrivals, Cast, ProducerStrategy, Span, setup};
use tokio::task::{JoinSet, LocalSet};

use crate::faults::{FaultInjector, InjectedHooks, InjectedLink};
use crate::setup::live_dedup;
use crate::{Ending, Limits, Setup};

/// A broker and everything around it.
pub(crate) struct Stage<B: ServedModel> {
    setup: Setup,
    served: Served<B>,
    sinks: Vec<SharedSink<ChosenSink>>,
    pub(crate) injector: Arc<FaultInjector>,
}

/// How often a run checks whether to stop.
const LOOK: Duration = Duration::from_millis(20);
/// How long closing may take.
pub const CLOSING: Duration = Duration::from_secs(5);

impl<B: ServedModel> Stage<B> {
    pub(crate) fn new(
        setup: Setup,
        broker: B,
        choices: Choices,
        clock: Clock,
        observer: impl Observer + Send + 'static,
    ) -> Rc<Self> {
        let served = Served::new(broker, clock, observer);
        let (rules, messages) = (live_dedup(&setup.scenario), setup.workload.planned.len());
        let sink = || ChosenSink::recognising(setup.strategy, setup.model, rules, messages);
        let subscriptions = setup.scenario.subscriptions.iter();
        let sinks = subscriptions.map(|_| SharedSink::new(sink())).collect();
        Rc::new(Self { setup, served, sinks, injector: Arc::new(FaultInjector::new(choices)) })
    }

    /// Runs it to its end, or to one of its limits.
    pub(crate) async fn run(self: &Rc<Self>, limits: Limits<'_>) -> Ending {
        let timer = tokio::spawn(self.served.keep_time());
        let tasks = LocalSet::new();
        self.served.enter(Phase::Workload);
        let workload = tasks.run_until(self.until_rest(&tasks));
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

    /// Starts the consumers and sends everything, waits for rest with faults, and then without
    /// them. Of a backlog everything is sent first.
    async fn until_rest(self: &Rc<Self>, tasks: &LocalSet) {
        if self.setup.scenario.workload.arrivals == Some(Arrivals::Backlog) {
            self.send_all().await;
            self.start_consumers(tasks);
        } else {
            self.start_consumers(tasks);
            self.served.rest().await;
            self.send_all().await;
        }
        self.served.rest().await;
        self.injector.end();
        self.served.enter(Phase::Heal);
        self.served.rest().await;
        self.served.enter(Phase::Drain);
        self.served.rest().await;
    }

    fn start_consumers(self: &Rc<Self>, tasks: &LocalSet) {
        for (process, subscription) in Cast::of(&self.setup.scenario).consumers() {
            tasks.spawn_local(consumer(Rc::clone(self), process, subscription));
        }
    }

    /// Runs every producer to its end.
    async fn send_all(self: &Rc<Self>) {
        let mut producers = JoinSet::new();
        for process in Cast::of(&self.setup.scenario).producers() {
            producers.spawn_local(producer(Rc::clone(self), process));
        }
        producers.join_all().await;
    }

    /// A life's connection, with the timeout of its caller and the faults of the run.
    fn inject(&self, link: LiveLink<B>, timeout: Span, kill_switch: KillSwitch) -> InjectedLink<B> {
        let link = link.with_request_timeout(timeout.duration());
        InjectedLink::new(&self.setup, &self.injector, link, kill_switch)
    }
}

/// Waits until all processes have closed, for at most [`CLOSING`].
async fn end(tasks: LocalSet) -> Ending {
    match tokio::time::timeout(CLOSING, tasks).await {
        Ok(()) => Ending::AtRest,
        Err(_) => Ending::Open,
    }
}

/// Waits for `what` for at most `patience`, unless `stop` is set; returns whether it came.
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
async fn consumer<B: ServedModel>(
    stage: Rc<Stage<B>>,
    process: ProcessId,
    subscription: SubscriptionId,
) {
    let Setup { scenario, strategy, .. } = &stage.setup;
    let config = setup::strategy_config(&scenario.consumer);
    let code = Catalogued { strategy: *strategy, config };
    let (code, settings) = (&code, &stage.setup.consumer_settings(subscription));
    let life = |link: LiveLink<B>, kill_switch: KillSwitch| {
        let injected = stage.inject(link, scenario.consumer.request_timeout, kill_switch);
        let link = injected.over_network();
        let hooks = InjectedHooks::new(injected, subscription);
        let attempts = hooks.clone();
        let work = move |delivery: &Delivery| attempts.attempt(delivery);
        let sink = stage.sinks[subscription.index()].clone();
        let handler = LiveHandler::new(link.clone(), subscription, sink, work).with_hooks(hooks);
        async move { consume(link, code, settings, &handler).await }
    };
    live(&stage.served, process, scenario.times.restart.duration(), life).await;
}

/// A producer sends the workload and is done.
async fn producer<B: ServedModel>(stage: Rc<Stage<B>>, process: ProcessId) {
    let scenario = &stage.setup.scenario;
    let settings = &scenario.producer;
    let connected = stage.served.connect(process);
    let injected = stage.inject(connected, settings.request_timeout, KillSwitch::default());
    let link = injected.over_network();
    let publisher = B::publisher(link.clone(), scenario.log.partitions);
    let publisher = B::idempotent(publisher, settings.enable_idempotence);
    let publisher = B::acknowledged_by(publisher, setup::acks(settings));
    let (began, next) = (link.now(), Cell::new(0));
    let outgoing = Planned { link: link.clone(), setup: &stage.setup, began, next };
    if let Some(buffering) = setup::buffering(settings) {
        buffered(&publisher, &outgoing, buffering).await;
        return link.leave(false);
    }
    match settings.strategy {
        ProducerStrategy::Confirmed if settings.is_pipelined() => {
            let retries = setup::retries(settings);
            pipelined(&publisher, &outgoing, retries, settings.max_in_flight).await;
        }
        ProducerStrategy::Confirmed => {
            confirmed(&publisher, &outgoing, setup::retries(settings)).await;
        }
        ProducerStrategy::FireAndForget => fire_and_forget(&publisher, &outgoing).await,
    }
    link.leave(false);
}

/// The workload's messages, each when it is due, counted from the first moment of the producer.
struct Planned<'a, B: ServedModel> {
    link: LiveLink<B>,
    setup: &'a Setup,
    began: Instant,
    next: Cell<usize>,
}

impl<B: ServedModel> Outgoing for Planned<'_, B> {
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
