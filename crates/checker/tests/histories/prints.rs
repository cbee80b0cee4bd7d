//! Which histories are one to a fingerprint, and which are not: by hand. `twins` leaves it to
//! chance.

use std::collections::BTreeSet;

use entrega_checker::{Checker, Config};
use entrega_model::event::{
    DeadLetterReason, ProcessingResult, RemoveReason, SendOutcome, SettleAct, SettleOutcome,
    SettleTrigger,
};
use entrega_model::fingerprint::{Context, Fingerprint};
use entrega_model::{DeliveryId, Generation, Kind, MessageId, Observer, PartitionId, ProcessId};

use crate::dsl::{Handed, History, SUBSCRIPTION, log, queue, strict};

/// The fingerprint of a history after which the next delivery will have this name.
fn print_before(history: &History, next: u32) -> u64 {
    let subscriptions = vec![strict()];
    let mut checker =
        Checker::new(Config { subscriptions, processes: 4, messages: 0, ..Config::default() });
    checker.observe(&history.events);
    let next_delivery = DeliveryId(next);
    let mut print = Fingerprint::new(Context { next_delivery, ..Context::default() });
    checker.fingerprint(&mut print);
    print.finish()
}

fn print(history: &History) -> u64 {
    print_before(history, 100)
}

const FIRST: Handed = Handed(10, 0, 1);
const AGAIN: Handed = Handed(11, 0, 2);

#[test]
fn new_names_and_other_times_make_no_difference() {
    let named = |first: u32| {
        let (one, two) = (Handed(first, 0, 1), Handed(first + 1, 0, 2));
        queue().sent(0).processed(one).crashed(1).delivered(two)
    };
    assert_eq!(print_before(&named(5), 7), print_before(&named(45), 47));
    assert_ne!(print_before(&named(5), 7), print_before(&named(45), 48));
    let later = queue().stalled(3).resumed(3).sent(0).processed(FIRST);
    assert_eq!(print(&later), print(&queue().sent(0).processed(FIRST)));
}

fn check_same(one: &History, other: &History) {
    assert_eq!(print(one), print(other), "{one:#?}\n{other:#?}");
}

#[test]
fn what_nothing_asks_for_any_more_makes_no_difference() {
    let held = queue().sent(0).processed(FIRST);
    check_same(&held.clone().failed(FIRST, ProcessingResult::Poison).invoked(0, 0, 2), &held);

    let gone = held.clone().crashed(1);
    check_same(&held.clone().settle_invoked(FIRST, SettleAct::Ack).crashed(1), &gone);
    check_same(&held.clone().settle_ended(FIRST, SettleOutcome::Fail).crashed(1), &gone);
    check_same(&held.clone().broker_restarted().broker_restarted(), &held.broker_restarted());

    let twice = gone.delivered(AGAIN).applied(AGAIN);
    check_same(&twice.clone().applied(AGAIN), &twice);
    check_same(&twice.clone().lease_expired(0, 2), &twice);
    check_same(&twice.clone().retrievable(0), &twice);
    check_same(&twice.clone().removed(0, RemoveReason::Settled), &twice);

    let ended = |history: History| history.delivered(AGAIN).applied(AGAIN);
    let copied = || queue().sent(0).stored(0, 1).processed(FIRST);
    check_same(&ended(copied().crashed(1)), &ended(copied().exited(1)));

    let committed = log().sent(0).committed_by(2, 0, 1, SettleTrigger::Timer);
    check_same(&committed.clone().reset(1, None, 0), &committed.reset(1, None, 1));

    let copies = queue().sent(0).stored(0, 1).processed(FIRST);
    check_same(&copies.clone().stored(0, 2), &copies);
    check_same(&copies.clone().settle_invoked(FIRST, SettleAct::Ack), &copies);
}

#[test]
fn holds_that_nothing_refers_to_make_no_difference() {
    let fresh = log().sent(0).assigned(1, 0);
    check_same(&log().sent(0).assigned(2, 0).assigned(1, 0).revoked(2), &fresh);
    check_same(&log().sent(0).assigned(1, 0).crashed(1).begun(1).assigned(1, 0), &fresh);
    check_same(&log().sent(0).reset(2, None, 0).assigned(1, 0), &fresh);
}

/// The first message, stored in another partition than all others.
fn elsewhere(position: u64) -> Kind {
    let (message, partition) = (MessageId(0), PartitionId(1));
    Kind::Stored { message, subscription: None, partition, position, copy: 1 }
}

/// Of two consumers that receive from a partition, one was assigned it: it loses it to the next.
/// Once the broker has forgotten both, nobody does.
#[test]
fn who_was_assigned_a_partition_matters_while_it_can_be_taken_away() {
    let second = Handed(11, 1, 2);
    let sent = || log().sent(0).sent(1);
    let first_owns = sent().assigned(1, 0).delivered(FIRST).delivered(second);
    let second_owns = sent().delivered(FIRST).assigned(2, 1).delivered(second);
    assert_ne!(print(&first_owns), print(&second_owns));
    check_same(&first_owns.broker_restarted(), &second_owns.broker_restarted());
}

/// A broker that restarts forgets who owns what, and not who reads from where.
#[test]
fn from_which_partition_a_consumer_receives_makes_a_difference() {
    let (subscription, consumer) = (SUBSCRIPTION, ProcessId(1));
    let assigned = |partition: u16| {
        let (generation, partition) = (Generation(1), PartitionId(partition));
        Kind::Assigned { subscription, consumer, partition, generation, position: 0 }
    };
    let held = |partition: u16| print(&log().sent(0).push(assigned(partition)).broker_restarted());
    assert_ne!(held(0), held(1));
}

/// A message whose causes are decided keeps its consumer, whose commits cover others.
#[test]
fn who_holds_a_message_matters_to_the_end() {
    let sent = || log().sent(0).sent(1).stored(0, 2).stored(1, 3);
    let held = sent().delivered(Handed(10, 0, 1)).delivered(Handed(11, 1, 2));
    let exchanged = sent().delivered(Handed(10, 1, 1)).delivered(Handed(11, 0, 2));
    assert_ne!(print(&held), print(&exchanged));
}

/// An effect counts even if it came before the send, so that no key has come any further.
#[test]
fn an_effect_before_its_send_makes_a_difference() {
    let copies = || queue().stored(0, 0).stored(0, 1);
    let (held, processed) = (copies().delivered(FIRST), copies().processed(FIRST));
    let sent = |history: History| print(&history.invoked(0, 0, 1).ended(0, SendOutcome::Ok));
    assert_ne!(sent(held), sent(processed));
}

/// A message whose lease ended so often while it waited in a buffer.
fn again_and_again(times: usize) -> History {
    (0..times).fold(queue().sent(0), |history, _| history.lease_expired(0, 1))
}

/// Of one kind each; no two may have one fingerprint.
#[test]
fn what_may_still_be_asked_for_makes_a_difference() {
    let held = queue().sent(0).processed(FIRST);
    let restarted = held.clone().broker_restarted();
    let of_queue = [
        queue(),
        queue().invoked(0, 0, 1),
        queue().invoked(0, 1, 1),
        queue().invoked(0, 0, 1).ended(0, SendOutcome::Info),
        queue().invoked(0, 0, 1).ended(0, SendOutcome::Fail),
        queue().invoked(0, 0, 1).ended(0, SendOutcome::Ok),
        queue().sent(0),
        queue().invoked(0, 0, 1).invoked(2, 0, 1),
        queue().invoked(1, 0, 1).invoked(2, 0, 1),
        queue().invoked_by(ProcessId(7), 0, 0, 1),
        queue().sent(0).stored(0, 1),
        queue().sent(0).stored(0, 1).retrievable(0),
        queue().sent(0).stored(0, 1).removed(0, RemoveReason::Ttl),
        queue().sent(0).stored(0, 1).removed(0, RemoveReason::Overflow),
        queue().sent(0).stored(0, 1).delivered(FIRST),
        queue().sent(0).stored(0, 1).processed(FIRST),
        queue().sent(0).stored(0, 1).delivered(FIRST).dead_lettered(0, DeadLetterReason::Client),
        queue().sent(0).retrievable(0),
        queue().sent(0).removed(0, RemoveReason::Ttl),
        queue().sent(0).removed(0, RemoveReason::Overflow),
        queue().sent(0).acked_by(FIRST, SettleTrigger::Delivery),
        queue().sent(0).dead_lettered(0, DeadLetterReason::Client),
        queue()
            .sent(0)
            .dead_lettered(0, DeadLetterReason::Client)
            .dead_lettered(0, DeadLetterReason::Client),
        queue().sent(0).delivered(FIRST),
        queue().sent(0).delivered(Handed(9, 0, 1)),
        queue().sent(0).delivered(Handed(10, 0, 2)),
        queue().sent(0).delivered_number(FIRST, 2),
        queue().sent(0).lease_expired(0, 1),
        again_and_again(14),
        again_and_again(15),
        again_and_again(16),
        queue().sent(0).delivered_number(FIRST, 15),
        queue().sent(0).delivered_number(FIRST, 16),
        held.clone().settle_invoked(FIRST, SettleAct::Ack),
        held.clone().settle_ended(FIRST, SettleOutcome::Fail),
        held.clone().settle_invoked(FIRST, SettleAct::Requeue),
        held.clone().recorded(FIRST, SettleAct::Ack),
        held.clone().recorded(FIRST, SettleAct::Requeue),
        held.clone().lease_expired(0, 1),
        held.clone().requeued(0, 1),
        held.clone().crashed(1),
        held.clone().exited(1),
        held.clone().applied(FIRST),
        held.clone().delivered(AGAIN),
        held.clone().crashed(1).delivered(AGAIN),
        held.clone().crashed(1).processed(AGAIN),
        held.clone().exited(1).processed(AGAIN),
        restarted.clone().settle_ended(FIRST, SettleOutcome::Fail),
        restarted,
        held,
    ];
    let prints: BTreeSet<u64> = of_queue.iter().map(print).collect();
    assert_eq!(prints.len(), of_queue.len(), "two are the same");
}

#[test]
fn holds_and_offsets_make_a_difference() {
    let held = log().sent(0).assigned(1, 0).processed(FIRST);
    let of_log = [
        log(),
        log().sent(0),
        log().invoked(0, 0, 1).stored(0, 0),
        log().invoked(0, 0, 1).stored(0, 1),
        log().invoked(0, 0, 1).push(elsewhere(0)),
        log().invoked(0, 0, 1).invoked(1, 0, 1).stored(0, 0).stored(1, 1),
        log().invoked(0, 0, 1).invoked(1, 0, 1).stored(1, 0).stored(0, 1),
        log().sent(0).committed_by(1, 0, 1, SettleTrigger::Timer),
        log().sent(0).committed_by(1, 0, 1, SettleTrigger::Close),
        log().sent(0).committed_by(1, 0, 1, SettleTrigger::Close).committed_by(
            1,
            1,
            0,
            SettleTrigger::Close,
        ),
        log().sent(0).reset(1, None, 1),
        log().sent(0).assigned(1, 0),
        log().sent(0).assigned(2, 0),
        log().sent(0).assigned(1, 0).session_expired(1),
        log().sent(0).assigned(1, 0).broker_restarted(),
        held.clone().session_expired(1),
        held.clone().revoked(1),
        held.clone().assigned(2, 0),
        held.clone().assigned(2, 0).assigned(1, 0),
        held.clone().settle_invoked(FIRST, SettleAct::Commit),
        held.clone().reset(1, None, 0),
        held.clone().reset(1, None, 1),
        held.clone().sought(1, 1, 0),
        held.clone().sought(1, 1, 1),
        held.clone().broker_restarted(),
        held.clone().crashed(1),
        held.clone().crashed(1).broker_restarted(),
        held.clone().broker_restarted().crashed(1),
        held,
    ];
    let prints: BTreeSet<u64> = of_log.iter().map(print).collect();
    assert_eq!(prints.len(), of_log.len(), "two are the same");
}

/// Until something was reordered and something replayed, it matters how far each key has come.
#[test]
fn order_is_remembered_until_it_is_broken_for_good() {
    let sent = || queue().sent(0).sent(1).sent(2);
    let [first, second, third] = [Handed(10, 0, 1), Handed(11, 1, 1), Handed(12, 2, 1)];
    let all = |order: [Handed; 3]| {
        order.into_iter().fold(sent(), |history, handed| history.processed(handed))
    };
    let prints = [
        print(&all([first, second, third])),
        print(&all([second, first, third])),
        print(&all([first, second, third]).applied(first)),
        print(&all([first, second, third]).applied(third)),
    ];
    assert_eq!(prints.iter().collect::<BTreeSet<_>>().len(), 4);
    check_same(&all([second, first, third]), &all([third, first, second]));
    let both = |history: History| history.applied(first).applied(second).applied(third);
    check_same(&both(all([second, first, third])), &both(all([first, third, second])));
}

/// Whatever was reordered or replayed elsewhere, it matters how far a key has come: what was
/// applied before it was sent was not of that key yet.
#[test]
fn how_far_a_key_has_come_matters_until_both_are_broken() {
    let second = Handed(12, 1, 1);
    let start = |elsewhere: &[u32]| {
        let history = queue().invoked(4, 1, 1).ended(4, SendOutcome::Ok).invoked(5, 1, 1);
        elsewhere
            .iter()
            .fold(history, |history, message| history.applied(Handed(20 + message, *message, 2)))
    };
    for elsewhere in [&[][..], &[5, 4], &[4, 5, 4]] {
        let early = start(elsewhere).sent(0).processed(second).sent(1);
        let late = start(elsewhere).sent(0).sent(1).processed(second);
        assert_ne!(print(&early), print(&late), "{elsewhere:?}");
    }
}

/// The same deliveries and effects, of which one came after that of a later message.
#[test]
fn a_replay_makes_a_difference() {
    let (first, second) = (Handed(10, 0, 1), Handed(11, 1, 1));
    let sent = || queue().sent(0).sent(1).delivered(first).delivered(second).applied(first);
    let in_order = sent().applied(first).applied(second);
    assert_ne!(print(&in_order), print(&sent().applied(second).applied(first)));
}
