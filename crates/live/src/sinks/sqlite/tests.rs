//! The database as a sink: it decides as the sinks in memory do, and every fault of it is reported,
//! changes nothing, and can be mended.

use std::path::PathBuf;

use entrega_clients::sinks::{ChosenSink, SinkKind};
use entrega_model::{DeliveryId, Generation, Instant, Key, Record};
use proptest::prelude::*;
use tempfile::TempDir;

use super::*;

const SETTINGS: SqliteSettings =
    SqliteSettings { busy_timeout: Duration::from_millis(5), durable: false };

const LOG: Rule = Rule::Conditional(Model::Log);

struct Disk {
    _dir: TempDir,
    path: PathBuf,
}

fn disk() -> Disk {
    let dir = TempDir::new().unwrap_or_else(|error| panic!("{error}"));
    let path = dir.path().join("sink.sqlite");
    Disk { _dir: dir, path }
}

impl Disk {
    fn sink(&self, rule: Rule) -> SqliteSink {
        SqliteSink::open(&self.path, rule, SETTINGS).unwrap_or_else(|error| panic!("{error}"))
    }
}

fn delivery(message: u32, partition: u16, position: u64) -> Delivery {
    Delivery {
        id: DeliveryId(0),
        record: Record { message: MessageId(message), key: Key(0), bytes: 0 },
        partition: PartitionId(partition),
        position,
        attempt: 1,
        redelivered: false,
        generation: Generation(0),
        at: Instant::START,
    }
}

fn pragma(sink: &SqliteSink, name: &str, value: &str) {
    let set = sink.connection().pragma_update_and_check(None, name, value, |_| Ok(()));
    assert!(
        set.or_else(|error| match error {
            rusqlite::Error::QueryReturnedNoRows => Ok(()),
            error => Err(error),
        }) == Ok(())
    );
}

/// A fault keeps `apply` from doing anything; once it is mended, the same call succeeds. Moving the
/// progress alone takes no room, so a full database can do that.
fn check(sink: &mut SqliteSink, expect: &SinkError, mend: impl FnOnce(&mut SqliteSink)) {
    let next = delivery(1, 0, 1);
    let before = sink.effects();
    assert_eq!(sink.apply(&next), Err(expect.clone()));
    assert_eq!(sink.apply_all(&[next]), Err(expect.clone()));
    if *expect != SinkError::Full {
        assert_eq!(sink.pass(&next), Err(expect.clone()));
    }
    assert_eq!(sink.stored_offset(PartitionId(0)), Ok(Some(1)), "the progress has not moved");
    assert_eq!(sink.effects(), before, "nothing has happened");
    mend(sink);
    assert_eq!(sink.apply(&next), Ok(EffectVerdict::Applied));
    assert_eq!(sink.stored_offset(PartitionId(0)), Ok(Some(2)));
}

fn begun(disk: &Disk) -> SqliteSink {
    let mut sink = disk.sink(LOG);
    assert_eq!(sink.apply(&delivery(0, 0, 0)), Ok(EffectVerdict::Applied));
    sink
}

#[test]
fn a_locked_database_is_told_and_waited_for() {
    let disk = disk();
    let mut sink = begun(&disk);
    let other = disk.sink(LOG);
    assert_eq!(other.connection().execute_batch("begin immediate"), Ok(()));
    check(&mut sink, &SinkError::Locked, |_| {
        assert_eq!(other.connection().execute_batch("rollback"), Ok(()));
    });
}

#[test]
fn a_full_database_is_told_and_goes_on_when_there_is_room() {
    let disk = disk();
    let mut sink = begun(&disk);
    pragma(&sink, "max_page_count", "1");
    let fill = "insert into effects (message, key) values (1, 0)";
    while sink.connection().execute(fill, []).is_ok() {}
    check(&mut sink, &SinkError::Full, |sink| pragma(sink, "max_page_count", "1000000"));
}

#[test]
fn a_read_only_database_is_told() {
    let disk = disk();
    let mut sink = begun(&disk);
    pragma(&sink, "query_only", "on");
    check(&mut sink, &SinkError::ReadOnly, |sink| pragma(sink, "query_only", "off"));
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let read_only = Connection::open_with_flags(&disk.path, flags);
    let mut sink = SqliteSink::over(read_only.unwrap_or_else(|error| panic!("{error}")), LOG);
    assert_eq!(sink.apply(&delivery(2, 0, 2)), Err(SinkError::ReadOnly));
    assert_eq!(sink.stored_offset(PartitionId(0)), Ok(Some(2)), "it may be read");
}

#[test]
fn what_is_no_database_is_told() {
    let disk = disk();
    let written = std::fs::write(&disk.path, "this is a letter and no database; ".repeat(100));
    assert!(written.is_ok());
    let opened = SqliteSink::open(&disk.path, LOG, SETTINGS);
    assert!(matches!(&opened, Err(SinkError::Refused(_))), "{opened:?}");
    let nowhere = SqliteSink::open(&disk.path.join("further"), LOG, SETTINGS);
    assert!(matches!(&nowhere, Err(SinkError::Refused(_))), "{nowhere:?}");
}

/// Another program died in the middle of a transaction.
#[test]
fn an_open_transaction_dies_with_its_connection() {
    let disk = disk();
    let mut sink = begun(&disk);
    {
        let transaction = sink.connection.transaction().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(effect(&transaction, LOG, &delivery(1, 0, 1)), Ok(EffectVerdict::Applied));
    }
    drop(sink);
    let mut again = disk.sink(LOG);
    assert_eq!(again.effects(), Ok(vec![MessageId(0)]));
    assert_eq!(again.stored_offset(PartitionId(0)), Ok(Some(1)));
    assert_eq!(again.apply(&delivery(1, 0, 1)), Ok(EffectVerdict::Applied));
}

/// A batch is one transaction: if it cannot be kept, none of it is.
#[test]
fn a_batch_is_all_or_nothing() {
    let disk = disk();
    let mut sink = begun(&disk);
    let batch: Vec<_> = (1..4).map(|number| delivery(number, 0, u64::from(number))).collect();
    let forbids = "create trigger no_three before insert on effects when new.message = 3
        begin select raise(abort, 'not three'); end";
    assert_eq!(sink.connection().execute_batch(forbids), Ok(()));
    assert!(matches!(sink.apply_all(&batch), Err(SinkError::Refused(_))));
    assert_eq!(sink.effects(), Ok(vec![MessageId(0)]));
    assert_eq!(sink.stored_offset(PartitionId(0)), Ok(Some(1)));
    assert_eq!(sink.apply_all(&batch[..2]), Ok(vec![EffectVerdict::Applied; 2]));
}

#[derive(Clone, Copy, Debug)]
enum Ask {
    Apply(Delivery),
    Pass(Delivery),
}

fn asks() -> impl Strategy<Value = Vec<Ask>> {
    let one = (0..4_u32, 0..2_u16, 0..4_u64, any::<bool>()).prop_map(
        |(message, lane, position, pass)| {
            let delivery = delivery(message, lane, position);
            if pass { Ask::Pass(delivery) } else { Ask::Apply(delivery) }
        },
    );
    prop::collection::vec(one, 0..24)
}

/// A database without a file.
fn in_memory(rule: Rule) -> SqliteSink {
    let connection = Connection::open_in_memory().unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(connection.execute_batch(TABLES), Ok(()));
    SqliteSink::over(connection, rule)
}

/// The sink in memory with this rule.
fn twin(rule: Rule) -> ChosenSink {
    let (kind, model) = match rule {
        Rule::Plain => (SinkKind::Plain, Model::Log),
        Rule::Deduplicating => (SinkKind::Deduplicating, Model::Log),
        Rule::Conditional(model) => (SinkKind::Transactional, model),
        Rule::Unconditional(model) => (SinkKind::Unconditional, model),
    };
    ChosenSink::new(kind, model, 4)
}

const RULES: [Rule; 6] = [
    Rule::Plain,
    Rule::Deduplicating,
    Rule::Conditional(Model::Log),
    Rule::Conditional(Model::Queue),
    Rule::Unconditional(Model::Log),
    Rule::Unconditional(Model::Queue),
];

/// The answers of a sink to all its calls, and its progress after each.
fn answers(sink: &mut impl LiveSink, asks: &[Ask]) -> Vec<(EffectVerdict, Option<u64>, bool)> {
    let answer = |ask: &Ask| {
        let (verdict, delivery) = match ask {
            Ask::Apply(delivery) => (sink.apply(delivery)?, delivery),
            Ask::Pass(delivery) => (sink.pass(delivery)?, delivery),
        };
        let row = sink.has_row(delivery.record.message)?;
        Ok((verdict, sink.stored_offset(delivery.partition)?, row))
    };
    let answers: Result<_, SinkError> = asks.iter().map(answer).collect();
    answers.unwrap_or_else(|error| panic!("{error}"))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// The database decides as the sink in memory does, which the simulator uses.
    #[test]
    fn a_database_decides_as_its_twin_in_memory(asks in asks()) {
        for rule in RULES {
            let (mut real, mut twin) = (in_memory(rule), twin(rule));
            prop_assert_eq!(answers(&mut real, &asks), answers(&mut twin, &asks), "{:?}", rule);
        }
    }
}

/// The property above is not vacuous: the two transactional rules differ.
#[test]
fn the_unconditional_twin_is_told_apart() {
    let asks = [5, 5].map(|position| Ask::Apply(delivery(0, 0, position)));
    let [careful, careless] =
        [LOG, Rule::Unconditional(Model::Log)].map(|rule| answers(&mut in_memory(rule), &asks));
    assert_eq!(careful[1].0, EffectVerdict::Rejected);
    assert_eq!(careless[1].0, EffectVerdict::Applied);
}
