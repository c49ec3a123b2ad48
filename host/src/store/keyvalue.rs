//! The values that components keep by key.

use super::{Store, StoreError};
use rusqlite::params;

/// One value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Whose it is.
    pub component: String,
    /// In which of its buckets.
    pub bucket: String,
    /// Under which key.
    pub key: String,
    /// The value; `None` where it is taken away.
    pub value: Option<Vec<u8>>,
}

impl Store {
    /// Everything that is kept.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn keyvalues(&self) -> Result<Vec<Entry>, StoreError> {
        self.write(|connection| {
            connection
                .prepare("SELECT component, bucket, key, value FROM keyvalue")?
                .query_map([], |row| {
                    Ok(Entry {
                        component: row.get(0)?,
                        bucket: row.get(1)?,
                        key: row.get(2)?,
                        value: Some(row.get(3)?),
                    })
                })?
                .collect()
        })
        .await
    }

    /// Keep a value, or take it away.
    ///
    /// # Errors
    /// The store cannot be written; nothing has changed then.
    pub async fn save_keyvalue(&self, entry: Entry) -> Result<(), StoreError> {
        self.write(move |connection| {
            let Entry { component, bucket, key, value } = entry;
            match value {
                Some(value) => connection
                    .prepare_cached("INSERT OR REPLACE INTO keyvalue VALUES (?1, ?2, ?3, ?4)")?
                    .execute(params![component, bucket, key, value])?,
                None => connection
                    .prepare_cached(
                        "DELETE FROM keyvalue WHERE component = ?1 AND bucket = ?2 AND key = ?3",
                    )?
                    .execute(params![component, bucket, key])?,
            };
            Ok(())
        })
        .await
    }

    /// Take away everything of a component that is removed from the device.
    ///
    /// # Errors
    /// The store cannot be written; nothing has changed then.
    pub async fn remove_keyvalues(&self, component: &str) -> Result<(), StoreError> {
        let component = component.to_owned();
        self.write(move |connection| {
            connection.execute("DELETE FROM keyvalue WHERE component = ?1", params![component])?;
            Ok(())
        })
        .await
    }
}
