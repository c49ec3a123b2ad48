//! Why something that was asked for is not done, in no protocol's words.

use crate::artifacts::UploadError;
use crate::state::StateError;
use std::fmt;
use thiserror::Error;

/// A kind of refusal; each protocol has names and statuses for them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Kind {
    /// It has changed since the caller looked.
    Conflict,
    /// What was sent is not what its digest says.
    Damaged,
    /// The caller may not.
    Denied,
    /// What was sent is no text.
    Encoding,
    /// There is one already that is not the same.
    Exists,
    /// It is used by something else.
    InUse,
    /// Something went wrong here.
    Internal,
    /// What was asked is not well formed, or not allowed.
    Invalid,
    /// There are as many as there can be.
    Limit,
    /// A document that was sent can be none.
    Malformed,
    /// It still holds something.
    NotEmpty,
    /// There is none.
    NotFound,
    /// AWS has this, and this program does not.
    NotServed,
    /// A condition of the caller does not hold.
    Precondition,
    /// A part of an upload is missing, or another one.
    Part,
    /// What it has come to does not allow it.
    State,
    /// It has come to its end.
    Terminal,
    /// The caller is to come back later.
    Throttled,
    /// There is too much of it.
    TooLarge,
    /// It cannot come to that state from where it is.
    Transition,
}

/// What a refusal is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Resource {
    /// What it is: `component`, `bucket`.
    pub kind: &'static str,
    /// Which one: its name or ARN.
    pub id: String,
}

/// Why something is not done. What it says is for the caller to read.
#[derive(Clone, Debug, Error)]
#[error("{message}")]
pub struct Refusal {
    /// Which kind.
    pub kind: Kind,
    /// What to say about it.
    pub message: String,
    /// What it is about.
    pub resource: Option<Resource>,
}

impl Refusal {
    /// Of a kind, with what to say about it.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), resource: None }
    }

    /// What was asked is not well formed, or not allowed.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// There is none.
    pub fn not_found(kind: &'static str, id: impl Into<String>) -> Self {
        let id = id.into();
        Self::new(Kind::NotFound, format!("there is no {kind} {id}")).about(kind, id)
    }

    /// Something went wrong here. The caller is told no more than that, the log has the rest.
    pub fn internal(what: &dyn fmt::Display) -> Self {
        tracing::error!(error = %what, "a request failed");
        Self::new(Kind::Internal, "something went wrong in the server; its log says what")
    }

    /// With something else to say.
    #[must_use]
    pub fn saying(self, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..self }
    }

    /// With what it is about.
    #[must_use]
    pub fn about(mut self, kind: &'static str, id: impl Into<String>) -> Self {
        self.resource = Some(Resource { kind, id: id.into() });
        self
    }
}

impl From<StateError> for Refusal {
    fn from(error: StateError) -> Self {
        Self::internal(&error)
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<UploadError> for Refusal {
    fn from(error: UploadError) -> Self {
        match error {
            UploadError::TooLarge { .. } => Self::new(Kind::TooLarge, error.to_string()),
            UploadError::Io(error) => Self::internal(&error),
        }
    }
}
