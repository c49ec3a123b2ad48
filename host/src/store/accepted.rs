//! The recipes that the trust policy let in.

use super::{Store, StoreError};
use gg_model::ComponentName;
use rusqlite::{OptionalExtension as _, params};

impl Store {
    /// The digest of a version's recipe when it was let in, and when that was, in milliseconds since
    /// the Unix epoch.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn accepted(
        &self,
        component: &ComponentName,
        version: &str,
    ) -> Result<Option<(String, i64)>, StoreError> {
        let (component, version) = (component.to_string(), version.to_owned());
        self.write(move |connection| {
            let query = "SELECT recipe, since FROM accepted WHERE component = ?1 AND version = ?2";
            connection
                .query_row(query, params![component, version], |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()
        })
        .await
    }

    /// Keep that a recipe was let in.
    ///
    /// # Errors
    /// The store cannot be written; nothing has changed then.
    pub async fn accept(
        &self,
        component: String,
        version: String,
        recipe: String,
        since: i64,
    ) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection.execute(
                "INSERT OR REPLACE INTO accepted VALUES (?1, ?2, ?3, ?4)",
                params![component, version, recipe, since],
            )?;
            Ok(())
        })
        .await
    }

    /// Forget a version that is removed from the device.
    ///
    /// # Errors
    /// The store cannot be written; nothing has changed then.
    pub async fn forget_accepted(
        &self,
        component: String,
        version: String,
    ) -> Result<(), StoreError> {
        self.write(move |connection| {
            let statement = "DELETE FROM accepted WHERE component = ?1 AND version = ?2";
            connection.execute(statement, params![component, version])?;
            Ok(())
        })
        .await
    }
}
