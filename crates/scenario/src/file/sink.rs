//! How the sinks recognise what has had its effect: the table `[sink]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Span, or_none};

/// The sinks of all subscriptions, whatever the strategy of their consumers. The strategies
/// `progress-with-effect` and `progress-with-effect-unconditional` have one that keeps their
/// progress, and leave no choice.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SinkSettings {
    /// How a message is recognised that has had its effect. Default `none`.
    pub dedup: Dedup,
    /// How long after its effect a message is recognised: Redis `EX`, `expires_after_seconds` of
    /// AWS Lambda Powertools (there 1h), 24h at Stripe. Left out, it is recognised for ever.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<Span>")]
    pub dedup_window: Option<Span>,
    /// How many messages are recognised: the oldest makes room for the next, as
    /// `local_cache_max_items` of AWS Lambda Powertools does (there 256). Left out, there is room
    /// for all.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<u32>")]
    pub dedup_entries: Option<u32>,
    /// By which id a message is recognised. Default `producer`.
    pub dedup_key: DedupKey,
}

impl SinkSettings {
    /// Whether a message is recognised by the id that the broker gave it.
    pub fn asks_broker_ids(&self) -> bool {
        self.dedup != Dedup::None && self.dedup_key == DedupKey::Broker
    }
}

/// How a message is recognised that has had its effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Dedup {
    /// Not at all: every call is an effect. The strategy `deduplicating-sink` has its own sink all
    /// the same.
    #[default]
    None,
    /// The sink looks for the message's key and applies its effect in one step: a unique key in the
    /// table that the effect is written to, `SET … NX`.
    Atomic,
    /// The consumer looks for the key in one call, before it works, and asks for the effect in
    /// another, in which nobody looks: `select`, then `insert`.
    CheckThenWrite,
    /// Each consumer remembers, in memory, which effects it knows of: a set in the process. It is
    /// gone with the process, and no other consumer has it.
    ProcessMemory,
}

/// By which id a message is recognised that has had its effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DedupKey {
    /// By the one that its producer gave it: the same in every copy.
    #[default]
    Producer,
    /// By the one that the broker gave it: the message id of SQS, the sequence of JetStream, the
    /// entry id of Redis, partition and offset of a log. A copy that was stored again has another:
    /// a publish that was repeated, a dead letter that was moved back under a new id.
    Broker,
}
