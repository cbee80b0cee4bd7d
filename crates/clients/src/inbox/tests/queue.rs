//! The queue's client library.

use std::pin::pin;
use std::slice;
use std::task::Poll;

use entrega_model::queue::{Received, Request, Response, Settlement};
use entrega_model::{Delivery, Duration, Instant, Key, MessageId, Record};

use super::config;
use crate::application::GiveBack;
use crate::fake_link::{FakeLink, once, ready};
use crate::inbox::QueueInbox;
use crate::{AutoSettle, ClientConfig, SettleError, SettleScope, Subscription, Turn, Unanswered};

type Link = FakeLink<Request, Response>;

fn received(tag: u64) -> Received {
    let record = Record { message: MessageId(tag as u32), key: Key(0), bytes: 1 };
    Received { tag, record, delivery_count: 1, redelivered: false }
}

/// An inbox that has received these tags and handed out the first.
fn handed<'a>(
    link: &'a Link,
    config: ClientConfig,
    tags: &[u64],
) -> (QueueInbox<&'a Link>, Delivery) {
    let inbox = QueueInbox::new(link, config);
    let delivery = {
        let mut poll = pin!(inbox.poll(Instant::NEVER));
        assert!(once(poll.as_mut()).is_pending());
        let (call, request) = link.asked().expect("a receive");
        assert!(matches!(request, Request::Receive { max: 4, .. }));
        let deliveries = tags.iter().map(|&tag| received(tag)).collect();
        link.answer(call, Ok(Response::Received { deliveries }));
        let Poll::Ready(Ok(Turn::Delivery(delivery))) = once(poll) else { panic!("no delivery") };
        delivery
    };
    (inbox, delivery)
}

#[test]
fn a_dropped_poll_loses_no_delivery() {
    let link = Link::new();
    let inbox = QueueInbox::new(&link, config());
    {
        let mut poll = pin!(inbox.poll(Instant::NEVER));
        assert!(once(poll.as_mut()).is_pending());
    }
    let (call, _) = link.asked().expect("a receive");
    assert!(!link.is_forgotten(call));
    link.answer(call, Ok(Response::Received { deliveries: vec![received(7)] }));
    let turn = ready(inbox.poll(Instant::NEVER));
    assert!(matches!(turn, Ok(Turn::Delivery(delivery)) if delivery.position == 7));
    assert!(link.asked().is_none(), "nothing was asked for twice");
}

#[test]
fn an_idle_poll_keeps_its_receive() {
    let link = Link::new();
    let inbox = QueueInbox::new(&link, config());
    assert_eq!(ready(inbox.poll(Instant::START)), Ok(Turn::Idle));
    let (call, _) = link.asked().expect("a receive");
    assert_eq!(ready(inbox.poll(Instant::START)), Ok(Turn::Idle));
    assert!(link.asked().is_none());
    link.answer(call, Ok(Response::Received { deliveries: vec![received(1)] }));
    assert!(matches!(ready(inbox.poll(Instant::START)), Ok(Turn::Delivery(_))));
}

#[test]
fn a_shutdown_ends_the_loop() {
    let link = Link::new();
    let inbox = QueueInbox::new(&link, config());
    link.closing.set(true);
    assert_eq!(ready(inbox.next()), Ok(None));
}

#[test]
fn every_answer_to_a_settle_means_something_else() {
    let answers = [
        (Ok(Response::Settled { tags: vec![] }), Ok(())),
        (Ok(Response::Stale { tags: vec![7] }), Err(SettleError::Fenced)),
        (Err(Unanswered), Err(SettleError::Unknown)),
    ];
    for (answer, expect) in answers {
        let link = Link::new();
        let (inbox, delivery) = handed(&link, config(), &[7]);
        let mut settle = pin!(inbox.settle(slice::from_ref(&delivery)));
        assert!(once(settle.as_mut()).is_pending());
        let (call, request) = link.asked().expect("a settle");
        let Request::Settle { tags, settlement, multiple, .. } = request else { panic!() };
        assert_eq!((tags, settlement, multiple), (vec![7], Settlement::Ack, false));
        link.answer(call, answer);
        assert_eq!(once(settle), Poll::Ready(expect));
    }
}

#[test]
fn an_unanswered_settle_is_repeated_as_configured() {
    let link = Link::new();
    let (inbox, delivery) = handed(&link, ClientConfig { settle_retries: 2, ..config() }, &[7]);
    let mut settle = pin!(inbox.settle(slice::from_ref(&delivery)));
    for _ in 0..3 {
        assert!(once(settle.as_mut()).is_pending());
        let (call, _) = link.asked().expect("a settle");
        link.answer(call, Err(Unanswered));
    }
    assert_eq!(once(settle), Poll::Ready(Err(SettleError::Unknown)));
    assert!(link.asked().is_none());
}

#[test]
fn an_unconfirmed_settle_waits_for_nothing() {
    let link = Link::new();
    let (inbox, delivery) =
        handed(&link, ClientConfig { settle_confirmed: false, ..config() }, &[7]);
    assert_eq!(ready(inbox.settle(slice::from_ref(&delivery))), Ok(()));
    let (call, _) = link.asked().expect("a settle");
    assert!(link.is_forgotten(call));
}

#[test]
fn a_cumulative_settle_names_the_last_tag() {
    let link = Link::new();
    let cumulative = ClientConfig { settle_scope: SettleScope::Cumulative, ..config() };
    let (inbox, first) = handed(&link, cumulative, &[7, 8]);
    let Ok(Turn::Delivery(second)) = ready(inbox.poll(Instant::NEVER)) else { panic!() };
    let both = [first, second];
    let mut settle = pin!(inbox.settle(&both));
    assert!(once(settle.as_mut()).is_pending());
    let (_, request) = link.asked().expect("a settle");
    let Request::Settle { tags, multiple, .. } = request else { panic!() };
    assert_eq!((tags, multiple), (vec![8], true));
}

#[test]
fn the_next_receive_accepts_what_was_handed_out() {
    let link = Link::new();
    let implicit = ClientConfig { auto_settle: AutoSettle::AtNextReceive, ..config() };
    let (inbox, _) = handed(&link, implicit, &[7, 8]);
    assert!(matches!(ready(inbox.poll(Instant::NEVER)), Ok(Turn::Delivery(_))));
    assert!(link.asked().is_none(), "the batch is not finished");
    let mut poll = pin!(inbox.poll(Instant::NEVER));
    assert!(once(poll.as_mut()).is_pending());
    let (_, request) = link.asked().expect("a settle");
    let Request::Settle { tags, .. } = request else { panic!() };
    assert_eq!(tags, [7, 8]);
}

#[test]
fn automatic_ack_is_asked_for_with_the_receive() {
    let link = Link::new();
    let automatic = ClientConfig { auto_settle: AutoSettle::AtDelivery, ..config() };
    let inbox = QueueInbox::new(&link, automatic);
    let mut poll = pin!(inbox.poll(Instant::NEVER));
    assert!(once(poll.as_mut()).is_pending());
    let (_, request) = link.asked().expect("a receive");
    assert!(matches!(request, Request::Receive { settle_at_delivery: true, .. }));
}

/// An inbox that was handed one of these tags, with its library at work beside it: what it has
/// asked for since.
fn asks_meanwhile(receive_ahead: bool) -> Option<Request> {
    let link = Link::new();
    let config = ClientConfig { receive_ahead, ..config() };
    let (inbox, _) = handed(&link, config, &[7]);
    let mut beside = pin!(inbox.receive_ahead());
    assert_eq!(once(beside.as_mut()).is_pending(), receive_ahead);
    Some(link.asked()?.1)
}

#[test]
fn push_receives_on_while_the_application_works_and_pull_does_not() {
    assert!(matches!(asks_meanwhile(true), Some(Request::Receive { max: 4, .. })));
    assert!(asks_meanwhile(false).is_none());
}

#[test]
fn what_came_meanwhile_is_handed_out_behind_the_rest() {
    let link = Link::new();
    let (inbox, _) = handed(&link, ClientConfig { receive_ahead: true, ..config() }, &[7, 8]);
    let mut beside = pin!(inbox.receive_ahead());
    for tag in [9, 10] {
        assert!(once(beside.as_mut()).is_pending());
        let (call, _) = link.asked().expect("a receive");
        link.answer(call, Ok(Response::Received { deliveries: vec![received(tag)] }));
    }
    assert!(once(beside.as_mut()).is_pending());
    for tag in [8, 9, 10] {
        let turn = ready(inbox.poll(Instant::NEVER));
        assert!(matches!(turn, Ok(Turn::Delivery(delivery)) if delivery.position == tag));
    }
    link.asked().expect("one receive is always under way");
    assert!(link.asked().is_none());
}

#[test]
fn nothing_is_received_ahead_into_a_shutdown() {
    let link = Link::new();
    let inbox = QueueInbox::new(&link, ClientConfig { receive_ahead: true, ..config() });
    link.closing.set(true);
    assert!(once(pin!(inbox.receive_ahead())).is_ready());
}

/// The tags for which more time was asked since, nothing if it was not.
fn renewed(link: &Link) -> Option<Vec<u64>> {
    match link.asked()?.1 {
        Request::Settle { settlement: Settlement::Extend, tags, .. } => Some(tags),
        other => panic!("{other:?}"),
    }
}

fn renews() -> ClientConfig {
    ClientConfig { lease_renewal: Some(Duration::from_secs(15)), ..config() }
}

/// In the buffer and in hand, every fifteen seconds, until it is settled or left alone.
#[test]
fn what_is_held_is_renewed_at_the_interval() {
    let link = Link::new();
    let (inbox, delivery) = handed(&link, renews(), &[7, 8, 9]);
    let mut beside = pin!(inbox.background());
    let mut at = |seconds| {
        link.now.set(Instant::START + Duration::from_secs(seconds));
        assert!(once(beside.as_mut()).is_pending());
        renewed(&link)
    };
    assert_eq!(at(0), None);
    assert_eq!(at(14), None);
    assert_eq!(at(15), Some(vec![7, 8, 9]));
    assert_eq!(at(29), None);
    let mut settle = pin!(inbox.settle(slice::from_ref(&delivery)));
    assert!(once(settle.as_mut()).is_pending());
    let (call, _) = link.asked().expect("an ack");
    link.answer(call, Ok(Response::Settled { tags: Vec::new() }));
    assert!(once(settle).is_ready());
    assert_eq!(at(30), Some(vec![8, 9]), "an ack on its way renews nothing");
    let Ok(Turn::Delivery(left)) = ready(inbox.poll(Instant::NEVER)) else { panic!("no delivery") };
    inbox.let_go(&left);
    assert_eq!(at(45), Some(vec![9]));
    let Ok(Turn::Delivery(last)) = ready(inbox.poll(Instant::NEVER)) else { panic!("no delivery") };
    inbox.let_go(&last);
    assert_eq!(at(60), None, "nothing is held");
    assert_eq!(at(1_000), None);
}

/// After a time with nothing held, the next message begins an interval of its own.
#[test]
fn renewal_begins_again_with_the_next_message() {
    let link = Link::new();
    let (inbox, delivery) = handed(&link, renews(), &[7]);
    let mut beside = pin!(inbox.background());
    assert!(once(beside.as_mut()).is_pending());
    inbox.let_go(&delivery);
    link.now.set(Instant::START + Duration::from_secs(100));
    assert!(once(beside.as_mut()).is_pending());
    let mut poll = pin!(inbox.poll(Instant::NEVER));
    assert!(once(poll.as_mut()).is_pending());
    let (call, _) = link.asked().expect("a receive");
    link.answer(call, Ok(Response::Received { deliveries: vec![received(8)] }));
    assert!(once(poll).is_ready() && once(beside.as_mut()).is_pending());
    assert_eq!(renewed(&link), None);
    link.now.set(Instant::START + Duration::from_secs(115));
    assert!(once(beside.as_mut()).is_pending());
    assert_eq!(renewed(&link), Some(vec![8]));
}

/// What comes when the application has stopped waiting for it is held from then on. A library that
/// renews nothing leaves it where it is.
#[test]
fn what_comes_after_the_application_waited_is_renewed() {
    for renewal in [renews(), config()] {
        let link = Link::new();
        let inbox = QueueInbox::new(&link, renewal.clone());
        let mut beside = pin!(inbox.background());
        assert_eq!(once(beside.as_mut()).is_pending(), renewal.lease_renewal.is_some());
        let mut poll = pin!(inbox.poll(Instant::START + Duration::from_secs(1)));
        assert!(once(poll.as_mut()).is_pending());
        let (call, _) = link.asked().expect("a receive");
        link.now.set(Instant::START + Duration::from_secs(1));
        assert!(matches!(once(poll), Poll::Ready(Ok(Turn::Idle))));
        link.answer(call, Ok(Response::Received { deliveries: vec![received(8)] }));
        let mut renewed_at = |seconds| {
            link.now.set(Instant::START + Duration::from_secs(seconds));
            renewal.lease_renewal.and_then(|_| {
                assert!(once(beside.as_mut()).is_pending());
                renewed(&link)
            })
        };
        assert_eq!(renewed_at(2), None);
        assert_eq!(renewed_at(17), renewal.lease_renewal.map(|_| vec![8]));
    }
}

#[test]
fn what_the_delivery_settles_is_not_renewed() {
    let link = Link::new();
    let automatic = ClientConfig { auto_settle: AutoSettle::AtDelivery, ..renews() };
    let (inbox, _) = handed(&link, automatic, &[7]);
    let mut beside = pin!(inbox.background());
    link.now.set(Instant::START + Duration::from_secs(100));
    assert!(once(beside.as_mut()).is_pending());
    assert_eq!(renewed(&link), None);
}
