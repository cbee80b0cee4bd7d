//! The judge on deliveries that are missing: semantics.md 5.6.

use serde_json::Value;

use crate::rules::{Lines, is_applied, kind, name, offset};

/// The same lines without those that repeat the delivery of an earlier one: its name, its message,
/// its consumer and its offset.
pub(crate) fn once<'a>(subscription: &Value, lines: &Lines<'a>) -> Vec<(usize, &'a Value)> {
    let consumer = |event: &Value| name(event, "consumer").or_else(|| name(subscription, "name"));
    let handed = |event: &Value| {
        let lane = event["lane"].as_u64().unwrap_or(0);
        (name(event, "message"), consumer(event), lane, offset(event))
    };
    let repeats = |at: usize, event: &Value| {
        let of_it = |one: &&(usize, &Value)| {
            kind(one.1) == "deliver" && name(one.1, "delivery") == name(event, "delivery")
        };
        let before = lines[..at].iter().rfind(of_it);
        kind(event) == "deliver"
            && name(event, "delivery").is_some()
            && before.is_some_and(|(_, before)| handed(before) == handed(event))
    };
    let lines = lines.iter().enumerate();
    lines.filter(|(at, (_, event))| !repeats(*at, event)).map(|(_, line)| *line).collect()
}

/// Whether an effect or a settle, of messages that are delivered, has no delivery before it, or a
/// delivery no earlier one although it counts it.
pub(crate) fn lacks_a_delivery(
    subscription: &Value,
    [lines, all]: [&Lines<'_>; 2],
    skew: u64,
) -> bool {
    let comes_late = |at| comes_late(subscription, [lines, all], at, skew);
    let effects = || (0..lines.len()).filter(|at| is_applied(lines[*at].1));
    let is_whole = effects().any(|at| is_given(lines, at));
    let needy = (0..lines.len()).filter(|at| needs_a_delivery(lines, *at));
    let lacking = needy.filter(|at| !is_given(lines, *at) && !comes_late(*at));
    is_whole && lacking.count() > 0
        || (0..lines.len()).any(|at| counts_what_is_not_there(lines, at))
}

fn about<'a>(lines: &'a Lines<'a>, at: usize) -> impl Iterator<Item = (usize, &'a Value)> {
    let message = name(lines[at].1, "message");
    let all = lines.iter().enumerate().map(|(at, (_, event))| (at, *event));
    all.filter(move |(_, event)| name(event, "message") == message)
}

fn is_final(event: &Value) -> bool {
    matches!(event["act"].as_str(), Some("ack" | "reject" | "commit"))
}

/// An effect, or a settle that is final and that no delivery makes by itself.
fn needs_a_delivery(lines: &Lines<'_>, at: usize) -> bool {
    let is_settle =
        |event: &Value| matches!(kind(event), "settle.invoke" | "settled") && is_final(event);
    let by_delivery = |(other, event): (usize, &Value)| {
        other <= at && is_settle(event) && event["trigger"] == "delivery"
    };
    let event = lines[at].1;
    is_applied(event) || is_settle(event) && !about(lines, at).any(by_delivery)
}

/// Whether a line has its delivery before it: to its consumer if it names one and all deliveries so
/// far do, and of its name in the same way.
fn is_given(lines: &Lines<'_>, at: usize) -> bool {
    let event = lines[at].1;
    let before =
        || lines[..at].iter().map(|(_, event)| *event).filter(|one| kind(one) == "deliver");
    let all_name = |field: &str| before().all(|one| name(one, field).is_some());
    let to = name(event, "consumer").filter(|_| all_name("consumer"));
    let named = name(event, "delivery").filter(|_| is_applied(event) && all_name("delivery"));
    let is_it = |one: &Value| {
        let same = name(one, "message") == name(event, "message");
        same && (to.is_none() || name(one, "consumer") == to)
    };
    let is_known = named.is_none() || before().any(|one| name(one, "delivery") == named);
    is_known && before().any(is_it)
}

/// Whether a delivery follows by no more than clocks differ.
fn comes_late(subscription: &Value, [lines, all]: [&Lines<'_>; 2], at: usize, skew: u64) -> bool {
    let time = |at: usize| {
        let until = all[..=lines[at].0].iter().rev();
        until.into_iter().find_map(|(_, event)| event["at"].as_u64())
    };
    let before = |at: usize| lines[..at].iter().filter(|(_, event)| kind(event) == "deliver");
    let all_named = before(at).all(|(_, one)| name(one, "consumer").is_some());
    let to = name(lines[at].1, "consumer").filter(|_| all_named);
    let is_late = |(other, event): (usize, &Value)| {
        let now = time(other).unwrap_or(0);
        let is_near = now > 0 && now.saturating_sub(time(at).unwrap_or(0)) <= skew;
        let consumer = name(event, "consumer").or_else(|| name(subscription, "name"));
        let is_to = to.is_none() || consumer == to;
        other > at && kind(event) == "deliver" && is_near && is_to
    };
    about(lines, at).any(is_late)
}

/// Whether a delivery says that there were others before it, more than are recorded: delivered, or
/// taken back by the queue before they were.
fn counts_what_is_not_there(lines: &Lines<'_>, at: usize) -> bool {
    let says = |event: &Value| {
        let attempt = event["attempt"].as_u64().unwrap_or(1).saturating_sub(1);
        attempt.max(u64::from(event["redelivered"] == true))
    };
    let has_restarted = lines[..at].iter().any(|(_, event)| kind(event) == "broker_restart");
    let (mut times, mut is_held) = (0, false);
    for (_, event) in about(lines, at).take_while(|(other, _)| *other < at) {
        let gives_back = kind(event) == "settled" && event["act"] == "requeue";
        match kind(event) {
            "deliver" => (times, is_held) = (says(event).max(times) + 1, true),
            "lease_expired" | "requeued" => (times, is_held) = (times + u64::from(!is_held), false),
            _ if gives_back => (times, is_held) = (times + u64::from(!is_held), false),
            _ => {}
        }
    }
    kind(lines[at].1) == "deliver" && says(lines[at].1) > times && !has_restarted
}
