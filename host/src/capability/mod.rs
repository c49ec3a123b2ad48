//! What a component may ask of its host. Each capability is a folder: `mod.rs` is the core,
//! which authorizes and acts; `wit.rs` is the door for wasm guests, which only translates.

pub mod caller;
pub mod configuration;
pub(crate) mod door;
pub mod http;
pub mod keyvalue;
pub mod lifecycle;
pub mod logging;
pub mod pubsub;
#[cfg(test)]
pub(crate) mod testing;

use configuration::Configuration;
use keyvalue::KeyValue;
use lifecycle::LifecycleControl;
use pubsub::PubSub;

/// Everything a component can reach, `logging` and `http` excepted: those belong to one
/// component each. A new field here breaks the build where a door must learn of it.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// The components' configuration.
    pub configuration: Configuration,
    /// Durable values by key.
    pub keyvalue: KeyValue,
    /// What components report of themselves.
    pub lifecycle: LifecycleControl,
    /// Local topics.
    pub pubsub: PubSub,
}
