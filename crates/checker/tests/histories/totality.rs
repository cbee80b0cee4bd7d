//! Any events in any order: the checker answers, and its accounts balance.

use entrega_checker::{Checker, Class, Config, End};
use entrega_model::event::{
    DeadLetterReason, EffectVerdict, Phase, ProcessingResult, RemoveReason, SendOutcome, SettleAct,
    SettleOutcome, SettleTrigger,
};
use entrega_model::{
    DeliveryId, Event, Generation, Incarnation, Instant, Key, Kind, MessageId, Observer,
    PartitionId, ProcessId, SubscriptionId,
};
use proptest::prelude::*;

use crate::dsl::strict;

/// What an event is made of.
#[derive(Clone, Copy, Debug)]
struct Noise {
    message: MessageId,
    delivery: DeliveryId,
    subscription: SubscriptionId,
    process: ProcessId,
    partition: PartitionId,
    position: u64,
    other: u64,
    word: usize,
}

fn noise() -> impl Strategy<Value = Noise> {
    let id = || prop_oneof![8 => 0_u32..4, 1 => 4_u32..3000, 1 => (u32::MAX - 4)..=u32::MAX];
    let long = || prop_oneof![8 => 0_u64..4, 1 => 4_u64..3000, 1 => (u64::MAX - 2)..=u64::MAX];
    let short = || prop_oneof![9 => 0_u16..3, 1 => Just(u16::MAX)];
    let subscription = prop_oneof![9 => 0_u8..2, 1 => Just(u8::MAX)];
    (id(), id(), subscription, short(), short(), long(), long(), 0_usize..60).prop_map(
        |(message, delivery, subscription, process, partition, position, other, word)| Noise {
            message: MessageId(message),
            delivery: DeliveryId(delivery),
            subscription: SubscriptionId(subscription),
            process: ProcessId(process),
            partition: PartitionId(partition),
            position,
            other,
            word,
        },
    )
}

fn pick<T: Copy>(word: usize, from: &[T]) -> T {
    from[word % from.len()]
}

/// One event of each kind.
fn kinds(noise: Noise) -> Vec<Kind> {
    let Noise { message, delivery, subscription, process, partition, position, other, word } =
        noise;
    let (producer, consumer) = (process, process);
    let everywhere = (word % 2 == 0).then_some(subscription);
    let (key, generation) = (Key(other as u32), Generation(other as u32));
    let incarnation = Incarnation(0);
    let (attempt, copy) = (other as u16, other as u16);
    let act = pick(
        word,
        &[
            SettleAct::Ack,
            SettleAct::Requeue,
            SettleAct::Reject,
            SettleAct::Extend,
            SettleAct::Commit,
        ],
    );
    let trigger =
        pick(word, &[SettleTrigger::Application, SettleTrigger::Timer, SettleTrigger::Delivery]);
    let told = pick(word, &[SendOutcome::Ok, SendOutcome::Fail, SendOutcome::Info]);
    let outcome = pick(word, &[SettleOutcome::Ok, SettleOutcome::Fail, SettleOutcome::Info]);
    let verdict =
        pick(word, &[EffectVerdict::Applied, EffectVerdict::Suppressed, EffectVerdict::Rejected]);
    let result =
        pick(word, &[ProcessingResult::Ok, ProcessingResult::Transient, ProcessingResult::Poison]);
    let removed = pick(word, &[RemoveReason::Settled, RemoveReason::Ttl, RemoveReason::Retention]);
    let dead =
        pick(word, &[DeadLetterReason::Client, DeadLetterReason::Rejected, DeadLetterReason::Ttl]);
    vec![
        Kind::SendInvoked { message, key, producer, attempt },
        Kind::SendEnded { message, producer, outcome: told },
        Kind::Stored { message, subscription: everywhere, partition, position, copy },
        Kind::Removed { message, subscription: everywhere, reason: removed },
        Kind::Delivered {
            delivery,
            message,
            subscription,
            consumer,
            partition,
            position,
            attempt,
            redelivered: false,
        },
        Kind::ProcessingStarted { delivery, message, subscription, consumer },
        Kind::ProcessingEnded { delivery, message, subscription, consumer, result },
        Kind::Effect { delivery, message, key, subscription, consumer, verdict },
        Kind::SettleInvoked { message, subscription, consumer, partition, position, act, trigger },
        Kind::SettleEnded { message, subscription, consumer, act, outcome },
        Kind::DeadLettered { message, subscription, reason: dead },
        Kind::Settled { message, subscription, consumer, act, trigger },
        Kind::Committed {
            subscription,
            consumer,
            partition,
            upto: position,
            previous: other,
            trigger,
        },
        Kind::LeaseExpired { message, subscription, consumer },
        Kind::Requeued { message, subscription, consumer },
        Kind::SessionExpired { subscription, consumer },
        Kind::OffsetReset {
            subscription,
            consumer,
            partition,
            from: Some(other as u32),
            to: position,
        },
        Kind::Assigned { subscription, consumer, partition, generation, position },
        Kind::Revoked { subscription, consumer, partition },
        Kind::Lost { subscription, consumer, partition },
        Kind::Crashed { process, incarnation },
        Kind::Exited { process, incarnation, failed: false },
        Kind::Started { process, incarnation },
        Kind::Stalled { process },
        Kind::Resumed { process },
        Kind::BrokerRestarted,
        Kind::Faulted { point: 0, alternative: 1, process, message: Some(message) },
        Kind::Entered { phase: Phase::Audit },
        Kind::Retrievable { message, subscription },
        Kind::Sought { subscription, consumer, partition, from: other, to: position },
        Kind::MaxPollExceeded { subscription, consumer },
    ]
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = (noise(), any::<usize>(), any::<u64>()).prop_map(|(noise, which, at)| Event {
        at: Instant::from_nanos(at),
        kind: pick(which, &kinds(noise)),
    });
    prop::collection::vec(event, 0..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_history_is_judged(events in events()) {
        let subscriptions = vec![strict(); 2];
        let mut checker = Checker::new(Config { subscriptions, processes: 1, messages: 2, ..Config::default() });
        checker.observe(&events);
        for end in [End::Quiescent, End::Unfinished] {
            let report = checker.finish(end);
            for subscription in &report.subscriptions {
                let unsent = subscription.classes.get(Class::Phantom);
                let classified: u64 = subscription.classes.iter().map(|(_, count)| count).sum();
                prop_assert!(classified >= report.sends.invoked);
                prop_assert!(classified <= report.sends.invoked + unsent);
                let explained: u64 = subscription.causes.values().sum();
                prop_assert_eq!(explained, subscription.lost() + subscription.duplicated());
            }
        }
        let first = checker.finish(End::Quiescent);
        checker.reset();
        checker.observe(&events);
        prop_assert_eq!(checker.finish(End::Quiescent), first);
    }
}
