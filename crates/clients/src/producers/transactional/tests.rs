//! What a transactional producer asks, answer by answer.

use std::pin::pin;

use entrega_model::event::{Kind, SettleOutcome};
use entrega_model::log::{Request, Response, TransactionAct, TransactionRefusal};
use entrega_model::{
    Delivery, DeliveryId, Duration, Generation, Instant, Key, MessageId, PartitionId, Record,
    SubscriptionId, TransactionalId,
};

use super::{LogTransactions, Prepared, TransactionError, TransactionalProducer};
use crate::fake_link::{FakeLink, once};
use crate::{TransactionConfig, Unanswered};

type Far = FakeLink<Request, Response>;

fn delivery(message: u32) -> Delivery {
    Delivery {
        id: DeliveryId(message),
        record: Record { message: MessageId(message), key: Key(0), bytes: 1 },
        partition: PartitionId(2),
        position: 7,
        attempt: 1,
        redelivered: false,
        generation: Generation(4),
        at: Instant::START,
    }
}

fn config() -> TransactionConfig {
    TransactionConfig {
        subscription: SubscriptionId(0),
        timeout: Duration::from_secs(60),
        group_metadata: true,
        retries: 0,
        writes_output: true,
    }
}

fn done(epoch: u32) -> Result<Response, Unanswered> {
    let (records, offsets) = (Vec::new(), Vec::new());
    Ok(Response::Transacted { epoch, base_offset: 0, records, offsets })
}

fn refused(refusal: TransactionRefusal) -> Result<Response, Unanswered> {
    Ok(Response::TransactionRefused(refusal))
}

/// Drives a step against these answers. Returns what was asked, and what came of it.
fn drive(
    far: &Far,
    step: impl Future<Output = Result<(), TransactionError>>,
    answers: Vec<Result<Response, Unanswered>>,
) -> (Vec<(u32, TransactionAct)>, Result<(), TransactionError>) {
    let (mut step, mut asked) = (pin!(step), Vec::new());
    for answer in answers {
        assert!(once(step.as_mut()).is_pending());
        let (call, request) = far.asked().expect("a request");
        let Request::Transact { epoch, act, .. } = request else { panic!("{request:?}") };
        asked.push((epoch, act));
        far.answer(call, answer);
    }
    match once(step.as_mut()) {
        std::task::Poll::Ready(result) => (asked, result),
        std::task::Poll::Pending => panic!("it asks for more than {asked:?}"),
    }
}

fn number(asked: &[(u32, TransactionAct)]) -> (u32, u32) {
    match asked[..] {
        [(epoch, TransactionAct::Produce { first, .. })] => (epoch, first),
        ref other => panic!("{other:?}"),
    }
}

/// A record keeps its number until it is answered; the next one follows, and a new epoch begins at
/// 0.
#[test]
fn records_are_numbered_in_each_epoch() {
    let far = Far::new();
    let producer = LogTransactions::new(&far, config());
    assert!(drive(&far, producer.init(), vec![done(3)]).1.is_ok());
    producer.begin();
    let (asked, result) = drive(&far, producer.send(&delivery(5)), vec![Err(Unanswered)]);
    assert_eq!((number(&asked), result), ((3, 0), Err(TransactionError::Unknown)));
    let again = drive(&far, producer.send(&delivery(5)), vec![done(3)]);
    assert_eq!(number(&again.0), (3, 0));
    let next = drive(&far, producer.send(&delivery(6)), vec![done(3)]);
    assert_eq!(number(&next.0), (3, 1));
    assert!(drive(&far, producer.commit(), vec![done(4)]).1.is_ok());
    producer.begin();
    let next = drive(&far, producer.send(&delivery(6)), vec![done(4)]);
    assert_eq!(number(&next.0), (4, 0));
}

/// What is in doubt must not arrive in the next transaction: a new epoch begins. What was answered
/// is aborted as it is.
#[test]
fn an_abort_in_doubt_begins_anew() {
    let check = |answer, begins_anew| {
        let far = Far::new();
        let producer = LogTransactions::new(&far, config());
        producer.begin();
        let _ = drive(&far, producer.send(&delivery(5)), vec![answer]);
        let (asked, result) = drive(&far, producer.abort(), vec![done(1)]);
        assert!(result.is_ok());
        let is_init = matches!(asked[..], [(_, TransactionAct::Init { .. })]);
        assert_eq!(is_init, begins_anew, "{asked:?}");
    };
    check(Err(Unanswered), true);
    check(done(0), false);
}

/// The metadata of the group is the assignment under which the message was read.
#[test]
fn offsets_name_their_assignment_if_they_are_to() {
    let check = |group_metadata, expect| {
        let far = Far::new();
        let producer = LogTransactions::new(&far, TransactionConfig { group_metadata, ..config() });
        let (asked, _) = drive(&far, producer.send_offsets(&[delivery(5)]), vec![done(0)]);
        let [(_, TransactionAct::AddOffsets { member, ref offsets })] = asked[..] else {
            panic!("{asked:?}");
        };
        assert_eq!((member, offsets[0].offset), (expect, 8));
    };
    check(true, Some(Generation(4)));
    check(false, None);
}

/// A commit is repeated as often as that is set up, and its outcome is noted for each message.
#[test]
fn a_commit_without_an_answer_is_repeated_or_in_doubt() {
    let check = |retries, answers, expect: Result<(), TransactionError>, noted| {
        let far = Far::new();
        let producer = LogTransactions::new(&far, TransactionConfig { retries, ..config() });
        let _ = drive(&far, producer.send_offsets(&[delivery(5)]), vec![done(0)]);
        let (asked, result) = drive(&far, producer.commit(), answers);
        let ends = asked.iter().all(|(_, act)| *act == TransactionAct::End { commit: true });
        assert!(ends, "{asked:?}");
        assert_eq!(result, expect);
        let ended = |kind: &Kind| match *kind {
            Kind::SettleEnded { outcome, .. } => Some(outcome),
            _ => None,
        };
        let all: Vec<_> = far.recorded.borrow().iter().filter_map(ended).collect();
        assert_eq!(all, [noted]);
    };
    check(1, vec![Err(Unanswered), done(1)], Ok(()), SettleOutcome::Ok);
    check(0, vec![Err(Unanswered)], Err(TransactionError::Unknown), SettleOutcome::Info);
    let fenced = vec![refused(TransactionRefusal::ProducerFenced)];
    check(0, fenced, Err(TransactionError::Fenced), SettleOutcome::Fail);
}

/// Which refusals leave a transaction that can be aborted.
#[test]
fn a_refusal_says_whether_it_can_go_on() {
    use TransactionRefusal::{
        IllegalGeneration, InvalidProducerEpoch, InvalidProducerIdMapping, InvalidTxnState,
        OutOfOrderSequence, ProducerFenced, UnknownMember, UnknownPartition,
    };
    let check = |refusals: &[TransactionRefusal], expect| {
        for refusal in refusals {
            let far = Far::new();
            let producer = LogTransactions::new(&far, config());
            let step = producer.send_offsets(&[]);
            assert_eq!(drive(&far, step, vec![refused(*refusal)]).1, Err(expect), "{refusal:?}");
        }
    };
    let fatal = [InvalidProducerEpoch, InvalidProducerIdMapping, InvalidTxnState, ProducerFenced];
    check(&fatal, TransactionError::Fenced);
    let abortable = [OutOfOrderSequence, UnknownMember, IllegalGeneration, UnknownPartition];
    check(&abortable, TransactionError::Refused);
}

/// What an earlier life has prepared is committed under its identity and without a new life, until
/// there is an answer. What another producer has prepared is not asked for.
#[test]
fn a_prepared_transaction_is_committed_under_its_own_identity() {
    let far = Far::new();
    let first = LogTransactions::new(&far, config());
    let _ = drive(&far, first.init(), vec![done(3)]);
    first.begin();
    assert_eq!(first.prepared(), None, "nothing was written");
    let _ = drive(&far, first.send(&delivery(5)), vec![done(3)]);
    let prepared = first.prepared().expect("a transaction");
    assert_eq!(prepared.epoch, 3);
    let next = LogTransactions::new(&far, config());
    let answers = vec![Err(Unanswered), done(4)];
    let (asked, result) = drive(&far, next.commit_prepared(prepared), answers);
    let commit = TransactionAct::End { commit: true };
    assert_eq!((asked, result), (vec![(3, commit.clone()), (3, commit)], Ok(())));
    let expired = vec![refused(TransactionRefusal::ProducerFenced)];
    let late =
        drive(&far, LogTransactions::new(&far, config()).commit_prepared(prepared), expired).1;
    assert_eq!(late, Err(TransactionError::Fenced));
    let another = Prepared { id: TransactionalId(7), ..prepared };
    let of_another = drive(&far, next.commit_prepared(another), Vec::new());
    assert_eq!(of_another, (Vec::new(), Err(TransactionError::Fenced)));
}
