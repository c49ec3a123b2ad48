//! The secrets of the cloud that the device has, sealed: what is here says nothing without the
//! device's key (see `capability::secrets::vault`).

use super::{Store, StoreError};
use rusqlite::{OptionalExtension as _, params};

/// One version of a secret.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretRow {
    /// The secret's ARN.
    pub arn: String,
    /// Its name.
    pub name: String,
    /// The version's id.
    pub version: String,
    /// Its staging labels, as JSON.
    pub stages: String,
    /// Its value, sealed.
    pub sealed: Vec<u8>,
}

/// The key that secrets are sealed with, itself sealed with what the device has.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct SecretKeyRow {
    /// By which key of the device it is opened.
    pub by: String,
    /// What that key answers to.
    pub challenge: Vec<u8>,
    /// The key, sealed.
    pub sealed: Vec<u8>,
}

impl Store {
    /// The key, if there is one.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn secret_key(&self) -> Result<Option<SecretKeyRow>, StoreError> {
        self.write(|connection| {
            let row = |row: &rusqlite::Row<'_>| {
                Ok(SecretKeyRow { by: row.get(0)?, challenge: row.get(1)?, sealed: row.get(2)? })
            };
            let query = "SELECT sealed_by, challenge, sealed FROM secret_key";
            connection.query_row(query, [], row).optional()
        })
        .await
    }

    /// Keep the same key, sealed anew.
    ///
    /// # Errors
    /// The store cannot be written; nothing has changed then.
    pub async fn set_secret_key(&self, key: SecretKeyRow) -> Result<(), StoreError> {
        self.write(move |connection| put_key(connection, &key)).await
    }

    /// Begin anew with another key: what was sealed with the one before is of no use.
    ///
    /// # Errors
    /// The store cannot be written; nothing has changed then.
    pub async fn replace_secret_key(&self, key: SecretKeyRow) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection.execute("DELETE FROM secret", [])?;
            put_key(connection, &key)
        })
        .await
    }

    /// All versions of all secrets.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn secrets(&self) -> Result<Vec<SecretRow>, StoreError> {
        self.write(|connection| {
            connection
                .prepare("SELECT arn, name, version, stages, sealed FROM secret")?
                .query_map([], |row| {
                    Ok(SecretRow {
                        arn: row.get(0)?,
                        name: row.get(1)?,
                        version: row.get(2)?,
                        stages: row.get(3)?,
                        sealed: row.get(4)?,
                    })
                })?
                .collect()
        })
        .await
    }

    /// Keep these versions of a secret, and no others of it.
    ///
    /// # Errors
    /// The store cannot be written; nothing has changed then.
    pub async fn set_secret(&self, arn: String, rows: Vec<SecretRow>) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection.execute("DELETE FROM secret WHERE arn = ?1", params![arn])?;
            let mut insert =
                connection.prepare("INSERT INTO secret VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for SecretRow { arn, name, version, stages, sealed } in &rows {
                insert.execute(params![arn, name, version, stages, sealed])?;
            }
            Ok(())
        })
        .await
    }
}

fn put_key(connection: &rusqlite::Connection, key: &SecretKeyRow) -> rusqlite::Result<()> {
    let SecretKeyRow { by, challenge, sealed } = key;
    let insert = "INSERT OR REPLACE INTO secret_key VALUES (1, ?1, ?2, ?3)";
    connection.execute(insert, params![by, challenge, sealed])?;
    Ok(())
}
