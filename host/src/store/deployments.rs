//! Deployments: those that wait, the one under way, and how the last ones ended.

use super::generations::parsed;
use super::{Outcome, Store, StoreError};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// Ended deployments that are remembered.
const REMEMBERED: u32 = 20;

/// How far a deployment has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeploymentState {
    /// It has been activated: its generation is the current one, and is being brought up.
    Activating,
    /// It was called off before it changed anything.
    Canceled,
    /// It failed.
    Failed,
    /// It is being prepared; nothing that runs has been touched.
    InProgress,
    /// It waits for its turn.
    Queued,
    /// It was not taken on: the device has a newer one of the same target.
    Rejected,
    /// It failed after it was activated, and what was before it is being brought back.
    RollingBack,
    /// It was carried out.
    Succeeded,
}

/// Each state and its word, in the store and for people.
const STATES: [(DeploymentState, &str); 8] = [
    (DeploymentState::Activating, "ACTIVATING"),
    (DeploymentState::Canceled, "CANCELED"),
    (DeploymentState::Failed, "FAILED"),
    (DeploymentState::InProgress, "IN_PROGRESS"),
    (DeploymentState::Queued, "QUEUED"),
    (DeploymentState::Rejected, "REJECTED"),
    (DeploymentState::RollingBack, "ROLLING_BACK"),
    (DeploymentState::Succeeded, "SUCCEEDED"),
];

impl DeploymentState {
    /// Whether it is over.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Canceled | Self::Failed | Self::Rejected | Self::Succeeded)
    }
}

impl fmt::Display for DeploymentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = STATES.iter().find(|(state, _)| state == self).map_or("", |(_, word)| word);
        f.pad(word)
    }
}

/// A word that is no deployment's state.
#[derive(Clone, Debug, Error)]
#[error("{0:?} is not the state of a deployment")]
pub struct NoState(String);

impl FromStr for DeploymentState {
    type Err = NoState;

    fn from_str(word: &str) -> Result<Self, NoState> {
        let found = STATES.iter().find(|(_, known)| *known == word);
        found.map(|(state, _)| *state).ok_or_else(|| NoState(word.to_owned()))
    }
}

/// A deployment as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct DeploymentRow {
    /// Its identity.
    pub id: String,
    /// For what it is, for example `thinggroup/line-2`.
    pub target: String,
    /// What was asked for, as JSON.
    pub document: String,
    /// How far it has come.
    pub state: DeploymentState,
    /// How it ended or why, as JSON.
    pub detail: String,
    /// When it came, in milliseconds since the Unix epoch.
    pub created: i64,
    /// When its state last changed.
    pub updated: i64,
    /// Who asked for it, where that wants to hear how it gets on: a job, for example. Else empty.
    pub source: String,
    /// What that was told last.
    pub told: String,
}

/// A document of the cloud.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Made {
    /// When it was made, in milliseconds since the Unix epoch.
    pub at: i64,
    /// Which revision of its target's deployments it is.
    pub arn: String,
}

const COLUMNS: &str = "id, deployed_to, document, state, detail, created, updated, source, told";

impl Store {
    /// Take a deployment into the queue. `false`: one of this identity is known already.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn enqueue(&self, row: DeploymentRow) -> Result<bool, StoreError> {
        self.write(move |connection| {
            let state = row.state.to_string();
            let added = connection.execute(
                "INSERT OR IGNORE INTO deployment(\
                 id, deployed_to, document, state, detail, created, updated, source, told) \
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8)",
                params![
                    row.id, row.target, row.document, state, row.detail, row.created, row.source,
                    row.told
                ],
            )?;
            connection.execute(
                "DELETE FROM deployment WHERE state IN ('CANCELED', 'FAILED', 'REJECTED', 'SUCCEEDED') \
                 AND number <= (SELECT max(number) FROM deployment) - ?1",
                params![REMEMBERED],
            )?;
            Ok(added > 0)
        })
        .await
    }

    /// The deployment to go on with: the one under way, else the one that has waited longest.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn next_deployment(&self) -> Result<Option<DeploymentRow>, StoreError> {
        self.write(|connection| {
            let query = format!(
                "SELECT {COLUMNS} FROM deployment \
                 WHERE state NOT IN ('CANCELED', 'FAILED', 'REJECTED', 'SUCCEEDED') \
                 ORDER BY state = 'QUEUED', number LIMIT 1"
            );
            connection.query_row(&query, [], row).optional()
        })
        .await
    }

    /// All that are known, the newest first.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn deployments(&self) -> Result<Vec<DeploymentRow>, StoreError> {
        self.write(|connection| {
            let query = format!("SELECT {COLUMNS} FROM deployment ORDER BY number DESC");
            connection.prepare(&query)?.query_map([], row)?.collect()
        })
        .await
    }

    /// Say how far a deployment has come.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn set_deployment_state(
        &self,
        id: &str,
        state: DeploymentState,
        detail: Option<String>,
    ) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |connection| set_state(connection, &id, state, detail.as_deref())).await
    }

    /// Call off a deployment that waits for its turn. `false`: it does not.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn cancel_queued(&self, id: &str, detail: String) -> Result<bool, StoreError> {
        let id = id.to_owned();
        self.write(move |connection| {
            let canceled = connection.execute(
                "UPDATE deployment SET state = 'CANCELED', detail = ?2 \
                 WHERE id = ?1 AND state = 'QUEUED'",
                params![id, detail],
            )?;
            Ok(canceled > 0)
        })
        .await
    }

    /// Remember what was told of a deployment to who asked for it.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn set_told(&self, id: &str, told: &str) -> Result<(), StoreError> {
        let (id, told) = (id.to_owned(), told.to_owned());
        self.write(move |connection| {
            connection
                .execute("UPDATE deployment SET told = ?2 WHERE id = ?1", params![id, told])?;
            Ok(())
        })
        .await
    }

    /// When the last document was made that was activated for a target, in milliseconds since the
    /// Unix epoch.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn last_made(&self, target: &str) -> Result<Option<i64>, StoreError> {
        let target = target.to_owned();
        self.write(move |connection| {
            let query = "SELECT made FROM deployed WHERE deployed_to = ?1";
            connection.query_row(query, params![target], |row| row.get(0)).optional()
        })
        .await
    }

    /// The ARN of the last document that was activated for each target.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn arns(&self) -> Result<BTreeMap<String, String>, StoreError> {
        self.write(|connection| {
            let mut query = connection.prepare("SELECT deployed_to, arn FROM deployed")?;
            query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
        .await
    }

    /// The components whose bootstrap step has been carried out for a deployment.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn bootstrapped(&self, deployment: &str) -> Result<Vec<String>, StoreError> {
        let deployment = deployment.to_owned();
        self.write(move |connection| {
            connection
                .prepare("SELECT component FROM bootstrapped WHERE deployment = ?1")?
                .query_map(params![deployment], |row| row.get(0))?
                .collect()
        })
        .await
    }

    /// Remember that a component's bootstrap step has been carried out for a deployment.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn set_bootstrapped(
        &self,
        deployment: &str,
        component: &str,
    ) -> Result<(), StoreError> {
        let (deployment, component) = (deployment.to_owned(), component.to_owned());
        self.write(move |connection| {
            connection.execute(
                "INSERT OR IGNORE INTO bootstrapped VALUES (?1, ?2)",
                params![deployment, component],
            )?;
            Ok(())
        })
        .await
    }
}

/// Say how far a deployment has come, as part of a transaction.
pub(super) fn set_state(
    connection: &Connection,
    id: &str,
    state: DeploymentState,
    detail: Option<&str>,
) -> Outcome<()> {
    // Times come from the clock of the host where they matter; this one is for people.
    connection.execute(
        "UPDATE deployment SET state = ?2, detail = coalesce(?3, detail), \
         updated = max(updated, CAST(unixepoch('subsec') * 1000 AS INTEGER)) WHERE id = ?1",
        params![id, state.to_string(), detail],
    )?;
    Ok(())
}

fn row(row: &Row<'_>) -> Outcome<DeploymentRow> {
    Ok(DeploymentRow {
        id: row.get(0)?,
        target: row.get(1)?,
        document: row.get(2)?,
        state: parsed(3, &row.get::<_, String>(3)?)?,
        detail: row.get(4)?,
        created: row.get(5)?,
        updated: row.get(6)?,
        source: row.get(7)?,
        told: row.get(8)?,
    })
}
