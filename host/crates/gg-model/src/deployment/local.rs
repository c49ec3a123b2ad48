//! The document of a local deployment: what `greengrass-cli deployment create` and the IPC operation
//! `CreateLocalDeployment` ask for. It changes what the device's group of local deployments has
//! asked for before.

use super::{ConfigurationUpdate, FailureHandlingPolicy};
use crate::name::ComponentName;
use crate::recipe::{RecipeError, parse_value};
use crate::shape::{Object, Path, ShapeError, choice, list, parsed, text};
use crate::version::ComponentVersion;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A local deployment (Greengrass IPC, `CreateLocalDeployment`).
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LocalDeploymentRequest {
    /// Its identity.
    pub request_id: String,
    /// When it was asked for, in milliseconds since the Unix epoch: the time of the configuration
    /// that it merges.
    pub request_timestamp: i64,
    /// The thing group it is for; the device's own local deployments when `None`.
    pub group_name: Option<String>,
    /// Components and their versions.
    pub add: BTreeMap<ComponentName, ComponentVersion>,
    /// Components that are no longer asked for.
    pub remove: BTreeSet<ComponentName>,
    /// Where recipes are.
    pub recipe_directory: Option<String>,
    /// Where artifacts are, in folders `NAME/VERSION`.
    pub artifacts_directory: Option<String>,
    /// How configurations change.
    pub configuration: BTreeMap<ComponentName, ConfigurationUpdate>,
    /// How processes run.
    pub run_with: BTreeMap<ComponentName, RunWith>,
    /// What happens when it fails. Default: DO_NOTHING.
    pub failure_handling: FailureHandlingPolicy,
}

/// `runWith` of one component; what is `None` stays as it was.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RunWith {
    /// `user[:group]`; empty for the default again.
    pub posix_user: Option<String>,
    /// Memory in KiB.
    pub memory_kib: Option<u64>,
    /// Processor cores.
    pub cpus: Option<f64>,
}

impl LocalDeploymentRequest {
    /// Read a request from JSON.
    ///
    /// # Errors
    /// The text is no JSON, or a value is not what its place asks for.
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        Ok(Self::read(&parse_value(text)?).map_err(|error| error.in_text(text))?)
    }

    fn read(value: &Value) -> Result<Self, ShapeError> {
        const POLICIES: [(&str, FailureHandlingPolicy); 2] = [
            ("ROLLBACK", FailureHandlingPolicy::Rollback),
            ("DO_NOTHING", FailureHandlingPolicy::DoNothing),
        ];
        let root = Path::root("");
        let mut object = Object::open(&root, value)?;
        let timestamp = object.take("requestTimestamp");
        let directory = |value: Option<&str>| value.map(Into::into);
        let mut request = Self {
            request_id: text(&root.key("requestId"), object.required("requestId")?)?.into(),
            request_timestamp: timestamp.and_then(Value::as_i64).unwrap_or_default(),
            group_name: directory(object.text("groupName")?),
            recipe_directory: directory(object.text("recipeDirectoryPath")?),
            artifacts_directory: directory(object.text("artifactsDirectoryPath")?),
            failure_handling: match object.take("failureHandlingPolicy") {
                Some(value) => choice(&root.key("failureHandlingPolicy"), value, &POLICIES)?,
                None => FailureHandlingPolicy::DoNothing,
            },
            ..Self::default()
        };
        if let Some(value) = object.take("rootComponentVersionsToAdd") {
            let path = root.key("rootComponentVersionsToAdd");
            for (name, value) in members(&path, value)? {
                request.add.insert(named(&path, name)?, parsed(&path.key(name), value)?);
            }
        }
        if let Some(value) = object.take("rootComponentsToRemove") {
            let path = root.key("rootComponentsToRemove");
            for (index, value) in list(&path, value)?.iter().enumerate() {
                request.remove.insert(parsed(&path.index(index), value)?);
            }
        }
        if let Some(value) = object.take("configurationUpdate") {
            let path = root.key("configurationUpdate");
            for (name, value) in members(&path, value)? {
                let update = update(&path.key(name), value)?;
                request.configuration.insert(named(&path, name)?, update);
            }
        }
        if let Some(value) = object.take("componentToRunWithInfo") {
            let path = root.key("componentToRunWithInfo");
            for (name, value) in members(&path, value)? {
                let run_with = run_with(&path.key(name), value)?;
                request.run_with.insert(named(&path, name)?, run_with);
            }
        }
        object.refuse_unknown()?;
        Ok(request)
    }

    /// As JSON, which [`LocalDeploymentRequest::parse`] reads.
    pub fn to_json(&self) -> Value {
        let update =
            |update: &ConfigurationUpdate| json!({ "MERGE": update.merge, "RESET": update.reset });
        let policy = match self.failure_handling {
            FailureHandlingPolicy::DoNothing => "DO_NOTHING",
            FailureHandlingPolicy::Rollback => "ROLLBACK",
        };
        let map = |pairs: Vec<(&ComponentName, Value)>| -> Map<String, Value> {
            pairs.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
        };
        json!({
            "requestId": self.request_id,
            "requestTimestamp": self.request_timestamp,
            "groupName": self.group_name,
            "rootComponentVersionsToAdd":
                map(self.add.iter().map(|(name, version)| (name, version.to_string().into())).collect()),
            "rootComponentsToRemove": self.remove.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "recipeDirectoryPath": self.recipe_directory,
            "artifactsDirectoryPath": self.artifacts_directory,
            "configurationUpdate":
                map(self.configuration.iter().map(|(name, one)| (name, update(one))).collect()),
            "componentToRunWithInfo":
                map(self.run_with.iter().map(|(name, one)| (name, one.to_json())).collect()),
            "failureHandlingPolicy": policy,
        })
    }
}

impl RunWith {
    /// Read what the store keeps.
    ///
    /// # Errors
    /// The text is no JSON, or a value is not what its place asks for.
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        Ok(run_with(&Path::root(""), &parse_value(text)?).map_err(|error| error.in_text(text))?)
    }

    /// As JSON, which [`RunWith::parse`] reads.
    pub fn to_json(&self) -> Value {
        json!({
            "posixUser": self.posix_user,
            "systemResourceLimits": { "memory": self.memory_kib, "cpus": self.cpus },
        })
    }

    /// What another says, over what this one says.
    pub fn overlay(&mut self, other: &Self) {
        self.posix_user = other.posix_user.clone().or_else(|| self.posix_user.take());
        self.memory_kib = other.memory_kib.or(self.memory_kib);
        self.cpus = other.cpus.or(self.cpus);
    }
}

fn members<'v>(path: &Path<'_>, value: &'v Value) -> Result<&'v Map<String, Value>, ShapeError> {
    match value {
        Value::Object(map) => Ok(map),
        value => Err(ShapeError::expected(path, "an object", value)),
    }
}

fn named(path: &Path<'_>, name: &str) -> Result<ComponentName, ShapeError> {
    name.parse().map_err(|error| ShapeError::new(&path.key(name), error))
}

/// `{"MERGE": {...}, "RESET": [...]}`.
fn update(path: &Path<'_>, value: &Value) -> Result<ConfigurationUpdate, ShapeError> {
    let mut object = Object::open(path, value)?;
    let merge = match object.take("MERGE") {
        None => Value::Null,
        Some(value @ Value::Object(_)) => value.clone(),
        Some(value) => return Err(ShapeError::expected(&path.key("MERGE"), "an object", value)),
    };
    let mut reset = Vec::new();
    if let Some(value) = object.take("RESET") {
        let path = path.key("RESET");
        for (index, value) in list(&path, value)?.iter().enumerate() {
            reset.push(text(&path.index(index), value)?.into());
        }
    }
    object.refuse_unknown()?;
    Ok(ConfigurationUpdate { merge, reset })
}

fn run_with(path: &Path<'_>, value: &Value) -> Result<RunWith, ShapeError> {
    let mut object = Object::open(path, value)?;
    let mut run_with =
        RunWith { posix_user: object.text("posixUser")?.map(Into::into), ..RunWith::default() };
    let _not_this_system = object.take("windowsUser");
    if let Some(value) = object.take("systemResourceLimits") {
        let path = path.key("systemResourceLimits");
        let mut limits = Object::open(&path, value)?;
        let wrong = |name: &'static str, value: &Value| {
            ShapeError::expected(&path.key(name), "a number above 0", value)
        };
        if let Some(value) = limits.take("memory") {
            let memory = value.as_u64().filter(|memory| *memory > 0);
            run_with.memory_kib = Some(memory.ok_or_else(|| wrong("memory", value))?);
        }
        if let Some(value) = limits.take("cpus") {
            let cpus = value.as_f64().filter(|cpus| *cpus > 0.0);
            run_with.cpus = Some(cpus.ok_or_else(|| wrong("cpus", value))?);
        }
        limits.refuse_unknown()?;
    }
    object.refuse_unknown()?;
    Ok(run_with)
}

#[cfg(test)]
mod tests;
