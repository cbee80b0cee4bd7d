//! The delivery semantics as words, and the two models of a broker.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a strategy promises about the effects of every acknowledged message `m`, once the system
/// has been drained. E(m) counts applied effects, Q(m) copies in the dead-letter sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Guarantee {
    /// Neither of the others: both loss and duplication are possible.
    None,
    /// E(m) ≤ 1: loss is allowed, a duplicate is not.
    AtMostOnce,
    /// E(m) ≥ 1, or Q(m) ≥ 1 where dead letters are declared: duplicates are allowed, loss is not.
    AtLeastOnce,
    /// E(m) = 1, or E(m) = 0 and Q(m) = 1 where dead letters are declared.
    ExactlyOnceEffect,
}

impl fmt::Display for Guarantee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::AtMostOnce => "at-most-once",
            Self::AtLeastOnce => "at-least-once",
            Self::ExactlyOnceEffect => "exactly-once-effect",
        })
    }
}

/// How a broker keeps messages, and so what settling means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Model {
    /// Kafka-like: messages stay; each group commits an offset, which covers all before it.
    Log,
    /// RabbitMQ- or SQS-like: a message stays until it is acked, each on its own.
    Queue,
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Log => "log",
            Self::Queue => "queue",
        })
    }
}
