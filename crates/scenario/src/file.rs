//! Scenario files: one experiment each, as TOML that a person writes and a test walks.
//!
//! > **The rule.** A scenario is data. The same file, overrides and seed give the same run. Every
//! > mistake is reported with its place and with what would be valid there, and no text makes the
//! > parser panic.
//!
//! # From text to scenario
//!
//! 1. [`Scenario::parse`] reads the TOML into a tree that remembers the place of every node, and
//!    applies the `--set path=value` overrides to it.
//! 2. The tree becomes a [`Scenario`]. Unknown names are errors; missing settings get the
//!    documented default of the system that they imitate. `words` and `valid` tell a mistake with
//!    what would be valid, as the `schema` says it.
//! 3. `rules` checks what no type can state: `bounds`, exclusions, names that must exist.
//! 4. If the workload is recorded (`[workload] from`), its file is read. A [`ScenarioDigest`] names
//!    scenario and file together.
//!
//! Names and defaults follow the real systems [KAFKA-SRC], [RDK-CONF], [RMQ-CONFIRMS], [SQS-VIS].

use entrega_choice::{Odds, Point, Ratio, Scripted, When};
use entrega_clients::Strategy;
use entrega_model::{Model, SubscriptionId};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::points;

mod bounds;
#[cfg(feature = "toml")]
mod canonical;
mod dead_letters;
mod digest;
#[cfg(feature = "toml")]
mod document;
mod expect;
mod faults;
#[cfg(feature = "toml")]
mod feasible;
mod groups;
#[cfg(feature = "toml")]
mod listing;
mod lives;
mod loaded;
mod or_none;
#[cfg(feature = "toml")]
mod overrides;
#[cfg(feature = "toml")]
mod parse;
mod probability;
mod problem;
mod producer;
mod queue;
#[cfg(feature = "toml")]
mod reader;
mod replicas;
mod rows;
mod rules;
mod schema;
mod script;
mod settings;
mod sink;
mod span;
mod times;
mod traffic;
mod transactions;
#[cfg(feature = "toml")]
mod valid;
#[cfg(feature = "toml")]
mod words;

pub use bounds::{MAX_KEYS, MAX_MESSAGES};
pub use dead_letters::{DeadLetterStrategy, Redrive, RedriveIds};
pub use digest::ScenarioDigest;
pub use expect::{Condition, ConditionError, Expectation, ExpectedVerdict};
pub use faults::{Faults, PointFaults};
pub use groups::{Assignor, CommitCheck, PartitionsAdded, RebalanceProtocol};
#[cfg(feature = "toml")]
pub use listing::settings;
pub use lives::{Change, ConsumerChange, RollingRestart, Stopping};
pub use loaded::{Loaded, Written};
pub use probability::Probability;
pub use problem::Problem;
pub use producer::{ProducerSettings, ProducerStrategy, PublishId};
pub use queue::{
    AcquireMode, AfterRestart, AtLimit, BrokerRestart, DEAD_LETTER_RETRY, DelayKind, DeliveryCount,
    DeliveryEnd, DueTime, Forgotten, InFlightScope, LateSettle, LimitChecked, LimitCount,
    OnConsumerTimeout, Overflow, QueueSettings, RedeliveryDelay, RepeatedSettle, RequeuePosition,
    StoredForNobody,
};
pub use replicas::{Acks, BelowMinIsr};
pub use rows::{Row, Rows};
pub use schema::{NOT_SAID, schema};
pub use script::ScriptedFault;
pub use settings::{
    AutoOffsetReset, BatchFailure, BatchSink, ConsumerSettings, ErrorPolicy, Limits, LogClient,
    LogSettings, NetworkSettings, Order, WorkerLost,
};
pub use sink::{Dedup, DedupKey, SinkSettings};
pub use span::{Span, SpanError};
pub use times::FaultTimes;
pub use traffic::{
    Arrivals, Body, KeyDistribution, ServiceTime, SubscriptionSettings, WorkloadSettings,
};

pub use transactions::{EffectPlace, IsolationLevel, TransactionOffsets};

pub(crate) use traffic::interval_nanos;

/// An experiment: what is sent, who reads it and how, what goes wrong, and what should come out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Scenario {
    /// What the experiment is called.
    pub title: String,
    /// What it shows, for the reader.
    pub narration: String,
    /// Which real system it is about: `entrega list profiles` names them. A path, as
    /// `./mine.toml`, is a file of one's own. Left out, settings have the defaults that are said
    /// here.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<String>")]
    pub profile: Option<String>,
    /// Which client library of a log is used: `java` or `librdkafka`, with its defaults. They stand
    /// above those of the profile. Left out, settings have the defaults that are said here.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<String>")]
    pub client: Option<String>,
    /// On which brokers it runs. Default both.
    #[schemars(schema_with = "models_schema")]
    pub models: Vec<Model>,
    /// With which consumer strategies it runs, each on the models that support it. Default the
    /// seven that take one message at a time on both models.
    #[schemars(schema_with = "strategies_schema")]
    pub strategies: Vec<Strategy>,
    /// With how many seeds `compare` runs it. Default 30.
    pub seeds: u32,
    /// What is sent.
    pub workload: WorkloadSettings,
    /// How it is sent.
    pub producer: ProducerSettings,
    /// Who reads it: 1 to 8 subscriptions. Default one named `reader`.
    pub subscriptions: Vec<SubscriptionSettings>,
    /// How all consumers are configured.
    pub consumer: ConsumerSettings,
    /// How the sinks recognise what has had its effect.
    pub sink: SinkSettings,
    /// The log broker.
    pub log: LogSettings,
    /// The queue broker.
    pub queue: QueueSettings,
    /// The links.
    pub network: NetworkSettings,
    /// How long faults last.
    pub times: FaultTimes,
    /// What goes wrong by chance. Default nothing.
    pub faults: Faults,
    /// What goes wrong for certain. Default nothing.
    pub script: Vec<ScriptedFault>,
    /// Where a run gives up.
    pub limits: Limits,
    /// What should come out. Default nothing is expected.
    pub expect: Vec<Expectation>,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            title: String::new(),
            profile: None,
            client: None,
            narration: String::new(),
            models: vec![Model::Log, Model::Queue],
            strategies: Strategy::CORE.to_vec(),
            seeds: 30,
            workload: WorkloadSettings::default(),
            producer: ProducerSettings::default(),
            subscriptions: vec![SubscriptionSettings::default()],
            consumer: ConsumerSettings::default(),
            sink: SinkSettings::default(),
            log: LogSettings::default(),
            queue: QueueSettings::default(),
            network: NetworkSettings::default(),
            times: FaultTimes::default(),
            faults: Faults::default(),
            script: Vec::new(),
            limits: Limits::default(),
            expect: Vec::new(),
        }
    }
}

impl Scenario {
    /// The same scenario with at most five messages, the first five rows of a file.
    #[must_use]
    pub fn small(&self) -> Self {
        let mut small = self.clone();
        small.workload.messages = Some(small.workload.message_count().min(5));
        small
    }

    /// Whether a model and a strategy can do what its settings ask of them. Its own were checked
    /// when it was parsed; others may be asked for.
    ///
    /// # Errors
    /// The first setting that is impossible there; its path stands for the file.
    pub fn fits(&self, model: Model, strategy: Strategy) -> Result<(), Problem> {
        let checked = rules::check_configuration(self, model, strategy);
        checked.map_err(|broken| {
            let problem = Problem::new(broken.path, broken.message);
            Problem { help: broken.help, ..problem }
        })
    }

    /// For how long a consumer of a queue keeps a delivery that it does not settle: by its lease,
    /// by the consumer timeout, or until others may claim it.
    pub fn lease(&self) -> Span {
        match self.consumer.claim_min_idle {
            Span::MAX => self.queue.lease(),
            idle => idle,
        }
    }

    /// The longest time that a run may have to wait for something that does not come, on its own
    /// clock.
    pub fn longest_timeout(&self) -> Span {
        let Self { producer, consumer, log, queue, times, .. } = self;
        [
            producer.request_timeout,
            consumer.request_timeout,
            log.session_timeout,
            log.rebalance_timeout,
            times.stall,
            times.slow,
        ]
        .into_iter()
        .chain(consumer.max_poll_interval)
        .chain(queue.longest_wait())
        .chain(Some(consumer.claim_min_idle).filter(|idle| *idle != Span::MAX))
        .max_by_key(|span| span.nanos())
        .unwrap_or(times.restart)
    }

    /// The names of the subscriptions, by their ids.
    pub fn subscription_names(&self) -> Vec<&str> {
        self.subscriptions.iter().map(|subscription| subscription.name.as_str()).collect()
    }

    /// What can happen by chance at every point of [`crate::points::table`].
    pub fn odds(&self) -> Vec<Odds> {
        let shared = self.faults.odds(None).map(|(fault, value, ratio)| {
            let point = points::shared_point(fault);
            Odds { point, value, ratio }
        });
        let nothing = Faults::default();
        let mut odds: Vec<Odds> = shared.collect();
        for (id, subscription) in (0..).map(SubscriptionId).zip(&self.subscriptions) {
            let own = subscription.faults.as_ref().unwrap_or(&nothing);
            odds.extend(self.faults.odds(Some(own)).map(|(fault, value, ratio)| {
                let point = points::own_point(fault, id);
                Odds { point, value, ratio }
            }));
            if subscription.mtbf.is_some() {
                let point = points::crash_by_time(id);
                odds.push(Odds { point, value: 1, ratio: Ratio::ONE });
            }
        }
        odds
    }

    /// What happens for certain. Entries that name no point of this scenario are left out; a parsed
    /// scenario has no such entries.
    pub fn scripted(&self) -> Vec<Scripted> {
        self.scripted_all().into_iter().flatten().collect()
    }

    /// The same, one for each entry; none for one that names no point.
    fn scripted_all(&self) -> Vec<Option<Scripted>> {
        if self.script.is_empty() {
            return Vec::new();
        }
        let table = points::table(&self.subscription_names());
        let find = |fault: &ScriptedFault| {
            let index = table.iter().position(|spec| spec.name == fault.point)?;
            let mut alternatives = table[index].alternatives.iter();
            let value = 1 + alternatives.position(|name| *name == fault.alternative)? as u32;
            let when = match (fault.nth, fault.at) {
                (Some(nth), _) => When::Nth(nth),
                (None, at) => When::At(at.unwrap_or_default().nanos()),
            };
            Some(Scripted { point: Point(index as u16), when, value })
        };
        self.script.iter().map(find).collect()
    }

    /// The outages that it puts at a time: where, when, and for how long.
    pub fn outages(&self) -> impl Iterator<Item = (Point, Span, Span)> {
        let span_of = |fault: &ScriptedFault| (fault.at, fault.span.unwrap_or(self.times.outage));
        let all = self.script.iter().map(span_of).zip(self.scripted_all());
        all.filter_map(|((at, span), one)| {
            let one = one?;
            let (_, act) = points::kind_of(one.point, one.value)?;
            act.is_outage().then_some((one.point, at?, span))
        })
    }

    /// The faults that it names, to happen by chance or for certain: points with their choices,
    /// each once, in the order of [`crate::points::table`].
    pub fn named_faults(&self) -> Vec<(Point, u32)> {
        let by_chance = self.odds().into_iter().map(|odds| (odds.point, odds.value));
        let for_certain = self.scripted().into_iter().map(|one| (one.point, one.value));
        let mut named: Vec<_> = by_chance.chain(for_certain).collect();
        named.sort_unstable();
        named.dedup();
        named
    }
}

/// A commented scenario to start from.
pub const fn template() -> &'static str {
    include_str!("file/template.toml")
}

pub(crate) fn model_schema(_generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": ["log", "queue"] })
}

pub(crate) fn strategy_schema(_generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": Strategy::ALL.map(Strategy::name) })
}

fn models_schema(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": model_schema(generator), "minItems": 1 })
}

fn strategies_schema(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": strategy_schema(generator), "minItems": 1 })
}

#[cfg(all(test, feature = "toml"))]
mod tests;
