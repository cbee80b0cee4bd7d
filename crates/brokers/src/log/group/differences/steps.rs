//! What may happen to a group, and under which settings.

use entrega_model::Duration;
use proptest::prelude::*;
use proptest::sample::select;

use crate::log::{Assignor, CommitChecks, LogSettings, PartitionsAdded, RebalanceProtocol};

/// The processes that take part.
pub(super) const PROCESSES: u16 = 4;

/// Who does something: a process, now or in its life before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Who {
    pub(super) process: u16,
    pub(super) is_past: bool,
}

/// Which generation a request names.
#[derive(Clone, Copy, Debug)]
pub(super) enum Named {
    /// The one that its sender joined last, or so many before that.
    Own { ago: u32 },
    /// The one that the group is in, whether its sender knows it or not.
    Present,
    /// None.
    No,
}

/// One step.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Join { who: Who, has: Named },
    Leave { who: Who },
    Fetch { who: Who, under: Named, partition: u16, offset: u64, seconds: u64 },
    Commit { who: Who, under: Named, offsets: Vec<(u16, u64)> },
    Store { partition: u16 },
    Silent { process: u16 },
    Heard { process: u16 },
    Disconnect { process: u16 },
    Restart,
    Rebalance,
    Pass { seconds: u64 },
}

fn who() -> impl Strategy<Value = Who> {
    (0..PROCESSES, prop::bool::weighted(0.05))
        .prop_map(|(process, is_past)| Who { process, is_past })
}

fn named() -> impl Strategy<Value = Named> {
    prop_oneof![
        12 => Just(Named::Own { ago: 0 }),
        2 => (1..3_u32).prop_map(|ago| Named::Own { ago }),
        1 => Just(Named::Present),
        2 => Just(Named::No),
    ]
}

fn partition() -> impl Strategy<Value = u16> {
    prop_oneof![6 => 0..3_u16, 1 => 3..7_u16]
}

fn offsets() -> impl Strategy<Value = Vec<(u16, u64)>> {
    let one = || (partition(), 0..6_u64);
    prop_oneof![
        3 => one().prop_map(|one| vec![one]),
        2 => (one(), one()).prop_map(|(one, other)| {
            if one.0 == other.0 { vec![one] } else { vec![one, other] }
        }),
    ]
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    let process = || 0..PROCESSES;
    let fetch = (who(), named(), partition(), 0..3_u64, 0..4_u64).prop_map(
        |(who, under, partition, offset, seconds)| Step::Fetch {
            who,
            under,
            partition,
            offset,
            seconds,
        },
    );
    prop_oneof![
        14 => (who(), named()).prop_map(|(who, has)| Step::Join { who, has }),
        2 => who().prop_map(|who| Step::Leave { who }),
        8 => fetch,
        10 => (who(), named(), offsets())
            .prop_map(|(who, under, offsets)| Step::Commit { who, under, offsets }),
        4 => partition().prop_map(|partition| Step::Store { partition }),
        2 => process().prop_map(|process| Step::Silent { process }),
        2 => process().prop_map(|process| Step::Heard { process }),
        2 => process().prop_map(|process| Step::Disconnect { process }),
        1 => Just(Step::Restart),
        1 => Just(Step::Rebalance),
        5 => prop_oneof![3 => 1..4_u64, 2 => 4..13_u64].prop_map(|seconds| Step::Pass { seconds }),
    ]
}

pub(super) fn settings() -> impl Strategy<Value = LogSettings> {
    let added = (select(vec![5, 20, 40]), 3..7_u16)
        .prop_map(|(at, to)| PartitionsAdded { at: Duration::from_secs(at), to });
    let added = prop::option::of(added);
    let retention = select(vec![None, Some(8), Some(15)]);
    let delay = select(vec![0, 0, 0, 4]);
    (1..6_u16, added, retention, delay, select(vec![9, 18]), any::<[bool; 5]>()).prop_map(
        |(partitions, added, retention, delay, timeout, flags)| {
            let [sticky, cooperative, static_membership, ownership, forward] = flags;
            LogSettings {
                partitions,
                partitions_added: added.filter(|added| added.to > partitions),
                session_timeout: Duration::from_secs(10),
                rebalance_timeout: Duration::from_secs(timeout),
                initial_rebalance_delay: Duration::from_secs(delay),
                assignor: if sticky { Assignor::Sticky } else { Assignor::Range },
                rebalance_protocol: if cooperative {
                    RebalanceProtocol::Cooperative
                } else {
                    RebalanceProtocol::Eager
                },
                static_membership,
                commit_checks: CommitChecks { ownership, forward },
                offsets_retention: retention.map(Duration::from_secs),
                retention_time: None,
                ..LogSettings::default()
            }
        },
    )
}

/// A walk under its settings.
pub(super) fn walks(most: usize) -> impl Strategy<Value = (LogSettings, Vec<Step>)> {
    (settings(), prop::collection::vec(step(), 1..most))
}
