//! A judgement for people: for each subscription, what became of the messages, and why.

use std::fmt::Write;

use entrega_checker::{
    Cause, Class, Exposure, Histogram, Lateness, Redriven, Report, SubscriptionReport, Verdict,
    Window, WindowExposure,
};
use entrega_model::{Duration, MessageId, SubscriptionId};
use serde_json::Value;

use crate::prose::{caused, spelled};

/// How people name what a report counts.
pub struct Names<'a> {
    /// The subscriptions, by id.
    pub subscriptions: &'a [String],
    /// A message.
    pub message: &'a dyn Fn(MessageId) -> String,
}

/// The reports on all subscriptions; `why` says of each why its verdict is unknown, and `skew` by
/// how much the clocks differ that have told the time: in a run there is one.
pub fn subscriptions(
    report: &Report,
    why: &[Vec<String>],
    skew: Duration,
    names: &Names<'_>,
) -> String {
    let mut text = String::new();
    for (index, of) in report.subscriptions.iter().enumerate() {
        let why = why.get(index).map_or(&[][..], Vec::as_slice);
        let _ = writeln!(text, "\n{}", names.of(of.subscription));
        let latency = latency(&of.latency, skew).map(|line| ("latency", line));
        let lateness = of.lateness.as_ref().and_then(lateness).map(|line| ("lateness", line));
        for (label, line) in lines(of, why, names).into_iter().chain(latency).chain(lateness) {
            let _ = writeln!(text, "  {label:13} {line}");
        }
    }
    text
}

/// The outcomes that producers saw: `10 sent: 9 ok, 1 indeterminate, 0 refused; retries: 2`.
pub fn sends(report: &Report) -> String {
    let sends = &report.sends;
    format!(
        "{} sent: {} ok, {} indeterminate, {} refused; retries: {}",
        sends.invoked, sends.ok, sends.info, sends.fail, sends.retries
    )
}

/// The stable name of a word of the report, as JSON has it.
pub(crate) fn word(word: impl serde::Serialize) -> String {
    match serde_json::to_value(word) {
        Ok(Value::String(name)) => name,
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}

impl Names<'_> {
    /// A subscription.
    pub fn of(&self, subscription: SubscriptionId) -> &str {
        self.subscriptions.get(subscription.index()).map_or("?", String::as_str)
    }
}

fn lines(
    of: &SubscriptionReport,
    why: &[String],
    names: &Names<'_>,
) -> Vec<(&'static str, String)> {
    let mut lines = vec![("verdict", judgement(of))];
    lines.extend(why.iter().map(|why| ("unknown, as", why.clone())));
    lines.extend([
        ("messages", classes(of)),
        (
            "lost",
            format!(
                "{} of {} acknowledged{}",
                of.lost(),
                of.acknowledged,
                share(of.lost(), of.acknowledged)
            ),
        ),
        (
            "duplicated",
            format!(
                "{} of {}{}, excess effects: {}",
                of.repeated,
                of.present,
                share(of.repeated, of.present),
                of.excess
            ),
        ),
    ]);
    lines.extend(causes(of, names).into_iter().map(|cause| ("because", cause)));
    if !of.redriven.is_nothing() {
        lines.push(("redriven", redriven(of.redriven)));
    }
    if let Some(deliveries) = deliveries(of) {
        lines.push(("deliveries", deliveries));
    }
    if of.dead_letters > 0 {
        let excess = of.dlq_excess;
        lines.push(("dead letters", format!("{}, in excess: {excess}", of.dead_letters)));
    }
    lines.push(("order", order(of, names)));
    if let Some(offsets) = offsets(of) {
        lines.push(("offsets", offsets));
    }
    lines.push(("put to test", windows(of)));
    lines.extend(of.exposure.as_ref().map(|exposure| ("by time", exposed(exposure))));
    lines
}

/// `12 crashes; hits and share of time: idle 3 (24.10 %), before effect 9 (75.90 %)`.
pub(crate) fn exposed(exposure: &Exposure) -> String {
    let noun = if exposure.crashes == 1 { "crash" } else { "crashes" };
    let window = |(window, of): (&Window, &WindowExposure)| {
        let share = of.time_ns as f64 / exposure.lived_ns.max(1) as f64 * 100.0;
        format!("{} {} ({share:.2} %)", spelled(window.name()), of.hits)
    };
    let windows: Vec<String> = exposure.windows.iter().map(window).collect();
    format!("{} {noun}; hits and share of time: {}", exposure.crashes, windows.join(", "))
}

/// `invalid, because of duplicated: the promise was exactly-once-effect`.
fn judgement(of: &SubscriptionReport) -> String {
    let mut promise = of.guarantee.to_string();
    if of.dead_letters_declared {
        promise.push_str(" or a dead letter");
    }
    if of.ordered {
        promise.push_str(", in order");
    }
    let reasons: Vec<String> = of.reasons.iter().map(word).collect();
    let because = if reasons.is_empty() {
        String::new()
    } else {
        format!(" because of: {}", spelled(&reasons.join(", ")))
    };
    format!("{} (promised: {promise}){because}", of.verdict.name())
}

fn classes(of: &SubscriptionReport) -> String {
    let seen = of.classes.iter().filter(|(class, count)| *count > 0 || *class == Class::Exact);
    let counts: Vec<String> =
        seen.map(|(class, count)| format!("{count} {}", spelled(class.name()))).collect();
    counts.join(", ")
}

/// `12 redelivered after crash (first duplicated m17)`.
fn causes(of: &SubscriptionReport, names: &Names<'_>) -> Vec<String> {
    let examples = |cause: &Cause| {
        let examples = of.examples.iter().filter(|((_, by), _)| by == cause);
        let examples: Vec<String> = examples
            .map(|((class, _), message)| format!("{class} {}", (names.message)(*message)))
            .collect();
        examples.join(", first ")
    };
    let line = |(cause, count): (&Cause, &u64)| {
        let why = if *cause == Cause::Unknown { unknown(of) } else { caused(*cause) };
        format!("{count} {why} (first {})", examples(cause))
    };
    of.causes.iter().map(line).collect()
}

/// Why no cause is known: what the history does not record.
fn unknown(of: &SubscriptionReport) -> String {
    let missing: Vec<&str> = of.not_recorded.iter().map(|kind| kind.name()).collect();
    if missing.is_empty() {
        return "unknown, unexplained by what is recorded".to_owned();
    }
    format!("unknown, unexplained without events of the kinds {}", missing.join(", "))
}

/// None if neither copies nor deliveries are recorded.
fn deliveries(of: &SubscriptionReport) -> Option<String> {
    let Some((deliveries, acknowledged)) = of.amplification() else {
        let stored = of.stored?;
        return Some(format!("not recorded; {stored} stored copies"));
    };
    let copies = match (of.stored, of.redeliveries) {
        (Some(stored), Some(again)) => format!("of {stored} stored copies, redeliveries: {again}"),
        _ => "(stored copies are not recorded)".to_owned(),
    };
    let per = if acknowledged == 0 { 0.0 } else { deliveries as f64 / acknowledged as f64 };
    Some(format!("{deliveries} {copies}, {per:.3} for each acknowledged message"))
}

fn order(of: &SubscriptionReport, names: &Names<'_>) -> String {
    let order = &of.order;
    let example = |message: Option<MessageId>| {
        message.map_or_else(String::new, |one| format!(" (first {})", (names.message)(one)))
    };
    format!(
        "{} reordered{} and {} replayed{} among {} neighbours of one key",
        order.reordered,
        example(order.reordered_example),
        order.replayed,
        example(order.replayed_example),
        order.adjacent_pairs
    )
}

/// What is wrong with the offsets of a log, if anything is.
fn offsets(of: &SubscriptionReport) -> Option<String> {
    let order = &of.order;
    let all = [
        (order.write_inversions, "stored in another order than sent"),
        (order.inconsistent_offsets, "seen at an offset of another message"),
        (order.poll_skips, "deliveries that skip a record"),
        (order.nonmonotonic_polls, "deliveries that go back"),
    ];
    let found = all.iter().filter(|(count, _)| *count > 0);
    let found: Vec<String> = found.map(|(count, what)| format!("{count} {what}")).collect();
    (!found.is_empty()).then(|| found.join(", "))
}

/// The critical windows that were hit.
fn windows(of: &SubscriptionReport) -> String {
    let hit = of.counters.iter().filter(|(_, count)| *count > 0);
    let hit: Vec<String> =
        hit.map(|(counter, count)| format!("{}: {count}", spelled(counter.name()))).collect();
    if !hit.is_empty() {
        return hit.join(", ");
    }
    if !of.records_faults {
        return "unknown, as no crash and no lease or session that ran out is recorded".to_owned();
    }
    if !of.causes.is_empty() {
        return "by what went wrong; no critical window that is counted was hit".to_owned();
    }
    let so = if of.verdict == Verdict::Valid { ", so this run proves nothing" } else { "" };
    format!("no critical window was hit{so}")
}

/// From send to effect, as far as clocks that differ tell it; nothing if nothing took any time.
fn latency(of: &Histogram, skew: Duration) -> Option<String> {
    let longest = of.max().filter(|longest| *longest > 0)?;
    if longest <= skew.as_nanos() {
        return Some(format!("unknown, as clocks differ by {skew} and none is longer"));
    }
    let nanos = |nanos: Option<u64>| match nanos.filter(|nanos| *nanos > skew.as_nanos()) {
        Some(nanos) => rounded(nanos).to_string(),
        None if skew.is_zero() => rounded(0).to_string(),
        None => "unknown".to_owned(),
    };
    let (p50, p99, max) = (of.p50(), of.p99(), of.max());
    let (p50, p99, max) = (nanos(p50), nanos(p99), nanos(max));
    let within = if skew.is_zero() {
        String::new()
    } else {
        format!(", each within ± {skew}, as clocks differ by that")
    };
    Some(format!("p50 {p50}, p99 {p99}, max {max} from send to effect{within}"))
}

/// From the due time to the effect, in the place of a latency that holds the wait until then;
/// nothing if nothing that was due later took effect.
pub(crate) fn lateness(of: &Lateness) -> Option<String> {
    let early = match of.early {
        0 => "none before it".to_owned(),
        1 => "1 effect before it".to_owned(),
        early => format!("{early} effects before it"),
    };
    let nanos = |nanos: Option<u64>| rounded(nanos.unwrap_or(0));
    let (p50, p99, max) = (nanos(of.late.p50()), nanos(of.late.p99()), nanos(of.late.max()));
    match (of.late.count(), of.early) {
        (0, 0) => None,
        (0, _) => Some(format!("{early}, the due time, and none after")),
        _ => Some(format!("p50 {p50}, p99 {p99}, max {max} from due time to effect, {early}")),
    }
}

/// `9 effects of copies that were moved back, 7 of them in excess, of 6 messages`.
pub(crate) fn redriven(of: Redriven) -> String {
    let Redriven { effects, excess, messages } = of;
    let noun = if effects == 1 { "effect" } else { "effects" };
    let who = if messages == 1 { "message" } else { "messages" };
    format!(
        "{effects} {noun} of copies that were moved back, {excess} in excess, of {messages} {who}"
    )
}

/// Three significant digits or a little more.
fn rounded(nanos: u64) -> Duration {
    let mut unit = 1;
    while nanos / unit >= 10_000 {
        unit *= 10;
    }
    Duration::from_nanos(nanos / unit * unit)
}

/// ` (0.13 %)`, or nothing if a part or the whole is 0.
fn share(part: u64, whole: u64) -> String {
    if part == 0 || whole == 0 {
        return String::new();
    }
    format!(" ({:.2} %)", part as f64 * 100.0 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_keep_a_few_digits() {
        let check = |nanos, expect: &str| assert_eq!(rounded(nanos).to_string(), expect);
        check(0, "0ns");
        check(46_123_456, "46.12ms");
        check(1_234_567_890, "1.234s");
        check(123_456_789_012, "123.4s");
    }

    /// What clocks that differ cannot tell is unknown, and what they tell is no better than they
    /// are.
    #[test]
    fn a_latency_is_known_within_the_skew() {
        let check = |took: &[u64], skew: u64, expect: Option<&str>| {
            let mut of = Histogram::default();
            took.iter().for_each(|ms| of.record(ms * 1_000_000));
            let said = latency(&of, Duration::from_millis(skew));
            assert_eq!(said.as_deref(), expect, "{took:?} ± {skew}");
        };
        check(&[0, 0], 0, None);
        check(&[0, 0], 5, None);
        let known = "p50 5ms, p99 8ms, max 8ms from send to effect";
        check(&[5, 8], 0, Some(known));
        let within = "each within ± 4ms, as clocks differ by that";
        check(&[5, 8], 4, Some(&format!("{known}, {within}")));
        let some = "p50 unknown, p99 8ms, max 8ms from send to effect, each within ± 5ms, as \
                    clocks differ by that";
        check(&[5, 8], 5, Some(some));
        check(&[5, 8], 8, Some("unknown, as clocks differ by 8ms and none is longer"));
        check(&[0, 8], 0, Some("p50 0ns, p99 8ms, max 8ms from send to effect"));
    }

    /// What comes before the due time is in no percentile, and is told.
    #[test]
    fn lateness_tells_what_is_early() {
        let check = |early, late: &[u64], expect: Option<&str>| {
            let mut of = Lateness { early, ..Lateness::default() };
            late.iter().for_each(|ms| of.late.record(ms * 1_000_000));
            assert_eq!(lateness(&of).as_deref(), expect);
        };
        check(0, &[], None);
        check(
            0,
            &[0, 8],
            Some("p50 0ns, p99 8ms, max 8ms from due time to effect, none before it"),
        );
        check(
            1,
            &[8],
            Some("p50 8ms, p99 8ms, max 8ms from due time to effect, 1 effect before it"),
        );
        check(2, &[], Some("2 effects before it, the due time, and none after"));
    }

    #[test]
    fn nothing_has_no_share() {
        assert_eq!(share(0, 10), "");
        assert_eq!(share(1, 0), "");
        assert_eq!(share(1, 8), " (12.50 %)");
    }
}
