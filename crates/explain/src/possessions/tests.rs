//! Possessions of runs of a few events, written by hand.

use entrega_model::event::{
    EffectVerdict, ProcessingResult, RemoveReason, SettleAct, SettleTrigger,
};
use entrega_model::{Generation, Incarnation, Key, Kind};

use super::*;

const OURS: SubscriptionId = SubscriptionId(0);
const M: MessageId = MessageId(0);
const A: ProcessId = ProcessId(1);
const B: ProcessId = ProcessId(2);
const PARTITION: PartitionId = PartitionId(0);

/// The possessions of a run in which an event happens every second.
fn read(kinds: &[Kind]) -> Possessions {
    let events: Vec<Event> = (0u64..)
        .zip(kinds)
        .map(|(second, kind)| Event {
            at: Instant::from_nanos(second * 1_000_000_000),
            kind: *kind,
        })
        .collect();
    Possessions::of_run(&events)
}

/// Each possession with its ends: `1 delivered@3: Crashed@5 Requeued@6`.
fn check(kinds: &[Kind], expect: &[&str]) {
    let found = read(kinds);
    let shown: Vec<String> = found.all().iter().map(shown).collect();
    assert_eq!(shown, expect);
    for (index, possession) in found.all().iter().enumerate() {
        let ends = possession.ends.iter().map(|end| end.place.event);
        assert!(ends.is_sorted(), "{possession:?}");
        if let Some(Delivery { id, .. }) = possession.delivery {
            assert_eq!(found.by_delivery(id), Some(&found.all()[index]));
        }
    }
    assert_eq!(found.of(OURS, M).count(), found.all().len());
}

fn shown(possession: &Possession) -> String {
    let delivered = match possession.delivery {
        Some(delivery) => format!("delivered@{}", delivery.place.event),
        None => "buffered".to_owned(),
    };
    let ends = possession.ends.iter().map(|end| format!(" {:?}@{}", end.how, end.place.event));
    format!("{} {delivered}:{}", possession.process, ends.collect::<String>())
}

fn queued() -> Kind {
    let (partition, position, copy) = (PARTITION, 0, 1);
    Kind::Stored { message: M, subscription: Some(OURS), partition, position, copy }
}

fn appended(offset: u32) -> Kind {
    let message = MessageId(offset);
    let position = u64::from(offset);
    Kind::Stored { message, subscription: None, partition: PARTITION, position, copy: 1 }
}

/// A delivery of the message, at its offset if the broker is a log.
fn delivered(consumer: ProcessId, id: u32, attempt: u16) -> Kind {
    Kind::Delivered {
        delivery: DeliveryId(id),
        message: M,
        subscription: OURS,
        consumer,
        partition: PARTITION,
        position: 0,
        attempt,
        redelivered: attempt > 1,
    }
}

fn effect(consumer: ProcessId, id: u32) -> Kind {
    let (delivery, key, verdict) = (DeliveryId(id), Key(0), EffectVerdict::Applied);
    Kind::Effect { delivery, message: M, key, subscription: OURS, consumer, verdict }
}

fn processed(consumer: ProcessId, id: u32) -> Kind {
    let (delivery, result) = (DeliveryId(id), ProcessingResult::Ok);
    Kind::ProcessingEnded { delivery, message: M, subscription: OURS, consumer, result }
}

fn settled(consumer: ProcessId, act: SettleAct) -> Kind {
    let trigger = SettleTrigger::Application;
    Kind::Settled { message: M, subscription: OURS, consumer, act, trigger }
}

fn committed(consumer: ProcessId, upto: u64, previous: u64) -> Kind {
    let trigger = SettleTrigger::Application;
    Kind::Committed { subscription: OURS, consumer, partition: PARTITION, upto, previous, trigger }
}

fn lease_expired(consumer: ProcessId) -> Kind {
    Kind::LeaseExpired { message: M, subscription: OURS, consumer }
}

fn requeued(consumer: ProcessId) -> Kind {
    Kind::Requeued { message: M, subscription: OURS, consumer }
}

fn assigned(consumer: ProcessId) -> Kind {
    let (partition, generation, position) = (PARTITION, Generation(1), 0);
    Kind::Assigned { subscription: OURS, consumer, partition, generation, position }
}

fn session_expired(consumer: ProcessId) -> Kind {
    Kind::SessionExpired { subscription: OURS, consumer }
}

fn revoked(consumer: ProcessId) -> Kind {
    Kind::Revoked { subscription: OURS, consumer, partition: PARTITION }
}

fn partition_lost(consumer: ProcessId) -> Kind {
    Kind::Lost { subscription: OURS, consumer, partition: PARTITION }
}

fn sought(consumer: ProcessId, from: u64, to: u64) -> Kind {
    Kind::Sought { subscription: OURS, consumer, partition: PARTITION, from, to }
}

fn crashed(process: ProcessId) -> Kind {
    Kind::Crashed { process, incarnation: Incarnation(0) }
}

fn started(process: ProcessId) -> Kind {
    Kind::Started { process, incarnation: Incarnation(1) }
}

fn exited(process: ProcessId) -> Kind {
    Kind::Exited { process, incarnation: Incarnation(0), failed: false }
}

#[test]
fn a_queue_ends_possessions() {
    let ends = |end: Kind, expect: &str| check(&[queued(), delivered(A, 0, 1), end], &[expect]);
    ends(settled(A, SettleAct::Ack), "1 delivered@1: Settled@2");
    ends(settled(A, SettleAct::Reject), "1 delivered@1: Settled@2");
    ends(settled(A, SettleAct::Requeue), "1 delivered@1: GivenBack@2");
    ends(settled(A, SettleAct::Extend), "1 delivered@1:");
    ends(lease_expired(A), "1 delivered@1: LeaseExpired@2");
    ends(Kind::BrokerRestarted, "1 delivered@1: BrokerRestarted@2");
    ends(crashed(A), "1 delivered@1: Crashed@2");
    ends(exited(A), "1 delivered@1: Exited@2");
    let reason = RemoveReason::Settled;
    ends(Kind::Removed { message: M, subscription: Some(OURS), reason }, "1 delivered@1:");
}

#[test]
fn a_log_ends_possessions() {
    let ends = |end: Kind, expect: &str| {
        check(&[appended(0), assigned(A), delivered(A, 0, 1), end], &[expect]);
    };
    ends(committed(A, 1, 0), "1 delivered@2: Settled@3");
    ends(committed(A, 0, 0), "1 delivered@2:");
    ends(session_expired(A), "1 delivered@2: SessionExpired@3");
    ends(revoked(A), "1 delivered@2: Revoked@3");
    ends(partition_lost(A), "1 delivered@2: PartitionLost@3");
    ends(sought(A, 1, 0), "1 delivered@2: SoughtBack@3");
    ends(sought(A, 1, 1), "1 delivered@2:");
    ends(crashed(A), "1 delivered@2: Crashed@3");
    ends(exited(A), "1 delivered@2: Exited@3");
    ends(Kind::BrokerRestarted, "1 delivered@2:");
}

/// What befalls one holder does not end the possession of another.
#[test]
fn an_end_belongs_to_its_holder() {
    let both = |end: Kind, expect: [&str; 2]| {
        let taken = [queued(), delivered(A, 0, 1), lease_expired(A), delivered(B, 1, 2), end];
        check(&taken, &expect);
    };
    both(crashed(A), ["1 delivered@1: LeaseExpired@2 Crashed@4", "2 delivered@3:"]);
    both(crashed(B), ["1 delivered@1: LeaseExpired@2", "2 delivered@3: Crashed@4"]);
    both(lease_expired(B), ["1 delivered@1: LeaseExpired@2", "2 delivered@3: LeaseExpired@4"]);
    both(settled(B, SettleAct::Ack), ["1 delivered@1: LeaseExpired@2", "2 delivered@3: Settled@4"]);
    let moved = |end: Kind, expect: [&str; 2]| {
        let moves = [appended(0), assigned(A), delivered(A, 0, 1), session_expired(A)];
        let again = [assigned(B), delivered(B, 1, 1), end];
        check(&[&moves[..], &again].concat(), &expect);
    };
    moved(committed(B, 1, 0), ["1 delivered@2: SessionExpired@3", "2 delivered@5: Settled@6"]);
    moved(partition_lost(A), ["1 delivered@2: SessionExpired@3 PartitionLost@6", "2 delivered@5:"]);
}

/// Two copies are stored, and each has its holder: the end of the second is not that of the first.
#[test]
fn an_end_belongs_to_its_copy() {
    let copies = [queued(), queued(), delivered(A, 0, 1), delivered(B, 1, 1)];
    let ended = |end: Kind, expect: [&str; 2]| check(&[&copies[..], &[end]].concat(), &expect);
    ended(lease_expired(B), ["1 delivered@2:", "2 delivered@3: LeaseExpired@4"]);
    ended(settled(B, SettleAct::Ack), ["1 delivered@2:", "2 delivered@3: Settled@4"]);
    ended(settled(A, SettleAct::Ack), ["1 delivered@2: Settled@4", "2 delivered@3:"]);
}

/// A process holds nothing from an earlier life: its second crash does not end what it held in the
/// first.
#[test]
fn an_end_belongs_to_its_life() {
    let again = [queued(), delivered(A, 0, 1), crashed(A), requeued(A), started(A)];
    let twice = [&again[..], &[delivered(A, 1, 2), crashed(A), requeued(A)]].concat();
    let expect = ["1 delivered@1: Crashed@2 Requeued@3", "1 delivered@5: Crashed@6 Requeued@7"];
    check(&twice, &expect);
}

#[test]
fn a_zombie_overlaps_its_successor() {
    let kinds = [
        queued(),
        delivered(A, 0, 1),
        lease_expired(A),
        delivered(B, 1, 2),
        effect(B, 1),
        effect(A, 0),
        processed(B, 1),
        settled(B, SettleAct::Ack),
        crashed(A),
    ];
    let found = read(&kinds);
    let [zombie, successor] = found.all() else { panic!("{found:?}") };
    assert_eq!(shown(zombie), "1 delivered@1: LeaseExpired@2 Crashed@8");
    assert_eq!(zombie.end().map(|end| end.how), Some(Ending::LeaseExpired));
    assert_eq!(zombie.effects, [Place { event: 5, at: Instant::from_nanos(5_000_000_000) }]);
    assert_eq!(shown(successor), "2 delivered@3: Settled@7");
    assert_eq!(successor.effects.len(), 1);
    assert_eq!(successor.processed.map(|place| place.event), Some(6));
    assert!(successor.delivery.is_some_and(|delivery| delivery.redelivered));
    let settle = found.settle(OURS, M).expect("a settle");
    assert_eq!((settle.place.event, settle.process), (7, B));
}

/// The lease runs out in the client library, which delivers the message all the same.
#[test]
fn a_lease_may_expire_in_the_buffer() {
    let kinds = [queued(), lease_expired(A), delivered(B, 0, 2), delivered(A, 1, 1), crashed(A)];
    check(&kinds, &["1 delivered@3: LeaseExpired@1 Crashed@4", "2 delivered@2:"]);
    let found = read(&kinds);
    let [zombie, successor] = found.all() else { panic!("{found:?}") };
    assert!(zombie.ends_in_buffer() && !successor.ends_in_buffer());
    assert_eq!((zombie.from.event, successor.from.event), (0, 2));
}

/// The second attempt at the same process is another possession.
#[test]
fn a_later_attempt_does_not_continue_what_expired_in_the_buffer() {
    let kinds = [queued(), lease_expired(A), delivered(A, 0, 2)];
    check(&kinds, &["1 buffered: LeaseExpired@1", "1 delivered@2:"]);
}

#[test]
fn a_crash_takes_what_is_in_the_buffer() {
    let kinds = [queued(), crashed(A), requeued(A), started(A), crashed(A)];
    check(&kinds, &["1 buffered: Crashed@1 Requeued@2"]);
}

/// The owner of a partition lost it while the message was in its buffer.
#[test]
fn a_partition_may_go_before_the_delivery() {
    let kinds = [appended(0), assigned(A), session_expired(A), assigned(B), delivered(A, 0, 1)];
    check(&kinds, &["1 delivered@4: SessionExpired@2"]);
    assert_eq!(read(&kinds).all()[0].from.event, 1);
    let again = [appended(0), assigned(A), session_expired(A), assigned(A), delivered(A, 0, 1)];
    check(&again, &["1 delivered@4:"]);
}

#[test]
fn an_automatic_ack_settles_before_the_delivery() {
    let kinds = [queued(), settled(A, SettleAct::Ack), delivered(A, 0, 1), crashed(A)];
    check(&kinds, &["1 delivered@2: Settled@1 Crashed@3"]);
}

/// The next owner of the partition may go back behind what the group has committed.
#[test]
fn a_successor_may_seek_back_over_what_is_settled() {
    let done = [appended(0), assigned(A), delivered(A, 0, 1), processed(A, 0), committed(A, 1, 0)];
    let moved = [revoked(A), assigned(B), sought(B, 1, 0), delivered(B, 1, 1)];
    let expect = ["1 delivered@2: Settled@4 SoughtBack@7", "2 delivered@8: Settled@9"];
    check(&[&done[..], &moved, &[committed(B, 1, 1)]].concat(), &expect);
    let held = [appended(0), assigned(A), delivered(A, 0, 1), session_expired(A), assigned(B)];
    let expect = ["1 delivered@2: SessionExpired@3"];
    check(&[&held[..], &[sought(B, 1, 0)]].concat(), &expect);
}

/// A commit that goes back takes the settle of what lies behind it away.
#[test]
fn a_commit_may_go_back() {
    let start = [appended(0), appended(1), assigned(A), delivered(A, 0, 1), processed(A, 0)];
    let forth = [&start[..], &[committed(A, 1, 0), crashed(A)]].concat();
    check(&forth, &["1 delivered@3: Settled@5"]);
    let back = [&start[..], &[committed(A, 1, 0), committed(A, 0, 1), crashed(A)]].concat();
    check(&back, &["1 delivered@3: Crashed@7"]);
    assert_eq!(read(&back).settle(OURS, M).map(|settle| settle.place.event), Some(5));
}

/// A commit behind a message settles it for the group, whether it was delivered or not.
#[test]
fn a_commit_settles_what_lies_before_it() {
    let kinds = [appended(0), appended(1), assigned(A), committed(A, 2, 0)];
    let found = read(&kinds);
    assert!(found.all().is_empty());
    assert_eq!(found.settle(OURS, M).map(|settle| settle.place.event), Some(3));
    assert_eq!(found.settle(SubscriptionId(1), M), None);
    assert_eq!(found.position(MessageId(1)), Some((PARTITION, 1)));
}

/// The client library commits the offset of what it has fetched and not delivered yet.
#[test]
fn a_commit_may_settle_before_the_delivery() {
    let kinds = [appended(0), assigned(A), committed(A, 1, 0), delivered(A, 0, 1), crashed(A)];
    check(&kinds, &["1 delivered@3: Settled@2 Crashed@4"]);
}

/// Another consumer is assigned the partition of one that has neither given it up nor lost it: its
/// group did not wait for it.
#[test]
fn a_group_that_goes_on_ends_possessions() {
    let held = [appended(0), assigned(A), delivered(A, 0, 1)];
    let moved = [assigned(B), delivered(B, 1, 1)];
    let check = |between: &[Kind], after: &[Kind], expect: &[&str]| {
        check(&[&held[..], between, &moved, after].concat(), expect);
    };
    check(&[], &[], &["1 delivered@2: NotRejoined@3", "2 delivered@4:"]);
    let learns = [partition_lost(A)];
    check(&[], &learns, &["1 delivered@2: NotRejoined@3 PartitionLost@5", "2 delivered@4:"]);
    check(&[revoked(A)], &[], &["1 delivered@2: Revoked@3", "2 delivered@5:"]);
    check(&[session_expired(A)], &[], &["1 delivered@2: SessionExpired@3", "2 delivered@5:"]);
    check(&[], &[exited(A)], &["1 delivered@2: Exited@5", "2 delivered@4:"]);
    let forgotten = Kind::BrokerRestarted;
    check(&[forgotten], &[], &["1 delivered@2:", "2 delivered@5:"]);
}
