//! The request for a deployment that is made on the device itself.

use super::component::ConfigurationUpdate;
use super::document::milliseconds;
use super::error::{self, DocumentError};
use super::group::{DeploymentGroup, DeploymentId};
use super::policy::{ComponentUpdatePolicy, FailureHandlingPolicy};
use super::run_with::RunWith;
use crate::name::ComponentName;
use crate::shape::{Object, Path, ShapeError, Warning, Warnings, by_name, list, parsed, text};
use crate::version::VersionRequirement;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// A change of the root components of one group (Greengrass developer guide,
/// `CreateLocalDeployment`). Unlike a [`DeploymentDocument`](super::DeploymentDocument) it leaves
/// alone what it does not name.
#[derive(Debug, Clone, PartialEq)]
pub struct LocalDeploymentRequest {
    /// The deployment's identity.
    pub request_id: DeploymentId,
    /// When it was asked for, in milliseconds since the Unix epoch.
    pub request_timestamp: Option<i64>,
    /// Whose root components change: the device's own, or those of a thing group.
    pub group: DeploymentGroup,
    /// Root components to have, and in which version.
    pub components_to_add: BTreeMap<ComponentName, VersionRequirement>,
    /// Root components to have no longer.
    pub components_to_remove: BTreeSet<ComponentName>,
    /// A folder with recipes to be taken in first.
    pub recipe_directory: Option<String>,
    /// A folder with their artifacts, as `component/version/file`.
    pub artifacts_directory: Option<String>,
    /// How configuration changes.
    pub configuration_updates: BTreeMap<ComponentName, ConfigurationUpdate>,
    /// As whom and within which bounds components run.
    pub run_with: BTreeMap<ComponentName, RunWith>,
    /// What happens if it fails: nothing, if the request does not say.
    pub failure_handling: FailureHandlingPolicy,
    /// Whether components may put it off: not, if the request does not say. Greengrass always skips
    /// that for local deployments.
    pub component_update: ComponentUpdatePolicy,
    /// What the text holds that has no effect.
    pub warnings: Vec<Warning>,
}

impl LocalDeploymentRequest {
    /// Read a request from its text.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let (request, warnings) = error::parse(text, Self::read)?;
        Ok(Self { warnings, ..request })
    }

    /// Read a request that is part of another document.
    pub fn from_json(value: &Value) -> Result<Self, ShapeError> {
        let mut warnings = Warnings::default();
        let request = Self::read(value, &mut warnings)?;
        Ok(Self { warnings: warnings.into_vec(""), ..request })
    }

    /// The group's root components after the request, from those before it.
    pub fn roots(
        &self,
        before: &BTreeMap<ComponentName, VersionRequirement>,
    ) -> BTreeMap<ComponentName, VersionRequirement> {
        let mut roots = before.clone();
        roots.retain(|name, _| !self.components_to_remove.contains(name));
        roots.extend(self.components_to_add.clone());
        roots
    }

    pub(super) fn read(value: &Value, warnings: &mut Warnings) -> Result<Self, ShapeError> {
        let root = Path::root("");
        let mut object = Object::open(&root, value)?;
        let request = Self {
            request_id: object.required_parsed("requestId")?,
            request_timestamp: object.read("requestTimestamp", milliseconds)?,
            group: object.read("groupName", group)?.unwrap_or(DeploymentGroup::Local),
            // The second names are those that the Java nucleus keeps requests under, and those of IPC.
            components_to_add: object
                .read_either(["rootComponentVersionsToAdd", "componentsToMerge"], |path, value| {
                    by_name(path, value, parsed)
                })?
                .unwrap_or_default(),
            components_to_remove: object
                .read_either(["rootComponentsToRemove", "componentsToRemove"], names)?
                .unwrap_or_default(),
            recipe_directory: object.text("recipeDirectoryPath")?.map(Into::into),
            artifacts_directory: object.text("artifactsDirectoryPath")?.map(Into::into),
            configuration_updates: object
                .read_either(["configurationUpdate", "componentToConfiguration"], |path, value| {
                    by_name(path, value, |path, value| {
                        ConfigurationUpdate::read(path, value, warnings)
                    })
                })?
                .unwrap_or_default(),
            run_with: object
                .read("componentToRunWithInfo", |path, value| {
                    by_name(path, value, |path, value| RunWith::read(path, value, warnings))
                })?
                .unwrap_or_default(),
            failure_handling: object
                .read("failureHandlingPolicy", FailureHandlingPolicy::read)?
                .unwrap_or(FailureHandlingPolicy::DoNothing),
            component_update: object
                .read("componentUpdatePolicy", |path, value| {
                    ComponentUpdatePolicy::read(path, value, warnings)
                })?
                .unwrap_or(ComponentUpdatePolicy::SKIP),
            warnings: Vec::new(),
        };
        object.warn_unknown(warnings);
        Ok(request)
    }

    /// The request as JSON, to be read again.
    pub fn to_json(&self) -> Value {
        let mut map = Map::new();
        map.insert("requestId".into(), self.request_id.as_str().into());
        map.extend(self.request_timestamp.map(|at| ("requestTimestamp".into(), at.into())));
        let group = match &self.group {
            DeploymentGroup::ThingGroup(name) => Some(name.as_str()),
            _ => None,
        };
        let texts = [
            ("groupName", group),
            ("recipeDirectoryPath", self.recipe_directory.as_deref()),
            ("artifactsDirectoryPath", self.artifacts_directory.as_deref()),
        ];
        for (key, text) in texts {
            map.extend(text.map(|text| (key.to_owned(), text.into())));
        }
        map.insert("rootComponentVersionsToAdd".into(), json!(self.components_to_add));
        map.insert("rootComponentsToRemove".into(), json!(self.components_to_remove));
        let updates = self.configuration_updates.iter().map(|(name, update)| {
            (name.to_string(), json!({"MERGE": update.merge, "RESET": update.reset}))
        });
        map.insert("configurationUpdate".into(), updates.collect::<Map<_, _>>().into());
        let run_with =
            self.run_with.iter().map(|(name, run_with)| (name.to_string(), run_with.to_json()));
        map.insert("componentToRunWithInfo".into(), run_with.collect::<Map<_, _>>().into());
        map.insert("failureHandlingPolicy".into(), self.failure_handling.as_str().into());
        map.insert("componentUpdatePolicy".into(), self.component_update.to_json());
        Value::Object(map)
    }
}

/// The name of a thing group; the empty text is none.
fn group(path: &Path<'_>, value: &Value) -> Result<DeploymentGroup, ShapeError> {
    match text(path, value)? {
        "" => Ok(DeploymentGroup::Local),
        name if name.contains(':') => Err(ShapeError::new(path, "may not contain `:`")),
        name => Ok(DeploymentGroup::ThingGroup(name.into())),
    }
}

fn names(path: &Path<'_>, value: &Value) -> Result<BTreeSet<ComponentName>, ShapeError> {
    let elements = list(path, value)?.iter().enumerate();
    elements.map(|(index, value)| parsed(&path.index(index), value)).collect()
}
