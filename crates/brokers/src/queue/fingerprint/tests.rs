//! Queues with the same fingerprint go on alike, and nothing that is entered could be left out.

use entrega_model::event::SettleTrigger;
use entrega_model::fingerprint::Context;
use entrega_model::queue::{Request, Settlement};
use entrega_model::{ClientId, Duration, Instant, Key, MessageId, Record};
use proptest::prelude::*;
use proptest::sample::select;

use super::super::{
    AtLeaseEnd, LateSettle, LimitChecked, LimitCounts, QueueSettings, RedeliveryDelay,
    RepeatedSettle, RequeuePosition, Rules,
};
use super::*;
use crate::Broker;
use crate::fingerprint::twins::{Step, Subject, Walks};

const QUEUE: SubscriptionId = SubscriptionId(0);

/// What a client asks. A tag is named by how many were given since.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Publish { message: u32 },
    Receive { max: u32, settle_at_delivery: bool },
    Settle { back: u64, settlement: Settlement, multiple: bool },
    Retry { message: u32, tried: u16 },
    Close,
}

impl Subject for QueueBroker {
    type Ask = Ask;

    fn request(&self, now: Instant, ask: &Ask) -> Option<(SubscriptionId, Request)> {
        let request = match *ask {
            Ask::Publish { message } => {
                let (message, key) = (MessageId(message), Key(message % 2));
                let record = Record { message, key, bytes: 10 };
                Request::Publish { records: vec![record], confirm: true, id: 0 }
            }
            Ask::Receive { max, settle_at_delivery } => Request::Receive {
                queue: QUEUE,
                max,
                settle_at_delivery,
                buffer: Vec::new(),
                deadline: now,
            },
            Ask::Settle { back, settlement, multiple } => Request::Settle {
                queue: QUEUE,
                tags: vec![self.next_tag(QUEUE).checked_sub(back).filter(|tag| *tag > 0)?],
                settlement,
                multiple,
                trigger: SettleTrigger::Application,
            },
            Ask::Retry { message, tried } => {
                let record = Record { message: MessageId(message), key: Key(0), bytes: 10 };
                let after = Duration::from_secs(5);
                Request::Retry { queue: QUEUE, record, tried, after }
            }
            Ask::Close => Request::Close { queue: QUEUE },
        };
        Some((QUEUE, request))
    }
}

fn steps() -> impl Strategy<Value = Step<Ask>> {
    use Settlement::{Ack, Extend, Reject, RejectAndRequeue, Requeue};
    let words = select(vec![Ack, Ack, Requeue, RejectAndRequeue, Reject, Extend]);
    let what = prop_oneof![
        3 => (0..3_u32).prop_map(|message| Ask::Publish { message }),
        5 => (1..3_u32, prop::bool::weighted(0.1)).prop_map(|(max, settle_at_delivery)| {
            Ask::Receive { max, settle_at_delivery }
        }),
        6 => (1..5_u64, words, prop::bool::weighted(0.3)).prop_map(
            |(back, settlement, multiple)| Ask::Settle { back, settlement, multiple }
        ),
        1 => Just(Ask::Close),
    ];
    let who = || (0..2_u16, select(vec![0, 0, 0, 1]));
    prop_oneof![
        20 => (who(), what).prop_map(|((process, ago), what)| Step::Ask { process, ago, what }),
        2 => (0..2_u16).prop_map(|process| Step::Die { process }),
        2 => who().prop_map(|(process, ago)| Step::Disconnected { process, ago }),
        1 => Just(Step::Restart),
        4 => select(vec![1, 5, 10]).prop_map(|seconds| Step::Pass { seconds }),
    ]
}

/// The same, and consumers that publish copies.
fn steps_with_copies() -> impl Strategy<Value = Step<Ask>> {
    let copy = (0..2_u32, 1..3_u16).prop_map(|(message, tried)| Ask::Retry { message, tried });
    let copy = copy.prop_map(|what| Step::Ask { process: 0, ago: 0, what });
    prop_oneof![6 => steps(), 1 => copy]
}

/// A queue like RabbitMQ's, or like that of SQS.
fn walks(requeue_on_disconnect: bool, max_length: Option<u32>, count: usize) -> Walks<QueueBroker> {
    walks_with(Rules::default(), requeue_on_disconnect, max_length, count)
}

fn walks_with(
    rules: Rules,
    requeue_on_disconnect: bool,
    max_length: Option<u32>,
    count: usize,
) -> Walks<QueueBroker> {
    let settings = QueueSettings {
        queues: 2,
        visibility_timeout: Duration::from_secs(10),
        prefetch: 2,
        delivery_limit: Some(3),
        dead_letter: true,
        requeue_on_disconnect,
        max_length,
        rules,
        ..QueueSettings::default()
    };
    Walks::new(QueueBroker::new(settings), steps(), count)
}

#[test]
fn queues_with_the_same_fingerprint_go_on_alike() {
    let check = |requeue_on_disconnect, max_length, count| {
        let found = walks(requeue_on_disconnect, max_length, count)
            .compare(|twin| twin.print(|into| twin.broker.fingerprint(into)))
            .unwrap_or_else(|why| panic!("{why}"));
        assert!(found.twins > 10 * count && found.renamed > count, "{found:?} of {count}");
    };
    check(true, None, 50);
    check(false, None, 40);
    check(true, Some(1), 40);
}

/// What only some systems do must not hide in a state that looks like another.
#[test]
fn queues_of_all_rules_go_on_alike() {
    let delay = RedeliveryDelay { after: Duration::from_secs(5), ..RedeliveryDelay::NONE };
    let nacks = LimitCounts { deliveries: false, nacks: true, ..LimitCounts::DELIVERIES };
    let ends = LimitCounts { expiries: true, ..nacks };
    let all = [
        Rules { late_settle: LateSettle::Honoured, ..Rules::default() },
        Rules {
            late_settle: LateSettle::Honoured,
            keeps_at_limit: true,
            limit_checked: LimitChecked::AtDelivery,
            requeue_position: RequeuePosition::Front,
            ..Rules::default()
        },
        Rules {
            at_lease_end: AtLeaseEnd::CancelConsumer,
            repeated_settle: RepeatedSettle::ClosesChannel,
            limit_counts: ends,
            requeue_position: RequeuePosition::End,
            ..Rules::default()
        },
        Rules {
            late_settle: LateSettle::Ignored,
            redelivery_delay: RedeliveryDelay { linear: true, on_nack: true, ..delay },
            counts_survive_restart: false,
            ..Rules::default()
        },
    ];
    for rules in all {
        let count = 40;
        let found = walks_with(rules, true, None, count)
            .compare(|twin| twin.print(|into| twin.broker.fingerprint(into)))
            .unwrap_or_else(|why| panic!("{rules:?}: {why}"));
        assert!(found.twins > 5 * count, "{found:?} of {count}");
    }
}

/// A broker that was cleared is as if it were new; one that only restarted is not.
#[test]
fn a_cleared_queue_is_a_new_one() {
    for walks in [walks(true, None, 100), walks(false, Some(1), 100)] {
        walks.forget(QueueBroker::clear).unwrap_or_else(|why| panic!("{why}"));
        let restarted = walks.forget(|broker| broker.restart(Instant::START, &mut Vec::new()));
        assert!(restarted.is_err());
    }
}

/// What was forgotten is stale, and so is what was forgotten since.
#[test]
fn ends_that_were_forgotten_make_a_difference() {
    let print = |forgotten| {
        let mut broker = QueueBroker::new(QueueSettings::default());
        broker.queues[0].consumers.forgotten = forgotten;
        let mut print = Fingerprint::new(Context { next_tags: &[9], ..Context::default() });
        broker.fingerprint(&mut print);
        print.finish()
    };
    assert_ne!(print(0), print(1));
    assert_ne!(print(1), print(2));
}

/// A request of the first process.
fn by(what: Ask) -> Step<Ask> {
    Step::Ask { process: 0, ago: 0, what }
}

/// What each of these wipes out is needed: a fingerprint without it takes different queues for one.
#[test]
fn a_fingerprint_that_leaves_something_out_is_caught() {
    type Wipe = fn(&mut QueueBroker);
    let (chance, short) = (walks(false, None, 200), walks(false, Some(1), 200));
    let publish = by(Ask::Publish { message: 0 });
    let receive = by(Ask::Receive { max: 1, settle_at_delivery: false });
    let settle = |settlement| by(Ask::Settle { back: 1, settlement, multiple: false });
    let (ack, requeue) = (settle(Settlement::Ack), settle(Settlement::Requeue));
    let ends = [publish.clone(), receive.clone(), requeue.clone(), Step::Pass { seconds: 10 }];
    let ends = chance.by_hand(&ends, requeue);
    let clients = chance.by_hand(&[publish, receive, ack.clone(), by(Ask::Close)], ack);
    for by_hand in [&ends, &clients] {
        let whole = by_hand.compare(|twin| twin.print(|into| twin.broker.fingerprint(into)));
        assert!(whole.is_ok(), "{whole:?}");
    }
    let wipes: [(&str, &Walks<QueueBroker>, Wipe); 6] = [
        ("ready copies", &chance, |broker| broker.queues[0].ready = Default::default()),
        ("clients", &clients, |broker| broker.queues[0].consumers.known.clear()),
        ("ends", &ends, |broker| broker.queues[0].consumers.ends.clear()),
        ("copies", &short, |broker| broker.copies = Default::default()),
        ("the departed", &chance, |broker| broker.departed = Default::default()),
        ("leases", &chance, |broker| {
            let queue = &mut broker.queues[0];
            let slots: Vec<_> = (1..20).filter_map(|tag| queue.in_flight.find(tag)).collect();
            slots.into_iter().for_each(|slot| queue.in_flight.extend(Instant::START, slot));
        }),
    ];
    for (what, walks, wipe) in wipes {
        let coarse = walks.compare(|twin| {
            let mut broker = twin.broker.clone();
            wipe(&mut broker);
            twin.print(|into| broker.fingerprint(into))
        });
        assert!(coarse.is_err(), "a fingerprint without {what} passes: {coarse:?}");
    }
}

/// State about tags that are never named again does not count. The steps name the last four;
/// claiming that they name none is caught.
#[test]
fn tags_that_nobody_names_again_do_not_count() {
    let naming = |walks: &Walks<QueueBroker>, back: u64| {
        walks.compare(|twin| twin.print_naming(back, |into| twin.broker.fingerprint(into)))
    };
    let chance = walks(false, None, 100);
    let found = naming(&chance, 4).unwrap_or_else(|why| panic!("{why}"));
    assert!(found.twins > 1_000, "{found:?}");
    let requeue = Ask::Settle { back: 1, settlement: Settlement::Requeue, multiple: false };
    let receive = Ask::Receive { max: 1, settle_at_delivery: false };
    let steps = [by(Ask::Publish { message: 0 }), by(receive), by(requeue.clone())];
    let ends = [&steps[..], &[Step::Pass { seconds: 10 }]].concat();
    let ends = chance.by_hand(&ends, by(requeue));
    assert!(naming(&ends, 4).is_ok());
    assert!(naming(&ends, 0).is_err(), "ends that are asked for are left out");
}

/// Two leases that end at one instant end in the order in which they began or were extended.
#[test]
fn leases_that_run_out_together_keep_their_order() {
    let client = ClientId::default();
    let run = |extend_first: bool| {
        let mut broker = QueueBroker::new(QueueSettings::default());
        let mut ground_truth = Vec::new();
        let mut ask = |broker: &mut QueueBroker, at: Instant, ask: Ask| {
            let (_, mut request) = broker.request(at, &ask).expect("its tag was given");
            broker.handle(at, client, &mut request, &mut ground_truth);
        };
        let receive = || Ask::Receive { max: 1, settle_at_delivery: false };
        let extend = |back| Ask::Settle { back, settlement: Settlement::Extend, multiple: false };
        let later = Instant::START + Duration::from_secs(5);
        for what in [Ask::Publish { message: 0 }, Ask::Publish { message: 1 }, receive()] {
            ask(&mut broker, Instant::START, what);
        }
        let steps = if extend_first { [extend(1), receive()] } else { [receive(), extend(2)] };
        steps.into_iter().for_each(|step| ask(&mut broker, later, step));
        let mut print = Fingerprint::new(Context { now: later, ..Context::default() });
        broker.fingerprint(&mut print);
        ground_truth.clear();
        broker.advance(broker.next_deadline().expect("two leases run"), &mut ground_truth);
        (
            print.finish(),
            ground_truth.iter().filter_map(|event| event.kind.message()).collect::<Vec<_>>(),
        )
    };
    let (in_order, reversed) = (run(true), run(false));
    assert_eq!(in_order.1, [MessageId(0), MessageId(1)]);
    assert_eq!(reversed.1, [MessageId(1), MessageId(0)]);
    assert_ne!(in_order.0, reversed.0);
}

mod dedup;
mod features;
mod unflushed;
