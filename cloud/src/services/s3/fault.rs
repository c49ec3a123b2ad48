//! Refusals as S3 names them (S3 API reference, "Error responses").

use crate::registry::{Kind, Refusal};
use crate::web::Fault;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;

/// A refusal, for the protocol to write down.
pub(super) fn response(refusal: &Refusal) -> Response {
    let about = refusal.resource.as_ref();
    let (status, code) = name(refusal.kind, about.map_or("", |resource| resource.kind));
    let fault = Fault::new(status, code, &refusal.message);
    let named = match about.map(|resource| (resource.kind, resource.id.as_str())) {
        Some(("bucket", name)) => fault.with("BucketName", name),
        Some(("object" | "key", name)) => fault.with("Key", name),
        Some(("upload", id)) => fault.with("UploadId", id),
        Some(("range", size)) => fault.with("ActualObjectSize", size),
        Some(("condition", what)) => fault.with("Condition", what),
        _ => fault,
    };
    named.into_response()
}

fn name(kind: Kind, about: &str) -> (StatusCode, &'static str) {
    match (kind, about) {
        (Kind::NotFound, "bucket") => (StatusCode::NOT_FOUND, "NoSuchBucket"),
        (Kind::NotFound, "upload") => (StatusCode::NOT_FOUND, "NoSuchUpload"),
        (Kind::NotFound, _) => (StatusCode::NOT_FOUND, "NoSuchKey"),
        (Kind::Exists, _) => (StatusCode::CONFLICT, "BucketAlreadyOwnedByYou"),
        (Kind::NotEmpty, _) => (StatusCode::CONFLICT, "BucketNotEmpty"),
        (Kind::Conflict | Kind::InUse | Kind::State | Kind::Terminal | Kind::Transition, _) => {
            (StatusCode::CONFLICT, "OperationAborted")
        }
        (Kind::Limit, _) => (StatusCode::BAD_REQUEST, "TooManyBuckets"),
        (Kind::Malformed, _) => (StatusCode::BAD_REQUEST, "MalformedPolicy"),
        (Kind::Damaged, "digest") => (StatusCode::BAD_REQUEST, "XAmzContentSHA256Mismatch"),
        (Kind::Damaged, "length") => (StatusCode::BAD_REQUEST, "IncompleteBody"),
        (Kind::Damaged, _) => (StatusCode::BAD_REQUEST, "BadDigest"),
        (Kind::Denied, _) => (StatusCode::FORBIDDEN, "SignatureDoesNotMatch"),
        (Kind::Invalid, "bucket") => (StatusCode::BAD_REQUEST, "InvalidBucketName"),
        (Kind::Invalid, "key") => (StatusCode::BAD_REQUEST, "KeyTooLongError"),
        (Kind::Invalid, "parts" | "xml") => (StatusCode::BAD_REQUEST, "MalformedXML"),
        (Kind::Invalid, "request") => (StatusCode::BAD_REQUEST, "InvalidRequest"),
        (Kind::Invalid, "range") => (StatusCode::RANGE_NOT_SATISFIABLE, "InvalidRange"),
        (Kind::Encoding | Kind::Invalid, _) => (StatusCode::BAD_REQUEST, "InvalidArgument"),
        (Kind::Part, "parts") => (StatusCode::BAD_REQUEST, "InvalidPartOrder"),
        (Kind::Part, "small") => (StatusCode::BAD_REQUEST, "EntityTooSmall"),
        (Kind::Part, _) => (StatusCode::BAD_REQUEST, "InvalidPart"),
        (Kind::Precondition, _) => (StatusCode::PRECONDITION_FAILED, "PreconditionFailed"),
        (Kind::TooLarge, _) => (StatusCode::BAD_REQUEST, "EntityTooLarge"),
        (Kind::NotServed, _) => (StatusCode::NOT_IMPLEMENTED, "NotImplemented"),
        (Kind::Throttled, _) => (StatusCode::SERVICE_UNAVAILABLE, "SlowDown"),
        (Kind::Internal, _) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
    }
}
