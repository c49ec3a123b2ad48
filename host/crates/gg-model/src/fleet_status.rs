//! What a core device says of itself: its health and that of its components (Greengrass developer
//! guide, "Fleet status service"; `FleetStatusDetails` of the Java nucleus). It is outside input for
//! who reads it: what is too long, too much or of another kind is refused as a whole.

use crate::text::excerpt;
use serde::{Deserialize, Serialize};

/// Most bytes of a message: those of a message of AWS IoT, since longer ones come in chunks.
pub const MAX_STATUS_BYTES: usize = 128 * 1024;

/// Most components in a message.
pub const MAX_STATUS_COMPONENTS: usize = 1000;

/// Most chunks of a message.
pub const MAX_STATUS_CHUNKS: u32 = 16;

/// Most bytes of a name or a word.
const MAX_WORD: usize = 128;
/// Most bytes of an ARN.
const MAX_ARN: usize = 512;
/// Most bytes of a text for people.
const MAX_TEXT: usize = 4096;
/// Most entries of any list but that of components.
const MAX_LIST: usize = 100;

/// Why a message is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatusError {
    /// It is no JSON, or of another shape.
    #[error("the status cannot be read: {0}")]
    Shape(String),
    /// There is too much of something.
    #[error("{what} of the status is longer than {most}")]
    TooLong {
        /// Of what.
        what: &'static str,
        /// The most there can be.
        most: usize,
    },
    /// A chunk that there cannot be.
    #[error("there is no chunk {id} of {total}")]
    Chunk {
        /// Its number.
        id: u32,
        /// How many there are.
        total: u32,
    },
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StatusMessage {
    /// The version of the core software.
    pub ggc_version: String,
    /// The operating system.
    #[serde(default)]
    pub platform: String,
    /// The processor.
    #[serde(default)]
    pub architecture: String,
    /// Which core software, if not the Java nucleus.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime: Option<String>,
    /// Whose it is.
    #[serde(default)]
    pub thing: String,
    /// The device as a whole.
    pub overall_device_status: DeviceStatus,
    /// Counted up with each message, not with each chunk.
    pub sequence_number: u64,
    /// Milliseconds since the Unix epoch, by the device's clock.
    pub timestamp: u64,
    /// Whether it is all that there is.
    #[serde(default)]
    pub message_type: MessageType,
    /// Why it was sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// Which part of a message this is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chunk_info: Option<ChunkInfo>,
    /// The components.
    #[serde(default, deserialize_with = "or_none")]
    pub components: Vec<ComponentStatus>,
    /// The deployment that it was sent for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_information: Option<DeploymentInformation>,
}

/// A device as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DeviceStatus {
    /// No component is broken.
    Healthy,
    /// One is.
    Unhealthy,
}

/// Whether a message is all that there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageType {
    /// It is: what it does not name is not there.
    Complete,
    /// It is what has changed.
    #[default]
    Partial,
}

/// Which part of a message this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChunkInfo {
    /// From 1.
    pub chunk_id: u32,
    /// How many there are.
    pub total_chunks: u32,
}

/// A component.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentStatus {
    /// Its name.
    pub component_name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// The deployments that brought it.
    #[serde(default, deserialize_with = "or_none")]
    pub fleet_config_arns: Vec<String>,
    /// Whether one of them names it.
    #[serde(default)]
    pub is_root: bool,
    /// Its state in the lifecycle, or `UNINSTALLED`.
    pub status: String,
    /// Why it is in that state.
    #[serde(default, deserialize_with = "or_none", skip_serializing_if = "is_none")]
    pub component_status_details: ComponentStatusDetails,
}

/// Why a component is in its state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ComponentStatusDetails {
    /// For programs.
    #[serde(default, deserialize_with = "or_none")]
    pub status_codes: Vec<String>,
    /// For people.
    #[serde(default, deserialize_with = "or_none")]
    pub status_reason: String,
}

/// What has become of a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentInformation {
    /// In a word.
    pub status: String,
    /// Of which target and revision.
    pub fleet_configuration_arn_for_status: String,
    /// Which one.
    #[serde(default, deserialize_with = "or_none")]
    pub deployment_id: String,
    /// In more words.
    #[serde(default, deserialize_with = "or_none")]
    pub status_details: DeploymentStatusDetails,
    /// Components that it names and that were there already.
    #[serde(default, deserialize_with = "or_none")]
    pub unchanged_root_components: Vec<String>,
}

/// What has become of a deployment, in more words.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentStatusDetails {
    /// For programs.
    #[serde(default, deserialize_with = "or_none")]
    pub detailed_status: String,
    /// For people.
    #[serde(default, deserialize_with = "or_none")]
    pub failure_cause: String,
    /// What went wrong, the outermost first.
    #[serde(default, deserialize_with = "or_none")]
    pub error_stack: Vec<String>,
    /// Whose mistake it is.
    #[serde(default, deserialize_with = "or_none")]
    pub error_types: Vec<String>,
}

/// Nothing need not be written.
fn is_none<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A null is nothing.
fn or_none<'de, T: Default + Deserialize<'de>, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

impl StatusMessage {
    /// Read a message. Members that it does not know are let be.
    ///
    /// # Errors
    /// It is none, or there is too much of it.
    pub fn parse(payload: &[u8]) -> Result<Self, StatusError> {
        if payload.len() > MAX_STATUS_BYTES {
            return Err(StatusError::TooLong { what: "the text", most: MAX_STATUS_BYTES });
        }
        let message: Self = serde_json::from_slice(payload)
            .map_err(|error| StatusError::Shape(excerpt(&error.to_string())))?;
        message.check()?;
        Ok(message)
    }

    fn check(&self) -> Result<(), StatusError> {
        word("a word", &self.ggc_version)?;
        word("a word", &self.platform)?;
        word("a word", &self.architecture)?;
        word("a word", self.runtime.as_deref().unwrap_or_default())?;
        word("a word", self.trigger.as_deref().unwrap_or_default())?;
        word("the thing", &self.thing)?;
        if let Some(ChunkInfo { chunk_id: id, total_chunks: total }) = self.chunk_info
            && (!(1..=total).contains(&id) || total > MAX_STATUS_CHUNKS)
        {
            return Err(StatusError::Chunk { id, total });
        }
        at_most("the list of components", self.components.len(), MAX_STATUS_COMPONENTS)?;
        self.components.iter().try_for_each(ComponentStatus::check)?;
        self.deployment_information.as_ref().map_or(Ok(()), DeploymentInformation::check)
    }
}

impl ComponentStatus {
    fn check(&self) -> Result<(), StatusError> {
        word("the name of a component", &self.component_name)?;
        word("a version", &self.version)?;
        word("a state", &self.status)?;
        list("the list of ARNs", &self.fleet_config_arns, MAX_ARN)?;
        list("the list of codes", &self.component_status_details.status_codes, MAX_WORD)?;
        at_most("a reason", self.component_status_details.status_reason.len(), MAX_TEXT)
    }
}

impl DeploymentInformation {
    fn check(&self) -> Result<(), StatusError> {
        word("a state", &self.status)?;
        word("the id of a deployment", &self.deployment_id)?;
        at_most("an ARN", self.fleet_configuration_arn_for_status.len(), MAX_ARN)?;
        list("the list of components", &self.unchanged_root_components, MAX_WORD)?;
        let details = &self.status_details;
        word("a state", &details.detailed_status)?;
        at_most("a cause", details.failure_cause.len(), MAX_TEXT)?;
        list("the list of errors", &details.error_stack, MAX_TEXT)?;
        list("the list of errors", &details.error_types, MAX_WORD)
    }
}

fn at_most(what: &'static str, length: usize, most: usize) -> Result<(), StatusError> {
    if length > most { Err(StatusError::TooLong { what, most }) } else { Ok(()) }
}

fn word(what: &'static str, text: &str) -> Result<(), StatusError> {
    at_most(what, text.len(), MAX_WORD)
}

fn list(what: &'static str, list: &[String], most: usize) -> Result<(), StatusError> {
    at_most(what, list.len(), MAX_LIST)?;
    list.iter().try_for_each(|text| at_most(what, text.len(), most))
}

#[cfg(test)]
mod tests;
