//! Other components: what they are, and whether they run.

use crate::document::Document;
use crate::macros::or_empty;

shapes! {
    /// Ask for all components.
    pub struct ListComponentsRequest {}

    /// All components.
    pub struct ListComponentsResponse {
        /// Them.
        #[serde(default, deserialize_with = "or_empty")]
        pub components: Vec<ComponentDetails>,
    }

    /// Ask for a component.
    pub struct GetComponentDetailsRequest {
        /// Its name.
        pub component_name: String,
    }

    /// A component.
    pub struct GetComponentDetailsResponse {
        /// It.
        pub component_details: ComponentDetails,
    }

    /// What is known of a component.
    pub struct ComponentDetails {
        /// Its name.
        pub component_name: String,
        /// Its version.
        pub version: Option<String>,
        /// Its state.
        pub state: LifecycleState,
        /// Its configuration.
        pub configuration: Option<Document>,
        /// Whether it is paused. Not in the model.
        pub paused: Option<bool>,
        /// How it ended last. Not in the model, and not in a list.
        pub last_exit: Option<LastExit>,
    }

    /// How a component ended.
    pub struct LastExit {
        /// With which code.
        pub code: Option<i64>,
        /// Why, for a person.
        pub reason: Option<String>,
    }

    /// Restart a component.
    pub struct RestartComponentRequest {
        /// Its name.
        pub component_name: String,
        /// Whether to answer only when it is up again, or over. Not in the model.
        pub wait: Option<bool>,
    }

    /// Whether it will restart.
    pub struct RestartComponentResponse {
        /// Whether.
        pub restart_status: RequestStatus,
        /// Why not.
        pub message: Option<String>,
    }

    /// Stop a component.
    pub struct StopComponentRequest {
        /// Its name.
        pub component_name: String,
        /// Whether to answer only when it has stopped. Not in the model.
        pub wait: Option<bool>,
    }

    /// Whether it will stop.
    pub struct StopComponentResponse {
        /// Whether.
        pub stop_status: RequestStatus,
        /// Why not.
        pub message: Option<String>,
    }

    /// Pause a component.
    pub struct PauseComponentRequest {
        /// Its name.
        pub component_name: String,
    }

    /// It is paused.
    pub struct PauseComponentResponse {}

    /// Let a paused component go on.
    pub struct ResumeComponentRequest {
        /// Its name.
        pub component_name: String,
    }

    /// It goes on.
    pub struct ResumeComponentResponse {}
}

words! {
    /// The state of a component.
    pub enum LifecycleState {
        /// It is to be installed.
        New = "NEW",
        /// It is installed.
        Installed = "INSTALLED",
        /// It starts.
        Starting = "STARTING",
        /// It runs.
        Running = "RUNNING",
        /// It stops.
        Stopping = "STOPPING",
        /// It failed, and will be started again.
        Errored = "ERRORED",
        /// It failed too often.
        Broken = "BROKEN",
        /// It has done its work.
        Finished = "FINISHED",
    }

    /// Whether a request was taken.
    pub enum RequestStatus {
        /// It was.
        Succeeded = "SUCCEEDED",
        /// It was not.
        Failed = "FAILED",
    }
}
