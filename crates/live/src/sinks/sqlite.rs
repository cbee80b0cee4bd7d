//! A real database as a sink: SQLite, in a file.
//!
//! > **The rule.** The effect and what decides about it, the progress of its consumer or the key of
//! > its message, change in one transaction. A crash cannot separate them.
//!
//! | Table | Holds |
//! |---|---|
//! | `effects (id, message, key)` | a row for every effect, in order |
//! | `progress (lane primary key, next_offset)` | on a log: where the consumer of each partition goes on |
//! | `inbox (message primary key)` | on a queue, and for deduplication: the messages that had their effect |
//!
//! The conditional update of a log is one statement,
//!
//! ```sql
//! insert into progress values (:lane, :offset + 1)
//!     on conflict (lane) do update set next_offset = :offset + 1 where next_offset = :offset
//! ```
//!
//! and if it changes no row, another consumer has moved the progress: the transaction is rolled
//! back. In the same way a row that is already in the inbox rolls back the second effect of its
//! message. The unconditional variants write the progress without checking it.
//!
//! A transaction takes the write lock when it begins, so that it is not refused when it ends. If
//! the database is locked, the call waits for [`SqliteSettings::busy_timeout`] and blocks its
//! thread meanwhile: the handler asks on a thread that may be blocked.

use std::path::Path;
use std::time::Duration;

use entrega_model::event::EffectVerdict;
use entrega_model::log::Offset;
use entrega_model::{Delivery, MessageId, Model, PartitionId};
use rusqlite::{
    Connection, ErrorCode, OptionalExtension, Transaction, TransactionBehavior, params,
};

use super::{LiveSink, SinkError};

/// What a database does about an effect that it may have had already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Every call is an effect.
    Plain,
    /// A message has one effect: its key is unique.
    Deduplicating,
    /// An effect and the progress of its consumer are one transaction, which is rolled back if the
    /// progress is not the expected one.
    Conditional(Model),
    /// The known-bad variant: it writes the progress without checking it.
    Unconditional(Model),
}

/// How a database is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqliteSettings {
    /// How long to wait for another connection that holds the lock.
    pub busy_timeout: Duration,
    /// Whether every transaction is on the disk when it ends (`synchronous = full`). If not, the
    /// last ones may be lost with the machine, though never with the program: enough for a test.
    pub durable: bool,
}

impl Default for SqliteSettings {
    fn default() -> Self {
        Self { busy_timeout: Duration::from_secs(5), durable: true }
    }
}

/// A sink in a SQLite database.
#[derive(Debug)]
pub struct SqliteSink {
    connection: Connection,
    rule: Rule,
}

impl SqliteSink {
    /// Opens a database, or creates it.
    ///
    /// # Errors
    /// [`SinkError`]; it is not open then.
    pub fn open(path: &Path, rule: Rule, settings: SqliteSettings) -> Result<Self, SinkError> {
        let open = || {
            let connection = Connection::open(path)?;
            connection.busy_timeout(settings.busy_timeout)?;
            connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
            let synchronous = if settings.durable { "full" } else { "normal" };
            connection.pragma_update(None, "synchronous", synchronous)?;
            connection.execute_batch(TABLES)?;
            Ok(connection)
        };
        Ok(Self::over(open().map_err(certain)?, rule))
    }

    /// The sink of a database that is already open and has the tables.
    pub fn over(connection: Connection, rule: Rule) -> Self {
        Self { connection, rule }
    }

    /// The database itself.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Every effect that the database has, in order.
    ///
    /// # Errors
    /// [`SinkError`]; ask again.
    pub fn effects(&self) -> Result<Vec<MessageId>, SinkError> {
        let read = || {
            let mut all = self.connection.prepare("select message from effects order by id")?;
            all.query_map([], |row| row.get(0).map(MessageId))?.collect::<Result<_, _>>()
        };
        read().map_err(certain)
    }

    /// Does something in one transaction, which is kept if that succeeds.
    fn transact<R>(
        &mut self,
        act: impl FnOnce(&Transaction<'_>, Rule) -> rusqlite::Result<R>,
    ) -> Result<R, SinkError> {
        let behavior = TransactionBehavior::Immediate;
        let transaction = self.connection.transaction_with_behavior(behavior).map_err(certain)?;
        let result = act(&transaction, self.rule).map_err(certain)?;
        transaction.commit().map_err(in_commit)?;
        Ok(result)
    }
}

const TABLES: &str = "
    create table if not exists effects (
        id integer primary key, message integer not null, key integer not null);
    create table if not exists progress (
        lane integer primary key, next_offset integer not null);
    create table if not exists inbox (message integer primary key);
";

impl LiveSink for SqliteSink {
    fn apply(&mut self, delivery: &Delivery) -> Result<EffectVerdict, SinkError> {
        self.transact(|transaction, rule| effect(transaction, rule, delivery))
    }

    /// One transaction. An effect that is rejected or suppressed takes no other with it.
    fn apply_all(&mut self, batch: &[Delivery]) -> Result<Vec<EffectVerdict>, SinkError> {
        self.transact(|transaction, rule| {
            batch.iter().map(|delivery| effect(transaction, rule, delivery)).collect()
        })
    }

    fn stored_offset(&mut self, partition: PartitionId) -> Result<Option<Offset>, SinkError> {
        let read = || {
            let sql = "select next_offset from progress where lane = ?1";
            let mut row = self.connection.prepare_cached(sql)?;
            row.query_row([partition.0], |row| row.get::<_, i64>(0)).optional()
        };
        Ok(read().map_err(certain)?.map(i64::cast_unsigned))
    }

    fn has_row(&mut self, message: MessageId) -> Result<bool, SinkError> {
        let read = || {
            let sql = "select 1 from inbox where message = ?1";
            self.connection.prepare_cached(sql)?.exists([message.0])
        };
        read().map_err(certain)
    }

    /// On a queue there is no progress but the row, and a message without an effect has none.
    fn pass(&mut self, delivery: &Delivery) -> Result<EffectVerdict, SinkError> {
        self.transact(|transaction, rule| match rule {
            Rule::Conditional(Model::Log) | Rule::Unconditional(Model::Log) => {
                progress(transaction, rule, delivery)
            }
            _ => Ok(EffectVerdict::Applied),
        })
    }

    fn blocks(&self) -> bool {
        true
    }
}

/// An effect with its progress, if the progress allows it.
fn effect(
    transaction: &Transaction<'_>,
    rule: Rule,
    delivery: &Delivery,
) -> rusqlite::Result<EffectVerdict> {
    let verdict = progress(transaction, rule, delivery)?;
    if verdict == EffectVerdict::Applied {
        let (message, key) = (delivery.record.message.0, delivery.record.key.0);
        let sql = "insert into effects (message, key) values (?1, ?2)";
        transaction.prepare_cached(sql)?.execute(params![message, key])?;
    }
    Ok(verdict)
}

/// Writes the progress past a delivery; changes nothing if the rule does not allow it.
fn progress(
    transaction: &Transaction<'_>,
    rule: Rule,
    delivery: &Delivery,
) -> rusqlite::Result<EffectVerdict> {
    let (lane, offset) = (delivery.partition.0, delivery.position.cast_signed());
    let message = delivery.record.message.0;
    let (sql, otherwise) = match rule {
        Rule::Plain => return Ok(EffectVerdict::Applied),
        Rule::Conditional(Model::Log) => (ADVANCE_IF_EXPECTED, EffectVerdict::Rejected),
        Rule::Unconditional(Model::Log) => (ADVANCE, EffectVerdict::Rejected),
        Rule::Deduplicating | Rule::Conditional(Model::Queue) => {
            (ADD_ROW, EffectVerdict::Suppressed)
        }
        Rule::Unconditional(Model::Queue) => (ADD_ROW, EffectVerdict::Applied),
    };
    let mut statement = transaction.prepare_cached(sql)?;
    let changed = match sql {
        ADD_ROW => statement.execute(params![message])?,
        _ => statement.execute(params![lane, offset])?,
    };
    Ok(if changed == 1 { EffectVerdict::Applied } else { otherwise })
}

const ADVANCE_IF_EXPECTED: &str = "
    insert into progress (lane, next_offset) values (?1, ?2 + 1)
        on conflict (lane) do update set next_offset = ?2 + 1 where next_offset = ?2";
const ADVANCE: &str = "
    insert into progress (lane, next_offset) values (?1, ?2 + 1)
        on conflict (lane) do update set next_offset = ?2 + 1";
const ADD_ROW: &str = "insert into inbox (message) values (?1) on conflict do nothing";

/// An error before the end of a transaction: it is rolled back.
fn certain(error: rusqlite::Error) -> SinkError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => SinkError::Locked,
        Some(ErrorCode::DiskFull) => SinkError::Full,
        Some(ErrorCode::ReadOnly) => SinkError::ReadOnly,
        _ => SinkError::Refused(error.to_string()),
    }
}

/// An error of the commit itself. If the disk fails then, what is on it is unknown.
fn in_commit(error: rusqlite::Error) -> SinkError {
    match certain(error) {
        SinkError::Refused(text) => SinkError::Uncertain(text),
        certain => certain,
    }
}

#[cfg(test)]
mod tests;
