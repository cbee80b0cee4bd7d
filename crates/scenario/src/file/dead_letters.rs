//! What becomes of dead letters: how surely they arrive, and whether they are moved back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

/// How a queue transfers what it gives up to the dead letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeadLetterStrategy {
    /// It sends it and forgets it: what the target does not take is lost.
    #[default]
    AtMostOnce,
    /// It keeps it and sends it again until that is confirmed, twice perhaps. Quorum queues.
    AtLeastOnce,
}

/// When dead letters are moved back to their queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Redrive {
    /// How long after it was dead-lettered a message is moved back.
    pub after: Span,
    /// Whether the broker gives it a new id. Default `new`.
    #[serde(default)]
    pub ids: RedriveIds,
    /// How often the same message is moved back at most. Default 1.
    #[serde(default = "once")]
    pub times: u32,
}

/// Which id of the broker a message has that was moved back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RedriveIds {
    /// A new one. SQS.
    #[default]
    New,
    /// The one that it had. Where the id is the producer's own (Service Bus `MessageId`).
    Same,
}

const fn once() -> u32 {
    1
}
