//! What enters a fingerprint makes a difference, and a new name for the same thing makes none.

use std::collections::BTreeSet;

use super::*;
use crate::event::SettleTrigger;
use crate::log::{
    Acks, AssignedPartition, BatchSequence, Fetched, PartitionOffset, ProduceRefusal, Refusal,
};
use crate::queue::{Received, Settlement};
use crate::{Duration, Key, MessageId, PartitionId, log, queue};

const OWN: SubscriptionId = SubscriptionId(1);

/// A place from which everything is seen.
#[derive(Clone, Copy)]
struct Place {
    now: u64,
    life: u32,
    delivery: u32,
    generation: u32,
    tag: u64,
}

const HERE: Place = Place { now: 1_000, life: 3, delivery: 50, generation: 7, tag: 20 };
const LATER: Place = Place { now: 9_500, life: 8, delivery: 90, generation: 9, tag: 77 };

impl Place {
    /// A fingerprint from here, in which tags and generations are of the second subscription.
    fn print(self, enter: impl FnOnce(&mut Fingerprint<'_>)) -> u64 {
        self.with_context(|context| {
            let mut into = Fingerprint::new(context);
            into.set_own(OWN);
            enter(&mut into);
            into.finish()
        })
    }

    /// A digest from here, and the names that it did not take.
    fn digest(self, what: &impl Fingerprinted) -> (u64, Vec<Name>) {
        let mut names = Vec::new();
        let digest = self.with_context(|context| {
            let mut into = Fingerprint::collecting(context, &mut names);
            what.fingerprint(&mut into);
            into.finish()
        });
        (digest, names)
    }

    fn with_context<T>(self, use_it: impl FnOnce(Context<'_>) -> T) -> T {
        use_it(Context {
            now: Instant::from_nanos(self.now),
            incarnations: &[Incarnation(0), Incarnation(self.life)],
            next_delivery: DeliveryId(self.delivery),
            generations: &[Generation(1), Generation(self.generation)],
            next_tags: &[5, self.tag],
            named_from: &[],
        })
    }

    fn at(self, until: u64) -> Instant {
        Instant::from_nanos(self.now + until)
    }

    fn generation(self, ago: u32) -> Generation {
        Generation(self.generation - ago)
    }

    fn record(self) -> Record {
        Record { message: MessageId(1), key: Key(2), bytes: 3 }
    }

    /// A delivery of a queue, which has no generation.
    fn delivery(self) -> Delivery {
        Delivery {
            id: DeliveryId(self.delivery - 2),
            record: self.record(),
            partition: PartitionId(0),
            position: self.tag - 4,
            attempt: 1,
            redelivered: false,
            generation: Generation(0),
            at: Instant::from_nanos(self.now - 10),
        }
    }

    fn received(self) -> Received {
        let (tag, record) = (self.tag - 1, self.record());
        Received { tag, record, delivery_count: 1, redelivered: false }
    }
}

fn position(offset: u64) -> PartitionOffset {
    PartitionOffset { partition: PartitionId(0), offset }
}

/// Every kind of request and answer, each also with one thing changed, and some deliveries, as they
/// would be at a place. No two of one type are the same.
fn all(from: Place) -> [Vec<Box<dyn Fingerprinted>>; 5] {
    [
        deliveries(from).map(boxed).collect(),
        log_requests(from).map(boxed).collect(),
        log_responses(from).map(boxed).collect(),
        queue_requests(from).map(boxed).collect(),
        queue_responses(from).map(boxed).collect(),
    ]
}

fn boxed(what: impl Fingerprinted + 'static) -> Box<dyn Fingerprinted> {
    Box::new(what)
}

fn deliveries(from: Place) -> impl Iterator<Item = Delivery> {
    let first = from.delivery();
    let record = from.record();
    let on_a_log = Delivery { generation: from.generation(0), position: 16, ..first };
    [
        first,
        Delivery { id: DeliveryId(from.delivery - 3), ..first },
        Delivery { record: Record { message: MessageId(2), ..record }, ..first },
        Delivery { record: Record { key: Key(1), ..record }, ..first },
        Delivery { record: Record { bytes: 4, ..record }, ..first },
        Delivery { partition: PartitionId(1), ..first },
        Delivery { position: from.tag - 3, ..first },
        Delivery { attempt: 2, ..first },
        Delivery { redelivered: true, ..first },
        Delivery { at: Instant::from_nanos(from.now), ..first },
        on_a_log,
        Delivery { position: 17, ..on_a_log },
        Delivery { generation: from.generation(1), ..on_a_log },
    ]
    .into_iter()
}

fn log_requests(from: Place) -> impl Iterator<Item = log::Request> {
    let records = || vec![from.record()];
    let produce = |partition, records, acks| log::Request::Produce {
        partition: PartitionId(partition),
        records,
        acks,
        sequence: None,
    };
    let in_sequence = |epoch, first| log::Request::Produce {
        partition: PartitionId(0),
        records: records(),
        acks: Acks::All,
        sequence: Some(BatchSequence { epoch, first }),
    };
    let fetch = |ago, positions, max_records, deadline| log::Request::Fetch {
        group: OWN,
        generation: from.generation(ago),
        positions,
        max_records,
        buffer: Vec::with_capacity(max_records as usize),
        deadline,
    };
    let commit = |ago, offsets, trigger| log::Request::Commit {
        group: OWN,
        generation: from.generation(ago),
        offsets,
        trigger,
    };
    [
        produce(0, records(), Acks::All),
        produce(1, records(), Acks::All),
        produce(0, records(), Acks::None),
        produce(0, Vec::new(), Acks::All),
        in_sequence(0, 0),
        in_sequence(0, 1),
        in_sequence(1, 0),
        log::Request::Join { group: OWN, has: Generation(0) },
        log::Request::Join { group: OWN, has: from.generation(1) },
        log::Request::Join { group: SubscriptionId(0), has: Generation(0) },
        log::Request::Leave { group: OWN },
        fetch(0, vec![position(0)], 1, from.at(5)),
        fetch(1, vec![position(0)], 1, from.at(5)),
        fetch(0, vec![position(1)], 1, from.at(5)),
        fetch(0, vec![position(0); 2], 1, from.at(5)),
        fetch(0, vec![position(0)], 2, from.at(5)),
        fetch(0, vec![position(0)], 1, from.at(0)),
        fetch(0, vec![position(0)], 1, Instant::NEVER),
        commit(0, vec![position(1)], SettleTrigger::Timer),
        commit(1, vec![position(1)], SettleTrigger::Timer),
        commit(0, vec![position(2)], SettleTrigger::Timer),
        commit(0, vec![position(1)], SettleTrigger::Close),
    ]
    .into_iter()
}

fn log_responses(from: Place) -> impl Iterator<Item = log::Response> {
    let young = |committed, young_from| AssignedPartition {
        partition: PartitionId(0),
        committed,
        log_start: 0,
        high_watermark: 9,
        young_from,
    };
    let bounds = |committed| young(committed, 9);
    let joined = |ago, committed| log::Response::Joined {
        generation: from.generation(ago),
        assigned: vec![bounds(committed)],
    };
    let fetched = |offset| Fetched { partition: PartitionId(0), offset, record: from.record() };
    let out_of_range = |position| log::Response::OutOfRange {
        partition: Box::new(bounds(None)),
        position,
        positions: Vec::new(),
        buffer: Vec::new(),
    };
    let read = |records, positions| log::Response::Fetched { records, positions };
    let not_appended = |refusal, records| log::Response::ProduceRefused { refusal, records };
    [
        log::Response::Produced { base_offset: 0, records: Vec::new() },
        log::Response::Produced { base_offset: 1, records: Vec::new() },
        joined(0, None),
        log::Response::Joined { generation: from.generation(0), assigned: vec![young(None, 5)] },
        joined(1, None),
        joined(0, Some(0)),
        joined(0, Some(1)),
        log::Response::Left,
        read(Vec::new(), vec![position(0)]),
        read(vec![fetched(0)], Vec::new()),
        read(vec![fetched(1)], Vec::new()),
        out_of_range(10),
        out_of_range(11),
        log::Response::Committed { offsets: vec![position(3)] },
        log::Response::Committed { offsets: vec![position(4)] },
        log::Response::Refused(Refusal::UnknownMember),
        log::Response::Refused(Refusal::IllegalGeneration),
        not_appended(ProduceRefusal::InvalidProducerEpoch, Vec::new()),
        not_appended(ProduceRefusal::OutOfOrderSequence, Vec::new()),
        not_appended(ProduceRefusal::OutOfOrderSequence, vec![from.record()]),
    ]
    .into_iter()
}

fn queue_requests(from: Place) -> impl Iterator<Item = queue::Request> {
    let publish =
        |confirm| queue::Request::Publish { records: vec![from.record()], confirm, id: 0 };
    let receive = |max, settle_at_delivery, deadline| queue::Request::Receive {
        queue: OWN,
        max,
        settle_at_delivery,
        buffer: Vec::new(),
        deadline,
    };
    let settle = |tags: &[u64], settlement, multiple, trigger| queue::Request::Settle {
        queue: OWN,
        tags: tags.iter().map(|ago| from.tag - ago).collect(),
        settlement,
        multiple,
        trigger,
    };
    let retry = |tried, after| queue::Request::Retry {
        queue: OWN,
        record: from.record(),
        tried,
        after: Duration::from_secs(after),
    };
    let by_hand = SettleTrigger::Application;
    [
        publish(true),
        publish(false),
        receive(1, false, Instant::NEVER),
        receive(2, false, Instant::NEVER),
        receive(1, true, Instant::NEVER),
        receive(1, false, from.at(1)),
        settle(&[1], Settlement::Ack, false, by_hand),
        settle(&[2], Settlement::Ack, false, by_hand),
        settle(&[1, 2], Settlement::Ack, false, by_hand),
        settle(&[1], Settlement::Requeue, false, by_hand),
        settle(&[1], Settlement::Ack, true, by_hand),
        settle(&[1], Settlement::Ack, false, SettleTrigger::NextReceive),
        retry(1, 2),
        retry(2, 2),
        retry(1, 3),
        queue::Request::Close { queue: OWN },
    ]
    .into_iter()
}

fn queue_responses(from: Place) -> impl Iterator<Item = queue::Response> {
    let received = |received| queue::Response::Received { deliveries: vec![received] };
    let first = from.received();
    [
        queue::Response::Published { records: Vec::new() },
        queue::Response::PublishRefused { records: Vec::new() },
        queue::Response::PublishRefused { records: vec![from.record()] },
        queue::Response::Received { deliveries: Vec::new() },
        received(first),
        received(Received { tag: from.tag - 2, ..first }),
        received(Received { delivery_count: 2, ..first }),
        received(Received { redelivered: true, ..first }),
        queue::Response::Settled { tags: Vec::new() },
        queue::Response::Stale { tags: Vec::new() },
        queue::Response::Stale { tags: vec![from.tag - 1] },
        queue::Response::Closed,
        queue::Response::UnknownQueue,
    ]
    .into_iter()
}

#[test]
fn whatever_differs_has_another_fingerprint_and_new_names_have_none() {
    let print = |at: Place, what: &dyn Fingerprinted| at.print(|into| what.fingerprint(into));
    let mut moved = [0; 4];
    for (here, later) in all(HERE).iter().zip(all(LATER)) {
        let prints: Vec<u64> = here.iter().map(|what| print(HERE, &**what)).collect();
        assert_eq!(prints.iter().collect::<BTreeSet<_>>().len(), prints.len(), "two are the same");
        assert!(later.iter().zip(&prints).all(|(what, of)| print(LATER, &**what) == *of));
        let elsewhere = [
            Place { now: 1_001, ..HERE },
            Place { delivery: 51, ..HERE },
            Place { generation: 8, ..HERE },
            Place { tag: 21, ..HERE },
        ];
        for (moved, at) in moved.iter_mut().zip(elsewhere) {
            let differs = |(what, of): (&Box<_>, &u64)| print(at, &**what) != *of;
            *moved += here.iter().zip(&prints).map(differs).filter(|differs| *differs).count();
        }
    }
    assert!(
        moved.iter().all(|moved| *moved > 8),
        "the same names are others from there: {moved:?}"
    );
}

#[test]
fn a_client_is_a_process_and_how_many_lives_ago() {
    let client =
        |process, life| ClientId { process: ProcessId(process), incarnation: Incarnation(life) };
    let check =
        |place: Place, process, life| place.print(|into| into.client(client(process, life)));
    assert_eq!(check(HERE, 1, 2), check(LATER, 1, 7));
    assert_ne!(check(HERE, 1, 2), check(HERE, 1, 3));
    assert_ne!(check(HERE, 0, 0), check(HERE, 1, 3), "another process, in its present life");
}

#[test]
fn times_count_from_now_except_for_never() {
    let check = |place: Place, at| place.print(|into| into.time(at));
    assert_eq!(check(HERE, HERE.at(5)), check(LATER, LATER.at(5)));
    assert_ne!(check(HERE, HERE.at(5)), check(HERE, HERE.at(6)));
    let past = |place: Place| check(place, Instant::from_nanos(place.now - 1));
    assert_eq!(past(HERE), past(LATER));
    assert_ne!(past(HERE), check(HERE, HERE.at(0)));
    assert_eq!(check(HERE, Instant::NEVER), check(LATER, Instant::NEVER));
}

#[test]
fn no_generation_at_all_is_not_so_many_ago() {
    let check = |place: Place, number| place.print(|into| into.own_generation(Generation(number)));
    assert_eq!(check(HERE, 0), check(LATER, 0));
    assert_ne!(check(HERE, 0), check(HERE, HERE.generation));
    assert_eq!(check(HERE, HERE.generation), check(LATER, LATER.generation));
}

/// Two words must not be taken for one, nor an end of a list for the beginning of the next.
#[test]
fn boundaries_count() {
    let lists = |lists: &[&[u32]]| {
        HERE.print(|into| {
            for list in lists {
                let records: Vec<Record> = list
                    .iter()
                    .map(|message| Record { message: MessageId(*message), ..HERE.record() })
                    .collect();
                into.list(&records);
            }
        })
    };
    let all = [lists(&[]), lists(&[&[]]), lists(&[&[], &[]]), lists(&[&[1], &[2]])];
    let more = [lists(&[&[1, 2], &[]]), lists(&[&[], &[1, 2]]), lists(&[&[2], &[1]])];
    let zeros = [1, 2, 3].map(|n| HERE.print(|into| (0..n).for_each(|_| into.word(0))));
    let maybes = [None, Some(0), Some(1)].map(|word| HERE.print(|into| into.maybe(word)));
    for family in [&all[..], &more[..], &zeros[..], &maybes[..]] {
        assert_eq!(family.iter().collect::<BTreeSet<_>>().len(), family.len());
    }
    assert_eq!(all.iter().chain(&more).collect::<BTreeSet<_>>().len(), 7);
}

#[test]
fn a_digest_keeps_names_out_and_collects_them() {
    let names = |from: Place| (from.digest(&from.delivery()), from.delivery());
    let ((digest, collected), delivery) = names(HERE);
    let all = [Name::Delivery(delivery.id), Name::Tag(delivery.position), Name::Time(delivery.at)];
    assert_eq!(collected, all);
    assert_eq!(digest, names(LATER).0.0);
    let renamed = Delivery { id: DeliveryId(1), position: 2, at: Instant::START, ..delivery };
    assert_eq!(HERE.digest(&renamed).0, digest);
    assert_ne!(HERE.digest(&Delivery { attempt: 2, ..delivery }).0, digest);
    assert_ne!(HERE.digest(&Delivery { at: Instant::NEVER, ..delivery }).0, digest);
    let joined = log::Response::Joined { generation: Generation(7), assigned: Vec::new() };
    assert_eq!(HERE.digest(&joined).1, [Name::Generation(Generation(7))]);
}

/// What is collected of an answer and entered later is as good as the answer entered later.
#[test]
fn collected_names_enter_relatively() {
    let enter = |at: Place, names: &[Name]| at.print(|into| into.list(names));
    let collect = |from: Place| {
        let of_log = Delivery { generation: from.generation(1), ..from.delivery() };
        let mut names = from.digest(&from.delivery()).1;
        names.extend(from.digest(&of_log).1);
        names
    };
    assert_eq!(enter(HERE, &collect(HERE)), enter(LATER, &collect(LATER)));
    assert_ne!(enter(HERE, &collect(HERE)), enter(LATER, &collect(HERE)));
    let at = Name::Time(Instant::from_nanos(HERE.now - 6));
    let kinds = [Name::Tag(3), Name::Delivery(DeliveryId(3)), Name::Generation(Generation(3)), at];
    let prints = kinds.map(|name| {
        Place { tag: 9, delivery: 9, generation: 9, ..HERE }.print(|into| name.fingerprint(into))
    });
    assert_eq!(prints.iter().collect::<BTreeSet<_>>().len(), 4);
}

/// Without the owner of a tag, renamed states look different, but different states never look the
/// same.
#[test]
fn without_an_own_subscription_names_enter_as_they_are() {
    let check = |place: Place, tag| {
        place.with_context(|context| {
            let mut into = Fingerprint::new(context);
            into.own_tag(tag);
            into.finish()
        })
    };
    assert_eq!(check(HERE, 3), check(LATER, 3));
    assert_ne!(check(HERE, HERE.tag - 1), check(LATER, LATER.tag - 1));
}

/// The bits of small numbers must reach all of the result, or a table of states fills unevenly.
#[test]
fn small_differences_spread() {
    let prints: BTreeSet<u64> = (0..20_000_u64)
        .map(|n| HERE.print(|into| [n % 200, n / 200].iter().for_each(|w| into.word(*w))))
        .collect();
    assert_eq!(prints.len(), 20_000);
    for bit in 0..64 {
        let ones = prints.iter().filter(|print| **print >> bit & 1 == 1).count();
        assert!((9_500..10_500).contains(&ones), "bit {bit}: {ones}");
    }
}
