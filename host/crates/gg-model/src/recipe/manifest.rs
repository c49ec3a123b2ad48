//! The manifests of a recipe: how a component runs on one kind of device.

use super::artifact::{self, Artifact};
use super::lifecycle::{self, Lifecycle};
use super::selection::{self, ALL};
use super::{MAX_MANIFESTS, MAX_SELECTIONS};
use crate::platform::{self, RuntimeKind};
use crate::shape::{Object, Path, ShapeError, Warnings, list, members, scalar_text, text};
use crate::text::excerpt;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// One entry of `Manifests` (Greengrass developer guide, recipe reference, `Manifests`).
#[derive(Debug, Clone, PartialEq)]
pub struct Manifest {
    /// A name for people.
    pub name: Option<String>,
    /// The device's attributes that it is meant for, names in lower case; `*` for null.
    pub platform: BTreeMap<String, String>,
    /// What is run: the manifest's own lifecycle, or what its selections pick of the global one.
    pub lifecycle: Lifecycle,
    /// What it picks of the global lifecycle, in this order.
    pub selections: Vec<String>,
    /// The files it needs.
    pub artifacts: Vec<Artifact>,
}

impl Manifest {
    /// How the component is executed.
    pub fn runtime(&self) -> RuntimeKind {
        match self.platform.get("runtime").map(String::as_str) {
            Some("wasm") => RuntimeKind::Wasm,
            Some("docker") => RuntimeKind::Docker,
            _ => RuntimeKind::Process,
        }
    }

    /// Whether a file is among its artifacts: by its name, or as a path that begins with the folder
    /// of an archive.
    pub fn brings(&self, file: &str) -> bool {
        let folder = file.split_once('/').map(|(folder, _)| folder);
        self.artifacts.iter().any(|artifact| {
            artifact.uri.file_name() == Some(file)
                || folder.is_some_and(|folder| artifact.unarchived_folder() == Some(folder))
        })
    }
}

/// Read the list; `global` is the recipe's own lifecycle.
pub(super) fn read_all(
    root: &Path<'_>,
    elements: &[Value],
    global: Option<&Value>,
    warnings: &mut Warnings,
) -> Result<Vec<Manifest>, ShapeError> {
    let path = root.key("Manifests");
    let mut manifests = Vec::new();
    limited(&path, elements.len(), MAX_MANIFESTS)?;
    for (index, element) in elements.iter().enumerate() {
        manifests.push(read(&path.index(index), element, warnings)?);
    }
    let path = root.key("Lifecycle");
    let lower = |selection: &String| selection.to_lowercase();
    let all = manifests.iter().flat_map(|(manifest, _)| manifest.selections.iter().map(lower));
    let all: BTreeSet<String> = all.collect();
    for (manifest, own_lifecycle) in &mut manifests {
        if let (Some(global), false) = (global, *own_lifecycle) {
            let picked = selection::pick(&path, global, &manifest.selections, &all, warnings);
            if let Some(picked) = picked {
                manifest.lifecycle = lifecycle::read(&path, &picked, warnings)?;
            }
        }
    }
    Ok(manifests.into_iter().map(|(manifest, _)| manifest).collect())
}

fn limited(path: &Path<'_>, count: usize, most: usize) -> Result<(), ShapeError> {
    if count > most {
        let message = format!("has {count} elements; at most {most} are allowed");
        return Err(ShapeError::new(path, message));
    }
    Ok(())
}

/// Read one manifest, and whether it has a lifecycle of its own.
fn read(
    path: &Path<'_>,
    value: &Value,
    warnings: &mut Warnings,
) -> Result<(Manifest, bool), ShapeError> {
    let mut object = Object::open(path, value)?;
    let name = object.text("Name")?.map(Into::into);
    let platform = match object.take("Platform") {
        Some(value) => attributes(&path.key("Platform"), value, warnings)?,
        None => BTreeMap::new(),
    };
    let (lifecycle, own) = match object.take("Lifecycle") {
        Some(Value::Object(map)) if map.is_empty() => (Lifecycle::default(), false),
        Some(value) => (lifecycle::read(&path.key("Lifecycle"), value, warnings)?, true),
        None => (Lifecycle::default(), false),
    };
    let selections = match object.take("Selections") {
        Some(value) => selections(&path.key("Selections"), value)?,
        None => vec![ALL.into()],
    };
    let mut artifacts = Vec::new();
    if let Some(value) = object.take("Artifacts") {
        let path = path.key("Artifacts");
        for (index, element) in list(&path, value)?.iter().enumerate() {
            artifacts.push(artifact::read(&path.index(index), element, warnings)?);
        }
    }
    object.warn_unknown(warnings);
    Ok((Manifest { name, platform, lifecycle, selections, artifacts }, own))
}

fn attributes(
    path: &Path<'_>,
    value: &Value,
    warnings: &mut Warnings,
) -> Result<BTreeMap<String, String>, ShapeError> {
    let Value::Object(map) = value else {
        return Err(ShapeError::expected(path, "an object", value));
    };
    let mut attributes = BTreeMap::new();
    for (name, (key, value)) in members(path, map)? {
        let place = path.key(key);
        let pattern = match value {
            Value::Null => "*".into(),
            value => scalar_text(&place, value)?,
        };
        if let Some(fault) = platform::fault(&pattern) {
            let pattern = excerpt(&pattern);
            warnings.add(&place, format_args!("`{pattern}` matches no device: it {fault}"));
        }
        attributes.insert(name, pattern);
    }
    Ok(attributes)
}

/// A list of selections, or one alone.
fn selections(path: &Path<'_>, value: &Value) -> Result<Vec<String>, ShapeError> {
    match value {
        Value::String(one) => Ok(vec![one.clone()]),
        value => {
            let elements = list(path, value)?;
            limited(path, elements.len(), MAX_SELECTIONS)?;
            let elements = elements.iter().enumerate();
            elements.map(|(index, value)| text(&path.index(index), value).map(Into::into)).collect()
        }
    }
}
