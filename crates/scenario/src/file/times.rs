//! The table `[times]`: how long faults last.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ServiceTime, Span, or_none};

/// How long faults last. Each default is beyond the timeout that notices it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FaultTimes {
    /// A stall of a process (`process.stall`). Default 60s, beyond session and visibility timeout.
    pub stall: Span,
    /// How long stalls last if they are not all alike, in the place of `stall`: each one is drawn
    /// anew. Left out, all last as long as `stall` says.
    #[serde(deserialize_with = "or_none::deserialize", skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "or_none::schema::<ServiceTime>")]
    pub stall_distribution: Option<ServiceTime>,
    /// The additional time of a slow handler (`handler.slow`). Default 40s, beyond the visibility
    /// timeout.
    pub slow: Span,
    /// The additional time of a late request or response. Default 35s, beyond the request timeout.
    pub late: Span,
    /// How long a process that is asked to stop (`process.shutdown`) may take before it is killed.
    /// Default 30s, as in Kubernetes.
    pub grace: Span,
    /// From the end of a process, by a crash or a shutdown, to its restart. Default 1s.
    pub restart: Span,
    /// For how long a broker that restarts is away, or a log until another replica leads. Default
    /// 5s.
    pub broker_restart: Span,
    /// For how long a follower copies nothing (`replica.lag`), and a leader that failed
    /// (`broker.failover`) is away. Default 40s, beyond `log.replica_lag_max`.
    pub replica_away: Span,
    /// An outage of a sink or of the broker (`sink.outage`, `broker.outage`) for which `[[script]]`
    /// gives no time of its own. Default 30s.
    pub outage: Span,
}

impl Default for FaultTimes {
    fn default() -> Self {
        Self {
            stall: Span::from_secs(60),
            stall_distribution: None,
            slow: Span::from_secs(40),
            late: Span::from_secs(35),
            grace: Span::from_secs(30),
            restart: Span::from_secs(1),
            broker_restart: Span::from_secs(5),
            replica_away: Span::from_secs(40),
            outage: Span::from_secs(30),
        }
    }
}
