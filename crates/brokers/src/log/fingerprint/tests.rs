//! Logs with the same fingerprint go on alike, and nothing that is entered could be left out.

use entrega_model::fingerprint::Context;
use entrega_model::log::{
    Acks, BatchSequence, Destination, IsolationLevel, OffsetReset, PartitionOffset, Request,
    TransactionAct,
};
use entrega_model::{
    ClientId, DeliveryId, Duration, Generation, Incarnation, Instant, Key, MessageId, Output,
    PartitionId, ProcessId, Record, TransactionalId,
};
use proptest::prelude::*;
use proptest::sample::select;

use super::super::transactions::Transactions;
use super::super::{
    Assignor, LogSettings, PartitionsAdded, RebalanceProtocol, ReplicationSettings,
    TransactionVersion,
};
use super::*;
use crate::fingerprint::twins::{Step, Subject, Walks};
use crate::{Broker, Failure, Followers};

const GROUP: SubscriptionId = SubscriptionId(0);

/// What a client asks. An assignment is named by how many there have been since.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Produce { partition: u16, message: u32 },
    ProduceOnce { partition: u16, epoch: u32, first: u32 },
    Transact { id: u16, epoch: u32, act: TransactionAct },
    Join { ago: Option<u32> },
    Leave,
    Fetch { ago: Option<u32>, at: (u16, u64) },
    Commit { ago: Option<u32>, at: (u16, u64) },
}

impl Subject for LogBroker {
    type Ask = Ask;

    fn request(&self, now: Instant, ask: &Ask) -> Option<(SubscriptionId, Request)> {
        let generation = |ago: Option<u32>| match ago {
            Some(ago) => {
                let number = self.generation(GROUP).0.checked_sub(ago)?;
                (number > 0).then_some(Generation(number))
            }
            None => Some(Generation(0)),
        };
        let position =
            |(partition, offset)| PartitionOffset { partition: PartitionId(partition), offset };
        let request = match *ask {
            Ask::Produce { partition, message } => produce(partition, message, None),
            Ask::ProduceOnce { partition, epoch, first } => {
                produce(partition, first, Some(BatchSequence { epoch, first }))
            }
            Ask::Transact { id, epoch, ref act } => {
                let (id, act) = (TransactionalId(id), act.clone());
                Request::Transact { of: GROUP, id, epoch, act }
            }
            Ask::Join { ago } => Request::Join { group: GROUP, has: generation(ago)? },
            Ask::Leave => Request::Leave { group: GROUP },
            Ask::Fetch { ago, at } => Request::Fetch {
                group: GROUP,
                generation: generation(ago)?,
                positions: vec![position(at)],
                max_records: 2,
                buffer: Vec::new(),
                deadline: now,
            },
            Ask::Commit { ago, at } => Request::Commit {
                group: GROUP,
                generation: generation(ago)?,
                offsets: vec![position(at)],
                trigger: entrega_model::event::SettleTrigger::Timer,
            },
        };
        Some((GROUP, request))
    }
}

fn produce(partition: u16, message: u32, sequence: Option<BatchSequence>) -> Request {
    let record = Record { message: MessageId(message), key: Key(0), bytes: 10 };
    let (partition, records) = (PartitionId(partition), vec![record]);
    Request::Produce { partition, records, acks: Acks::All, sequence }
}

/// Steps of idempotent producers.
fn steps_of_producers() -> impl Strategy<Value = Step<Ask>> {
    let what = (0..2_u16, 0..2_u32, select(vec![0, 0, 0, 1, 1, 2]))
        .prop_map(|(partition, epoch, first)| Ask::ProduceOnce { partition, epoch, first });
    let who = || (0..2_u16, select(vec![0, 0, 0, 1]));
    prop_oneof![
        20 => (who(), what).prop_map(|((process, ago), what)| Step::Ask { process, ago, what }),
        2 => (0..2_u16).prop_map(|process| Step::Die { process }),
        2 => who().prop_map(|(process, ago)| Step::Disconnected { process, ago }),
        1 => Just(Step::Restart),
        3 => select(vec![1, 5, 10]).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

/// Steps of transactional producers. Each record has a name of its own place.
fn steps_of_transactions() -> impl Strategy<Value = Step<Ask>> {
    let produce = (any::<bool>(), 0..2_u32).prop_map(|(is_output, first)| {
        let topic = Destination::Topic(PartitionId(0));
        let to = if is_output { Destination::Output } else { topic };
        let record = Record { message: MessageId(first), key: Key(0), bytes: 10 };
        let records = vec![Output { record, delivery: DeliveryId(0) }];
        TransactionAct::Produce { to, first, records }
    });
    let offsets = (0..2_u64).prop_map(|offset| TransactionAct::AddOffsets {
        member: None,
        offsets: vec![PartitionOffset { partition: PartitionId(0), offset }],
    });
    let act = prop_oneof![
        2 => Just(TransactionAct::Init { timeout: Duration::from_secs(12) }),
        6 => produce,
        2 => offsets,
        4 => any::<bool>().prop_map(|commit| TransactionAct::End { commit }),
    ];
    let what = (0..2_u16, select(vec![0, 0, 0, 1, 1, 2]), act)
        .prop_map(|(id, epoch, act)| Ask::Transact { id, epoch, act });
    prop_oneof![
        20 => what.prop_map(|what| Step::Ask { process: 0, ago: 0, what }),
        1 => Just(Step::Restart),
        3 => select(vec![1, 5, 10]).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

/// A log with transactions, of which one that reads uncommitted records forgets less.
fn walks_of_transactions(isolation_level: IsolationLevel, count: usize) -> Walks<LogBroker> {
    let settings = LogSettings {
        retention_time: None,
        transaction_version: TransactionVersion::One,
        isolation_level,
        producer_id_expiration: Duration::from_secs(100_000),
        ..LogSettings::default()
    };
    Walks::new(LogBroker::new(settings), steps_of_transactions(), count)
}

#[test]
fn logs_with_the_same_transactions_go_on_alike() {
    for level in [IsolationLevel::ReadCommitted, IsolationLevel::ReadUncommitted] {
        let found = walks_of_transactions(level, 60)
            .compare(|twin| twin.print(|into| twin.broker.fingerprint(into)))
            .unwrap_or_else(|why| panic!("{why}"));
        assert!(found.twins > 300, "{found:?}");
    }
}

/// Walks of which two twins differ in what became of an earlier transaction alone: of one in the
/// topic, and of one in the output that waits behind an open one.
fn earlier_transactions(random: &Walks<LogBroker>) -> [(&'static str, Walks<LogBroker>); 2] {
    let step = |what| Step::Ask { process: 0, ago: 0, what };
    let act = |id, act| step(Ask::Transact { id, epoch: 0, act });
    let end = |id, commit| act(id, TransactionAct::End { commit });
    let begins = |id| act(id, TransactionAct::Init { timeout: Duration::from_secs(12) });
    let write = |id, to, first| {
        let record = Record { message: MessageId(first), key: Key(0), bytes: 10 };
        let records = vec![Output { record, delivery: DeliveryId(0) }];
        act(id, TransactionAct::Produce { to, first, records })
    };
    let offsets = vec![PartitionOffset { partition: PartitionId(0), offset: 0 }];
    let adds = act(1, TransactionAct::AddOffsets { member: None, offsets });
    let (topic, output) = (Destination::Topic(PartitionId(0)), Destination::Output);
    let in_topic = [
        step(Ask::Join { ago: None }),
        begins(0),
        write(0, topic, 0),
        end(0, false),
        end(0, true),
        write(0, topic, 1),
        end(0, true),
    ];
    let in_output = [
        begins(0),
        begins(1),
        write(0, output, 0),
        write(1, output, 0),
        end(1, false),
        end(1, true),
        adds,
        end(1, true),
    ];
    let reads = step(Ask::Fetch { ago: Some(0), at: (0, 0) });
    [
        ("what stands in the topic", random.by_hand(&in_topic, reads)),
        ("the output", random.by_hand(&in_output, end(0, true))),
    ]
}

/// What each of these wipes out is needed.
#[test]
fn a_fingerprint_without_a_part_of_the_transactions_is_caught() {
    let random = walks_of_transactions(IsolationLevel::ReadCommitted, 200);
    let by_hand = earlier_transactions(&random);
    for (what, walks) in &by_hand {
        let whole = walks.compare(|twin| twin.print(|into| twin.broker.fingerprint(into)));
        assert!(whole.is_ok(), "{what}: {whole:?}");
    }
    for (what, wipe) in Transactions::WIPES {
        let own = by_hand.iter().find(|(name, _)| *name == what).map(|(_, walks)| walks);
        let coarse = own.unwrap_or(&random).compare(|twin| {
            let mut broker = twin.broker.clone();
            wipe(&mut broker.transactions);
            twin.print(|into| broker.fingerprint(into))
        });
        assert!(coarse.is_err(), "a fingerprint without {what} passes: {coarse:?}");
    }
}

fn steps() -> impl Strategy<Value = Step<Ask>> {
    let ago = || select(vec![Some(0), Some(0), Some(0), Some(1), None]);
    let at = || (0..2_u16, 0..3_u64);
    let has = || select(vec![None, None, None, Some(0), Some(1)]);
    let what = prop_oneof![
        3 => (0..2_u16, 0..3_u32).prop_map(|(partition, message)| Ask::Produce { partition, message }),
        6 => has().prop_map(|ago| Ask::Join { ago }),
        1 => Just(Ask::Leave),
        2 => (ago(), at()).prop_map(|(ago, at)| Ask::Fetch { ago, at }),
        3 => (ago(), at()).prop_map(|(ago, at)| Ask::Commit { ago, at }),
    ];
    let who = || (0..2_u16, select(vec![0, 0, 0, 1]));
    prop_oneof![
        20 => (who(), what).prop_map(|((process, ago), what)| Step::Ask { process, ago, what }),
        1 => who().prop_map(|(process, ago)| Step::Silent { process, ago }),
        1 => who().prop_map(|(process, ago)| Step::Heard { process, ago }),
        2 => (0..2_u16).prop_map(|process| Step::Die { process }),
        2 => who().prop_map(|(process, ago)| Step::Disconnected { process, ago }),
        1 => Just(Step::Restart),
        3 => select(vec![1, 5, 10]).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

fn walks(retention_time: Option<u64>, initial_delay: u64, count: usize) -> Walks<LogBroker> {
    walks_of(settings(retention_time, initial_delay), count)
}

fn walks_of(settings: LogSettings, count: usize) -> Walks<LogBroker> {
    Walks::new(LogBroker::new(settings), steps(), count)
}

fn settings(retention_time: Option<u64>, initial_delay: u64) -> LogSettings {
    LogSettings {
        partitions: 2,
        session_timeout: Duration::from_secs(10),
        rebalance_timeout: Duration::from_secs(15),
        initial_rebalance_delay: Duration::from_secs(initial_delay),
        retention_time: retention_time.map(Duration::from_secs),
        segment_bytes: 20,
        segment_time: Duration::from_secs(7),
        retention_check_interval: Duration::from_secs(4),
        offsets_retention: None,
        ..LogSettings::default()
    }
}

fn by_duration() -> LogSettings {
    let auto_offset_reset = OffsetReset::ByDuration(Duration::from_secs(6));
    LogSettings { auto_offset_reset, ..settings(None, 0) }
}

fn forgetful() -> LogSettings {
    LogSettings { offsets_retention: Some(Duration::from_secs(9)), ..settings(None, 0) }
}

fn growing() -> LogSettings {
    let added = PartitionsAdded { at: Duration::from_secs(12), to: 4 };
    LogSettings { partitions: 1, partitions_added: Some(added), ..settings(None, 0) }
}

fn cooperative() -> LogSettings {
    let (assignor, rebalance_protocol) = (Assignor::Sticky, RebalanceProtocol::Cooperative);
    LogSettings { assignor, rebalance_protocol, partitions: 3, ..settings(None, 0) }
}

fn hardened() -> LogSettings {
    let commit_checks = CommitChecks { ownership: true, forward: true };
    LogSettings { commit_checks, ..settings(None, 0) }
}

/// A log that forgets producers soon.
fn walks_of_producers(count: usize) -> Walks<LogBroker> {
    let settings = LogSettings {
        partitions: 2,
        retention_time: None,
        producer_id_expiration: Duration::from_secs(12),
        ..LogSettings::default()
    };
    Walks::new(LogBroker::new(settings), steps_of_producers(), count)
}

#[test]
fn logs_that_know_the_same_producers_go_on_alike() {
    let found = walks_of_producers(60)
        .compare(|twin| twin.print(|into| twin.broker.fingerprint(into)))
        .unwrap_or_else(|why| panic!("{why}"));
    assert!(found.twins > 600 && found.renamed > 60, "{found:?}");
}

#[test]
fn logs_with_the_same_fingerprint_go_on_alike() {
    let check = |settings, count| {
        let found = walks_of(settings, count)
            .compare(|twin| twin.print(|into| twin.broker.fingerprint(into)))
            .unwrap_or_else(|why| panic!("{why}"));
        assert!(found.twins > 10 * count && found.renamed > count, "{found:?} of {count}");
    };
    check(settings(None, 0), 60);
    check(settings(None, 3), 30);
    check(settings(Some(8), 0), 40);
    check(hardened(), 40);
    check(by_duration(), 40);
    check(forgetful(), 40);
    check(growing(), 40);
    check(LogSettings { static_membership: true, ..settings(None, 0) }, 40);
    check(LogSettings { assignor: Assignor::Sticky, partitions: 3, ..settings(None, 0) }, 40);
    check(cooperative(), 40);
}

/// Three replicas that may be behind for longer than they may be in sync, on disks that are slow.
fn replicated() -> LogSettings {
    let replication = ReplicationSettings {
        replicas: 3,
        min_insync: 2,
        lag_max: Duration::from_secs(6),
        delay: Duration::from_secs(2),
        unclean_election: true,
        stands_still: true,
        flush_interval: Duration::from_secs(4),
        produce_timeout: Duration::from_secs(9),
    };
    LogSettings { replication, ..settings(None, 0) }
}

/// Steps of replicas, beside a member that reads and commits.
fn steps_of_replicas() -> impl Strategy<Value = Step<Ask>> {
    let at = || (0..2_u16, 0..3_u64);
    let what = prop_oneof![
        5 => (0..2_u16, 0..3_u32)
            .prop_map(|(partition, message)| Ask::Produce { partition, message }),
        3 => Just(Ask::Join { ago: None }),
        4 => at().prop_map(|at| Ask::Fetch { ago: Some(0), at }),
        2 => at().prop_map(|at| Ask::Commit { ago: Some(0), at }),
    ];
    let failure = select(vec![Failure::Crash, Failure::PowerLoss, Failure::Blackout]);
    let followers = select(vec![Followers::Next, Followers::All]);
    let seconds = || select(vec![1, 3, 8]);
    prop_oneof![
        16 => what.prop_map(|what| Step::Ask { process: 0, ago: 0, what }),
        3 => (failure, seconds())
            .prop_map(|(failure, seconds)| Step::FailOver { failure, seconds }),
        2 => (followers, seconds())
            .prop_map(|(followers, seconds)| Step::FallBehind { followers, seconds }),
        4 => seconds().prop_map(|seconds| Step::Pass { seconds }),
    ]
}

fn walks_of_replicas(count: usize) -> Walks<LogBroker> {
    Walks::new(LogBroker::new(replicated()), steps_of_replicas(), count)
}

#[test]
fn logs_whose_replicas_have_the_same_go_on_alike() {
    let found = walks_of_replicas(80)
        .compare(|twin| twin.print(|into| twin.broker.fingerprint(into)))
        .unwrap_or_else(|why| panic!("{why}"));
    assert!(found.twins > 300, "{found:?}");
}

/// What replicas have, who is in sync and what is not flushed is needed.
#[test]
fn replicas_cannot_be_left_out() {
    let walks = walks_of_replicas(150);
    let coarse = walks.compare(|twin| {
        let mut broker = twin.broker.clone();
        broker.replicas = None;
        twin.print(|into| broker.fingerprint(into))
    });
    assert!(coarse.is_err(), "{coarse:?}");
    walks.forget(LogBroker::clear).unwrap_or_else(|why| panic!("{why}"));
}

/// A broker that was cleared is as if it were new; one that only restarted is not.
#[test]
fn a_cleared_log_is_a_new_one() {
    let more = [by_duration(), forgetful(), growing()].map(|settings| walks_of(settings, 100));
    let transactions = walks_of_transactions(IsolationLevel::ReadCommitted, 100);
    transactions.forget(LogBroker::clear).unwrap_or_else(|why| panic!("{why}"));
    let known = [walks(None, 0, 100), walks(Some(8), 3, 100), walks_of_producers(100)];
    for walks in known.into_iter().chain(more) {
        walks.forget(LogBroker::clear).unwrap_or_else(|why| panic!("{why}"));
        let restarted = walks.forget(|broker| broker.restart(Instant::START, &mut Vec::new()));
        assert!(restarted.is_err());
    }
}

/// In a stable group partitions follow from who is a member, as long as they are shared out in one
/// way; a fingerprint tells them all the same. While it rebalances nobody has any.
#[test]
fn what_a_member_has_is_told_in_a_stable_group() {
    let print = |assigned: &[u16], owns| {
        let assigned = assigned.to_vec();
        let client = ClientId { process: ProcessId(0), incarnation: Incarnation(0) };
        let (giving_up, asked_under) = (Vec::new(), Generation(0));
        let (join_waiting, session_deadline) = (false, None);
        let member =
            Member { client, join_waiting, assigned, giving_up, asked_under, session_deadline };
        let mut print = Fingerprint::new(Context::default());
        enter_member(GROUP, &member, owns, &mut print);
        print.finish()
    };
    assert_ne!(print(&[0], true), print(&[1], true));
    assert_ne!(print(&[0], true), print(&[0, 1], true));
    assert_eq!(print(&[0], false), print(&[1], false));
}

/// What each of these wipes out is needed: a fingerprint without it takes different logs for one.
#[test]
fn a_fingerprint_that_leaves_something_out_is_caught() {
    type Wipe = fn(&mut LogBroker);
    let (kept, deleted) = (walks(None, 0, 300), walks(Some(8), 0, 100));
    let producers = walks_of_producers(100);
    let produce =
        |message| Step::Ask { process: 0, ago: 0, what: Ask::Produce { partition: 0, message } };
    let stored_and_deleted = [produce(0), produce(1), Step::Pass { seconds: 30 }];
    let gone = deleted.by_hand(&stored_and_deleted, produce(0));
    let whole = gone.compare(|twin| twin.print(|into| twin.broker.fingerprint(into)));
    assert!(whole.is_ok(), "{whole:?}");
    let join = |process, has| Step::Ask { process, ago: 0, what: Ask::Join { ago: has } };
    let gives_up =
        [join(0, None), join(1, None), join(0, Some(0)), join(2, None), join(0, Some(1))];
    let shares = walks_of(cooperative(), 1).by_hand(&gives_up, join(1, None));
    let whole = shares.compare(|twin| twin.print(|into| twin.broker.fingerprint(into)));
    assert!(whole.is_ok(), "{whole:?}");
    let (young, forgets) = (walks_of(by_duration(), 300), walks_of(forgetful(), 300));
    let wipes: [(&str, &Walks<LogBroker>, Wipe); 15] = [
        ("records", &kept, |log| log.partitions.clear()),
        ("committed offsets", &kept, |log| log.groups[0].committed.fill(None)),
        ("members", &kept, |log| log.groups[0].members.clear()),
        ("waiting joins", &kept, |log| {
            log.groups[0].members.iter_mut().for_each(|member| member.join_waiting = true);
        }),
        ("sessions", &kept, |log| {
            log.groups[0].members.iter_mut().for_each(|member| member.session_deadline = None);
        }),
        ("cancelled joins", &kept, |log| log.groups[0].cancelled.clear()),
        ("the rebalance", &kept, |log| log.groups[0].state = State::Stable),
        ("presence", &kept, |log| log.presence = Default::default()),
        ("empty groups", &forgets, |log| {
            log.groups.iter_mut().for_each(|group| group.empty_since = None);
        }),
        ("what is given up", &shares, |log| {
            log.groups[0].members.iter_mut().for_each(|member| member.giving_up.clear());
        }),
        ("timestamps", &young, |log| log.timestamps = None),
        ("producers", &producers, |log| log.producers.clear()),
        ("their ages", &producers, |log| log.producers.never_expire()),
        ("copies", &gone, |log| log.copies = Default::default()),
        ("ages", &deleted, |log| {
            for segment in log.partitions.iter_mut().flat_map(|partition| &mut partition.segments) {
                (segment.first_at, segment.newest_at) = (Instant::NEVER, Instant::NEVER);
            }
        }),
    ];
    for (what, walks, wipe) in wipes {
        let coarse = walks.compare(|twin| {
            let mut broker = twin.broker.clone();
            wipe(&mut broker);
            twin.print(|into| broker.fingerprint(into))
        });
        assert!(coarse.is_err(), "a fingerprint without {what} passes: {coarse:?}");
    }
}
