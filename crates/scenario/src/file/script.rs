//! Faults that happen at a stated place and time: the tables `[[script]]`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Span;

/// One fault that is certain to happen, whatever the odds say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptedFault {
    /// The fault point, with its subscription: `mailer.effect.after`, `send.request`.
    pub point: String,
    /// What happens there: `crash`, `lost`, `late`, …
    pub alternative: String,
    /// At which occurrence of the point, from 1. Give this or `at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u32>,
    /// At the first occurrence after so much virtual time. Give this or `nth`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Span>,
    /// For how long, counted from `at`, if it is an outage. Default `times.outage`.
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
}
