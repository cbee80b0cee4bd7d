//! Replicas of a log: values of the settings in `[log]` and `[producer]` that decide what survives
//! its leader.
//!
//! Sources: [KAFKA-SRC] `ProducerConfig`, `TopicConfig`; KIP-966; `semantics.md` 3.2.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{LogSettings, Span};

/// Which replicas have a message when a send is confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Acks {
    /// Nobody says: the send is "ok" when the request has left.
    #[serde(rename = "0")]
    None,
    /// The leader. If it fails before another has copied the message, that is lost.
    #[serde(rename = "1")]
    Leader,
    /// All that are in sync at present, of which there are at least `log.min_insync_replicas`.
    #[serde(rename = "all")]
    All,
}

/// What the high watermark does while too few replicas are in sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BelowMinIsr {
    /// It stands still: what too few have is not read, nor confirmed (KIP-966).
    #[default]
    StandsStill,
    /// It moves on with those that are in sync, as in Kafka before 4.1.
    Moves,
}

impl LogSettings {
    /// Whether it keeps replicas or flushes what it stores, so that it can fail over and lose.
    pub fn is_replicated(&self) -> bool {
        self.replicas > 1 || self.flush_interval != Span::default()
    }
}
