//! One round: everybody begins, is disturbed, comes to rest, and is checked.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use entrega_brokers::QueueBroker;
use entrega_live::{CallOutcome, Clock, LiveLink, Served};
use entrega_model::event::Phase;
use entrega_model::{Duration as Span, Kind, ProcessId, SubscriptionId};
use tokio::time::Instant;

use crate::config::{Config, Random, TimeKeeper};
use crate::consumers::Consuming;
use crate::observer::{Seen, Watcher, caught, lock};
use crate::producers::Producing;
use crate::record;
use crate::timer::Timer;

const QUEUE: SubscriptionId = SubscriptionId(0);
/// The pause between two disturbances.
const PAUSE: Duration = Duration::from_micros(200);
/// How long a client waits for an answer that is lost.
const REQUEST_TIMEOUT: Span = Span::from_millis(1);

/// What all threads of a round share.
pub(crate) struct Round {
    pub(crate) config: Config,
    pub(crate) served: Served<QueueBroker>,
    pub(crate) seen: Arc<Seen>,
    /// Nobody gives up or dies any more.
    pub(crate) drains: AtomicBool,
    /// Which consumers know that, or wait for as long as it takes.
    pub(crate) waits: Vec<AtomicBool>,
}

impl Round {
    pub(crate) fn new(config: &Config) -> Self {
        let seen = Seen::new(config);
        let watcher = Watcher::new(config, Arc::clone(&seen));
        let served = Served::new(QueueBroker::new(config.settings.clone()), Clock::new(), watcher);
        *lock(&seen.broker) = Some(served.clone());
        let waits = (0..config.consumers).map(|_| AtomicBool::new(false)).collect();
        Self { config: config.clone(), served, seen, drains: AtomicBool::new(false), waits }
    }

    /// The numbers of a process.
    pub(crate) fn random(&self, process: ProcessId) -> Random {
        Random::new(self.config.seed ^ (u64::from(process.0) + 1) << 32)
    }

    /// Connects, over a network that loses what it should; `None` if the observer panicked.
    pub(crate) fn connect(
        &self,
        process: ProcessId,
        random: &mut Random,
    ) -> Option<LiveLink<QueueBroker>> {
        let link = caught(|| self.served.connect(process))?;
        let loses = self.config.loses;
        if loses == 0 {
            return Some(link);
        }
        let random = Mutex::new(Random::new(random.below(u64::MAX)));
        let network = move |_: &_| match lock(&random).below(2 * loses) {
            0 => CallOutcome::RequestLost,
            1 => CallOutcome::AnswerLost,
            _ => CallOutcome::Answered,
        };
        Some(link.with_network(network).with_request_timeout(REQUEST_TIMEOUT))
    }

    /// Runs to the end, and checks what was shown.
    pub(crate) fn run(self) {
        let mut timer = Timer::start(self.config.time, Arc::clone(&self.seen));
        thread::scope(|scope| {
            let round = &self;
            let consumers: Vec<_> = (0..round.config.consumers)
                .map(|number| scope.spawn(move || Consuming::new(round, number).run()))
                .collect();
            let producers: Vec<_> = (0..round.config.producers)
                .map(|number| scope.spawn(move || Producing::new(round, number).run()))
                .collect();
            let went = catch_unwind(AssertUnwindSafe(|| {
                round.disturb(&producers, &mut timer);
                round.come_to_rest(&consumers, &mut timer);
            }));
            caught(|| round.served.close());
            while !consumers.iter().chain(&producers).all(ScopedJoinHandle::is_finished) {
                round.let_time_pass(&mut timer);
            }
            went.unwrap_or_else(|panic| resume_unwind(panic));
        });
        self.check(timer);
    }

    /// Calls let time pass, if nobody keeps it.
    fn let_time_pass(&self, timer: &mut Timer) {
        timer.revive();
        if self.config.time == TimeKeeper::Nobody {
            caught(|| self.served.look(|_| ()));
        }
        thread::sleep(PAUSE);
    }

    /// While producers publish.
    fn disturb(&self, producers: &[ScopedJoinHandle<'_, ()>], timer: &mut Timer) {
        let mut random = Random::new(self.config.seed ^ 0xD157);
        let closes_at = self.config.closes_after.map(|after| Instant::now() + after);
        while !producers.iter().all(ScopedJoinHandle::is_finished) {
            if closes_at.is_some_and(|at| Instant::now() >= at) {
                caught(|| self.served.close());
            }
            if self.config.restarts && random.once_in(20) {
                caught(|| self.served.restart());
            }
            self.let_time_pass(timer);
        }
    }

    /// Unless it is closed already. While the broker rests, nothing happens.
    fn come_to_rest(&self, consumers: &[ScopedJoinHandle<'_, ()>], timer: &mut Timer) {
        self.seen.is_calm.store(true, SeqCst);
        self.drains.store(true, SeqCst);
        while !self.waits.iter().all(|waits| waits.load(SeqCst)) {
            self.let_time_pass(timer);
            if self.served.is_closing() || consumers.iter().any(ScopedJoinHandle::is_finished) {
                return;
            }
        }
        let runtime = crate::runtime();
        while !self.served.is_closing() {
            if caught(|| runtime.block_on(self.served.rest())).is_some() {
                return self.check_rest();
            }
        }
    }

    fn check_rest(&self) {
        caught(|| self.served.enter(Phase::Quiescent));
        let [ready, in_flight] = self.counts();
        thread::sleep(PAUSE * 10);
        assert_eq!(self.counts(), [ready, in_flight], "at rest nothing happens");
        check_counts_at_rest(&self.config, ready, in_flight);
        caught(|| self.served.enter(Phase::Audit));
    }

    fn counts(&self) -> [usize; 2] {
        let counts = || {
            self.served.look(|broker| [broker.ready_count(QUEUE), broker.in_flight_count(QUEUE)])
        };
        std::iter::repeat_with(|| caught(counts)).flatten().next().expect("it goes on")
    }

    /// When all clients have left.
    fn check(self, timer: Timer) {
        self.seen.is_calm.store(true, SeqCst);
        let before: usize = self.counts().iter().sum();
        caught(|| self.served.audit());
        let Self { config, served, seen, .. } = self;
        let own = lock(&seen.broker).take();
        caught(|| drop((own, served)));
        timer.end();
        let events = std::mem::take(&mut *lock(&seen.events));
        for (process, notes) in (0..).map(ProcessId).zip(&seen.notes) {
            record::check_notes(&events, process, &lock(notes));
        }
        record::check(&events, &config.settings, config.hides_deliveries());
        let is_found = |kind: &Kind| matches!(kind, Kind::Retrievable { .. });
        let found = events.iter().filter(|event| is_found(&event.kind)).count();
        let settings = &config.settings;
        let may_be_fewer = settings.delivery_limit.is_some() || settings.max_length.is_some();
        assert!(found == before || may_be_fewer && found < before, "{found} of {before} found");
    }
}

/// Whoever waits is given what is ready, unless its prefetch is used up by deliveries of which it
/// did not learn; and no lease runs.
fn check_counts_at_rest(config: &Config, ready: usize, in_flight: usize) {
    let settings = &config.settings;
    let may_be_stuck = settings.prefetch > 0 && config.hides_deliveries();
    assert!(ready == 0 || may_be_stuck, "{ready} messages wait, and so do their consumers");
    let has_lease = settings.visibility_timeout != Span::MAX;
    assert!(in_flight == 0 || !has_lease, "{in_flight} leases run at rest");
}

/// Both rules of the rest catch who breaks them.
mod broken {
    use super::*;

    #[test]
    #[should_panic(expected = "1 messages wait, and so do their consumers")]
    fn a_lost_wake_up() {
        let mut config = Config::random(1);
        config.settings.prefetch = 0;
        check_counts_at_rest(&config, 1, 0);
    }

    #[test]
    #[should_panic(expected = "1 leases run at rest")]
    fn a_lease_at_rest() {
        let mut config = Config::random(1);
        config.settings.visibility_timeout = Span::from_millis(1);
        check_counts_at_rest(&config, 0, 1);
    }
}
