//! The components that a component needs.

use crate::name::ComponentName;
use crate::shape::{Object, Path, ShapeError, Warnings, by_name, choice};
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
    by_name(path, value, |path, value| {
        let mut object = Object::open(path, value)?;
        let dependency = Dependency {
            version_requirement: object.required_parsed("VersionRequirement")?,
            dependency_type: object
                .read("DependencyType", |path, value| choice(path, value, &TYPES))?
                .unwrap_or_default(),
        };
        object.warn_unknown(warnings);
        Ok(dependency)
    })
}
