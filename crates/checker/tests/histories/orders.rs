//! Each anomaly of order, and the nearest history that has none.

use entrega_checker::Order;
use entrega_model::event::{RemoveReason, SendOutcome};
use entrega_model::{Kind, MessageId, PartitionId, ProcessId};

use crate::dsl::{Handed, History, log, queue, report, report_in_program_order};

fn check(history: History, expect: Order) {
    assert_eq!(report(&history).order, expect, "{history:#?}");
}

/// Message `id` in its first delivery, to consumer 1.
const fn first(id: u32) -> Handed {
    Handed(id, id, 1)
}

/// Message `id` in its second delivery, to consumer 1.
const fn again(id: u32) -> Handed {
    Handed(100 + id, id, 1)
}

#[test]
fn first_effects() {
    let sent = queue().sent(0).sent(1);
    let pair = Order { adjacent_pairs: 1, ..Order::default() };
    check(sent.clone().processed(first(0)).processed(first(1)), pair);
    let reordered = Order { reordered: 1, reordered_example: Some(MessageId(0)), ..pair };
    check(sent.clone().processed(first(1)).processed(first(0)), reordered);
    check(sent.processed(first(1)), Order::default());
}

#[test]
fn every_message_that_was_overtaken_counts() {
    let sent = queue().sent(0).sent(1).sent(2);
    let history = sent.processed(first(2)).processed(first(1)).processed(first(0));
    let order = report(&history).order;
    assert_eq!((order.reordered, order.adjacent_pairs), (2, 2));
    assert_eq!(order.reordered_example, Some(MessageId(0)));
}

#[test]
fn pipelined_sends_and_other_keys_have_no_order() {
    let pipelined = queue()
        .invoked(0, 0, 1)
        .invoked(1, 0, 1)
        .ended(0, SendOutcome::Ok)
        .ended(1, SendOutcome::Ok);
    let swapped = |history: History| history.processed(first(1)).processed(first(0));
    check(swapped(pipelined), Order { adjacent_pairs: 1, ..Order::default() });
    let keys = queue()
        .invoked(0, 0, 1)
        .ended(0, SendOutcome::Ok)
        .invoked(1, 1, 1)
        .ended(1, SendOutcome::Ok);
    check(swapped(keys), Order::default());
    let unconfirmed = queue().invoked(0, 0, 1).ended(0, SendOutcome::Info).sent(1);
    check(swapped(unconfirmed), Order { adjacent_pairs: 1, ..Order::default() });
}

/// Of three producers that send messages with one key, each has its own order.
#[test]
fn other_producers_have_no_order() {
    let by = |history: History, producer: u16, message: u32| {
        let begun = history.invoked_by(ProcessId(producer), message, 0, 1);
        begun.ended(message, SendOutcome::Ok)
    };
    let sent = by(by(by(queue(), 7, 0), 8, 1), 9, 2);
    let apart = sent.clone().processed(first(2)).processed(first(1)).processed(first(0));
    check(apart, Order::default());
    for (producer, earlier) in [(7, 0), (8, 1), (9, 2)] {
        let history = by(sent.clone(), producer, 3).processed(first(3));
        let pair = Order { adjacent_pairs: 1, reordered: 1, ..Order::default() };
        let reordered = Order { reordered_example: Some(MessageId(earlier)), ..pair };
        check(history.processed(first(earlier)), reordered);
    }
}

/// What a member receives that has left its group belongs to no assignment.
#[test]
fn polls_without_an_assignment() {
    let sent = log().sent(0).sent(1).sent(2).assigned(1, 0).delivered(first(0));
    check(sent.clone().max_poll_exceeded(1).delivered(first(2)), Order::default());
    check(sent.max_poll_exceeded(1).delivered(again(0)), Order::default());
}

#[test]
fn replays() {
    let sent = queue().sent(0).sent(1).processed(first(0));
    let pair = Order { adjacent_pairs: 1, ..Order::default() };
    let replayed = Order { replayed: 1, replayed_example: Some(MessageId(0)), ..pair };
    check(sent.clone().processed(first(1)).processed(again(0)), replayed);
    check(sent.clone().processed(first(1)).processed(again(0)).applied(again(0)), replayed);
    check(sent.clone().processed(again(0)).processed(first(1)), pair);
    check(sent.processed(first(1)).processed(again(1)), pair);
}

#[test]
fn writes() {
    let late = log()
        .invoked(0, 0, 1)
        .ended(0, SendOutcome::Ok)
        .invoked(1, 0, 1)
        .stored(1, 0)
        .ended(1, SendOutcome::Ok)
        .stored(0, 1);
    check(late, Order { write_inversions: 1, ..Order::default() });
    check(log().sent(0).sent(1), Order::default());
    let elsewhere = log().sent(0).sent(1).push(Kind::Stored {
        message: MessageId(0),
        subscription: None,
        partition: PartitionId(1),
        position: 0,
        copy: 2,
    });
    check(elsewhere, Order::default());
    let copy = log().sent(0).sent(1).stored(0, 2);
    check(copy, Order { write_inversions: 1, ..Order::default() });
}

#[test]
fn polls() {
    let sent = log().sent(0).sent(1).sent(2).assigned(1, 0).delivered(first(0));
    check(sent.clone().delivered(first(1)), Order::default());
    let skip = Order { poll_skips: 1, ..Order::default() };
    check(sent.clone().delivered(first(2)), skip);
    check(sent.clone().assigned(1, 2).delivered(first(2)), Order::default());
    check(sent.clone().removed(1, RemoveReason::Compaction).delivered(first(2)), Order::default());
    check(sent.clone().reset(1, Some(1), 2).delivered(first(2)), Order::default());
    check(sent.clone().sought(1, 1, 2).delivered(first(2)), Order::default());
    check(sent.clone().sought(1, 1, 0).delivered(again(0)), Order::default());
    let back = Order { nonmonotonic_polls: 1, ..Order::default() };
    check(sent.clone().delivered(again(0)), back);
    check(sent.assigned(1, 0).delivered(again(0)), Order::default());
}

#[test]
fn offsets() {
    let other = Order { inconsistent_offsets: 1, ..Order::default() };
    check(log().sent(0).sent(1).delivered_at(first(1), 0), other);
    check(log().sent(0).stored(1, 0), other);
    check(log().sent(0).delivered_at(first(0), 0), Order::default());
}

/// An offset that an election frees is used again. That is inconsistent only if both messages were
/// read there.
#[test]
fn offsets_that_are_used_again() {
    let other = Order { inconsistent_offsets: 1, ..Order::default() };
    let cut = |log: History| log.removed(0, RemoveReason::Truncation).invoked(1, 0, 1).stored(1, 0);
    let read = log().sent(0).assigned(1, 0).delivered_at(first(0), 0);
    check(cut(log().sent(0)), Order::default());
    check(cut(log().sent(0)).assigned(1, 0).delivered_at(first(1), 0), Order::default());
    check(cut(read.clone()), Order::default());
    check(cut(read).assigned(1, 0).delivered_at(first(1), 0), other);
}

/// Where the order of a program is promised, a message counts once it is acknowledged, however late
/// that is, and not before.
#[test]
fn what_is_acknowledged_late_counts_then() {
    let check = |history: History, expect: Order| {
        assert_eq!(report_in_program_order(&history).order, expect, "{history:#?}");
    };
    let begun = |history: History| history.invoked(0, 0, 1).invoked(1, 0, 1);
    let sent = begun(queue()).ended(1, SendOutcome::Ok);
    let swapped = sent.processed(first(1)).processed(first(0)).processed(again(0));
    let pair = Order { adjacent_pairs: 1, ..Order::default() };
    let example = Some(MessageId(0));
    let all = Order { reordered: 1, reordered_example: example, ..pair };
    let all = Order { replayed: 1, replayed_example: example, ..all };
    let written = begun(log()).stored(1, 0).stored(0, 1);
    check(written.clone(), Order::default());
    let inverted = Order { write_inversions: 1, ..Order::default() };
    check(written.ended(0, SendOutcome::Ok), inverted);
    check(swapped.clone(), pair);
    check(swapped.clone().ended(0, SendOutcome::Info), pair);
    check(swapped.clone().ended(0, SendOutcome::Ok), all);
    let twice = swapped.ended(0, SendOutcome::Ok).ended(0, SendOutcome::Ok);
    check(twice.applied(again(0)), all);
}

/// A queue has no offsets that could say in which order its messages stand.
#[test]
fn a_queue_has_no_order_of_writing() {
    let of = |history: History| history.sent(0).sent(1).stored(0, 2);
    assert_eq!(report(&of(queue())).order.write_inversions, 0);
    assert_eq!(report(&of(log())).order.write_inversions, 1);
}
