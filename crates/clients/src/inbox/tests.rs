//! The client library against a network that answers what a test tells it to.
//!
//! Goal: what a poll or a settle does with every answer, and that nothing is lost when somebody
//! stops waiting. Method: a link that keeps requests until the test answers them, and one poll at a
//! time.

mod log;
mod queue;

use entrega_model::{Duration, SubscriptionId};

use crate::{AutoSettle, ClientConfig, OffsetReset, OffsetStore, SettleScope};

fn config() -> ClientConfig {
    ClientConfig {
        subscription: SubscriptionId(0),
        prefetch: 4,
        receive_ahead: false,
        lease_renewal: None,
        worker_lost: None,
        auto_settle: AutoSettle::Off,
        offset_store: OffsetStore::AtDelivery,
        auto_commit_interval: Duration::from_secs(5),
        settle_scope: SettleScope::Individual,
        settle_confirmed: true,
        settle_retries: 0,
        auto_offset_reset: OffsetReset::Earliest,
        drain_on_revoke: true,
        max_poll_interval: None,
        cooperative: false,
        leaves_on_close: true,
        metadata: None,
    }
}
