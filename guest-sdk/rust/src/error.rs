//! Failures of the host and of what lies between.

use crate::bindings::gg::host::types::Error as Wit;
use std::fmt;

/// Why something did not work.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Error {
    /// The state has moved on since the caller looked.
    Conflict(String),
    /// The host failed.
    Internal(String),
    /// An argument breaks a rule.
    InvalidArgument(String),
    /// A value is not the JSON that was expected. Found on this side.
    Json(String),
    /// The thing that was named does not exist.
    NotFound(String),
    /// Neither the recipe nor the operator grants it.
    Unauthorized(String),
    /// Not possible now and worth trying later.
    Unavailable(String),
}

/// The result of a call to the host.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Conflict(message)
        | Self::Internal(message)
        | Self::InvalidArgument(message)
        | Self::Json(message)
        | Self::NotFound(message)
        | Self::Unauthorized(message)
        | Self::Unavailable(message)) = self;
        f.write_str(message)
    }
}

impl std::error::Error for Error {}

impl From<Wit> for Error {
    fn from(error: Wit) -> Self {
        match error {
            Wit::Conflict(message) => Self::Conflict(message),
            Wit::Internal(message) => Self::Internal(message),
            Wit::InvalidArgument(message) => Self::InvalidArgument(message),
            Wit::NotFound(message) => Self::NotFound(message),
            Wit::Unauthorized(message) => Self::Unauthorized(message),
            Wit::Unavailable(message) => Self::Unavailable(message),
        }
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error.to_string())
    }
}
