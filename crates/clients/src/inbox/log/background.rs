//! What the client library does beside the application. Strategies run alongside this; when a
//! process stalls, it stands still too.

use entrega_model::event::{Kind, SettleTrigger};
use entrega_model::log::{Request, Response};

use super::LogInbox;
use crate::{AutoSettle, Link};

impl<L: Link<Request = Request, Response = Response>> LogInbox<L> {
    /// Whether there is anything for the auto-commit timer to do.
    pub fn commits_by_timer(&self) -> bool {
        self.config.auto_settle == AutoSettle::AtDelivery
    }

    /// The auto-commit timer of librdkafka: commits what is stored, whether or not the application
    /// is done with it. Armed only while something is stored.
    pub async fn auto_commit_timer(&self) {
        loop {
            self.stored.rings().await;
            self.link.sleep_until(self.link.now() + self.config.auto_commit_interval).await;
            let _ = self.commit_stored_by(SettleTrigger::Timer).await;
        }
    }

    /// Leaves the group when the application takes too long between two polls
    /// (`max.poll.interval.ms`, KIP-62). The application learns of it when it settles or polls.
    pub async fn poll_watchdog(&self) {
        let Some(limit) = self.config.max_poll_interval else { return };
        loop {
            self.handed_out.rings().await;
            while let Some(since) = self.handed_out_at.get() {
                if self.link.now() < since + limit {
                    self.link.sleep_until(since + limit).await;
                    continue;
                }
                self.handed_out_at.set(None);
                self.session.borrow_mut().fenced = true;
                let (subscription, consumer) = self.me();
                self.link.record(Kind::MaxPollExceeded { subscription, consumer });
                let _ = self.link.call(Request::Leave { group: self.config.subscription }).await;
            }
        }
    }
}
