//! What a deployment says, in the words of the API (API reference, `CreateDeployment`).

use crate::registry::Refusal;
use gg_model::{ComponentName, ComponentVersion};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// Most letters in the name of a deployment.
const LONGEST_NAME: usize = 256;

/// What a deployment says.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// Its name, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_name: Option<String>,
    /// The components that its devices are to have, with what those need.
    #[serde(default)]
    pub components: BTreeMap<ComponentName, Component>,
    /// How devices carry it out.
    #[serde(default)]
    pub deployment_policies: Policies,
    /// How its job is rolled out, as it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub iot_job_configuration: Option<Value>,
}

/// What is said of a component.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Component {
    /// Exactly this version.
    pub component_version: ComponentVersion,
    /// How its configuration changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub configuration_update: Option<ConfigurationUpdate>,
    /// As whom and within which bounds it runs, as devices read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_with: Option<Value>,
}

/// How a configuration changes.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigurationUpdate {
    /// What is merged: the text of a JSON object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge: Option<String>,
    /// JSON pointers to what returns to its default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reset: Option<Vec<String>>,
}

/// How devices carry a deployment out.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Policies {
    /// What happens if it fails.
    pub failure_handling_policy: FailureHandling,
    /// Whether components may put it off.
    pub component_update_policy: UpdatePolicy,
    /// How long a component has to judge its new configuration.
    pub configuration_validation_policy: ValidationPolicy,
}

/// What happens if a deployment fails.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum FailureHandling {
    /// The device stays as it is then.
    DoNothing,
    /// What was there before comes back.
    #[default]
    Rollback,
}

/// Whether components may put a deployment off.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct UpdatePolicy {
    /// How long they have to answer.
    pub timeout_in_seconds: u32,
    /// Whether they are asked.
    pub action: UpdateAction,
}

impl Default for UpdatePolicy {
    fn default() -> Self {
        Self { timeout_in_seconds: 60, action: UpdateAction::NotifyComponents }
    }
}

/// Whether components are asked.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum UpdateAction {
    /// They are.
    #[default]
    NotifyComponents,
    /// They are not.
    SkipNotifyComponents,
}

/// How long a component has to judge its new configuration.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ValidationPolicy {
    /// So long.
    pub timeout_in_seconds: u32,
}

impl Default for ValidationPolicy {
    fn default() -> Self {
        Self { timeout_in_seconds: 60 }
    }
}

impl Content {
    pub(super) fn check(&self) -> Result<(), Refusal> {
        let name = self.deployment_name.as_deref();
        match name.is_none_or(|name| (1..=LONGEST_NAME).contains(&name.chars().count())) {
            true => Ok(()),
            false => {
                let message = format!("deploymentName has 1 to {LONGEST_NAME} letters");
                Err(Refusal::invalid(message).about("field", "deploymentName"))
            }
        }
    }
}
