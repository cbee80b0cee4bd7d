//! Broken records: each breaks one rule, and is caught.

use entrega_brokers::queue::QueueSettings;
use entrega_model::event::{
    DeadLetterReason, Phase, RemoveReason, SendOutcome, SettleAct, SettleOutcome, SettleTrigger,
};
use entrega_model::{
    DeliveryId, Duration, Event, Incarnation, Instant, Kind, MessageId, PartitionId, ProcessId,
    SubscriptionId,
};

use crate::producers::invoked;
use crate::record::{check, check_notes};

const QUEUE: SubscriptionId = SubscriptionId(0);
const MESSAGE: MessageId = MessageId(0);
const PRODUCER: ProcessId = ProcessId(0);
const CONSUMER: ProcessId = ProcessId(1);
const GONE: Kind =
    Kind::Removed { message: MESSAGE, subscription: Some(QUEUE), reason: RemoveReason::Settled };
const EXPIRED: Kind =
    Kind::LeaseExpired { message: MESSAGE, subscription: QUEUE, consumer: CONSUMER };
const GIVEN_UP: Kind = Kind::DeadLettered {
    message: MESSAGE,
    subscription: QUEUE,
    reason: DeadLetterReason::DeliveryLimit,
};
const FOUND: Kind = Kind::Retrievable { message: MESSAGE, subscription: QUEUE };

/// Where things stand in the good record.
const STORED: usize = 2;
const SENT: usize = 3;
const DELIVERED: usize = 5;
const EXPIRES: usize = 6;
const INVOKED: usize = 8;
const SETTLED: usize = 9;
const REMOVED: usize = 10;
const ENDED: usize = 11;

fn start(process: ProcessId, incarnation: u32) -> Kind {
    Kind::Started { process, incarnation: Incarnation(incarnation) }
}

fn exit(process: ProcessId) -> Kind {
    Kind::Exited { process, incarnation: Incarnation(0), failed: false }
}

fn stored(message: MessageId, position: u64) -> Kind {
    let (subscription, partition, copy) = (Some(QUEUE), PartitionId(0), 1);
    Kind::Stored { message, subscription, partition, position, copy }
}

fn sent(outcome: SendOutcome) -> Kind {
    Kind::SendEnded { message: MESSAGE, producer: PRODUCER, outcome }
}

/// The delivery for the time `attempt`, under a tag.
fn delivered(attempt: u16, tag: u64) -> Kind {
    Kind::Delivered {
        delivery: DeliveryId(tag as u32),
        message: MESSAGE,
        subscription: QUEUE,
        consumer: CONSUMER,
        partition: PartitionId(0),
        position: tag,
        attempt,
        redelivered: attempt > 1,
    }
}

fn settle(tag: u64) -> Kind {
    Kind::SettleInvoked {
        message: MESSAGE,
        subscription: QUEUE,
        consumer: CONSUMER,
        partition: PartitionId(0),
        position: tag,
        act: SettleAct::Ack,
        trigger: SettleTrigger::Application,
    }
}

fn settled(act: SettleAct) -> Kind {
    let (consumer, trigger) = (CONSUMER, SettleTrigger::Application);
    Kind::Settled { message: MESSAGE, subscription: QUEUE, consumer, act, trigger }
}

fn ended(outcome: SettleOutcome) -> Kind {
    let (consumer, act) = (CONSUMER, SettleAct::Ack);
    Kind::SettleEnded { message: MESSAGE, subscription: QUEUE, consumer, act, outcome }
}

/// A message is sent, delivered, delivered again after its lease, and acked.
fn good() -> Vec<Kind> {
    vec![
        start(PRODUCER, 0),
        invoked(MESSAGE, PRODUCER),
        stored(MESSAGE, 0),
        sent(SendOutcome::Ok),
        start(CONSUMER, 0),
        delivered(1, 1),
        EXPIRED,
        delivered(2, 2),
        settle(2),
        settled(SettleAct::Ack),
        GONE,
        ended(SettleOutcome::Ok),
        Kind::Entered { phase: Phase::Quiescent },
        Kind::Entered { phase: Phase::Audit },
        exit(PRODUCER),
        exit(CONSUMER),
    ]
}

fn settings() -> QueueSettings {
    QueueSettings {
        visibility_timeout: Duration::from_nanos(3),
        delivery_limit: Some(3),
        dead_letter: true,
        ..QueueSettings::default()
    }
}

/// One event in each nanosecond.
fn timed(kinds: &[Kind]) -> Vec<Event> {
    let event = |(at, kind): (u64, &Kind)| Event { at: Instant::from_nanos(at), kind: *kind };
    (0..).zip(kinds).map(event).collect()
}

/// Checks the good record after a change.
fn broken(change: impl FnOnce(&mut Vec<Kind>)) {
    let mut kinds = good();
    change(&mut kinds);
    check(&timed(&kinds), &settings(), false);
}

#[test]
fn a_good_record_is_good() {
    broken(|_| ());
    broken(|kinds| kinds.truncate(0));
}

#[test]
#[should_panic(expected = "time goes back")]
fn time_that_goes_back() {
    let mut events = timed(&good());
    events[4].at = Instant::START;
    check(&events, &settings(), false);
}

#[test]
#[should_panic(expected = "0 is sent twice")]
fn a_message_that_is_sent_twice() {
    broken(|kinds| kinds.insert(STORED, kinds[1]));
}

#[test]
#[should_panic(expected = "0 is confirmed and lost")]
fn a_confirm_without_a_copy() {
    broken(|kinds| {
        kinds.remove(STORED);
    });
}

#[test]
#[should_panic(expected = "0 is refused and stored")]
fn a_refusal_with_a_copy() {
    broken(|kinds| kinds[SENT] = sent(SendOutcome::Fail));
}

#[test]
#[should_panic(expected = "0 is stored out of order")]
fn a_copy_that_was_shown_twice() {
    broken(|kinds| kinds.insert(SENT, kinds[STORED]));
}

#[test]
#[should_panic(expected = "7 is stored while nobody sends it")]
fn a_copy_that_nobody_sent() {
    broken(|kinds| kinds.insert(SENT, stored(MessageId(7), 1)));
}

#[test]
#[should_panic(expected = "0 is stored twice")]
fn a_copy_too_many() {
    broken(|kinds| kinds.insert(SENT, stored(MESSAGE, 1)));
}

#[test]
#[should_panic(expected = "0 is delivered before it is stored")]
fn a_delivery_before_the_store() {
    broken(|kinds| kinds.insert(STORED, delivered(1, 9)));
}

#[test]
#[should_panic(expected = "two deliveries have the name 1")]
fn a_name_for_two_deliveries() {
    broken(|kinds| kinds.insert(EXPIRES, delivered(1, 1)));
}

#[test]
#[should_panic(expected = "0 is delivered twice for the time 1")]
fn a_count_twice() {
    broken(|kinds| kinds.insert(EXPIRES, delivered(1, 9)));
}

#[test]
#[should_panic(expected = "0 is delivered for the time 2")]
fn a_count_that_is_too_high() {
    broken(|kinds| {
        kinds.remove(EXPIRES);
    });
}

#[test]
#[should_panic(expected = "0 is delivered for the time 3")]
fn a_delivery_after_the_ack() {
    broken(|kinds| kinds.insert(ENDED, delivered(3, 3)));
}

#[test]
#[should_panic(expected = "the counts of 0 are not in order")]
fn counts_out_of_order() {
    broken(|kinds| kinds[DELIVERED] = delivered(1, 9));
}

#[test]
#[should_panic(expected = "a delivery of 0 is missing")]
fn a_delivery_that_is_missing() {
    broken(|kinds| {
        kinds.remove(DELIVERED);
    });
}

#[test]
#[should_panic(expected = "9 is settled and not delivered")]
fn a_settle_of_what_was_not_delivered() {
    broken(|kinds| kinds[INVOKED] = settle(9));
}

#[test]
#[should_panic(expected = "nobody settles 0")]
fn a_settle_that_nobody_asked_for() {
    broken(|kinds| {
        kinds.remove(INVOKED);
    });
}

#[test]
#[should_panic(expected = "nobody settles 0")]
fn a_settle_that_is_shown_twice() {
    broken(|kinds| kinds.insert(ENDED, settled(SettleAct::Ack)));
}

#[test]
#[should_panic(expected = "nobody settles 0")]
fn a_settle_of_another_kind() {
    broken(|kinds| kinds[SETTLED] = settled(SettleAct::Reject));
}

#[test]
#[should_panic(expected = "an ok for 0 is empty")]
fn an_ok_without_a_settle() {
    broken(|kinds| drop(kinds.drain(SETTLED..ENDED)));
}

#[test]
#[should_panic(expected = "0 is settled by a lie")]
fn a_settle_that_failed_and_did_not() {
    broken(|kinds| kinds[ENDED] = ended(SettleOutcome::Fail));
}

#[test]
#[should_panic(expected = "0 is settled, and is not there")]
fn a_settle_of_what_is_gone() {
    let again = [settle(2), settled(SettleAct::Ack)];
    broken(|kinds| drop(kinds.splice(ENDED + 1..ENDED + 1, again)));
}

#[test]
#[should_panic(expected = "0 is settled for good, and not removed then")]
fn an_ack_that_removes_nothing() {
    broken(|kinds| {
        kinds.remove(REMOVED);
    });
}

#[test]
#[should_panic(expected = "0 is settled for good, and not removed then")]
fn an_end_that_comes_between() {
    broken(|kinds| kinds.swap(REMOVED, ENDED));
}

#[test]
#[should_panic(expected = "a delivery of 0 ends, and it is not there")]
fn a_lease_on_what_is_gone() {
    broken(|kinds| kinds.insert(ENDED, EXPIRED));
}

#[test]
#[should_panic(expected = "the lease of 0 ends too early")]
fn a_lease_that_ends_too_early() {
    broken(|kinds| kinds.insert(SENT, EXPIRED));
}

#[test]
#[should_panic(expected = "0 is given up after 1 deliveries")]
fn a_message_that_is_given_up_too_early() {
    broken(|kinds| kinds.insert(EXPIRES + 1, GIVEN_UP));
}

#[test]
#[should_panic(expected = "0 is gone without a reason")]
fn a_message_that_goes_by_itself() {
    broken(|kinds| kinds.insert(DELIVERED, GONE));
}

#[test]
#[should_panic(expected = "0 is gone, and was not there")]
fn a_message_that_goes_twice() {
    broken(|kinds| kinds.insert(ENDED, GONE));
}

#[test]
#[should_panic(expected = "0 is not given up after 1 deliveries")]
fn a_limit_that_does_not_hold() {
    let settings = QueueSettings { delivery_limit: Some(1), ..settings() };
    check(&timed(&good()), &settings, false);
}

#[test]
#[should_panic(expected = "happens at rest")]
fn something_at_rest() {
    broken(|kinds| kinds.insert(ENDED + 2, start(ProcessId(7), 0)));
}

#[test]
#[should_panic(expected = "the deliveries of 0 ended 3 times")]
fn an_end_too_many() {
    let again = Kind::Requeued { message: MESSAGE, subscription: QUEUE, consumer: CONSUMER };
    broken(|kinds| kinds.insert(EXPIRES + 1, again));
}

#[test]
#[should_panic(expected = "1 begins a life amid another")]
fn a_life_amid_another() {
    broken(|kinds| kinds.insert(DELIVERED, start(CONSUMER, 1)));
}

#[test]
#[should_panic(expected = "1 ends without a life")]
fn a_life_that_ends_twice() {
    broken(|kinds| kinds.push(exit(CONSUMER)));
}

#[test]
#[should_panic(expected = "a process has started and not ended")]
fn a_life_without_an_end() {
    broken(|kinds| {
        kinds.pop();
    });
}

#[test]
#[should_panic(expected = "is lost")]
fn a_message_that_is_lost() {
    broken(|kinds| drop(kinds.drain(DELIVERED..ENDED + 1)));
}

#[test]
#[should_panic(expected = "the audit finds something else")]
fn an_audit_that_finds_what_is_gone() {
    broken(|kinds| kinds.push(FOUND));
}

#[test]
#[should_panic(expected = "the notes of 0 are not what was shown")]
fn a_note_that_is_lost() {
    check_notes(&timed(&good()), PRODUCER, &[invoked(MESSAGE, PRODUCER)]);
}

#[test]
#[should_panic(expected = "the notes of 0 are not what was shown")]
fn notes_in_another_order() {
    let notes = [sent(SendOutcome::Ok), invoked(MESSAGE, PRODUCER)];
    check_notes(&timed(&good()), PRODUCER, &notes);
}

#[test]
#[should_panic(expected = "two deliveries have the tag 1")]
fn a_tag_for_two_deliveries() {
    broken(|kinds| {
        if let Kind::Delivered { position, .. } = &mut kinds[EXPIRES + 1] {
            *position = 1;
        }
    });
}

#[test]
#[should_panic(expected = "0 is marked wrongly")]
fn a_redelivery_that_is_not_marked() {
    broken(|kinds| {
        if let Kind::Delivered { redelivered, .. } = &mut kinds[EXPIRES + 1] {
            *redelivered = false;
        }
    });
}

#[test]
#[should_panic(expected = "1 settles 0 twice at a time")]
fn two_settles_at_a_time() {
    broken(|kinds| kinds.insert(SETTLED, settle(2)));
}

#[test]
#[should_panic(expected = "happens by itself")]
fn what_nobody_did() {
    broken(|kinds| kinds.insert(ENDED, Kind::Resumed { process: CONSUMER }));
}
