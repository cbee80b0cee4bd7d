//! Transactions of consumers: values of the settings in `[consumer]` that the strategy
//! `transactional` reads.
//!
//! Sources: [KAFKA-SRC] `ConsumerConfig`, `ProducerConfig`; `semantics.md` 3.3.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which records of transactions a reader sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IsolationLevel {
    /// Those of committed ones, and nothing behind an open one.
    #[default]
    ReadCommitted,
    /// All, those of open and aborted ones too.
    ReadUncommitted,
}

/// How offsets are committed that a transaction is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TransactionOffsets {
    /// In the transaction (Kafka `sendOffsetsToTransaction`).
    #[default]
    InTransaction,
    /// By a commit of their own after it. A crash in between repeats the effect.
    AfterCommit,
    /// By a commit of their own before it. A crash in between loses the effect.
    BeforeCommit,
    /// On a log: in a checkpoint, with the identity of the transaction, before that is committed
    /// (Flink). A restart commits it, and goes on behind it; if it has expired by then, the effect
    /// is lost.
    Checkpoint,
}

/// Where an effect happens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EffectPlace {
    /// It is a record in a topic of the broker, written in the transaction. It has happened when a
    /// reader of that topic sees it.
    #[default]
    Topic,
    /// At the sink, by a call of the handler that no transaction knows of: an e-mail.
    Outside,
}
