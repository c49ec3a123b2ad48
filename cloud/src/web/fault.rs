//! An error as a protocol of AWS has it, before it is written down.

use super::sigv4::SignatureError;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Map, Value};

/// An error. As a response it has no body yet: the service's protocol writes that.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The status.
    pub status: StatusCode,
    /// The name that clients tell errors apart by.
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// What else its model says of it; in JSON only.
    pub members: Map<String, Value>,
}

impl Fault {
    /// With a status, a name, and what to say.
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), members: Map::new() }
    }

    /// With one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// As S3 names it (S3 API reference, "Error responses"); all other services share their names.
    #[must_use]
    pub(super) fn of_signature_in_s3(error: &SignatureError) -> Self {
        let (status, code) = match error {
            SignatureError::Malformed(_) => {
                (StatusCode::BAD_REQUEST, "AuthorizationHeaderMalformed")
            }
            SignatureError::Region { .. } => {
                (StatusCode::BAD_REQUEST, "AuthorizationHeaderMalformed")
            }
            SignatureError::Skewed { .. } => (StatusCode::FORBIDDEN, "RequestTimeTooSkewed"),
            SignatureError::UnknownKey(_) => (StatusCode::FORBIDDEN, "InvalidAccessKeyId"),
            SignatureError::Mismatch => (StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
            SignatureError::Token => (StatusCode::BAD_REQUEST, "ExpiredToken"),
            SignatureError::Missing | SignatureError::Expired => {
                (StatusCode::FORBIDDEN, "AccessDenied")
            }
            SignatureError::Unsupported(_) => (StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
        };
        Self::new(status, code, error.to_string())
    }
}

/// As all services but S3 name it (AWS, "Common error types").
impl From<SignatureError> for Fault {
    fn from(error: SignatureError) -> Self {
        let code = match error {
            SignatureError::Missing => "MissingAuthenticationTokenException",
            SignatureError::Malformed(_) | SignatureError::Unsupported(_) => {
                "IncompleteSignatureException"
            }
            SignatureError::Token => "ExpiredTokenException",
            SignatureError::UnknownKey(_) => "UnrecognizedClientException",
            SignatureError::Skewed { .. }
            | SignatureError::Expired
            | SignatureError::Region { .. }
            | SignatureError::Mismatch => "InvalidSignatureException",
        };
        Self::new(StatusCode::FORBIDDEN, code, error.to_string())
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.status;
        response.extensions_mut().insert(self);
        response
    }
}
