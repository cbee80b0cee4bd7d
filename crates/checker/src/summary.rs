//! Many runs of one row: one subscription of one model and strategy, over many seeds.
//!
//! > **The rule** (semantics.md 5.6, point 11). Everything adds up in integers, in the order of
//! > the runs; rates and their intervals are taken over *runs*, not over messages, and computed
//! > once, at the end. The verdict of a row is the worst of its runs.
//!
//! Totals do not depend on the order of the runs. Examples do: they are those of the first run.

use std::collections::BTreeMap;

use entrega_model::MessageId;
use serde::{Serialize, Serializer};

use crate::{
    Cause, Causes, Class, Classes, Counter, Counters, Exposure, Histogram, Lateness, Order, Reason,
    Redriven, Sends, SubscriptionReport, Verdict,
};

mod gamma;
mod interval;
mod rate;
mod student;

pub use rate::Rate;
use rate::Ratio;

#[cfg(test)]
mod tests;

/// What the runs of one row amount to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RowSummary {
    /// How many runs were added.
    pub runs: u64,
    /// How many of them had which verdict.
    pub verdicts: BTreeMap<Verdict, u64>,
    /// How many runs had a reason for a verdict that is not valid.
    pub reasons: BTreeMap<Reason, u64>,
    /// What the producers learnt.
    pub sends: Sends,
    /// How many messages were in each class.
    pub classes: Classes,
    /// Why messages were lost, duplicated or split: messages for each cause.
    pub causes: Causes,
    /// For each anomaly and cause where it was seen first.
    #[serde(serialize_with = "examples")]
    pub examples: BTreeMap<(Class, Cause), Example>,
    /// For each class that is not empty where it was seen first.
    pub firsts: BTreeMap<Class, Example>,
    /// Copies stored.
    pub stored: u64,
    /// Deliveries to the application.
    pub deliveries: u64,
    /// Deliveries beyond the stored copies of a message.
    pub redeliveries: u64,
    /// Applied effects.
    pub effects: u64,
    /// Applied effects beyond the first of a message.
    pub excess: u64,
    /// Messages with two applied effects or more.
    pub repeated: u64,
    /// What copies did that were moved back from the dead letters.
    #[serde(skip_serializing_if = "Redriven::is_nothing")]
    pub redriven: Redriven,
    /// Copies in the dead-letter sink.
    pub dead_letters: u64,
    /// Copies in the dead-letter sink beyond the first of a message.
    pub dlq_excess: u64,
    /// Anomalies of order. Its examples are those of the first run that has any.
    pub order: Order,
    /// How often the critical windows were hit.
    pub counters: Counters,
    /// What crashes by time hit, if a consumer dies by time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exposure: Option<Exposure>,
    /// Injected faults that befell the subscription.
    pub struck: u64,
    /// From the first send to the first applied effect, in nanoseconds.
    pub latency: Histogram,
    /// From the due time to the first applied effect, if messages were due later than they were
    /// sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lateness: Option<Lateness>,
    loss: Ratio,
    duplicates: Ratio,
}

/// A message of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Example {
    /// Which run, by the order in which they were added, from 0.
    pub run: u64,
    /// The message with the lowest id there.
    pub message: MessageId,
}

impl RowSummary {
    /// Adds the next run: what its producers learnt, and its report of this row's subscription.
    pub fn add(&mut self, sends: &Sends, report: &SubscriptionReport) {
        self.add_examples(report);
        self.runs += 1;
        *self.verdicts.entry(report.verdict).or_default() += 1;
        for reason in &report.reasons {
            *self.reasons.entry(*reason).or_default() += 1;
        }
        add_sends(&mut self.sends, sends);
        self.classes.merge(&report.classes);
        for (cause, messages) in &report.causes {
            *self.causes.entry(*cause).or_default() += messages;
        }
        self.stored += report.stored.unwrap_or(0);
        self.deliveries += report.deliveries.unwrap_or(0);
        self.redeliveries += report.redeliveries.unwrap_or(0);
        self.effects += report.effects;
        self.excess += report.excess;
        self.repeated += report.repeated;
        self.redriven.merge(&report.redriven);
        self.dead_letters += report.dead_letters;
        self.dlq_excess += report.dlq_excess;
        add_order(&mut self.order, &report.order);
        self.counters.merge(&report.counters);
        self.struck += report.struck;
        if let Some(exposure) = &report.exposure {
            self.exposure.get_or_insert_default().merge(exposure);
        }
        self.latency.merge(&report.latency);
        if let Some(lateness) = &report.lateness {
            self.lateness.get_or_insert_default().merge(lateness);
        }
        self.loss.add(report.lost(), report.acknowledged);
        self.duplicates.add(report.duplicated(), report.present);
    }

    /// The worst verdict of a run: invalid beats unknown beats valid. Unknown without a run.
    pub fn verdict(&self) -> Verdict {
        self.verdicts.keys().next_back().copied().unwrap_or(Verdict::Unknown)
    }

    /// Lost messages among the acknowledged ones.
    pub fn loss(&self) -> Rate {
        self.loss.rate()
    }

    /// Duplicated and split messages among those acknowledged or recovered.
    pub fn duplicates(&self) -> Rate {
        self.duplicates.rate()
    }

    /// Deliveries and the acknowledged sends that they belong to: how much the work is amplified.
    pub fn amplification(&self) -> (u64, u64) {
        (self.deliveries, self.loss().of)
    }

    /// Those of `required` that no run has seen: a claim that rests on them is vacuous.
    pub fn vacuous(&self, required: &[Counter]) -> Vec<Counter> {
        let unseen = |counter: &Counter| self.counters.get(*counter) == 0;
        required.iter().copied().filter(unseen).collect()
    }

    fn add_examples(&mut self, report: &SubscriptionReport) {
        let run = self.runs;
        for (anomaly, &message) in &report.examples {
            self.examples.entry(*anomaly).or_insert(Example { run, message });
        }
        for (class, &message) in &report.firsts {
            self.firsts.entry(*class).or_insert(Example { run, message });
        }
    }
}

fn add_sends(total: &mut Sends, run: &Sends) {
    let Sends { invoked, ok, info, fail, retries } = run;
    total.invoked += invoked;
    total.ok += ok;
    total.info += info;
    total.fail += fail;
    total.retries += retries;
}

fn add_order(total: &mut Order, run: &Order) {
    let Order {
        reordered,
        replayed,
        write_inversions,
        poll_skips,
        nonmonotonic_polls,
        inconsistent_offsets,
        adjacent_pairs,
        reordered_example,
        replayed_example,
    } = *run;
    total.reordered += reordered;
    total.replayed += replayed;
    total.write_inversions += write_inversions;
    total.poll_skips += poll_skips;
    total.nonmonotonic_polls += nonmonotonic_polls;
    total.inconsistent_offsets += inconsistent_offsets;
    total.adjacent_pairs += adjacent_pairs;
    total.reordered_example = total.reordered_example.or(reordered_example);
    total.replayed_example = total.replayed_example.or(replayed_example);
}

/// A list of `{class, cause, run, message}`, because a pair cannot be a key in JSON.
fn examples<S: Serializer>(
    examples: &BTreeMap<(Class, Cause), Example>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Row {
        class: Class,
        cause: Cause,
        #[serde(flatten)]
        example: Example,
    }
    serializer.collect_seq(examples.iter().map(|(&(class, cause), &example)| Row {
        class,
        cause,
        example,
    }))
}
