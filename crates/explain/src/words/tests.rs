//! Every kind of event has words, and they name what the scenario names.

use std::collections::BTreeSet;

use entrega_model::event::{
    AbortReason, DeadLetterReason, EffectVerdict, Phase, ProcessingResult, RemoveReason,
    SendOutcome, SettleAct, SettleOutcome, SettleTrigger,
};
use entrega_model::{
    DeliveryId, Event, Generation, Incarnation, Instant, Key, PartitionId, ProcessId,
};
use entrega_scenario::points::{FAULTS, Fault, info, shared_point};
use entrega_scenario::{OnConsumerTimeout, Scenario, Span};

use super::*;

const M: MessageId = MessageId(2);
const OURS: SubscriptionId = SubscriptionId(0);
const PRODUCER: ProcessId = ProcessId(0);
const READER: ProcessId = ProcessId(1);

fn cast() -> Cast {
    Cast::of(&Scenario::default())
}

fn words(kind: Kind) -> Words {
    let events = [Event { at: Instant::from_nanos(0), kind }];
    let (cast, faults) = (cast(), Injected::all(&events));
    Language::default().words(&Scene::of(&events, &cast, &faults, 0))
}

/// Where a consumer claims, no lease ends.
#[test]
fn what_is_claimed_is_said_to_be() {
    let mut scenario = Scenario::default();
    scenario.consumer.claim_min_idle = Span::from_secs(60);
    let kind = Kind::LeaseExpired { message: M, subscription: OURS, consumer: READER };
    let events = [Event { at: Instant::from_nanos(0), kind }];
    let (cast, faults) = (Cast::of(&scenario), Injected::all(&events));
    let words = Language::default().words(&Scene::of(&events, &cast, &faults, 0));
    assert_eq!(words.prose, "m2 is claimed from reader 1");
}

/// An event of every kind.
fn one_of_each() -> Vec<Kind> {
    let (message, subscription, consumer, partition) = (M, OURS, READER, PartitionId(0));
    let (delivery, key, position, upto) = (DeliveryId(0), Key(7), 3, 4);
    let (incarnation, process) = (Incarnation(1), READER);
    let (act, trigger) = (SettleAct::Ack, SettleTrigger::Timer);
    let (attempt, redelivered, generation) = (1, true, Generation(1));
    let result = ProcessingResult::Transient;
    vec![
        Kind::SendInvoked { message, key, producer: PRODUCER, attempt: 1 },
        Kind::SendEnded { message, producer: PRODUCER, outcome: SendOutcome::Ok },
        Kind::Stored { message, subscription: None, partition, position, copy: 1 },
        Kind::Removed { message, subscription: Some(OURS), reason: RemoveReason::Ttl },
        Kind::Delivered {
            delivery,
            message,
            subscription,
            consumer,
            partition,
            position,
            attempt,
            redelivered,
        },
        Kind::ProcessingStarted { delivery, message, subscription, consumer },
        Kind::ProcessingEnded { delivery, message, subscription, consumer, result },
        Kind::Effect {
            delivery,
            message,
            key,
            subscription,
            consumer,
            verdict: EffectVerdict::Applied,
        },
        Kind::SettleInvoked { message, subscription, consumer, partition, position, act, trigger },
        Kind::SettleEnded { message, subscription, consumer, act, outcome: SettleOutcome::Ok },
        Kind::DeadLettered { message, subscription, reason: DeadLetterReason::Client },
        Kind::Settled { message, subscription, consumer, act, trigger },
        Kind::Committed { subscription, consumer, partition, upto, previous: 0, trigger },
        Kind::LeaseExpired { message, subscription, consumer },
        Kind::Requeued { message, subscription, consumer },
        Kind::SessionExpired { subscription, consumer },
        Kind::OffsetReset { subscription, consumer, partition, from: None, to: upto },
        Kind::Assigned { subscription, consumer, partition, generation, position },
        Kind::Revoked { subscription, consumer, partition },
        Kind::Lost { subscription, consumer, partition },
        Kind::Crashed { process, incarnation },
        Kind::Exited { process, incarnation, failed: false },
        Kind::Started { process, incarnation },
        Kind::Stalled { process },
        Kind::Resumed { process },
        Kind::BrokerRestarted,
        Kind::Faulted { point: 0, alternative: 1, process: PRODUCER, message: Some(M) },
        Kind::Entered { phase: Phase::Drain },
        Kind::Retrievable { message, subscription },
        Kind::Sought { subscription, consumer, partition, from: upto, to: position },
        Kind::MaxPollExceeded { subscription, consumer },
        Kind::Kept { message, subscription },
        Kind::SettleForgotten { message, subscription },
        Kind::Aborted {
            delivery,
            message,
            subscription,
            consumer,
            seen: true,
            reason: AbortReason::Expired,
        },
        Kind::Redriven { message, subscription, position, tag: 3 },
        Kind::Retried { message, subscription, consumer, position },
        Kind::EffectInvoked { delivery, message, subscription, consumer },
    ]
}

/// The number of a kind. A new kind does not compile before it stands here, and the test below
/// fails before [`one_of_each`] has one of it.
const fn number(kind: &Kind) -> usize {
    match kind {
        Kind::SendInvoked { .. } => 0,
        Kind::SendEnded { .. } => 1,
        Kind::Stored { .. } => 2,
        Kind::Removed { .. } => 3,
        Kind::Delivered { .. } => 4,
        Kind::ProcessingStarted { .. } => 5,
        Kind::ProcessingEnded { .. } => 6,
        Kind::Effect { .. } => 7,
        Kind::SettleInvoked { .. } => 8,
        Kind::SettleEnded { .. } => 9,
        Kind::DeadLettered { .. } => 10,
        Kind::Settled { .. } => 11,
        Kind::Committed { .. } => 12,
        Kind::LeaseExpired { .. } => 13,
        Kind::Requeued { .. } => 14,
        Kind::SessionExpired { .. } => 15,
        Kind::OffsetReset { .. } => 16,
        Kind::Assigned { .. } => 17,
        Kind::Revoked { .. } => 18,
        Kind::Lost { .. } => 19,
        Kind::Crashed { .. } => 20,
        Kind::Exited { .. } => 21,
        Kind::Started { .. } => 22,
        Kind::Stalled { .. } => 23,
        Kind::Resumed { .. } => 24,
        Kind::BrokerRestarted => 25,
        Kind::Faulted { .. } => 26,
        Kind::Entered { .. } => 27,
        Kind::Retrievable { .. } => 28,
        Kind::Sought { .. } => 29,
        Kind::MaxPollExceeded { .. } => 30,
        Kind::Kept { .. } => 31,
        Kind::SettleForgotten { .. } => 32,
        Kind::Aborted { .. } => 33,
        Kind::Redriven { .. } => 34,
        Kind::Retried { .. } => 35,
        Kind::EffectInvoked { .. } => LAST,
    }
}

/// The number of the last kind.
const LAST: usize = 36;

#[test]
fn every_event_has_words() {
    let mut kinds = BTreeSet::new();
    for kind in one_of_each() {
        let words = words(kind);
        for form in [&words.prose, &words.short, words.clause()] {
            assert!(!form.is_empty(), "{kind:?}");
            assert!(!form.contains('?') && !form.ends_with('.'), "{form}");
        }
        kinds.insert(number(&kind));
    }
    assert!(kinds.into_iter().eq(0..=LAST));
}

/// Events of a lease and of a consumer timeout are the same; the settings say which it is.
#[test]
fn a_consumer_timeout_is_called_one() {
    let kind = Kind::LeaseExpired { message: M, subscription: OURS, consumer: READER };
    let check = |then, expect: &str| {
        let mut scenario = Scenario::default();
        scenario.queue.consumer_timeout = Some(Span::from_secs(60));
        scenario.queue.on_consumer_timeout = then;
        let (cast, events) = (Cast::of(&scenario), [Event { at: Instant::from_nanos(0), kind }]);
        let words = Language::default().words(&Scene::of(&events, &cast, &[], 0));
        assert_eq!(
            words.clause(),
            format!("the consumer timeout of reader 1 is over, and {expect}")
        );
        assert!(!words.prose.contains("lease") && !words.short.contains("lease"));
    };
    check(OnConsumerTimeout::CloseChannel, "the queue closes the channel of reader 1");
    check(OnConsumerTimeout::CancelConsumer, "the queue cancels reader 1");
    check(OnConsumerTimeout::ReturnMessage, "the queue takes m2 back");
}

#[test]
fn forms_stand_beside_each_other() {
    let check = |kind: Kind, prose: &str, short: &str, clause: &str| {
        let words = words(kind);
        assert_eq!((&*words.prose, &*words.short, words.clause()), (prose, short, clause));
    };
    let (message, subscription, consumer) = (M, OURS, READER);
    let sent = |attempt| Kind::SendInvoked { message, key: Key(7), producer: PRODUCER, attempt };
    check(sent(1), "the producer sends m2", "→ m2 key 7", "the producer sends m2");
    let again = "the producer sends m2 again";
    check(sent(2), again, "→ m2 attempt 2", again);
    check(
        Kind::LeaseExpired { message, subscription, consumer },
        "the lease of m2 ends",
        "! lease of reader 1 on m2 expires",
        "the lease of reader 1 expires",
    );
    check(
        Kind::Crashed { process: READER, incarnation: Incarnation(0) },
        "reader 1 crashes",
        "✗ reader 1 crashes",
        "reader 1 crashes",
    );
    check(
        Kind::Faulted { point: 0, alternative: 1, process: PRODUCER, message: Some(M) },
        "fault: send.request = lost",
        "⇥ send.request m2: lost",
        "the request to store m2 is lost",
    );
}

/// Each act, and each way in which it ends, is told as what it is, and nothing as a name in the
/// program.
#[test]
fn no_act_is_told_as_another() {
    let (message, subscription, consumer) = (M, OURS, READER);
    let (partition, position) = (PartitionId(0), 3);
    let acts = [
        (SettleAct::Ack, "acks m2", "ack"),
        (SettleAct::Requeue, "gives m2 back", "requeue"),
        (SettleAct::Reject, "rejects m2", "reject"),
        (SettleAct::Extend, "asks for more time for m2", "extension"),
        (SettleAct::Commit, "commits the offset behind m2", "commit"),
    ];
    let mut said = BTreeSet::new();
    for (act, asks, noun) in acts {
        let trigger = SettleTrigger::Application;
        let asked = Kind::SettleInvoked {
            message,
            subscription,
            consumer,
            partition,
            position,
            act,
            trigger,
        };
        assert_eq!(words(asked).prose, format!("reader 1 {asks}"));
        let ended =
            |outcome| words(Kind::SettleEnded { message, subscription, consumer, act, outcome });
        let refused = format!("reader 1 learns that its {noun} of m2 is refused");
        assert_eq!(ended(SettleOutcome::Fail).prose, refused);
        let unanswered = format!("reader 1 has no answer to its {noun} of m2");
        assert_eq!(ended(SettleOutcome::Info).prose, unanswered);
        assert!(said.insert(ended(SettleOutcome::Ok).prose));
        said.insert(words(Kind::Settled { message, subscription, consumer, act, trigger }).prose);
    }
    assert_eq!(said.len(), 2 * acts.len(), "{said:?}");
}

/// Names of the program's own variants are no words: `DeliveryLimit`, `Transient`.
#[test]
fn no_words_are_names_of_the_program() {
    let removed = |reason| Kind::Removed { message: M, subscription: Some(OURS), reason };
    let reasons = [
        RemoveReason::DeliveryLimit,
        RemoveReason::BrokerLoss,
        RemoveReason::Retention,
        RemoveReason::Unroutable,
        RemoveReason::DeadLettering,
    ];
    let kinds = one_of_each().into_iter().chain(reasons.map(removed));
    for kind in kinds {
        let words = words(kind);
        let debug = format!("{kind:?}");
        let names = debug.split(|c: char| !c.is_alphanumeric());
        let camel = |name: &&str| name.chars().filter(|c| c.is_uppercase()).count() > 1;
        for name in names.filter(camel) {
            for form in [&words.prose, &words.short, words.clause()] {
                let plain = form.to_lowercase();
                assert!(!plain.contains(&name.to_lowercase()), "{name}: {form}");
            }
        }
    }
}

/// Of every fault point and every alternative; a story says until when a delay lasts.
#[test]
fn every_fault_has_words() {
    let mut said = BTreeSet::new();
    for info in &FAULTS {
        for alternative in 1..info.bound() as u8 {
            let point = info.point(OURS).0;
            let message = Some(M);
            let words = words(Kind::Faulted { point, alternative, process: READER, message });
            assert!(words.short.contains(['⇥', '⇄', '✗', '⏸', '!']), "{}", words.short);
            assert!(said.insert(words.prose.clone()), "{}", words.prose);
        }
    }
}

/// What happens next says whose deadline came first.
#[test]
fn of_two_deadlines_the_first_is_named_first() {
    let told = |next: Kind| {
        let point = shared_point(Fault::DeadlineOrder).0;
        let fault = Kind::Faulted { point, alternative: 1, process: READER, message: None };
        let events = [fault, next].map(|kind| Event { at: Instant::from_nanos(0), kind });
        let (cast, faults) = (cast(), Injected::all(&events));
        Language::default().words(&Scene::of(&events, &cast, &faults, 0))
    };
    let (message, subscription, consumer) = (M, OURS, READER);
    let broker = told(Kind::LeaseExpired { message, subscription, consumer });
    assert_eq!(broker.clause(), "a deadline of the broker comes just before one of reader 1");
    assert_eq!(broker.short, "⇄ a deadline of the broker before one of reader 1");
    let reader =
        told(Kind::ProcessingStarted { delivery: DeliveryId(0), message, subscription, consumer });
    assert_eq!(reader.clause(), "a deadline of reader 1 comes just before one of the broker");
    assert_eq!(reader.short, "⇄ a deadline of reader 1 before one of the broker");
}

/// Who dies after it was asked to stop is killed; who then crashes, or dies in its next life, is
/// not.
#[test]
fn a_kill_is_no_crash() {
    let fault = |fault: Fault, alternative| {
        let (point, process) = (info(fault).point(OURS).0, READER);
        Kind::Faulted { point, alternative, process, message: None }
    };
    let dies = Kind::Crashed { process: READER, incarnation: Incarnation(0) };
    let starts = Kind::Started { process: READER, incarnation: Incarnation(1) };
    let told = |before: &[Kind]| {
        let kinds = [before, &[dies]].concat();
        let at = Instant::from_nanos(0);
        let events: Vec<Event> = kinds.into_iter().map(|kind| Event { at, kind }).collect();
        let (cast, faults) = (cast(), Injected::all(&events));
        Language::default().words(&Scene::of(&events, &cast, &faults, events.len() - 1))
    };
    let asked = fault(Fault::ProcessShutdown, 1);
    let killed = told(&[asked]);
    assert_eq!((&*killed.prose, &*killed.short), ("reader 1 is killed", "✗ reader 1 is killed"));
    assert_eq!(killed.clause(), "reader 1 is not gone in time and is killed");
    for before in [&[asked, fault(Fault::EffectAfter, 1)][..], &[asked, starts], &[]] {
        assert_eq!(told(before).clause(), "reader 1 crashes");
    }
}

/// A change of order is no fault; and two effects of one delivery need no second try.
#[test]
fn nothing_is_called_what_it_is_not() {
    let prose = |fault: Fault| {
        let point = info(fault).point(OURS).0;
        let fault = Kind::Faulted { point, alternative: 1, process: READER, message: None };
        words(fault).prose
    };
    assert_eq!(prose(Fault::HandlerOrder), "change of order: handler.order = last");
    assert_eq!(prose(Fault::HandlerSlow), "fault: handler.slow = slow");
    let cause = |cause| Language::default().cause(cause);
    assert_eq!(cause(Cause::HandlerRetry), "within one delivery");
    assert_eq!(cause(Cause::SettleLost), "settle lost");
}
