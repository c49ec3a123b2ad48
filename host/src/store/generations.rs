//! What the device is to be, as a whole: a generation. A deployment writes the next one and makes
//! it the current one in one step, keeps the one before until it is known to work, and so is
//! either carried out or not, whenever the power goes.

use super::configuration;
use super::deployments::{self, DeploymentState, Made};
use super::{Outcome, Store, StoreError};
use gg_model::resolve::Roots;
use gg_model::{ComponentName, ComponentVersion, ConfigTree, DeploymentGroup};
use rusqlite::types::Type;
use rusqlite::{Connection, params};
use std::collections::BTreeMap;
use std::error::Error;

/// A set of components with their configuration, and who asked for them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Generation {
    /// By name.
    pub components: BTreeMap<ComponentName, StoredComponent>,
    /// What deployments have told the nucleus itself, and the components that it stands for.
    pub own: BTreeMap<ComponentName, ConfigTree>,
    /// What each target of deployments asked for.
    pub roots: Roots,
}

/// A component as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredComponent {
    /// Its version.
    pub version: ComponentVersion,
    /// The deployment's `runWith`, as JSON.
    pub run_with: String,
    /// Its configuration.
    pub configuration: ConfigTree,
}

impl Store {
    /// The generation that is to run.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn current(&self) -> Result<Generation, StoreError> {
        self.write(|connection| read(connection, current(connection)?)).await
    }

    /// While a deployment is under way, the other generation: that which it has taken the place
    /// of, or, when it is being undone, its own.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn before(&self) -> Result<Option<Generation>, StoreError> {
        self.write(|connection| {
            let number: Option<i64> =
                connection.query_row("SELECT before FROM state", [], |row| row.get(0))?;
            number.map(|number| read(connection, number)).transpose()
        })
        .await
    }

    /// Make `next` the current generation, on behalf of a deployment that is from now on being
    /// activated. The one before is kept. The step `install` of some components is to be carried
    /// out, now and when it is cut off. For its target no document counts any more that was made before
    /// its own.
    ///
    /// # Errors
    /// The store cannot be written; nothing has changed then.
    pub async fn activate(
        &self,
        deployment: &str,
        next: Generation,
        installs: Vec<ComponentName>,
        made: Option<Made>,
    ) -> Result<(), StoreError> {
        let deployment = deployment.to_owned();
        self.write(move |connection| {
            let before = current(connection)?;
            for component in &installs {
                let name = component.as_str();
                connection.execute("DELETE FROM installed WHERE component = ?1", params![name])?;
            }
            let number = before + 1;
            insert(connection, number, &next)?;
            connection
                .execute("UPDATE state SET current = ?1, before = ?2", params![number, before])?;
            connection.execute(
                "INSERT OR REPLACE INTO deployed SELECT deployed_to, ?2, ?3 FROM deployment \
                 WHERE id = ?1 AND ?2 IS NOT NULL",
                params![deployment, made.as_ref().map(|made| made.at), made.map(|made| made.arn)],
            )?;
            deployments::set_state(connection, &deployment, DeploymentState::Activating, None)
        })
        .await
    }

    /// The current generation works: forget the one before, and that components were installed that
    /// are not in this one. The deployment has ended.
    ///
    /// # Errors
    /// The store cannot be written; nothing has changed then.
    pub async fn settle(
        &self,
        deployment: &str,
        state: DeploymentState,
        detail: String,
    ) -> Result<(), StoreError> {
        let deployment = deployment.to_owned();
        self.write(move |connection| {
            let current = current(connection)?;
            connection.execute("UPDATE state SET before = NULL", [])?;
            forget_others(connection, current)?;
            connection.execute(
                "DELETE FROM installed WHERE component NOT IN (SELECT name FROM component)",
                [],
            )?;
            connection
                .execute("DELETE FROM bootstrapped WHERE deployment = ?1", params![deployment])?;
            deployments::set_state(connection, &deployment, state, Some(&detail))
        })
        .await
    }

    /// Go back to the generation before the one that a deployment has activated. That is kept until
    /// the deployment has ended.
    ///
    /// # Errors
    /// The store cannot be written; nothing has changed then.
    pub async fn fall_back(&self, deployment: &str, detail: String) -> Result<(), StoreError> {
        let deployment = deployment.to_owned();
        self.write(move |connection| {
            connection.execute(
                "UPDATE state SET current = before, before = current WHERE before IS NOT NULL",
                [],
            )?;
            connection
                .execute("DELETE FROM bootstrapped WHERE deployment = ?1", params![deployment])?;
            let state = DeploymentState::RollingBack;
            deployments::set_state(connection, &deployment, state, Some(&detail))
        })
        .await
    }

    /// For what a component had its step `install`, if it had.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn installed(&self) -> Result<BTreeMap<String, String>, StoreError> {
        self.write(|connection| {
            let mut query = connection.prepare("SELECT component, fingerprint FROM installed")?;
            let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            rows.collect()
        })
        .await
    }

    /// Remember that a component had its step `install`; `None`: that it is to have it again.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn set_installed(
        &self,
        component: &ComponentName,
        fingerprint: Option<String>,
    ) -> Result<(), StoreError> {
        let component = component.to_string();
        self.write(move |connection| {
            match fingerprint {
                Some(fingerprint) => connection.execute(
                    "INSERT OR REPLACE INTO installed VALUES (?1, ?2)",
                    params![component, fingerprint],
                )?,
                None => connection
                    .execute("DELETE FROM installed WHERE component = ?1", params![component])?,
            };
            Ok(())
        })
        .await
    }
}

/// The number of the generation that is to run.
pub(super) fn current(connection: &Connection) -> Outcome<i64> {
    connection.query_row("SELECT current FROM state", [], |row| row.get(0))
}

fn forget_others(connection: &Connection, kept: i64) -> Outcome<()> {
    for table in ["component", "root", "configuration"] {
        connection
            .execute(&format!("DELETE FROM {table} WHERE generation <> ?1"), params![kept])?;
    }
    Ok(())
}

fn insert(connection: &Connection, number: i64, generation: &Generation) -> Outcome<()> {
    // What an activation left that was cut off before it was one.
    for table in ["component", "root", "configuration"] {
        connection
            .execute(&format!("DELETE FROM {table} WHERE generation = ?1"), params![number])?;
    }
    let mut component = connection.prepare("INSERT INTO component VALUES (?1, ?2, ?3, ?4)")?;
    for (name, stored) in &generation.components {
        let version = stored.version.to_string();
        component.execute(params![number, name.as_str(), version, stored.run_with])?;
        configuration::put_all(connection, number, name, &stored.configuration)?;
    }
    for (name, tree) in &generation.own {
        configuration::put_all(connection, number, name, tree)?;
    }
    let mut root = connection.prepare("INSERT INTO root VALUES (?1, ?2, ?3, ?4)")?;
    for (target, components) in &generation.roots {
        for (name, requirement) in components {
            let (target, requirement) = (target.to_string(), requirement.to_string());
            root.execute(params![number, target, name.as_str(), requirement])?;
        }
    }
    Ok(())
}

fn read(connection: &Connection, number: i64) -> Outcome<Generation> {
    let mut generation = Generation::default();
    let mut trees = configuration::read(connection, number)?;
    let mut components = connection
        .prepare("SELECT name, version, run_with FROM component WHERE generation = ?1")?;
    let mut rows = components.query(params![number])?;
    while let Some(row) = rows.next()? {
        let name: ComponentName = parsed(0, &row.get::<_, String>(0)?)?;
        let configuration = trees.remove(&name).unwrap_or_default();
        let stored = StoredComponent {
            version: parsed(1, &row.get::<_, String>(1)?)?,
            run_with: row.get(2)?,
            configuration,
        };
        generation.components.insert(name, stored);
    }
    generation.own = trees;
    let mut roots = connection
        .prepare("SELECT deployed_to, component, requirement FROM root WHERE generation = ?1")?;
    let mut rows = roots.query(params![number])?;
    while let Some(row) = rows.next()? {
        let name = parsed(1, &row.get::<_, String>(1)?)?;
        let group = DeploymentGroup::from(row.get::<_, String>(0)?);
        let requirement = parsed(2, &row.get::<_, String>(2)?)?;
        generation.roots.entry(group).or_default().insert(name, requirement);
    }
    Ok(generation)
}

/// A value of a column as a type of its own.
pub(super) fn parsed<T>(column: usize, text: &str) -> Outcome<T>
where
    T: std::str::FromStr,
    T::Err: Error + Send + Sync + 'static,
{
    text.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}
