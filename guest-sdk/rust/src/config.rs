//! The component's configuration, with serde. A path is keys parted by dots.

use crate::bindings::gg::host::configuration as wit;
use crate::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::Duration;

/// The value at a path; the empty path is the whole configuration.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Json`] when the value is of another type.
pub fn get<T: DeserializeOwned>(path: &str) -> Result<T> {
    let text = wit::get(&keys(path))?;
    serde_json::from_str(&text)
        .map_err(|error| Error::Json(format!("the configuration value {path}: {error}")))
}

/// The value at a path, or another where there is none.
///
/// # Errors
/// [`Error::Json`] when the value is of another type.
pub fn get_or<T: DeserializeOwned>(path: &str, default: T) -> Result<T> {
    match get(path) {
        Err(Error::NotFound(_)) => Ok(default),
        other => other,
    }
}

/// Merge a value into the configuration at a path.
///
/// # Errors
/// Unauthorized; a path that grants rights; a newer value there.
pub fn update(path: &str, value: &impl Serialize) -> Result<()> {
    Ok(wit::update(&keys(path), &serde_json::to_string(value)?, None)?)
}

/// Watch the value at a path, which must exist.
///
/// # Errors
/// [`Error::NotFound`]; as many watches as the limits allow.
pub fn watch(path: &str) -> Result<Watcher> {
    Ok(Watcher(wit::watch(&keys(path))?))
}

/// The changes at a path: as an iterator it waits for each and gives the path of the value that
/// changed, and ends when the component is asked to stop.
#[derive(Debug)]
pub struct Watcher(wit::Watcher);

impl Watcher {
    /// Wait for a change at most so long.
    ///
    /// # Errors
    /// The host failed.
    pub fn next_timeout(&self, timeout: Duration) -> Result<Option<String>> {
        Ok(self.0.next_timeout(crate::pubsub::millis(timeout))?.map(|keys| keys.join(".")))
    }
}

impl Iterator for Watcher {
    type Item = Result<String>;

    fn next(&mut self) -> Option<Result<String>> {
        match self.0.next() {
            Ok(keys) => Some(Ok(keys?.join("."))),
            Err(error) => Some(Err(error.into())),
        }
    }
}

fn keys(path: &str) -> Vec<String> {
    path.split('.').filter(|key| !key.is_empty()).map(str::to_owned).collect()
}
