//! Deployments from this device.

use crate::document::Document;
use crate::macros::or_empty;
use std::collections::BTreeMap;

shapes! {
    /// Deploy from this device.
    #[derive(Default)]
    pub struct CreateLocalDeploymentRequest {
        /// The thing group whose components it changes.
        pub group_name: Option<String>,
        /// Components by name, with the versions to run.
        #[serde(default, deserialize_with = "or_empty")]
        pub root_component_versions_to_add: BTreeMap<String, String>,
        /// Components that are to go.
        #[serde(default, deserialize_with = "or_empty")]
        pub root_components_to_remove: Vec<String>,
        /// Configurations to change, by component.
        #[serde(default, deserialize_with = "or_empty")]
        pub component_to_configuration: BTreeMap<String, ComponentConfigurationUpdate>,
        /// How components are to run, by component.
        #[serde(default, deserialize_with = "or_empty")]
        pub component_to_run_with_info: BTreeMap<String, RunWithInfo>,
        /// A folder of recipes to add first.
        pub recipe_directory_path: Option<String>,
        /// A folder of artifacts to add first.
        pub artifacts_directory_path: Option<String>,
        /// What to do if it fails.
        pub failure_handling_policy: Option<FailureHandlingPolicy>,
        /// Whether components may put it off. Not in the model, by which they may not.
        pub component_update_policy: Option<ComponentUpdatePolicy>,
    }

    /// Whether and how long components may put a deployment off, as in deployments from the cloud.
    #[derive(Default)]
    pub struct ComponentUpdatePolicy {
        /// Whether they are told.
        pub action: Option<ComponentUpdatePolicyAction>,
        /// How many seconds each has to answer.
        pub timeout: Option<u64>,
    }

    /// The deployment waits for its turn.
    pub struct CreateLocalDeploymentResponse {
        /// Its id, a UUID.
        pub deployment_id: String,
    }

    /// How to change a configuration: reset, then merge.
    #[derive(Default)]
    pub struct ComponentConfigurationUpdate {
        /// Values to merge.
        #[serde(rename = "MERGE", alias = "merge")]
        pub merge: Option<Document>,
        /// JSON pointers to what goes back to the recipe's values.
        #[serde(rename = "RESET", alias = "reset", default, deserialize_with = "or_empty")]
        pub reset: Vec<String>,
    }

    /// How a component is to run.
    #[derive(Default)]
    pub struct RunWithInfo {
        /// As which user and group.
        pub posix_user: Option<String>,
        /// As which user on Windows.
        pub windows_user: Option<String>,
        /// With how much of the machine.
        pub system_resource_limits: Option<SystemResourceLimits>,
    }

    /// How much of the machine a component may use.
    #[derive(Default)]
    pub struct SystemResourceLimits {
        /// Memory in KiB.
        pub memory: Option<u64>,
        /// Processors.
        pub cpus: Option<f64>,
    }

    /// Stop a deployment that waits or runs.
    pub struct CancelLocalDeploymentRequest {
        /// Its id.
        pub deployment_id: String,
    }

    /// It will stop, or had ended.
    #[derive(Default)]
    pub struct CancelLocalDeploymentResponse {
        /// Which of them.
        pub message: Option<String>,
    }

    /// Ask how a deployment goes.
    pub struct GetLocalDeploymentStatusRequest {
        /// Its id.
        pub deployment_id: String,
    }

    /// How a deployment goes.
    pub struct GetLocalDeploymentStatusResponse {
        /// How.
        pub deployment: LocalDeployment,
    }

    /// Ask for all local deployments.
    pub struct ListLocalDeploymentsRequest {}

    /// All local deployments.
    pub struct ListLocalDeploymentsResponse {
        /// Them.
        #[serde(default, deserialize_with = "or_empty")]
        pub local_deployments: Vec<LocalDeployment>,
    }

    /// A local deployment.
    pub struct LocalDeployment {
        /// Its id.
        pub deployment_id: String,
        /// Its state.
        pub status: DeploymentStatus,
        /// When it was asked for, in UTC: `22-11-2026 20:18:01 UTC`.
        pub created_on: Option<String>,
        /// What it is for: `LOCAL_DEPLOYMENT`, or `thinggroup/` and a name. Not in the model.
        pub target: Option<String>,
        /// How it ended.
        pub deployment_status_details: Option<DeploymentStatusDetails>,
    }

    /// How a deployment ended.
    pub struct DeploymentStatusDetails {
        /// How.
        pub detailed_deployment_status: DetailedDeploymentStatus,
        /// Codes of what went wrong, the general before the particular.
        #[serde(default, deserialize_with = "or_empty")]
        pub deployment_error_stack: Vec<String>,
        /// Whose fault it is.
        #[serde(default, deserialize_with = "or_empty")]
        pub deployment_error_types: Vec<String>,
        /// What went wrong, for a person.
        pub deployment_failure_cause: Option<String>,
    }
}

words! {
    /// What to do if a deployment fails.
    pub enum FailureHandlingPolicy {
        /// Go back to what ran before.
        Rollback = "ROLLBACK",
        /// Leave it.
        DoNothing = "DO_NOTHING",
    }

    /// Whether components are told of a deployment.
    pub enum ComponentUpdatePolicyAction {
        /// They are, and may put it off.
        NotifyComponents = "NOTIFY_COMPONENTS",
        /// They are not.
        SkipNotifyComponents = "SKIP_NOTIFY_COMPONENTS",
    }

    /// The state of a deployment.
    pub enum DeploymentStatus {
        /// It waits for its turn.
        Queued = "QUEUED",
        /// It runs.
        InProgress = "IN_PROGRESS",
        /// It did what it should.
        Succeeded = "SUCCEEDED",
        /// It did not.
        Failed = "FAILED",
        /// It was stopped.
        Canceled = "CANCELED",
    }

    /// How a deployment ended.
    pub enum DetailedDeploymentStatus {
        /// As it should.
        Successful = "SUCCESSFUL",
        /// It failed before it changed anything.
        FailedNoStateChange = "FAILED_NO_STATE_CHANGE",
        /// It failed, and nothing was to be done about it.
        FailedRollbackNotRequested = "FAILED_ROLLBACK_NOT_REQUESTED",
        /// It failed, and what ran before runs again.
        FailedRollbackComplete = "FAILED_ROLLBACK_COMPLETE",
        /// It failed, and what ran before could not be brought back. Not in the model, which is
        /// older than this; clients take any word.
        FailedUnableToRollback = "FAILED_UNABLE_TO_ROLLBACK",
        /// It was refused.
        Rejected = "REJECTED",
    }
}
