//! The state in one SQLite file: WAL with `synchronous=FULL`, so that what is committed is on disk
//! (SQLite, "Write-Ahead Logging"). One connection changes, others read as much as they like.
//!
//! Changes that may share a transaction are savepoints in it (SQLite, "Savepoints"): it is committed by
//! the one that nobody waits behind, and none of them is done before.

use super::shared::{self, Shared};
use super::watchers::Watchers;
use super::{Key, Row, Rows, State, StateError, Transaction};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    writer: Mutex<Writer>,
    /// Changes that wait for their turn and may share a transaction.
    waiting: AtomicUsize,
    readers: Mutex<Vec<Connection>>,
    watchers: Watchers,
}

/// The connection that changes.
struct Writer {
    connection: Connection,
    /// The transaction that is open between changes that share it.
    shared: Option<Shared>,
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
            writer: Mutex::new(Writer { connection, shared: None }),
            waiting: AtomicUsize::new(0),
            readers: Mutex::default(),
            watchers: Watchers::default(),
        })
    }

    /// Write a copy to a new file, and do something meanwhile: neither this nor another process changes
    /// anything until both are done.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn copy<T>(&self, to: &Path, meanwhile: impl FnOnce() -> T) -> Result<T, StateError> {
        let held = self.begin()?;
        let done = meanwhile();
        let to = to.to_string_lossy();
        let copied =
            connect(&self.path).and_then(|reader| reader.execute("VACUUM INTO ?", params![to]));
        drop(held);
        copied.map(|_| done).map_err(|error| self.said(&error))
    }

    fn said(&self, error: &rusqlite::Error) -> StateError {
        said(&self.path, error)
    }

    /// Let who waits for a turn share the transaction, or make it last.
    fn go_on(&self, writer: &mut Writer) {
        let changes = writer.shared.as_ref().map_or(0, |shared| shared.changes);
        let is_awaited = self.waiting.load(Ordering::SeqCst) > 0 && changes < shared::MOST;
        if !is_awaited || writer.connection.is_autocommit() {
            self.end_shared(writer);
        }
    }

    /// Make last what others share, and tell them.
    fn end_shared(&self, writer: &mut Writer) {
        let Some(Shared { changed, outcome, .. }) = writer.shared.take() else { return };
        // After some errors the database takes back the whole transaction itself, and this fails.
        let done = writer.connection.execute_batch("COMMIT");
        match &done {
            Ok(()) => self.watchers.changed(&changed),
            Err(_) => roll_back(&writer.connection),
        }
        outcome.tell(done.map_err(|error| error.to_string()));
    }
}

fn roll_back(connection: &Connection) {
    if !connection.is_autocommit() {
        let _ended = connection.execute_batch("ROLLBACK");
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
    let known = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    let found = version(connection).map_err(said)?;
    // Another process may use the file: nothing is written where nothing is to be done.
    if found == known {
        return Ok(());
    }
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(said)?;
    let found = version(&transaction).map_err(said)?;
    if found > known {
        return Err(StateError::Newer { path: path.to_owned(), found, known });
    }
    for migration in MIGRATIONS.iter().skip(usize::try_from(found).unwrap_or_default()) {
        transaction.execute_batch(migration).map_err(said)?;
    }
    transaction.pragma_update(None, "user_version", known).map_err(said)?;
    transaction.commit().map_err(said)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
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
        let mut writer = lock(&self.writer);
        self.end_shared(&mut writer);
        writer.connection.execute_batch("BEGIN IMMEDIATE").map_err(|error| self.said(&error))?;
        Ok(Box::new(Change { state: self, writer, changed: BTreeSet::new(), is_over: false }))
    }

    fn begin_shared(&self) -> Result<Box<dyn Transaction + '_>, StateError> {
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let mut writer = lock(&self.writer);
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        if writer.shared.is_none() {
            writer
                .connection
                .execute_batch("BEGIN IMMEDIATE")
                .map_err(|error| self.said(&error))?;
            writer.shared = Some(Shared::default());
        }
        if let Err(error) = execute(&writer.connection, "SAVEPOINT change") {
            self.go_on(&mut writer);
            return Err(self.said(&error));
        }
        Ok(Box::new(Change { state: self, writer, changed: BTreeSet::new(), is_over: false }))
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

/// The transaction that changes, or a change in one that is shared.
struct Change<'s> {
    state: &'s Sqlite,
    writer: MutexGuard<'s, Writer>,
    changed: BTreeSet<&'static str>,
    /// Whether it was committed, alone or into what is shared.
    is_over: bool,
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if self.writer.shared.is_none() {
            return roll_back(&self.writer.connection);
        }
        let _ended = self.writer.connection.execute_batch("ROLLBACK TO change; RELEASE change");
        // What it was refused for may be the work of others, which is to last before anybody hears of it.
        self.state.end_shared(&mut self.writer);
    }
}

fn execute(connection: &Connection, statement: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(statement)?.execute([]).map(drop)
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
        get(&self.writer.connection, table, key).map_err(|error| self.state.said(&error))
    }

    fn scan(
        &self,
        table: &'static str,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Row>, StateError> {
        let connection = &self.writer.connection;
        scan(connection, table, prefix, after, limit).map_err(|error| self.state.said(&error))
    }
}

impl Transaction for Change<'_> {
    fn put(&mut self, table: &'static str, key: &Key, value: &[u8]) -> Result<(), StateError> {
        self.changed.insert(table);
        self.writer
            .connection
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
        self.writer
            .connection
            .prepare_cached("DELETE FROM rows WHERE tab = ? AND key = ?")
            .and_then(|mut delete| delete.execute(params![table, key.as_bytes()]))
            .map_err(|error| self.state.said(&error))?;
        Ok(())
    }

    fn commit(mut self: Box<Self>) -> Result<(), StateError> {
        let Self { state, writer, changed, is_over } = self.as_mut();
        let Writer { connection, shared } = &mut **writer;
        let Some(all) = shared else {
            connection.execute_batch("COMMIT").map_err(|error| state.said(&error))?;
            *is_over = true;
            state.watchers.changed(changed);
            return Ok(());
        };
        execute(connection, "RELEASE change").map_err(|error| state.said(&error))?;
        *is_over = true;
        all.changes += 1;
        all.changed.append(changed);
        let (path, outcome) = (&state.path, Arc::clone(&all.outcome));
        state.go_on(writer);
        // The next takes its turn, and what is shared comes to its end with it or with a later one.
        drop(self);
        let failed = |message| StateError::Database { path: path.clone(), message };
        outcome.wait().map_err(failed)
    }
}
