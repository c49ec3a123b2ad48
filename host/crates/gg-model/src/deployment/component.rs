//! What a deployment says of one component.

use super::run_with::RunWith;
use crate::config_tree::{ConfigError, ConfigTree, check_pointer};
use crate::shape::{Object, Path, ShapeError, Warnings, list, text};
use crate::version::ComponentVersion;
use serde_json::{Map, Value, json};

/// What a deployment says of one component.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentDeployment {
    /// Exactly this version.
    pub version: ComponentVersion,
    /// How its configuration changes; left out, it stays as it is.
    pub configuration_update: Option<ConfigurationUpdate>,
    /// As whom and within which bounds it runs.
    pub run_with: RunWith,
}

/// How a deployment changes a component's configuration: first `reset`, then `merge` (Greengrass
/// developer guide, "Update component configurations").
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ConfigurationUpdate {
    /// What is merged into the configuration; an object, or null for nothing.
    pub merge: Value,
    /// JSON pointers (RFC 6901) to what returns to the recipe's default.
    pub reset: Vec<String>,
}

impl ComponentDeployment {
    pub(super) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let deployment = Self {
            version: object.required_parsed("version")?,
            configuration_update: object.read("configurationUpdate", |path, value| {
                ConfigurationUpdate::read(path, value, warnings)
            })?,
            run_with: object
                .read("runWith", |path, value| RunWith::read(path, value, warnings))?
                .unwrap_or_default(),
        };
        object.warn_unknown(warnings);
        Ok(deployment)
    }

    pub(super) fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("version".into(), self.version.to_string().into());
        if let Some(update) = &self.configuration_update {
            let ConfigurationUpdate { merge, reset } = update;
            map.insert("configurationUpdate".into(), json!({"merge": merge, "reset": reset}));
        }
        if self.run_with != RunWith::default() {
            map.insert("runWith".into(), self.run_with.to_json());
        }
        Value::Object(map)
    }
}

impl ConfigurationUpdate {
    /// A component's configuration after a deployment, from the one before it and its recipe's
    /// defaults: first what is reset goes, then defaults fill what is missing, then comes the merge,
    /// with the time of the deployment. What was written later than that stays. A deployment that
    /// says nothing of the component is the default update.
    pub fn apply(
        &self,
        before: &ConfigTree,
        defaults: &Value,
        at: i64,
    ) -> Result<ConfigTree, ConfigError> {
        let mut tree = before.clone();
        for pointer in &self.reset {
            tree.reset(pointer)?;
        }
        tree.fill_defaults(defaults)?;
        if !self.merge.is_null() {
            tree.merge::<&str>(&[], &self.merge, at)?;
        }
        Ok(tree)
    }

    pub(super) fn read(
        path: &Path<'_>,
        value: &Value,
        warnings: &mut Warnings,
    ) -> Result<Self, ShapeError> {
        let mut object = Object::open(path, value)?;
        let merge = object.read("merge", |path, value| match value {
            Value::Object(_) => Ok(value.clone()),
            _ => Err(ShapeError::expected(path, "an object", value)),
        })?;
        let reset = object.read("reset", |path, value| {
            let elements = list(path, value)?.iter().enumerate();
            elements.map(|(index, value)| pointer(&path.index(index), value)).collect()
        })?;
        object.warn_unknown(warnings);
        Ok(Self { merge: merge.unwrap_or_default(), reset: reset.unwrap_or_default() })
    }
}

fn pointer(path: &Path<'_>, value: &Value) -> Result<String, ShapeError> {
    let pointer = text(path, value)?;
    check_pointer(pointer).map_err(|error| ShapeError::new(path, error))?;
    Ok(pointer.into())
}
