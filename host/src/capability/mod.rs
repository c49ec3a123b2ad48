//! What a component may ask of its host. Each capability is a folder: `mod.rs` is the core,
//! which authorizes and acts; `wit.rs` is the door for wasm guests and `ipc.rs` the one for
//! components that speak Greengrass IPC, which only translate.

pub mod caller;
pub mod configuration;
pub mod credentials;
pub mod debug;
pub mod deployment;
pub(crate) mod door;
pub mod host;
pub mod http;
pub mod inference;
pub mod keyvalue;
pub mod lifecycle;
pub mod logging;
pub mod metric;
pub mod mqtt;
pub mod pubsub;
mod queue;
pub mod secrets;
pub mod shadow;
#[cfg(test)]
pub(crate) mod testing;

use configuration::Configuration;
use debug::DebugPasswords;
use deployment::LocalDeployments;
use host::HostControl;
use inference::Inference;
use keyvalue::KeyValue;
use lifecycle::LifecycleControl;
use metric::Metrics;
use mqtt::Mqtt;
use pubsub::PubSub;
pub use queue::DEFAULT_QUEUE;
use secrets::Secrets;
use shadow::Shadows;

/// Everything a component can reach, `logging` and `http` excepted: those belong to one
/// component each. A new field here breaks the build where a door must learn of it.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// The components' configuration.
    pub configuration: Configuration,
    /// Passwords for people.
    pub debug: DebugPasswords,
    /// Local deployments.
    pub deployment: LocalDeployments,
    /// The nucleus itself.
    pub host: HostControl,
    /// Machine-learning models.
    pub inference: Inference,
    /// Durable values by key.
    pub keyvalue: KeyValue,
    /// The components' life: what they report, and ask of others.
    pub lifecycle: LifecycleControl,
    /// Metrics that components report.
    pub metric: Metrics,
    /// Topics of the cloud's broker.
    pub mqtt: Mqtt,
    /// Local topics.
    pub pubsub: PubSub,
    /// Secrets.
    pub secrets: Secrets,
    /// Shadows of things.
    pub shadows: Shadows,
}
