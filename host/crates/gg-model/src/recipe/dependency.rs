//! The components that a component needs.

use crate::name::ComponentName;
use crate::shape::{Object, Path, ShapeError, Warnings, choice};
use crate::version::VersionRequirement;
use serde_json::Value;
use std::collections::BTreeMap;

/// One entry of `ComponentDependencies`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dependency {
    /// Which versions will do.
    pub version_requirement: VersionRequirement,
    /// How the two are tied.
    pub dependency_type: DependencyType,
}

/// How a component is tied to one that it needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DependencyType {
    /// It waits for the other to be up, and is restarted with it.
    #[default]
    Hard,
    /// The other is installed as well, nothing more.
    Soft,
}

const TYPES: [(&str, DependencyType); 2] =
    [("HARD", DependencyType::Hard), ("SOFT", DependencyType::Soft)];

pub(super) fn read(
    path: &Path<'_>,
    value: &Value,
    warnings: &mut Warnings,
) -> Result<BTreeMap<ComponentName, Dependency>, ShapeError> {
    let Value::Object(map) = value else {
        return Err(ShapeError::expected(path, "an object", value));
    };
    let mut dependencies = BTreeMap::new();
    for (name, value) in map {
        let path = path.key(name);
        let name: ComponentName = name.parse().map_err(|error| ShapeError::new(&path, error))?;
        let mut object = Object::open(&path, value)?;
        let dependency = Dependency {
            version_requirement: object.required_parsed("VersionRequirement")?,
            dependency_type: match object.take("DependencyType") {
                Some(value) => choice(&path.key("DependencyType"), value, &TYPES)?,
                None => DependencyType::default(),
            },
        };
        object.warn_unknown(warnings);
        dependencies.insert(name, dependency);
    }
    Ok(dependencies)
}
