//! Why a request is refused.

use super::{MAX_DEPTH, ShadowName};
use crate::name::ThingName;

/// Why a request is refused, with the words and codes of AWS IoT (developer guide, "Device Shadow
/// error messages") and of shadow manager (`ErrorMessage.java`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// An update without a document.
    #[error("Missing update payload")]
    MissingPayload,
    /// The document is no JSON object.
    #[error("Invalid JSON")]
    InvalidJson,
    /// There is no `state`.
    #[error("Missing required node: state")]
    MissingState,
    /// `state` is neither an object nor null.
    #[error("State node must be an object")]
    StateNotObject,
    /// `desired` is neither an object nor null.
    #[error("Desired node must be an object")]
    DesiredNotObject,
    /// `reported` is neither an object nor null.
    #[error("Reported node must be an object")]
    ReportedNotObject,
    /// `state` holds what is no section.
    #[error("State contains an invalid node: '{0}'")]
    InvalidNode(String),
    /// `version` is no whole number, or not that of a new shadow.
    #[error("Invalid version")]
    InvalidVersion,
    /// `clientToken` is no text, or too long.
    #[error("Invalid clientToken")]
    InvalidToken,
    /// Objects and lists within one another.
    #[error("JSON contains too many levels of nesting; maximum is {MAX_DEPTH}")]
    TooDeep,
    /// No policy grants it.
    #[error("Unauthorized")]
    Unauthorized,
    /// There is no such thing.
    #[error("No thing exists with name: '{0}'")]
    NoThing(ThingName),
    /// There is no such shadow.
    #[error("No shadow exists with name: {}", .0.as_ref().map_or("Unnamed Shadow", AsRef::as_ref))]
    NotFound(Option<ShadowName>),
    /// The thing has as many named shadows as it may have.
    #[error("The thing has {0} named shadows already; delete one")]
    TooMany(usize),
    /// The shadow has another version than the request says.
    #[error("Version conflict")]
    Conflict,
    /// The state would be larger than shadows may be.
    #[error("The payload exceeds the maximum size allowed")]
    TooLarge,
    /// The document is no UTF-8.
    #[error("Unsupported documented encoding; supported encoding is UTF-8")]
    Encoding,
    /// More requests than are served at a time.
    #[error("Too Many Requests")]
    TooManyRequests,
    /// The host failed.
    #[error("Internal service failure")]
    Internal,
}

impl Refusal {
    /// The code that the message of a refusal carries.
    pub fn code(&self) -> u16 {
        match self {
            Self::MissingPayload
            | Self::InvalidJson
            | Self::MissingState
            | Self::StateNotObject
            | Self::DesiredNotObject
            | Self::ReportedNotObject
            | Self::InvalidNode(_)
            | Self::InvalidVersion
            | Self::InvalidToken
            | Self::TooDeep
            | Self::TooMany(_) => 400,
            Self::Unauthorized => 401,
            Self::NoThing(_) | Self::NotFound(_) => 404,
            Self::Conflict => 409,
            Self::TooLarge => 413,
            Self::Encoding => 415,
            Self::TooManyRequests => 429,
            Self::Internal => 500,
        }
    }
}
