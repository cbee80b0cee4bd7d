//! What came first: a story blames what took the message, and not what befell its holder later.

use super::*;

/// A queue with one consumer that has five messages in its buffer, for one second each.
const BUFFERED: &[(&str, &str)] = &[
    ("workload.arrivals.rate_per_second", "1000000"),
    ("subscriptions.0.consumers", "1"),
    ("subscriptions.0.service_time.value", "100ms"),
    ("consumer.prefetch", "5"),
    ("consumer.on_error", "skip"),
    ("queue.visibility_timeout", "1s"),
    ("times.slow", "2s"),
];

/// The leases of the buffer expire while the handler is slow; the settles that follow are refused,
/// and have their answers when the process crashes.
#[test]
fn a_crash_takes_nothing_that_a_lease_has_taken_before() {
    let choices = "mailer.handler.slow#2=slow+mailer.settle.after#4=crash";
    let found = told(Queue, ProcessThenSettle, choices, BUFFERED);
    assert!(!found.is_empty());
    for story in found {
        assert!(story.contains("the lease of mailer 1 expires"), "{story}");
        assert!(!story.contains("crashes") && !story.contains("on its way"), "{story}");
    }
}

/// A queue forgets its leases when it restarts, so the lease that ends began after the restart, and
/// the restart has not taken the message. One that does take it is told.
#[test]
fn a_restart_before_the_lease_is_no_reason() {
    let one_by_one = [("consumer.prefetch", "1"), ("times.broker_restart", "10ms")];
    let one_by_one = [&BUFFERED[..3], &one_by_one].concat();
    let (mut by_lease, mut by_restart) = (0, 0);
    for restart in 2..=17 {
        let choices = format!("broker.restart#{restart}=restart+mailer.settle.request#4=lost");
        for story in told(Queue, ProcessThenSettle, &choices, &one_by_one) {
            let (lease, restarts) = (story.contains("the lease"), story.contains("restarts"));
            assert!(lease != restarts, "{restart}: {story}");
            by_lease += usize::from(lease);
            by_restart += usize::from(restarts);
        }
    }
    assert!(by_lease > 0 && by_restart > 0, "{by_lease} {by_restart}");
}
