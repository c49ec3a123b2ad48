//! What a deployment asks for: the components of a device and their configuration.
//!
//! Plain data; where a document comes from and how it is carried out is not known here.

mod local;

pub use local::{LocalDeploymentRequest, RunWith};

use crate::name::ComponentName;
use crate::version::ComponentVersion;
use serde_json::Value;
use std::collections::BTreeMap;

/// The desired state of a device (Greengrass developer guide, "Create deployments").
#[derive(Debug, Clone, PartialEq)]
pub struct DeploymentDocument {
    /// The deployment's identity, as its source names it.
    pub deployment_id: String,
    /// The components that the deployment names; their dependencies come with them.
    pub components: BTreeMap<ComponentName, ComponentDeployment>,
    /// What happens if it fails.
    pub failure_handling: FailureHandlingPolicy,
}

/// What a deployment says of one component.
#[derive(Debug, Clone, PartialEq)]
pub struct ComponentDeployment {
    /// Exactly this version.
    pub version: ComponentVersion,
    /// How its configuration changes; left out, it stays as it is.
    pub configuration_update: Option<ConfigurationUpdate>,
}

/// How a deployment changes a component's configuration: first `reset`, then `merge` (Greengrass
/// developer guide, "Update component configurations").
#[derive(Debug, Clone, PartialEq)]
pub struct ConfigurationUpdate {
    /// What is merged into the configuration; an object, or null for nothing.
    pub merge: Value,
    /// JSON pointers (RFC 6901) to what returns to the recipe's default.
    pub reset: Vec<String>,
}

/// What happens when a deployment fails after it has begun to change the device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FailureHandlingPolicy {
    /// What was deployed before comes back.
    #[default]
    Rollback,
    /// The device stays as the failed deployment left it.
    DoNothing,
}
