//! Consumer groups of a log: values of the settings in `[log]` and `[consumer]` that decide what a
//! group forgets, skips or takes for done.
//!
//! Sources: [KAFKA-SRC] `ClassicGroup`, `ConsumerConfig`; `semantics.md` 3.1.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

/// A check of commits beyond Kafka's own. A commit that fails it is refused and changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CommitCheck {
    /// The member owns the partition.
    Ownership,
    /// The offset is not lower than the one that is committed.
    Forward,
}

impl fmt::Display for CommitCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ownership => "ownership",
            Self::Forward => "forward",
        })
    }
}

/// Partitions that are added to the topic while it is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PartitionsAdded {
    /// How long after the start.
    pub at: Span,
    /// How many partitions there are from then on, more than before.
    pub to: u16,
}

/// How a rebalance shares the partitions out among the members of a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Assignor {
    /// In contiguous ranges, in the order of the members.
    #[default]
    Range,
    /// So that every member keeps as many of its partitions as it may have.
    Sticky,
}

/// What the members of a group give up for a rebalance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RebalanceProtocol {
    /// Everything, before it begins.
    #[default]
    Eager,
    /// What moves, after a first rebalance; a second one gives it to the next owner.
    Cooperative,
}
