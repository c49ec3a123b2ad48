//! The state in one SQLite file: WAL with `synchronous=FULL`, so that what is committed is on disk
//! (SQLite, "Write-Ahead Logging"). One connection changes, others read as much as they like.

use super::watchers::Watchers;
use super::{Key, Row, Rows, State, StateError, Transaction};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

/// What brings a file from one schema to the next, from none to the newest.
const MIGRATIONS: [&str; 1] = ["CREATE TABLE rows (
        tab TEXT NOT NULL, key BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY (tab, key)
    ) WITHOUT ROWID, STRICT;"];

/// Readers that are kept open.
const IDLE_READERS: usize = 8;

/// How long another process may hold the file, such as one that makes a backup.
const BUSY: Duration = Duration::from_secs(10);

/// The file.
pub struct Sqlite {
    path: PathBuf,
    writer: Mutex<Connection>,
    readers: Mutex<Vec<Connection>>,
    watchers: Watchers,
}

impl fmt::Debug for Sqlite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sqlite").field("path", &self.path).finish_non_exhaustive()
    }
}

impl Sqlite {
    /// Open a file, which is made if it is not there.
    ///
    /// # Errors
    /// It cannot be opened, is no state, or belongs to a newer version.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let said = |error: rusqlite::Error| said(path, &error);
        let mut connection = connect(path).map_err(said)?;
        connection.pragma_update(None, "journal_mode", "wal").map_err(said)?;
        migrate(path, &mut connection)?;
        Ok(Self {
            path: path.to_owned(),
            writer: Mutex::new(connection),
            readers: Mutex::default(),
            watchers: Watchers::default(),
        })
    }

    fn said(&self, error: &rusqlite::Error) -> StateError {
        said(&self.path, error)
    }
}

fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "synchronous", "full")?;
    connection.set_prepared_statement_cache_capacity(16);
    Ok(connection)
}

fn migrate(path: &Path, connection: &mut Connection) -> Result<(), StateError> {
    let said = |error: rusqlite::Error| said(path, &error);
    let transaction = connection.transaction().map_err(said)?;
    let found: i64 =
        transaction.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(said)?;
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    if found > known {
        return Err(StateError::Newer { path: path.to_owned(), found, known });
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or_default()) {
        transaction.execute_batch(migration).map_err(said)?;
    }
    transaction.pragma_update(None, "user_version", known).map_err(said)?;
    transaction.commit().map_err(said)
}

fn said(path: &Path, error: &rusqlite::Error) -> StateError {
    StateError::Database { path: path.to_owned(), message: error.to_string() }
}

impl State for Sqlite {
    fn snapshot(&self) -> Result<Box<dyn Rows + '_>, StateError> {
        let idle = lock(&self.readers).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => connect(&self.path)
                .and_then(|reader| reader.pragma_update(None, "query_only", true).map(|()| reader))
                .map_err(|error| self.said(&error))?,
        };
        connection.execute_batch("BEGIN").map_err(|error| self.said(&error))?;
        Ok(Box::new(Snapshot { state: self, connection: Some(connection) }))
    }

    fn begin(&self) -> Result<Box<dyn Transaction + '_>, StateError> {
        let connection = lock(&self.writer);
        connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| self.said(&error))?;
        Ok(Box::new(Change { state: self, connection, changed: BTreeSet::new() }))
    }

    fn watch(&self, tables: &'static [&'static str]) -> watch::Receiver<u64> {
        self.watchers.watch(tables)
    }
}

/// What a panic left behind was rolled back.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A transaction that reads; its connection is used again.
struct Snapshot<'s> {
    state: &'s Sqlite,
    connection: Option<Connection>,
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let mut readers = lock(&self.state.readers);
        if connection.execute_batch("ROLLBACK").is_ok() && readers.len() < IDLE_READERS {
            readers.push(connection);
        }
    }
}

/// The transaction that changes.
struct Change<'s> {
    state: &'s Sqlite,
    connection: MutexGuard<'s, Connection>,
    changed: BTreeSet<&'static str>,
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if !self.connection.is_autocommit() {
            let _ended = self.connection.execute_batch("ROLLBACK");
        }
    }
}

fn get(connection: &Connection, table: &str, key: &Key) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT value FROM rows WHERE tab = ? AND key = ?")?
        .query_row(params![table, key.as_bytes()], |row| row.get(0))
        .optional()
}

fn scan(
    connection: &Connection,
    table: &str,
    prefix: &Key,
    after: Option<&Key>,
    limit: usize,
) -> rusqlite::Result<Vec<Row>> {
    // What comes right after a key is that key with a zero.
    let next = after.map(|after| [after.as_bytes(), &[0]].concat());
    let from = next.as_deref().unwrap_or_default().max(prefix.as_bytes());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let row = |row: &rusqlite::Row<'_>| Ok((Key::from_bytes(row.get(0)?), row.get(1)?));
    match prefix.end_of_prefix() {
        Some(end) => connection
            .prepare_cached(
                "SELECT key, value FROM rows WHERE tab = ? AND key >= ? AND key < ? \
                 ORDER BY key LIMIT ?",
            )?
            .query_map(params![table, from, end, limit], row)?
            .collect(),
        None => connection
            .prepare_cached(
                "SELECT key, value FROM rows WHERE tab = ? AND key >= ? ORDER BY key LIMIT ?",
            )?
            .query_map(params![table, from, limit], row)?
            .collect(),
    }
}

impl Rows for Snapshot<'_> {
    fn get(&self, table: &'static str, key: &Key) -> Result<Option<Vec<u8>>, StateError> {
        let Some(connection) = &self.connection else { return Ok(None) };
        get(connection, table, key).map_err(|error| self.state.said(&error))
    }

    fn scan(
        &self,
        table: &'static str,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Row>, StateError> {
        let Some(connection) = &self.connection else { return Ok(Vec::new()) };
        scan(connection, table, prefix, after, limit).map_err(|error| self.state.said(&error))
    }
}

impl Rows for Change<'_> {
    fn get(&self, table: &'static str, key: &Key) -> Result<Option<Vec<u8>>, StateError> {
        get(&self.connection, table, key).map_err(|error| self.state.said(&error))
    }

    fn scan(
        &self,
        table: &'static str,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Row>, StateError> {
        scan(&self.connection, table, prefix, after, limit).map_err(|error| self.state.said(&error))
    }
}

impl Transaction for Change<'_> {
    fn put(&mut self, table: &'static str, key: &Key, value: &[u8]) -> Result<(), StateError> {
        self.changed.insert(table);
        self.connection
            .prepare_cached(
                "INSERT INTO rows (tab, key, value) VALUES (?, ?, ?) \
                 ON CONFLICT DO UPDATE SET value = excluded.value",
            )
            .and_then(|mut put| put.execute(params![table, key.as_bytes(), value]))
            .map_err(|error| self.state.said(&error))?;
        Ok(())
    }

    fn delete(&mut self, table: &'static str, key: &Key) -> Result<(), StateError> {
        self.changed.insert(table);
        self.connection
            .prepare_cached("DELETE FROM rows WHERE tab = ? AND key = ?")
            .and_then(|mut delete| delete.execute(params![table, key.as_bytes()]))
            .map_err(|error| self.state.said(&error))?;
        Ok(())
    }

    fn commit(self: Box<Self>) -> Result<(), StateError> {
        self.connection.execute_batch("COMMIT").map_err(|error| self.state.said(&error))?;
        self.state.watchers.changed(&self.changed);
        Ok(())
    }
}
