//! Random configurations of a live log: producers that append in every way and are replaced,
//! readers of several groups that commit, seek, die, hand over and are cancelled, destructors that
//! ask the log or panic, and a log that is closed or stopped early.
//!
//! > **The rule.** A reader reads consecutive offsets, and whoever reads an offset reads the same
//! > record there, which is the one that was appended. In its lives together each group reads every
//! > record that was appended for certain, but for what the log said that it had dropped, and for
//! > what was left when it was stopped. Each record is dropped once, and memory is bounded.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use entrega_inproc::log::{Ended, Full, LiveLog, LogOptions, Producer, Reader, Retention};
use entrega_model::log::Offset;
use entrega_model::{PartitionId, SubscriptionId};
use tokio::runtime::Runtime;

use crate::body::Body;
use crate::config::{Ending, Random};
use crate::ledger::{Ledger, caught};

/// A configuration, as its seed decides it.
#[derive(Clone, Debug)]
pub(crate) struct LogConfig {
    seed: u64,
    options: LogOptions,
    groups: usize,
    /// How many records each producer appends.
    each: usize,
    destructors_panic: bool,
    ending: Ending,
}

impl LogConfig {
    pub(crate) fn random(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let options = LogOptions {
            partitions: random.one_of(&[1, 1, 2]),
            capacity: random.one_of(&[1, 2, 8, 64, 4096]),
            segment: random.one_of(&[1, 3, 4, 64, 1024]),
            retention: random.one_of(&[Retention::UntilRead, Retention::DropOldest]),
            rotation: random.one_of(&[0, 0, 20_000]),
        };
        Self {
            seed,
            options,
            groups: random.one_of(&[1, 2, 3]),
            each: random.one_of(&[1, 20, 300, 4_000]),
            destructors_panic: random.once_in(4),
            ending: Ending::random(&mut random),
        }
    }

    /// How many segments a partition may have.
    fn most_segments(&self) -> usize {
        let LogOptions { capacity, segment, rotation, .. } = self.options;
        let rotated = rotation / (segment * 8);
        capacity.div_ceil(segment).max(2).max(rotated) + 2
    }
}

/// What is known of one partition.
struct Known {
    partition: PartitionId,
    /// For each offset, one more than the record that was appended there for certain.
    appended: Vec<AtomicUsize>,
    /// For each offset, one more than the record that somebody read there.
    read: Vec<AtomicUsize>,
}

impl Known {
    fn new(partition: u16, each: usize) -> Self {
        let unknown = || (0..each).map(|_| AtomicUsize::new(0)).collect();
        Self { partition: PartitionId(partition), appended: unknown(), read: unknown() }
    }

    fn is_appended(&self, offset: Offset, id: usize) {
        assert_eq!(
            self.appended[offset as usize].swap(id + 1, SeqCst),
            0,
            "{offset} is used twice"
        );
    }

    fn is_read<B: Body>(&self, offset: Offset, body: &B) {
        let Some(id) = body.id() else { return };
        let before = self.read[offset as usize].swap(id + 1, SeqCst);
        assert!(before == 0 || before == id + 1, "two records at offset {offset}");
    }

    /// Checks what one group has read.
    fn check(&self, seen: &[bool], excused: &[Range<Offset>], knows_ids: bool) {
        for (offset, appended) in self.appended.iter().enumerate() {
            let id = appended.load(SeqCst);
            let is_excused = excused.iter().any(|gap| gap.contains(&(offset as Offset)));
            assert!(id == 0 || seen[offset] || is_excused, "offset {offset} was not read");
            let read = self.read[offset].load(SeqCst);
            let is_another = knows_ids && seen[offset] && id != 0 && read != id;
            assert!(!is_another, "offset {offset} has {id}, and {read} was read");
        }
    }
}

/// Runs one round to its end, and checks it.
pub(crate) fn run<B: Body>(config: &LogConfig) {
    let log = LiveLog::<B>::new(config.options);
    let partitions = config.options.partitions;
    let ledger =
        Arc::new(Ledger::new(usize::from(partitions) * config.each, config.destructors_panic));
    let asks = log.clone();
    ledger.let_destructors(move || assert!(asks.bounds(PartitionId(0)).is_some()));
    let known: Vec<_> =
        (0..partitions).map(|partition| Known::new(partition, config.each)).collect();
    thread::scope(|scope| {
        let (log, ledger) = (&log, &ledger);
        let random = |number: usize| Random::new(config.seed ^ (number as u64 + 1) << 32);
        for (number, known) in known.iter().enumerate() {
            for group in 0..config.groups {
                let random = random(100 * (number + 1) + group);
                let group = SubscriptionId(group as u8);
                let reader = log.reader(known.partition, group).expect("there is such a partition");
                scope.spawn(move || {
                    Reading { config, log, known, group, random }.run(reader);
                });
            }
        }
        let producers = (0..).zip(&known).map(|(number, known): (usize, _)| {
            let producing = Producing { config, log, known, ledger, random: random(number) };
            scope.spawn(move || producing.run(number * config.each))
        });
        let producers: Vec<_> = producers.collect();
        let is_all_sent = || producers.iter().all(|one| one.is_finished());
        config.ending.wait(is_all_sent, || log.close(), || log.stop());
        producers.into_iter().for_each(|one| one.join().expect("no producer fails"));
        log.close();
    });
    ledger.let_destructors(|| ());
    caught(|| drop(log));
    ledger.check_drops();
}

/// The producer of a partition in one round.
struct Producing<'a, B: Body> {
    config: &'a LogConfig,
    log: &'a LiveLog<B>,
    known: &'a Known,
    ledger: &'a Arc<Ledger>,
    random: Random,
}

impl<B: Body> Producing<'_, B> {
    fn run(mut self, first: usize) {
        let runtime = runtime();
        let mut producer = self.producer();
        let mut ids = first..first + self.config.each;
        while !ids.is_empty() {
            let count = (1 + self.random.below(40) as usize).min(ids.len());
            let some = ids.start..ids.start + count;
            ids.start = some.end;
            let appended = caught(|| self.append(&mut producer, some.clone(), &runtime));
            match appended {
                Some(Ok(offsets)) => {
                    assert_eq!(offsets.end - offsets.start, count as Offset);
                    offsets.zip(some).for_each(|(offset, id)| self.known.is_appended(offset, id));
                }
                Some(Err(Full::Closed | Full::TooLate)) => return,
                Some(Err(Full::Full)) => unreachable!("it waits"),
                None => {}
            }
            if self.random.once_in(20) {
                caught(|| drop(producer));
                producer = self.producer();
            }
            let segments = self.log.segments(self.known.partition);
            let most = self.config.most_segments();
            assert!(segments <= most, "{segments} segments, and {most} are allowed");
        }
    }

    fn producer(&self) -> Producer<B> {
        self.log.producer(self.known.partition).expect("nobody else has it")
    }

    /// Appends some, in one way or another. Where one record fails, the others are not known to be
    /// appended either.
    fn append(
        &mut self,
        producer: &mut Producer<B>,
        ids: Range<usize>,
        on: &Runtime,
    ) -> Result<Range<Offset>, Full> {
        let first = producer.next_offset();
        let make = |id: usize| B::make(id, self.ledger);
        let each = |append: &mut dyn FnMut(B) -> Result<Offset, Full>| {
            let mut next = first;
            for id in ids.clone() {
                assert_eq!(append(make(id))?, next, "offsets are consecutive");
                next += 1;
            }
            Ok(first..next)
        };
        match self.random.below(5) {
            0 => producer.append_batch(&mut ids.map(make).collect()),
            1 => producer.append_all(ids.map(make)),
            2 => each(&mut |body| producer.append(body).map_err(|_| Full::Closed)),
            3 => each(&mut |body| producer.append_with(|| body)),
            _ => {
                let mut all: Vec<_> = ids.map(make).collect();
                while !all.is_empty() {
                    let patience = Duration::from_micros(200);
                    let appending = async {
                        tokio::time::timeout(patience, producer.append_batch_async(&mut all)).await
                    };
                    if let Ok(Err(ended)) = on.block_on(appending) {
                        return Err(ended);
                    }
                }
                Ok(first..producer.next_offset())
            }
        }
    }
}

/// One group in one partition, through all the lives of its reader.
struct Reading<'a, B: Body> {
    config: &'a LogConfig,
    log: &'a LiveLog<B>,
    known: &'a Known,
    group: SubscriptionId,
    random: Random,
}

impl<B: Body> Reading<'_, B> {
    fn run(mut self, mut reader: Reader<B>) {
        let runtime = runtime();
        let mut seen = vec![false; self.config.each];
        let mut excused = Vec::new();
        let ended = loop {
            let from = reader.position();
            let max = 1 + self.random.below(60) as usize;
            let read = caught(|| {
                let records = self.fetch(&mut reader, max, &runtime)?;
                (from..).zip(records).for_each(|(offset, body)| self.known.is_read(offset, body));
                Ok(records.len())
            });
            match read {
                Some(Ok(count)) => {
                    let upto = from as usize + count;
                    assert_eq!(reader.position() as usize, upto, "it reads consecutive offsets");
                    seen[from as usize..upto].fill(true);
                }
                Some(Err(Ended::OutOfRange(gone))) => {
                    let start = gone.log_start;
                    assert!(self.may_skip(&seen, from..start), "{gone}");
                    assert!(gone.position == from && start > from, "{gone}");
                    let _ = caught(|| reader.seek(start));
                    if reader.position() == start {
                        excused.push(from..start);
                    }
                }
                Some(Err(ended)) => break ended,
                None => {}
            }
            let before = reader.position();
            self.go_on(&mut reader);
            if reader.position() > before {
                let gap = before..reader.position();
                assert!(self.may_skip(&seen, gap.clone()), "the next reader skips {gap:?}");
                excused.push(gap);
            }
        };
        caught(|| drop(reader));
        if ended == Ended::Closed {
            self.known.check(&seen, &excused, size_of::<B>() > 0);
        } else {
            assert!(self.config.ending.may_stop(), "{ended}");
        }
    }

    /// Whether the log may drop what the group has not read, or it has read all of this.
    fn may_skip(&self, seen: &[bool], gap: Range<Offset>) -> bool {
        self.config.options.retention == Retention::DropOldest
            || seen[gap.start as usize..gap.end as usize].iter().all(|seen| *seen)
    }

    fn fetch<'r>(
        &mut self,
        reader: &'r mut Reader<B>,
        max: usize,
        on: &Runtime,
    ) -> Result<&'r [B], Ended> {
        match self.random.below(5) {
            0 => reader.try_fetch(max),
            1 => {
                let deadline = Instant::now() + Duration::from_micros(self.random.below(300));
                reader.fetch_until(max, deadline)
            }
            2 => {
                let patience = Duration::from_micros(self.random.below(300));
                let fetching =
                    async { tokio::time::timeout(patience, reader.fetch_async(max)).await };
                on.block_on(fetching).unwrap_or(Ok(&[]))
            }
            3 => self.committed(reader).next_record().map(std::slice::from_ref),
            _ => self.committed(reader).fetch(max),
        }
    }

    /// Waits without a limit only after a commit: the producer may wait for that.
    fn committed<'r>(&self, reader: &'r mut Reader<B>) -> &'r mut Reader<B> {
        let has_committed = self.log.committed(self.known.partition, self.group).is_some();
        if has_committed {
            reader.commit();
        }
        reader
    }

    /// Commits, reads something again, stalls, or dies after another reader has taken over.
    fn go_on(&mut self, reader: &mut Reader<B>) {
        let position = reader.position();
        match self.random.below(60) {
            0..10 => drop(caught(|| reader.commit())),
            10..15 => {
                let upto = position - self.random.below(3).min(position);
                caught(|| reader.commit_upto(upto));
            }
            15 => {
                let back = position - self.random.below(40).min(position);
                let _ = caught(|| reader.seek(back));
            }
            16 => thread::sleep(Duration::from_millis(1)),
            17 => {
                let next = self.log.reader(self.known.partition, self.group);
                let last = std::mem::replace(reader, next.expect("there is such a partition"));
                caught(|| drop(last));
            }
            _ => {}
        }
    }
}

fn runtime() -> Runtime {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime")
}

/// Each rule is broken once, and the check says so.
mod opposites {
    use super::*;

    /// Two records, appended and read.
    fn known() -> Known {
        let known = Known::new(0, 2);
        for id in 0..2 {
            known.is_appended(id, id as usize);
            known.is_read(id, &id);
        }
        known
    }

    #[test]
    #[should_panic(expected = "offset 1 was not read")]
    fn a_record_that_a_group_does_not_read() {
        known().check(&[true, false], &[], true);
    }

    #[test]
    #[should_panic(expected = "offset 1 was not read")]
    fn a_gap_that_is_too_short() {
        known().check(&[false, false], std::slice::from_ref(&(0..1)), true);
    }

    #[test]
    #[should_panic(expected = "two records at offset 1")]
    fn an_offset_with_two_records() {
        known().is_read(1, &0_u64);
    }

    #[test]
    #[should_panic(expected = "offset 0 has 1, and 2 was read")]
    fn another_record_than_was_appended() {
        let known = Known::new(0, 1);
        known.is_appended(0, 0);
        known.is_read(0, &1_u64);
        known.check(&[true], &[], true);
    }
}
