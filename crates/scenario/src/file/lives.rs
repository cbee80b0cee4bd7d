//! Consumers that come and go at a time, and those that die without regard to what they do: the
//! keys `changes`, `rolling_restart` and `mtbf` of `[[subscriptions]]`.
//!
//! A fault at a *point* strikes when something happens; these strike at an instant. So the same
//! instants meet every strategy, on both models, whatever it does then.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

/// A consumer that comes or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConsumerChange {
    /// Which of the subscription's consumers it is, from 1.
    pub consumer: u32,
    /// How long after the start.
    pub at: Span,
    /// What it does.
    pub what: Change,
}

/// What a consumer does at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It starts, as when a service is scaled up. One that joins first is not there at the start.
    Joins,
    /// It is asked to stop (SIGTERM), as when a service is scaled down, hands out what it has
    /// fetched, closes, leaves, and does not come back by itself. Not gone after `times.grace`, it
    /// is killed.
    Leaves,
    /// It dies where it stands, as with its machine, and does not come back by itself.
    Dies,
}

/// A deployment: all consumers of a subscription are restarted, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollingRestart {
    /// When the first one is asked to stop, after the start.
    pub at: Span,
    /// From the start of one's next life until the next one is asked to stop. Kubernetes
    /// `minReadySeconds`. Default 0s, as there.
    #[serde(default)]
    pub pause: Span,
    /// What a client library does with what it has fetched. Default `drain`.
    #[serde(default)]
    pub how: Stopping,
}

/// What a client library does with what it has fetched when its process is asked to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stopping {
    /// It hands that out before it reports the shutdown.
    #[default]
    Drain,
    /// It reports the shutdown at once.
    Abandon,
}
