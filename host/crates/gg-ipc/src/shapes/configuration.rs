//! Configurations of components.

use crate::document::Document;
use crate::macros::or_empty;
use crate::timestamp::Timestamp;

shapes! {
    /// Read part of a configuration.
    #[derive(Default)]
    pub struct GetConfigurationRequest {
        /// Whose; absent, the caller's own.
        pub component_name: Option<String>,
        /// The keys that lead to it; none lead to all of it.
        #[serde(default, deserialize_with = "or_empty")]
        pub key_path: Vec<String>,
    }

    /// Part of a configuration.
    pub struct GetConfigurationResponse {
        /// Whose.
        pub component_name: Option<String>,
        /// The object that was named, or one whose only member is the value that was named.
        pub value: Document,
    }

    /// Change the caller's own configuration.
    pub struct UpdateConfigurationRequest {
        /// The keys that lead to the object to merge into.
        #[serde(default, deserialize_with = "or_empty")]
        pub key_path: Vec<String>,
        /// Since when the values hold; what is newer stays.
        pub timestamp: Timestamp,
        /// The values.
        pub value_to_merge: Document,
    }

    /// It is changed.
    pub struct UpdateConfigurationResponse {}

    /// Subscribe to changes of part of a configuration.
    #[derive(Default)]
    pub struct SubscribeToConfigurationUpdateRequest {
        /// Whose; absent, the caller's own.
        pub component_name: Option<String>,
        /// The keys that lead to it; none lead to all of it.
        #[serde(default, deserialize_with = "or_empty")]
        pub key_path: Vec<String>,
    }

    /// Changes follow.
    pub struct SubscribeToConfigurationUpdateResponse {}

    /// A value changed.
    pub struct ConfigurationUpdateEvent {
        /// Whose.
        pub component_name: String,
        /// The keys that lead to it.
        #[serde(default, deserialize_with = "or_empty")]
        pub key_path: Vec<String>,
    }

    /// Ask to be asked before a deployment changes the caller's configuration.
    pub struct SubscribeToValidateConfigurationUpdatesRequest {}

    /// Proposals follow.
    pub struct SubscribeToValidateConfigurationUpdatesResponse {}

    /// A deployment proposes a configuration, and waits for the answer.
    pub struct ValidateConfigurationUpdateEvent {
        /// All of it.
        pub configuration: Document,
        /// The deployment.
        pub deployment_id: String,
    }

    /// Answer a proposal.
    pub struct SendConfigurationValidityReportRequest {
        /// The answer.
        pub configuration_validity_report: ConfigurationValidityReport,
    }

    /// The answer is taken.
    pub struct SendConfigurationValidityReportResponse {}

    /// The answer to a proposal.
    pub struct ConfigurationValidityReport {
        /// Yes or no.
        pub status: ConfigurationValidityStatus,
        /// The deployment.
        pub deployment_id: String,
        /// Why not.
        pub message: Option<String>,
    }
}

unions! {
    /// What a subscriber of changes gets.
    pub enum ConfigurationUpdateEvents {
        /// A value changed.
        ConfigurationUpdateEvent(ConfigurationUpdateEvent) = "configurationUpdateEvent",
    }

    /// What one that is to be asked gets.
    pub enum ValidateConfigurationUpdateEvents {
        /// A proposal.
        ValidateConfigurationUpdateEvent(ValidateConfigurationUpdateEvent) =
            "validateConfigurationUpdateEvent",
    }
}

words! {
    /// Whether a proposal is good.
    pub enum ConfigurationValidityStatus {
        /// It is.
        Accepted = "ACCEPTED",
        /// It is not; the deployment fails.
        Rejected = "REJECTED",
    }
}
