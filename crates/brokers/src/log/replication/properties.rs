//! The broker against a model that is written down from `semantics.md` 3.1, 3.2 and 3.5 alone, and
//! naively: a list of messages for each replica, and a clock that ticks second by second.
//!
//! Goal: after any sequence of sends, commits, lags and failures the broker holds the same records,
//! shows the same of them to a consumer, has the same replicas in sync and gives the same answers;
//! and log start ≤ high watermark ≤ log end, and no commit points beyond the end. Of both the same
//! is asked that the theory promises: what `acks=all` acknowledged with two replicas in sync
//! survives every clean election. The opposite is shown too, or a log that never loses would pass.

use entrega_model::event::SettleTrigger;
use entrega_model::log::{Acks, PartitionOffset, ProduceRefusal, Request, Response};
use entrega_model::{Generation, Key, MessageId, PartitionId, Record, SubscriptionId};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use super::*;
use crate::log::{LogBroker, LogSettings};
use crate::{Broker, Failure};

const PARTITION: PartitionId = PartitionId(0);
const GROUP: SubscriptionId = SubscriptionId(0);

/// What happens; spans are seconds.
#[derive(Clone, Copy, Debug)]
enum Step {
    Send(Acks),
    Wait(u64),
    /// Everything that is visible is committed.
    Commit,
    FallBehind(Followers, u64),
    Fail(Failure, u64),
}

/// What a sender has been told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Stored(u64),
    Refused(ProduceRefusal),
}

/// A replica: all that it has, and why it copies nothing.
#[derive(Clone, Default)]
struct Copy {
    log: Vec<u32>,
    behind: Option<(u64, u64, bool)>,
    in_sync: bool,
}

/// A send that waits: its message, where it stands, and until when.
#[derive(Clone, Copy)]
struct Waiting {
    message: u32,
    offset: usize,
    until: u64,
}

/// The log, naively.
struct Naive {
    settings: ReplicationSettings,
    now: u64,
    copies: Vec<Copy>,
    leader: usize,
    /// When the leader appended each record.
    appended: Vec<u64>,
    readable: usize,
    waiting: Vec<Waiting>,
    answers: Vec<(u32, Answer)>,
}

impl Naive {
    fn new(settings: ReplicationSettings) -> Self {
        let copy = Copy { in_sync: true, ..Copy::default() };
        let copies = vec![copy; usize::from(settings.replicas)];
        let (appended, waiting, answers) = (Vec::new(), Vec::new(), Vec::new());
        Self { settings, now: 0, copies, leader: 0, appended, readable: 0, waiting, answers }
    }

    fn in_sync(&self) -> usize {
        self.copies.iter().filter(|copy| copy.in_sync).count()
    }

    fn lacks_replicas(&self) -> bool {
        self.in_sync() < usize::from(self.settings.min_insync)
    }

    fn followers(&self) -> impl Iterator<Item = usize> + use<> {
        let leader = self.leader;
        (0..self.copies.len()).filter(move |index| *index != leader)
    }

    fn send(&mut self, message: u32, acks: Acks) {
        if acks == Acks::All && self.lacks_replicas() {
            let answer = Answer::Refused(ProduceRefusal::NotEnoughReplicas);
            return self.answers.push((message, answer));
        }
        let offset = self.appended.len();
        self.copies[self.leader].log.push(message);
        self.appended.push(self.now);
        match acks {
            Acks::All => self.waiting.push(Waiting { message, offset, until: self.now + 30 }),
            Acks::Leader | Acks::None => {
                self.answers.push((message, Answer::Stored(offset as u64)));
            }
        }
        self.look();
    }

    /// One second passes.
    fn tick(&mut self) {
        self.now += 1;
        let lag_max = self.settings.lag_max.as_nanos() / 1_000_000_000;
        for index in self.followers() {
            self.copies[index].behind.take_if(|(_, until, _)| *until <= self.now);
        }
        self.look();
        for index in self.followers() {
            let lacks = self.copies[index].log.len() < self.appended.len();
            let late = self.copies[index].behind;
            let is_late = late.is_some_and(|(since, _, _)| self.now >= since + lag_max);
            self.copies[index].in_sync &= !(lacks && is_late);
        }
        self.look();
    }

    /// Followers copy, join, and let the high watermark move; and who waits is answered.
    fn look(&mut self) {
        let delay = self.settings.delay.as_nanos() / 1_000_000_000;
        let lag_max = self.settings.lag_max.as_nanos() / 1_000_000_000;
        let old = self.appended.iter().filter(|at| **at + delay <= self.now).count();
        let mut readable = self.appended.len();
        for index in self.followers() {
            let leaders = self.copies[self.leader].log.clone();
            let copy = &mut self.copies[index];
            if copy.behind.is_none() {
                if copy.log.len() < old {
                    copy.log = leaders[..old].to_vec();
                }
                copy.in_sync |= copy.log.len() >= self.readable;
            }
            let late = copy.behind.is_some_and(|(since, _, _)| self.now >= since + lag_max);
            copy.in_sync &= !(late && copy.log.len() < leaders.len());
            if copy.behind.is_none() || copy.in_sync {
                readable = readable.min(copy.log.len());
            }
        }
        if !self.lacks_replicas() || !self.settings.stands_still {
            self.readable = self.readable.max(readable);
        }
        for one in std::mem::take(&mut self.waiting) {
            let answer = if self.readable > one.offset && self.lacks_replicas() {
                Answer::Refused(ProduceRefusal::NotEnoughReplicasAfterAppend)
            } else if self.readable > one.offset {
                Answer::Stored(one.offset as u64)
            } else if self.now >= one.until {
                Answer::Refused(ProduceRefusal::RequestTimedOut)
            } else {
                self.waiting.push(one);
                continue;
            };
            self.answers.push((one.message, answer));
        }
    }

    fn fall_behind(&mut self, followers: Followers, seconds: u64) {
        let behind = Some((self.now, self.now + seconds, false));
        let copying: Vec<usize> =
            self.followers().filter(|index| self.copies[*index].behind.is_none()).collect();
        let count = if followers == Followers::All { copying.len() } else { 1 };
        for index in copying.into_iter().take(count) {
            self.copies[index].behind = behind;
        }
    }

    /// What retention has deleted, before `start`, nobody lacks.
    fn fail(&mut self, failure: Failure, seconds: u64, start: usize) {
        self.waiting.clear();
        let deleted = self.copies[self.leader].log[..start].to_vec();
        let short = |copy: &&mut Copy| copy.log.len() < start;
        self.copies.iter_mut().filter(short).for_each(|copy| copy.log.clone_from(&deleted));
        let lives =
            |index: &usize| self.copies[*index].behind.is_none_or(|(_, _, is_down)| !is_down);
        let living: Vec<usize> = self.followers().filter(lives).collect();
        let clean = living.iter().copied().find(|index| self.copies[*index].in_sync);
        let unclean = living.first().copied().filter(|_| self.settings.unclean_election);
        let next = clean.or(unclean).filter(|_| failure != Failure::Blackout);
        if let Some(next) = next {
            let failed = std::mem::replace(&mut self.leader, next);
            self.copies[failed].behind = Some((0, self.now + seconds, true));
            self.copies[failed].in_sync = false;
            self.copies[next].behind = None;
            self.copies[next].in_sync = true;
        }
        let end = self.copies[self.leader].log.len();
        self.copies.iter_mut().for_each(|copy| copy.log.truncate(end));
        self.appended.truncate(end);
        self.readable = self.readable.min(end);
        self.look();
    }
}

/// The broker with its parked requests.
struct Bench {
    broker: LogBroker,
    now: Instant,
    parked: Vec<(u32, Request)>,
    answers: Vec<(u32, Answer)>,
}

impl Bench {
    fn new(replication: ReplicationSettings) -> Self {
        let settings = LogSettings { replication, retention_time: None, ..LogSettings::default() };
        let (parked, answers) = (Vec::new(), Vec::new());
        Self { broker: LogBroker::new(settings), now: Instant::START, parked, answers }
    }

    fn send(&mut self, message: u32, acks: Acks) {
        let record = Record { message: MessageId(message), key: Key(0), bytes: 1 };
        let (partition, records) = (PARTITION, vec![record]);
        let request = Request::Produce { partition, records, acks, sequence: None };
        self.offer(message, request);
        self.offer_again();
    }

    fn offer(&mut self, message: u32, mut request: Request) {
        let from = ClientId::default();
        let answer = match self.broker.handle(self.now, from, &mut request, &mut Vec::new()) {
            None => return self.parked.push((message, request)),
            Some(Response::Produced { base_offset, .. }) => Answer::Stored(base_offset),
            Some(Response::ProduceRefused { refusal, .. }) => Answer::Refused(refusal),
            Some(other) => panic!("{other:?}"),
        };
        self.answers.push((message, answer));
    }

    fn offer_again(&mut self) {
        for (message, request) in std::mem::take(&mut self.parked) {
            self.offer(message, request);
        }
    }

    fn tick(&mut self) {
        self.now += Duration::from_secs(1);
        let due = |broker: &LogBroker| {
            let due = broker.next_deadline().into_iter().chain(broker.next_housekeeping());
            due.min().filter(|due| *due <= self.now)
        };
        while let Some(due) = due(&self.broker) {
            self.broker.advance(due, &mut Vec::new());
        }
        self.offer_again();
    }

    fn records(&self) -> Vec<u32> {
        self.broker.partitions[0].retained_from(0).map(|record| record.message.0).collect()
    }

    fn state(&self) -> (Vec<u32>, u64, usize) {
        let in_sync = self.broker.replicas.as_ref().map_or(1, |all| all.in_sync(PARTITION));
        (self.records(), self.broker.partitions[0].high_watermark(), in_sync)
    }

    fn ask(&mut self, mut request: Request) -> Option<Response> {
        self.broker.handle(self.now, ClientId::default(), &mut request, &mut Vec::new())
    }

    /// The assignment of the only member, which joins again if it has to.
    fn generation(&mut self) -> Generation {
        match self.ask(Request::Join { group: GROUP, has: Generation(0) }) {
            Some(Response::Joined { generation, .. }) => generation,
            other => panic!("{other:?}"),
        }
    }

    /// What a consumer reads from the start on.
    fn read(&mut self) -> Vec<u32> {
        let (group, generation) = (GROUP, self.generation());
        let offset = self.broker.partitions[0].log_start_offset();
        let positions = vec![PartitionOffset { partition: PARTITION, offset }];
        let (max_records, buffer, deadline) = (u32::MAX, Vec::new(), self.now);
        let fetch = Request::Fetch { group, generation, positions, max_records, buffer, deadline };
        match self.ask(fetch) {
            Some(Response::Fetched { records, .. }) => {
                records.iter().map(|fetched| fetched.record.message.0).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    fn commit(&mut self) {
        let (group, generation) = (GROUP, self.generation());
        let offset = self.broker.partitions[0].high_watermark();
        let offsets = vec![PartitionOffset { partition: PARTITION, offset }];
        let trigger = SettleTrigger::Application;
        let answer = self.ask(Request::Commit { group, generation, offsets, trigger });
        assert!(matches!(answer, Some(Response::Committed { .. })));
    }

    fn keeps_its_bounds(&self) -> Result<(), String> {
        let partition = &self.broker.partitions[0];
        let bounds =
            [partition.log_start_offset(), partition.high_watermark(), partition.log_end_offset];
        let committed = self.broker.committed(GROUP, PARTITION).unwrap_or(0);
        if !bounds.is_sorted() || committed > partition.log_end_offset {
            return Err(format!("{bounds:?} and a commit of {committed}"));
        }
        Ok(())
    }

    /// Messages that were acknowledged and are not there, although retention has not come so far.
    fn lost(&self) -> usize {
        let (records, start) = (self.records(), self.broker.partitions[0].log_start_offset());
        let is_lost = |(message, answer): &&(u32, Answer)| {
            let is_kept = matches!(answer, Answer::Stored(offset) if *offset >= start);
            is_kept && !records.contains(message)
        };
        self.answers.iter().filter(is_lost).count()
    }
}

/// Does the steps on both and compares after each; says how many were lost.
fn run(settings: ReplicationSettings, steps: &[Step]) -> Result<usize, String> {
    let (mut bench, mut naive) = (Bench::new(settings), Naive::new(settings));
    for (number, step) in steps.iter().enumerate() {
        match *step {
            Step::Send(acks) => {
                bench.send(number as u32, acks);
                naive.send(number as u32, acks);
            }
            Step::Commit => bench.commit(),
            Step::Wait(seconds) => (0..seconds).for_each(|_| {
                bench.tick();
                naive.tick();
            }),
            Step::FallBehind(followers, seconds) => {
                let until = bench.now + Duration::from_secs(seconds);
                bench.broker.fall_behind(bench.now, followers, until);
                naive.fall_behind(followers, seconds);
            }
            Step::Fail(failure, seconds) => {
                bench.parked.clear();
                let back_at = bench.now + Duration::from_secs(seconds);
                bench.broker.fail_over(bench.now, failure, back_at, &mut Vec::new());
                let start = bench.broker.partitions[0].log_start_offset() as usize;
                naive.fail(failure, seconds, start);
            }
        }
        let start = bench.broker.partitions[0].log_start_offset() as usize;
        let kept = naive.copies[naive.leader].log[start..].to_vec();
        let expected = (kept, naive.readable as u64, naive.in_sync());
        let found = bench.state();
        if found != expected {
            return Err(format!("{found:?}, not {expected:?}, after {:?}", &steps[..=number]));
        }
        if bench.answers != naive.answers {
            let (found, expected) = (&bench.answers, &naive.answers);
            return Err(format!("{found:?}, not {expected:?}, after {:?}", &steps[..=number]));
        }
        bench.keeps_its_bounds()?;
        let start = bench.broker.partitions[0].log_start_offset() as usize;
        let visible = naive.copies[naive.leader].log[start..naive.readable].to_vec();
        let seen = bench.read();
        if seen != visible {
            return Err(format!(
                "{seen:?} is read, not {visible:?}, after {:?}",
                &steps[..=number]
            ));
        }
    }
    Ok(bench.lost())
}

fn acks() -> impl Strategy<Value = Acks> {
    prop_oneof![4 => Just(Acks::All), 2 => Just(Acks::Leader), 1 => Just(Acks::None)]
}

fn step(acks: impl Strategy<Value = Acks> + 'static) -> impl Strategy<Value = Step> {
    let followers = prop_oneof![Just(Followers::Next), Just(Followers::All)];
    let failure = prop_oneof![3 => Just(Failure::Crash), 1 => Just(Failure::Blackout)];
    prop_oneof![
        8 => acks.prop_map(Step::Send),
        6 => (1_u64..8).prop_map(Step::Wait),
        1 => Just(Step::Wait(31)),
        2 => Just(Step::Commit),
        2 => (followers, 1_u64..20).prop_map(|(who, seconds)| Step::FallBehind(who, seconds)),
        2 => (failure, 1_u64..12).prop_map(|(failure, seconds)| Step::Fail(failure, seconds)),
    ]
}

fn settings() -> impl Strategy<Value = ReplicationSettings> {
    let flags = (any::<bool>(), any::<bool>());
    (2_u8..5, 1_u8..4, 0_u64..4, 1_u64..8, flags).prop_map(
        |(replicas, min_insync, delay, lag_max, (unclean_election, stands_still))| {
            ReplicationSettings {
                replicas,
                min_insync,
                lag_max: Duration::from_secs(lag_max),
                delay: Duration::from_secs(delay),
                unclean_election,
                stands_still,
                ..ReplicationSettings::default()
            }
        },
    )
}

proptest! {
    #[test]
    fn replicas_agree_with_the_naive_model(
        settings in settings(),
        steps in prop::collection::vec(step(acks()), 0..60),
    ) {
        if let Err(broken) = run(settings, &steps) {
            return Err(TestCaseError::fail(broken));
        }
    }

    /// What `acks=all` acknowledges with two in sync survives clean elections.
    #[test]
    fn clean_elections_lose_nothing_that_two_have_acknowledged(
        settings in settings(),
        steps in prop::collection::vec(step(Just(Acks::All)), 0..60),
    ) {
        let min_insync = settings.min_insync.max(2);
        let settings = ReplicationSettings { min_insync, unclean_election: false, ..settings };
        prop_assert_eq!(run(settings, &steps), Ok(0));
    }
}

/// The opposite: acks=1 loses by clean elections, and so does acks=all with one in sync by unclean
/// ones.
#[test]
fn one_replica_in_sync_is_too_few() {
    let lost = |unclean_election, min_insync, acks: Acks| -> usize {
        let mut runner = TestRunner::deterministic();
        let settings = ReplicationSettings {
            replicas: 3,
            min_insync,
            lag_max: Duration::from_secs(3),
            delay: Duration::from_secs(1),
            unclean_election,
            ..ReplicationSettings::default()
        };
        let steps = prop::collection::vec(step(Just(acks)), 60);
        let mut once = || run(settings, &steps.new_tree(&mut runner).unwrap().current()).unwrap();
        (0..60).map(|_| once()).sum()
    };
    assert!(lost(false, 2, Acks::Leader) > 0, "acks=1");
    assert!(lost(true, 1, Acks::All) > 0, "unclean");
    assert_eq!(lost(false, 2, Acks::All), 0, "neither");
}
