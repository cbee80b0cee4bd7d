//! The log's client library.

use std::pin::pin;
use std::slice;
use std::task::Poll;

use entrega_model::event::SettleTrigger;
use entrega_model::log::{AssignedPartition, Fetched, PartitionOffset, Refusal, Request, Response};
use entrega_model::{
    Delivery, Duration, Generation, Instant, Key, Kind, MessageId, PartitionId, Record,
};

use super::config;
use crate::fake_link::{FakeLink, once, ready};
use crate::inbox::LogInbox;
use crate::{
    AutoSettle, ClientConfig, LogSubscription, OffsetReset, OffsetStore, ReceiveError, SettleError,
    Subscription, Turn, Unanswered,
};

type Link = FakeLink<Request, Response>;

const LANE: PartitionId = PartitionId(0);

fn fetched(offset: u64) -> Fetched {
    let record = Record { message: MessageId(offset as u32), key: Key(0), bytes: 1 };
    Fetched { partition: LANE, offset, record }
}

fn bounds(committed: Option<u64>) -> AssignedPartition {
    AssignedPartition {
        partition: LANE,
        committed,
        log_start: 0,
        high_watermark: 10,
        young_from: 7,
    }
}

/// Polls once, answers the request that is asked for then, and returns it.
fn exchange(link: &Link, inbox: &LogInbox<&Link>, answer: Result<Response, Unanswered>) -> Request {
    {
        let mut poll = pin!(inbox.poll(Instant::NEVER));
        assert!(once(poll.as_mut()).is_pending());
    }
    let (call, request) = link.asked().expect("a request");
    link.answer(call, answer);
    request
}

/// An inbox that is the owner of partition 0 from the committed offset on.
fn joined(link: &Link, config: ClientConfig, committed: Option<u64>) -> LogInbox<&Link> {
    let inbox = LogInbox::new(link, config);
    let assigned = vec![bounds(committed)];
    let joined = Response::Joined { generation: Generation(3), assigned };
    assert!(matches!(exchange(link, &inbox, Ok(joined)), Request::Join { .. }));
    assert_eq!(ready(inbox.poll(Instant::NEVER)), Ok(Turn::Assigned(LANE)));
    inbox
}

/// The same, with these offsets fetched; the first is handed out.
fn handed<'a>(
    link: &'a Link,
    config: ClientConfig,
    offsets: &[u64],
) -> (LogInbox<&'a Link>, Delivery) {
    let inbox = joined(link, config, Some(offsets[0]));
    let records = offsets.iter().map(|&offset| fetched(offset)).collect();
    let request = exchange(link, &inbox, Ok(Response::Fetched { records, positions: vec![] }));
    let Request::Fetch { positions, generation, .. } = request else { panic!("{request:?}") };
    assert_eq!(positions, [PartitionOffset { partition: LANE, offset: offsets[0] }]);
    assert_eq!(generation, Generation(3));
    let Ok(Turn::Delivery(delivery)) = ready(inbox.poll(Instant::NEVER)) else { panic!() };
    (inbox, delivery)
}

fn committed(link: &Link) -> (crate::CallId, u64, Generation, SettleTrigger) {
    let (call, request) = link.asked().expect("a commit");
    let Request::Commit { offsets, generation, trigger, .. } = request else {
        panic!("{request:?}")
    };
    (call, offsets[0].offset, generation, trigger)
}

#[test]
fn a_dropped_poll_loses_no_delivery() {
    let link = Link::new();
    let inbox = joined(&link, config(), Some(4));
    let records = vec![fetched(4)];
    exchange(&link, &inbox, Ok(Response::Fetched { records, positions: vec![] }));
    let turn = ready(inbox.poll(Instant::NEVER));
    assert!(matches!(turn, Ok(Turn::Delivery(delivery)) if delivery.position == 4));
}

#[test]
fn settling_commits_the_next_offset_under_the_generation_of_the_delivery() {
    let link = Link::new();
    let (inbox, delivery) = handed(&link, config(), &[4]);
    let mut settle = pin!(inbox.settle(slice::from_ref(&delivery)));
    assert!(once(settle.as_mut()).is_pending());
    let (call, offset, generation, trigger) = committed(&link);
    assert_eq!((offset, generation), (5, Generation(3)));
    assert_eq!(trigger, SettleTrigger::Application);
    link.answer(call, Ok(Response::Committed { offsets: vec![] }));
    assert_eq!(once(settle), Poll::Ready(Ok(())));
}

#[test]
fn a_refused_commit_loses_the_assignment_and_what_was_fetched() {
    let link = Link::new();
    let (inbox, delivery) = handed(&link, config(), &[4, 5]);
    {
        let mut settle = pin!(inbox.settle(slice::from_ref(&delivery)));
        assert!(once(settle.as_mut()).is_pending());
        let (call, ..) = committed(&link);
        link.answer(call, Ok(Response::Refused(Refusal::IllegalGeneration)));
        assert_eq!(once(settle), Poll::Ready(Err(SettleError::Fenced)));
    }
    assert_eq!(ready(inbox.poll(Instant::NEVER)), Ok(Turn::Lost));
    let request = exchange(&link, &inbox, Err(Unanswered));
    assert!(matches!(request, Request::Join { .. }), "{request:?}");
}

/// One that is refused for its offset does not: the assignment stands.
#[test]
fn a_commit_that_would_go_back_is_refused_and_nothing_else_changes() {
    for refusal in [Refusal::BackwardCommit, Refusal::NotOwner] {
        let link = Link::new();
        let (inbox, delivery) = handed(&link, config(), &[4, 5]);
        {
            let mut settle = pin!(inbox.settle(slice::from_ref(&delivery)));
            assert!(once(settle.as_mut()).is_pending());
            let (call, ..) = committed(&link);
            link.answer(call, Ok(Response::Refused(refusal)));
            assert_eq!(once(settle), Poll::Ready(Err(SettleError::Fenced)));
        }
        let turn = ready(inbox.poll(Instant::NEVER));
        assert!(matches!(turn, Ok(Turn::Delivery(delivery)) if delivery.position == 5), "{turn:?}");
    }
}

#[test]
fn a_rebalance_lets_the_application_settle_first() {
    let link = Link::new();
    let (inbox, delivery) = handed(&link, config(), &[4]);
    let refused = Response::Refused(Refusal::RebalanceInProgress);
    exchange(&link, &inbox, Ok(refused));
    assert_eq!(ready(inbox.poll(Instant::NEVER)), Ok(Turn::Revoking));
    {
        let mut settle = pin!(inbox.settle(slice::from_ref(&delivery)));
        assert!(once(settle.as_mut()).is_pending());
        let (call, offset, generation, _) = committed(&link);
        assert_eq!((offset, generation), (5, Generation(3)));
        link.answer(call, Ok(Response::Committed { offsets: vec![] }));
        assert_eq!(once(settle), Poll::Ready(Ok(())));
    }
    let request = exchange(&link, &inbox, Err(Unanswered));
    assert!(matches!(request, Request::Join { .. }), "{request:?}");
}

/// librdkafka: the offset is eligible as soon as its message is delivered.
#[test]
fn at_delivery_the_offset_in_hand_is_stored() {
    let link = Link::new();
    let automatic = ClientConfig { auto_settle: AutoSettle::AtDelivery, ..config() };
    let (inbox, _) = handed(&link, automatic, &[4]);
    let mut commit = pin!(inbox.commit_stored());
    assert!(once(commit.as_mut()).is_pending());
    assert_eq!(committed(&link).1, 5);
}

/// librdkafka: a commit without arguments that has nothing newer is an error, and asks for nothing.
#[test]
fn a_commit_of_nothing_new_is_an_error_in_librdkafka() {
    let link = Link::new();
    let (inbox, _) = handed(&link, config(), &[4]);
    {
        let mut commit = pin!(inbox.commit_stored());
        assert!(once(commit.as_mut()).is_pending());
        let (call, offset, _, trigger) = committed(&link);
        assert_eq!((offset, trigger), (5, SettleTrigger::Application));
        link.answer(call, Ok(Response::Committed { offsets: vec![at(5)] }));
        assert_eq!(once(commit), Poll::Ready(Ok(())));
    }
    assert_eq!(ready(inbox.commit_stored()), Err(SettleError::NoOffset));
    assert!(link.asked().is_none());
}

/// Without auto-commit an offset is stored all the same, and `close()` leaves it alone.
#[test]
fn closing_without_auto_commit_commits_nothing() {
    let link = Link::new();
    let (inbox, _) = handed(&link, config(), &[4]);
    let mut close = pin!(inbox.close());
    assert!(once(close.as_mut()).is_pending());
    let (_, request) = link.asked().expect("a goodbye");
    assert!(matches!(request, Request::Leave { .. }), "{request:?}");
}

fn at(offset: u64) -> PartitionOffset {
    PartitionOffset { partition: LANE, offset }
}

fn java() -> ClientConfig {
    let (auto_settle, offset_store) = (AutoSettle::AtNextReceive, OffsetStore::AfterPoll);
    ClientConfig { auto_settle, offset_store, ..config() }
}

/// Java: a poll commits what earlier polls returned, once the interval is over, and not in the
/// middle of a batch.
#[test]
fn at_the_next_receive_the_finished_batch_is_committed() {
    let link = Link::new();
    let (inbox, _) = handed(&link, java(), &[4, 5]);
    link.now.set(Instant::START + Duration::from_secs(5));
    assert!(matches!(ready(inbox.poll(Instant::NEVER)), Ok(Turn::Delivery(_))));
    assert!(link.asked().is_none(), "the batch is not finished");
    let mut poll = pin!(inbox.poll(Instant::NEVER));
    assert!(once(poll.as_mut()).is_pending());
    let (_, offset, _, trigger) = committed(&link);
    assert_eq!((offset, trigger), (6, SettleTrigger::NextReceive));
}

#[test]
fn at_the_next_receive_nothing_is_committed_before_the_interval_is_over() {
    let link = Link::new();
    let (inbox, _) = handed(&link, java(), &[4]);
    link.now.set(Instant::START + Duration::from_millis(4_999));
    let mut poll = pin!(inbox.poll(Instant::NEVER));
    assert!(once(poll.as_mut()).is_pending());
    let (_, request) = link.asked().expect("a request");
    assert!(matches!(request, Request::Fetch { .. }), "{request:?}");
}

/// Java: the position is past the whole batch, and so is what `close()` and a commit without
/// arguments record (semantics.md C35, M5).
#[test]
fn in_the_middle_of_a_batch_java_commits_all_of_it() {
    for auto_settle in [AutoSettle::AtNextReceive, AutoSettle::Off] {
        let link = Link::new();
        let (inbox, _) = handed(&link, ClientConfig { auto_settle, ..java() }, &[4, 5, 6]);
        let mut close = pin!(async {
            match auto_settle {
                AutoSettle::Off => inbox.commit_stored().await,
                _ => inbox.close().await,
            }
        });
        assert!(once(close.as_mut()).is_pending());
        assert_eq!(committed(&link).1, 7, "one of three was handed over");
    }
}

/// Java: a shutdown is noticed by a poll, so the rest of the batch is handed out first.
#[test]
fn a_shutdown_waits_for_the_end_of_a_batch_in_java() {
    for (config, waits) in [(java(), true), (config(), false)] {
        let link = Link::new();
        let (inbox, _) = handed(&link, config, &[4, 5]);
        link.closing.set(true);
        let turn = ready(inbox.poll(Instant::NEVER));
        assert_eq!(matches!(turn, Ok(Turn::Delivery(_))), waits, "{turn:?}");
        if waits {
            assert_eq!(ready(inbox.poll(Instant::NEVER)), Ok(Turn::Shutdown));
        }
    }
}

/// But not for the end of one that went with its assignment: nobody joins only to stop.
#[test]
fn a_lost_batch_keeps_nobody_from_stopping() {
    let link = Link::new();
    let (inbox, delivery) = handed(&link, java(), &[4, 5]);
    {
        let mut settle = pin!(inbox.settle(slice::from_ref(&delivery)));
        assert!(once(settle.as_mut()).is_pending());
        let (call, ..) = committed(&link);
        link.answer(call, Ok(Response::Refused(Refusal::IllegalGeneration)));
        assert_eq!(once(settle), Poll::Ready(Err(SettleError::Fenced)));
    }
    link.closing.set(true);
    assert_eq!(ready(inbox.poll(Instant::NEVER)), Ok(Turn::Lost));
    assert_eq!(ready(inbox.poll(Instant::NEVER)), Ok(Turn::Shutdown));
    assert!(link.asked().is_none());
}

#[test]
fn the_reset_policy_decides_where_a_new_group_begins() {
    let check = |policy, expect: Result<u64, ReceiveError>| {
        let link = Link::new();
        let inbox = LogInbox::new(&link, ClientConfig { auto_offset_reset: policy, ..config() });
        let assigned = vec![bounds(None)];
        let joined = Response::Joined { generation: Generation(1), assigned };
        exchange(&link, &inbox, Ok(joined));
        match (ready(inbox.poll(Instant::NEVER)), expect) {
            (Ok(_), Ok(offset)) => assert_eq!(inbox.position(LANE), Some(offset)),
            (Err(error), Err(expected)) => assert_eq!(error, expected),
            (turn, expect) => panic!("{turn:?} instead of {expect:?}"),
        }
    };
    check(OffsetReset::Earliest, Ok(0));
    check(OffsetReset::Latest, Ok(10));
    check(OffsetReset::ByDuration(Duration::from_secs(60)), Ok(7));
    check(OffsetReset::None, Err(ReceiveError::NoOffset(LANE)));
}

/// In a cooperative rebalance a member joins again with what it has, goes on with what stays, lets
/// the application settle what moves under the new assignment, and joins once more without it.
#[test]
fn a_cooperative_member_gives_up_what_moves_and_nothing_else() {
    let link = Link::new();
    let (inbox, delivery) = handed(&link, ClientConfig { cooperative: true, ..config() }, &[4]);
    let refused = Response::Refused(Refusal::RebalanceInProgress);
    exchange(&link, &inbox, Ok(refused));
    let other = AssignedPartition { partition: PartitionId(1), ..bounds(Some(2)) };
    let joined = |generation, assigned| Response::Joined { generation, assigned };
    let answer = joined(Generation(4), vec![bounds(Some(4)), other]);
    let request = exchange(&link, &inbox, Ok(answer));
    assert!(matches!(request, Request::Join { has: Generation(3), .. }), "{request:?}");
    assert_eq!(ready(inbox.poll(Instant::NEVER)), Ok(Turn::Assigned(PartitionId(1))));
    let request = exchange(&link, &inbox, Ok(Response::Refused(Refusal::RebalanceInProgress)));
    let Request::Fetch { mut positions, generation, .. } = request else { panic!("{request:?}") };
    positions.sort_unstable();
    let expect = [at(5), PartitionOffset { partition: PartitionId(1), offset: 2 }];
    assert_eq!((positions, generation), (expect.to_vec(), Generation(4)));

    let answer = joined(Generation(5), vec![other]);
    let request = exchange(&link, &inbox, Ok(answer));
    assert!(matches!(request, Request::Join { has: Generation(4), .. }), "{request:?}");
    assert_eq!(ready(inbox.poll(Instant::NEVER)), Ok(Turn::Revoking));
    {
        let mut settle = pin!(inbox.settle(slice::from_ref(&delivery)));
        assert!(once(settle.as_mut()).is_pending());
        let (call, offset, generation, _) = committed(&link);
        assert_eq!((offset, generation), (5, Generation(5)), "handed out under generation 3");
        link.answer(call, Ok(Response::Committed { offsets: vec![] }));
        assert_eq!(once(settle), Poll::Ready(Ok(())));
    }
    let request = exchange(&link, &inbox, Err(Unanswered));
    assert!(matches!(request, Request::Join { has: Generation(5), .. }), "{request:?}");
    let revoked = |kind: &Kind| matches!(kind, Kind::Revoked { partition: LANE, .. });
    assert_eq!(link.recorded.borrow().iter().filter(|kind| revoked(kind)).count(), 1);
    assert_eq!(inbox.position(LANE), None);
    assert_eq!(inbox.position(PartitionId(1)), Some(2));
}

/// A static member keeps its place in the group.
#[test]
fn a_static_member_closes_without_a_goodbye() {
    let link = Link::new();
    let (inbox, _) = handed(&link, ClientConfig { leaves_on_close: false, ..config() }, &[4]);
    assert_eq!(ready(inbox.close()), Ok(()));
    assert!(link.asked().is_none());
}

/// A consumer finds more partitions at its refresh, lets the application settle, and joins again.
/// One that has asked to join after the change knows them.
#[test]
fn more_partitions_are_found_at_a_refresh() {
    let after = |secs| Instant::START + Duration::from_secs(secs);
    let every = Duration::from_secs(60);
    let metadata = Some(crate::MetadataRefresh { changes_at: after(90), every });
    let config = ClientConfig { metadata, ..config() };
    let link = Link::new();
    let (inbox, _) = handed(&link, config.clone(), &[4]);
    link.now.set(after(119));
    let request = exchange(&link, &inbox, Err(Unanswered));
    assert!(matches!(request, Request::Fetch { .. }), "{request:?}");
    link.now.set(after(120));
    assert_eq!(ready(inbox.poll(Instant::NEVER)), Ok(Turn::Revoking));
    let request = exchange(&link, &inbox, Err(Unanswered));
    assert!(matches!(request, Request::Join { .. }), "{request:?}");

    let link = Link::new();
    let inbox = LogInbox::new(&link, config);
    link.now.set(after(90));
    let joined = Response::Joined { generation: Generation(3), assigned: vec![bounds(Some(4))] };
    exchange(&link, &inbox, Ok(joined));
    assert_eq!(ready(inbox.poll(Instant::NEVER)), Ok(Turn::Assigned(LANE)));
    link.now.set(after(500));
    let request = exchange(&link, &inbox, Err(Unanswered));
    assert!(matches!(request, Request::Fetch { .. }), "{request:?}");
}

#[test]
fn seeking_fetches_again_from_there() {
    let link = Link::new();
    let (inbox, _) = handed(&link, config(), &[4, 5]);
    inbox.seek(PartitionOffset { partition: LANE, offset: 2 });
    assert_eq!(inbox.position(LANE), Some(2));
    let sought = |kind: &Kind| matches!(kind, Kind::Sought { partition: LANE, from: 5, to: 2, .. });
    assert!(link.recorded.borrow().iter().any(sought));
    let request = exchange(&link, &inbox, Err(Unanswered));
    let Request::Fetch { positions, .. } = request else { panic!("{request:?}") };
    assert_eq!(positions[0].offset, 2);
}

#[test]
fn nobody_seeks_in_a_partition_of_others() {
    let link = Link::new();
    let (inbox, _) = handed(&link, config(), &[4]);
    inbox.seek(PartitionOffset { partition: PartitionId(7), offset: 2 });
    assert!(!link.recorded.borrow().iter().any(|kind| matches!(kind, Kind::Sought { .. })));
}

#[test]
fn a_paused_partition_is_not_fetched() {
    let link = Link::new();
    let (inbox, _) = handed(&link, config(), &[4, 5]);
    inbox.pause(LANE);
    let request = exchange(&link, &inbox, Err(Unanswered));
    assert!(matches!(&request, Request::Fetch { positions, .. } if positions.is_empty()));
    inbox.resume(LANE);
    let request = exchange(&link, &inbox, Err(Unanswered));
    let Request::Fetch { positions, .. } = request else { panic!("{request:?}") };
    assert_eq!(positions[0].offset, 5, "what was handed out is not fetched again");
}

#[test]
fn closing_commits_what_is_stored_and_leaves() {
    let link = Link::new();
    let automatic = ClientConfig { auto_settle: AutoSettle::AtDelivery, ..config() };
    let (inbox, _) = handed(&link, automatic, &[4]);
    let mut close = pin!(inbox.close());
    assert!(once(close.as_mut()).is_pending());
    let (call, offset, _, trigger) = committed(&link);
    assert_eq!((offset, trigger), (5, SettleTrigger::Close));
    link.answer(call, Ok(Response::Committed { offsets: vec![] }));
    assert!(once(close.as_mut()).is_pending());
    let (call, request) = link.asked().expect("a goodbye");
    assert!(matches!(request, Request::Leave { .. }));
    link.answer(call, Ok(Response::Left));
    assert_eq!(once(close), Poll::Ready(Ok(())));
}
