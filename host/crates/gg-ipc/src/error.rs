//! The errors that Greengrass IPC models: what an operation answers when it fails.

use crate::document::Document;
use crate::payload::{Payload, PayloadError};
use crate::text::cut;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Most bytes of an error's message. The message is written twice, and with the longest escapes of
/// JSON it still fits [`SMALL_FRAME_BYTES`](crate::frame::SMALL_FRAME_BYTES).
pub const MAX_MESSAGE_BYTES: usize = 700;

const SERVICE: &str = "aws.greengrass#GreengrassCoreIPC";

macro_rules! error_codes {
    ($( $(#[$doc:meta])* $code:ident = $name:ident; )*) => {
        /// Which error it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $( $(#[$doc])* $code, )*
        }

        impl ErrorCode {
            /// All of them.
            pub const ALL: &[Self] = &[$( Self::$code, )*];

            /// Its name on the wire, for example `ServiceError`.
            pub const fn name(self) -> &'static str {
                match self {
                    $( Self::$code => stringify!($name), )*
                }
            }

            /// Its shape, for example `aws.greengrass#ServiceError`.
            pub const fn model_type(self) -> &'static str {
                match self {
                    $( Self::$code => concat!("aws.greengrass#", stringify!($name)), )*
                }
            }
        }
    };
}

error_codes! {
    /// A component is not there.
    ComponentNotFound = ComponentNotFoundError;
    /// The caller moved on from a state that is no longer there.
    Conflict = ConflictError;
    /// A configuration is newer than the update.
    FailedUpdateConditionCheck = FailedUpdateConditionCheckError;
    /// An argument breaks a rule.
    InvalidArguments = InvalidArgumentsError;
    /// A folder of artifacts cannot be used.
    InvalidArtifactsDirectoryPath = InvalidArtifactsDirectoryPathError;
    /// The token of a client device does not hold.
    InvalidClientDeviceAuthToken = InvalidClientDeviceAuthTokenError;
    /// The credential of a client device does not hold.
    InvalidCredential = InvalidCredentialError;
    /// A folder of recipes cannot be used.
    InvalidRecipeDirectoryPath = InvalidRecipeDirectoryPathError;
    /// The token of a component does not hold.
    InvalidToken = InvalidTokenError;
    /// What was named is not there.
    ResourceNotFound = ResourceNotFoundError;
    /// Any other failure; the one that may go away by itself.
    Service = ServiceError;
    /// No policy grants it.
    Unauthorized = UnauthorizedError;
}

impl ErrorCode {
    /// The code with this name, which may be that of its shape.
    pub fn by_name(name: &str) -> Option<Self> {
        let name = name.strip_prefix("aws.greengrass#").unwrap_or(name);
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

/// An operation failed, and its stream ends.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationError {
    /// Which error it is.
    pub code: ErrorCode,
    /// A sentence for a person, of at most [`MAX_MESSAGE_BYTES`].
    message: String,
    /// With [`ErrorCode::Service`]: more for a program.
    pub context: Option<Document>,
    /// With [`ErrorCode::ResourceNotFound`]: the kind of what is not there.
    pub resource_type: Option<String>,
    /// With [`ErrorCode::ResourceNotFound`]: its name.
    pub resource_name: Option<String>,
}

/// What is on the wire. Python and C++ read `message`, Java `_message` and C `_errorCode`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    message: Option<String>,
    #[serde(rename = "_message")]
    base_message: Option<String>,
    #[serde(rename = "_errorCode")]
    code: Option<String>,
    #[serde(rename = "_service", skip_deserializing)]
    service: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Document>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource_name: Option<String>,
}

impl OperationError {
    /// An error with a message, which is cut if it is too long.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        let message = cut(message.into(), MAX_MESSAGE_BYTES);
        Self { code, message, context: None, resource_type: None, resource_name: None }
    }

    /// The sentence for a person.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The error as it is sent.
    pub fn to_payload(&self) -> Result<Payload, PayloadError> {
        Payload::of(&Wire {
            message: Some(self.message.clone()),
            base_message: Some(self.message.clone()),
            code: Some(self.code.name().to_owned()),
            service: SERVICE,
            context: self.context.clone(),
            resource_type: self.resource_type.clone(),
            resource_name: self.resource_name.clone(),
        })
    }

    /// The error that came, by its shape or else by its code. `None` if it is none of the model.
    pub fn from_payload(model_type: Option<&str>, payload: &Payload) -> Option<Self> {
        let wire: Wire = payload.read().ok()?;
        let code = model_type.or(wire.code.as_deref()).and_then(ErrorCode::by_name)?;
        let message = wire.message.or(wire.base_message).unwrap_or_default();
        Some(Self {
            context: wire.context,
            resource_type: wire.resource_type,
            resource_name: wire.resource_name,
            ..Self::new(code, message)
        })
    }
}

impl fmt::Display for OperationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for OperationError {}

#[cfg(test)]
mod tests;
