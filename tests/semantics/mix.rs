//! Random scenarios: a workload, settings and a mix of faults, in which each kind of fault is off,
//! rare or frequent.

use entrega_checker::{Checker, Config, Report, SubscriptionConfig};
use entrega_clients::Strategy;
use entrega_model::{Guarantee, Model};
use entrega_sim::scenario::Scenario;
use entrega_sim::workload::Workload;
use entrega_sim::{Cast, End, Experiment};
use proptest::prelude::{Just, prop_oneof};
use proptest::strategy::Strategy as Generator;

/// What makes up a scenario here.
#[derive(Clone, Debug)]
pub(crate) struct Mix {
    pub(crate) messages: u32,
    pub(crate) keys: u32,
    pub(crate) partitions: u16,
    pub(crate) consumers: u32,
    pub(crate) prefetch: u32,
    pub(crate) settle_every: u32,
    pub(crate) jitter_ms: u32,
    pub(crate) on_error: &'static str,
    pub(crate) faults: Faults,
}

/// One in how many; 0 is never.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    pub(crate) crash: u32,
    pub(crate) stall: u32,
    pub(crate) slow: u32,
    pub(crate) error: u32,
    pub(crate) settle_lost: u32,
    pub(crate) settle_late: u32,
    pub(crate) settle_twice: u32,
    pub(crate) receive_lost: u32,
    pub(crate) sink_lost: u32,
    pub(crate) send_lost: u32,
    pub(crate) send_twice: u32,
    pub(crate) broker_restart: u32,
}

impl Mix {
    fn plain() -> Self {
        Self {
            messages: 30,
            keys: 5,
            partitions: 2,
            consumers: 2,
            prefetch: 4,
            settle_every: 3,
            jitter_ms: 0,
            on_error: "retry",
            faults: Faults::default(),
        }
    }

    /// Crashes, stalls and lost settles, one in ten.
    pub(crate) fn frequent_consumer_faults() -> Self {
        let faults =
            Faults { crash: 10, stall: 20, slow: 10, settle_lost: 10, ..Faults::default() };
        Self { faults, ..Self::plain() }
    }

    /// Handler errors, one in five.
    pub(crate) fn frequent_handler_errors() -> Self {
        Self { faults: Faults { error: 5, ..Faults::default() }, ..Self::plain() }
    }

    /// Late settles, one in five, and crashes.
    pub(crate) fn frequent_late_settles() -> Self {
        let faults = Faults { settle_late: 5, crash: 10, ..Faults::default() };
        Self { faults, partitions: 1, ..Self::plain() }
    }

    /// Receives whose request or answer is lost, one in five.
    pub(crate) fn frequent_receive_faults() -> Self {
        Self { faults: Faults { receive_lost: 5, ..Faults::default() }, ..Self::plain() }
    }

    pub(crate) fn without_faults(self) -> Self {
        Self { faults: Faults::default(), ..self }
    }

    /// A message that is stored twice is delivered twice, whatever the consumer does.
    pub(crate) fn without_producer_faults(mut self) -> Self {
        self.faults.send_lost = 0;
        self.faults.send_twice = 0;
        self
    }

    /// A handler that gets no answer from its sink has to try again, and may do it twice.
    pub(crate) fn without_sink_faults(mut self) -> Self {
        self.faults.sink_lost = 0;
        self
    }

    pub(crate) fn without_receive_faults(mut self) -> Self {
        self.faults.receive_lost = 0;
        self
    }

    pub(crate) fn without_late_settles(mut self) -> Self {
        self.faults.settle_late = 0;
        self
    }

    fn toml(&self) -> String {
        let Self { messages, keys, partitions, consumers, prefetch, settle_every, .. } = self;
        let Faults {
            crash,
            stall,
            slow,
            error,
            settle_lost,
            settle_late,
            settle_twice,
            receive_lost,
            sink_lost,
            send_lost,
            send_twice,
            broker_restart,
        } = self.faults;
        let one_in = |n: u32| if n == 0 { "0".to_owned() } else { format!("1/{n}") };
        let p = one_in;
        format!(
            r#"
[workload]
messages = {messages}
keys = {keys}
arrivals = {{ distribution = "poisson", rate_per_second = 50 }}
[producer]
request_timeout = "500ms"
retries = 50
[[subscriptions]]
name = "reader"
consumers = {consumers}
service_time = {{ distribution = "exponential", mean = "20ms" }}
[consumer]
prefetch = {prefetch}
request_timeout = "500ms"
settle_every = {settle_every}
settle_interval = "100ms"
auto_commit_interval = "50ms"
retry_backoff = "50ms"
max_attempts = 100
on_error = "{on_error}"
[log]
partitions = {partitions}
session_timeout = "3s"
auto_offset_reset = "earliest"
[queue]
visibility_timeout = "3s"
[network]
jitter = "{jitter}ms"
[times]
stall = "5s"
slow = "2s"
late = "2s"
restart = "300ms"
broker_restart = "1s"
[faults]
effect.before = {{ crash = "{c}" }}
effect.after = {{ crash = "{c}" }}
effect.request = {{ lost = "{sink}" }}
effect.response = {{ lost = "{sink}" }}
settle.after = {{ crash = "{c}" }}
settle.request = {{ lost = "{sl}", late = "{late}", duplicated = "{st}" }}
settle.response = {{ lost = "{sl}" }}
receive.request = {{ lost = "{rl}" }}
receive.response = {{ lost = "{rl}" }}
send.request = {{ lost = "{snl}", duplicated = "{snt}" }}
send.response = {{ lost = "{snl}" }}
process.stall = {{ before = "{stall}", after = "{stall}" }}
handler.error = {{ transient = "{error}" }}
handler.slow = {{ slow = "{slow}" }}
broker.restart = {{ restart = "{broker}" }}
"#,
            on_error = self.on_error,
            jitter = self.jitter_ms,
            c = p(crash),
            sink = p(sink_lost),
            sl = p(settle_lost),
            late = p(settle_late),
            st = p(settle_twice),
            rl = p(receive_lost),
            snl = p(send_lost),
            snt = p(send_twice),
            stall = p(stall),
            error = p(error),
            slow = p(slow),
            broker = p(broker_restart),
        )
    }
}

/// Any mix.
pub(crate) fn mixes() -> impl Generator<Value = Mix> {
    let shape = (1_u32..40, 1_u32..6, 1_u16..4, 1_u32..4, 1_u32..8, 1_u32..6, 0_u32..3);
    (shape, faults()).prop_map(
        |((messages, keys, partitions, consumers, prefetch, settle_every, jitter_ms), faults)| {
            Mix {
                messages,
                keys,
                partitions,
                consumers,
                prefetch,
                settle_every,
                jitter_ms,
                on_error: "retry",
                faults,
            }
        },
    )
}

fn faults() -> impl Generator<Value = Faults> {
    let odds = || prop_oneof![Just(0_u32), Just(30), Just(8)];
    let rarer = || prop_oneof![3 => Just(0_u32), 1 => Just(100)];
    let consumer = (odds(), odds(), odds(), odds());
    let settle = (odds(), odds(), odds());
    let others = (odds(), odds(), odds(), odds(), rarer());
    (consumer, settle, others).prop_map(
        |(
            (crash, stall, slow, error),
            (settle_lost, settle_late, settle_twice),
            (receive_lost, sink_lost, send_lost, send_twice, broker_restart),
        )| Faults {
            crash,
            stall,
            slow,
            error,
            settle_lost,
            settle_late,
            settle_twice,
            receive_lost,
            sink_lost,
            send_lost,
            send_twice,
            broker_restart,
        },
    )
}

/// Runs a mix and judges it by the strategy's own promise, or by another.
pub(crate) fn judge(
    mix: &Mix,
    model: Model,
    strategy: Strategy,
    seed: u64,
    guarantee: Option<Guarantee>,
) -> Report {
    let text = mix.toml();
    let parsed = Scenario::parse("mix.toml", &text, &[], &|_| Err("none".to_owned()));
    let scenario = parsed.unwrap_or_else(|problem| panic!("{problem}\n{text}")).scenario;
    let workload = Workload::generate(&scenario, None, seed);
    let experiment = Experiment { scenario: &scenario, workload: &workload, model, strategy, seed };
    let promise = SubscriptionConfig {
        guarantee: guarantee.unwrap_or_else(|| strategy.guarantee(model)),
        dead_letters_declared: experiment.declares_dead_letters(),
        ordered: false,
    };
    let mut checker = Checker::new(Config {
        subscriptions: vec![promise],
        processes: Cast::of(&scenario).processes(),
        messages: workload.planned.len(),
    });
    let outcome = experiment.run(experiment.random_choices(), &mut checker);
    checker.finish(match outcome.end {
        End::Quiescent => entrega_checker::End::Quiescent,
        End::Unfinished | End::Cut => entrega_checker::End::Unfinished,
    })
}
