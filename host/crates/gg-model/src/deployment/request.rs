//! What a deployment asks of a device, whoever asks for it.

use super::component::ConfigurationUpdate;
use super::document::DeploymentDocument;
use super::error::{self, DocumentError};
use super::group::{DeploymentGroup, DeploymentId};
use super::local::LocalDeploymentRequest;
use super::policy::{ComponentUpdatePolicy, FailureHandlingPolicy};
use super::run_with::RunWith;
use crate::name::ComponentName;
use crate::version::VersionRequirement;
use serde_json::Value;
use std::collections::BTreeMap;

/// What a deployment asks of a device.
#[derive(Debug, Clone, PartialEq)]
pub enum DeploymentRequest {
    /// The cloud asks: the group is to have what the document names, and nothing else.
    Document(DeploymentDocument),
    /// Somebody on the device asks for a change.
    Local(LocalDeploymentRequest),
}

impl DeploymentRequest {
    /// Read either from its text: only documents have a `deploymentId`.
    pub fn parse(text: &str) -> Result<Self, DocumentError> {
        let is_id = |key: &String| key.eq_ignore_ascii_case("deploymentId");
        let is_document =
            |value: &Value| value.as_object().is_some_and(|map| map.keys().any(is_id));
        let (request, warnings) = error::parse(text, |value, warnings| match is_document(value) {
            true => DeploymentDocument::read(value, warnings).map(Self::Document),
            false => LocalDeploymentRequest::read(value, warnings).map(Self::Local),
        })?;
        Ok(match request {
            Self::Document(document) => Self::Document(DeploymentDocument { warnings, ..document }),
            Self::Local(request) => Self::Local(LocalDeploymentRequest { warnings, ..request }),
        })
    }

    /// Its identity.
    pub fn id(&self) -> &DeploymentId {
        match self {
            Self::Document(document) => &document.deployment_id,
            Self::Local(request) => &request.request_id,
        }
    }

    /// Whose root components change.
    pub fn group(&self) -> DeploymentGroup {
        match self {
            Self::Document(document) => document.group(),
            Self::Local(request) => request.group.clone(),
        }
    }

    /// When it was asked for, in milliseconds since the Unix epoch: the time of the configuration
    /// that it brings.
    pub fn asked_at(&self) -> Option<i64> {
        match self {
            Self::Document(document) => document.creation_timestamp,
            Self::Local(request) => request.request_timestamp,
        }
    }

    /// The group's root components after it, from those before it.
    pub fn roots(
        &self,
        before: &BTreeMap<ComponentName, VersionRequirement>,
    ) -> BTreeMap<ComponentName, VersionRequirement> {
        match self {
            Self::Document(document) => {
                let components = document.components.iter();
                let exactly = |version| VersionRequirement::from(version);
                components.map(|(name, one)| (name.clone(), exactly(&one.version))).collect()
            }
            Self::Local(request) => request.roots(before),
        }
    }

    /// How a component's configuration changes.
    pub fn configuration_update(&self, name: &ComponentName) -> Option<&ConfigurationUpdate> {
        match self {
            Self::Document(document) => {
                document.components.get(name)?.configuration_update.as_ref()
            }
            Self::Local(request) => request.configuration_updates.get(name),
        }
    }

    /// The components whose configuration changes.
    pub fn reconfigured(&self) -> Vec<&ComponentName> {
        match self {
            Self::Document(document) => {
                let components = document.components.iter();
                let changed = components.filter(|(_, one)| one.configuration_update.is_some());
                changed.map(|(name, _)| name).collect()
            }
            Self::Local(request) => request.configuration_updates.keys().collect(),
        }
    }

    /// As whom and within which bounds a component runs after it, from what was before. A document says
    /// everything of its components; a local request leaves as it is what it does not name.
    pub fn run_with(&self, name: &ComponentName, mut before: RunWith) -> RunWith {
        let asked = match self {
            Self::Document(document) => document.components.get(name).map(|one| {
                before = RunWith::default();
                &one.run_with
            }),
            Self::Local(request) => request.run_with.get(name),
        };
        if let Some(asked) = asked {
            before.overlay(asked.clone());
        }
        before
    }

    /// The components of which it says as whom they run.
    pub fn placed(&self) -> Vec<&ComponentName> {
        match self {
            Self::Document(document) => {
                let components = document.components.iter();
                let placed = components.filter(|(_, one)| one.run_with != RunWith::default());
                placed.map(|(name, _)| name).collect()
            }
            Self::Local(request) => request.run_with.keys().collect(),
        }
    }

    /// Folders with recipes and with artifacts to be taken in first.
    pub fn folders(&self) -> [Option<&str>; 2] {
        match self {
            Self::Document(_) => [None, None],
            Self::Local(request) => {
                [request.recipe_directory.as_deref(), request.artifacts_directory.as_deref()]
            }
        }
    }

    /// What happens if it fails.
    pub fn failure_handling(&self) -> FailureHandlingPolicy {
        match self {
            Self::Document(document) => document.failure_handling,
            Self::Local(request) => request.failure_handling,
        }
    }

    /// Whether components may put it off.
    pub fn component_update(&self) -> ComponentUpdatePolicy {
        match self {
            Self::Document(document) => document.component_update,
            Self::Local(request) => request.component_update,
        }
    }
}
