//! Threads, closes and crashes. No test depends on how long something takes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;
use std::thread;
use std::time;

use super::*;

const PARTITION: PartitionId = PartitionId(0);

fn group(number: u8) -> SubscriptionId {
    SubscriptionId(number)
}

fn small(retention: Retention) -> LiveLog<u64> {
    let (partitions, rotation) = (1, 0);
    LiveLog::new(LogOptions { partitions, capacity: 64, segment: 16, retention, rotation })
}

/// Reads to the end, `batch` at a time, and returns what came.
fn read_all(mut reader: Reader<u64>, batch: usize) -> Vec<u64> {
    let mut all = Vec::new();
    while let Ok(records) = reader.fetch(batch) {
        all.extend_from_slice(records);
    }
    all
}

/// A producer that is faster than its readers: every reader reads everything in order, and memory
/// stays bounded.
#[test]
fn every_reader_reads_everything_in_order_in_bounded_memory() {
    const COUNT: u64 = 20_000;
    let log = small(Retention::UntilRead);
    let mut producer = log.producer(PARTITION).unwrap();
    let readers: Vec<_> = (0..3).map(|n| log.reader(PARTITION, group(n)).unwrap()).collect();
    thread::scope(|scope| {
        let batches = [1, 7, 64].into_iter();
        let threads: Vec<_> = readers
            .into_iter()
            .zip(batches)
            .map(|(reader, batch)| scope.spawn(move || read_all(reader, batch)))
            .collect();
        let mut batch = Vec::new();
        for number in 0..COUNT {
            match number % 3 {
                0 => drop(producer.append(number).unwrap()),
                1 => batch.push(number),
                _ => {
                    batch.push(number);
                    producer.append_batch(&mut batch).unwrap();
                }
            }
            assert!(log.segments(PARTITION) <= 5, "{} segments", log.segments(PARTITION));
        }
        producer.append_batch(&mut batch).unwrap();
        log.close();
        for thread in threads {
            assert!(thread.join().unwrap().into_iter().eq(0..COUNT));
        }
    });
}

/// Built in its slot: in order with the others, once there is room, and not if the log is closed.
#[test]
fn a_record_is_made_when_there_is_room_for_it() {
    let log = small(Retention::UntilRead);
    let (mut producer, reader) =
        (log.producer(PARTITION).unwrap(), log.reader(PARTITION, group(0)).unwrap());
    thread::scope(|scope| {
        let reading = scope.spawn(move || read_all(reader, 7));
        for number in 0..500 {
            assert_eq!(producer.append_with(|| number), Ok(number));
            assert_eq!(producer.next_offset(), number + 1);
        }
        log.close();
        let closed = producer.append_with(|| unreachable!("nobody could read it"));
        assert_eq!(closed, Err(Full::Closed));
        assert!(reading.join().unwrap().into_iter().eq(0..500));
    });
}

/// Between two segments an iterator may wait until the records that it gave before are read.
#[test]
fn an_iterator_is_asked_for_more_when_readers_know_of_what_it_gave() {
    let log = small(Retention::UntilRead);
    let (mut producer, reader) =
        (log.producer(PARTITION).unwrap(), log.reader(PARTITION, group(0)).unwrap());
    let read = AtomicUsize::new(0);
    thread::scope(|scope| {
        let reading = scope.spawn(|| {
            let mut reader = reader;
            while let Ok(records) = reader.fetch(7) {
                read.fetch_add(records.len(), Ordering::SeqCst);
            }
        });
        let patient = (0..100).inspect(|&number| {
            if number == 0 {
                log.partitions[0].appended.until_a_waiter_sleeps();
            }
            while number % 16 == 0 && (read.load(Ordering::SeqCst) as u64) < number {
                thread::yield_now();
            }
        });
        producer.append_all(patient).unwrap();
        log.close();
        reading.join().unwrap();
    });
    assert_eq!(read.into_inner(), 100);
}

/// With a rotation there is more memory than the capacity needs, and no more than the rotation.
#[test]
fn a_rotation_is_bounded_too() {
    let options = LogOptions { capacity: 64, segment: 16, ..LogOptions::default() };
    let log = LiveLog::new(LogOptions { rotation: 10_000, ..options });
    let (mut producer, reader) =
        (log.producer(PARTITION).unwrap(), log.reader(PARTITION, group(0)).unwrap());
    thread::scope(|scope| {
        let reading = scope.spawn(move || read_all(reader, 7));
        for number in 0..2_000 {
            producer.append(number).unwrap();
            assert!(log.segments(PARTITION) * 16 * size_of::<u64>() <= 10_000);
        }
        assert!(log.segments(PARTITION) > 4, "it was used");
        log.close();
        assert!(reading.join().unwrap().into_iter().eq(0..2_000));
    });
}

/// A stuck reader blocks its producer by design; one that dies, by a panic, frees it.
#[test]
fn a_stuck_reader_holds_the_producer_and_a_dead_one_frees_it() {
    let log = small(Retention::UntilRead);
    let mut producer = log.producer(PARTITION).unwrap();
    let mut stuck = log.reader(PARTITION, group(0)).unwrap();
    let mut batch: Vec<u64> = (0..100).collect();
    assert_eq!(producer.try_append_batch(&mut batch), Err(Full::Full));
    assert_eq!((batch.len(), producer.try_append(0)), (36, Err(Refused::Full(0))));
    assert_eq!(producer.append_until(0, time::Instant::now()), Err(Refused::Full(0)));
    thread::scope(|scope| {
        let waiting = scope.spawn(|| producer.append_batch(&mut batch).unwrap());
        let died = catch_unwind(AssertUnwindSafe(move || {
            assert_eq!(stuck.next_record(), Ok(&0));
            panic!("the reader's handler fails");
        }));
        assert!(died.is_err());
        assert_eq!(waiting.join().unwrap(), 64..100);
    });
}

#[test]
fn a_slow_reader_is_told_what_was_dropped() {
    let log = small(Retention::DropOldest);
    let mut producer = log.producer(PARTITION).unwrap();
    let mut reader = log.reader(PARTITION, group(0)).unwrap();
    assert_eq!(reader.try_fetch(9), Ok(&[][..]));
    producer.append_all(0..200).unwrap();
    let first: Vec<u64> = reader.fetch(100).unwrap().to_vec();
    assert_eq!(first, (0..16).collect::<Vec<_>>(), "its own segment is kept for it");
    let gone = OutOfRange { position: 16, log_start: 144, log_end: 200 };
    assert_eq!(reader.fetch(1), Err(Ended::OutOfRange(gone)));
    reader.seek(gone.log_start).unwrap();
    assert_eq!(reader.fetch(2), Ok(&[144, 145][..]));
    assert_eq!(reader.seek(201).unwrap_err().log_end, 200);
}

#[test]
fn close_lets_readers_finish_and_stop_does_not() {
    let check = |end: fn(&LiveLog<u64>), expect: usize, ended: Ended| {
        let log = small(Retention::UntilRead);
        let mut producer = log.producer(PARTITION).unwrap();
        let mut reader = log.reader(PARTITION, group(0)).unwrap();
        producer.append_all(0..10).unwrap();
        end(&log);
        assert_eq!(producer.append(10), Err(Refused::Closed(10)));
        assert_eq!(producer.append_batch(&mut vec![10]), Err(Full::Closed));
        assert_eq!(reader.fetch(100).map_or(0, <[u64]>::len), expect);
        assert_eq!(reader.fetch(100), Err(ended));
        assert_eq!(reader.fetch_until(1, time::Instant::now()), Err(ended));
    };
    check(LiveLog::close, 10, Ended::Closed);
    check(LiveLog::stop, 0, Ended::Stopped);
}

/// Closed under load: every reader that reads to the end reads what was acknowledged.
#[test]
fn nothing_acknowledged_before_a_close_is_lost() {
    for _ in 0..50 {
        let log = small(Retention::UntilRead);
        let mut producer = log.producer(PARTITION).unwrap();
        let reader = log.reader(PARTITION, group(0)).unwrap();
        let appended = AtomicUsize::new(0);
        thread::scope(|scope| {
            let reading = scope.spawn(move || read_all(reader, 8));
            scope.spawn(|| {
                while producer.append(appended.load(Ordering::Relaxed) as u64).is_ok() {
                    appended.fetch_add(1, Ordering::Relaxed);
                }
            });
            while appended.load(Ordering::Relaxed) < 100 {
                thread::yield_now();
            }
            log.close();
            let read = reading.join().unwrap();
            assert!(read.len() >= appended.load(Ordering::Relaxed));
            assert!(read.into_iter().eq(0..appended.load(Ordering::Relaxed) as u64));
        });
    }
}

/// An append that races with the close is neither refused nor acknowledged: one reader has seen the
/// end, and another one reads the records all the same.
#[test]
fn what_is_appended_too_late_may_be_read_all_the_same() {
    let log = small(Retention::UntilRead);
    let mut producer = log.producer(PARTITION).unwrap();
    let mut first = log.reader(PARTITION, group(0)).unwrap();
    let records = (0..3).inspect(|&number| {
        if number == 1 {
            log.close();
            assert_eq!(first.try_fetch(9), Err(Ended::Closed));
        }
    });
    assert_eq!(producer.append_all(records), Err(Full::TooLate));
    assert_eq!(read_all(log.reader(PARTITION, group(1)).unwrap(), 9), [0, 1, 2]);
}

/// The one item that an iterator gave when the log was closed is dropped, and nothing else is.
#[test]
fn a_close_costs_an_iterator_the_one_record_in_hand() {
    let log = small(Retention::UntilRead);
    let mut producer = log.producer(PARTITION).unwrap();
    let reader = log.reader(PARTITION, group(0)).unwrap();
    let mut records = (0..100).inspect(|&number| {
        if number == 64 {
            log.close();
        }
    });
    assert_eq!(producer.append_all(records.by_ref()), Err(Full::Closed));
    assert_eq!(records.next(), Some(65));
    assert!(read_all(reader, 9).into_iter().eq(0..64));
}

#[test]
fn a_partition_has_one_producer_at_a_time() {
    let log = small(Retention::UntilRead);
    let mut first = log.producer(PARTITION).unwrap();
    assert_eq!(log.producer(PARTITION).err(), Some(NoProducer::Taken));
    assert_eq!(log.producer(PartitionId(1)).err(), Some(NoProducer::UnknownPartition));
    assert!(log.reader(PartitionId(1), group(0)).is_none());
    first.append_all(0..20).unwrap();
    drop(first);
    assert_eq!(log.producer(PARTITION).unwrap().append(20), Ok(20));
}

/// Tasks wait as threads do, and a fetch that is dropped while it waits has taken nothing.
#[tokio::test]
async fn tasks_wait_for_records_and_for_room() {
    let log = small(Retention::UntilRead);
    let mut producer = log.producer(PARTITION).unwrap();
    let mut reader = log.reader(PARTITION, group(0)).unwrap();
    let dropped = tokio::select! {
        biased;
        _ = reader.fetch_async(1) => false,
        () = std::future::ready(()) => true,
    };
    assert!(dropped);
    let producing = async {
        for number in 0..500 {
            assert_eq!(producer.append_async(number).await, Ok(number));
        }
        let mut batch: Vec<u64> = (500..1000).collect();
        assert_eq!(producer.append_batch_async(&mut batch).await, Ok(500..1000));
        log.close();
    };
    let reading = async {
        let mut all = Vec::new();
        while let Ok(records) = reader.fetch_async(5).await {
            all.extend_from_slice(records);
        }
        all
    };
    let ((), all) = tokio::join!(producing, reading);
    assert!(all.into_iter().eq(0..1000));
}
