//! The shadows of things, and what they had in common with those in the cloud.

use super::{Outcome, Store, StoreError};
use gg_model::shadow::{Before, Section, Sent, Shadow, ShadowId, Synced};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Most shadows that are kept, with those that were deleted and whose version is remembered.
const MOST_SHADOWS: i64 = 50_000;

/// What becomes of a shadow.
#[derive(Debug)]
pub enum Kept<T> {
    /// It is on disk.
    Done(T),
    /// There are as many shadows as can be; nothing has changed.
    Full,
}

impl Store {
    /// A shadow as it is.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn shadow(&self, id: ShadowId) -> Result<Before, StoreError> {
        self.write(move |connection| read(connection, &id)).await
    }

    /// Change a shadow: what `change` makes of it is kept, and what it gives beside that given back.
    /// If it fails, nothing is changed. With `in_step`, that is in step with the cloud, in the version that
    /// it has here then.
    ///
    /// # Errors
    /// The store cannot be written; nothing has changed then.
    pub async fn change_shadow<T: Send + 'static, E: Send + 'static>(
        &self,
        id: ShadowId,
        in_step: Option<Synced>,
        change: impl FnOnce(Before) -> Result<(Before, T), E> + Send + 'static,
    ) -> Result<Result<Kept<T>, E>, StoreError> {
        self.write(move |connection| {
            let before = read(connection, &id)?;
            let is_new = before.version() == 0;
            let (after, outcome) = match change(before) {
                Ok(changed) => changed,
                Err(error) => return Ok(Err(error)),
            };
            if is_new && count(connection)? >= MOST_SHADOWS {
                return Ok(Ok(Kept::Full));
            }
            write(connection, &id, &after)?;
            if let Some(synced) = in_step {
                write_synced(connection, &id, Synced { local: after.version(), ..synced })?;
            }
            Ok(Ok(Kept::Done(outcome)))
        })
        .await
    }

    /// Names of a thing's shadows, in order: at most so many, of those after `after`.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn shadow_names(
        &self,
        thing: &str,
        after: &str,
        most: u32,
    ) -> Result<Vec<String>, StoreError> {
        let (thing, after) = (thing.to_owned(), after.to_owned());
        self.write(move |connection| {
            connection
                .prepare_cached(
                    "SELECT name FROM shadow
                     WHERE thing = ?1 AND name > ?2 AND name <> '' AND document IS NOT NULL
                     ORDER BY name LIMIT ?3",
                )?
                .query_map(params![thing, after, most], |row| row.get(0))?
                .collect()
        })
        .await
    }

    /// What a shadow had in common with that in the cloud when they last were in step; `None` if
    /// they never were.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn synced_shadow(&self, id: ShadowId) -> Result<Option<Synced>, StoreError> {
        self.write(move |connection| {
            let row = |row: &rusqlite::Row<'_>| {
                let document: Option<String> = row.get(2)?;
                Ok((row.get(0)?, row.get(1)?, document))
            };
            let found: Option<(i64, i64, Option<String>)> = connection
                .prepare_cached(
                    "SELECT local, cloud, document FROM synced WHERE thing = ?1 AND name = ?2",
                )?
                .query_row(params![id.thing.as_str(), name(&id)], row)
                .optional()?;
            let Some((local, cloud, document)) = found else { return Ok(None) };
            let state = document.map(|text| sections(2, &text)).transpose()?;
            let (local, cloud) = (version(local), version(cloud));
            Ok(Some(Synced { local, cloud, state }))
        })
        .await
    }

    /// A shadow and that in the cloud are in step.
    ///
    /// # Errors
    /// The store cannot be written; nothing has changed then.
    pub async fn save_synced_shadow(&self, id: ShadowId, synced: Synced) -> Result<(), StoreError> {
        self.write(move |connection| write_synced(connection, &id, synced)).await
    }

    /// What the cloud was asked to make of a shadow; `None` if it is known what has come of it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn sent_shadow(&self, id: ShadowId) -> Result<Option<Sent>, StoreError> {
        self.write(move |connection| {
            let row = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?));
            let found: Option<(i64, String)> = connection
                .prepare_cached("SELECT local, document FROM sent WHERE thing = ?1 AND name = ?2")?
                .query_row(params![id.thing.as_str(), name(&id)], row)
                .optional()?;
            let Some((local, document)) = found else { return Ok(None) };
            Ok(Some(Sent { local: version(local), state: sections(1, &document)? }))
        })
        .await
    }

    /// The cloud is about to be asked for this, until both are in step.
    ///
    /// # Errors
    /// The store cannot be written; nothing has changed then.
    pub async fn save_sent_shadow(&self, id: ShadowId, sent: Sent) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection
                .prepare_cached("INSERT OR REPLACE INTO sent VALUES (?1, ?2, ?3, ?4)")?
                .execute(params![
                    id.thing.as_str(),
                    name(&id),
                    number(sent.local),
                    text(&sent.state),
                ])?;
            Ok(())
        })
        .await
    }
}

/// The classic shadow has no name.
fn name(id: &ShadowId) -> &str {
    id.name.as_ref().map_or("", |name| name.as_str())
}

fn count(connection: &Connection) -> Outcome<i64> {
    connection.query_row("SELECT count(*) FROM shadow", [], |row| row.get(0))
}

fn read(connection: &Connection, id: &ShadowId) -> Outcome<Before> {
    let row = |row: &rusqlite::Row<'_>| {
        Ok((row.get(0)?, row.get::<_, Option<String>>(1)?, row.get::<_, Option<String>>(2)?))
    };
    let found: Option<(i64, Option<String>, Option<String>)> = connection
        .prepare_cached(
            "SELECT version, document, metadata FROM shadow WHERE thing = ?1 AND name = ?2",
        )?
        .query_row(params![id.thing.as_str(), name(id)], row)
        .optional()?;
    Ok(match found {
        None => Before::Absent(0),
        Some((last, Some(document), Some(metadata))) => {
            let [desired, reported] = sections(1, &document)?;
            let [desired_metadata, reported_metadata] = sections(2, &metadata)?;
            let version = version(last);
            Before::Present(Shadow {
                desired,
                reported,
                desired_metadata,
                reported_metadata,
                version,
            })
        }
        Some((last, ..)) => Before::Absent(version(last)),
    })
}

fn write(connection: &Connection, id: &ShadowId, after: &Before) -> Outcome<()> {
    let (document, metadata) = match after {
        Before::Absent(_) => (None, None),
        Before::Present(shadow) => {
            let metadata = [shadow.desired_metadata.clone(), shadow.reported_metadata.clone()];
            let state = [shadow.desired.clone(), shadow.reported.clone()];
            (Some(text(&state)), Some(text(&metadata)))
        }
    };
    let version = number(after.version());
    connection
        .prepare_cached("INSERT OR REPLACE INTO shadow VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![id.thing.as_str(), name(id), version, document, metadata])?;
    Ok(())
}

fn write_synced(connection: &Connection, id: &ShadowId, synced: Synced) -> Outcome<()> {
    let document = synced.state.map(|sections| text(&sections));
    let (local, cloud) = (number(synced.local), number(synced.cloud));
    connection
        .prepare_cached("INSERT OR REPLACE INTO synced VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![id.thing.as_str(), name(id), local, cloud, document])?;
    connection
        .prepare_cached("DELETE FROM sent WHERE thing = ?1 AND name = ?2")?
        .execute(params![id.thing.as_str(), name(id)])?;
    Ok(())
}

/// The desired and the reported section, as one text.
fn text(sections: &[Section; 2]) -> String {
    // Two maps with text for keys have nothing that could fail.
    serde_json::to_string(sections).unwrap_or_default()
}

fn sections(column: usize, text: &str) -> Outcome<[Section; 2]> {
    let wrong = |error: serde_json::Error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    };
    serde_json::from_str(text).map_err(wrong)
}

fn version(number: i64) -> u64 {
    number.unsigned_abs()
}

fn number(version: u64) -> i64 {
    i64::try_from(version).unwrap_or(i64::MAX)
}
