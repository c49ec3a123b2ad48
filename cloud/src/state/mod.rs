//! What the control plane knows: rows of bytes under a table and a key, ordered by key, read and
//! changed in transactions.
//!
//! [`State`] is the seam to a database. [`Sqlite`] is one file, in which everything that was
//! committed survives a power cut. [`Table`] makes values of the rows, [`Key`] is what they are
//! ordered by, and [`outbox`] holds the messages that a transaction wants published once it is done.
//! Everything here blocks.

mod key;
pub mod outbox;
mod shared;
mod sqlite;
mod table;
#[cfg(test)]
mod tests;
mod watchers;

pub use key::Key;
pub use sqlite::Sqlite;
pub use table::Table;

use std::fmt::Debug;
use std::path::PathBuf;
use thiserror::Error;
use tokio::sync::watch;

/// Why the state could not be read or changed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StateError {
    /// The file holds what this version cannot read.
    #[error(
        "{path} was written by a newer gg-cloud (schema {found}, this one knows {known}); \
         install that version again, or name another folder with --data"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// A row is not what belongs there.
    #[error("a row of the table {table} is not what belongs there: {message}")]
    Corrupt {
        /// The table.
        table: &'static str,
        /// What is wrong with it.
        message: String,
    },
    /// The database's own words.
    #[error("the state {path}: {message}")]
    Database {
        /// The file.
        path: PathBuf,
        /// What the database says.
        message: String,
    },
}

/// A row: its key and its value.
pub type Row = (Key, Vec<u8>);

/// What can be read, as it was when the transaction began, with what that changed.
pub trait Rows {
    /// The value under a key.
    ///
    /// # Errors
    /// The database fails.
    fn get(&self, table: &'static str, key: &Key) -> Result<Option<Vec<u8>>, StateError>;

    /// Rows whose keys begin with the prefix and come after `after`, in the order of their keys; so
    /// many at most.
    ///
    /// # Errors
    /// The database fails.
    fn scan(
        &self,
        table: &'static str,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<Row>, StateError>;
}

/// What can be changed. Without [`commit`](Self::commit) nothing was.
pub trait Transaction: Rows {
    /// Put a value under a key.
    ///
    /// # Errors
    /// The database fails.
    fn put(&mut self, table: &'static str, key: &Key, value: &[u8]) -> Result<(), StateError>;

    /// Take away what is under a key, if there is anything.
    ///
    /// # Errors
    /// The database fails.
    fn delete(&mut self, table: &'static str, key: &Key) -> Result<(), StateError>;

    /// Make all changes last. When this returns they survive a power cut.
    ///
    /// # Errors
    /// The database fails; nothing was changed.
    fn commit(self: Box<Self>) -> Result<(), StateError>;
}

/// A database.
pub trait State: Debug + Send + Sync {
    /// Look at the rows; what changes after the first look is not seen.
    ///
    /// # Errors
    /// The database fails.
    fn snapshot(&self) -> Result<Box<dyn Rows + '_>, StateError>;

    /// Begin to change. One transaction at a time does, others wait.
    ///
    /// # Errors
    /// The database fails.
    fn begin(&self) -> Result<Box<dyn Transaction + '_>, StateError>;

    /// The same, in a transaction with others that begin meanwhile: each sees what those before it have
    /// done, and all last together. Where there are many, that takes the disk once instead of once for
    /// each. Not for what does something besides, such as removing a file, on the strength of what it
    /// reads: that may not last yet.
    ///
    /// # Errors
    /// The database fails.
    fn begin_shared(&self) -> Result<Box<dyn Transaction + '_>, StateError>;

    /// Counts the changes to any of these tables from now on, each once it lasts.
    fn watch(&self, tables: &'static [&'static str]) -> watch::Receiver<u64>;
}

impl dyn State + '_ {
    /// Do work in a transaction, which lasts if the work succeeds.
    ///
    /// # Errors
    /// The work's, or the database's.
    pub fn change<T, E: From<StateError>>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        done(self.begin()?, work)
    }

    /// Do work that changes nothing but the state, in a [shared](State::begin_shared) transaction.
    ///
    /// # Errors
    /// The work's, or the database's.
    pub fn change_with_others<T, E: From<StateError>>(
        &self,
        work: impl FnOnce(&mut dyn Transaction) -> Result<T, E>,
    ) -> Result<T, E> {
        done(self.begin_shared()?, work)
    }
}

fn done<T, E: From<StateError>>(
    mut transaction: Box<dyn Transaction + '_>,
    work: impl FnOnce(&mut dyn Transaction) -> Result<T, E>,
) -> Result<T, E> {
    let value = work(transaction.as_mut())?;
    transaction.commit()?;
    Ok(value)
}
