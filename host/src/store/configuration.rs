//! The components' configuration: a row for each leaf of a tree.

use super::generations::{current, parsed};
use super::{Outcome, Store, StoreError};
use gg_model::config_tree::ConfigLeaf;
use gg_model::{ComponentName, ConfigTree};
use rusqlite::types::Type;
use rusqlite::{Connection, params};
use serde_json::Value;
use std::collections::BTreeMap;

/// What became of the leaf at a path: its new value, or nothing when it is gone.
#[derive(Clone, Debug, PartialEq)]
pub enum LeafChange {
    /// It is gone.
    Gone(Vec<String>),
    /// It has this value.
    Set(ConfigLeaf),
}

impl Store {
    /// Write what has changed in a component's configuration.
    ///
    /// # Errors
    /// The store cannot be written; nothing has changed then.
    pub async fn save_configuration(
        &self,
        component: &ComponentName,
        changes: Vec<LeafChange>,
    ) -> Result<(), StoreError> {
        let component = component.clone();
        self.write(move |connection| {
            let generation = current(connection)?;
            for change in &changes {
                match change {
                    LeafChange::Set(leaf) => put(connection, generation, &component, leaf)?,
                    LeafChange::Gone(path) => {
                        connection
                            .prepare_cached(
                                "DELETE FROM configuration \
                             WHERE generation = ?1 AND component = ?2 AND path = ?3",
                            )?
                            .execute(params![generation, component.as_str(), path_text(path)])?;
                    }
                }
            }
            Ok(())
        })
        .await
    }
}

/// Write one leaf.
pub(super) fn put(
    connection: &Connection,
    generation: i64,
    component: &ComponentName,
    leaf: &ConfigLeaf,
) -> Outcome<()> {
    let mut insert = connection
        .prepare_cached("INSERT OR REPLACE INTO configuration VALUES (?1, ?2, ?3, ?4, ?5)")?;
    let value = leaf.value.to_string();
    let row = params![generation, component.as_str(), path_text(&leaf.path), value, leaf.modified];
    insert.execute(row)?;
    Ok(())
}

/// Write a whole tree.
pub(super) fn put_all(
    connection: &Connection,
    generation: i64,
    component: &ComponentName,
    tree: &ConfigTree,
) -> Outcome<()> {
    tree.leaves().iter().try_for_each(|leaf| put(connection, generation, component, leaf))
}

/// All trees of a generation.
pub(super) fn read(
    connection: &Connection,
    generation: i64,
) -> Outcome<BTreeMap<ComponentName, ConfigTree>> {
    let mut query = connection.prepare(
        "SELECT component, path, value, modified FROM configuration \
         WHERE generation = ?1 ORDER BY component, path",
    )?;
    let mut rows = query.query(params![generation])?;
    let mut trees: BTreeMap<ComponentName, ConfigTree> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let component = parsed(0, &row.get::<_, String>(0)?)?;
        let path: Vec<String> = json(1, &row.get::<_, String>(1)?)?;
        let value: Value = json(2, &row.get::<_, String>(2)?)?;
        trees.entry(component).or_default().merge(&path, &value, row.get(3)?).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(2, Type::Text, Box::new(error))
        })?;
    }
    Ok(trees)
}

fn json<T: serde::de::DeserializeOwned>(column: usize, text: &str) -> Outcome<T> {
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
    })
}

fn path_text(path: &[String]) -> String {
    Value::from(path.to_vec()).to_string()
}
