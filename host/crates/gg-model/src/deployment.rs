//! What a deployment asks for: the components of a device and their configuration.
//!
//! Two documents say it, either a [`DeploymentRequest`]: [`DeploymentDocument`], which the cloud makes, and
//! [`LocalDeploymentRequest`], which asks for a change of what this device has. Both are JSON, with
//! names of properties and of enumerated values matched without regard to case, as in the Java
//! nucleus, and both can be written back, to be kept. Where a document comes from and how it is
//! carried out is not known here.

mod component;
mod document;
mod error;
mod group;
mod local;
mod policy;
mod request;
mod run_with;

pub use component::{ComponentDeployment, ConfigurationUpdate};
pub use document::{DeploymentDocument, SCHEMA_DATE};
pub use error::DocumentError;
pub use group::{ConfigurationArn, DeploymentGroup, DeploymentId, DeploymentTextError};
pub use local::LocalDeploymentRequest;
pub use policy::{ComponentUpdatePolicy, FailureHandlingPolicy, UpdateAction};
pub use request::DeploymentRequest;
pub(crate) use run_with::read_posix_user;
pub use run_with::{Change, PosixUser, PosixUserError, RunWith, SystemResourceLimits};

/// Most bytes in a document: what the cloud lets through.
pub const MAX_DOCUMENT_BYTES: usize = 10 * 1024 * 1024;

#[cfg(test)]
mod tests;
