//! A process of the operating system that is killed in the middle of a transaction.
//!
//! The test runs itself again as a child, which aborts where the parent says.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use entrega_clients::Strategy;
use entrega_live::LiveSink;
use entrega_model::event::EffectVerdict;
use entrega_model::{
    Delivery, DeliveryId, Generation, Instant, Key, MessageId, Model, PartitionId, Record,
};

use crate::database::{effects_in, file, open};

/// Tells the child which database to use.
const DATABASE: &str = "ENTREGA_TEST_DATABASE";
/// Tells it how many transactions to finish before.
const FINISHED: &str = "ENTREGA_TEST_FINISHED";

#[test]
fn an_aborted_process_leaves_whole_transactions() {
    if let (Ok(path), Ok(finished)) = (env::var(DATABASE), env::var(FINISHED)) {
        abort_in_a_transaction(Path::new(&path), finished.parse().unwrap_or(0));
    }
    for finished in [0, 1, 5] {
        let (_dir, path) = file();
        run_child(&path, finished);
        let mut sink = open(&path, Strategy::ProgressWithEffect, Model::Log);
        let expected = (finished > 0).then_some(u64::from(finished));
        assert_eq!(sink.stored_offset(PartitionId(0)), Ok(expected));
        assert_eq!(effects_in(&path).len(), finished as usize, "none is half there");
        let next = delivery(finished);
        assert_eq!(sink.apply(&next), Ok(EffectVerdict::Applied), "its successor goes on");
    }
}

fn run_child(path: &Path, finished: u32) {
    let this = env::current_exe().unwrap_or_else(|error| panic!("{error}"));
    let name = "processes::an_aborted_process_leaves_whole_transactions";
    let status = Command::new(this)
        .args([name, "--exact"])
        .env(DATABASE, path)
        .env(FINISHED, finished.to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    assert!(status.is_ok_and(|status| !status.success()), "it aborts");
}

/// Both halves of the next transaction are written, and then the process is gone.
fn abort_in_a_transaction(path: &Path, finished: u32) -> ! {
    let mut sink = open(path, Strategy::ProgressWithEffect, Model::Log);
    for number in 0..finished {
        assert_eq!(sink.apply(&delivery(number)), Ok(EffectVerdict::Applied));
    }
    let half = format!(
        "begin immediate;
         insert into effects (message, key) values ({finished}, 0);
         insert or replace into progress values (0, {finished} + 1);"
    );
    assert_eq!(sink.connection().execute_batch(&half), Ok(()));
    std::process::abort();
}

fn delivery(number: u32) -> Delivery {
    Delivery {
        id: DeliveryId(number),
        record: Record { message: MessageId(number), key: Key(0), bytes: 0 },
        partition: PartitionId(0),
        position: number.into(),
        attempt: 1,
        redelivered: false,
        generation: Generation(0),
        at: Instant::START,
    }
}
