//! A component that the host calls once for each message.
//!
//! ```ignore
//! use gg_handler::{Failure, Message};
//!
//! gg_handler::handler!(handle);
//!
//! fn handle(message: Message) -> Result<(), Failure> {
//!     gg_handler::publish("echo", &message.payload)?;
//!     Ok(())
//! }
//! ```
//!
//! The crate is a `cdylib`; the topics come from its configuration, key `subscriptions`. It is a
//! crate of its own because linking it makes a component a handler.

pub use gg_sdk::*;

#[doc(hidden)]
pub mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "gg:host/handler",
        with: {
            "gg:host/configuration@0.1.0": gg_sdk::bindings::gg::host::configuration,
            "gg:host/lifecycle@0.1.0": gg_sdk::bindings::gg::host::lifecycle,
            "gg:host/logging@0.1.0": gg_sdk::bindings::gg::host::logging,
            "gg:host/pubsub@0.1.0": gg_sdk::bindings::gg::host::pubsub,
            "gg:host/secrets@0.1.0": gg_sdk::bindings::gg::host::secrets,
            "gg:host/shadow@0.1.0": gg_sdk::bindings::gg::host::shadow,
            "gg:host/types@0.1.0": gg_sdk::bindings::gg::host::types,
        },
        pub_export_macro: true,
    });
}

/// What becomes of a message that was not handled.
#[derive(Clone, Debug)]
pub enum Failure {
    /// It will never work: dropped and counted.
    Reject(String),
    /// It may work later: delivered again after a pause, a limited number of times.
    Retry(String),
}

impl Failure {
    /// Drop the message, and say why.
    pub fn reject(reason: impl std::fmt::Display) -> Self {
        Self::Reject(reason.to_string())
    }

    /// Try the message again later, and say why.
    pub fn retry(reason: impl std::fmt::Display) -> Self {
        Self::Retry(reason.to_string())
    }
}

/// What the host cannot do at the moment is worth another try; anything else is not.
impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(_) => Self::retry(error),
            _ => Self::reject(error),
        }
    }
}

#[doc(hidden)]
pub fn call(
    handle: fn(Message) -> std::result::Result<(), Failure>,
    message: gg_sdk::bindings::gg::host::types::Message,
) -> std::result::Result<(), bindings::exports::gg::host::message_handler::Failure> {
    use bindings::exports::gg::host::message_handler::Failure as Wit;
    handle(message.into()).map_err(|failure| match failure {
        Failure::Reject(reason) => Wit::Reject(reason),
        Failure::Retry(reason) => Wit::Retry(reason),
    })
}

/// Export a function `fn(Message) -> Result<(), Failure>` as the component's message handler.
#[macro_export]
macro_rules! handler {
    ($handle:path) => {
        struct GgHandler;

        impl $crate::bindings::exports::gg::host::message_handler::Guest for GgHandler {
            fn handle(
                message: $crate::bindings::exports::gg::host::message_handler::Message,
            ) -> ::std::result::Result<
                (),
                $crate::bindings::exports::gg::host::message_handler::Failure,
            > {
                $crate::call($handle, message)
            }
        }

        $crate::bindings::export!(GgHandler with_types_in $crate::bindings);
    };
}
