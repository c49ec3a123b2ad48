//! The components' configuration: one tree each, read, merged with timestamps, and watched.
//! Rules as in Greengrass IPC (GetConfiguration, UpdateConfiguration, SubscribeToConfigurationUpdate).

pub(crate) mod ipc;
#[cfg(test)]
mod tests;
mod validation;
mod watcher;
pub mod wit;

pub use validation::{Proposal, Proposals, Validation, Verdict};
pub use watcher::Watcher;

use super::caller::{Caller, Operation};
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::store::{LeafChange, Store};
use gg_model::{Changed, ComponentName, ConfigTree};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::sync::{OwnedRwLockWriteGuard, RwLock};
use watcher::Changes;

/// What a component cannot change of itself, because it grants rights.
const PROTECTED: [&str; 2] = ["accessControl", "sandbox"];

/// The configuration of all components on the device. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Configuration {
    entries: Arc<Mutex<HashMap<ComponentName, Entry>>>,
    clock: Clock,
    /// Where changes are kept; nowhere when `None`.
    store: Option<Store>,
    /// Open while components may change their configuration.
    gate: Arc<RwLock<()>>,
    validation: Validation,
}

/// While it is there, no component changes its configuration.
#[derive(Debug)]
pub struct Held {
    _gate: OwnedRwLockWriteGuard<()>,
}

#[derive(Debug, Default)]
struct Entry {
    tree: ConfigTree,
    watchers: Vec<Weak<Changes>>,
}

impl Entry {
    /// Tell those who watch one of the paths.
    fn note<'a>(&mut self, paths: impl Iterator<Item = &'a Vec<String>> + Clone) {
        self.watchers.retain(|watcher| {
            let Some(watcher) = watcher.upgrade() else { return false };
            paths.clone().for_each(|changed| watcher.note(changed));
            true
        });
    }
}

impl Configuration {
    /// No component, and this clock for changes that bring no time of their own. What components
    /// change is kept in the store, if there is one.
    pub fn new(clock: Clock, store: Option<Store>) -> Self {
        Self {
            entries: Arc::default(),
            clock,
            store,
            gate: Arc::default(),
            validation: Validation::default(),
        }
    }

    /// Put a component's whole tree in place: what a deployment does. Watchers hear of what has
    /// changed.
    pub fn install(&self, component: &ComponentName, tree: ConfigTree) {
        let mut entries = self.lock();
        let entry = entries.entry(component.clone()).or_default();
        let before = std::mem::replace(&mut entry.tree, tree);
        if !entry.watchers.is_empty() {
            let changed = entry.tree.differences(&before);
            entry.note(changed.iter());
        }
    }

    /// Let no component change its configuration until what is given back is dropped: while a
    /// deployment takes the place of what was there.
    pub async fn hold(&self) -> Held {
        Held { _gate: Arc::clone(&self.gate).write_owned().await }
    }

    /// A component's whole tree; empty for one that is not known.
    pub fn tree(&self, component: &ComponentName) -> ConfigTree {
        self.lock().get(component).map(|entry| entry.tree.clone()).unwrap_or_default()
    }

    /// Forget a component.
    pub fn remove(&self, component: &ComponentName) {
        self.lock().remove(component);
    }

    /// Who is asked before a deployment changes a configuration.
    pub fn validation(&self) -> &Validation {
        &self.validation
    }

    /// The value at a key path; the empty path is the whole configuration.
    ///
    /// # Errors
    /// Unauthorized; no such component or key.
    pub fn get(&self, caller: &Caller, component: Option<&str>, path: &[String]) -> Result<Value> {
        self.find(caller, component, path).map(|(_, value)| value)
    }

    /// The same, with the path as its keys are written there.
    ///
    /// # Errors
    /// Unauthorized; no such component or key.
    pub fn find(
        &self,
        caller: &Caller,
        component: Option<&str>,
        path: &[String],
    ) -> Result<(Vec<String>, Value)> {
        let component = component_or_own(caller, component)?;
        caller.authorize(Operation::GetConfiguration, component.as_ref())?;
        let component = canonical(component);
        let entries = self.lock();
        entries
            .get(&component)
            .and_then(|entry| Some((entry.tree.stored_path(path)?, entry.tree.get(path)?)))
            .ok_or_else(|| no_such_key(&component, path))
    }

    /// Merge a value into the caller's own configuration. `timestamp` in seconds since the Unix
    /// epoch; now when left out.
    ///
    /// # Errors
    /// Unauthorized; a caller that has no configuration; a protected key; a limit of the tree; a
    /// newer value at the path itself; a store that cannot be written.
    pub async fn update(
        &self,
        caller: &Caller,
        path: &[String],
        value: &Value,
        timestamp: Option<f64>,
    ) -> Result<()> {
        let component = caller.name();
        caller.authorize(Operation::UpdateConfiguration, component.as_ref())?;
        refuse_protected(path, value)?;
        let at = match timestamp {
            None => self.clock.unix_millis(),
            Some(seconds) => millis(seconds)?,
        };
        let stale = self.merge(component, path, value, at).await?;
        if stale {
            return Err(Error::conflict(format!(
                "the value at {} was changed later than the given timestamp",
                path_text(path)
            )));
        }
        Ok(())
    }

    /// Merge, tell those who watch, and keep it. Says whether something newer stayed.
    async fn merge(
        &self,
        component: &ComponentName,
        path: &[String],
        value: &Value,
        at: i64,
    ) -> Result<bool> {
        let _open = self.gate.read().await;
        let (merged, changes) = {
            let mut entries = self.lock();
            // An operator has none, nor has a component that was removed.
            let no_such = || Error::not_found(format!("{component} has no configuration"));
            let entry = entries.get_mut(component).ok_or_else(no_such)?;
            let merged = entry
                .tree
                .merge(path, value, at)
                .map_err(|error| Error::invalid(error.to_string()))?;
            entry.note(merged.paths.iter());
            let changes = match &self.store {
                Some(_) => changes(&entry.tree, &merged),
                None => Vec::new(),
            };
            (merged, changes)
        };
        if let Some(store) = &self.store {
            store.save_configuration(component, changes).await.map_err(|error| {
                Error::unavailable(format!("the change could not be kept: {error}"))
            })?;
        }
        Ok(merged.stale)
    }

    /// Watch a value and everything below it.
    ///
    /// # Errors
    /// Unauthorized; no such component or key; as many watches as the limits allow.
    pub fn watch(
        &self,
        caller: &Caller,
        component: Option<&str>,
        path: &[String],
    ) -> Result<Watcher> {
        let component = component_or_own(caller, component)?;
        caller.authorize(Operation::SubscribeToConfigurationUpdate, component.as_ref())?;
        let component = canonical(component);
        let mut entries = self.lock();
        let entry = entries
            .get_mut(&component)
            .filter(|entry| entry.tree.get(path).is_some())
            .ok_or_else(|| no_such_key(&component, path))?;
        let slot = caller.take_watch()?;
        let changes = Arc::new(Changes::new(path));
        entry.watchers.retain(|watcher| watcher.strong_count() > 0);
        entry.watchers.push(Arc::downgrade(&changes));
        Ok(Watcher::new(changes, caller.stop().clone(), slot))
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ComponentName, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a write comes to, leaf by leaf.
fn changes(tree: &ConfigTree, written: &Changed) -> Vec<LeafChange> {
    let paths = written.paths.iter().chain(&written.touched);
    paths
        .map(|path| match tree.leaf(path) {
            Some(leaf) => LeafChange::Set(leaf),
            None => LeafChange::Gone(path.clone()),
        })
        .collect()
}

fn component_or_own(caller: &Caller, component: Option<&str>) -> Result<ComponentName> {
    match component {
        None => Ok(caller.name().clone()),
        Some(name) => name.parse().map_err(|error| Error::invalid(format!("{error}"))),
    }
}

/// The nucleus has two names and one configuration.
fn canonical(component: ComponentName) -> ComponentName {
    if component.is_nucleus() { ComponentName::nucleus() } else { component }
}

fn no_such_key(component: &ComponentName, path: &[String]) -> Error {
    Error::not_found(format!("{component} has no configuration value at {}", path_text(path)))
}

fn path_text(path: &[String]) -> String {
    if path.is_empty() { "the root".to_owned() } else { format!("{:?}", path.join("/")) }
}

fn refuse_protected(path: &[String], value: &Value) -> Result<()> {
    let top: Vec<&str> = match (path.first(), value) {
        (Some(first), _) => vec![first],
        (None, Value::Object(members)) => members.keys().map(String::as_str).collect(),
        (None, _) => Vec::new(),
    };
    let is_protected = |key: &&&str| PROTECTED.iter().any(|name| name.eq_ignore_ascii_case(key));
    match top.iter().find(is_protected) {
        None => Ok(()),
        Some(key) => Err(Error::invalid(format!(
            "{key} grants rights and can be changed only by a deployment, not by the component"
        ))),
    }
}

fn millis(seconds: f64) -> Result<i64> {
    // The largest whole number of milliseconds that a double holds exactly is far in the future.
    const MOST: f64 = 9_007_199_254_740.0;
    if !seconds.is_finite() || !(0.0..=MOST).contains(&seconds) {
        return Err(Error::invalid(format!(
            "the timestamp {seconds} is not a number of seconds since the Unix epoch"
        )));
    }
    #[expect(clippy::cast_possible_truncation, reason = "the range is checked above")]
    Ok((seconds * 1000.0).round() as i64)
}
