//! Twins: two histories that came to the same fingerprint by different ways. Whatever happens to
//! both after that, the verdict must be the same.
//!
//! What happens is said in relative terms: an effect of the last delivery but one. Random walks
//! alone rarely meet, so each has a family: itself with one event left out, doubled, or exchanged
//! with the next. The second test shows that the first one bites: a fingerprint that is blind to
//! one kind of event is caught.

mod rare;

use std::collections::BTreeMap;

use entrega_checker::{Checker, Config, End, Report};
use entrega_model::event::{
    DeadLetterReason, EffectVerdict, ProcessingResult, RemoveReason, SendOutcome, SettleAct,
    SettleOutcome, SettleTrigger,
};
use entrega_model::fingerprint::{Context, Fingerprint};
use entrega_model::{
    DeliveryId, Event, Generation, Incarnation, Instant, Key, Kind, MessageId, Observer,
    PartitionId, ProcessId, SubscriptionId,
};
use proptest::sample::select;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use crate::dsl::strict;

const SUBSCRIPTION: SubscriptionId = SubscriptionId(0);
const PARTITION: PartitionId = PartitionId(0);
const PRODUCER: ProcessId = ProcessId(0);
const MESSAGES: u32 = 3;
const CONSUMERS: [u16; 2] = [1, 2];

/// Something that happens. A delivery is named by how many there have been since.
#[derive(Clone, Copy, Debug)]
enum Step {
    Hand { message: u32, consumer: u16, attempt: u16 },
    Of { back: usize, what: What },
    Else(Kind),
}

/// What happens to a delivery.
#[derive(Clone, Copy, Debug)]
enum What {
    Started,
    Failed,
    Decided(EffectVerdict),
    Asked(SettleAct),
    Told(SettleAct, SettleOutcome),
}

/// A delivery as its consumer remembers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Handed {
    message: MessageId,
    consumer: ProcessId,
}

/// What the fingerprint sees of an event: all of it, or less.
#[derive(Clone, Copy)]
enum Sight {
    Full,
    Blind(fn(Kind) -> Option<Kind>),
    /// It takes every dead letter for the end.
    WithoutRedrives,
}

/// A history so far: a checker that saw it, and the one whose fingerprint is taken.
#[derive(Clone)]
struct Twin {
    checker: Checker,
    /// Unless it is the same one.
    printed: Option<Checker>,
    sight: Sight,
    handed: Vec<Handed>,
    /// The name of the first delivery.
    first: u32,
}

impl Twin {
    fn new(sight: Sight, first: u32) -> Self {
        let config = Config {
            subscriptions: vec![strict()],
            processes: 3,
            messages: 3,
            redrives: true,
            ..Config::default()
        };
        let checker = Checker::new(config.clone());
        let printed = match sight {
            Sight::Full => None,
            Sight::Blind(_) => Some(checker.clone()),
            Sight::WithoutRedrives => Some(Checker::new(Config { redrives: false, ..config })),
        };
        Self { checker, printed, sight, handed: Vec::new(), first }
    }

    fn delivery_back(&self, back: usize) -> Option<(DeliveryId, Handed)> {
        let index = self.handed.len().checked_sub(back)?;
        Some((self.name(index), *self.handed.get(index)?))
    }

    fn name(&self, index: usize) -> DeliveryId {
        DeliveryId(self.first + index as u32)
    }

    fn perform(&mut self, step: Step) {
        match step {
            Step::Hand { message, consumer, attempt } => {
                let delivery = self.name(self.handed.len());
                let (message, consumer) = (MessageId(message), ProcessId(consumer));
                self.handed.push(Handed { message, consumer });
                self.see(Kind::Delivered {
                    delivery,
                    message,
                    subscription: SUBSCRIPTION,
                    consumer,
                    partition: PARTITION,
                    position: message.0.into(),
                    attempt,
                    redelivered: attempt > 1,
                });
            }
            Step::Of { back, what } => {
                if let Some((delivery, handed)) = self.delivery_back(back) {
                    self.see(what.kind(delivery, handed));
                }
            }
            Step::Else(kind) => self.see(kind),
        }
    }

    fn see(&mut self, kind: Kind) {
        let event = |kind| [Event { at: Instant::START, kind }];
        self.checker.observe(&event(kind));
        let seen = if let Sight::Blind(blind) = self.sight { blind(kind) } else { Some(kind) };
        if let (Some(printed), Some(kind)) = (&mut self.printed, seen) {
            printed.observe(&event(kind));
        }
    }

    fn print(&self) -> u64 {
        let next_delivery = self.name(self.handed.len());
        let mut print = Fingerprint::new(Context { next_delivery, ..Context::default() });
        self.printed.as_ref().unwrap_or(&self.checker).fingerprint(&mut print);
        print.finish()
    }

    fn verdicts(&self) -> [String; 2] {
        let mut checker = self.checker.clone();
        [End::Quiescent, End::Unfinished].map(|end| judged(&checker.finish(end)))
    }
}

impl What {
    fn kind(self, delivery: DeliveryId, Handed { message, consumer }: Handed) -> Kind {
        let subscription = SUBSCRIPTION;
        match self {
            Self::Started => Kind::ProcessingStarted { delivery, message, subscription, consumer },
            Self::Failed => {
                let result = ProcessingResult::Transient;
                Kind::ProcessingEnded { delivery, message, subscription, consumer, result }
            }
            Self::Decided(verdict) => {
                let key = key_of(message.0);
                Kind::Effect { delivery, message, key, subscription, consumer, verdict }
            }
            Self::Asked(act) => Kind::SettleInvoked {
                message,
                subscription,
                consumer,
                partition: PARTITION,
                position: message.0.into(),
                act,
                trigger: SettleTrigger::Application,
            },
            Self::Told(act, outcome) => {
                Kind::SettleEnded { message, subscription, consumer, act, outcome }
            }
        }
    }
}

/// What a fingerprint answers for.
fn judged(report: &Report) -> String {
    let of = &report.subscriptions[0];
    let order = (of.order.reordered > 0, of.order.replayed > 0);
    let classes = (&of.classes, &of.firsts, &of.causes, &of.examples);
    let told = (report.sends.ok, report.sends.info, report.sends.fail, of.present);
    format!("{:?} {classes:?} {order:?} {told:?}", of.reasons)
}

fn key_of(message: u32) -> Key {
    Key(message / 2)
}

/// Which model tells of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Events {
    Log,
    Queue,
    /// A queue whose dead letters are moved back.
    Redrives,
    /// A queue to which consumers publish copies.
    Copies,
    /// No broker would, but a history from elsewhere may.
    Both,
}

/// Everything that can happen, what happens often several times.
fn steps(events: Events) -> Vec<Step> {
    match events {
        Events::Log => steps_of(true),
        Events::Queue => steps_of(false),
        Events::Redrives => [steps_of(false), rare::redrives()].concat(),
        Events::Copies => [steps_of(false), rare::copies()].concat(),
        Events::Both => [steps_of(true), steps_of(false), rare::losses()].concat(),
    }
}

fn steps_of(is_log: bool) -> Vec<Step> {
    let mut steps = Vec::new();
    for message in 0..MESSAGES {
        steps.extend(of_message(message, is_log).into_iter().map(Step::Else));
        for consumer in CONSUMERS {
            let attempts = if is_log { &[1, 1][..] } else { &[1, 2, 3] };
            let hand = |attempt: &u16| Step::Hand { message, consumer, attempt: *attempt };
            steps.extend(attempts.iter().map(hand));
        }
    }
    for consumer in CONSUMERS {
        steps.extend(of_consumer(consumer, is_log).into_iter().map(Step::Else));
    }
    steps.extend([Step::Else(Kind::BrokerRestarted); 2]);
    let acts =
        if is_log { &[SettleAct::Commit][..] } else { &[SettleAct::Ack, SettleAct::Requeue] };
    for back in [1, 1, 2, 3] {
        let mut what = vec![What::Started, What::Failed, What::Decided(EffectVerdict::Suppressed)];
        what.extend([What::Decided(EffectVerdict::Applied); 4]);
        what.extend(acts.iter().flat_map(|act| [What::Asked(*act); 2]));
        what.extend(acts.iter().map(|act| What::Told(*act, SettleOutcome::Ok)));
        what.extend(acts.iter().map(|act| What::Told(*act, SettleOutcome::Fail)));
        steps.extend(what.into_iter().map(|what| Step::Of { back, what }));
    }
    steps
}

fn of_message(message: u32, is_log: bool) -> Vec<Kind> {
    let (key, subscription) = (key_of(message), SUBSCRIPTION);
    let message = MessageId(message);
    let ended = |outcome| Kind::SendEnded { message, producer: PRODUCER, outcome };
    let everywhere = (!is_log).then_some(subscription);
    let (partition, position) = (PARTITION, message.0.into());
    let mut kinds = vec![
        Kind::SendInvoked { message, key, producer: PRODUCER, attempt: 1 },
        ended(SendOutcome::Ok),
        ended(SendOutcome::Fail),
        ended(SendOutcome::Info),
        Kind::Stored { message, subscription: everywhere, partition, position, copy: 1 },
        Kind::Removed { message, subscription: everywhere, reason: RemoveReason::Retention },
        Kind::Retrievable { message, subscription },
    ];
    let reasons =
        [DeadLetterReason::Client, DeadLetterReason::Rejected, DeadLetterReason::DeliveryLimit];
    kinds.extend(reasons.map(|reason| Kind::DeadLettered { message, subscription, reason }));
    for consumer in CONSUMERS.map(ProcessId).into_iter().filter(|_| !is_log) {
        let settled =
            |act, trigger| Kind::Settled { message, subscription, consumer, act, trigger };
        kinds.extend([
            settled(SettleAct::Ack, SettleTrigger::Application),
            settled(SettleAct::Ack, SettleTrigger::Delivery),
            settled(SettleAct::Requeue, SettleTrigger::Application),
            Kind::LeaseExpired { message, subscription, consumer },
            Kind::LeaseExpired { message, subscription, consumer },
            Kind::Requeued { message, subscription, consumer },
        ]);
    }
    kinds
}

fn of_consumer(consumer: u16, is_log: bool) -> Vec<Kind> {
    let process = ProcessId(consumer);
    let (subscription, consumer, partition) = (SUBSCRIPTION, process, PARTITION);
    let (incarnation, trigger) = (Incarnation(0), SettleTrigger::Timer);
    let mut kinds = vec![
        Kind::Crashed { process, incarnation },
        Kind::Crashed { process, incarnation },
        Kind::Exited { process, incarnation, failed: true },
        Kind::Stalled { process },
    ];
    if is_log {
        let generation = Generation(1);
        let assigned =
            Kind::Assigned { subscription, consumer, partition, generation, position: 0 };
        let committed = |upto| Kind::Committed {
            subscription,
            consumer,
            partition,
            upto,
            previous: 0,
            trigger,
        };
        let reset = |from, to| Kind::OffsetReset { subscription, consumer, partition, from, to };
        kinds.extend([assigned, assigned, committed(1), committed(2), committed(0)]);
        kinds.extend([reset(None, 1), reset(Some(2), 0)]);
        kinds.extend([
            Kind::Revoked { subscription, consumer, partition },
            Kind::Lost { subscription, consumer, partition },
            Kind::SessionExpired { subscription, consumer },
        ]);
    }
    kinds
}

/// Two messages are sent and stored, and the first is acknowledged; then chance decides.
fn walks(events: Events, count: usize) -> Vec<Vec<Step>> {
    let everything = steps(events);
    let is_log = events == Events::Log;
    let sent = |message: u32| {
        let kinds = of_message(message, is_log);
        [kinds[0], kinds[4], kinds[1]].map(Step::Else)
    };
    let ([first, second, third], [fourth, fifth, _]) = (sent(0), sent(1));
    let walk = proptest::collection::vec(select(everything), 14);
    let mut runner = TestRunner::deterministic();
    let chance = (0..count).map(|_| walk.new_tree(&mut runner).expect("steps exist").current());
    chance
        .map(|by_chance| [vec![first, second, third, fourth, fifth], by_chance].concat())
        .collect()
}

/// A walk and those that are one change away from it.
fn family(walk: &[Step]) -> Vec<Vec<Step>> {
    let mut family = vec![walk.to_vec()];
    for place in 0..walk.len() {
        let (mut shorter, mut longer, mut exchanged) =
            (walk.to_vec(), walk.to_vec(), walk.to_vec());
        shorter.remove(place);
        longer.insert(place, walk[place]);
        exchanged.swap(place, (place + 1) % walk.len());
        family.extend([shorter, longer, exchanged]);
    }
    family
}

/// How often twins were found, and how often they had seen different numbers of deliveries.
#[derive(Debug, Default)]
struct Found {
    twins: usize,
    unequal: usize,
}

/// Lets twins go on as the walks after theirs do. `Err` tells of the first ones that part.
fn compare(walks: &[Vec<Step>], sight: Sight) -> Result<Found, String> {
    let mut found = Found::default();
    for (number, walk) in walks.iter().enumerate() {
        let mut known = BTreeMap::<u64, Twin>::new();
        for (first, relative) in (0..).step_by(100).zip(family(walk)) {
            let mut twin = Twin::new(sight, first);
            relative.iter().for_each(|step| twin.perform(*step));
            let Some(other) = known.get(&twin.print()) else {
                known.insert(twin.print(), twin);
                continue;
            };
            found.twins += 1;
            found.unequal += usize::from(twin.handed.len() != other.handed.len());
            for way_on in walks.iter().cycle().skip(number + 1).take(4) {
                go_on(twin.clone(), other.clone(), way_on)
                    .map_err(|why| format!("{why}\nafter {relative:#?}\nof {walk:#?}"))?;
            }
        }
    }
    Ok(found)
}

fn go_on(mut one: Twin, mut other: Twin, way_on: &[Step]) -> Result<(), String> {
    let mut done = Vec::new();
    for step in way_on {
        if let Step::Of { back, .. } = *step {
            let of = |twin: &Twin| twin.delivery_back(back).map(|(_, handed)| handed);
            if of(&one).is_none() || of(&one) != of(&other) {
                continue;
            }
        }
        done.push(step);
        one.perform(*step);
        other.perform(*step);
        if matches!(one.sight, Sight::Full) && one.print() != other.print() {
            return Err(format!("the fingerprints part: {done:#?}"));
        }
    }
    let verdicts = [one.verdicts(), other.verdicts()];
    if verdicts[0] != verdicts[1] {
        return Err(format!("{done:#?}: {verdicts:#?}"));
    }
    Ok(())
}

#[test]
fn histories_with_the_same_fingerprint_go_on_alike() {
    let all = [Events::Log, Events::Queue, Events::Redrives, Events::Copies, Events::Both];
    for events in all {
        let found = compare(&walks(events, 40), Sight::Full).unwrap_or_else(|why| panic!("{why}"));
        assert!(found.twins > 1_000 && found.unequal > 2, "{found:?}");
    }
}

/// Every pattern stands for what a fingerprint must not be blind to.
macro_rules! check_caught {
    ($events:expr, $($blind_to:pat),+ $(,)?) => {
        let walks = walks($events, 600);
        $(
            let blind = |kind| match kind {
                $blind_to => None,
                other => Some(other),
            };
            let found = compare(&walks, Sight::Blind(blind));
            assert!(found.is_err(), "blind to {}: {found:?}", stringify!($blind_to));
        )+
    };
}

#[test]
fn a_fingerprint_that_is_blind_to_something_of_a_log_is_caught() {
    check_caught!(
        Events::Log,
        Kind::SendInvoked { .. },
        Kind::SendEnded { .. },
        Kind::Stored { .. },
        Kind::Removed { .. },
        Kind::Delivered { .. },
        Kind::Effect { .. },
        Kind::SettleInvoked { .. },
        Kind::Committed { .. },
        Kind::DeadLettered { .. },
        Kind::OffsetReset { .. },
        Kind::Assigned { .. },
        Kind::Crashed { .. },
        Kind::BrokerRestarted,
        Kind::Retrievable { .. },
    );
}

#[test]
fn a_fingerprint_that_is_blind_to_something_of_a_queue_is_caught() {
    check_caught!(
        Events::Queue,
        Kind::Delivered { .. },
        Kind::SettleInvoked { act: SettleAct::Ack, .. },
        Kind::Settled { act: SettleAct::Requeue, .. },
        Kind::Settled { trigger: SettleTrigger::Delivery, .. },
        Kind::LeaseExpired { .. },
        Kind::Requeued { .. },
        Kind::Crashed { .. },
    );
}

#[test]
fn a_fingerprint_that_takes_a_dead_letter_for_the_end_is_caught() {
    check_caught!(Events::Redrives, Kind::Redriven { .. });
    assert!(compare(&walks(Events::Redrives, 600), Sight::WithoutRedrives).is_err());
}

#[test]
fn a_fingerprint_that_is_blind_to_copies_is_caught() {
    check_caught!(Events::Copies, Kind::Retried { .. });
}

/// Known by which delivery an effect was brought about, but not by its name.
#[test]
fn a_fingerprint_without_names_is_caught() {
    let blind = |mut kind| {
        if let Kind::Delivered { delivery, redelivered, .. } = &mut kind {
            (*delivery, *redelivered) = (DeliveryId(0), false);
        }
        Some(kind)
    };
    let found = compare(&walks(Events::Log, 600), Sight::Blind(blind));
    assert!(found.is_err(), "{found:?}");
}
