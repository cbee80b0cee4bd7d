//! Replicas: what is acknowledged when, what consumers see, and what an election takes away
//! (semantics.md 3.1 visibility bound, 3.2 acks and idempotence, 3.5 failover, 2.4).

use super::*;
use entrega_model::event::RemoveReason;
use entrega_model::log::{BatchSequence, ProduceRefusal};

/// Three replicas, of which two must be in sync; a follower copies after a second and may be behind
/// for ten.
fn settings() -> LogSettings {
    let replication = ReplicationSettings {
        replicas: 3,
        min_insync: 2,
        lag_max: Duration::from_secs(10),
        delay: Duration::from_secs(1),
        ..ReplicationSettings::default()
    };
    LogSettings { retention_time: None, replication, ..LogSettings::default() }
}

fn replicated(change: impl FnOnce(&mut ReplicationSettings)) -> Driver {
    let mut settings = settings();
    change(&mut settings.replication);
    Driver::new(settings)
}

/// What a producer is told; nothing while it waits.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    Waits,
    At(Offset),
    No(ProduceRefusal),
}

fn told(response: Option<&Response>) -> Told {
    match response {
        None => Told::Waits,
        Some(Response::Produced { base_offset, .. }) => Told::At(*base_offset),
        Some(Response::ProduceRefused { refusal, .. }) => Told::No(*refusal),
        Some(other) => panic!("{other:?}"),
    }
}

impl Driver {
    fn send(&mut self, id: u32, acks: Acks) -> Told {
        self.send_as(id, acks, None)
    }

    fn send_as(&mut self, id: u32, acks: Acks, sequence: Option<BatchSequence>) -> Told {
        let (partition, records) = (PartitionId(0), vec![record(id)]);
        told(self.ask(PRODUCER, Request::Produce { partition, records, acks, sequence }).as_ref())
    }

    /// What the producer was told later.
    fn later(&mut self) -> Vec<Told> {
        self.answers.drain(..).map(|(_, response)| told(Some(&response))).collect()
    }

    fn fail(&mut self, failure: Failure, secs: u64) -> bool {
        self.parked.clear();
        let back_at = self.now + Duration::from_secs(secs);
        self.broker.fail_over(self.now, failure, back_at, &mut self.ground_truth)
    }

    fn lag(&mut self, followers: Followers, secs: u64) {
        let until = self.now + Duration::from_secs(secs);
        self.broker.fall_behind(self.now, followers, until);
    }

    fn ends(&self) -> (Offset, Offset) {
        let partition = &self.broker.partitions[0];
        (partition.high_watermark(), partition.log_end_offset)
    }

    fn in_sync(&self) -> usize {
        self.broker.replicas.as_ref().unwrap().in_sync(PartitionId(0))
    }

    fn cut_off(&self) -> Vec<(u32, RemoveReason)> {
        let removed = |kind| match kind {
            Kind::Removed { message, reason, .. } => Some((message.0, reason)),
            _ => None,
        };
        self.kinds().into_iter().filter_map(removed).collect()
    }
}

/// 3.2 "acks": 0 and 1 are answered by the leader alone, all by every replica that is in sync.
#[test]
fn acks_say_whom_an_answer_waits_for() {
    let mut driver = replicated(|_| {});
    assert_eq!(driver.send(0, Acks::None), Told::At(0));
    assert_eq!(driver.send(1, Acks::Leader), Told::At(1));
    assert_eq!(driver.send(2, Acks::All), Told::Waits);
    assert_eq!(driver.ends(), (0, 3));
    driver.run_until(1);
    assert_eq!((driver.later(), driver.ends()), (vec![Told::At(2)], (3, 3)));
}

/// 3.1 "visibility bound": an acknowledged record of acks=1 is not seen before the others have it.
#[test]
fn consumers_read_below_the_high_watermark() {
    let mut driver = replicated(|_| {});
    assert_eq!(driver.join(A), Some((1, vec![(0, None)])));
    assert_eq!(driver.send(0, Acks::Leader), Told::At(0));
    assert_eq!(driver.fetch(A, 1, 0, 0), Outcome::Parked);
    driver.run_until(1);
    assert_eq!(
        outcome(driver.answers.pop().map(|(_, response)| response)),
        Outcome::Records(vec![0])
    );
}

/// 3.2 "min.insync.replicas": refused before the append, and only for acks=all; with ISR = {leader}
/// and a minimum of 1, acks=all is acks=1.
#[test]
fn acks_all_is_refused_below_the_minimum() {
    let mut driver = replicated(|_| {});
    driver.lag(Followers::All, 100);
    assert_eq!(driver.send(0, Acks::Leader), Told::At(0));
    assert_eq!(driver.in_sync(), 3, "behind, and for less than the longest time");
    driver.run_until(10);
    assert_eq!(driver.in_sync(), 1);
    assert_eq!(driver.send(1, Acks::All), Told::No(ProduceRefusal::NotEnoughReplicas));
    assert_eq!(driver.send(2, Acks::Leader), Told::At(1));
    assert_eq!(driver.ends(), (0, 2), "the high watermark stands still");
    driver.run_until(100);
    assert_eq!((driver.in_sync(), driver.ends()), (3, (2, 2)), "back, with all");

    let mut alone = replicated(|settings| settings.min_insync = 1);
    alone.lag(Followers::All, 100);
    alone.send(0, Acks::Leader);
    alone.run_until(10);
    assert_eq!((alone.send(1, Acks::All), alone.ends()), (Told::At(1), (2, 2)));
}

/// Appended and not acknowledged: the two answers that leave the producer in the dark. Before 4.1,
/// or without KIP-966, the high watermark moves below the minimum, and the producer is told so.
#[test]
fn what_was_appended_may_be_refused_afterwards() {
    let check = |stands_still, expect: Told, readable| {
        let mut driver = replicated(|settings| settings.stands_still = stands_still);
        driver.lag(Followers::All, 100);
        assert_eq!(driver.send(0, Acks::All), Told::Waits);
        driver.run_until(10);
        let early = driver.later();
        driver.run_until(29);
        assert_eq!(driver.ends(), (readable, 1));
        driver.now = Instant::START + Duration::from_secs(30);
        driver.broker.changed = true;
        driver.offer_again();
        assert_eq!(early.into_iter().chain(driver.later()).collect::<Vec<_>>(), [expect]);
    };
    check(true, Told::No(ProduceRefusal::RequestTimedOut), 0);
    check(false, Told::No(ProduceRefusal::NotEnoughReplicasAfterAppend), 1);
}

/// 3.5 "failover", 2.4 "leader failover, unreplicated tail": acks=1 loses it, and its offset is
/// used again; acks=all was not answered for it.
#[test]
fn a_clean_election_cuts_off_what_nobody_could_read() {
    let mut driver = replicated(|_| {});
    driver.send(0, Acks::All);
    driver.run_until(1);
    assert_eq!(driver.later(), [Told::At(0)]);
    assert_eq!(driver.send(1, Acks::Leader), Told::At(1));
    assert_eq!(driver.send(2, Acks::All), Told::Waits);
    assert!(driver.fail(Failure::Crash, 5));
    let truncated = |message| (message, RemoveReason::Truncation);
    assert_eq!(driver.cut_off(), [truncated(2), truncated(1)], "the last one first");
    assert_eq!((driver.ends(), driver.in_sync()), ((1, 1), 2));
    assert_eq!(driver.send(3, Acks::Leader), Told::At(1));
}

/// The first in sync leads, not the one that has most; a second failure while the first node is
/// away leaves one in sync.
#[test]
fn leaders_follow_each_other_while_any_is_in_sync() {
    let mut driver = replicated(|_| {});
    assert!(driver.fail(Failure::Crash, 50));
    assert!(driver.fail(Failure::Crash, 50));
    assert_eq!(driver.in_sync(), 1);
    assert!(!driver.fail(Failure::Crash, 50), "nobody is left");
    assert_eq!(driver.send(0, Acks::Leader), Told::At(0), "it leads again when it is back");
    driver.run_until(50);
    assert_eq!(driver.in_sync(), 3);
}

/// 2.4 "unclean leader election": only if it is allowed; else the partition waits for its leader,
/// which has everything.
#[test]
fn a_laggard_leads_only_by_an_unclean_election() {
    let check = |unclean, expect: &[u32], ends| {
        let mut driver = replicated(|settings| {
            (settings.min_insync, settings.unclean_election) = (1, unclean);
        });
        driver.send(0, Acks::All);
        driver.run_until(1);
        driver.lag(Followers::All, 100);
        driver.send(1, Acks::Leader);
        driver.run_until(11);
        driver.later();
        assert_eq!(driver.send(2, Acks::All), Told::At(2), "acknowledged by all in sync: by one");
        assert_eq!(driver.fail(Failure::Crash, 5), unclean);
        let gone: Vec<u32> = driver.cut_off().into_iter().map(|(message, _)| message).collect();
        assert_eq!((gone.as_slice(), driver.ends()), (expect, ends));
    };
    check(false, &[], (3, 3));
    check(true, &[2, 1], (1, 1));
}

/// 2.4 "power loss": of the leader alone nothing that others have; of all at once whatever was not
/// flushed, acknowledged by all or not, and the commits with it.
#[test]
fn a_power_loss_takes_what_was_not_flushed() {
    let slow = |settings: &mut ReplicationSettings| {
        settings.flush_interval = Duration::from_secs(20);
    };
    let fill = |driver: &mut Driver| {
        driver.join(A);
        driver.send(0, Acks::All);
        driver.run_until(15);
        assert_eq!(driver.commit(A, 1, 0, 0), Outcome::Ok);
        driver.run_until(16);
        driver.send(1, Acks::All);
        driver.run_until(21);
        assert_eq!(driver.commit(A, 1, 0, 2), Outcome::Ok);
        assert_eq!(driver.later(), [Told::At(0), Told::At(1)]);
    };
    let mut leader = replicated(slow);
    fill(&mut leader);
    assert!(leader.fail(Failure::PowerLoss, 5));
    assert_eq!((leader.cut_off(), leader.ends()), (vec![], (2, 2)));
    assert_eq!(leader.broker.committed(GROUP, PartitionId(0)), Some(2));

    let mut all = replicated(slow);
    fill(&mut all);
    assert!(!all.fail(Failure::Blackout, 5));
    assert_eq!((all.cut_off(), all.ends()), (vec![(1, RemoveReason::BrokerLoss)], (1, 1)));
    assert_eq!(all.broker.committed(GROUP, PartitionId(0)), None, "no commit was flushed");

    let mut flushed = replicated(|_| {});
    fill(&mut flushed);
    assert!(!flushed.fail(Failure::Blackout, 5));
    assert_eq!((flushed.cut_off(), flushed.ends()), (vec![], (2, 2)));
}

/// 2.4 "the last replica standing": alone in sync, it loses its power, and nobody has its tail.
#[test]
fn a_leader_alone_in_sync_loses_what_it_had_not_flushed() {
    let mut driver = replicated(|settings| {
        (settings.min_insync, settings.flush_interval) = (1, Duration::from_secs(20));
    });
    driver.lag(Followers::All, 100);
    driver.send(0, Acks::Leader);
    driver.run_until(10);
    assert_eq!(driver.send(1, Acks::All), Told::At(1));
    assert!(!driver.fail(Failure::PowerLoss, 5));
    assert_eq!(driver.cut_off().len(), 2);
}

/// 3.2 "state is rebuilt from the replicated log, so it survives leader change": a batch that was
/// replicated is recognised, one that was cut off is appended again, and none is skipped.
#[test]
fn an_idempotent_producer_goes_on_under_another_leader() {
    let mut driver = replicated(|_| {});
    let number = |first| Some(BatchSequence { epoch: 0, first });
    driver.send_as(0, Acks::All, number(0));
    driver.run_until(1);
    driver.send_as(1, Acks::All, number(1));
    driver.send_as(2, Acks::All, number(2));
    driver.later();
    assert!(driver.fail(Failure::Crash, 5));
    assert_eq!(driver.send_as(0, Acks::All, number(0)), Told::At(0), "recognised");
    let out_of_order = Told::No(ProduceRefusal::OutOfOrderSequence);
    assert_eq!(driver.send_as(2, Acks::All, number(2)), out_of_order);
    assert_eq!(driver.send_as(1, Acks::All, number(1)), Told::Waits);
    assert_eq!(driver.send_as(2, Acks::All, number(2)), Told::Waits);
    driver.run_until(10);
    assert_eq!((driver.later(), driver.ends()), (vec![Told::At(1), Told::At(2)], (3, 3)));
}

/// All that is known of a producer was cut off: it goes on where it was, and not anywhere.
#[test]
fn a_producer_whose_batches_are_gone_is_still_in_order() {
    let mut driver = replicated(|_| {});
    let number = |first| Some(BatchSequence { epoch: 0, first });
    for id in 0..3 {
        driver.send_as(id, Acks::All, number(id));
    }
    driver.run_until(1);
    for id in 3..8 {
        driver.send_as(id, Acks::All, number(id));
    }
    driver.fail(Failure::Crash, 5);
    assert_eq!(driver.ends(), (3, 3));
    assert_eq!(
        driver.send_as(5, Acks::All, number(5)),
        Told::No(ProduceRefusal::OutOfOrderSequence)
    );
    assert_eq!(driver.send_as(3, Acks::All, number(3)), Told::Waits);
}

/// A duplicate waits for the replicas as its original does.
#[test]
fn a_recognised_batch_waits_too() {
    let mut driver = replicated(|_| {});
    let first = Some(BatchSequence { epoch: 0, first: 0 });
    assert_eq!(driver.send_as(0, Acks::All, first), Told::Waits);
    assert_eq!(driver.send_as(0, Acks::All, first), Told::Waits);
    driver.run_until(1);
    assert_eq!((driver.later(), driver.ends()), (vec![Told::At(0), Told::At(0)], (1, 1)));
}

/// 2.4 "committed offset beyond log end after truncation": it is void, and the reset policy
/// decides.
#[test]
fn a_commit_that_points_at_nothing_is_void() {
    let mut driver = replicated(|settings| {
        (settings.min_insync, settings.unclean_election) = (1, true);
    });
    driver.join(A);
    driver.lag(Followers::All, 100);
    driver.send(0, Acks::Leader);
    driver.send(1, Acks::Leader);
    driver.run_until(10);
    driver.answers.clear();
    assert_eq!(driver.commit(A, 1, 0, 2), Outcome::Ok);
    driver.fail(Failure::Crash, 5);
    assert_eq!(driver.fetch(A, 1, 0, 2), Outcome::Refused(Refusal::UnknownMember));
    assert_eq!(driver.join(A), Some((2, vec![(0, None)])));
    assert_eq!(driver.fetch(A, 2, 0, 2), Outcome::OutOfRange(0, 0));
}

/// What is not used does not exist.
#[test]
fn a_log_of_one_replica_has_no_replicas() {
    let mut driver = Driver::plain();
    assert!(driver.broker.replicas.is_none() && !driver.broker.is_replicated());
    driver.store(0, 0..3);
    assert_eq!(driver.broker.next_deadline(), None);
    assert_eq!(driver.ends(), (3, 3));
}
