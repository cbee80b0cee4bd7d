//! How much faster than the machine's clock a live run may go.
//!
//! > **The rule.** Leases, sessions, arrivals and handlers scale together; the machine does not. So
//! > the factor leaves the shortest lease [`SHORTEST_LEASE`] of real time, and consumers that keep
//! > up with the arrivals in the scenario keep up live too, where every wait ends `LATE` too late
//! > on average.
//!
//! A lease that expires because the machine was busy is still a real expiry: its message is
//! delivered again.

use std::num::NonZeroU32;
use std::time::Duration;

use entrega_model::{Instant, MessageId, SubscriptionId};
use entrega_scenario::Span;

use crate::Setup;

/// A configuration's arrivals should take about this long.
const ARRIVALS: Duration = Duration::from_millis(2_500);
/// The longest lease, session or stall should take about this long.
const LONGEST_WAIT: Duration = Duration::from_millis(750);
/// No lease or session is made shorter than this.
pub const SHORTEST_LEASE: Duration = Duration::from_millis(200);
/// How much too late a wait ends: the timer counts in milliseconds.
const LATE: Duration = Duration::from_micros(1_500);
/// How busy consumers may be, as a share of their time.
const BUSY: f64 = 0.75;
/// The maximum factor, even for leases of a day.
pub const FASTEST: u32 = 10_000;

/// A sensible factor for a scenario, the same for all its models and strategies.
pub fn factor(setup: &Setup) -> NonZeroU32 {
    let last = setup.workload.planned.last().map_or(Instant::START, |planned| planned.at);
    let arrivals = last.since(Instant::START).as_nanos() as f64 / 1e9;
    let longest = waits(setup).chain([setup.scenario.times.stall]).map(seconds).fold(0.0, f64::max);
    let wanted = (arrivals / ARRIVALS.as_secs_f64()).max(longest / LONGEST_WAIT.as_secs_f64());
    let shortest = waits(setup).map(seconds).fold(f64::MAX, f64::min);
    let by_lease = shortest / SHORTEST_LEASE.as_secs_f64();
    let subscriptions = (0..setup.scenario.subscriptions.len() as u8).map(SubscriptionId);
    let by_load =
        subscriptions.filter_map(|id| by_load(setup, id, arrivals)).fold(f64::MAX, f64::min);
    let factor = wanted.min(by_lease).min(by_load).clamp(1.0, f64::from(FASTEST));
    NonZeroU32::new(factor as u32).unwrap_or(NonZeroU32::MIN)
}

/// The shortest lease or session under a factor, if it may be too short for the machine.
pub fn too_short(setup: &Setup, factor: NonZeroU32) -> Option<Duration> {
    let shortest = waits(setup).map(seconds).fold(f64::MAX, f64::min) / f64::from(factor.get());
    let shortest = Duration::try_from_secs_f64(shortest).ok()?;
    (shortest < SHORTEST_LEASE).then_some(shortest)
}

/// The spans after which a silent client loses its messages or partitions.
fn waits(setup: &Setup) -> impl Iterator<Item = Span> {
    let scenario = &setup.scenario;
    [scenario.lease(), scenario.log.session_timeout]
        .into_iter()
        .chain(scenario.consumer.max_poll_interval)
}

/// The factor with which the consumers of a subscription still keep up, if they do at all.
fn by_load(setup: &Setup, subscription: SubscriptionId, arrivals: f64) -> Option<f64> {
    let messages = setup.workload.planned.len().min(SAMPLES) as u32;
    let rate = setup.workload.planned.len() as f64 / arrivals.max(1e-9);
    let consumers = setup.scenario.subscriptions[subscription.index()].consumers;
    let service =
        |id| setup.workload.service_time(subscription, MessageId(id), 1).as_nanos() as f64;
    let mean = (0..messages).map(service).sum::<f64>() / f64::from(messages.max(1)) / 1e9;
    let room = BUSY * f64::from(consumers) / rate - mean;
    (room > 0.0).then(|| room / LATE.as_secs_f64())
}

/// The number of messages from which the mean service time is computed.
const SAMPLES: usize = 1_000;

fn seconds(span: Span) -> f64 {
    span.nanos() as f64 / 1e9
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use entrega_clients::Strategy;
    use entrega_model::Model;
    use entrega_scenario::Scenario;
    use entrega_scenario::workload::Planner;

    use super::*;

    fn setup(text: &str) -> Setup {
        let text = format!("[workload]\nmessages = 1000\n{text}");
        let loaded = Scenario::parse("scale", &text, &[], &|_| Err(String::new()));
        let scenario = loaded.expect("a scenario").scenario;
        let workload = Arc::new(Planner::new(&scenario).plan(None, 1));
        let (model, strategy) = (Model::Queue, Strategy::ProcessThenSettle);
        Setup { scenario: Arc::new(scenario), workload, model, strategy, seed: 1 }
    }

    const QUIET: &str = "arrivals = { distribution = \"constant\", rate_per_second = 1 }\n";

    /// A thousand seconds of arrivals would want a factor of 400. Twenty messages a second keep a
    /// consumer busy for 60 % of its time if each takes 30 ms.
    #[test]
    fn leases_keep_a_floor_and_consumers_keep_up() {
        let check = |text: &str, expect: u32| assert_eq!(factor(&setup(text)).get(), expect);
        check(QUIET, 150);
        check(&format!("{QUIET}[queue]\nvisibility_timeout = \"6s\"\n"), 30);
        check(&format!("{QUIET}[log]\nsession_timeout = \"300ms\"\n"), 1);
        let busy = "arrivals = { distribution = \"constant\", rate_per_second = 20 }\n\
                    [[subscriptions]]\nname = \"reader\"\n\
                    service_time = { distribution = \"constant\", value = \"30ms\" }\n";
        check(busy, 4);
    }

    #[test]
    fn the_longest_timeout_is_found() {
        let check = |text: &str, expect: f64| {
            assert_eq!(seconds(setup(text).scenario.longest_timeout()), expect, "{text}");
        };
        check("[consumer]\nrequest_timeout = \"900s\"\n", 900.0);
        check("[producer]\nrequest_timeout = \"901s\"\n", 901.0);
        check("[queue]\nvisibility_timeout = \"902s\"\n", 902.0);
    }

    #[test]
    fn a_factor_that_is_too_high_is_noticed() {
        let setup = setup(QUIET);
        let at = |factor| NonZeroU32::new(factor).expect("not 0");
        assert_eq!(too_short(&setup, at(150)), None);
        assert_eq!(too_short(&setup, at(300)), Some(Duration::from_millis(100)));
    }
}
