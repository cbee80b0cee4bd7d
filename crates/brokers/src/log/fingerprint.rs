//! The state of a log broker, as far as it makes a difference.
//!
//! > **The rule.** What is entered decides some answer, some deadline or some truth to come. What
//! > is left out follows from it, or is never looked at again.
//!
//! Left out, with the reason:
//!
//! * where segments begin and how old they are, unless retention may delete something: only
//!   retention looks at them. If it may, the phase of its checks counts too, which stand at
//!   multiples of an interval since the start of the run;
//! * when a record came, unless a reset by duration may still begin at it;
//! * how many copies of a message were stored, which the records tell, unless retention may have
//!   deleted some or an election cut some off;
//! * the deadline of a member whose Join waits: it begins anew when the rebalance ends and is
//!   dropped when the connection does, so only whether there is one matters;
//! * the assignment of a group that is rebalancing: it is dealt anew, unless the next one looks
//!   back. If commits are checked for ownership, it counts until then too;
//! * the order of cancelled clients, each of which is only ever looked up;
//! * since when a group has no member, unless its offsets expire;
//! * how many partitions there are, which follows from whether more are to come, and how many a
//!   group has shared out, which its assignments tell;
//! * the earliest deadline of all groups, which follows from them.
//!
//! A generation counts only relatively, except that 0 is special: a client without membership may
//! commit under it ([`Fingerprint::generation`]). At the largest generation of all the counter
//! stands still, which no run reaches.

use entrega_model::{Fingerprint, Fingerprinted, SubscriptionId};

use super::group::{Group, Member, State};
use super::partition::Partition;
use super::{CommitChecks, LogBroker, subscriptions};
use crate::fingerprint::{enter_copies, enter_first_lives};

impl LogBroker {
    /// Enters the whole state.
    pub(super) fn enter(&self, into: &mut Fingerprint<'_>) {
        into.deadline(self.growth.due());
        let has_ages = self.retention.ever_deletes();
        for partition in &self.partitions {
            enter_records(partition, into);
            if has_ages {
                enter_ages(partition, into);
            }
        }
        if has_ages {
            into.word(self.retention.since_check(into.now()));
            into.deadline(self.retention_check);
        }
        if has_ages || self.replicas.is_some() {
            enter_copies(into, self.copies.iter());
        }
        if let Some(replicas) = &self.replicas {
            replicas.fingerprint(into);
        }
        if let Some(timestamps) = &self.timestamps {
            timestamps.enter(into);
        }
        for (subscription, group) in subscriptions().zip(&self.groups) {
            enter_group(subscription, group, self.commit_checks, into);
        }
        self.producers.fingerprint(into);
        self.transactions.fingerprint(into);
        let presence = &self.presence;
        enter_first_lives(into, presence.process_count(), |process| presence.heard_from(process));
        into.flag(self.changed);
    }
}

fn enter_records(partition: &Partition, into: &mut Fingerprint<'_>) {
    into.word(partition.log_start_offset());
    into.word(partition.high_watermark());
    into.word(partition.log_end_offset);
    let records = partition.segments.iter().flat_map(|segment| &segment.records);
    records.for_each(|record| record.fingerprint(into));
}

fn enter_ages(partition: &Partition, into: &mut Fingerprint<'_>) {
    into.count(partition.segments.len());
    for segment in &partition.segments {
        into.count(segment.records.len());
        into.time(segment.first_at);
        into.time(segment.newest_at);
    }
}

fn enter_group(
    subscription: SubscriptionId,
    group: &Group,
    checks: CommitChecks,
    into: &mut Fingerprint<'_>,
) {
    into.generation(subscription, group.generation());
    match group.state {
        State::Empty => {
            into.word(0);
            into.deadline(group.ages_since());
        }
        State::PreparingRebalance { deadline, initial } => {
            into.word(1);
            into.time(deadline);
            into.flag(initial);
        }
        State::Stable => into.word(2),
    }
    into.count(group.members.len());
    let owns = checks.ownership || group.looks_back() || group.state == State::Stable;
    group.members.iter().for_each(|member| enter_member(subscription, member, owns, into));
    let mut cancelled = group.cancelled.clone();
    cancelled.sort_unstable();
    into.count(cancelled.len());
    cancelled.into_iter().for_each(|client| into.client(client));
    group.committed.iter().for_each(|offset| into.maybe(*offset));
    into.flag(group.changed);
}

/// `owns` says whether its partitions count.
fn enter_member(
    subscription: SubscriptionId,
    member: &Member,
    owns: bool,
    into: &mut Fingerprint<'_>,
) {
    into.client(member.client);
    into.flag(member.join_waiting);
    into.flag(member.session_deadline.is_some());
    if let Some(deadline) = member.session_deadline.filter(|_| !member.join_waiting) {
        into.time(deadline);
    }
    if owns {
        into.count(member.assigned.len());
        member.assigned.iter().for_each(|partition| into.word((*partition).into()));
        into.count(member.giving_up.len());
        member.giving_up.iter().for_each(|partition| into.word((*partition).into()));
        if !member.giving_up.is_empty() {
            into.generation(subscription, member.asked_under);
        }
    }
}

#[cfg(test)]
mod tests;
