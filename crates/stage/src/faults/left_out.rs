//! Which faults of a scenario a live run cannot inject.

use entrega_choice::Point;
use entrega_scenario::points::{Act, Call, Leg, Mishap, Moment, Site, describe, table};
use entrega_scenario::{PublishId, Scenario};

use super::mishap;

/// What a scenario names and a live run leaves out, as names of points with their alternatives.
pub fn left_out(scenario: &Scenario) -> Vec<String> {
    let table = table(&scenario.subscription_names());
    let mut names: Vec<String> = scenario
        .named_faults()
        .into_iter()
        .filter(|&(point, value)| !is_injected(scenario, point, value))
        .map(|(point, value)| {
            let (info, _) = describe(point);
            let name = info.alternative_name(value).unwrap_or_default();
            format!("{} = {name}", table[point.index()].name)
        })
        .chain(at_times(scenario))
        .collect();
    names.sort();
    names.dedup();
    names
}

/// What a scenario has happen at a time, and a live run has not.
fn at_times(scenario: &Scenario) -> impl Iterator<Item = String> {
    let lives = scenario.subscriptions.iter().flat_map(|one| {
        let changes = (!one.changes.is_empty()).then(|| format!("changes of {}", one.name));
        let rolling = one.rolling_restart.map(|_| format!("rolling_restart of {}", one.name));
        changes.into_iter().chain(rolling)
    });
    let producer = &scenario.producer;
    let others = [
        (scenario.times.stall_distribution.is_some(), "times.stall_distribution"),
        (producer.resend_after.is_some(), "producer.resend_after"),
        (scenario.consumer.worker_lost.is_some(), "consumer.worker_lost"),
        (producer.publish_id != PublishId::Message, "producer.publish_id"),
        (scenario.workload.wait().is_some(), "due times of messages"),
    ];
    lives.chain(others.into_iter().filter(|(is_set, _)| *is_set).map(|(_, name)| name.to_owned()))
}

/// Whether a choice can be injected live.
fn is_injected(scenario: &Scenario, point: Point, value: u32) -> bool {
    let (info, _) = describe(point);
    let (call, leg) = match info.site {
        Site::Leg(call, leg) => (call, leg),
        Site::Message => return info.alternative(value).is_some_and(|one| one.act == Act::Poison),
        Site::Broker | Site::Handler | Site::Process => return true,
        Site::Crash(Moment::AtAnyTime | Moment::BeforeSend | Moment::AfterSend) => return false,
        Site::Crash(_) | Site::Group => return true,
        Site::Arrivals | Site::Handlers | Site::Deadlines | Site::Polls | Site::Delays => {
            return false;
        }
        Site::Shutdown | Site::Connection | Site::Service | Site::Transfer => return false,
        Site::Leader | Site::Followers => return false,
    };
    let timeout = match call {
        Call::Send => scenario.producer.request_timeout,
        Call::Receive | Call::Effect | Call::Settle | Call::DeadLetter => {
            scenario.consumer.request_timeout
        }
    };
    let Some(mishap) = mishap(point, value) else { return true };
    match (leg, mishap) {
        (_, Mishap::Lost) => true,
        (Leg::Request, Mishap::Late) => false,
        (Leg::Request, Mishap::Duplicated) => !matches!(call, Call::Effect | Call::DeadLetter),
        (Leg::Response, Mishap::Late) => scenario.times.late.duration() >= timeout.duration(),
        (Leg::Response, Mishap::Duplicated) => true,
    }
}
