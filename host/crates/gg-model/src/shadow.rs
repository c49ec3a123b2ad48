//! Device shadows: JSON documents with a desired and a reported state, as the Device Shadow service
//! of AWS IoT has them (developer guide, "Device Shadow service documents" and "Device Shadow MQTT
//! topics"). Where it leaves a case open, that of the component shadow manager counts
//! (`aws.greengrass.ShadowManager`), whose part this host plays.

mod delta;
mod document;
mod merge;
mod message;
mod name;
mod refusal;
mod request;
mod settings;
mod sync;
mod topic;

pub use document::{Before, Shadow, Updated};
pub use message::rejected;
pub use name::{ShadowId, ShadowName, ShadowNameError};
pub use refusal::Refusal;
pub use request::{MAX_REQUEST_BYTES, MAX_TOKEN_BYTES, Rejected, UpdateRequest, client_token};
pub(crate) use settings::SHADOW_MANAGER;
pub use settings::{
    MAX_DOCUMENT_BYTES, ShadowSettings, SyncDirection, SyncStrategy, shadow_manager,
};
pub use sync::{Sent, SyncPlan, SyncStep, Synced, plan_sync};
pub use topic::{ShadowOperation, ShadowTopic, Suffix};

use serde_json::{Map, Value};

/// A section of a shadow's state, or what is said about its leaves. One that is empty is not there.
pub type Section = Map<String, Value>;

/// Most levels of objects and lists in a section, itself counted.
pub const MAX_DEPTH: usize = 6;

#[cfg(test)]
mod tests;
