//! What every simulator of the comparison runs: one workload, one broker, one strategy, one
//! checker.

use std::cell::Cell;

use entrega::Laboratory;
use entrega_checker::{Checker, Class, Config, End, Report, SubscriptionConfig};
use entrega_choice::mix;
use entrega_clients::{AutoSettle, ClientConfig, OffsetReset, OffsetStore, SettleScope, Strategy};
use entrega_model::{Delivery, Duration, Model, SubscriptionId};
use entrega_scenario::Scenario;
use entrega_scenario::workload::Workload;
use entrega_sim::Experiment;

/// The one subscription.
pub(crate) const READER: SubscriptionId = SubscriptionId(0);
/// How many consumers read it.
pub(crate) const CONSUMERS: u16 = 2;
/// What all consumers do.
pub(crate) const STRATEGY: Strategy = Strategy::ProcessThenSettle;
/// One effect in so many is followed by a crash.
const CRASH_ONE_IN: u64 = 200;

/// The network, there and back, and the way to the sink.
pub(crate) const LATENCY: Duration = Duration::from_millis(1);
/// What a handler needs.
pub(crate) const SERVICE_TIME: Duration = Duration::from_millis(1);
/// How long a crashed consumer is away.
pub(crate) const RESTART: Duration = Duration::from_millis(100);
/// The session of a group member, and the lease on a delivery.
pub(crate) const SESSION: Duration = Duration::from_millis(500);

/// Arrivals are dense, so that a simulator that goes on tick by tick has something to do at each.
const SCENARIO: &str = r#"
[workload]
keys = 1_000
arrivals = { distribution = "poisson", rate_per_second = 200 }

[[subscriptions]]
name = "reader"
consumers = 2
service_time = { distribution = "constant", value = "1ms" }

[consumer]
prefetch = 1
request_timeout = "1s"

[network]
latency = "1ms"
sink_latency = "1ms"

[log]
partitions = 2
session_timeout = "500ms"
auto_offset_reset = "earliest"

[queue]
visibility_timeout = "500ms"

[times]
restart = "100ms"

[faults]
effect.after = { crash = "1/200" }
"#;

/// A number of messages on one model of a broker.
pub(crate) struct Job {
    pub(crate) model: Model,
    pub(crate) scenario: Scenario,
    pub(crate) workload: Workload,
    /// The checker of the last run, for everybody's next one.
    checker: Cell<Option<Checker>>,
}

impl Job {
    pub(crate) fn new(model: Model, messages: u32) -> Self {
        let overrides = [("workload.messages".to_owned(), messages.to_string())];
        let scenario =
            Scenario::parse("ratios.toml", SCENARIO, &overrides, &|_| Err("no files".to_owned()));
        let scenario = scenario.unwrap_or_else(|problem| panic!("{problem}")).scenario;
        let workload = Workload::generate(&scenario, None, 1);
        Self { model, scenario, workload, checker: Cell::default() }
    }

    pub(crate) fn messages(&self) -> usize {
        self.workload.planned.len()
    }

    /// A checker that has seen nothing, in the memory of the last one that was given back.
    pub(crate) fn checker(&self) -> Checker {
        let mut checker = self.checker.take().unwrap_or_else(|| self.new_checker());
        checker.reset();
        checker
    }

    /// Judges a run that came to its end, and keeps the checker.
    pub(crate) fn judge(&self, mut checker: Checker) -> Report {
        let report = checker.finish(End::Quiescent);
        self.checker.set(Some(checker));
        report
    }

    fn new_checker(&self) -> Checker {
        let promise = SubscriptionConfig {
            guarantee: STRATEGY.guarantee(self.model),
            dead_letters_declared: false,
            ordered: false,
        };
        Checker::new(Config {
            subscriptions: vec![promise],
            processes: usize::from(CONSUMERS) + 1,
            messages: self.messages(),
            ..Config::default()
        })
    }

    /// Where the simulator of this project makes many runs.
    pub(crate) fn laboratory(&self) -> Laboratory<'_> {
        Laboratory::new(&self.scenario, self.model, STRATEGY)
    }

    /// One run of it.
    pub(crate) fn simulate(&self) -> Report {
        let Self { scenario, workload, model, .. } = self;
        let experiment =
            Experiment { scenario, workload, model: *model, strategy: STRATEGY, seed: 1 };
        let mut checker = self.checker();
        experiment.run(experiment.random_choices(), &mut checker);
        self.judge(checker)
    }

    /// Every simulator must have delivered everything, and every crash must have been one.
    pub(crate) fn assert_done(&self, who: &str, report: &Report) {
        let reader = &report.subscriptions[READER.index()];
        let messages = self.messages() as u64;
        assert_eq!(reader.classes.get(Class::Lost), 0, "{who}: {reader:?}");
        let once = reader.classes.get(Class::Exact);
        let more = reader.classes.get(Class::Duplicated);
        assert_eq!(once + more, messages, "{who}: {reader:?}");
        let expected = messages / CRASH_ONE_IN;
        assert!(more <= 3 * expected + 3, "{who}: {more} duplicates");
        assert!(messages < 1_000 || 3 * more >= expected, "{who}: {more} duplicates");
    }
}

/// Whether the process crashes after the effect of this delivery.
pub(crate) fn crashes(delivery: &Delivery) -> bool {
    let words = [u64::from(delivery.record.message.0), u64::from(delivery.id.0)];
    mix(0xC4A5, &words).is_multiple_of(CRASH_ONE_IN)
}

/// The client library of every consumer.
pub(crate) fn client_config() -> ClientConfig {
    ClientConfig {
        subscription: READER,
        prefetch: 1,
        auto_settle: AutoSettle::Off,
        offset_store: OffsetStore::AtDelivery,
        auto_commit_interval: Duration::from_secs(5),
        settle_scope: SettleScope::Individual,
        settle_confirmed: true,
        settle_retries: 0,
        receive_ahead: false,
        lease_renewal: None,
        worker_lost: None,
        auto_offset_reset: OffsetReset::Earliest,
        drain_on_revoke: false,
        max_poll_interval: None,
        cooperative: false,
        leaves_on_close: true,
        metadata: None,
    }
}
