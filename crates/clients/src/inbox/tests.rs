//! The client library against a network that answers what a test tells it to.
//!
//! Goal: what a poll or a settle does with every answer, and that nothing is lost when somebody
//! stops waiting. Method: a link that keeps requests until the test answers them, and one poll at a
//! time.

mod fake_link;
mod log;
mod queue;

use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use entrega_model::{Duration, SubscriptionId};

use crate::{AutoSettle, ClientConfig, OffsetReset, OffsetStore, SettleScope};

/// Polls a future once.
fn once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Polls a future once and expects it to be ready.
fn ready<F: Future>(future: F) -> F::Output {
    match once(pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it still waits"),
    }
}

fn config() -> ClientConfig {
    ClientConfig {
        subscription: SubscriptionId(0),
        prefetch: 4,
        receive_ahead: false,
        auto_settle: AutoSettle::Off,
        offset_store: OffsetStore::AtDelivery,
        auto_commit_interval: Duration::from_secs(5),
        settle_scope: SettleScope::Individual,
        settle_confirmed: true,
        settle_retries: 0,
        auto_offset_reset: OffsetReset::Earliest,
        drain_on_revoke: true,
        max_poll_interval: None,
    }
}
