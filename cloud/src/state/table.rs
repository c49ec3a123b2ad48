//! A table whose rows are values of one type, as JSON.

use super::{Key, Rows, StateError, Transaction};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// A table by its name, which no other has.
#[derive(Debug)]
pub struct Table<T> {
    name: &'static str,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> Table<T> {
    /// The table of this name.
    pub const fn new(name: &'static str) -> Self {
        Self { name, of: PhantomData }
    }

    /// Its name, for [`State::watch`](super::State::watch).
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// The value under a key.
    ///
    /// # Errors
    /// The database fails, or the row is none of this table's.
    pub fn get(&self, rows: &dyn Rows, key: &Key) -> Result<Option<T>, StateError> {
        rows.get(self.name, key)?.map(|bytes| self.read(&bytes)).transpose()
    }

    /// Values whose keys begin with the prefix and come after `after`, in the order of their keys; so
    /// many at most.
    ///
    /// # Errors
    /// The database fails, or a row is none of this table's.
    pub fn scan(
        &self,
        rows: &dyn Rows,
        prefix: &Key,
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, T)>, StateError> {
        let rows = rows.scan(self.name, prefix, after, limit)?;
        rows.into_iter().map(|(key, bytes)| Ok((key, self.read(&bytes)?))).collect()
    }

    /// Put a value under a key.
    ///
    /// # Errors
    /// The database fails.
    pub fn put(
        &self,
        transaction: &mut dyn Transaction,
        key: &Key,
        value: &T,
    ) -> Result<(), StateError> {
        let bytes = serde_json::to_vec(value).map_err(|error| self.corrupt(&error))?;
        transaction.put(self.name, key, &bytes)
    }

    /// Take away what is under a key, if there is anything.
    ///
    /// # Errors
    /// The database fails.
    pub fn delete(&self, transaction: &mut dyn Transaction, key: &Key) -> Result<(), StateError> {
        transaction.delete(self.name, key)
    }

    fn read(&self, bytes: &[u8]) -> Result<T, StateError> {
        serde_json::from_slice(bytes).map_err(|error| self.corrupt(&error))
    }

    fn corrupt(&self, error: &serde_json::Error) -> StateError {
        StateError::Corrupt { table: self.name, message: error.to_string() }
    }
}
