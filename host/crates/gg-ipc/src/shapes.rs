//! Requests, responses and events of all operations, a file a service. Names are those of the
//! model; [`host`] and [`inference`] have those of the operations that are this host's own. A member that is not of the
//! model says so; clients pass over it.
//!
//! A member that servers insist on has its plain type, any other is an `Option`; of lists and maps
//! an absent one is empty. Values are checked no further than their JSON.

mod client_device;
mod component;
mod configuration;
mod deployment;
mod host;
mod inference;
mod lifecycle;
mod metric;
mod mqtt;
mod pubsub;
mod secret;
mod shadow;
mod token;

pub use client_device::*;
pub use component::*;
pub use configuration::*;
pub use deployment::*;
pub use host::*;
pub use inference::*;
pub use lifecycle::*;
pub use metric::*;
pub use mqtt::*;
pub use pubsub::*;
pub use secret::*;
pub use shadow::*;
pub use token::*;

#[cfg(test)]
mod tests;
