//! A model that a component brings itself, for as long as it holds it.

use super::error::InferenceError;
use super::model::Model;
use super::served::Served;
use crate::inference::worker::ModelFiles;
use gg_model::{ComponentName, ComponentVersion, ModelDeclaration, ModelName};
use rustix::fs::{MemfdFlags, memfd_create};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::AsRawFd as _;
use std::sync::{Arc, Mutex, PoisonError};

/// Models that a component may hold at a time.
const MOST: usize = 8;

/// How many models each component holds that it brought itself.
pub(super) type Held = Arc<Mutex<BTreeMap<ComponentName, usize>>>;

/// A model that a component brought itself.
#[derive(Debug)]
pub struct LoadedModel {
    pub(super) served: Arc<Served>,
    _place: Place,
    /// What it is made from, each time that its worker is started.
    _file: File,
}

impl LoadedModel {
    pub(super) fn new(served: Arc<Served>, place: Place, file: File) -> Self {
        Self { served, _place: place, _file: file }
    }
}

impl Drop for LoadedModel {
    fn drop(&mut self) {
        self.served.retire();
    }
}

/// One of those that a component may hold.
#[derive(Debug)]
pub(super) struct Place {
    held: Held,
    component: ComponentName,
}

impl Place {
    /// Take one.
    pub(super) fn take(held: &Held, component: &ComponentName) -> Option<Self> {
        let mut all = held.lock().unwrap_or_else(PoisonError::into_inner);
        let count = all.entry(component.clone()).or_default();
        if *count >= MOST {
            return None;
        }
        *count += 1;
        Some(Self { held: Arc::clone(held), component: component.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = all.get_mut(&self.component) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.component);
            }
        }
    }
}

/// Bytes as a model with a file of their own, which has no name and is nowhere on disk.
pub(super) fn as_model(
    name: ModelName,
    bytes: &[u8],
    memory: u64,
) -> Result<(Model, File), InferenceError> {
    let file = in_memory(bytes).map_err(|error| InferenceError::Load {
        model: name.clone(),
        reason: format!("it cannot be kept: {error}"),
        too_large: false,
    })?;
    let model = Model {
        name,
        version: ComponentVersion::ZERO,
        files: ModelFiles {
            model: format!("/proc/self/fd/{}", file.as_raw_fd()).into(),
            golden: None,
        },
        declaration: ModelDeclaration { memory: Some(memory), ..ModelDeclaration::default() },
    };
    Ok((model, file))
}

fn in_memory(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("model", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::testing::component;

    #[test]
    fn places_are_given_back() {
        let held = Held::default();
        let [a, b] = ["a", "b"].map(component);
        let mut places: Vec<_> = (0..MOST).map(|_| Place::take(&held, &a).unwrap()).collect();
        assert!(Place::take(&held, &a).is_none());
        assert!(Place::take(&held, &b).is_some());
        places.pop();
        places.push(Place::take(&held, &a).unwrap());
        assert!(Place::take(&held, &a).is_none());
        drop(places);
        assert!(held.lock().unwrap().is_empty());
    }
}
