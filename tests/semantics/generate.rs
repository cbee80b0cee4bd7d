//! Any mix: proptest's recipes.
//!
//! Faults come as a swarm: of the answers of all points a random few are possible at all, so that
//! runs differ in kind and rare combinations are not drowned by frequent faults.

use entrega_scenario::points::Fault;
use entrega_scenario::{
    BatchFailure, BatchSink, EffectPlace, ErrorPolicy, IsolationLevel, LogClient,
    TransactionOffsets,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::{Just, any, prop_oneof};
use proptest::sample::{select, subsequence};
use proptest::strategy::Strategy as Recipe;

use crate::mix::{Answer, Batch, Consumer, Mix, Shape, Stream, answers};

/// At most this many answers are possible in one run, and so many choices are in a list.
const SWARM: usize = 10;

/// Any mix.
pub(crate) fn mixes() -> impl Recipe<Value = Mix> {
    (shapes(), consumers(), batches(), streams()).prop_map(|(shape, consumer, batch, stream)| Mix {
        shape,
        consumer,
        batch,
        stream,
    })
}

fn shapes() -> impl Recipe<Value = Shape> {
    (1_u32..24, 1_u32..6, 1_u16..4, 1_u32..4, 0_u64..3, any::<bool>()).prop_map(
        |(messages, keys, partitions, consumers, jitter_ms, at_once)| Shape {
            messages,
            keys,
            partitions,
            consumers,
            jitter_ms,
            at_once,
        },
    )
}

fn consumers() -> impl Recipe<Value = Consumer> {
    let numbers = (1_u32..8, 1_u32..6, 0_u32..3, 1_u32..5);
    let settles = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    let clients = (any::<bool>(), any::<bool>(), select(&[50_u64, 5_000][..]));
    let limits =
        (option::of(Just(1_000_u64)), policies(), select(&[1_u32, 3, 100][..]), any::<bool>());
    (numbers, settles, clients, limits).prop_map(
        |(
            (prefetch, settle_every, settle_retries, workers),
            (settle_confirmed, drain_on_revoke, requeue_on_disconnect, key_ordered),
            (enable_auto_commit, java, auto_commit_ms),
            (max_poll_ms, on_error, max_attempts, dead_letter_target),
        )| Consumer {
            prefetch,
            settle_every,
            settle_retries,
            settle_confirmed,
            drain_on_revoke,
            requeue_on_disconnect,
            workers,
            key_ordered,
            auto_commit_ms,
            enable_auto_commit,
            client: if java { LogClient::Java } else { LogClient::Librdkafka },
            max_poll_ms,
            on_error,
            max_attempts,
            dead_letter_target,
            dead_letters_confirmed: false,
            isolation_level: IsolationLevel::ReadCommitted,
            transaction_offsets: TransactionOffsets::InTransaction,
            group_metadata: true,
            output: EffectPlace::Topic,
        },
    )
}

fn policies() -> impl Recipe<Value = ErrorPolicy> {
    select(
        &[
            ErrorPolicy::Retry,
            ErrorPolicy::Crash,
            ErrorPolicy::DeadLetter,
            ErrorPolicy::Skip,
            ErrorPolicy::SkipAndSettle,
            ErrorPolicy::Requeue,
            ErrorPolicy::Reject,
        ][..],
    )
}

fn batches() -> impl Recipe<Value = Batch> {
    let sinks = select(&[BatchSink::Atomic, BatchSink::ItemByItem][..]);
    let failures = select(
        &[
            BatchFailure::RetryWhole,
            BatchFailure::Bisect,
            BatchFailure::PerItem,
            BatchFailure::DeadLetterItem,
        ][..],
    );
    (1_u32..6, select(&[10_u64, 300][..]), sinks, failures).prop_map(
        |(size, interval_ms, sink, on_failure)| Batch { size, interval_ms, sink, on_failure },
    )
}

fn streams() -> impl Recipe<Value = Stream> {
    let choice = (select(answers()), 1_u32..25);
    let list = vec(choice, 0..SWARM).prop_map(Stream::List);
    let odds = || select(&[8_u64, 30, 100][..]);
    let swarm = (subsequence(answers(), 0..SWARM), vec(odds(), SWARM)).prop_map(|(some, odds)| {
        let rarer = |answer: Answer, one_in| match answer.fault {
            Fault::BrokerRestart => 100,
            _ => one_in,
        };
        let each = some.into_iter().zip(odds);
        Stream::Odds(each.map(|(answer, one_in)| (answer, rarer(answer, one_in))).collect())
    });
    prop_oneof![list, swarm]
}
