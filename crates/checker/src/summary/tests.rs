//! Totals by example, and what may not depend on the order of the runs.

use entrega_model::{Guarantee, SubscriptionId};
use proptest::prelude::*;

use super::*;
use crate::{OrderEvidence, Redriven};

/// A report in which nothing happened.
fn nothing() -> SubscriptionReport {
    SubscriptionReport {
        subscription: SubscriptionId(0),
        guarantee: Guarantee::AtLeastOnce,
        dead_letters_declared: false,
        ordered: false,
        verdict: Verdict::Valid,
        reasons: Vec::new(),
        classes: Classes::default(),
        causes: Causes::new(),
        examples: BTreeMap::new(),
        firsts: BTreeMap::new(),
        acknowledged: 0,
        present: 0,
        not_recorded: Vec::new(),
        stored: Some(0),
        deliveries: Some(0),
        redeliveries: Some(0),
        effects: 0,
        excess: 0,
        repeated: 0,
        redriven: Redriven::default(),
        dead_letters: 0,
        dlq_excess: 0,
        order: Order::default(),
        evidence: OrderEvidence::default(),
        counters: Counters::default(),
        records_faults: true,
        struck: 0,
        exposure: None,
        waiting: Vec::new(),
        latency: Histogram::default(),
        lateness: None,
    }
}

/// A run of `sent` acknowledged messages, of which some are lost and others duplicated.
fn run(sent: u64, lost: u64, duplicated: u64) -> SubscriptionReport {
    let mut report = nothing();
    for (class, cause, messages) in [
        (Class::Lost, Cause::SettledByTimer, lost),
        (Class::Duplicated, Cause::LeaseExpired, duplicated),
    ] {
        report.classes.add(class, messages);
        if messages > 0 {
            report.causes.insert(cause, messages);
            report.firsts.insert(class, MessageId(sent as u32));
            report.examples.insert((class, cause), MessageId(sent as u32));
        }
    }
    report.classes.add(Class::Exact, sent - lost - duplicated);
    if lost > 0 {
        (report.verdict, report.reasons) = (Verdict::Invalid, vec![Reason::Lost]);
    } else if sent == 0 {
        (report.verdict, report.reasons) = (Verdict::Unknown, vec![Reason::NothingAcknowledged]);
    }
    (report.acknowledged, report.present, report.stored) = (sent, sent, Some(sent));
    report.deliveries = Some(sent + duplicated);
    report.redeliveries = Some(duplicated);
    (report.excess, report.repeated) = (duplicated, duplicated);
    report.effects = sent - lost + duplicated;
    report.counters.add(Counter::SettlesLost, lost);
    report.order.adjacent_pairs = sent / 2;
    report.order.reordered_example = (sent > 2).then_some(MessageId(sent as u32));
    (0..sent).for_each(|latency| report.latency.record(latency));
    report
}

fn sends(ok: u64) -> Sends {
    Sends { invoked: ok + 3, ok, info: 2, fail: 1, retries: 4 }
}

fn sum(runs: &[SubscriptionReport]) -> RowSummary {
    let mut summary = RowSummary::default();
    runs.iter().for_each(|report| summary.add(&sends(report.acknowledged), report));
    summary
}

/// Without what depends on the order on purpose.
fn totals(mut summary: RowSummary) -> RowSummary {
    summary.examples.clear();
    summary.firsts.clear();
    summary.order.reordered_example = None;
    summary
}

#[test]
fn runs_add_up() {
    let summary = sum(&[run(10, 0, 1), run(10, 2, 0), run(20, 1, 4)]);
    assert_eq!(summary.runs, 3);
    assert_eq!(summary.sends, Sends { invoked: 49, ok: 40, info: 6, fail: 3, retries: 12 });
    assert_eq!(summary.classes.get(Class::Exact), 32);
    assert_eq!(summary.causes, [(Cause::SettledByTimer, 3), (Cause::LeaseExpired, 5)].into());
    assert_eq!(summary.verdicts, [(Verdict::Valid, 1), (Verdict::Invalid, 2)].into());
    assert_eq!(summary.reasons, [(Reason::Lost, 2)].into());
    assert_eq!((summary.stored, summary.effects, summary.order.adjacent_pairs), (40, 42, 20));
    assert_eq!((summary.redeliveries, summary.excess, summary.repeated), (5, 5, 5));
    assert_eq!(summary.amplification(), (45, 40));
    assert_eq!((summary.latency.p50(), summary.latency.max()), (Some(6), Some(19)));
    assert_eq!((summary.loss().events, summary.loss().estimate), (3, 0.075));
    assert_eq!((summary.duplicates().events, summary.duplicates().estimate), (5, 0.125));
}

/// No two counts have the same number, so that none can be taken for another.
#[test]
fn every_count_adds_up() {
    let mut one = nothing();
    (one.stored, one.deliveries, one.redeliveries) = (Some(1), Some(2), Some(3));
    (one.effects, one.excess, one.repeated) = (4, 5, 6);
    (one.dead_letters, one.dlq_excess, one.struck) = (7, 8, 9);
    one.order = Order {
        reordered: 10,
        replayed: 11,
        write_inversions: 12,
        poll_skips: 13,
        nonmonotonic_polls: 14,
        inconsistent_offsets: 15,
        adjacent_pairs: 16,
        reordered_example: None,
        replayed_example: Some(MessageId(17)),
    };
    let mut unrecorded = nothing();
    (unrecorded.stored, unrecorded.deliveries, unrecorded.redeliveries) = (None, None, None);
    let sum = sum(&[one.clone(), unrecorded, one]);
    assert_eq!((sum.stored, sum.deliveries, sum.redeliveries), (2, 4, 6));
    assert_eq!((sum.effects, sum.excess, sum.repeated), (8, 10, 12));
    assert_eq!((sum.dead_letters, sum.dlq_excess, sum.struck), (14, 16, 18));
    let order = Order {
        reordered: 20,
        replayed: 22,
        write_inversions: 24,
        poll_skips: 26,
        nonmonotonic_polls: 28,
        inconsistent_offsets: 30,
        adjacent_pairs: 32,
        reordered_example: None,
        replayed_example: Some(MessageId(17)),
    };
    assert_eq!(sum.order, order);
}

#[test]
fn examples_are_those_of_the_first_run_that_has_any() {
    let summary = sum(&[run(10, 0, 1), run(12, 2, 0), run(20, 1, 4)]);
    let first = Example { run: 0, message: MessageId(10) };
    let second = Example { run: 1, message: MessageId(12) };
    assert_eq!(summary.firsts, [(Class::Duplicated, first), (Class::Lost, second)].into());
    assert_eq!(summary.examples[&(Class::Lost, Cause::SettledByTimer)], second);
    assert_eq!(summary.order.reordered_example, Some(MessageId(10)));
}

#[test]
fn the_worst_verdict_counts() {
    let check = |runs: &[SubscriptionReport], expect| assert_eq!(sum(runs).verdict(), expect);
    check(&[], Verdict::Unknown);
    check(&[run(1, 0, 0), run(1, 0, 0)], Verdict::Valid);
    check(&[run(1, 0, 0), run(0, 0, 0), run(1, 0, 0)], Verdict::Unknown);
    check(&[run(0, 0, 0), run(1, 1, 0), run(1, 0, 0)], Verdict::Invalid);
}

#[test]
fn a_counter_that_no_run_has_hit_is_vacuous() {
    let required = [Counter::SettlesLost, Counter::BrokerRestarts];
    assert_eq!(sum(&[run(9, 0, 0), run(9, 1, 0)]).vacuous(&required), [Counter::BrokerRestarts]);
    assert_eq!(sum(&[run(9, 0, 0)]).vacuous(&required), required);
}

#[test]
fn a_split_message_counts_as_a_duplicate() {
    let mut report = run(10, 0, 0);
    report.classes.add(Class::Split, 2);
    assert_eq!(sum(&[report]).duplicates().events, 2);
}

#[test]
fn a_summary_prints_rates_with_their_intervals() {
    let summary = sum(&[run(10, 1, 0), run(10, 1, 0)]);
    let json = serde_json::to_value(&summary).expect("plain data");
    let Rate { low, high, .. } = summary.loss();
    assert!(0.0 < low && low < 0.1 && 0.1 < high && high < 1.0, "{low} {high}");
    let loss = serde_json::json!(
        {"events": 2, "of": 20, "runs": 2, "estimate": 0.1, "low": low, "high": high}
    );
    assert_eq!(json["loss"], loss);
    assert_eq!(json["duplicates"]["high"], summary.duplicates().high);
    assert_eq!(json["verdicts"], serde_json::json!({"invalid": 2}));
    let example = serde_json::json!(
        {"class": "lost", "cause": "settled_by_timer", "run": 0, "message": 10}
    );
    assert_eq!(json["examples"], serde_json::json!([example]));
}

proptest! {
    #[test]
    fn totals_do_not_depend_on_the_order_of_runs(
        shapes in prop::collection::vec((0_u64..30, 0_u64..5, 0_u64..5), 0..12),
        cut in any::<prop::sample::Index>(),
    ) {
        let report = |(more, lost, twice)| run(lost + twice + more, lost, twice);
        let mut runs: Vec<_> = shapes.into_iter().map(report).collect();
        let forwards = totals(sum(&runs));
        let cut = cut.index(runs.len() + 1);
        runs.rotate_left(cut);
        prop_assert_eq!(&totals(sum(&runs)), &forwards);
        runs.reverse();
        prop_assert_eq!(&totals(sum(&runs)), &forwards);
    }
}
