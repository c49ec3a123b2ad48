//! What a gg-host component in Rust links: an idiomatic layer over the WIT package `gg:host`.
//!
//! ```ignore
//! fn main() -> gg_sdk::Result<()> {
//!     for message in gg_sdk::subscribe("sensors/+/temperature")? {
//!         let message = message?;
//!         let reading: Reading = message.json()?;
//!         gg_sdk::info!("received", topic = message.topic, value = reading.value);
//!         gg_sdk::publish_json("latest", &reading)?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! A program with a `main` is a service. For a component that is called once for each message,
//! link `gg-handler` instead, which brings all of this and a macro.

#[doc(hidden)]
pub mod bindings {
    // What is not used is not imported by the component.
    wit_bindgen::generate!({
        path: "wit",
        inline: "package gg:sdk; world sdk {
            include gg:host/imports@0.1.0;
            import gg:host/inference@0.1.0;
            import gg:host/mqtt@0.1.0;
        }",
        world: "gg:sdk/sdk",
        generate_all,
    });
}

pub mod config;
mod error;
pub mod inference;
pub mod lifecycle;
pub mod log;
mod message;
pub mod mqtt;
mod pubsub;
pub mod secrets;
pub mod shadow;

pub use bindings::gg::host::pubsub::{ReceiveMode, WhenFull};
pub use bindings::gg::host::types::{Origin, PayloadFormat};
pub use error::{Error, Result};
pub use message::Message;
pub use pubsub::{Subscribe, Subscription, next_any, publish, publish_json, subscribe};
